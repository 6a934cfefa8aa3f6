//! Pages that only their pictures tell: which are read by OCR, and what comes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use super::parts::Parts;
use super::pool::Pool;
use super::worker::Request;
use super::{ExtractError, pdf};
use crate::error::{BackendError, Fault};
use crate::ingest::document::{Document, Places, RecognizedWord, Syntax, Unit};
use crate::ocr::{GrayImage, OcrLine, OcrModel, PixelBox};
use crate::types::{OcrRecord, PageArea, ReadingWarning, WarningCode, ranges};

/// What reads pictures, and how many of them.
#[derive(Clone)]
pub struct Ocr {
    pub model: Arc<dyn OcrModel>,
    /// Also pictures on pages that have text.
    pub beside_text: bool,
    /// Pages that are read at the same time.
    pub parallel: usize,
}

/// What the pages of a file have besides text that was read. Pages are numbered from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pictures {
    /// Pages that are pictures, with next to no text.
    pub(super) scanned: Vec<u32>,
    /// Pages with letters that the file does not tell.
    pub(super) unknown_letters: Vec<u32>,
    /// Pages that have both text and a picture of some size.
    pub(super) beside_text: Vec<u32>,
}

/// A page as a picture.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct PagePicture {
    pub(super) picture: GrayImage,
    /// What the file measures its page in, per pixel: points of a PDF, pixels of a picture.
    pub(super) units_per_pixel: f32,
}

/// A document without what its pictures say; the warnings tell which pages these are.
pub(super) fn left_unread(mut document: Document, pictures: &Pictures) -> Document {
    let rows = [
        (WarningCode::ScannedPages, &pictures.scanned),
        (WarningCode::UnknownLetters, &pictures.unknown_letters),
    ];
    for (code, pages) in rows {
        document.warnings.extend(warning(code, pages));
    }
    document
}

fn warning(code: WarningCode, pages: &[u32]) -> Option<ReadingWarning> {
    let numbers = ranges(pages);
    let one = pages.len() == 1;
    let page = if one { format!("page {numbers}") } else { format!("pages {numbers}") };
    let message = match code {
        WarningCode::ScannedPages if one => {
            format!("{page} is a picture, and its text is not read (--ocr auto reads it)")
        }
        WarningCode::ScannedPages => {
            format!("{page} are pictures, and their text is not read (--ocr auto reads it)")
        }
        WarningCode::UnknownLetters => {
            format!(
                "{page}: the file does not tell which letters these are (--ocr auto reads them)"
            )
        }
        WarningCode::NothingRecognized if one => format!("{page} is a picture without text"),
        WarningCode::NothingRecognized => format!("{page} are pictures without text"),
        WarningCode::OcrFailed | WarningCode::PagesLeftOut | WarningCode::UnpacksToTooMuch => {
            format!("{page} could not be read")
        }
    };
    (!pages.is_empty()).then(|| ReadingWarning { code, message, pages: pages.to_vec() })
}

/// Why a page has no text from its picture.
enum PageError {
    /// Other pages of the file may do better.
    Page(String),
    /// The model can't be asked: the document fails, and another try may go better.
    Model(BackendError),
}

/// Adds what the pictures of a document say.
pub(super) async fn recognize(
    pool: &Pool,
    ocr: &Ocr,
    request: &Request,
    bytes: &[u8],
    document: Document,
    pictures: &Pictures,
) -> Result<Document, ExtractError> {
    let mut wanted: Vec<u32> =
        pictures.scanned.iter().chain(&pictures.unknown_letters).copied().collect();
    if ocr.beside_text {
        wanted.extend(&pictures.beside_text);
    }
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(document);
    }
    let read = stream::iter(wanted.iter().copied())
        .map(|page| async move { (page, read_page(pool, ocr, request, bytes, page).await) })
        .buffered(ocr.parallel.max(1));
    let mut read = Box::pin(read);
    let mut found = Recognized::default();
    while let Some((page, outcome)) = read.next().await {
        match outcome {
            Ok(text) if text.words.is_empty() => found.empty.push(page),
            Ok(text) => {
                found.pages.insert(page, text);
            }
            Err(PageError::Page(reason)) => found.failed.push((page, reason)),
            Err(PageError::Model(error)) => {
                return Err(ExtractError::may_pass(&format!("page {page}: {error}")));
            }
        }
    }
    Ok(found.added_to(document, pictures, ocr.model.id()))
}

