//! The words of several texts, as numbers.

use std::collections::HashMap;

use crate::text::Words;

/// What is compared many times over is compared as numbers.
pub(super) struct Terms {
    /// By text, in their order; a word has the same number in all of them.
    pub(super) of_texts: Vec<Vec<u32>>,
    /// Different words.
    pub(super) count: usize,
}

impl Terms {
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
