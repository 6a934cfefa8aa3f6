//! `POST /v1/chat/completions`.
//!
//! Citations come as `url_citation` annotations, the one shape that most clients show, and everything
//! else that docent knows of its answer under one key, `docent`. The shapes of chunks follow what the
//! clients insist on: every choice has an index, the chunk with the usage has no choice and is sent only
//! where it was asked for, and what fails in mid-answer is an `error` object without a `[DONE]`.

use axum::response::Response;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::draft::{Draft, Mark, Piece};
use super::file_search::{FileSearch, Tool};
use super::messages::{self, Conversation, MOST_MESSAGES, Message};
use super::{details, model_id, named_ignored, open_model, sampling, split, unix_now};
use crate::query::AnswerEvent;
use crate::query::cite::Citation;
use crate::serve::answering::{self, AnswerDetails, Answered, Question};
use crate::serve::call::{Call, made_id};
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::Operation;
use crate::serve::refusal::{ErrorResponse, Refusal};
use crate::serve::request::{object, typed};
use crate::serve::sse::{self, Frame};
use crate::serve::told::Told;
use crate::types::Usage;

/// What no client means anything by where it has this value.
const NEUTRAL: [&str; 4] = ["user", "metadata", "store", "service_tier"];

/// What of a request has an effect: these members are checked, all others are named in the answer.
#[derive(Deserialize, JsonSchema)]
struct ChatRequest {
    /// `docent/COLLECTION`, or `docent` for the usual one.
    model: String,
    /// The last is the question, by the user.
    #[schemars(length(min = 1, max = "MOST_MESSAGES"))]
    messages: Vec<Message>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    /// There is one answer to a question.
    #[serde(default)]
    #[serde(rename = "n")]
    #[schemars(range(min = 1, max = 1))]
    _n: Option<u32>,
    #[serde(default)]
    #[schemars(with = "Option<Vec<Tool>>")]
    tools: Option<Vec<Value>>,
    /// Where a chat model is configured.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2))]
    temperature: Option<f32>,
    /// The older name of the next.
    #[serde(default)]
    #[schemars(range(min = 1, max = "u32::MAX"))]
    max_tokens: Option<u32>,
    /// Where a chat model is configured.
    #[serde(default)]
    #[schemars(range(min = 1, max = "u32::MAX"))]
    max_completion_tokens: Option<u32>,
}

#[derive(Deserialize, JsonSchema, Default)]
struct StreamOptions {
    /// A last chunk has the usage.
    #[serde(default)]
    include_usage: bool,
}

pub(in crate::serve) fn described(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("createChatCompletion", "An answer with citations, as OpenAI's chat completions")
        .says(
            "With `stream` each event has a chunk; the last is the text `[DONE]`. What fails in \
            mid-answer is an event with an `error`, and no `[DONE]`.",
        )
        .takes::<ChatRequest>()
        .answers::<Completion>()
        .streams::<Chunk>()
        .streams::<ErrorResponse>()
        .names_ignored()
}

pub(in crate::serve) async fn complete(call: Call) -> Result<Response, Refusal> {
    let (members, mut ignored) = split::<ChatRequest>(object(&call.body)?);
    ignored.retain(|name| !NEUTRAL.contains(&name.as_str()));
    let request: ChatRequest = typed(members)?;
    let search = FileSearch::read(&request.tools.unwrap_or_default(), &call.caller)?;
    let scoped = open_model(&call.caller, &request.model)?;
    let scoped = search.scoped.unwrap_or(scoped);
    ignored.extend(search.ignored);
    let conversation = messages::read(&request.messages, "messages")?;
    let Conversation { question, history, introduction, ignored: unread } = conversation;
    ignored.extend(unread);
    let max_tokens = match request.max_completion_tokens {
        Some(tokens) => ("max_completion_tokens", Some(tokens)),
        None => ("max_tokens", request.max_tokens),
    };
    let sampling = sampling(&scoped, request.temperature, max_tokens, &mut ignored);
    let (filter, overrides) = (search.filter, search.overrides);
    let question =
        Question { text: question, history, introduction, filter, overrides, sampling, id: None };
    let links = Links::new(&call.server, &call.headers);
    let head =
        Head { id: made_id("chatcmpl-"), created: unix_now(), model: model_id(&scoped.name) };
    let named = ignored.clone();
    let Call { caller, notes, server, id, .. } = call;
    let response = if request.stream == Some(true) {
        let include_usage = request.stream_options.unwrap_or_default().include_usage;
        let events = Told::of(|teller| async move {
            teller.tell(head.chunk(Delta { role: Some("assistant"), ..Delta::text("") }, None));
            let mut draft = Draft::sent();
            let mut emit = |event: AnswerEvent| {
                if let Some(piece) = draft.on(event) {
                    teller.tell(head.chunk(Delta::of(piece), None));
                }
            };
            let answered =
                answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await;
            match answered {
                Ok(answered) => {
                    if let Some(words) = draft.end(&answered) {
                        teller.tell(head.chunk(Delta::text(words), None));
                    }
                    let annotations = annotations(&draft, &answered, &links);
                    if !annotations.is_empty() {
                        let delta = Delta { annotations, ..Delta::default() };
                        teller.tell(head.chunk(delta, None));
                    }
                    let details = details(&answered, &links, ignored);
                    teller.tell(head.last(answered.finish_reason(), details));
                    if include_usage {
                        teller.tell(head.usage(&answered.answer.usage));
                    }
                    teller.tell(Frame::done());
                }
                Err(refusal) => {
                    notes.note(|notes| notes.error = Some(refusal.code.to_owned()));
                    teller.tell(Frame::data(&refusal.body(&id)));
                }
            }
        });
        sse::response(events.boxed())
    } else {
        let mut draft = Draft::default();
        let mut emit = |event| drop(draft.on(event));
        let answered =
            answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await?;
        draft.end(&answered);
        let message = AnsweredMessage {
            role: "assistant",
            content: draft.text().to_owned(),
            refusal: (),
            annotations: annotations(&draft, &answered, &links),
        };
        native::json(&Completion {
            head: head.object("chat.completion"),
            choices: [Choice {
                index: 0,
                message,
                logprobs: (),
                finish_reason: answered.finish_reason(),
            }],
            usage: usage(&answered.answer.usage),
            docent: details(&answered, &links, ignored),
        })
    };
    Ok(named_ignored(response, &named))
}

