//! Handles the messages of a client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::PATH;
use super::message::{self, ClientMessage, Heard, InvalidMessage};
use super::turn::{ChatTurn, TurnTakeover, TurnUpdate};
use crate::query::history::HistoryTurn as Said;
use crate::serve::access::Caller;
use crate::serve::answering::{CallerQuestion, shutting_down};
use crate::serve::call::{Server, SharedNotes, made_id};
use crate::serve::dispatch::{begin_question, enter, trace_context};
use crate::serve::keys::KeyRight;
use crate::serve::log::{LogEntry, PendingEntry};
use crate::serve::native::query::{AdmittedQuestion, QuestionFields, SentEvent};
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::types::TraceContext;

/// Most earlier turns that are remembered, and most bytes of them. How much of them the model is shown is
/// decided with each question, as in `docent chat`.
const MOST_TURNS: usize = 256;
const LONGEST_HISTORY: usize = 256 << 10;

/// A conversation, and its answer in progress.
pub(super) struct Conversation {
    server: Arc<Server>,
    /// The headers with the key: the key is checked for each question, and may have expired meanwhile.
    headers: HeaderMap,
    history: Arc<Vec<Said>>,
    /// The turn, with the number by which it knows this connection.
    turn: Option<(Arc<ChatTurn>, u32)>,
}

/// A message from the client, as a request.
struct Request {
    /// The client's own id for it, or else its request id.
    label: String,
    id: String,
    context: TraceContext,
    notes: SharedNotes,
    pending: PendingEntry,
}

/// The key is no longer valid, so the connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AccessRevoked;

/// The messages to be sent, each an object on one line.
pub(super) type Outbox = VecDeque<String>;

impl Conversation {
    pub(super) fn new(server: Arc<Server>, headers: HeaderMap) -> Self {
        Self { server, headers, history: Arc::default(), turn: None }
    }

    pub(super) fn is_answering(&self) -> bool {
        self.turn.is_some()
    }

    /// Whether another connection has taken over the answer.
    pub(super) fn is_lost(&self, context: &Context<'_>) -> bool {
        self.turn.as_ref().is_some_and(|(turn, holder)| turn.is_lost(*holder, context))
    }

