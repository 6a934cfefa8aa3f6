//! One entry for each request, when its answer has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body::{Frame, SizeHint};
use schemars::JsonSchema;
use serde::Serialize;

use super::call::{Server, SharedNotes};
use crate::http::at_once_on_behalf_of;
use crate::types::{TraceContext, Usage};

/// Hears of each request once, in the order in which they end.
pub type LogSink = Arc<dyn Fn(&LogEntry) + Send + Sync>;

/// A request, and what came of it.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "RequestLog")]
pub struct LogEntry {
    /// RFC 3339, UTC, with milliseconds.
    pub time: String,
    /// The caller's own, where it sent one that can stand here.
    pub request_id: String,
    /// Of W3C Trace Context: the caller's, or one that begins here; empty where there is no request.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    pub trace_id: String,
    pub method: String,
    /// Without the query, which may hold a question.
    pub path: String,
    /// The path of the route, with names for its parts; `None` where there is none.
    #[serde(skip)]
    pub route: Option<&'static str>,
    /// It is not for whoever reaches the server.
    #[serde(skip)]
    pub needs_right: bool,
    /// 499 where the caller left before the end.
    pub status: u16,
    /// Until the last byte was sent.
    pub milliseconds: u64,
    /// Name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(flatten)]
    pub notes: Notes,
}

impl LogEntry {
    /// Something about no request.
    pub(super) fn warning(text: &str) -> Self {
        let notes = Notes { warning: Some(text.to_owned()), ..Notes::default() };
        Self { notes, ..Self::default() }
    }
}

/// What a handler says of a request.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Notes {
    /// The collection that was asked; of several, their names with commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The number N of the version `NAME@vN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Id of the ingest that changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// By which `docent trace show` finds its record; of several, the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_id: Option<String>,
    /// Whether there is none, where one was sought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<bool>,
    /// Questions to which an answer was sought.
    #[serde(skip)]
    pub answers: u32,
    /// Those without one.
    #[serde(skip)]
    pub no_answers: u32,
    /// What a caller gave an answer, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<f64>,
    /// What it wrote of it. It is in no log.
    #[serde(skip)]
    pub comment: Option<String>,
    /// Tokens that were sent to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens that it generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// In the currency of the prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Until the passages were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieved_ms: Option<u64>,
    /// Until the first word of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Citations whose passage lacks what it is cited for.
    #[serde(skip)]
    pub unsupported_citations: u32,
    /// The client had sent the request before.
    #[serde(skip)]
    pub is_repeated: bool,
    /// What was asked. It is in no log.
    #[serde(skip)]
    pub question: Option<String>,
    /// Sources of what was shown, or answered from.
    #[serde(skip)]
    pub documents: Vec<String>,
    /// Code of the error, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Something that the operator of the server should see to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl Notes {
    /// Adds what one of its answers took.
    pub(super) fn took(&mut self, used: Usage) {
        let (prompt_tokens, completion_tokens) = (self.prompt_tokens, self.completion_tokens);
        let before =
            Usage { prompt_tokens, completion_tokens, cost: self.cost, ..Usage::default() };
        let all = before + used;
        self.prompt_tokens = all.prompt_tokens;
        self.completion_tokens = all.completion_tokens;
        self.cost = all.cost;
    }
}

/// Status of a caller that left, as nginx has it.
const CLIENT_CLOSED: u16 = 499;

/// Tells the log when it is dropped.
pub(super) struct Pending {
    pub(super) entry: LogEntry,
    started: Instant,
    pub(super) notes: SharedNotes,
    server: Arc<Server>,
    /// Status, once there is a response.
    pub(super) status: Option<u16>,
    /// The response was sent to its end.
    pub(super) sent: bool,
    /// What the key has left of its minute: for the response.
    pub(super) left: Vec<(HeaderName, HeaderValue)>,
}

impl Pending {
    /// `entry`: what is known of the request when it begins, but for its time.
    pub(super) fn begin(server: &Arc<Server>, notes: &SharedNotes, entry: LogEntry) -> Self {
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        Self {
            entry: LogEntry { time, ..entry },
            started: Instant::now(),
            notes: notes.clone(),
            server: Arc::clone(server),
            status: None,
            sent: false,
            left: Vec::new(),
        }
    }

    /// The response was sent to its end.
    pub(super) fn end(&mut self, status: StatusCode) {
        self.status = Some(status.as_u16());
        self.sent = true;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.entry.status = self.status.filter(|_| self.sent).unwrap_or(CLIENT_CLOSED);
        self.entry.milliseconds = self.started.elapsed().as_millis() as u64;
        self.entry.notes = self.notes.read();
        self.server.observers.ended(&self.entry);
    }
}

/// A body, with what is held until its last byte has been sent or nobody wants it any more.
pub(super) struct Held<T> {
    pub(super) body: Body,
    pub(super) pending: Pending,
    #[expect(dead_code, reason = "held")]
    pub(super) held: T,
    /// What is still done for it is done on behalf of this.
    pub(super) context: TraceContext,
}

impl<T: Unpin> http_body::Body for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame =
            at_once_on_behalf_of(&this.context, || Pin::new(&mut this.body).poll_frame(context));
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.pending.sent = true;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
