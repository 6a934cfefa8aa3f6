//! Columns that are drawn line by line across the page → one column after the other. Nearly all programs draw
//! columns one by one, and then there is nothing to do.
//!
//! A table has gaps above each other too, but its cells are short or do not fill their column, while lines of
//! text do.

use super::glyph::Glyph;
use super::lines::PdfLine;
use super::script::is_right_to_left;
use super::words::GAP;

/// Smallest gap between columns, in heights of the font.
const GUTTER: f32 = 1.2;

/// Fewest lines above each other that make columns.
const LINES: usize = 4;

/// Fewest words and letters of a column's line, on average, without a wide gap.
const WORDS: usize = 4;
const LETTERS: usize = 22;

/// A full line reaches this far across its column, and this many in ten must be full.
const FULL: f32 = 0.75;
const FULL_IN_TEN: usize = 6;

/// An empty stretch of a line, along its direction.
#[derive(Clone, Copy)]
struct Gap {
    start: f32,
    end: f32,
}

pub(super) fn separate(mut lines: Vec<PdfLine>) -> Vec<PdfLine> {
    let mut separated = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let block = gaps(&lines[at]).into_iter().find_map(|gap| block(&lines[at..], gap));
        let Some((length, gap)) = block else {
            let line = &mut lines[at];
            separated.push(PdfLine { glyphs: std::mem::take(&mut line.glyphs), ..*line });
            at += 1;
            continue;
        };
        let (left, right) = split(&lines[at..at + length], gap);
        // There may be a third column.
        let (first, second) = if reads_left(&left) { (right, left) } else { (left, right) };
        separated.extend(separate(first));
        separated.extend(separate(second));
        at += length;
    }
    separated
}

fn gaps(line: &PdfLine) -> Vec<Gap> {
    let inked = line.glyphs.iter().filter(|glyph| !glyph.letters.is_blank());
    let mut gaps = Vec::new();
    let mut end: Option<f32> = None;
    for glyph in inked {
        let start = glyph.at.dot(line.place.right);
        if let Some(end) = end.filter(|end| start - end > GUTTER * line.place.size) {
            gaps.push(Gap { start: end, end: start });
        }
        end = Some(end.unwrap_or(f32::MIN).max(glyph.end().dot(line.place.right)));
    }
    gaps
}

/// How many of the lines share a gap that separates columns of text, and that gap.
fn block(lines: &[PdfLine], mut gutter: Gap) -> Option<(usize, Gap)> {
    let mut length = 1;
    for pair in lines.windows(2) {
        let (line, next) = (&pair[0], &pair[1]);
        let step = next.place.base - line.place.base;
        if !line.place.is_parallel(&next.place) || step <= 0.0 || step > 3.0 * line.place.size {
            break;
        }
        if next.end > gutter.start && next.start < gutter.end {
            let shared = gaps(next).into_iter().map(|gap| Gap {
                start: gap.start.max(gutter.start),
                end: gap.end.min(gutter.end),
            });
            let Some(shared) =
                shared.into_iter().find(|gap| gap.end - gap.start > 0.8 * next.place.size)
            else {
                break;
            };
            gutter = shared;
        }
        length += 1;
    }
    let (left, right) = split(&lines[..length], gutter);
    (is_text(&left) && is_text(&right)).then_some((length, gutter))
}

fn split(lines: &[PdfLine], gutter: Gap) -> (Vec<PdfLine>, Vec<PdfLine>) {
    let middle = f32::midpoint(gutter.start, gutter.end);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for line in lines {
        let before = |glyph: &Glyph| glyph.at.dot(line.place.right) < middle;
        let (first, second) = line.glyphs.iter().cloned().partition(before);
        left.extend(PdfLine::new(first));
        right.extend(PdfLine::new(second));
    }
    (left, right)
}

/// Whether the parts of lines on one side of a gap are a column of text.
fn is_text(lines: &[PdfLine]) -> bool {
    if lines.len() < LINES {
        return false;
    }
    let (mut letters, mut words) = (0, 0);
    for line in lines {
        let end = gaps(line).first().map_or(f32::INFINITY, |gap| gap.start);
        let part = line.glyphs.iter().filter(|glyph| glyph.at.dot(line.place.right) < end);
        let part: Vec<&Glyph> = part.collect();
        letters += part.iter().filter(|glyph| glyph.letters.all(char::is_alphabetic)).count();
        let begins_word = |pair: &&[&Glyph]| {
            let step = pair[1].at.minus(pair[0].end()).dot(line.place.right);
            !pair[1].letters.is_blank()
                && (pair[0].letters.is_blank() || step > GAP * line.place.size)
        };
        words += 1 + part.windows(2).filter(begins_word).count();
    }
    let start = lines.iter().map(|line| line.start).fold(f32::INFINITY, f32::min);
    let end = lines.iter().map(|line| line.end).fold(f32::NEG_INFINITY, f32::max);
    let full = lines.iter().filter(|line| line.end - line.start > FULL * (end - start)).count();
    letters >= LETTERS * lines.len()
        && words >= WORDS * lines.len()
        && full * 10 >= FULL_IN_TEN * lines.len()
}

fn reads_left(lines: &[PdfLine]) -> bool {
    let glyphs = || lines.iter().flat_map(|line| &line.glyphs);
    let left = glyphs().filter(|glyph| glyph.letters.all(is_right_to_left)).count();
    left * 2 > glyphs().count()
}
