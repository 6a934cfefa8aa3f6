//! Whether two texts are the same text for a reader.

use std::collections::HashSet;

use crate::text::Words;

/// A text as its runs of three words, and the words that make a difference even alone.
pub(super) struct Shingles {
    runs: HashSet<String>,
    telling: Vec<String>,
}

/// Share of common runs (Jaccard) from which two texts are the same text for a reader.
const RESEMBLANCE: f64 = 0.85;
const NEGATIONS: [&str; 6] = ["no", "not", "never", "without", "cannot", "t"];

impl Shingles {
    pub(super) fn of(text: &str) -> Self {
        let words = Words::of(text);
        let words: Vec<&str> = words.iter().collect();
        let mut telling: Vec<String> = words
            .iter()
            .filter(|word| word.contains(|c: char| c.is_ascii_digit()) || NEGATIONS.contains(word))
            .map(|word| (*word).to_owned())
            .collect();
        telling.sort_unstable();
        Self { runs: words.windows(3).map(|run| run.join(" ")).collect(), telling }
    }

    /// "Kept for 300 days" is not nearly "kept for 400 days": numbers and negations must be equal.
    pub(super) fn resembles(&self, other: &Self) -> bool {
        let common = self.runs.intersection(&other.runs).count() as f64;
        let all = (self.runs.len() + other.runs.len()) as f64 - common;
        common > 0.0 && common / all >= RESEMBLANCE && self.telling == other.telling
    }
}
