//! Tables of words with lookup instead of linear search.

use std::collections::HashMap;

/// What is known of words; an entry that ends in `*` applies to all words with that prefix.
#[derive(Debug)]
pub(super) struct Lexicon<T> {
    whole: HashMap<&'static str, Vec<T>>,
    beginnings: HashMap<&'static str, Vec<T>>,
    /// Lengths in bytes of the shortest and the longest prefix.
    lengths: (usize, usize),
}

impl<T> Lexicon<T> {
    pub(super) fn new(entries: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let (mut whole, mut beginnings) = (HashMap::new(), HashMap::new());
        for (word, known) in entries {
            match word.strip_suffix('*') {
                Some(beginning) => beginnings.entry(beginning).or_insert_with(Vec::new).push(known),
                None => whole.entry(word).or_insert_with(Vec::new).push(known),
            }
        }
        let lengths = || beginnings.keys().map(|word: &&str| word.len());
        let lengths = (lengths().min().unwrap_or(usize::MAX), lengths().max().unwrap_or(0));
        Self { whole, beginnings, lengths }
    }

    /// All that is known of a word.
    pub(super) fn of<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a T> {
        let (shortest, longest) = self.lengths;
        let ends = shortest..=longest.min(word.len());
        let parts = ends.filter_map(|end| word.get(..end));
        let begun = parts.filter_map(|part| self.beginnings.get(part));
        self.whole.get(word).into_iter().chain(begun).flatten()
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.of(word).next().is_some()
    }
}

/// A lexicon of the words of a list, separated by spaces.
pub(super) fn words(list: &'static str) -> Lexicon<()> {
    Lexicon::new(list.split_whitespace().map(|word| (word, ())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_beginnings() {
        let lexicon = Lexicon::new([("may", 1), ("allow*", 2), ("al*", 3)]);
        let of = |word: &str| lexicon.of(word).copied().collect::<Vec<_>>();
        assert_eq!(of("may"), [1]);
        assert_eq!(of("maybe"), [0; 0]);
        assert_eq!(of("allowed"), [3, 2]);
        assert_eq!(of("élan"), [0; 0]);
        assert!(words("a b").has("b") && !words("a b").has("c"));
    }
}
