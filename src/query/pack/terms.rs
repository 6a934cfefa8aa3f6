//! The words of several texts as numbers.

use std::collections::HashMap;

use crate::text::Words;

/// Words as numbers, since they are compared many times.
pub(super) struct TermIds {
    /// Words of each text, in the order of the texts; a word has the same number in all of them.
    pub(super) of_texts: Vec<Vec<u32>>,
    /// Number of distinct words.
    pub(super) count: usize,
}

impl TermIds {
    pub(super) fn of(texts: &[Words]) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut number = |word| {
            let next = numbers.len() as u32;
            *numbers.entry(word).or_insert(next)
        };
        let of_texts = texts.iter().map(|words| words.iter().map(&mut number).collect()).collect();
        Self { of_texts, count: numbers.len() }
    }
}
