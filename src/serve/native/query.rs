//! `POST /v1/docent/query`: an answer as `docent query` gives it, as one object or as events.

use std::sync::Arc;

use axum::response::Response;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{RetrievalFields, json};
use crate::output::{AnswerJson, Event, Versioned};
use crate::query::AnswerEvent;
use crate::query::history::HistoryTurn;
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::{
    self, Answered, AskedCollection, CallerQuestion, LONGEST_QUESTION, NOT_BLANK, checked_question,
};
use crate::serve::call::{AdmittedRequest, Server, SharedNotes};
use crate::serve::openapi::ApiOperation;
use crate::serve::progress_stream::ProgressStream;
use crate::serve::refusal::{ErrorResponse, RequestRefusal};
use crate::serve::request::read;
use crate::serve::sse::{self, Frame};

/// A question to answer.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct QueryRequest {
    #[serde(flatten)]
    asked: QuestionFields,
    /// Events instead of one object; by default what the caller accepts.
    stream: Option<bool>,
    /// Earlier turns, oldest first.
    #[serde(default)]
    #[schemars(length(max = "MOST_TURNS"))]
    history: Vec<TurnFields>,
}

/// A question, in a request or in a conversation over one connection.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(rename = "Asked")]
pub(in crate::serve) struct QuestionFields {
    #[schemars(regex = "NOT_BLANK", length(max = "LONGEST_QUESTION"))]
    question: String,
    /// Unless given, the default collection.
    pub(in crate::serve) collection: Option<String>,
    /// Include the model's thinking.
    #[serde(default)]
    pub(in crate::serve) show_thinking: bool,
    #[serde(flatten)]
    retrieval: RetrievalFields,
}

impl QuestionFields {
    /// # Errors
    /// The question is empty or too long.
    pub(in crate::serve) fn read(
        self,
        history: Vec<HistoryTurn>,
    ) -> Result<CallerQuestion, RequestRefusal> {
        let text = checked_question(&self.question, "question")?;
        let (filter, overrides) = self.retrieval.read();
        Ok(CallerQuestion { text, history, filter, overrides, ..CallerQuestion::default() })
    }
}

/// An earlier turn of the conversation.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "EarlierTurn", deny_unknown_fields)]
struct TurnFields {
    question: String,
    answer: String,
}

/// An answer, and the collection that it comes from.
#[derive(Serialize, JsonSchema)]
struct QueryResponse {
    /// Trace id of the request (W3C Trace Context).
    trace_id: Option<String>,
    #[serde(flatten)]
    asked: AskedCollection,
    /// Whether the passages came from the cache.
    cached: bool,
    #[serde(flatten)]
    answer: AnswerJson,
}

impl QueryResponse {
    fn new(question: &str, answered: &Answered, show_thinking: bool) -> Self {
        Self {
            trace_id: answering::trace_id(),
            asked: answered.asked.clone(),
            cached: answered.answer.cached,
            answer: AnswerJson::new(question, &answered.answer, show_thinking),
        }
    }
}

/// Most earlier turns of one request.
const MOST_TURNS: usize = 256;

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("query", "An answer with citations that were checked")
        .says("One object, or its events where `stream` is true or the request accepts `text/event-stream`. \
            An error after the first event is the event `error`.")
        .takes::<QueryRequest>()
        .answers::<Versioned<QueryResponse>>()
        .streams::<Versioned<Event>>()
        .streams::<Versioned<Done>>()
        .streams::<FailedEvent<'_>>()
}

pub(in crate::serve) async fn query(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let QueryRequest { asked, stream, history } = read(&call.body)?;
    let (collection, show_thinking) = (asked.collection.clone(), asked.show_thinking);
    let history = history.iter().map(|turn| HistoryTurn::new(&turn.question, &turn.answer));
    let question = asked.read(history.collect())?;
    let scoped = call.caller.open(collection.as_deref())?;
    let streams = stream.unwrap_or_else(|| call.accepts_events());
    let AdmittedRequest { caller, notes, server, id: request_id, .. } = call;
    if !streams {
        let answered =
            answering::answer(&scoped, &caller, &server, &notes, &question, &mut drop).await?;
        let response = QueryResponse::new(&question.text, &answered, show_thinking);
        return Ok(json(&Versioned::new(response)));
    }
    let asking =
        AdmittedQuestion { scoped, caller, server, notes, request_id, question, show_thinking };
    let events = ProgressStream::of(|teller| async move {
        let mut tell = |event: SentEvent| teller.tell(Frame::of_json(event.name, &event.json));
        let _ = asking.tell_events(&mut tell).await;
    });
    Ok(sse::response(events.boxed()))
}

