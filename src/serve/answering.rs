//! From a question to events and an answer, in the form that every wire sends.

mod details;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub(super) use details::AnswerDetails;

use super::abandoned::Unfinished;
use super::access::{Caller, Scoped};
use super::call::{Server, SharedNotes};
use super::drift::QuestionSample;
use super::feedback::RecentAnswer;
use super::log::RequestNotes;
use super::refusal::{ErrorCode, RequestRefusal};
use crate::chat::{CALLS, Passthrough, SamplingOptions};
use crate::error::{BackendError, Exit, Failure};
use crate::http::context as on_behalf_of;
use crate::query::assessment::NoAnswer;
use crate::query::history::HistoryTurn;
use crate::query::{Answer, AnswerEvent};
use crate::service::answering::{AskOptions, Exchange};
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::settings::Fallback;

/// Longest question, in bytes: a longer text is not a question.
pub(super) const LONGEST_QUESTION: usize = 32 << 10;

/// A regular expression that a question matches. `\s` leaves out the next line character (U+0085), which is
/// white space, too.
pub(super) const NOT_BLANK: &str = r"[^\s\u0085]";

/// A question with everything that a caller may send along.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerQuestion {
    pub(super) text: String,
    /// Earlier turns of the conversation, oldest first.
    pub(super) history: Vec<HistoryTurn>,
    /// Text that is put before docent's own rules in the prompt.
    pub(super) introduction: Option<String>,
    pub(super) filter: DocumentFilter,
    pub(super) overrides: RetrievalOverrides,
    pub(super) sampling: SamplingOptions,
    /// Id of the answer; `None`: a new one is made.
    pub(super) id: Option<Uuid>,
    /// Passed on to the chat model.
    pub(super) relayed: Passthrough,
}

/// The result of a question.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) asked: AskedCollection,
    /// Why the answer is not valid although there is a text: its citations do not meet the requirements.
    pub(super) objection: Option<Failure>,
}

/// The collection that was asked, in its state at that time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct AskedCollection {
    pub(super) collection: String,
    /// The number N of the version `NAME@vN`.
    pub(super) version: u32,
    /// Id of the ingest that changed it last.
    pub(super) generation: Option<Uuid>,
}

/// Answers a question. Events are sent to `emit` as they come. Dropping the future ends the work.
///
/// # Errors
/// The question was not asked, the model failed before its first token and there is no fallback, the answer
/// was cut off, or it takes longer than a request may.
pub(super) async fn answer(
    scoped: &Scoped,
    caller: &Caller,
    server: &Server,
    notes: &SharedNotes,
    question: &CallerQuestion,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<Answered, RequestRefusal> {
    // A stream starts long before its answer ends, so its time is limited here.
    let answered = answer_or_quote(scoped, caller, server, notes, question, emit);
    // A panic after the first event is caught nowhere else.
    let answered = AssertUnwindSafe(answered).catch_unwind();
    let answered = match tokio::time::timeout(server.settings.timeout, answered).await {
        Ok(answered) => answered.unwrap_or_else(|_| Err(RequestRefusal::panicked())),
        Err(_) => Err(RequestRefusal::timeout()),
    };
    answered.and_then(Answered::not_cut_off)
}

/// The same, without a time limit.
async fn answer_or_quote(
    scoped: &Scoped,
    caller: &Caller,
    server: &Server,
    notes: &SharedNotes,
    question: &CallerQuestion,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<Answered, RequestRefusal> {
    notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.question = Some(question.text.clone());
    });
    // A request may have many questions, and the earlier ones may have used up the budget.
    caller.check_budget(|key| server.observers.usage.cost_of(key))?;
    let falls_back = server.settings.fallback == Fallback::Extractive;
    let generates = !scoped.engine().context.quotes();
    if generates && let Err(wait) = server.breaker.check(Instant::now()) {
        if falls_back {
            return asked(scoped, caller, server, notes, question, true, emit).await;
        }
        return Err(RequestRefusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::UpstreamUnavailable,
            "the chat model failed several times in a row, so it gets no requests for a while",
        )
        .after(wait));
    }
    let answered = asked(scoped, caller, server, notes, question, false, emit).await;
    match &answered {
        Err(refusal) if refusal.code == ErrorCode::UpstreamUnavailable => {
            server.breaker.failed(Instant::now());
            if falls_back && generates {
                return asked(scoped, caller, server, notes, question, true, emit).await;
            }
        }
        Ok(answered)
            if answered.answer.failure.as_ref().is_some_and(BackendError::is_transient) =>
        {
            server.breaker.failed(Instant::now());
        }
        Ok(answered) if generates && answered.answer.failure.is_none() => server.breaker.worked(),
        _ => {}
    }
    answered
}

