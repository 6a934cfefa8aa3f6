//! Pages whose text is only in pictures: which of them OCR reads, and how the result joins the document.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use super::ExtractError;
use super::good_words::good_words;
use super::hyphens::{ends_in_broken_word, has_hyphens};
use super::pages_unread::PagesUnread;
use super::parts::PartsBuilder;
use super::pool::Pool;
use super::worker::WorkerRequest;
use crate::error::{BackendError, Fault};
use crate::ingest::budget::RunBudget;
use crate::ingest::document::{Document, LocatorUnit, RecognizedWord, SourceMap, Syntax};
use crate::ocr::{GrayImage, OcrLine, OcrModel, PixelBox};
use crate::types::{OcrRecord, PageArea, ReadingWarning, WarningCode, ranges};

/// Shortest word that does not occur in just any text, in letters.
const LONG: usize = 4;

/// How pictures are read, and which.
#[derive(Clone)]
pub struct PageOcr {
    pub model: Arc<dyn OcrModel>,
    /// The budget that pages are paid from.
    pub budget: Arc<RunBudget>,
    /// Whether pictures on pages with text are read, too.
    pub beside_text: bool,
    /// How many pages are read at the same time.
    pub parallel: usize,
    /// Where each page that was read is reported.
    pub on_page: Option<UnboundedSender<OcrPage>>,
}

/// The report that OCR read a page, or failed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OcrPage {
    pub source: String,
    /// How many of its pages were read so far.
    pub read: usize,
    /// How many are to be read.
    pub of: usize,
}

/// A page whose picture is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct WantedPage {
    /// From 1.
    pub(super) page: u32,
    /// Whether only its pictures are drawn, without its letters.
    pub(super) pictures_only: bool,
}

impl WantedPage {
    /// The page as it is seen.
    #[cfg(test)]
    pub(super) fn whole(page: u32) -> Self {
        Self { page, pictures_only: false }
    }
}

/// A page as a picture.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct PagePicture {
    pub(super) picture: GrayImage,
    /// The units of the file's coordinates per pixel: points of a PDF, pixels of a picture.
    pub(super) units_per_pixel: f32,
}

/// A document without the text of its pictures; warnings name their pages.
pub(super) fn left_unread(mut document: Document, unread: &PagesUnread) -> Document {
    document.warnings.extend(warning(WarningCode::ScannedPages, &unread.without_text()));
    document.warnings.extend(warning(WarningCode::UnknownLetters, &unread.unreadable));
    document.warnings.extend(beside_text(&unread.beside_text));
    document.warnings.extend(warning(WarningCode::PicturesBesideText, &unread.with_figures));
    document
}

/// Warns about pages that have text, but are mostly pictures.
fn beside_text(pages: &[u32]) -> Option<ReadingWarning> {
    let on = if pages.len() == 1 { "page" } else { "pages" };
    let message = format!(
        "most of {on} {} is a picture, and text in it is not read (--ocr auto reads it)",
        ranges(pages)
    );
    let (code, pages) = (WarningCode::ScannedPages, pages.to_vec());
    (!pages.is_empty()).then_some(ReadingWarning { code, message, pages })
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
            format!("{page}: the file does not say which letters it shows (--ocr auto reads them)")
        }
        WarningCode::PicturesBesideText => {
            format!("pictures beside the text of {page} are not read (--ocr always reads them)")
        }
        WarningCode::NothingRecognized if one => format!("{page} is a picture without text"),
        WarningCode::NothingRecognized => format!("{page} are pictures without text"),
        _ => format!("{page} could not be read"),
    };
    (!pages.is_empty()).then(|| ReadingWarning { code, message, pages: pages.to_vec() })
}

/// Why a page has no text from its picture.
enum PageError {
    /// Other pages of the file may succeed.
    Page(String),
    /// The model cannot be reached: the document fails, and another try may succeed.
    Model(BackendError),
    /// The budget is spent.
    Stopped,
}

/// Adds the text in the pictures of a document.
pub(super) async fn recognize(
    pool: &Pool,
    ocr: &PageOcr,
    request: &WorkerRequest,
    bytes: &[u8],
    mut document: Document,
    unread: &PagesUnread,
) -> Result<Document, ExtractError> {
    let wanted = if ocr.beside_text { unread.always() } else { unread.auto() };
    if !ocr.beside_text {
        document.warnings.extend(warning(WarningCode::PicturesBesideText, &unread.with_figures));
    }
    let wanted: Vec<WantedPage> = wanted
        .into_iter()
        .map(|page| WantedPage { page, pictures_only: unread.has_text(page) })
        .collect();
    if wanted.is_empty() {
        return Ok(document);
    }
    let pictures = pool.pictures(request, bytes, &wanted);
    let read =
        stream::unfold(pictures, |mut pictures| async { Some((pictures.next().await?, pictures)) })
            .map(|(page, picture)| async move { (page, read_page(ocr, page, picture).await) })
            .buffered(ocr.parallel.max(1));
    let mut read = Box::pin(read);
    let mut found = Recognized::default();
    let mut count = 0;
    while let Some((page, outcome)) = read.next().await {
        count += 1;
        if let Some(on_page) = &ocr.on_page {
            let source = request.source.clone();
            // The receiver may be gone.
            let _ = on_page.send(OcrPage { source, read: count, of: wanted.len() });
        }
        match outcome {
            Ok(text) if text.words.is_empty() => found.empty.push(page),
            Ok(text) => {
                found.pages.insert(page, text);
            }
            Err(PageError::Page(reason)) => found.failed.push((page, reason)),
            Err(PageError::Stopped) => return Err(ExtractError::stopped()),
            Err(PageError::Model(error)) => {
                return Err(ExtractError::may_pass(&format!("page {page}: {error}")));
            }
        }
    }
    Ok(found.added_to(document, unread, ocr.model.id()))
}