    /// The next event of the answer; `None` if it has ended without one.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<String>> {
        let Some((turn, holder)) = &self.turn else { return Poll::Pending };
        match turn.poll(*holder, context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(TurnUpdate::Event(json)) => Poll::Ready(Some(json)),
            Poll::Ready(TurnUpdate::End(last, said)) => {
                self.turn = None;
                self.remember(said);
                Poll::Ready(last)
            }
        }
    }

    /// The client is gone: stops the answer, and with it the request to the model.
    pub(super) fn leave(&mut self) {
        if let Some((turn, holder)) = self.turn.take() {
            turn.hang_up(holder);
        }
    }

    /// # Errors
    /// The key is no longer valid.
    pub(super) fn hear(&mut self, text: &str, out: &mut Outbox) -> Result<(), AccessRevoked> {
        match message::read(text) {
            Ok(Heard::Cancel) => {
                let answer_id = self.turn.as_ref().map(|(turn, _)| turn.answer_id);
                if let Some((turn, holder)) = self.turn.take() {
                    self.remember(turn.hang_up(holder));
                }
                say(out, &json!({ "event": "cancelled", "answer_id": answer_id }));
                Ok(())
            }
            Ok(Heard::Clear) if self.turn.is_none() => {
                self.history = Arc::default();
                say(out, &json!({ "event": "cleared" }));
                Ok(())
            }
            Ok(Heard::Clear) => self.count(None, Err(under_way()), out),
            Ok(Heard::Request { id, wish }) => self.count(id, Ok(wish), out),
            Err(InvalidMessage { id, refusal }) => self.count(id, Err(*refusal), out),
        }
    }

    /// Admits a message, and counts it like a request. Invalid messages are counted, too.
    fn count(
        &mut self,
        label: Option<String>,
        wish: Result<ClientMessage, RequestRefusal>,
        out: &mut Outbox,
    ) -> Result<(), AccessRevoked> {
        let mut request = Request::begin(&self.server, &self.headers, label);
        let caller = enter(&self.server, &self.headers, KeyRight::Answer, &mut request.pending);
        let caller = match caller {
            Ok(caller) => caller,
            Err(refusal) => {
                let is_for_good =
                    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&refusal.status);
                self.refuse(request, refusal, out);
                return if is_for_good { Err(AccessRevoked) } else { Ok(()) };
            }
        };
        let refusal = match wish {
            Ok(ClientMessage::Question(asked)) => match self.prepared(&caller, *asked, &request) {
                Ok((answer_id, asking, own)) => {
                    self.begin(answer_id, asking, own, request, out);
                    return Ok(());
                }
                Err(refusal) => refusal,
            },
            Ok(ClientMessage::Resume(answer_id)) => match self.found(&caller, answer_id) {
                Ok(turn) => {
                    self.resume(turn, request, out);
                    return Ok(());
                }
                Err(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        self.refuse(request, refusal, out);
        Ok(())
    }

    /// # Errors
    /// An answer is in progress, or the server is shutting down.
    fn check_free(&self) -> Result<(), RequestRefusal> {
        match &self.turn {
            Some(_) => Err(under_way()),
            None if self.server.is_stopping() => Err(shutting_down()),
            None => Ok(()),
        }
    }

    /// A question ready to be asked, with the id of its answer, and the permit that its key holds for it.
    fn prepared(
        &self,
        caller: &Caller,
        asked: QuestionFields,
        request: &Request,
    ) -> Result<(Uuid, AdmittedQuestion, Option<OwnedSemaphorePermit>), RequestRefusal> {
        self.check_free()?;
        let (collection, show_thinking) = (asked.collection.clone(), asked.show_thinking);
        let question = asked.read(self.history.to_vec())?;
        let scoped = caller.open(collection.as_deref())?;
        let own_turn = begin_question(&self.server, caller)?;
        let answer_id = scoped.engine().answer_id(&question.text)?;
        let asking = AdmittedQuestion {
            scoped,
            caller: caller.clone(),
            server: Arc::clone(&self.server),
            notes: request.notes.clone(),
            request_id: request.id.clone(),
            question: CallerQuestion { id: Some(answer_id), ..question },
            show_thinking,
        };
        Ok((answer_id, asking, own_turn))
    }

    fn begin(
        &mut self,
        answer_id: Uuid,
        asking: AdmittedQuestion,
        own_turn: Option<OwnedSemaphorePermit>,
        request: Request,
        out: &mut Outbox,
    ) {
        request.say_begin(answer_id, false, out);
        let key_id = asking.caller.key_id().to_owned();
        let history = Arc::clone(&self.history);
        let Request { context, pending, .. } = request;
        let turn = ChatTurn::begin(answer_id, asking, context, history, pending, own_turn);
        let turn = Arc::new(turn);
        self.server.turns.add(&key_id, Arc::clone(&turn));
        self.turn = Some((turn, ChatTurn::FIRST_HOLDER));
    }

    /// # Errors
    /// An answer is in progress here, or there is no such turn that the caller may see. The caller may not
    /// see it either if its key's view of the documents has changed.
    fn found(&self, caller: &Caller, answer_id: Uuid) -> Result<Arc<ChatTurn>, RequestRefusal> {
        self.check_free()?;
        let turn = self.server.turns.find(caller.key_id(), answer_id).filter(|turn| {
            let scoped = caller.open(Some(&turn.sight.collection));
            scoped.is_ok_and(|scoped| scoped.sight() == turn.sight)
        });
        turn.ok_or_else(|| RequestRefusal {
            param: "answer_id".into(),
            ..RequestRefusal::not_found(
                ErrorCode::TurnNotKept,
                "this answer is not kept, or no longer",
            )
        })
    }

    fn resume(&mut self, turn: Arc<ChatTurn>, mut request: Request, out: &mut Outbox) {
        request.notes.note(|notes| {
            notes.answer_id = Some(turn.answer_id.to_string());
            notes.collection = Some(turn.sight.collection.clone());
        });
        request.pending.end(StatusCode::OK);
        request.say_begin(turn.answer_id, true, out);
        let TurnTakeover { holder, events, under_way, complete, history } = turn.take_over();
        out.extend(events);
        if !complete {
            let refusal = RequestRefusal::new(
                StatusCode::GONE,
                ErrorCode::AnswerCutOff,
                "the connection was lost before the answer had ended, so the answer was stopped",
            );
            out.push_back(SentEvent::error(&refusal, &request.id, Some(turn.answer_id)).json);
        }
        if self.history.is_empty() {
            self.history = history;
        }
        if under_way {
            self.turn = Some((turn, holder));
        }
    }

    fn refuse(&self, mut request: Request, mut refusal: RequestRefusal, out: &mut Outbox) {
        request.notes.refused(&mut refusal, self.server.access.needs_keys());
        request.pending.end(refusal.status);
        let error = refusal.object(&request.id);
        say(out, &json!({ "event": "error", "id": request.label, "error": error }));
    }

    fn remember(&mut self, said: Option<Said>) {
        let Some(said) = said else { return };
        let history = Arc::make_mut(&mut self.history);
        history.push(said);
        forget_oldest(history, MOST_TURNS, LONGEST_HISTORY);
    }
}

impl Request {
    fn begin(server: &Arc<Server>, headers: &HeaderMap, label: Option<String>) -> Self {
        let (id, notes) = (made_id("req_"), SharedNotes::default());
        let context = trace_context(headers);
        let entry = LogEntry {
            request_id: id.clone(),
            trace_id: context.trace_id.clone(),
            method: "WS".to_owned(),
            path: PATH.to_owned(),
            route: Some(PATH),
            needs_right: true,
            ..LogEntry::default()
        };
        let pending = PendingEntry::begin(server, &notes, entry);
        Self { label: label.unwrap_or_else(|| id.clone()), id, context, notes, pending }
    }

    fn say_begin(&self, answer_id: Uuid, resumed: bool, out: &mut Outbox) {
        let (label, id) = (&self.label, &self.id);
        say(
            out,
            &json!({
                "event": "begin", "id": label, "answer_id": answer_id, "request_id": id,
                "resumed": resumed,
            }),
        );
    }
}

fn say(out: &mut Outbox, event: &serde_json::Value) {
    out.push_back(event.to_string());
}

fn under_way() -> RequestRefusal {
    RequestRefusal::new(
        StatusCode::CONFLICT,
        ErrorCode::AnswerUnderWay,
        "an answer is in progress in this conversation",
    )
}

/// The newest turn stays, however long it is.
fn forget_oldest(history: &mut Vec<Said>, most: usize, longest: usize) {
    let mut bytes = 0;
    let kept = history.iter().rev().take(most).take_while(|said| {
        bytes += said.question.len() + said.answer.len();
        bytes <= longest
    });
    let kept = kept.count().max(1).min(history.len());
    history.drain(..history.len() - kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_turns_are_forgotten_first() {
        let kept = |most, longest| {
            let turns = ["a", "bb", "ccc"];
            let mut history: Vec<Said> = turns.iter().map(|text| Said::new(text, text)).collect();
            forget_oldest(&mut history, most, longest);
            history.iter().map(|said| said.question.clone()).collect::<Vec<_>>()
        };
        assert_eq!(kept(9, 99), ["a", "bb", "ccc"]);
        assert_eq!(kept(2, 99), ["bb", "ccc"]);
        assert_eq!(kept(9, 10), ["bb", "ccc"]);
        assert_eq!(kept(9, 9), ["ccc"]);
        assert_eq!(kept(9, 1), ["ccc"], "the newest stays");
    }
}
