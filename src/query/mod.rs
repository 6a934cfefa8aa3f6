//! Question → answer: `[rewrite] → embed → retrieve → [rerank] → pack → prompt → stream → verify citations`.
//!
//! [`answer`] is the whole flow. It emits events as they happen and returns the result; a model that fails
//! in mid-answer is part of the result, since what it wrote until then is kept.

pub mod assessment;
pub mod cache;
pub mod cite;
mod compose;
pub mod explain;
pub mod history;
mod options;
pub mod pack;
pub mod prompt;
pub mod rerank;
pub mod retrieve;
mod retriever;
pub mod rewrite;
pub mod subject;
pub mod verification;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use uuid::Uuid;

pub use compose::{ComposedRequest, passages_of};
pub use options::AnswerOptions;
pub use retriever::{CachedRetrieval, RetrievedChunks, Retriever};

use crate::cancel::Cancel;
use crate::chat::{CALLS, ChatEvent, ChatModel, ChatRequest, EXTRACTIVE, NO_ANSWER};
use crate::error::BackendError;
use crate::task::computed;
use crate::types::{Hit, Passage, Usage};
use assessment::NoAnswer;
use cite::{AnswerPiece, Citations, MarkParser};
use compose::compose;
use pack::{DroppedHit, PackOptions, PackOutcome};
use rewrite::Queries;
use verification::Verification;

/// The events of an answer, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum AnswerEvent {
    /// What retrieval asks, if that is not just the question.
    Asking(Queries),
    Retrieved {
        hits: usize,
        passages: Arc<[Passage]>,
        dropped: Arc<[DroppedHit]>,
    },
    /// Thinking of the model, before it answers.
    Thinking(String),
    /// Text of the answer. Marks are separate events.
    Text(String),
    /// A citation mark `[n]`.
    Mark(u32),
    /// Pieces of function calls, as in [`ChatEvent::Calls`]: only where functions are relayed.
    Calls(Vec<serde_json::Value>),
    /// Text and marks so far were thinking, and the answer begins here.
    Retracted,
}

/// The result of a question.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub id: Uuid,
    /// The text as the model wrote it, marks included; empty if it refused.
    pub text: String,
    /// What the model thought before it answered; empty if it did not think, or did not show it.
    pub thinking: String,
    /// `None` if there is an answer, or if the answer was cut short.
    pub no_answer: Option<NoAnswer>,
    pub model: String,
    /// The queries that retrieval asked.
    pub queries: Queries,
    /// The passages that the model was given.
    pub passages: Arc<[Passage]>,
    /// The nearest passages, best first, if there is no answer; at most [`NEAREST`].
    pub nearest: Vec<Passage>,
    /// What was retrieved, best first; empty unless [`AnswerOptions::keeps_hits`].
    pub hits: Arc<[Hit]>,
    /// Scores of what was retrieved, best first.
    pub scores: Vec<f32>,
    /// What became of each hit, in the order of the hits.
    pub fates: Arc<[PackOutcome]>,
    /// The hits that are in no passage, and why.
    pub dropped: Arc<[DroppedHit]>,
    pub citations: Citations,
    /// What a model was asked about the citations; `None` if no model was asked.
    pub verification: Option<Verification>,
    pub finish_reason: Option<String>,
    /// Tokens of the answer and of the queries.
    pub usage: Usage,
    /// The hits came from the retrieval of another caller that asked the same.
    pub cached: bool,
    /// Time until the passages were packed.
    pub retrieved_in: Duration,
    /// The part of `retrieved_in` that packing took.
    pub packed_in: Duration,
    /// Time until the first word of the answer; thinking comes before that.
    pub first_token_in: Option<Duration>,
    pub elapsed: Duration,
    pub interrupted: bool,
    /// What cut the answer short.
    pub failure: Option<BackendError>,
}

/// Number of passages that are shown if there is no answer.
pub const NEAREST: usize = 3;

/// What the model is about to be asked, and what it was made of.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedPrompt {
    pub queries: Queries,
    /// Best first.
    pub hits: Arc<[Hit]>,
    /// See [`Answer::cached`].
    pub cached: bool,
    pub composed: ComposedRequest,
    /// Time until the passages were packed.
    pub retrieved_in: Duration,
    /// The part of `retrieved_in` that packing took.
    pub packed_in: Duration,
}

