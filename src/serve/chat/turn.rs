//! A turn: a question that is being answered, and its events so far.
//!
//! A client that lost its connection may resume the turn on another one, even while it is in progress. The
//! old connection, which the server may still take for alive, then finds that it no longer has the turn.

use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures::{FutureExt as _, StreamExt as _};
use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::http::with_trace_context;
use crate::output::Event;
use crate::query::AnswerEvent;
use crate::query::history::HistoryTurn as Said;
use crate::serve::access::VisibleScope;
use crate::serve::log::PendingEntry;
use crate::serve::native::query::{AdmittedQuestion, SentEvent};
use crate::serve::progress_stream::{ProgressSender, ProgressStream};
use crate::serve::refusal::RequestRefusal;
use crate::types::TraceContext;

/// Most bytes of a turn that are kept: more than any answer and its passages have.
const LARGEST: usize = 1 << 20;

/// See the module.
pub(super) struct ChatTurn {
    pub(super) answer_id: Uuid,
    /// The part of the documents that it was answered from.
    pub(super) sight: VisibleScope,
    question: String,
    /// The conversation before it.
    history: Arc<Vec<Said>>,
    state: Mutex<State>,
}

struct State {
    /// Counts the connections that have had the turn; the last one has it now.
    holder: u32,
    /// Wakes the task of the connection that has it.
    waker: Option<Waker>,
    /// `None` once it has ended.
    work: Option<Work>,
    told: Vec<Piece>,
    bytes: usize,
    /// The turn came to its end, and was not cancelled.
    complete: bool,
    /// What the turn adds to the conversation.
    said: Option<Said>,
    /// When the turn ended.
    ended: Option<Instant>,
}

/// The work, which advances only while its events are asked for.
struct Work {
    told: ProgressStream<Out>,
    /// The log entry, written when this is dropped.
    pending: PendingEntry,
    #[expect(dead_code, reason = "held")]
    own_turn: Option<OwnedSemaphorePermit>,
}

enum Out {
    Event(SentEvent),
    End(End),
}

struct End {
    status: StatusCode,
    /// The last event: with it the turn is over, so that its receiver may ask again.
    last: SentEvent,
    said: Option<Said>,
    #[expect(dead_code, reason = "held until all events are taken")]
    turn: Option<OwnedSemaphorePermit>,
}

/// An event of the past; consecutive pieces of the answer are kept as one.
enum Piece {
    Text(String),
    Mark(u32, String),
    /// With the passages of the answer, which the answer holds as well.
    Retrieved(AnswerEvent),
    Other(String),
}

/// What a connection receives from its turn.
pub(super) enum TurnUpdate {
    Event(String),
    /// The end: its last event, and what it adds to the conversation.
    End(Option<String>, Option<Said>),
}

/// What another connection gets when it resumes a turn.
pub(super) struct TurnTakeover {
    pub(super) holder: u32,
    pub(super) events: Vec<String>,
    pub(super) under_way: bool,
    /// No event is missing, or will be.
    pub(super) complete: bool,
    /// The conversation, including the turn if it has ended.
    pub(super) history: Arc<Vec<Said>>,
}

impl ChatTurn {
    /// The number of the connection that asked.
    pub(super) const FIRST_HOLDER: u32 = 0;