async fn read_page(
    ocr: &PageOcr,
    page: u32,
    picture: Result<PagePicture, ExtractError>,
) -> Result<PageText, PageError> {
    let unread = |error: ExtractError| PageError::Page(error.reason);
    let PagePicture { picture, units_per_pixel } = picture.map_err(unread)?;
    let leave = ocr.budget.reserve_page(ocr.model.is_local()).await.ok_or(PageError::Stopped)?;
    let lines = ocr.model.read(picture, &leave.bill).await.map_err(|error| match error.fault {
        Fault::Refused | Fault::TooLong => PageError::Page(error.message),
        _ => PageError::Model(error),
    })?;
    Ok(PageText::new(&lines, page, units_per_pixel))
}

/// What was recognized in the pictures of a document.
#[derive(Default)]
struct Recognized {
    pages: BTreeMap<u32, PageText>,
    empty: Vec<u32>,
    failed: Vec<(u32, String)>,
}

impl Recognized {
    fn added_to(mut self, document: Document, unread: &PagesUnread, model: &str) -> Document {
        let SourceMap::Marked(LocatorUnit::Page, marks) = &document.places else { return document };
        let read: Vec<u32> = self.pages.keys().copied().collect();
        let replaced = |page: u32, printed: &str, recognized: &PageText| {
            let says_more = || good_words(&recognized.text) > good_words(printed);
            unread.recognized.contains(&page) || unread.unreadable.contains(&page) && says_more()
        };
        let ends = marks.iter().skip(1).map(|mark| mark.offset).chain([document.text.len()]);
        let mut printed: BTreeMap<u32, Vec<(Vec<String>, &str)>> = BTreeMap::new();
        for ((mark, section), end) in marks.iter().zip(&document.sections).zip(ends) {
            let text = document.text[mark.offset..end].trim_end();
            printed.entry(mark.first).or_default().push((section.headings.clone(), text));
        }
        let mut whole = Whole::default();
        let numbers: BTreeSet<u32> = printed.keys().chain(self.pages.keys()).copied().collect();
        for page in numbers {
            let parts = printed.remove(&page).unwrap_or_default();
            let text = parts.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\n");
            let headings = parts.last().map(|(headings, _)| headings.clone()).unwrap_or_default();
            match self.pages.get(&page) {
                // The letters of the page are useless, or another program recognized them before: the text in
                // the picture replaces them.
                Some(recognized) if replaced(page, &text, recognized) => {
                    whole.recognized(page, headings, recognized);
                }
                recognized => {
                    for (headings, text) in parts {
                        whole.printed(page, headings, text);
                    }
                    if let Some(recognized) = recognized {
                        whole.recognized(page, headings, &recognized.without_lines_of(&text));
                    }
                }
            }
        }
        let mut warnings = document.warnings;
        // A page with text misses nothing if its picture has no text.
        let with_text = |page: &u32| !unread.scanned.contains(page);
        self.empty.retain(|page| !with_text(page));
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
        Document { warnings, page_labels, ocr, recognized, ..built }
    }
}

/// A document that is being put together again.
struct Whole {
    parts: PartsBuilder,
    words: Vec<RecognizedWord>,
}

impl Default for Whole {
    fn default() -> Self {
        Self { parts: PartsBuilder::new(LocatorUnit::Page), words: Vec::new() }
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
    /// Words with their offsets in `text`.
    words: Vec<RecognizedWord>,
    /// The words of each line, and whether the line starts a paragraph.
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

    /// Adds a line. A word that was broken at the end of the previous line is joined.
    fn push(&mut self, words: &[Word<'_>], begins_paragraph: bool, page: u32) {
        let Some(first) = words.first() else { return };
        let begins_paragraph = begins_paragraph && !self.text.is_empty();
        if begins_paragraph {
            self.text.push_str("\n\n");
        } else if !self.text.is_empty()
            && !ends_in_broken_word(&mut self.text, first.text, has_hyphens)
        {
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

    /// The lines with most of their words missing from a known text. Short words occur in any text: they count
    /// only in a line that has no others.
    fn without_lines_of(&self, known: &str) -> Self {
        let known: HashSet<String> = known.split_whitespace().map(bare).collect();
        let mut rest = Self::default();
        for (range, begins_paragraph) in &self.lines {
            let words = &self.words[range.clone()];
            let text = |word: &RecognizedWord| &self.text[word.start..word.end];
            let texts: Vec<String> = words.iter().map(|word| bare(text(word))).collect();
            let long = |word: &&String| word.chars().count() >= LONG;
            let long: Vec<&String> = texts.iter().filter(long).collect();
            let counted = if long.is_empty() { texts.iter().collect() } else { long };
            let old = counted.iter().filter(|word| known.contains(**word)).count();
            if old * 2 < counted.len() {
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

/// The area of the page that a box of the picture covers.
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