/// A question that was admitted.
pub(in crate::serve) struct AdmittedQuestion {
    pub(in crate::serve) scoped: Scoped,
    pub(in crate::serve) caller: Caller,
    pub(in crate::serve) server: Arc<Server>,
    pub(in crate::serve) notes: SharedNotes,
    pub(in crate::serve) request_id: String,
    pub(in crate::serve) question: CallerQuestion,
    pub(in crate::serve) show_thinking: bool,
}

/// An event as it is sent to a caller.
pub(in crate::serve) struct SentEvent {
    /// The value of its `event`.
    pub(in crate::serve) name: &'static str,
    /// The whole object, on one line.
    pub(in crate::serve) json: String,
    /// For a piece of the answer: its text, and the number if it is a citation mark.
    pub(in crate::serve) delta: Option<(String, Option<u32>)>,
    /// For the event with the passages: what it was made from, which takes almost no memory beside it.
    pub(in crate::serve) retrieved: Option<AnswerEvent>,
}

impl SentEvent {
    /// The event for what happens while a question is answered.
    pub(in crate::serve) fn on(event: AnswerEvent) -> Self {
        let sent = Self::new(&Event::from(&event));
        let retrieved = matches!(event, AnswerEvent::Retrieved { .. }).then_some(event);
        Self { retrieved, ..sent }
    }

    pub(in crate::serve) fn new(event: &Event) -> Self {
        let delta = match event {
            Event::Delta { text, mark } => Some((text.clone(), *mark)),
            _ => None,
        };
        Self { delta, ..Self::of(event.name(), &Versioned::new(event)) }
    }

    fn of(name: &'static str, object: &impl Serialize) -> Self {
        Self { name, json: sse::json(object), delta: None, retrieved: None }
    }

    /// The event that replaces missing ones. `answer_id`: of the answer that it ends, if the caller knows
    /// it.
    pub(in crate::serve) fn error(
        refusal: &RequestRefusal,
        request_id: &str,
        answer_id: Option<Uuid>,
    ) -> Self {
        let failed = FailedEvent { event: "error", answer_id, error: refusal.body(request_id) };
        Self::of("error", &failed)
    }
}

impl AdmittedQuestion {
    /// Answers, and sends what `docent query --format jsonl` prints; the last event is `done` or `error`.
    ///
    /// # Errors
    /// The error that was sent as `error`.
    pub(in crate::serve) async fn tell_events(
        &self,
        tell: &mut (dyn FnMut(SentEvent) + Send),
    ) -> Result<Answered, RequestRefusal> {
        let Self { scoped, caller, server, notes, question, show_thinking, .. } = self;
        let mut emit = |event: AnswerEvent| {
            if *show_thinking || !matches!(event, AnswerEvent::Thinking(_)) {
                tell(SentEvent::on(event));
            }
        };
        let answered = answering::answer(scoped, caller, server, notes, question, &mut emit).await;
        match answered {
            Ok(answered) => {
                for citation in &answered.answer.citations.citations {
                    tell(SentEvent::new(&Event::Citation(citation.into())));
                }
                for warning in answered.answer.warnings() {
                    tell(SentEvent::new(&Event::Warning((&warning).into())));
                }
                let done = QueryResponse::new(&question.text, &answered, *show_thinking);
                tell(SentEvent::of("done", &Versioned::new(Done { event: "done", done })));
                Ok(answered)
            }
            Err(mut refusal) => {
                tell(self.refused(&mut refusal));
                Err(refusal)
            }
        }
    }

    /// The event that says why there is no answer.
    pub(in crate::serve) fn refused(&self, refusal: &mut RequestRefusal) -> SentEvent {
        self.notes.refused(refusal, self.server.access.needs_keys());
        SentEvent::error(refusal, &self.request_id, self.question.id)
    }
}

/// The event that ends an answer early.
#[derive(Serialize, JsonSchema)]
struct FailedEvent<'a> {
    /// `error`.
    event: &'static str,
    /// In a conversation: id of the answer that it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_id: Option<Uuid>,
    #[serde(flatten)]
    error: ErrorResponse<'a>,
}

/// The last event.
#[derive(Serialize, JsonSchema)]
struct Done {
    /// `done`.
    event: &'static str,
    #[serde(flatten)]
    done: QueryResponse,
}
