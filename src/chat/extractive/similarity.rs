//! How similar a question and a sentence are in meaning, by the built-in table of word vectors, which is
//! English.

use super::candidates::Candidate;
use super::question::QuestionPart;

/// The vector of a text, of unit length; `None` if no word of it is known.
pub(super) type TextVector = dyn Fn(&str) -> Option<Vec<f32>> + Send + Sync;

/// With this cosine, a sentence is as good as its words say.
const USUAL: f32 = 0.4;
/// What a smaller cosine costs, per unit, in the share of the question that a sentence and its surroundings
/// must have.
const UNLIKE: f32 = 0.8;
/// The most that a smaller cosine costs.
pub(super) const MOST_UNLIKE: f32 = 0.5;
/// The most that a larger cosine gains.
pub(super) const MOST_LIKE: f32 = 0.15;

/// A part of a question, to compare sentences with.
pub(super) struct QuestionSimilarity<'a> {
    meaning: &'a TextVector,
    /// `None` if the table knows no word of the question.
    question: Option<Vec<f32>>,
}

impl<'a> QuestionSimilarity<'a> {
    pub(super) fn to(part: &QuestionPart, meaning: &'a TextVector) -> Self {
        Self { meaning, question: part.english.as_ref().and_then(|clause| meaning(clause)) }
    }

    /// How much more of the question a sentence and its surroundings must have; negative if they are alike.
    /// The sentence counts as it is, or under its headings, whichever is nearer. Code is not English.
    pub(super) fn lacking(&self, candidate: &Candidate) -> f32 {
        let Some(question) = self.question.as_ref().filter(|_| !candidate.is_code()) else {
            return 0.0;
        };
        let cosine = |text: &str| {
            let vector = (self.meaning)(text)?;
            Some(question.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>())
        };
        let under = (!candidate.under.is_empty())
            .then(|| cosine(&format!("{} {}", candidate.under, candidate.text)));
        let nearest = [cosine(&candidate.text), under.flatten()].into_iter().flatten();
        let Some(nearest) = nearest.reduce(f32::max) else { return 0.0 };
        (UNLIKE * (USUAL - nearest)).clamp(-MOST_LIKE, MOST_UNLIKE)
    }
}
