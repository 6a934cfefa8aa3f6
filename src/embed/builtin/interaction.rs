//! Late interaction: a question compared with passages token by token, by the vectors of the table.
//!
//! One vector for a whole passage averages away what a single sentence of it says. Here every token
//! of the question looks for the token of the passage that is nearest to it, as in `ColBERT` (Khattab
//! and Zaharia, 2020), with vectors that know no context: so they need not be stored, and a passage
//! is read when it is a candidate. Integer arithmetic on the quantised rows.

use super::{DIMENSIONS, ROWS, SCALES};
use crate::embed::wordpiece::WordPiece;

/// A question, ready to be compared.
pub struct Interaction {
    tokenizer: WordPiece,
    /// Distinct tokens with what each counts for; together they count for 1.
    tokens: Vec<(Token, f32)>,
}

/// A row of the table that is not zero.
#[derive(Clone, Copy)]
struct Token {
    id: u32,
    /// L2 norm of the quantised row, without its scale.
    length: f32,
}

impl Token {
    /// `None` for a token without a vector.
    fn of(id: u32) -> Option<Self> {
        let row = &ROWS[id as usize];
        let length = (dot(row, row) as f32).sqrt();
        (length > 0.0 && scale(id) != 0.0).then_some(Self { id, length })
    }

    fn cosine(self, other: Self) -> f32 {
        let product = dot(&ROWS[self.id as usize], &ROWS[other.id as usize]);
        product as f32 / (self.length * other.length)
    }
}

impl Interaction {
    /// `parts` are the words of the question, each with how much it matters: a token counts for that
    /// times the norm of its row, which is small where the token is frequent in English. `None` where
    /// no token has a vector, or none matters.
    pub fn new<'a>(
        tokenizer: &WordPiece,
        parts: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> Option<Self> {
        let mut tokens: Vec<(Token, f32)> = Vec::new();
        for (word, importance) in parts {
            tokenizer.tokenize(word, |id| {
                let Some(token) = Token::of(id) else { return };
                let weight = importance * token.length * scale(id).abs();
                match tokens.iter_mut().find(|(known, _)| known.id == id) {
                    Some((_, known)) => *known += weight,
                    None => tokens.push((token, weight)),
                }
            });
        }
        let whole: f32 = tokens.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut tokens {
            *weight /= whole;
        }
        (whole > 0.0).then(|| Self { tokenizer: tokenizer.clone(), tokens })
    }

    /// For each passage the mean, over the tokens of the question, of the cosine of the nearest token
    /// of the passage; within -1..=1, and 0 for a passage without a known word.
    pub fn scores<'a>(&self, passages: impl IntoIterator<Item = &'a str>) -> Vec<f32> {
        let mut seen = Seen::new(self);
        passages.into_iter().map(|passage| seen.score(passage)).collect()
    }
}

/// Tokens of passages, each compared once however many passages have it.
struct Seen<'a> {
    question: &'a Interaction,
    /// By token id, the position of its cosines plus one; 0 where it has not been met.
    at: Vec<u32>,
    /// By token id, the last passage that had it.
    last: Vec<u32>,
    passage: u32,
    /// With each token of the question, token by token of the passages.
    cosines: Vec<f32>,
}

/// Position of a token that has no vector.
const NOTHING: u32 = u32::MAX;

impl<'a> Seen<'a> {
    fn new(question: &'a Interaction) -> Self {
        let by_token = vec![0; ROWS.len()];
        Self { question, at: by_token.clone(), last: by_token, passage: 0, cosines: Vec::new() }
    }

    fn score(&mut self, passage: &str) -> f32 {
        self.passage += 1;
        let mut best: Option<Vec<f32>> = None;
        self.question.tokenizer.tokenize(passage, |id| {
            if std::mem::replace(&mut self.last[id as usize], self.passage) == self.passage {
                return;
            }
            let Some(cosines) = self.cosines(id) else { return };
            match &mut best {
                None => best = Some(cosines.to_vec()),
                Some(best) => {
                    for (best, &cosine) in best.iter_mut().zip(cosines) {
                        *best = best.max(cosine);
                    }
                }
            }
        });
        let weights = self.question.tokens.iter().map(|(_, weight)| weight);
        best.map_or(0.0, |best| best.iter().zip(weights).map(|(best, weight)| best * weight).sum())
    }

    fn cosines(&mut self, id: u32) -> Option<&[f32]> {
        let count = self.question.tokens.len();
        if self.at[id as usize] == 0 {
            self.at[id as usize] = NOTHING;
            if let Some(token) = Token::of(id) {
                let start = self.cosines.len();
                let asked = self.question.tokens.iter();
                self.cosines.extend(asked.map(|(other, _)| token.cosine(*other)));
                self.at[id as usize] = (start / count) as u32 + 1;
            }
        }
        match self.at[id as usize] {
            NOTHING => None,
            at => self.cosines.get((at as usize - 1) * count..at as usize * count),
        }
    }
}

fn scale(id: u32) -> f32 {
    f32::from_le_bytes(SCALES[id as usize])
}

/// At most 2²² for [`DIMENSIONS`] of 2⁷ each.
fn dot(a: &[u8; DIMENSIONS], b: &[u8; DIMENSIONS]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed())).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn scores(question: &[(&str, f32)], passages: &[&str]) -> Vec<f32> {
        let question = Interaction::new(&WordPiece::new(), question.iter().copied()).unwrap();
        question.scores(passages.iter().copied())
    }

    #[test]
    fn every_word_of_the_question_looks_for_its_nearest() {
        let question = [("ledger", 1.0), ("backups", 1.0)];
        let passages = [
            "backups of the ledger",
            "The ledger.",
            "A copy of the account book.",
            "The ferry leaves at nine.",
            "",
        ];
        let found = scores(&question, &passages);
        assert!((found[0] - 1.0).abs() < 1e-5, "{found:?}");
        assert!(found.is_sorted_by(|a, b| a > b), "{found:?}");
        assert!(found[4].abs() < 1e-9);
    }

    #[test]
    fn what_does_not_matter_does_not_count() {
        let passages = ["ferry", "ledger"];
        let found = scores(&[("ledger", 1.0), ("ferry", 0.0)], &passages);
        assert!(found[1] > found[0]);
        assert_eq!(found, scores(&[("ledger", 5.0)], &passages));
        for nothing in [&[("ledger", 0.0)][..], &[("\u{10330}", 1.0)], &[("", 1.0)], &[]] {
            assert!(Interaction::new(&WordPiece::new(), nothing.iter().copied()).is_none());
        }
    }

    proptest! {
        /// A passage scores the same whatever was read before it, and in any order of its words.
        #[test]
        fn a_score_is_that_of_the_passage_alone(
            passages in proptest::collection::vec("[a-zé ]{0,30}", 1..6),
            question in "[a-z ]{1,20}[a-z]",
        ) {
            let Some(question) = Interaction::new(&WordPiece::new(), [(question.as_str(), 1.0)]) else {
                return Ok(());
            };
            let together = question.scores(passages.iter().map(String::as_str));
            for (passage, score) in passages.iter().zip(together) {
                prop_assert!((-1.001..=1.001).contains(&score));
                prop_assert_eq!(question.scores([passage.as_str()]), [score]);
                let mut words: Vec<&str> = passage.split_whitespace().collect();
                words.reverse();
                let turned = question.scores([words.join(" ").as_str()])[0];
                prop_assert!((turned - score).abs() < 1e-5);
            }
        }
    }
}
