//! Finds the sentence of a passage that a claim seems to rest on, if the claim quotes none.

use std::ops::Range;

use crate::text::{BlockKind, Words, blocks, sentences};

/// The sentences of a passage, each with its words.
pub(super) struct Sentences(Vec<(Range<usize>, Words)>);

impl Sentences {
    pub(super) fn of(passage: &str) -> Self {
        let all = blocks(passage).into_iter().filter(|block| block.kind != BlockKind::Heading);
        let ranges = all.flat_map(|block| match block.kind {
            BlockKind::Code => vec![block.range],
            _ => sentences(passage, &block.range),
        });
        Self(ranges.map(|range| (range.clone(), Words::of(&passage[range]))).collect())
    }

    /// The sentence that shares the most words with the claim: at least two, and half of the claim's words
    /// that say something.
    pub(super) fn nearest(&self, claim: &Words) -> Option<Range<usize>> {
        let mut wanted: Vec<&str> = claim.iter().filter(|word| says_something(word)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let shared = |words: &Words| {
            wanted.iter().filter(|want| words.iter().any(|word| same_stem(word, want))).count()
        };
        let counted = self.0.iter().map(|(range, words)| (range, shared(words)));
        // The first of several that share the same number.
        let (range, count) =
            counted.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        (count >= 2 && count * 2 >= wanted.len()).then(|| range.clone())
    }
}

fn says_something(word: &str) -> bool {
    word.chars().count() > 3 || word.contains(|c: char| c.is_ascii_digit())
}

/// Whether two words have the same stem: `backup` and `backups`, `store` and `stored`.
pub(super) fn same_stem(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    a == b || (short.len() > 3 && long.len() <= short.len() + 2 && long.starts_with(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_a_claim_rests_on() {
        let passage = "# Backups\n\nLedger backups are kept for 400 days. Staging keeps\nfourteen.\n\n- A restore needs two operators.";
        let sentences = Sentences::of(passage);
        let find = |claim: &str| sentences.nearest(&Words::of(claim)).map(|range| &passage[range]);
        assert_eq!(
            find("A backup of the ledger is kept 400 days."),
            Some("Ledger backups are kept for 400 days.")
        );
        assert_eq!(find("Restoring takes two operators"), None);
        assert_eq!(find("Every restore needs operators"), Some("A restore needs two operators."));
        assert_eq!(find("staging keeps fourteen"), Some("Staging keeps\nfourteen."));
        assert_eq!(find("Backups"), None);
        assert_eq!(find(""), None);
    }
}
