//! Maps byte ranges of a document's text to places in its source.

use std::ops::Range;

use crate::ingest::document::{Document, LocatorUnit, RecognizedWord, SourceMap, UnitMark};
use crate::types::{Locator, PageArea, Recognition};

/// Words with less confidence than this, in percent, are marked as doubtful.
const DOUBTFUL: u8 = 70;

pub(in crate::ingest) struct PlaceIndex {
    units: Units,
    /// Words that were recognized in pictures, ordered by place in the text.
    words: Vec<RecognizedWord>,
}

enum Units {
    /// Offsets at which the lines begin.
    Lines(Vec<usize>),
    Marks(LocatorUnit, Vec<UnitMark>),
    /// The marks of all rows, and for each sheet the index of its first mark and its number.
    Sheets(Vec<UnitMark>, Vec<(usize, u32)>),
}

impl PlaceIndex {
    pub(in crate::ingest) fn new(document: &Document) -> Self {
        let units = match &document.places {
            SourceMap::Verbatim => {
                let breaks = document.text.match_indices('\n').map(|(at, _)| at + 1);
                Units::Lines(std::iter::once(0).chain(breaks).collect())
            }
            SourceMap::Marked(unit, marks) => Units::Marks(*unit, marks.clone()),
            SourceMap::Sheets(sheets) => {
                let (mut rows, mut starts) = (Vec::new(), Vec::new());
                for (number, marks) in sheets {
                    starts.push((rows.len(), *number));
                    rows.extend(marks);
                }
                Units::Sheets(rows, starts)
            }
        };
        Self { units, words: document.recognized.clone() }
    }

    /// The place of a non-empty range, and the quality of its text if that was recognized in a picture.
    pub(in crate::ingest) fn place(
        &self,
        range: &Range<usize>,
    ) -> (Locator, Option<Box<Recognition>>) {
        let locator = self.locate(range);
        let from = self.words.partition_point(|word| word.end <= range.start);
        let words = &self.words[from..];
        let words = &words[..words.partition_point(|word| word.start < range.end)];
        match (locator, area(words)) {
            _ if words.is_empty() => (locator, None),
            (Locator::Page(page), Some(area)) => {
                (Locator::Area(page, area), Some(Box::new(recognition(words, range))))
            }
            _ => (locator, Some(Box::new(recognition(words, range)))),
        }
    }

    /// The place of a non-empty range.
    pub(in crate::ingest) fn locate(&self, range: &Range<usize>) -> Locator {
        match &self.units {
            Units::Lines(starts) => {
                let line = |at: usize| starts.partition_point(|&start| start <= at) as u32;
                Locator::Lines(line(range.start), line(range.end - 1))
            }
            Units::Marks(unit, marks) => {
                let (_, first, last) = touched(marks, range);
                match unit {
                    LocatorUnit::Line => Locator::Lines(first, last),
                    LocatorUnit::Page => Locator::Page(first),
                    LocatorUnit::Paragraph => Locator::Paragraphs(first, last),
                    LocatorUnit::Slide => Locator::Slide(first),
                    LocatorUnit::Cell => Locator::Cells(first, last),
                    LocatorUnit::Record => Locator::Record(first),
                    LocatorUnit::Message if last > 0 => {
                        Locator::Attachment { message: first, number: last }
                    }
                    LocatorUnit::Message => Locator::Message(first),
                    LocatorUnit::Section => Locator::Section(first),
                    LocatorUnit::Second => Locator::Seconds(first, last),
                }
            }
            Units::Sheets(rows, starts) => {
                let (row, first, last) = touched(rows, range);
                let after = starts.partition_point(|(start, _)| *start <= row);
                let sheet = after.checked_sub(1).map_or(1, |index| starts[index].1);
                Locator::Rows { sheet, first, last }
            }
        }
    }

    /// The offsets at which the rows within `range` begin.
    pub(in crate::ingest) fn rows(&self, range: &Range<usize>) -> Vec<usize> {
        match &self.units {
            Units::Lines(starts) => within(starts, range, |start| *start),
            Units::Marks(_, marks) | Units::Sheets(marks, _) => {
                within(marks, range, |mark| mark.offset)
            }
        }
    }
}

/// The area that covers all words; `None` if a word has no area.
fn area(words: &[RecognizedWord]) -> Option<PageArea> {
    let areas: Option<Vec<PageArea>> = words.iter().map(|word| word.area).collect();
    areas?.into_iter().reduce(PageArea::union)
}

fn recognition(words: &[RecognizedWord], range: &Range<usize>) -> Recognition {
    let sum: Option<usize> = words.iter().map(|word| word.confidence.map(usize::from)).sum();
    let within = |at: usize| (at.clamp(range.start, range.end) - range.start) as u32;
    let doubtful = words.iter().filter(|word| word.confidence.is_some_and(|it| it < DOUBTFUL));
    Recognition {
        confidence: sum.map(|sum| (sum / words.len().max(1)) as u8),
        doubtful: doubtful.map(|word| (within(word.start), within(word.end))).collect(),
    }
}

/// The index of the first mark that `range` touches, and the first and last unit of all marks that it
/// touches.
fn touched(marks: &[UnitMark], range: &Range<usize>) -> (usize, u32, u32) {
    let upto = |at: usize| marks.partition_point(|mark| mark.offset <= at);
    let from = upto(range.start).saturating_sub(1);
    let touched = &marks[from..upto(range.end - 1).max(from)];
    let first = touched.iter().map(|mark| mark.first).min().unwrap_or(1);
    let last = touched.iter().map(|mark| mark.last).max().unwrap_or(first);
    (from, first, last)
}

/// The offsets within `range` of items that are ordered by offset.
fn within<T>(items: &[T], range: &Range<usize>, offset: impl Fn(&T) -> usize) -> Vec<usize> {
    let from = items.partition_point(|item| offset(item) < range.start);
    let items = items[from..].iter().map(offset);
    items.take_while(|offset| *offset < range.end).collect()
}
