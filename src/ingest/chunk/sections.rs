//! The sections of a text under headings, whatever marks them.
//!
//! A section reaches from its heading to the next one. Sections are joined where they would make poor
//! pieces alone:
//!
//! - a heading without a text of its own, or a tiny preamble (a rule, badges), goes with the section
//!   below it, under that one's path;
//! - a tiny section goes with the next if both fit a piece, under the path they have in common.

use std::ops::Range;

use super::Count;
use super::outline::Outline;

/// A section below this part of the limit is tiny.
const TINY_SHARE: usize = 8;

/// More bytes than this per token are taken for a text that does not fit, without counting.
const BYTES_PER_TOKEN: usize = 16;

struct Section {
    start: usize,
    /// Where the text after the heading begins.
    body: usize,
    /// Empty before the first heading, and where joined sections have nothing in common.
    path: Vec<String>,
    /// Whether it stands before the first heading.
    preamble: bool,
}

/// Sections in the making: headings are told in the order of the text.
pub(super) struct Sections {
    sections: Vec<Section>,
    /// The headings in force, with their levels.
    above: Vec<(usize, String)>,
}

impl Sections {
    /// What stands before `start` is in no section.
    pub(super) fn new(start: usize) -> Self {
        Self::after(start, start)
    }

    /// The same, where what stands from `start` to `body` is no text of its own: it goes with what
    /// follows.
    pub(super) fn after(start: usize, body: usize) -> Self {
        let preamble = Section { start, body, path: Vec::new(), preamble: true };
        Self { sections: vec![preamble], above: Vec::new() }
    }

    /// A heading begins at `start`, and its text at `body`.
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

    /// Joins what is too small to stand alone. `max_tokens` is the limit of a piece.
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
    /// Joins `next`, which reaches to `end`, where one of both would make a poor piece alone.
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
            // What follows is not below a heading of its own any more.
            self.body = self.start;
            return true;
        }
        false
    }
}
