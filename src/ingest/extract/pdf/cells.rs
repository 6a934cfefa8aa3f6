//! A line → the parts between wide gaps, such as the cells of a table row.

use super::bidi;
use super::glyph::Glyph;
use super::lines::PdfLine;
use super::script::is_right_to_left;
use super::words::items;

/// Smallest gap between cells, in heights of the font: wider than two blanks of a typewriter.
const GAP: f32 = 0.9;

/// Most cells; no table row has as many.
const MAX_CELLS: usize = 60;

/// A part of a line, and its place along the line.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct PdfCell {
    pub(super) text: String,
    pub(super) start: f32,
    pub(super) end: f32,
}

/// The cells of a line; empty if it has no gap, or is read from right to left.
pub(super) fn cells(line: &PdfLine) -> Vec<PdfCell> {
    let right = line.place.right;
    let mut ranges = Vec::new();
    let (mut from, mut reach): (usize, Option<f32>) = (0, None);
    for (index, glyph) in line.glyphs.iter().enumerate() {
        if glyph.letters.is_blank() {
            continue;
        }
        if glyph.letters.all(is_right_to_left) {
            return Vec::new();
        }
        let gap = reach.map(|reach| glyph.at.dot(right) - reach);
        if gap.is_some_and(|gap| gap > GAP * line.place.size) {
            ranges.push(from..index);
            from = index;
        }
        reach = Some(reach.unwrap_or(f32::MIN).max(glyph.end().dot(right)));
    }
    if ranges.is_empty() || ranges.len() >= MAX_CELLS {
        return Vec::new();
    }
    ranges.push(from..line.glyphs.len());
    ranges.into_iter().filter_map(|range| cell(&line.glyphs[range], line)).collect()
}

fn cell(glyphs: &[Glyph], line: &PdfLine) -> Option<PdfCell> {
    let mut part = PdfLine::new(glyphs.to_vec())?;
    part.place = line.place;
    let text = bidi::read(&items(&part)).trim().to_owned();
    (!text.is_empty()).then_some(PdfCell { text, start: part.start, end: part.end })
}
