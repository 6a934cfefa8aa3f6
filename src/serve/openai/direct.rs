//! The chat model under its own name: no retrieval and no rules of docent's, but its keys, limits, costs
//! and audit. Chat pages ask such a model for titles and other texts that no document has.

use std::sync::Arc;
use std::time::Instant;

use axum::response::Response;
use futures::StreamExt as _;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chat::{
    AnsweredMessage, ChatCompletion, CompletionDelta, CompletionDetails, CompletionHead,
    StreamOptions,
};
use super::draft::{DraftPiece, call as add_call};
use super::messages::MOST_MESSAGES;
use super::unix_now;
use crate::chat::{ChatEvent, ChatRequest, Passthrough, SamplingOptions};
use crate::error::BackendError;
use crate::serve::abandoned::{Unfinished, bytes_of};
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::shutting_down;
use crate::serve::call::{AdmittedRequest, Server, SharedNotes, made_id};
use crate::serve::keys::KeyRight;
use crate::serve::native;
use crate::serve::progress_stream::ProgressStream;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::{members_of, typed};
use crate::serve::sse::{self, Frame};
use crate::types::Usage;

/// The name of the chat model, if one is configured and the caller may ask it.
pub(super) fn model(caller: &Caller) -> Option<String> {
    let scoped = caller.open(None).ok().filter(|_| caller.may(KeyRight::Answer))?;
    scoped.engine().context.settings.chat.model.clone()
}

/// docent's details of such an answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatModelDetails")]
pub(super) struct DirectDetails {
    /// The model that answered.
    model: String,
    /// Parameters that were sent and have no effect.
    ignored: Vec<String>,
}

/// The members that docent reads; all others go to the model.
#[derive(Deserialize, JsonSchema)]
struct Asked {
    #[schemars(length(min = 1, max = "MOST_MESSAGES"))]
    messages: Vec<Value>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// There is always one answer.
    #[serde(rename = "n")]
    #[schemars(range(min = 1, max = 1))]
    _n: Option<u32>,
    temperature: Option<f32>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
}

pub(super) async fn complete(
    call: AdmittedRequest,
    members: Map<String, Value>,
    model: String,
) -> Result<Response, RequestRefusal> {
    let (read, mut parameters): (Map<_, _>, Map<_, _>) =
        members.into_iter().partition(|(name, _)| members_of::<Asked>().contains(name));
    parameters.retain(|name, value| name != "model" && !value.is_null());
    let asked: Asked = typed(read)?;
    let scoped = call.caller.open(None)?;
    call.notes.note(|notes| notes.question = question(&asked.messages));
    let sampling = SamplingOptions {
        temperature: asked.temperature,
        max_tokens: asked.max_completion_tokens.or(asked.max_tokens),
    };
    let relayed = Passthrough { parameters, parts: Vec::new(), after: asked.messages };
    let request = ChatRequest {
        messages: Vec::new(),
        question: String::new(),
        passages: Arc::default(),
        sampling,
        relayed,
    };
    let head = CompletionHead { id: made_id("chatcmpl-"), created: unix_now(), model };
    let AdmittedRequest { caller, notes, server, id, .. } = call;
    if asked.stream != Some(true) {
        let mut whole = Whole::default();
        let mut emit = |event| whole.on(event);
        let ended = ask(&scoped, &caller, &server, &notes, request, &mut emit).await?;
        return Ok(native::json(&whole.completion(&head, ended)));
    }
    let include_usage = asked.stream_options.is_some_and(|options| options.include_usage);
    let events = ProgressStream::of(|teller| async move {
        teller.tell(head.chunk(CompletionDelta::begin(), None));
        let mut emit = |event| {
            if let Some(piece) = piece(event) {
                teller.tell(head.chunk(CompletionDelta::of(piece), None));
            }
        };
        match ask(&scoped, &caller, &server, &notes, request, &mut emit).await {
            Ok(Ended { finish_reason, model, usage }) => {
                teller.tell(head.last(&finish_reason, details(model)));
                if include_usage {
                    teller.tell(head.usage(&usage));
                }
                teller.tell(Frame::done());
            }
            Err(mut refusal) => {
                notes.refused(&mut refusal, server.access.needs_keys());
                teller.tell(Frame::data(&refusal.body(&id)));
            }
        }
    });
    Ok(sse::response(events.boxed()))
}

