//! Question → answer: `[rewrite] → embed → retrieve → [rerank] → pack → prompt → stream → verify citations`.
//!
//! [`answer`] is the whole flow. It emits what happens as it happens, and returns what came of it;
//! a model that dies in mid-answer is part of the result, since what came until then stands.

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
pub mod verdict;
pub mod verification;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use uuid::Uuid;

pub use compose::{Composed, passages_of};
pub use options::AnswerOptions;
pub use retriever::{Remembered, Retrieved, Retriever};

use crate::cancel::Cancel;
use crate::chat::{CALLS, ChatEvent, ChatModel, ChatRequest, EXTRACTIVE, NO_ANSWER};
use crate::error::BackendError;
use crate::task::computed;
use crate::types::{Hit, Passage, Usage};
use cite::{Citations, MarkParser, Piece};
use compose::compose;
use pack::{Dropped, Fate, PackOptions};
use rewrite::Queries;
use verdict::NoAnswer;
use verification::Verification;

/// What happens, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum AnswerEvent {
    /// What retrieval asks, where that is not just the question.
    Asking(Queries),
    Retrieved {
        hits: usize,
        passages: Arc<[Passage]>,
        dropped: Arc<[Dropped]>,
    },
    /// What the model thinks before it answers.
    Thinking(String),
    /// Text of the answer. Marks come as events of their own.
    Text(String),
    /// A citation mark `[n]`.
    Mark(u32),
    /// Pieces of calls of functions, as [`ChatEvent::Calls`] has them: only where functions are relayed.
    Calls(Vec<serde_json::Value>),
    /// Text and marks so far were thinking, and the answer begins here.
    Retracted,
}

/// What came of a question.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub id: Uuid,
    /// As the model wrote it, marks included; empty where it refused.
    pub text: String,
    /// What the model thought before it answered; empty where it did not, or did not show it.
    pub thinking: String,
    /// `None` where there is an answer, or it did not come to its end.
    pub no_answer: Option<NoAnswer>,
    pub model: String,
    /// What retrieval asked.
    pub queries: Queries,
    /// What the model was given.
    pub passages: Arc<[Passage]>,
    /// What came nearest, best first, where there is no answer; at most [`NEAREST`].
    pub nearest: Vec<Passage>,
    /// What was retrieved, best first; empty unless [`AnswerOptions::keeps_hits`].
    pub hits: Arc<[Hit]>,
    /// Of what was retrieved, best first.
    pub scores: Vec<f32>,
    /// What became of each hit, in their order.
    pub fates: Arc<[Fate]>,
    /// The hits that are in no passage, and why.
    pub dropped: Arc<[Dropped]>,
    pub citations: Citations,
    /// What a model was asked about them; `None` where none was.
    pub verification: Option<Verification>,
    pub finish_reason: Option<String>,
    /// Of the answer and of the queries.
    pub usage: Usage,
    /// The hits were retrieved for somebody who asked the same.
    pub cached: bool,
    /// Until the passages were there.
    pub retrieved_in: Duration,
    /// The part of it that packing took.
    pub packed_in: Duration,
    /// Until the first word of the answer; thinking comes before that.
    pub first_token_in: Option<Duration>,
    pub elapsed: Duration,
    pub interrupted: bool,
    /// What cut the answer short.
    pub failure: Option<BackendError>,
}

/// Passages that are shown where there is no answer.
pub const NEAREST: usize = 3;

/// What the model is to be asked, and what that was made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Prepared {
    pub queries: Queries,
    /// Best first.
    pub hits: Arc<[Hit]>,
    /// See [`Answer::cached`].
    pub cached: bool,
    pub composed: Composed,
    /// Until the passages were there.
    pub retrieved_in: Duration,
    /// The part of it that packing took.
    pub packed_in: Duration,
}