async fn read_page(
    pool: &Pool,
    ocr: &Ocr,
    request: &Request,
    bytes: &[u8],
    page: u32,
) -> Result<PageText, PageError> {
    let request = Request { page: Some(page), ..request.clone() };
    let picture =
        pool.picture(&request, bytes).await.map_err(|error| PageError::Page(error.reason))?;
    let lines = ocr.model.read(&picture.picture).await.map_err(|error| match error.fault {
        Fault::Refused | Fault::TooLong => PageError::Page(error.message),
        _ => PageError::Model(error),
    })?;
    Ok(PageText::new(&lines, page, picture.units_per_pixel))
}

/// What was recognized in the pictures of a document.
#[derive(Default)]
struct Recognized {
    pages: BTreeMap<u32, PageText>,
    empty: Vec<u32>,
    failed: Vec<(u32, String)>,
}

impl Recognized {
    fn added_to(mut self, document: Document, pictures: &Pictures, model: &str) -> Document {
        let Places::Marked(Unit::Page, marks) = &document.places else { return document };
        let read: Vec<u32> = self.pages.keys().copied().collect();
        let mut whole = Whole::default();
        let ends = marks.iter().skip(1).map(|mark| mark.offset).chain([document.text.len()]);
        let parts = marks.iter().zip(&document.sections).zip(ends).peekable();
        let mut parts = parts;
        while let Some(((mark, section), end)) = parts.next() {
            let page = mark.first;
            // Pages without any text come before the next one with some.
            let rest = self.pages.split_off(&page);
            for (number, text) in std::mem::replace(&mut self.pages, rest) {
                whole.recognized(number, Vec::new(), &text);
            }
            let text = document.text[mark.offset..end].trim_end();
            let is_last_of_page = parts.peek().is_none_or(|((next, _), _)| next.first != page);
            let recognized = is_last_of_page.then(|| self.pages.remove(&page)).flatten();
            match recognized {
                // Its letters are not known: what the picture shows is the text.
                Some(recognized) if pictures.unknown_letters.contains(&page) => {
                    whole.recognized(page, section.headings.clone(), &recognized);
                }
                Some(recognized) => {
                    whole.printed(page, section.headings.clone(), text);
                    let new = recognized.without_lines_of(text);
                    whole.recognized(page, section.headings.clone(), &new);
                }
                None => whole.printed(page, section.headings.clone(), text),
            }
        }
        for (number, text) in std::mem::take(&mut self.pages) {
            whole.recognized(number, Vec::new(), &text);
        }
        let mut warnings = document.warnings;
        // Of a page with text, nothing is missing where its picture has none.
        self.empty.retain(|page| !pictures.beside_text.contains(page));
        warnings.extend(warning(WarningCode::NothingRecognized, &self.empty));
        for (page, reason) in self.failed {
            let message = format!("page {page} could not be read as a picture: {reason}");
            let (code, pages) = (WarningCode::OcrFailed, vec![page]);
            warnings.push(ReadingWarning { code, message, pages });
        }
        let ocr = (!read.is_empty()).then(|| OcrRecord { model: model.to_owned(), pages: read });
        let (title, syntax) = (document.title, Syntax::Plain);
        let built = whole.parts.finish(title, syntax);
        let (recognized, page_labels) = (whole.words, document.page_labels);
        Document { warnings, ocr, recognized, page_labels, ..built }
    }
}

/// A document that is put together again.
struct Whole {
    parts: Parts,
    words: Vec<RecognizedWord>,
}