async fn asked(
    scoped: &Scoped,
    caller: &Caller,
    server: &Server,
    notes: &SharedNotes,
    question: &CallerQuestion,
    quote: bool,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<Answered, RequestRefusal> {
    let engine = scoped.engine();
    let filter = scoped.filter(question.filter.clone());
    let ask = AskOptions {
        question: &question.text,
        filter: &filter,
        history: &question.history,
        overrides: question.overrides,
        introduction: question.introduction.as_deref(),
        sampling: question.sampling,
        relayed: Some(&question.relayed),
        quote,
        id: question.id,
    };
    let mut unfinished = Unfinished {
        server,
        caller,
        notes,
        price: engine.context.settings.chat.price,
        sent: 0,
        came: 0,
        is_billed: !quote && !engine.context.quotes(),
    };
    let mut emit = |event: AnswerEvent| {
        unfinished.saw(&event);
        emit(event);
    };
    let exchange = engine.answer(ask, &server.abandoned, &mut emit).await;
    unfinished.end();
    let exchange = exchange?;
    let asked = AskedCollection::of(scoped, &exchange);
    let outcome = exchange.answer.as_ref().map_err(Failure::clone);
    let outcome = outcome.and_then(|answer| engine.outcome(&question.text, answer));
    // Boxed, so that its memory is not held while the model writes.
    let recorded = Box::pin(engine.record(&exchange, &outcome)).await;
    if let Ok(Some(warning)) | Err(Failure { message: warning, .. }) = recorded {
        notes.note(|notes| notes.warning = Some(warning));
    }
    let answer = exchange.answer?;
    observe(server, caller, scoped, question, &asked, &answer);
    notes.note(|notes| note_answer(notes, &asked, &answer));
    let objection = outcome.err().filter(|failure| failure.exit == Exit::Negative);
    Ok(Answered { answer, asked, objection })
}

/// Reports the answer to drift and feedback.
fn observe(
    server: &Server,
    caller: &Caller,
    scoped: &Scoped,
    question: &CallerQuestion,
    asked: &AskedCollection,
    answer: &Answer,
) {
    server.spent(caller, answer.usage_in_all(), true);
    let observers = &server.observers;
    observers.answers.add(
        caller.key_id(),
        RecentAnswer {
            id: answer.id,
            asked: asked.clone(),
            context: on_behalf_of(),
            is_rated: false,
        },
    );
    let ended = answer.failure.is_none() && !answer.interrupted && !answer.calls_functions();
    // Scores of other retrieval settings cannot be compared.
    if ended && question.overrides == RetrievalOverrides::default() {
        let k = scoped.engine().context.settings.search.k;
        let observation = QuestionSample::of_answer(&question.text, answer, k);
        observers.drift.observe(&asked.collection, &observation);
    }
}

/// Notes the cost of an answer, and the state of its citations.
fn note_answer(notes: &mut RequestNotes, asked: &AskedCollection, answer: &Answer) {
    let milliseconds = |time: Duration| time.as_millis() as u64;
    let citations = &answer.citations.citations;
    notes.version = Some(asked.version);
    notes.generation = asked.generation();
    notes.answer_id = Some(answer.id.to_string());
    notes.no_answer = Some(answer.no_answer.is_some());
    // A request may ask several questions.
    notes.answers += u32::from(!answer.calls_functions());
    notes.no_answers += u32::from(answer.no_answer.is_some());
    notes.took(answer.usage_in_all());
    notes.retrieved_ms = Some(milliseconds(answer.retrieved_in));
    notes.first_token_ms = answer.first_token_in.map(milliseconds);
    notes.unsupported_citations += citations.iter().filter(|it| !it.verified).count() as u32;
    let documents = answer.passages.iter().map(|passage| &*passage.source);
    notes.documents = sources(notes.documents.iter().map(|it| &**it).chain(documents));
}

/// Trace id of the current request.
pub(super) fn trace_id() -> Option<String> {
    on_behalf_of().map(|context| context.trace_id)
}

/// Each source once, in order of first mention.
pub(super) fn sources<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    use itertools::Itertools as _;
    all.unique().map(str::to_owned).collect()
}

impl AskedCollection {
    /// In the form of the log.
    pub(super) fn generation(&self) -> Option<String> {
        self.generation.map(|id| id.to_string())
    }

    fn of(scoped: &Scoped, exchange: &Exchange) -> Self {
        Self::new(&scoped.name, exchange.reader())
    }

    pub(super) fn new(name: &str, reader: &crate::store::CollectionReader) -> Self {
        let manifest = reader.manifest();
        let last = manifest.unfinished.as_ref().or(manifest.runs.last());
        Self {
            collection: name.to_owned(),
            version: reader.version(),
            generation: last.map(|run| run.run_id),
        }
    }
}

impl Answered {
    /// # Errors
    /// The answer was cut short for a reason other than its length.
    fn not_cut_off(self) -> Result<Self, RequestRefusal> {
        match &self.answer.failure {
            _ if self.answer.interrupted => Err(shutting_down()),
            Some(failure) => Err(failure.clone().into()),
            None => Ok(self),
        }
    }

    /// The finish reason in the terms of `OpenAI`.
    pub(super) fn finish_reason(&self) -> &'static str {
        match self.answer.finish_reason.as_deref() {
            Some("length" | "max_tokens" | "model_length") => "length",
            Some("content_filter") => "content_filter",
            Some(CALLS) => CALLS,
            _ => "stop",
        }
    }
}

/// The server is shutting down and has stopped waiting for answers.
pub(super) fn shutting_down() -> RequestRefusal {
    RequestRefusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ShuttingDown,
        "the server is shutting down, and the answer was cut off",
    )
    .after(Duration::from_secs(1))
}

/// The text shown instead of a missing answer, for clients that show only a text.
pub(super) fn words_for(why: NoAnswer) -> &'static str {
    match why {
        NoAnswer::NothingFound => "Nothing was found in the documents.",
        NoAnswer::Refused => "The documents do not answer this.",
        NoAnswer::Empty => "The model wrote nothing.",
        // The text itself is shown.
        NoAnswer::Uncited => "",
    }
}

/// # Errors
/// It is empty, or too long.
pub(super) fn checked_question(text: &str, param: &str) -> Result<String, RequestRefusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(
            RequestRefusal::invalid(param, "the question is empty").hint("write a question")
        );
    }
    if text.len() > LONGEST_QUESTION {
        return Err(RequestRefusal::invalid(
            param,
            format!("the question has {} bytes, more than {LONGEST_QUESTION}", text.len()),
        )
        .hint("ask in fewer words: a long text to ask about belongs in a collection"));
    }
    Ok(text.to_owned())
}