/// Words the question, retrieves, packs and writes the prompt: all that comes before the model is
/// asked to answer. The prompt is never over `options.pack.max_tokens`, unless it is without any
/// passage.
pub async fn prepare(
    question: &str,
    retriever: &Retriever,
    chat: &dyn ChatModel,
    options: &AnswerOptions,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<Prepared, BackendError> {
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
        () = cancel.cancelled() => Retrieved::default(),
    };
    let packing = Instant::now();
    let pack = |reserved| retrieved.packed(&options.pack, reserved, chat);
    let composed = compose(question, &history, options, &pack, &count);
    let (retrieved_in, packed_in) = (asked.elapsed(), packing.elapsed());
    let Retrieved { hits, cached, .. } = retrieved;
    Ok(Prepared { queries, hits, cached, composed, retrieved_in, packed_in })
}

/// Answers a question, or finds that there is no answer.
///
/// # Errors
/// When retrieval fails, or the model before its first token. `cancel` ends the answer where it is.
pub async fn answer(
    question: &str,
    retriever: &Retriever,
    chat: &dyn ChatModel,
    options: &AnswerOptions,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(AnswerEvent) + Send),
) -> Result<Answer, BackendError> {
    let started = Instant::now();
    // What an answer holds while the model writes it, thousands hold at a time in a server: the hits, and
    // what retrieval needed, go before it begins.
    let prepared = Box::pin(prepare(question, retriever, chat, options, cancel, emit)).await?;
    let Prepared { queries, hits, cached, composed, retrieved_in, packed_in } = prepared;
    let Composed { request, dropped, fates, .. } = composed;
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
    // One that is moved on one way only is held on the other way, to the end of the function.
    let kept = if options.keeps_hits { Arc::clone(&hits) } else { Arc::default() };
    drop(hits);

    let mut draft = Draft::new(started);
    if !passages.is_empty() || !options.relayed.is_empty() {
        draft.stream(chat, request, cancel, emit).await?;
    }
    let refused = draft.refused();
    if refused {
        // Nothing of it was shown.
        draft.text.clear();
    }
    let (citations, text) = checked(std::mem::take(&mut draft.text), question, &passages).await;
    draft.text = text;
    let ended = draft.failure.is_none() && !cancel.is_cancelled();
    // Who calls a function has not answered yet.
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

/// What would be passages but for the floor: shown where there is none, and no answer.
fn below_floor(
    hits: &[Hit],
    options: &AnswerOptions,
    count: &dyn Fn(&str) -> usize,
) -> Vec<Passage> {
    let pack = PackOptions { min_score: None, ..options.pack.clone() };
    pack::pack(hits, &pack, 0, count).passages.iter().take(NEAREST).cloned().collect()
}

/// The citations of an answer, checked, and its text. That may take milliseconds, in which whoever else
/// waits for a first word would wait longer: it is done elsewhere.
async fn checked(text: String, question: &str, passages: &Arc<[Passage]>) -> (Citations, String) {
    let (question, passages) = (question.to_owned(), Arc::clone(passages));
    computed(move || (cite::verify(&text, &question, &passages), text)).await
}

/// An answer while it arrives.
struct Draft {
    started: Instant,
    /// The answer is quoted: a text that begins like a refusal is that of a document, and this model
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
        // What is shown as a mark is what will be checked.
        let passages = u32::try_from(request.passages.len()).unwrap_or(u32::MAX);
        let mut stream = tokio::select! {
            stream = chat.stream(request) => stream?,
            () = cancel.cancelled() => return Ok(()),
        };
        let mut marks = MarkParser::for_passages(passages);
        // Nothing is shown while it may still turn out to be the agreed refusal.
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

    /// The model said in the agreed form that the passages do not hold the answer.
    fn refused(&self) -> bool {
        let quoted_nothing = self.finish_reason.as_deref() == Some(NO_ANSWER);
        quoted_nothing || (!self.quoted && prompt::is_refusal(&self.text))
    }
}

fn send(pieces: Vec<Piece>, emit: &mut (dyn FnMut(AnswerEvent) + Send)) {
    for piece in pieces {
        emit(match piece {
            Piece::Text(text) => AnswerEvent::Text(text),
            Piece::Mark(number) => AnswerEvent::Mark(number),
        });
    }
}
