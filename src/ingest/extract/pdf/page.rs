//! What was drawn → the lines of a page as text.

use super::bidi;
use super::cells::{PdfCell, cells};
use super::columns;
use super::curves;
use super::doubles::take_seen;
use super::glyph::{Letters, PageDrawing};
use super::lines::{PdfLine, Placement, lines};
use super::pictures::PdfPictures;
use super::tables::PageRules;
use super::unread::LARGE;
use super::words::items;

/// A line of text.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TextLine {
    pub(super) text: String,
    pub(super) place: Placement,
    /// Where it starts and ends along its direction.
    pub(super) start: f32,
    pub(super) end: f32,
    pub(super) bold: bool,
    /// Its parts between wide gaps.
    pub(super) cells: Vec<PdfCell>,
}

/// The text of a page, and how well it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct PageText {
    pub(super) lines: Vec<TextLine>,
    /// Values of fields and notes that are not drawn.
    pub(super) notes: Vec<String>,
    pub(super) height: f32,
    pub(super) glyphs: usize,
    /// How many glyphs have no letters in the file.
    pub(super) unknown: usize,
    /// How many glyphs are invisible.
    pub(super) hidden: usize,
    pub(super) pictures: PdfPictures,
    /// See [`PageDrawing::shapes`].
    pub(super) shapes: usize,
    pub(super) rules: PageRules,
    /// Whether the rest of the page could not be drawn, or not in time.
    pub(super) is_partial: bool,
}

pub(super) fn page_text(mut drawn: PageDrawing) -> PageText {
    let mut glyphs = take_seen(&mut drawn);
    curves::unroll(&mut glyphs);
    let mut page = PageText {
        height: drawn.height,
        glyphs: glyphs.len(),
        unknown: glyphs.iter().filter(|glyph| glyph.letters == Letters::Unknown).count(),
        hidden: glyphs.iter().filter(|glyph| !glyph.visible).count(),
        notes: std::mem::take(&mut drawn.notes),
        pictures: std::mem::take(&mut drawn.pictures),
        shapes: drawn.shapes,
        rules: std::mem::take(&mut drawn.rules),
        is_partial: drawn.stopped || drawn.broken,
        ..PageText::default()
    };
    page.pictures.count_letters(&glyphs, LARGE);
    let read =
        columns::separate(lines(glyphs)).into_iter().filter_map(|line| text_line(line, &drawn));
    page.lines = read.collect();
    page
}

fn text_line(mut line: PdfLine, drawn: &PageDrawing) -> Option<TextLine> {
    bidi::order_by_place(&mut line);
    let text = bidi::read(&items(&line));
    let bold = |font: u16| drawn.fonts.get(usize::from(font)).is_some_and(|font| font.bold);
    let inked = || line.glyphs.iter().filter(|glyph| !glyph.letters.is_blank());
    // A line that only starts with a few bold words is part of the text.
    let heavy = inked().filter(|glyph| bold(glyph.font)).count();
    (!text.trim().is_empty()).then(|| TextLine {
        text,
        place: line.place,
        start: line.start,
        end: line.end,
        bold: heavy * 10 > 9 * inked().count(),
        cells: cells(&line),
    })
}