    /// Starts to answer. `history`: the conversation, as it is in the question; `own_turn`: the permit that
    /// the key holds for it.
    pub(super) fn begin(
        answer_id: Uuid,
        asking: AdmittedQuestion,
        context: TraceContext,
        history: Arc<Vec<Said>>,
        pending: PendingEntry,
        own_turn: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let (sight, question) = (asking.scoped.sight(), asking.question.text.clone());
        let work = Work { told: answered(asking, context), pending, own_turn };
        let state = State {
            holder: Self::FIRST_HOLDER,
            waker: None,
            work: Some(work),
            told: Vec::new(),
            bytes: 0,
            complete: false,
            said: None,
            ended: None,
        };
        Self { answer_id, sight, question, history, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another connection has the turn now. The task is woken when that happens.
    pub(super) fn is_lost(&self, holder: u32, context: &Context<'_>) -> bool {
        let mut state = self.state();
        if state.holder != holder {
            return true;
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        false
    }

    /// The next event for the connection that has the turn; another one gets nothing.
    pub(super) fn poll(&self, holder: u32, context: &mut Context<'_>) -> Poll<TurnUpdate> {
        let mut state = self.state();
        if state.holder != holder {
            return Poll::Pending;
        }
        let Some(work) = &mut state.work else { return Poll::Ready(TurnUpdate::End(None, None)) };
        match work.told.poll_next_unpin(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Out::Event(event))) => {
                let json = event.json.clone();
                state.keep(event);
                Poll::Ready(TurnUpdate::Event(json))
            }
            Poll::Ready(Some(Out::End(End { status, last, said, .. }))) => {
                work.pending.end(status);
                let json = last.json.clone();
                state.keep(last);
                state.complete = true;
                state.said.clone_from(&said);
                state.end();
                Poll::Ready(TurnUpdate::End(Some(json), said))
            }
            Poll::Ready(None) => {
                state.end();
                Poll::Ready(TurnUpdate::End(None, None))
            }
        }
    }

    /// Ends the turn if the connection still has it: the request to the model is cancelled, and the events
    /// so far are kept. Returns the partial answer as a turn of the conversation.
    pub(super) fn hang_up(&self, holder: u32) -> Option<Said> {
        let mut state = self.state();
        if state.holder != holder || state.work.is_none() {
            return None;
        }
        state.end();
        let text = state.text();
        state.said = (!text.trim().is_empty()).then(|| Said::new(&self.question, &text));
        state.said.clone()
    }

    /// Hands the turn to another connection.
    pub(super) fn take_over(&self) -> TurnTakeover {
        let mut state = self.state();
        state.holder += 1;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        let mut history = Arc::clone(&self.history);
        if let Some(said) = &state.said {
            Arc::make_mut(&mut history).push(said.clone());
        }
        TurnTakeover {
            holder: state.holder,
            events: state.told.iter().map(Piece::json).collect(),
            under_way: state.work.is_some(),
            complete: state.complete || state.work.is_some(),
            history,
        }
    }

    /// Whether all events so far are kept.
    pub(super) fn is_kept(&self) -> bool {
        self.state().bytes <= LARGEST
    }

    /// When the turn ended, and how many bytes are kept of it; `None` while it is in progress.
    pub(super) fn since(&self) -> Option<(Instant, usize)> {
        // A locked turn is being worked on, so it has not ended, and there is no need to wait for it.
        let Ok(state) = self.state.try_lock() else { return None };
        let earlier = self.history.iter().map(|said| said.question.len() + said.answer.len());
        let bytes = state.bytes + self.question.len() + earlier.sum::<usize>();
        state.ended.map(|ended| (ended, bytes))
    }
}

impl State {
    fn keep(&mut self, event: SentEvent) {
        self.bytes += event.delta.as_ref().map_or(event.json.len(), |(text, _)| text.len());
        if self.bytes > LARGEST {
            self.told = Vec::new();
            return;
        }
        match (event.delta, self.told.last_mut()) {
            (Some((text, None)), Some(Piece::Text(before))) => before.push_str(&text),
            (Some((text, None)), _) => self.told.push(Piece::Text(text)),
            (Some((text, Some(number))), _) => self.told.push(Piece::Mark(number, text)),
            // The text so far was not an answer.
            (None, _) if event.name == "retracted" => {
                self.told.retain(|piece| matches!(piece, Piece::Retrieved(_) | Piece::Other(_)));
            }
            (None, _) => self.told.push(match event.retrieved {
                Some(retrieved) => Piece::Retrieved(retrieved),
                None => Piece::Other(event.json),
            }),
        }
    }

    /// Drops the work, which writes the log entry.
    fn end(&mut self) {
        self.waker = None;
        self.ended = Some(Instant::now());
        drop(mem::take(&mut self.work));
        self.told.shrink_to_fit();
    }

