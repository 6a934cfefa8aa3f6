//! The text of an answer as the caller receives it, and the positions of its marks.

use serde_json::{Value, json};

use crate::query::AnswerEvent;
use crate::query::cite::Citation;
use crate::serve::answering::{Answered, words_for};

/// See the module.
#[derive(Default)]
pub(super) struct Draft {
    text: String,
    /// Offset in `text` at which the answer begins, in bytes. Text before it was sent, but is not part of
    /// the answer.
    begin: usize,
    /// Length of `text` in characters, which is how Python clients count.
    length: usize,
    marks: Vec<DraftMark>,
    /// The caller already has the text, so it is never removed.
    is_sent: bool,
    /// Function calls, joined from their pieces.
    calls: Vec<Value>,
}

/// A mark in the text: its first character, the position after its last one, and its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DraftMark {
    pub(super) start: usize,
    pub(super) end: usize,
    number: u32,
}

/// What an event adds.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum DraftPiece {
    Text(String),
    /// The model's thinking; or the text so far, which turned out to be thinking.
    Thinking(String),
    /// Pieces of function calls.
    Calls(Vec<Value>),
}

impl Draft {
    /// A draft of an answer that is sent as it arrives.
    pub(super) fn sent() -> Self {
        Self { is_sent: true, ..Self::default() }
    }

    pub(super) fn on(&mut self, event: AnswerEvent) -> Option<DraftPiece> {
        let text = match event {
            AnswerEvent::Text(text) => text,
            AnswerEvent::Mark(number) => {
                let text = format!("[{number}]");
                let start = self.length;
                self.marks.push(DraftMark { start, end: start + text.len(), number });
                text
            }
            AnswerEvent::Thinking(text) => return Some(DraftPiece::Thinking(text)),
            AnswerEvent::Calls(pieces) => {
                for piece in &pieces {
                    call(&mut self.calls, piece);
                }
                return Some(DraftPiece::Calls(pieces));
            }
            // Text that was sent cannot be taken back; the answer begins after it.
            AnswerEvent::Retracted => {
                self.marks.clear();
                let so_far = self.text[self.begin..].to_owned();
                if self.is_sent {
                    self.begin = self.text.len();
                } else {
                    self.text.clear();
                    self.length = 0;
                }
                return (!so_far.is_empty()).then_some(DraftPiece::Thinking(so_far));
            }
            AnswerEvent::Asking(_) | AnswerEvent::Retrieved { .. } => return None,
        };
        self.add(&text);
        Some(DraftPiece::Text(text))
    }

    fn add(&mut self, text: &str) {
        self.length += text.chars().count();
        self.text.push_str(text);
    }

    /// The whole text that the caller receives.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Function calls as far as they arrived, without their indexes.
    pub(super) fn calls(&self) -> &[Value] {
        &self.calls
    }

    /// Ends the text. If there is no answer, adds the text shown instead, and returns it.
    pub(super) fn end(&mut self, answered: &Answered) -> Option<&'static str> {
        let words = answered.answer.no_answer.map(words_for)?;
        let is_missing = self.text[self.begin..].trim().is_empty() && !words.is_empty();
        is_missing.then(|| self.add(words)).map(|()| words)
    }

    /// The marks that name a passage, each with its citation.
    pub(super) fn cited<'a>(
        &self,
        answered: &'a Answered,
    ) -> impl Iterator<Item = (DraftMark, &'a Citation)> {
        let citations = &answered.answer.citations.citations;
        self.marks.iter().filter_map(|mark| {
            let cited = citations.iter().find(|citation| citation.number == mark.number);
            cited.map(|citation| (*mark, citation))
        })
    }
}

/// Most calls of one answer.
const MOST_CALLS: u64 = 256;

/// Adds a piece of a call to the calls so far.
pub(super) fn call(calls: &mut Vec<Value>, piece: &Value) {
    let index = piece["index"].as_u64().unwrap_or(0).min(MOST_CALLS) as usize;
    while calls.len() <= index {
        calls.push(
            json!({ "id": "", "type": "function", "function": { "name": "", "arguments": "" } }),
        );
    }
    let Some(call) = calls.get_mut(index) else { return };
    let mut add = |place: &str| {
        if let Some(Value::String(so_far)) = call.pointer_mut(place) {
            *so_far += piece.pointer(place).and_then(Value::as_str).unwrap_or_default();
        }
    };
    add("/function/name");
    add("/function/arguments");
    if let Some(id) = piece["id"].as_str().filter(|id| !id.is_empty()) {
        call["id"] = id.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_comes_in_pieces() {
        let mut calls = Vec::new();
        for piece in [
            json!({ "index": 0, "id": "a", "type": "function", "function": { "name": "add", "arguments": "" } }),
            json!({ "index": 1, "id": "b", "function": { "name": "sub", "arguments": "{}" } }),
            json!({ "index": 0, "function": { "arguments": "{\"x\":" } }),
            json!({ "index": 0, "id": "", "function": { "arguments": "1}" } }),
        ] {
            call(&mut calls, &piece);
        }
        assert_eq!(
            calls,
            [
                json!({ "id": "a", "type": "function", "function": { "name": "add", "arguments": "{\"x\":1}" } }),
                json!({ "id": "b", "type": "function", "function": { "name": "sub", "arguments": "{}" } }),
            ]
        );
    }

    fn events() -> Vec<AnswerEvent> {
        let text = |text: &str| AnswerEvent::Text(text.to_owned());
        vec![
            text("Hm [x"),
            AnswerEvent::Mark(7),
            AnswerEvent::Retracted,
            text("Größe: 3 "),
            AnswerEvent::Mark(12),
            text("."),
        ]
    }

    #[test]
    fn text_that_was_sent_stays_without_its_marks() {
        let mut draft = Draft::sent();
        let pieces: Vec<DraftPiece> =
            events().into_iter().filter_map(|event| draft.on(event)).collect();
        assert!(pieces.contains(&DraftPiece::Thinking("Hm [x[7]".to_owned())));
        assert_eq!(draft.text(), "Hm [x[7]Größe: 3 [12].");
        assert_eq!(draft.marks, [DraftMark { start: 17, end: 21, number: 12 }]);
    }

    #[test]
    fn text_that_was_not_sent_is_removed() {
        let mut draft = Draft::default();
        for event in events() {
            draft.on(event);
        }
        assert_eq!(draft.text(), "Größe: 3 [12].");
        assert_eq!(draft.marks, [DraftMark { start: 9, end: 13, number: 12 }]);
    }
}
