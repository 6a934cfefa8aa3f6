//! The cost of an answer that was not waited for: its caller left, or its time was over.
//!
//! The endpoint reports usage only at the end, and bills it all the same. So it is estimated from what was
//! sent and received; otherwise a caller that always leaves early would pay nothing.

use super::access::Caller;
use super::call::{Server, SharedNotes};
use crate::query::AnswerEvent;
use crate::types::{ChatPrice, Usage};

/// Bytes per token of English text, approximately.
const BYTES_OF_TOKEN: usize = 4;

/// Counts an estimate when it is dropped, unless the answer came to its [end](Self::end).
pub(super) struct Unfinished<'a> {
    pub(super) server: &'a Server,
    pub(super) caller: &'a Caller,
    pub(super) notes: &'a SharedNotes,
    /// `None`: the price is not known, or there is none.
    pub(super) price: Option<ChatPrice>,
    /// Bytes sent to the model; 0 until it was asked.
    pub(super) sent: usize,
    /// Bytes received.
    pub(super) came: usize,
    /// The model's endpoint bills its use.
    pub(super) is_billed: bool,
}

impl Unfinished<'_> {
    pub(super) fn saw(&mut self, event: &AnswerEvent) {
        match event {
            AnswerEvent::Retrieved { passages, .. } => {
                self.sent += passages.iter().map(|passage| passage.text.len()).sum::<usize>();
            }
            AnswerEvent::Text(text) | AnswerEvent::Thinking(text) => self.came += text.len(),
            AnswerEvent::Calls(calls) => self.came += bytes_of(calls),
            AnswerEvent::Asking(_) | AnswerEvent::Mark(_) | AnswerEvent::Retracted => {}
        }
    }

    /// The actual usage is known.
    pub(super) fn end(&mut self) {
        self.is_billed = false;
    }

    fn estimate(&self) -> Usage {
        let tokens = |bytes: usize| Some(bytes.div_ceil(BYTES_OF_TOKEN) as u64);
        let (prompt_tokens, completion_tokens) = (tokens(self.sent), tokens(self.came));
        let used = Usage { prompt_tokens, completion_tokens, ..Usage::default() };
        Usage { cost: self.price.and_then(|price| price.cost(&used)), ..used }
    }
}

/// Bytes of messages, or of pieces of function calls, as they are on the wire.
pub(super) fn bytes_of(calls: &[serde_json::Value]) -> usize {
    calls.iter().map(|call| call.to_string().len()).sum()
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.is_billed && self.sent > 0 {
            let used = self.estimate();
            self.server.spent(self.caller, used, true);
            self.notes.note(|notes| notes.took(used));
        }
    }
}