    /// The text of the answer.
    fn text(&self) -> String {
        let texts = self.told.iter().filter_map(|piece| match piece {
            Piece::Text(text) | Piece::Mark(_, text) => Some(text.as_str()),
            Piece::Retrieved(_) | Piece::Other(_) => None,
        });
        texts.collect()
    }
}

impl Piece {
    fn json(&self) -> String {
        let delta =
            |text: &str, mark| SentEvent::new(&Event::Delta { text: text.to_owned(), mark }).json;
        match self {
            Self::Text(text) => delta(text, None),
            Self::Mark(number, text) => delta(text, Some(*number)),
            Self::Retrieved(event) => SentEvent::new(&Event::from(event)).json,
            Self::Other(json) => json.clone(),
        }
    }
}

/// The answer to a question, from waiting for its turn onwards. `context`: the trace that the question
/// belongs to.
fn answered(asking: AdmittedQuestion, context: TraceContext) -> ProgressStream<Out> {
    ProgressStream::of(|teller| async move {
        let answer = with_trace_context(context, answer(&asking, &teller));
        let end = AssertUnwindSafe(answer).catch_unwind().await;
        let end = end.unwrap_or_else(|_| End::refused(&asking, RequestRefusal::panicked()));
        teller.tell(Out::End(end));
    })
}

async fn answer(asking: &AdmittedQuestion, teller: &ProgressSender<Out>) -> End {
    let turn = match asking.server.admission.begin_question().await {
        Ok(turn) => turn,
        Err(refusal) => return End::refused(asking, refusal),
    };
    let mut held_back = None;
    let answered = asking
        .tell_events(&mut |event| match event.name {
            "done" | "error" => held_back = Some(event),
            _ => teller.tell(Out::Event(event)),
        })
        .await;
    let (status, said) = match answered {
        Ok(answered) => {
            let text = &answered.answer.text;
            let said = (!text.trim().is_empty()).then(|| Said::new(&asking.question.text, text));
            (StatusCode::OK, said)
        }
        Err(refusal) => (refusal.status, None),
    };
    match held_back {
        Some(last) => End { status, last, said, turn: Some(turn) },
        None => End::refused(asking, RequestRefusal::panicked()),
    }
}

impl End {
    fn refused(asking: &AdmittedQuestion, mut refusal: RequestRefusal) -> Self {
        let last = asking.refused(&mut refusal);
        Self { status: refusal.status, last, said: None, turn: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn state() -> State {
        State {
            holder: 0,
            waker: None,
            work: None,
            told: Vec::new(),
            bytes: 0,
            complete: false,
            said: None,
            ended: None,
        }
    }

    fn delta(text: &str, mark: Option<u32>) -> SentEvent {
        SentEvent::new(&Event::Delta { text: text.to_owned(), mark })
    }

    #[test]
    fn pieces_of_an_answer_are_kept_as_one_and_marks_stay_marks() {
        let mut state = state();
        let (passages, dropped) = (Arc::default(), Arc::default());
        state.keep(SentEvent::on(AnswerEvent::Retrieved { hits: 0, passages, dropped }));
        state.keep(delta("thought", None));
        state.keep(SentEvent::new(&Event::Retracted));
        for (text, mark) in
            [("Kept ", None), ("for 400 days ", None), ("[1]", Some(1)), (".", None)]
        {
            state.keep(delta(text, mark));
        }
        let kept: Vec<serde_json::Value> =
            state.told.iter().map(|piece| serde_json::from_str(&piece.json()).unwrap()).collect();
        let texts: Vec<&str> = kept.iter().filter_map(|event| event["text"].as_str()).collect();
        assert_eq!(texts, ["Kept for 400 days ", "[1]", "."]);
        assert_eq!((&kept[0]["event"], &kept[2]["mark"]), (&"retrieved".into(), &1.into()));
        assert_eq!(state.text(), "Kept for 400 days [1].");
    }

    #[test]
    fn a_turn_that_is_too_large_is_not_kept() {
        let mut state = state();
        state.keep(delta(&"x".repeat(LARGEST), None));
        assert_eq!(state.told.len(), 1);
        state.keep(delta("x", None));
        assert!(state.told.is_empty() && state.bytes > LARGEST);
        state.keep(delta("x", None));
        assert!(state.told.is_empty());
    }
}
