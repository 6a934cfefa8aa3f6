//! Chunks that follow each other → one passage.

use crate::types::{Chunk, Locator, Passage};

/// The passage that consecutive chunks of one document make.
pub(super) fn passage(chunks: &[&Chunk], score: f32) -> Passage {
    let first = chunks[0];
    let Joined { text, locator, .. } = Joined::of(first, chunks[1..].iter().copied());
    Passage {
        number: 0,
        source: first.source.clone(),
        title: first.title.clone(),
        headings: first.headings.clone(),
        text,
        locator,
        score,
        document_hash: first.document_hash.clone(),
        page_label: first.page_label.clone(),
    }
}

/// The text of consecutive chunks of one document, without what they repeat.
pub struct Joined {
    pub text: String,
    /// Where the text of each chunk ends in `text`.
    pub ends: Vec<usize>,
    /// The place of all chunks together, as far as they have a place in common.
    pub locator: Locator,
}

impl Joined {
    pub fn of<'a>(first: &'a Chunk, others: impl Iterator<Item = &'a Chunk>) -> Self {
        let (mut text, mut locator) = (first.text.clone(), first.locator);
        let mut ends = vec![text.len()];
        for chunk in others {
            append(&mut text, locator, chunk);
            locator = locator.merge(chunk.locator).unwrap_or(locator);
            ends.push(text.len());
        }
        Self { text, ends, locator }
    }
}

/// Adds the next chunk, without what it repeats of the end of `text`.
fn append(text: &mut String, locator: Locator, next: &Chunk) {
    let (between, may_overlap) = match (locator, next.locator) {
        (Locator::Lines(_, last), Locator::Lines(first, _)) if first > last + 1 => ("\n\n", false),
        (Locator::Lines(_, last), Locator::Lines(first, _)) if first == last + 1 => ("\n", false),
        (Locator::Lines(..), Locator::Lines(..)) => (" ", true),
        // Rows are not repeated.
        (Locator::Rows { .. }, Locator::Rows { .. }) => ("\n", false),
        _ => ("\n", true),
    };
    let repeated = if may_overlap { overlap(text, &next.text) } else { 0 };
    if repeated == 0 && !text.ends_with('\n') {
        text.push_str(between);
    }
    text.push_str(&next.text[repeated..]);
}

/// Shortest run of bytes that counts as an intended overlap of two chunks; shorter ones may be chance.
const MIN_OVERLAP: usize = 12;

/// Length of the longest end of `a` that is the beginning of `b`, in whole words; 0 if it is shorter than
/// [`MIN_OVERLAP`], unless it is a whole chunk.
pub(super) fn overlap(a: &str, b: &str) -> usize {
    let a = a.trim_end();
    let is_edge = |text: &str, at: usize| {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !(word(text[..at].chars().next_back()) && word(text[at..].chars().next()))
    };
    let earliest = a.len().saturating_sub(b.len());
    (earliest..a.len())
        .filter(|&at| a.is_char_boundary(at))
        .find(|&at| {
            let end = &a[at..];
            let long = end.len() >= MIN_OVERLAP || end.len() == b.len() || at == 0;
            long && b.starts_with(end) && is_edge(a, at) && is_edge(b, end.len())
        })
        .map_or(0, |at| a.len() - at)
}
