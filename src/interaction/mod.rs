//! Late interaction: compares a question with passages token by token, by the vectors of the built-in
//! table.
//!
//! One vector for a whole passage averages away what a single sentence says. Here each token of the
//! question looks for the token nearest to it, as in `ColBERT` (Khattab and Zaharia, 2020), but with
//! vectors that do not depend on context: they need not be stored, and a passage is read when it is a
//! candidate. Tokens that are close together count: see [`windows`].
//!
//! | file | step |
//! | --- | --- |
//! | [`question`] | the words of a question → its tokens, and how much each counts |
//! | [`passages`] | the text of a passage → its tokens, remembered |
//! | [`cosines`] | each token of the question with each token of the passages |
//! | [`windows`] | the tokens of a passage → its score |
//! | [`mod@oov`] | how little the table knows of a text |

mod cosines;
mod oov;
mod passages;
mod question;
mod windows;

use crate::embed::wordpiece::WordPiece;

pub use oov::oov_rate;
pub use question::QuestionTokens;

use cosines::Cosines;
use passages::{Passages, Tokens};

/// Compares questions with passages, and remembers the tokens of passages from one question to the next.
/// Made once per process, and shared by its threads.
pub struct LateInteraction {
    tokenizer: WordPiece,
    passages: Passages,
}

impl Default for LateInteraction {
    fn default() -> Self {
        Self::new()
    }
}

impl LateInteraction {
    pub fn new() -> Self {
        Self { tokenizer: WordPiece::new(), passages: Passages::new(passages::CAPACITY) }
    }

    /// `words` are the words of the question, each with its importance. `None` if no token has a vector, or
    /// none matters.
    pub fn question<'a>(
        &self,
        words: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> Option<QuestionTokens> {
        QuestionTokens::new(&self.tokenizer, words)
    }

    /// The score of each passage: the mean, over the tokens of the question, of the cosine of the nearest
    /// token, in the heading or in a [window](windows) of the text, whichever has the highest mean. Within
    /// -1..=1, and 0 for a passage without a known word.
    pub fn scores(&self, question: &QuestionTokens, passages: &[LatePassage<'_>]) -> Vec<f32> {
        let read: Vec<_> = passages
            .iter()
            .map(|passage| self.passages.tokens(&self.tokenizer, *passage))
            .collect();
        let cosines = Cosines::of(question, read.iter().flat_map(Tokens::all));
        read.iter().map(|tokens| windows::score(question, &cosines, tokens)).collect()
    }
}

/// A passage that a question is compared with.
#[derive(Clone, Copy, Debug)]
pub struct LatePassage<'a> {
    /// The title and headings of the passage, which are part of every window.
    pub heading: &'a str,
    pub text: &'a str,
}

#[cfg(test)]
mod tests;
