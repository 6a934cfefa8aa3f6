//! Which headings apply where in a text, and where the text must be cut.

use std::ops::Range;
use std::sync::Arc;

use super::Count;
use crate::ingest::document::single_spaced;

/// Longest heading that is kept, in characters.
const MAX_HEADING: usize = 200;

/// Headings by byte offset. Always has an entry at 0.
pub(super) struct Outline {
    entries: Vec<Entry>,
    /// Starts of the sections that pieces may not straddle, and the end of the last.
    cuts: Vec<usize>,
}

/// The path that applies from `offset` up to the next entry.
struct Entry {
    offset: usize,
    headings: Vec<String>,
    /// The path as pieces share it, set by [`measured`](Outline::measured).
    shared: Arc<[String]>,
    /// Tokens of the path as it is embedded, title included.
    tokens: usize,
}

impl Outline {
    /// A text without headings.
    pub(super) fn flat(text: &str) -> Self {
        Self::new(Vec::new(), vec![0, text.len()])
    }

    /// `paths` are ordered by offset; of several at the same offset the last applies.
    pub(super) fn new(paths: Vec<(usize, Vec<String>)>, cuts: Vec<usize>) -> Self {
        let mut entries =
            vec![Entry { offset: 0, headings: Vec::new(), shared: Arc::default(), tokens: 0 }];
        for (offset, headings) in paths {
            let headings = headings.iter().filter_map(|heading| tidied(heading)).collect();
            entries.push(Entry { offset, headings, shared: Arc::default(), tokens: 0 });
        }
        Self { entries, cuts }
    }

    /// Puts `headings` above all paths.
    pub(super) fn under(mut self, headings: &[String]) -> Self {
        for entry in &mut self.entries {
            entry.headings.splice(0..0, headings.iter().filter_map(|heading| tidied(heading)));
        }
        self
    }

    /// Whether one of the headings contains `title`, whatever the case.
    pub(super) fn says(&self, title: &str) -> bool {
        let title = title.to_lowercase();
        let mut headings = self.entries.iter().flat_map(|entry| &entry.headings);
        headings.any(|heading| heading.to_lowercase().contains(&title))
    }

    /// Shortens paths of more than `budget` tokens from their outer end, and measures all of them with the
    /// `title` tokens that precede each.
    pub(super) fn measured(mut self, title: usize, budget: usize, count: Count<'_>) -> Self {
        for entry in &mut self.entries {
            entry.tokens = title + shorten(&mut entry.headings, budget - title, count);
            entry.shared = entry.headings.as_slice().into();
        }
        self
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.cuts.windows(2).map(|pair| pair[0]..pair[1])
    }

    pub(super) fn headings_at(&self, offset: usize) -> &Arc<[String]> {
        &self.entries[self.index_at(offset)].shared
    }

    /// Tokens of the longest path that applies anywhere in `range`.
    pub(super) fn reserve(&self, range: &Range<usize>) -> usize {
        let entries = &self.entries[self.index_at(range.start)..];
        let within = entries.iter().take_while(|entry| entry.offset <= range.end);
        within.map(|entry| entry.tokens).max().unwrap_or(0)
    }

    fn index_at(&self, offset: usize) -> usize {
        self.entries.partition_point(|entry| entry.offset <= offset).saturating_sub(1)
    }
}

/// The heading as one line with single spaces, cut to [`MAX_HEADING`]; `None` if it is empty.
fn tidied(heading: &str) -> Option<String> {
    let line = single_spaced(heading);
    let line: String = line.chars().take(MAX_HEADING).collect();
    (!line.is_empty()).then_some(line)
}

/// Shortens a path to `budget` tokens and returns its tokens.
fn shorten(headings: &mut Vec<String>, budget: usize, count: Count<'_>) -> usize {
    loop {
        let Some(innermost) = headings.last().cloned() else { return 0 };
        let tokens = count(&format!("{}\n", headings.join(" > ")));
        if tokens <= budget {
            return tokens;
        }
        if headings.len() > 1 {
            headings.remove(0);
            continue;
        }
        let half: String = innermost.chars().take(innermost.chars().count() / 2).collect();
        headings.clear();
        headings.extend(tidied(&half));
    }
}
