//! Whether two texts say the same to a reader.

use std::cmp::Ordering;

use crate::text::Words;

/// The runs of three words of a text, and the words that make a difference even alone.
pub(super) struct Shingles {
    /// Ascending, each once; words are given by their numbers in `Terms`.
    runs: Vec<[u32; 3]>,
    telling: Vec<String>,
}

/// Share of common runs (Jaccard) from which two texts say the same to a reader.
const RESEMBLANCE: f64 = 0.85;
const NEGATIONS: [&str; 6] = ["no", "not", "never", "without", "cannot", "t"];

impl Shingles {
    /// `terms`: the numbers of the words.
    pub(super) fn of(words: &Words, terms: &[u32]) -> Self {
        let mut telling: Vec<String> = words
            .iter()
            .filter(|word| word.contains(|c: char| c.is_ascii_digit()) || NEGATIONS.contains(word))
            .map(str::to_owned)
            .collect();
        telling.sort_unstable();
        let mut runs: Vec<[u32; 3]> =
            terms.windows(3).map(|run| [run[0], run[1], run[2]]).collect();
        runs.sort_unstable();
        runs.dedup();
        Self { runs, telling }
    }

    /// "Kept for 300 days" is not nearly "kept for 400 days": numbers and negations must be equal.
    pub(super) fn resembles(&self, other: &Self) -> bool {
        if self.telling != other.telling {
            return false;
        }
        let common = self.common(other) as f64;
        let all = (self.runs.len() + other.runs.len()) as f64 - common;
        common > 0.0 && common / all >= RESEMBLANCE
    }

    /// Runs that both have.
    fn common(&self, other: &Self) -> usize {
        let (mut ours, mut theirs) = (self.runs.as_slice(), other.runs.as_slice());
        let mut common = 0;
        while let ([first, rest @ ..], [other, others @ ..]) = (ours, theirs) {
            let order = first.cmp(other);
            common += usize::from(order == Ordering::Equal);
            if order != Ordering::Greater {
                ours = rest;
            }
            if order != Ordering::Less {
                theirs = others;
            }
        }
        common
    }
}
