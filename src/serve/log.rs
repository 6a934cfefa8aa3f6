//! One log entry for each request, written when its answer has ended.

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
use crate::http::with_trace_context_blocking;
use crate::types::{TraceContext, Usage};

/// Receives each request once, in the order in which they end.
pub type LogSink = Arc<dyn Fn(&LogEntry) + Send + Sync>;

/// A request and its result.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "RequestLog")]
pub struct LogEntry {
    /// RFC 3339, UTC, with milliseconds.
    pub time: String,
    /// The caller's own, if it sent a valid one.
    pub request_id: String,
    /// W3C Trace Context: the caller's, or a new one; empty if the entry is about no request.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    pub trace_id: String,
    pub method: String,
    /// Without the query, which may hold a question.
    pub path: String,
    /// The path of the route, with names for its parts; `None` if no route matched.
    #[serde(skip)]
    pub route: Option<&'static str>,
    /// The route needs a right.
    #[serde(skip)]
    pub needs_right: bool,
    /// 499 if the caller left before the end.
    pub status: u16,
    /// Until the last byte was sent.
    pub milliseconds: u64,
    /// Name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(flatten)]
    pub notes: RequestNotes,
}

impl LogEntry {
    /// An entry about no request.
    pub(super) fn warning(text: &str) -> Self {
        let notes = RequestNotes { warning: Some(text.to_owned()), ..RequestNotes::default() };
        Self { notes, ..Self::default() }
    }
}

/// What a handler reports about a request.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Notes")]
pub struct RequestNotes {
    /// The collection that was asked; several are separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The number N of the version `NAME@vN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Id of the ingest that changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// The id under which `docent trace show` finds the record; the last one if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_id: Option<String>,
    /// True if an answer was sought and there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<bool>,
    /// Questions to which an answer was sought.
    #[serde(skip)]
    pub answers: u32,
    /// Questions without an answer.
    #[serde(skip)]
    pub no_answers: u32,
    /// A caller's rating of an answer, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<f64>,
    /// The caller's comment on it. It is never logged.
    #[serde(skip)]
    pub comment: Option<String>,
    /// Tokens that were sent to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens that the model generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Cost, in the currency of the prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Until the passages were retrieved.
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
    /// The question. It is never logged.
    #[serde(skip)]
    pub question: Option<String>,
    /// Sources of the passages that were shown or used in the answer.
    #[serde(skip)]
    pub documents: Vec<String>,
    /// Code of the error, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A warning for the operator of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl RequestNotes {
    /// Adds the usage of one of its answers.
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

/// Status for a caller that left early, as in nginx.
const CLIENT_CLOSED: u16 = 499;

/// Writes the log entry when it is dropped.
pub(super) struct PendingEntry {
    pub(super) entry: LogEntry,
    started: Instant,
    pub(super) notes: SharedNotes,
    server: Arc<Server>,
    /// Status, once there is a response.
    pub(super) status: Option<u16>,
    /// The whole response was sent.
    pub(super) sent: bool,
    /// What is left of the key's limits, for the headers of the response.
    pub(super) left: Vec<(HeaderName, HeaderValue)>,
}

impl PendingEntry {
    /// `entry`: what is known when the request begins, without its time.
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

    /// The whole response was sent.
    pub(super) fn end(&mut self, status: StatusCode) {
        self.status = Some(status.as_u16());
        self.sent = true;
    }
}

impl Drop for PendingEntry {
    fn drop(&mut self) {
        self.entry.status = self.status.filter(|_| self.sent).unwrap_or(CLIENT_CLOSED);
        self.entry.milliseconds = self.started.elapsed().as_millis() as u64;
        self.entry.notes = self.notes.read();
        self.server.observers.ended(&self.entry);
    }
}

/// A body with the resources that are held until its last byte is sent or its reader leaves.
pub(super) struct GuardedBody<T> {
    pub(super) body: Body,
    pub(super) pending: PendingEntry,
    #[expect(dead_code, reason = "held")]
    pub(super) held: T,
    /// The trace of the work that is still done for it.
    pub(super) context: TraceContext,
}

impl<T: Unpin> http_body::Body for GuardedBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame = with_trace_context_blocking(&this.context, || {
            Pin::new(&mut this.body).poll_frame(context)
        });
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