/// The text of the last message, for an audit that keeps questions.
fn question(messages: &[Value]) -> Option<String> {
    let content = &messages.last()?["content"];
    let parts = content.as_array().into_iter().flatten();
    let texts: Vec<&str> = parts.filter_map(|part| part["text"].as_str()).collect();
    content.as_str().map(str::to_owned).or_else(|| Some(texts.join("\n")))
}

/// What a model reports at the end of its answer.
struct Ended {
    finish_reason: String,
    model: String,
    usage: Usage,
}

/// Asks the model, and receives its answer to the end.
async fn ask(
    scoped: &Scoped,
    caller: &Caller,
    server: &Server,
    notes: &SharedNotes,
    request: ChatRequest,
    emit: &mut (dyn FnMut(ChatEvent) + Send),
) -> Result<Ended, RequestRefusal> {
    server.breaker.check(Instant::now()).map_err(|wait| {
        RequestRefusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::UpstreamUnavailable,
            "the chat model failed several times in a row, so it gets no requests for a while",
        )
        .hint("ask again after `Retry-After`; the operator of the server sees with docent doctor what is down")
        .after(wait)
    })?;
    let chat = scoped.engine().chat()?;
    let price = scoped.engine().context.settings.chat.price;
    let sent = bytes_of(&request.relayed.after);
    let mut unfinished =
        Unfinished { server, caller, notes, price, sent, came: 0, is_billed: true };
    let came = &mut unfinished.came;
    let answer = async {
        let mut stream = chat.stream(request).await?;
        while let Some(event) = stream.next().await {
            match event? {
                ChatEvent::Done { finish_reason, model, usage } => {
                    return Ok(Some(Ended { finish_reason, model, usage }));
                }
                event => {
                    *came += length_of(&event);
                    emit(event);
                }
            }
        }
        Ok::<_, BackendError>(None)
    };
    let answered = tokio::select! {
        answered = tokio::time::timeout(server.settings.timeout, answer) => answered,
        () = server.abandoned.cancelled() => return Err(shutting_down()),
    };
    let ended = match answered {
        Err(_) => return Err(RequestRefusal::timeout()),
        Ok(Err(error)) => {
            unfinished.end();
            if error.is_transient() {
                server.breaker.failed(Instant::now());
            }
            return Err(error.into());
        }
        Ok(Ok(None)) => return Err(RequestRefusal::timeout()),
        Ok(Ok(Some(ended))) => ended,
    };
    unfinished.end();
    server.breaker.worked();
    let cost = price.and_then(|price| price.cost(&ended.usage));
    let used = Usage { cost, ..ended.usage };
    server.spent(caller, used, true);
    notes.note(|notes| notes.took(used));
    Ok(ended)
}

fn length_of(event: &ChatEvent) -> usize {
    match event {
        ChatEvent::Delta(text) | ChatEvent::Thinking(text) => text.len(),
        ChatEvent::Calls(calls) => bytes_of(calls),
        ChatEvent::Retracted | ChatEvent::Done { .. } => 0,
    }
}

fn details(model: String) -> CompletionDetails {
    CompletionDetails::Bare(DirectDetails { model, ignored: Vec::new() })
}

fn piece(event: ChatEvent) -> Option<DraftPiece> {
    match event {
        ChatEvent::Delta(text) => Some(DraftPiece::Text(text)),
        ChatEvent::Thinking(text) => Some(DraftPiece::Thinking(text)),
        ChatEvent::Calls(calls) => Some(DraftPiece::Calls(calls)),
        ChatEvent::Retracted | ChatEvent::Done { .. } => None,
    }
}

/// An answer that is sent in one piece.
#[derive(Default)]
struct Whole {
    text: String,
    thinking: String,
    calls: Vec<Value>,
}

impl Whole {
    fn on(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Delta(text) => self.text.push_str(&text),
            ChatEvent::Thinking(text) => self.thinking.push_str(&text),
            ChatEvent::Calls(pieces) => {
                for piece in &pieces {
                    add_call(&mut self.calls, piece);
                }
            }
            ChatEvent::Retracted => {
                self.thinking.push_str(&self.text);
                self.text.clear();
            }
            ChatEvent::Done { .. } => {}
        }
    }

    fn completion(self, head: &CompletionHead, ended: Ended) -> ChatCompletion {
        let Ended { finish_reason, model, usage } = ended;
        let message = AnsweredMessage {
            reasoning_content: Some(self.thinking).filter(|thinking| !thinking.is_empty()),
            ..AnsweredMessage::of(&self.text, self.calls)
        };
        head.completion(message, &finish_reason, &usage, details(model))
    }
}