/// Rewrites the question, retrieves, packs and writes the prompt: everything that comes before the model is
/// asked. The prompt never exceeds `options.pack.max_tokens`, unless it has no passage.
pub async fn prepare(
    question: &str,
    retriever: &Retriever,
    chat: &dyn ChatModel,
    options: &AnswerOptions,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<PreparedPrompt, BackendError> {
    let count = |text: &str| chat.count_tokens(text);
    let history = history::fit(&options.history, options.pack.max_tokens / history::SHARE, &count);
    let queries = tokio::select! {
        queries = rewrite::queries(question, &history, chat, &options.rewrite, &options.nonce) => {
            queries?
        }
        () = cancel.cancelled() => Queries::of(question),
    };
    if queries.differ(question) {
        emit(AnswerEvent::Asking(queries.clone()));
    }
    let asked = Instant::now();
    let retrieved = tokio::select! {
        retrieved = retriever.retrieve(&queries, &options.retrieve) => retrieved?,
        () = cancel.cancelled() => RetrievedChunks::default(),
    };
    let packing = Instant::now();
    let pack = |reserved| retrieved.packed(&options.pack, reserved, chat);
    let composed = compose(question, &history, options, &pack, &count);
    let (retrieved_in, packed_in) = (asked.elapsed(), packing.elapsed());
    let RetrievedChunks { hits, cached, .. } = retrieved;
    Ok(PreparedPrompt { queries, hits, cached, composed, retrieved_in, packed_in })
}

/// Answers a question, or finds that there is no answer.
///
/// # Errors
/// Retrieval fails, or the model fails before its first token. `cancel` ends the answer where it is.
pub async fn answer(
    question: &str,
    retriever: &Retriever,
    chat: &dyn ChatModel,
    options: &AnswerOptions,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<Answer, BackendError> {
    let started = Instant::now();
    // A server holds thousands of answers at a time while models write them, so the hits and what retrieval
    // needed are dropped before the model begins.
    let prepared = Box::pin(prepare(question, retriever, chat, options, cancel, emit)).await?;
    let PreparedPrompt { queries, hits, cached, composed, retrieved_in, packed_in } = prepared;
    let ComposedRequest { request, dropped, fates, .. } = composed;
    let passages = Arc::clone(&request.passages);
    emit(AnswerEvent::Retrieved {
        hits: hits.len(),
        passages: Arc::clone(&passages),
        dropped: Arc::clone(&dropped),
    });
    let count = |text: &str| chat.count_tokens(text);
    let below_floor =
        if passages.is_empty() { below_floor(&hits, options, &count) } else { Vec::new() };
    let scores = hits.iter().map(|hit| hit.score).collect();
    // A value that is moved on one path only would be held on the other path until the end of the function.
    let kept = if options.keeps_hits { Arc::clone(&hits) } else { Arc::default() };
    drop(hits);

    let mut draft = Draft::new(started);
    if !passages.is_empty() || !options.relayed.is_empty() {
        draft.stream(chat, request, cancel, emit).await?;
    }
    let refused = draft.refused();
    if refused {
        // None of its text was shown.
        draft.text.clear();
    }
    let (citations, text) = checked(std::mem::take(&mut draft.text), question, &passages).await;
    draft.text = text;
    let ended = draft.failure.is_none() && !cancel.is_cancelled();
    // A model that calls a function has not answered yet.
    let calls = draft.finish_reason.as_deref() == Some(CALLS);
    let no_answer = NoAnswer::of(&draft.text, refused, &passages, &citations);
    let no_answer = no_answer.filter(|_| ended && !calls);
    let nearest = match no_answer {
        Some(_) if passages.is_empty() => below_floor,
        Some(_) => passages.iter().take(NEAREST).cloned().collect(),
        None => Vec::new(),
    };
    Ok(Answer {
        id: options.id,
        no_answer,
        citations,
        verification: None,
        model: draft.model.unwrap_or_else(|| chat.name().to_owned()),
        text: draft.text,
        thinking: draft.thinking,
        passages,
        nearest,
        hits: kept,
        scores,
        fates,
        dropped,
        finish_reason: draft.finish_reason,
        usage: queries.usage + draft.usage,
        queries,
        cached,
        retrieved_in,
        packed_in,
        first_token_in: draft.first_token_in,
        elapsed: started.elapsed(),
        interrupted: cancel.is_cancelled(),
        failure: draft.failure,
    })
}

/// What would be passages without the floor: shown if no hit reaches it and there is no answer.
fn below_floor(
    hits: &[Hit],
    options: &AnswerOptions,
    count: &dyn Fn(&str) -> usize,
) -> Vec<Passage> {
    let pack = PackOptions { min_score: None, ..options.pack.clone() };
    pack::pack(hits, &pack, 0, count).passages.iter().take(NEAREST).cloned().collect()
}

/// The checked citations of an answer, and its text. The check may take milliseconds, so it runs on a
/// thread of its own: other callers that wait for a first word would wait longer.
async fn checked(text: String, question: &str, passages: &Arc<[Passage]>) -> (Citations, String) {
    let (question, passages) = (question.to_owned(), Arc::clone(passages));
    computed(move || (cite::verify(&text, &question, &passages), text)).await
}

/// An answer while it arrives.
struct Draft {
    started: Instant,
    /// The answer is quoted from documents, so text that begins like a refusal is a document's; this model
    /// refuses by its finish reason.
    quoted: bool,
    text: String,
    thinking: String,
    model: Option<String>,
    finish_reason: Option<String>,
    usage: Usage,
    first_token_in: Option<Duration>,
    failure: Option<BackendError>,
}

impl Draft {
    fn new(started: Instant) -> Self {
        Self {
            started,
            quoted: false,
            text: String::new(),
            thinking: String::new(),
            model: None,
            finish_reason: None,
            usage: Usage::default(),
            first_token_in: None,
            failure: None,
        }
    }

    async fn stream(
        &mut self,
        chat: &dyn ChatModel,
        request: ChatRequest,
        cancel: &Cancel,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<(), BackendError> {
        self.quoted = chat.name() == EXTRACTIVE;
        // Marks are recognised here as they will be when they are checked.
        let passages = u32::try_from(request.passages.len()).unwrap_or(u32::MAX);
        let mut stream = tokio::select! {
            stream = chat.stream(request) => stream?,
            () = cancel.cancelled() => return Ok(()),
        };
        let mut marks = MarkParser::for_passages(passages);
        // Nothing is shown while the text may still turn out to be the agreed refusal.
        let mut held = String::new();
        loop {
            let event = tokio::select! {
                event = stream.next() => event,
                () = cancel.cancelled() => None,
            };
            let Some(event) = event else { break };
            match event {
                Ok(ChatEvent::Thinking(text)) => {
                    self.thinking.push_str(&text);
                    emit(AnswerEvent::Thinking(text));
                }
                Ok(ChatEvent::Delta(text)) => {
                    self.first_token_in.get_or_insert_with(|| self.started.elapsed());
                    self.text.push_str(&text);
                    held.push_str(&text);
                    if self.quoted || !prompt::may_be_refusal(&self.text) {
                        send(marks.push(&std::mem::take(&mut held)), emit);
                    }
                }
                Ok(ChatEvent::Calls(calls)) => {
                    self.first_token_in.get_or_insert_with(|| self.started.elapsed());
                    emit(AnswerEvent::Calls(calls));
                }
                Ok(ChatEvent::Retracted) => {
                    let thought = std::mem::take(&mut self.text);
                    self.thinking.push_str(&thought);
                    self.first_token_in = None;
                    held.clear();
                    marks = MarkParser::for_passages(passages);
                    emit(AnswerEvent::Retracted);
                }
                Ok(ChatEvent::Done { finish_reason, model, usage }) => {
                    self.finish_reason = Some(finish_reason);
                    self.model = Some(model);
                    self.usage = usage;
                }
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        if !self.refused() {
            send(marks.push(&held), emit);
            send(marks.finish(), emit);
        }
        Ok(())
    }

    /// Whether the model said in the agreed form that the passages do not hold the answer.
    fn refused(&self) -> bool {
        let quoted_nothing = self.finish_reason.as_deref() == Some(NO_ANSWER);
        quoted_nothing || (!self.quoted && prompt::is_refusal(&self.text))
    }
}

fn send(pieces: Vec<AnswerPiece>, emit: &mut (dyn FnMut(AnswerEvent) + Send)) {
    for piece in pieces {
        emit(match piece {
            AnswerPiece::Text(text) => AnswerEvent::Text(text),
            AnswerPiece::Mark(number) => AnswerEvent::Mark(number),
        });
    }
}
