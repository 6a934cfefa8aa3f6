//! The sections of a text under headings, whatever marks them.
//!
//! A section extends from its heading to the next one. Sections are joined where one alone would make a poor
//! piece:
//!
//! - a heading without text of its own, or a tiny preamble (a rule, badges), is joined with the section
//!   below it, under the path of that section;
//! - a tiny section is joined with the next one if both fit a piece, under the part of their paths that
//!   they share.

use std::ops::Range;

use super::Count;
use super::outline::Outline;

/// A section is tiny if it is smaller than one part in this many of the limit.
const TINY_SHARE: usize = 8;

/// A text with more bytes per token of the limit than this is assumed not to fit, without counting.
const BYTES_PER_TOKEN: usize = 16;

struct Section {
    start: usize,
    /// Where the text after the heading begins.
    body: usize,
    /// Empty before the first heading, and if joined sections have nothing in common.
    path: Vec<String>,
    /// Whether it is before the first heading.
    preamble: bool,
}

/// Collects sections: headings are added in the order of the text.
pub(super) struct Sections {
    sections: Vec<Section>,
    /// The headings that apply, outermost first, with their levels.
    above: Vec<(usize, String)>,
}

impl Sections {
    /// Starts the first section at `start`; text before it is in no section.
    pub(super) fn new(start: usize) -> Self {
        Self::after(start, start)
    }

    /// The same, but the text from `start` to `body` (front matter) is not content: it is joined with the
    /// section that follows.
    pub(super) fn after(start: usize, body: usize) -> Self {
        let preamble = Section { start, body, path: Vec::new(), preamble: true };
        Self { sections: vec![preamble], above: Vec::new() }
    }

    /// Adds a heading that begins at `start` and whose text begins at `body`.
    pub(super) fn open(&mut self, start: usize, body: usize, level: usize, title: String) {
        self.above.retain(|(above, _)| *above < level);
        self.above.push((level, title));
        let path = self.above.iter().map(|(_, title)| title.clone()).collect();
        self.sections.push(Section { start, body, path, preamble: false });
    }

    /// The heading path of each section that has one, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.sections.iter().skip(1).map(|section| section.path.as_slice())
    }

    /// Joins sections that are too small. `max_tokens` is the limit of a piece.
    pub(super) fn outline(self, text: &str, max_tokens: usize, count: Count<'_>) -> Outline {
        let mut sections = self.sections;
        let first = sections.get(1).map_or(text.len(), |first| first.start);
        if sections[0].start == first {
            sections.remove(0);
        }
        let ends: Vec<usize> =
            sections.iter().skip(1).map(|next| next.start).chain([text.len()]).collect();
        let mut joined: Vec<Section> = Vec::new();
        for (section, end) in sections.into_iter().zip(ends) {
            let group = joined.last_mut();
            if !group.is_some_and(|group| group.takes(&section, end, text, max_tokens, count)) {
                joined.push(section);
            }
        }
        let cuts = joined.iter().map(|section| section.start).chain([text.len()]).collect();
        let paths = joined.into_iter().map(|section| (section.start, section.path)).collect();
        Outline::new(paths, cuts)
    }
}

impl Section {
    /// Joins `next`, which ends at `end`, if either section alone would make a poor piece.
    fn takes(
        &mut self,
        next: &Self,
        end: usize,
        text: &str,
        max_tokens: usize,
        count: Count<'_>,
    ) -> bool {
        let fits = |range: Range<usize>, limit: usize| {
            range.len() <= limit * BYTES_PER_TOKEN && count(&text[range]) <= limit
        };
        let tiny = fits(self.start..next.start, max_tokens / TINY_SHARE);
        let bare = text[self.body..next.start].trim().is_empty();
        if (bare || (tiny && self.preamble)) && next.path.starts_with(&self.path) {
            self.path.clone_from(&next.path);
            self.body = next.body;
            self.preamble = false;
            return true;
        }
        let capacity = max_tokens - max_tokens / super::HEADINGS_SHARE;
        if tiny && fits(self.start..end, capacity) {
            let common = self.path.iter().zip(&next.path).take_while(|(a, b)| a == b).count();
            self.path.truncate(common);
            // The joined text is no longer under one heading.
            self.body = self.start;
            return true;
        }
        false
    }
}
