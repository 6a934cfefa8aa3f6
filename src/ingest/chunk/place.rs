//! Byte ranges of a document's text → places in its source.

use std::ops::Range;

use crate::ingest::document::{Document, Mark, Places, Unit};
use crate::types::Locator;

pub(in crate::ingest) enum PlaceIndex {
    /// Offsets at which the lines begin.
    Lines(Vec<usize>),
    Marks(Unit, Vec<Mark>),
    /// The marks of the rows, and for each sheet its number and where it begins among them.
    Sheets(Vec<Mark>, Vec<(usize, u32)>),
}

impl PlaceIndex {
    pub(in crate::ingest) fn new(document: &Document) -> Self {
        match &document.places {
            Places::Verbatim => {
                let breaks = document.text.match_indices('\n').map(|(at, _)| at + 1);
                Self::Lines(std::iter::once(0).chain(breaks).collect())
            }
            Places::Marked(unit, marks) => Self::Marks(*unit, marks.clone()),
            Places::Sheets(sheets) => {
                let (mut rows, mut starts) = (Vec::new(), Vec::new());
                for (number, marks) in sheets {
                    starts.push((rows.len(), *number));
                    rows.extend(marks);
                }
                Self::Sheets(rows, starts)
            }
        }
    }

    /// The place of a range that is not empty.
    pub(in crate::ingest) fn locate(&self, range: &Range<usize>) -> Locator {
        match self {
            Self::Lines(starts) => {
                let line = |at: usize| starts.partition_point(|&start| start <= at) as u32;
                Locator::Lines(line(range.start), line(range.end - 1))
            }
            Self::Marks(unit, marks) => {
                let (_, first, last) = touched(marks, range);
                match unit {
                    Unit::Line => Locator::Lines(first, last),
                    Unit::Page => Locator::Page(first),
                    Unit::Paragraph => Locator::Paragraphs(first, last),
                    Unit::Slide => Locator::Slide(first),
                    Unit::Cell => Locator::Cells(first, last),
                    Unit::Record => Locator::Record(first),
                    Unit::Message => Locator::Message(first),
                    Unit::Section => Locator::Section(first),
                }
            }
            Self::Sheets(rows, starts) => {
                let (row, first, last) = touched(rows, range);
                let after = starts.partition_point(|(start, _)| *start <= row);
                let sheet = after.checked_sub(1).map_or(1, |index| starts[index].1);
                Locator::Rows { sheet, first, last }
            }
        }
    }

    /// Where the rows within `range` begin.
    pub(in crate::ingest) fn rows(&self, range: &Range<usize>) -> Vec<usize> {
        match self {
            Self::Lines(starts) => within(starts, range, |start| *start),
            Self::Marks(_, marks) | Self::Sheets(marks, _) => {
                within(marks, range, |mark| mark.offset)
            }
        }
    }
}

/// The index of the first mark that `range` touches, and the first and last unit of all that it
/// does.
fn touched(marks: &[Mark], range: &Range<usize>) -> (usize, u32, u32) {
    let upto = |at: usize| marks.partition_point(|mark| mark.offset <= at);
    let from = upto(range.start).saturating_sub(1);
    let touched = &marks[from..upto(range.end - 1).max(from)];
    let first = touched.iter().map(|mark| mark.first).min().unwrap_or(1);
    let last = touched.iter().map(|mark| mark.last).max().unwrap_or(first);
    (from, first, last)
}

/// The offsets within `range`, of items that are ordered by offset.
fn within<T>(items: &[T], range: &Range<usize>, offset: impl Fn(&T) -> usize) -> Vec<usize> {
    let from = items.partition_point(|item| offset(item) < range.start);
    let items = items[from..].iter().map(offset);
    items.take_while(|offset| *offset < range.end).collect()
}
