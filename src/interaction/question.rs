//! The tokens of a question.

use crate::embed::builtin::table::{norm, scale};
use crate::embed::wordpiece::WordPiece;

/// A question, ready to be compared.
pub struct QuestionTokens {
    /// Distinct tokens that matter, each with its weight, heaviest first; the weights add up to 1.
    pub(super) tokens: Vec<(u32, f32)>,
}

/// Most tokens of a question that are used: those with the highest weight.
const MOST: usize = 256;

impl QuestionTokens {
    /// The weight of a token is the importance of its word times the norm of its row, which is small for
    /// tokens that are frequent in English.
    pub(super) fn new<'a>(
        tokenizer: &WordPiece,
        words: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> Option<Self> {
        let mut tokens: Vec<(u32, f32)> = Vec::new();
        for (word, importance) in words {
            tokenizer.tokenize(word, |id| {
                let weight = importance * norm(id) * scale(id).abs();
                match tokens.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, known)) => *known += weight,
                    None => tokens.push((id, weight)),
                }
            });
        }
        tokens.retain(|(_, weight)| *weight > 0.0);
        tokens.sort_by(|a, b| b.1.total_cmp(&a.1));
        tokens.truncate(MOST);
        let whole: f32 = tokens.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut tokens {
            *weight /= whole;
        }
        (!tokens.is_empty()).then_some(Self { tokens })
    }
}