/// What every object about an answer begins with, but for what it is.
struct Head {
    id: String,
    created: i64,
    model: String,
}

/// What every object about an answer begins with.
#[derive(Serialize, JsonSchema)]
struct ObjectHead {
    id: String,
    /// `chat.completion` or `chat.completion.chunk`.
    object: &'static str,
    /// Seconds since 1970.
    created: i64,
    model: String,
}

/// A piece of an answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChunk")]
struct Chunk {
    #[serde(flatten)]
    head: ObjectHead,
    /// One; none where the usage is told.
    choices: Vec<ChunkChoice>,
    /// In the last chunk, where `stream_options.include_usage` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageObject>,
    /// In the last chunk with a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    docent: Option<AnswerDetails>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChunkChoice")]
struct ChunkChoice {
    index: u32,
    delta: Delta,
    logprobs: (),
    /// `stop`, `length` or `content_filter`; null until the last.
    finish_reason: Option<&'static str>,
}

/// What is new.
#[derive(Serialize, JsonSchema, Default)]
#[schemars(rename = "ChatCompletionDelta")]
struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// What the model thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    /// Once the text is whole: citations are checked then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    annotations: Vec<Annotation>,
}

impl Delta {
    fn text(text: &str) -> Self {
        Self { content: Some(text.to_owned()), ..Self::default() }
    }

    fn of(piece: Piece) -> Self {
        match piece {
            Piece::Text(text) => Self { content: Some(text), ..Self::default() },
            Piece::Thinking(text) => Self { reasoning_content: Some(text), ..Self::default() },
        }
    }
}

impl Head {
    fn chunk(&self, delta: Delta, finish_reason: Option<&'static str>) -> Frame {
        Frame::data(&self.chunk_of(delta, finish_reason))
    }

    fn chunk_of(&self, delta: Delta, finish_reason: Option<&'static str>) -> Chunk {
        let choice = ChunkChoice { index: 0, delta, logprobs: (), finish_reason };
        let head = self.object("chat.completion.chunk");
        Chunk { head, choices: vec![choice], usage: None, docent: None }
    }

    fn last(&self, finish_reason: &'static str, details: AnswerDetails) -> Frame {
        let chunk = self.chunk_of(Delta::default(), Some(finish_reason));
        Frame::data(&Chunk { docent: Some(details), ..chunk })
    }

    fn usage(&self, used: &Usage) -> Frame {
        let head = self.object("chat.completion.chunk");
        Frame::data(&Chunk { head, choices: Vec::new(), usage: Some(usage(used)), docent: None })
    }

    fn object(&self, object: &'static str) -> ObjectHead {
        let Self { id, created, model } = self;
        ObjectHead { id: id.clone(), object, created: *created, model: model.clone() }
    }
}

/// The answer in one piece.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletion")]
struct Completion {
    #[serde(flatten)]
    head: ObjectHead,
    /// One.
    choices: [Choice; 1],
    usage: UsageObject,
    docent: AnswerDetails,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChoice")]
struct Choice {
    index: u32,
    message: AnsweredMessage,
    logprobs: (),
    /// `stop`, `length` or `content_filter`.
    finish_reason: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionMessage")]
struct AnsweredMessage {
    /// `assistant`.
    role: &'static str,
    content: String,
    refusal: (),
    annotations: Vec<Annotation>,
}

/// Numbers alone: some clients take no null. What the endpoint did not say is 0.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionUsage")]
struct UsageObject {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTokens,
    completion_tokens_details: CompletionTokens,
}

#[derive(Serialize, JsonSchema)]
struct PromptTokens {
    cached_tokens: u64,
}

#[derive(Serialize, JsonSchema)]
struct CompletionTokens {
    reasoning_tokens: u64,
}

fn usage(used: &Usage) -> UsageObject {
    let (prompt, completion) =
        (used.prompt_tokens.unwrap_or(0), used.completion_tokens.unwrap_or(0));
    UsageObject {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        prompt_tokens_details: PromptTokens { cached_tokens: used.cached_tokens.unwrap_or(0) },
        completion_tokens_details: CompletionTokens {
            reasoning_tokens: used.reasoning_tokens.unwrap_or(0),
        },
    }
}

/// A mark of the text, and where it leads.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionAnnotation")]
struct Annotation {
    /// `url_citation`.
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation,
}

#[derive(Serialize, JsonSchema)]
struct UrlCitation {
    /// Of the text, in characters: the first of the mark.
    start_index: usize,
    /// The one behind its last.
    end_index: usize,
    url: String,
    title: String,
}

/// One for each mark that names a passage.
fn annotations(draft: &Draft, answered: &Answered, links: &Links) -> Vec<Annotation> {
    let annotation = |(mark, citation): (Mark, &Citation)| Annotation {
        kind: "url_citation",
        url_citation: UrlCitation {
            start_index: mark.start,
            end_index: mark.end,
            url: links.to(&answered.asked.collection, &citation.source, citation.locator),
            title: citation.citation.clone(),
        },
    };
    draft.cited(answered).map(annotation).collect()
}
