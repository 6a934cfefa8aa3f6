//! Byte ranges of a document's text → places in its source.

use std::ops::Range;

use crate::ingest::document::{Document, Mark, Places, Unit};
use crate::types::Locator;

pub(super) enum PlaceIndex {
    /// Offsets at which the lines begin.
    Lines(Vec<usize>),
    Marks(Unit, Vec<Mark>),
}

impl PlaceIndex {
    pub(super) fn new(document: &Document) -> Self {
        match &document.places {
            Places::Verbatim => {
                let breaks = document.text.match_indices('\n').map(|(at, _)| at + 1);
                Self::Lines(std::iter::once(0).chain(breaks).collect())
            }
            Places::Marked(unit, marks) => Self::Marks(*unit, marks.clone()),
        }
    }

    /// The place of a range that is not empty.
    pub(super) fn locate(&self, range: &Range<usize>) -> Locator {
        match self {
            Self::Lines(starts) => {
                let line = |at: usize| starts.partition_point(|&start| start <= at) as u32;
                Locator::Lines(line(range.start), line(range.end - 1))
            }
            Self::Marks(unit, marks) => {
                let upto = |at: usize| marks.partition_point(|mark| mark.offset <= at);
                let from = upto(range.start).saturating_sub(1);
                let touched = &marks[from..upto(range.end - 1).max(from)];
                let first = touched.iter().map(|mark| mark.first).min().unwrap_or(1);
                let last = touched.iter().map(|mark| mark.last).max().unwrap_or(first);
                match unit {
                    Unit::Line => Locator::Lines(first, last),
                    Unit::Page => Locator::Page(first),
                    Unit::Paragraph => Locator::Paragraphs(first, last),
                }
            }
        }
    }

    /// The parts of the text that no piece may leave: its pages, or all of it.
    pub(super) fn regions(&self, document: &Document) -> Vec<Range<usize>> {
        let text = document.text.as_str();
        let mut starts = vec![0];
        if let Self::Marks(Unit::Page, marks) = self {
            let turns = marks.windows(2).filter(|pair| pair[0].first != pair[1].first);
            starts.extend(turns.map(|pair| text.floor_char_boundary(pair[1].offset)));
            starts.sort_unstable();
        }
        starts.push(text.len());
        starts.windows(2).map(|pair| pair[0]..pair[1]).filter(|range| !range.is_empty()).collect()
    }
}
