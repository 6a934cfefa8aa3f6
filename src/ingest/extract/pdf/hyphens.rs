//! Words broken at line ends → whole words.

use std::collections::HashSet;

use super::super::hyphens::{bare, ends_in_broken_word, is_hyphen};

/// First parts of compounds that keep their hyphen wherever the line ends.
const PREFIXES: &[&str] = &[
    "all", "cost", "cross", "data", "double", "end", "ex", "first", "four", "full", "half", "high",
    "ill", "large", "long", "low", "non", "one", "open", "real", "second", "self", "short",
    "single", "small", "state", "third", "three", "time", "two", "user", "vice", "well", "wide",
];

/// The words that occur within lines of a document.
#[derive(Debug, Default)]
pub(super) struct DocumentWords(HashSet<String>);

impl DocumentWords {
    pub(super) fn add(&mut self, line: &str) {
        for word in line.split_whitespace().map(bare).filter(|word| word.len() > 2) {
            if !word.ends_with(is_hyphen) {
                self.0.insert(word.to_lowercase());
            }
        }
    }

    /// Joins two lines if the first ends in a broken word.
    pub(super) fn join(&self, text: &mut String, next: &str) -> bool {
        let broken =
            ends_in_broken_word(text, next, |first, second| self.keeps_hyphen(first, second));
        if broken {
            text.push_str(next);
        }
        broken
    }

    fn keeps_hyphen(&self, first: &str, second: &str) -> bool {
        if self.0.contains(&format!("{first}{second}")) {
            return false;
        }
        // In `state-of-the-` and `art`, the line end added no hyphen.
        first.contains(is_hyphen)
            || self.0.contains(&format!("{first}-{second}"))
            || (PREFIXES.contains(&first) && self.0.contains(second))
            || second.contains(is_hyphen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_words_are_joined() {
        let mut words = DocumentWords::default();
        words.add("the long-term storage of known goods, retention");
        for (first, second, joined) in [
            ("by tele-", "communication.", Some("by telecommunication.")),
            ("a state-of-the-", "art plant", Some("a state-of-the-art plant")),
            ("a state-", "of-the-art plant", Some("a state-of-the-art plant")),
            ("for long-", "term use", Some("for long-term use")),
            ("well-", "known", Some("well-known")),
            ("reten-", "tion", Some("retention")),
            ("soft\u{AD}", "hyphen", Some("softhyphen")),
            ("in 2019-", "2020", None),
            ("Rhine-", "Main", None),
            ("no hyphen", "here", None),
        ] {
            let mut text = first.to_owned();
            let outcome = words.join(&mut text, second).then_some(text.as_str());
            assert_eq!(outcome, joined, "{first} {second}");
        }
    }
}
