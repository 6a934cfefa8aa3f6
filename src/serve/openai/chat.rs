//! `POST /v1/chat/completions`.
//!
//! Citations come as `url_citation` annotations, the one shape that most clients show, and everything
//! else that docent knows of its answer under one key, `docent`. The shapes of chunks follow what the
//! clients insist on: every choice has an index, the chunk with the usage has no choice and is sent only
//! where it was asked for, and what fails in mid-answer is an `error` object without a `[DONE]`.

use axum::response::Response;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::draft::{Draft, Mark, Piece};
use super::file_search::FileSearch;
use super::messages::{self, Conversation, Message};
use super::{details, model_id, named_ignored, open_model, sampling, split, unix_now};
use crate::query::AnswerEvent;
use crate::query::cite::Citation;
use crate::serve::answering::{self, AnswerDetails, Answered, Question};
use crate::serve::call::{Call, made_id};
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::refusal::Refusal;
use crate::serve::request::{object, typed};
use crate::serve::sse::{self, Frame};
use crate::serve::told::Told;
use crate::types::Usage;

/// What of a request has an effect. Members by these names are checked, all others are named in the
/// answer.
const KNOWN: [&str; 9] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "n",
    "tools",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
];

/// What no client means anything by where it has this value.
const NEUTRAL: [&str; 4] = ["user", "metadata", "store", "service_tier"];

#[derive(Deserialize)]
struct ChatRequest {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
    #[serde(default)]
    temperature: Option<f32>,
    /// The older name of the next.
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    max_completion_tokens: Option<u32>,
}

#[derive(Deserialize, Default)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

pub(in crate::serve) async fn complete(call: Call) -> Result<Response, Refusal> {
    let (members, mut ignored) = split(object(&call.body)?, &KNOWN);
    ignored.retain(|name| !NEUTRAL.contains(&name.as_str()));
    let request: ChatRequest = typed(members)?;
    if request.n.is_some_and(|n| n != 1) {
        return Err(Refusal::invalid("n", "there is one answer to a question: `n` is 1"));
    }
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
    let sampling = sampling(&scoped, request.temperature, max_tokens, &mut ignored)?;
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
            teller.tell(head.chunk(json!({ "role": "assistant", "content": "" }), None));
            let mut draft = Draft::sent();
            let mut emit = |event: AnswerEvent| {
                if let Some(piece) = draft.on(event) {
                    teller.tell(head.chunk(delta(piece), None));
                }
            };
            let answered =
                answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await;
            match answered {
                Ok(answered) => {
                    if let Some(words) = draft.end(&answered) {
                        teller.tell(head.chunk(json!({ "content": words }), None));
                    }
                    let annotations = annotations(&draft, &answered, &links);
                    if !annotations.is_empty() {
                        teller.tell(head.chunk(json!({ "annotations": annotations }), None));
                    }
                    let details = details(&answered, &links, ignored);
                    teller.tell(head.last(answered.finish_reason(), &details));
                    if include_usage {
                        teller.tell(head.usage(&answered.answer.usage));
                    }
                    teller.tell(Frame::done());
                }
                Err(refusal) => {
                    notes.note(|notes| notes.error = Some(refusal.code.to_owned()));
                    teller.tell(Frame::data(&json!({ "error": refusal.object(&id) })));
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
        native::json(
            &Completion {
                message: json!({
                    "role": "assistant",
                    "content": draft.text(),
                    "refusal": null,
                    "annotations": annotations(&draft, &answered, &links),
                }),
                finish_reason: answered.finish_reason(),
                usage: usage(&answered.answer.usage),
                details: details(&answered, &links, ignored),
                head,
            }
            .into_json(),
        )
    };
    Ok(named_ignored(response, &named))
}

/// What every chunk of an answer begins with.
struct Head {
    id: String,
    created: i64,
    model: String,
}

impl Head {
    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> Frame {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        Frame::data(&self.object("chat.completion.chunk", json!({ "choices": [choice] })))
    }

    fn last(&self, finish_reason: &str, details: &AnswerDetails) -> Frame {
        let choice =
            json!({ "index": 0, "delta": {}, "logprobs": null, "finish_reason": finish_reason });
        let rest = json!({ "choices": [choice], "docent": details });
        Frame::data(&self.object("chat.completion.chunk", rest))
    }

    fn usage(&self, used: &Usage) -> Frame {
        let rest = json!({ "choices": [], "usage": usage(used) });
        Frame::data(&self.object("chat.completion.chunk", rest))
    }

    fn object(&self, kind: &str, rest: Value) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
        });
        if let (Value::Object(object), Value::Object(rest)) = (&mut object, rest) {
            object.extend(rest);
        }
        object
    }
}

/// The answer in one piece.
struct Completion {
    head: Head,
    message: Value,
    finish_reason: &'static str,
    usage: UsageObject,
    details: AnswerDetails,
}

impl Completion {
    fn into_json(self) -> Value {
        let choice = json!({
            "index": 0,
            "message": self.message,
            "logprobs": null,
            "finish_reason": self.finish_reason,
        });
        let rest = json!({ "choices": [choice], "usage": self.usage, "docent": self.details });
        self.head.object("chat.completion", rest)
    }
}

/// Numbers alone: some clients take no null. What the endpoint did not say is 0.
#[derive(Serialize)]
struct UsageObject {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: Value,
    completion_tokens_details: Value,
}

fn usage(used: &Usage) -> UsageObject {
    let (prompt, completion) =
        (used.prompt_tokens.unwrap_or(0), used.completion_tokens.unwrap_or(0));
    UsageObject {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        prompt_tokens_details: json!({ "cached_tokens": used.cached_tokens.unwrap_or(0) }),
        completion_tokens_details: json!({ "reasoning_tokens": used.reasoning_tokens.unwrap_or(0) }),
    }
}

#[derive(Serialize)]
struct Annotation {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation,
}

#[derive(Serialize)]
struct UrlCitation {
    start_index: usize,
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

fn delta(piece: Piece) -> Value {
    match piece {
        Piece::Text(text) => json!({ "content": text }),
        Piece::Thinking(text) => json!({ "reasoning_content": text }),
    }
}