impl Default for Whole {
    fn default() -> Self {
        Self { parts: Parts::new(Unit::Page), words: Vec::new() }
    }
}

impl Whole {
    fn printed(&mut self, page: u32, headings: Vec<String>, text: &str) {
        self.parts.push(page, headings, text);
    }

    fn recognized(&mut self, page: u32, headings: Vec<String>, text: &PageText) {
        let Some(start) = self.parts.push(page, headings, &text.text) else { return };
        let moved = |word: &RecognizedWord| RecognizedWord {
            start: start + word.start,
            end: start + word.end,
            ..*word
        };
        self.words.extend(text.words.iter().map(moved));
    }
}

/// The text of a picture.
#[derive(Clone, PartialEq, Debug, Default)]
struct PageText {
    text: String,
    /// With offsets in `text`.
    words: Vec<RecognizedWord>,
    /// Where its lines begin and end among the words, and whether a paragraph begins.
    lines: Vec<(std::ops::Range<usize>, bool)>,
}

impl PageText {
    fn new(lines: &[OcrLine], page: u32, units_per_pixel: f32) -> Self {
        let mut read = Self::default();
        for line in lines {
            let words: Vec<Word<'_>> = line
                .words
                .iter()
                .filter(|word| !word.text.trim().is_empty())
                .map(|word| Word {
                    text: word.text.trim(),
                    confidence: word.confidence.map(percent),
                    area: word.area.map(|area| in_units(area, units_per_pixel)),
                })
                .collect();
            read.push(&words, line.begins_paragraph, page);
        }
        read
    }

    /// Adds a line. A word that was broken at the end of the line before is joined.
    fn push(&mut self, words: &[Word<'_>], begins_paragraph: bool, page: u32) {
        let Some(first) = words.first() else { return };
        let begins_paragraph = begins_paragraph && !self.text.is_empty();
        if begins_paragraph {
            self.text.push_str("\n\n");
        } else if !self.text.is_empty() && !pdf::ends_in_broken_word(&mut self.text, first.text) {
            self.text.push('\n');
        }
        let from = self.words.len();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                self.text.push(' ');
            }
            let start = self.text.len();
            self.text.push_str(word.text);
            let end = self.text.len();
            let Word { confidence, area, .. } = *word;
            self.words.push(RecognizedWord { start, end, confidence, page, area });
        }
        self.lines.push((from..self.words.len(), begins_paragraph));
    }

    /// The lines most of whose words are not in a text that is known.
    fn without_lines_of(&self, known: &str) -> Self {
        let known: std::collections::HashSet<String> = known.split_whitespace().map(bare).collect();
        let mut rest = Self::default();
        for (range, begins_paragraph) in &self.lines {
            let words = &self.words[range.clone()];
            let text = |word: &RecognizedWord| &self.text[word.start..word.end];
            let old = words.iter().filter(|word| known.contains(&bare(text(word)))).count();
            if old * 2 < words.len() {
                let words: Vec<Word<'_>> = words
                    .iter()
                    .map(|word| Word {
                        text: text(word),
                        confidence: word.confidence,
                        area: word.area,
                    })
                    .collect();
                rest.push(&words, *begins_paragraph, self.words[range.start].page);
            }
        }
        rest
    }
}

#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    confidence: Option<u8>,
    area: Option<PageArea>,
}

fn bare(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase()
}

fn percent(confidence: f32) -> u8 {
    (confidence.clamp(0.0, 1.0) * 100.0).round() as u8
}

/// The area that covers a box of the picture.
fn in_units(area: PixelBox, units_per_pixel: f32) -> PageArea {
    let down = |pixels: u32| (pixels as f32 * units_per_pixel).floor() as u32;
    let up = |pixels: u32| (pixels as f32 * units_per_pixel).ceil() as u32;
    let (left, top) = (down(area.left), down(area.top));
    PageArea {
        left,
        top,
        width: up(area.right).saturating_sub(left).max(1),
        height: up(area.bottom).saturating_sub(top).max(1),
    }
}
