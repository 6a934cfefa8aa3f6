//! `POST /v1/chat/completions`.
//!
//! Citations come as `url_citation` annotations, the one shape that most clients show, and everything
//! else that docent knows of its answer under one key, `docent`. The shapes of chunks follow what the
//! clients insist on: every choice has an index, the chunk with the usage has no choice and is sent only
//! where it was asked for, and what fails in mid-answer is an `error` object without a `[DONE]`.

use axum::response::Response;
use futures::StreamExt as _;
use http::HeaderName;
use http::header::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::messages::{self, Conversation, Message};
use super::{model_id, open_model, split, unix_now};
use crate::output::CitationJson;
use crate::query::AnswerEvent;
use crate::serve::answering::{self, AnswerDetails, Answered, Question, words_for};
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
const KNOWN: [&str; 5] = ["model", "messages", "stream", "stream_options", "n"];

/// What no client means anything by where it has this value.
const NEUTRAL: [&str; 4] = ["user", "metadata", "store", "service_tier"];

const IGNORED: HeaderName = HeaderName::from_static("docent-ignored");

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
    let scoped = open_model(&call.caller, &request.model)?;
    let conversation = messages::read(&request.messages)?;
    ignored.extend(conversation.ignored.iter().cloned());
    let Conversation { question, history, introduction, .. } = conversation;
    let question = Question { text: question, history, introduction, ..Question::default() };
    let links = Links::new(&call.server, &call.headers);
    let head =
        Head { id: made_id("chatcmpl-"), created: unix_now(), model: model_id(&scoped.name) };
    let ignored_header = HeaderValue::from_str(&ignored.join(", ")).ok();
    let Call { caller, notes, server, id, .. } = call;
    let mut response = if request.stream == Some(true) {
        let include_usage = request.stream_options.unwrap_or_default().include_usage;
        let events = Told::of(|teller| async move {
            teller.tell(head.chunk(json!({ "role": "assistant", "content": "" }), None));
            let mut draft = Draft { is_sent: true, ..Draft::default() };
            let mut emit = |event: AnswerEvent| {
                if let Some(delta) = draft.on(event) {
                    teller.tell(head.chunk(delta, None));
                }
            };
            let answered =
                answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await;
            let answered = answered.and_then(|answered| match answered.failed() {
                Some(refusal) => Err(refusal),
                None => Ok(answered),
            });
            match answered {
                Ok(answered) => {
                    if let Some(words) = draft.words_instead(&answered) {
                        teller.tell(head.chunk(json!({ "content": words }), None));
                    }
                    let annotations = draft.annotations(&answered, &links);
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
        if let Some(refusal) = answered.failed() {
            return Err(refusal);
        }
        let content = match draft.words_instead(&answered) {
            Some(words) => words.to_owned(),
            None => draft.text.clone(),
        };
        native::json(
            &Completion {
                message: json!({
                    "role": "assistant",
                    "content": content,
                    "refusal": null,
                    "annotations": draft.annotations(&answered, &links),
                }),
                finish_reason: answered.finish_reason(),
                usage: usage(&answered.answer.usage),
                details: details(&answered, &links, ignored),
                head,
            }
            .into_json(),
        )
    };
    if let Some(header) = ignored_header.filter(|header| !header.is_empty()) {
        response.headers_mut().insert(IGNORED, header);
    }
    Ok(response)
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

fn details(answered: &Answered, links: &Links, ignored: Vec<String>) -> AnswerDetails {
    let collection = &answered.asked.collection;
    let link = |citation: &CitationJson| links.to(collection, &citation.source, citation.locator);
    AnswerDetails::new(answered, &link, ignored)
}

/// The text as the caller gets it, and where its marks are.
#[derive(Default)]
struct Draft {
    text: String,
    /// Of the text, in characters: what clients written in Python count in.
    length: usize,
    marks: Vec<Mark>,
    /// The caller has the text already: it stays, whatever becomes of it.
    is_sent: bool,
}

/// A mark of the text: its first character, the one after its last, and its number.
struct Mark {
    start: usize,
    end: usize,
    number: u32,
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

impl Draft {
    /// The deltas that an event comes to.
    fn on(&mut self, event: AnswerEvent) -> Option<Value> {
        let text = match event {
            AnswerEvent::Text(text) => text,
            AnswerEvent::Mark(number) => {
                let text = format!("[{number}]");
                let start = self.length;
                self.marks.push(Mark { start, end: start + text.len(), number });
                text
            }
            AnswerEvent::Thinking(text) => return Some(json!({ "reasoning_content": text })),
            // What was sent cannot be taken back; what follows is the answer.
            AnswerEvent::Retracted => {
                self.marks.clear();
                let so_far = std::mem::take(&mut self.text);
                self.length = if self.is_sent { self.length } else { 0 };
                return (!so_far.is_empty()).then(|| json!({ "reasoning_content": so_far }));
            }
            AnswerEvent::Asking(_) | AnswerEvent::Retrieved { .. } => return None,
        };
        self.length += text.chars().count();
        self.text.push_str(&text);
        Some(json!({ "content": text }))
    }

    /// What is said where there is no answer.
    fn words_instead(&self, answered: &Answered) -> Option<&'static str> {
        let words = answered.answer.no_answer.map(words_for)?;
        (self.text.trim().is_empty() && !words.is_empty()).then_some(words)
    }

    /// One for each mark that names a passage.
    fn annotations(&self, answered: &Answered, links: &Links) -> Vec<Annotation> {
        let citations = &answered.answer.citations.citations;
        let annotation = |mark: &Mark| {
            let citation = citations.iter().find(|citation| citation.number == mark.number)?;
            Some(Annotation {
                kind: "url_citation",
                url_citation: UrlCitation {
                    start_index: mark.start,
                    end_index: mark.end,
                    url: links.to(&answered.asked.collection, &citation.source, citation.locator),
                    title: citation.citation.clone(),
                },
            })
        };
        self.marks.iter().filter_map(annotation).collect()
    }
}
