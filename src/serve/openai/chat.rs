//! `POST /v1/chat/completions`.
//!
//! Citations are `url_citation` annotations, the one shape that most clients show, and all other details
//! are under one key, `docent`. The shapes of chunks follow what clients insist on: every choice has an
//! index, the chunk with the usage has no choice and is sent only on request, and an error in mid-answer is
//! an `error` object without a `[DONE]`. The chat model may call functions of the client: calls go back to
//! the client, and their results come with its next request.

mod objects;

use axum::response::Response;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use objects::annotations;
pub(super) use objects::{
    AnsweredMessage, ChatCompletion, CompletionChunk, CompletionDelta, CompletionDetails,
    CompletionHead,
};

use super::draft::Draft;
use super::file_search::RequestTool;
use super::messages::{MOST_MESSAGES, RequestMessage};
use super::{details, direct, model_id, named_ignored, request_parts, split, unix_now};
use crate::query::AnswerEvent;
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::{self, CallerQuestion};
use crate::serve::call::{AdmittedRequest, made_id};
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::progress_stream::ProgressStream;
use crate::serve::refusal::{ErrorResponse, RequestRefusal};
use crate::serve::request::{object, typed};
use crate::serve::sse::{self, Frame};

/// Members that clients send without meaning anything by them.
const NEUTRAL: [&str; 4] = ["user", "metadata", "store", "service_tier"];

/// The members with an effect: these are checked, all others are named in the answer.
#[derive(Deserialize, JsonSchema)]
struct ChatRequest {
    /// `docent/COLLECTION`, or `docent` for the default collection. The chat model's own name answers
    /// without documents; all other parameters then go to it.
    model: String,
    /// The last one is the question, from the user.
    #[schemars(length(min = 1, max = "MOST_MESSAGES"))]
    messages: Vec<RequestMessage>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    /// There is always one answer.
    #[serde(default)]
    #[serde(rename = "n")]
    #[schemars(range(min = 1, max = 1))]
    _n: Option<u32>,
    #[serde(default)]
    #[schemars(with = "Option<Vec<RequestTool>>")]
    tools: Option<Vec<Value>>,
    /// Which function is called, or whether any is; needs functions.
    #[serde(default)]
    tool_choice: Option<Value>,
    /// Needs functions.
    #[serde(default)]
    parallel_tool_calls: Option<bool>,
    /// Needs a chat model.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2))]
    temperature: Option<f32>,
    /// The older name of `max_completion_tokens`.
    #[serde(default)]
    #[schemars(range(min = 1, max = "u32::MAX"))]
    max_tokens: Option<u32>,
    /// Needs a chat model.
    #[serde(default)]
    #[schemars(range(min = 1, max = "u32::MAX"))]
    max_completion_tokens: Option<u32>,
}

#[derive(Deserialize, JsonSchema, Default)]
pub(super) struct StreamOptions {
    /// Send the usage in a last chunk.
    #[serde(default)]
    pub(super) include_usage: bool,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("createChatCompletion", "An answer with citations, as OpenAI's chat completions")
        .says(
            "With `stream` each event has a chunk; the last is the text `[DONE]`. An error in \
            mid-answer is an event with an `error`, and no `[DONE]`.",
        )
        .takes::<ChatRequest>()
        .answers::<ChatCompletion>()
        .streams::<CompletionChunk>()
        .streams::<ErrorResponse>()
        .names_ignored()
}

/// A request after it was read.
struct Asked {
    scoped: Scoped,
    question: CallerQuestion,
    stream: bool,
    include_usage: bool,
    /// Parameters that have no effect.
    ignored: Vec<String>,
}

/// # Errors
/// The request does not fit its schema, or asks for something that does not exist.
fn read(members: Map<String, Value>, caller: &Caller) -> Result<Asked, RequestRefusal> {
    let (members, mut ignored) = split::<ChatRequest>(members);
    ignored.retain(|name| !NEUTRAL.contains(&name.as_str()));
    let request: ChatRequest = typed(members)?;
    let max_tokens = match request.max_completion_tokens {
        Some(tokens) => ("max_completion_tokens", Some(tokens)),
        None => ("max_tokens", request.max_tokens),
    };
    let asked = request_parts::RequestParts {
        model: &request.model,
        tools: &request.tools.unwrap_or_default(),
        function: Value::clone,
        messages: &request.messages,
        messages_in: "messages",
        tool_choice: request.tool_choice,
        parallel_tool_calls: request.parallel_tool_calls,
        temperature: request.temperature,
        max_tokens,
    };
    let (scoped, question) = asked.read(caller, &mut ignored)?;
    let stream = request.stream == Some(true);
    let include_usage = request.stream_options.unwrap_or_default().include_usage;
    Ok(Asked { scoped, question, stream, include_usage, ignored })
}

pub(in crate::serve) async fn complete(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let members = object(&call.body)?;
    if let Some(model) = direct::model(&call.caller)
        .filter(|model| members.get("model").and_then(Value::as_str) == Some(model))
    {
        return direct::complete(call, members, model).await;
    }
    let Asked { scoped, question, stream, include_usage, ignored } = read(members, &call.caller)?;
    let links = Links::new(&call.server, &call.caller, &call.headers);
    let head = CompletionHead {
        id: made_id("chatcmpl-"),
        created: unix_now(),
        model: model_id(&scoped.name),
    };
    let named = ignored.clone();
    let AdmittedRequest { caller, notes, server, id, .. } = call;
    let response = if stream {
        let events = ProgressStream::of(|teller| async move {
            teller.tell(head.chunk(CompletionDelta::begin(), None));
            let mut draft = Draft::sent();
            let mut emit = |event: AnswerEvent| {
                if let Some(piece) = draft.on(event) {
                    teller.tell(head.chunk(CompletionDelta::of(piece), None));
                }
            };
            let answered =
                answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await;
            match answered {
                Ok(answered) => {
                    if let Some(words) = draft.end(&answered) {
                        teller.tell(head.chunk(CompletionDelta::text(words.to_owned()), None));
                    }
                    let annotations = annotations(&draft, &answered, &links);
                    if !annotations.is_empty() {
                        let delta = CompletionDelta { annotations, ..CompletionDelta::default() };
                        teller.tell(head.chunk(delta, None));
                    }
                    let details = Box::new(details(&answered, &links, ignored));
                    let details = CompletionDetails::Answer(details);
                    teller.tell(head.last(answered.finish_reason(), details));
                    if include_usage {
                        teller.tell(head.usage(&answered.answer.usage));
                    }
                    teller.tell(Frame::done());
                }
                Err(mut refusal) => {
                    notes.refused(&mut refusal, server.access.needs_keys());
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
            annotations: annotations(&draft, &answered, &links),
            ..AnsweredMessage::of(draft.text(), draft.calls().to_vec())
        };
        let details = Box::new(details(&answered, &links, ignored));
        native::json(&head.completion(
            message,
            answered.finish_reason(),
            &answered.answer.usage,
            CompletionDetails::Answer(details),
        ))
    };
    Ok(named_ignored(response, &named))
}
