//! PDF → text by page.
//!
//! `reader` has an interpreter made for rendering draw the pages; `device` records which letters it puts where.
//! Everything after that is layout, pure and on a glyph type of our own: `doubles` drops what is not seen as
//! text, `curves` straightens text along a curve, `lines` and `words` put letters together, `bidi` reads from
//! right to left, `furniture` leaves out running headers, `footnotes` moves notes after the text, `tables`
//! names the columns of rows, `paragraphs` and `hyphens` make text of lines. `judge` says whether a page was
//! read well; if not, `second` tries it.
//!
//! For OCR, `picture` has the interpreter draw a page again, on a `painter`: `decode` makes samples of
//! pictures, `sampling` and `fill` make pixels of samples and of shapes, and `ink` is what is painted on the
//! `canvas`. `pictures` and `unread` say which pages need this.

mod annotations;
mod bidi;
mod blank_font;
mod bold_fonts;
mod bombs;
mod canvas;
mod cells;
mod charmap;
mod cjk;
mod columns;
mod core_fonts;
mod curves;
mod damage;
mod decode;
mod device;
mod double_byte;
mod doubles;
mod fallback;
mod fill;
mod font_matching;
mod footnotes;
mod furniture;
mod glyph;
mod headings;
mod hyphens;
mod ink;
mod labels;
mod lines;
mod outline;
mod page;
mod painter;
mod paragraphs;
mod picture;
mod pictures;
mod placed;
mod processor_time;
mod reader;
mod replacement;
mod resources;
mod sampling;
mod script;
mod strings;
mod structure;
mod tables;
mod text_quality;
mod tidy;
mod unread;
mod words;

use std::sync::Arc;
use std::time::Duration;

use self::fallback::Second;
use self::headings::PageSection;
use self::hyphens::DocumentWords;
use self::page::{PageText, page_text};
pub(in crate::ingest::extract) use self::picture::page_pictures;
use self::processor_time::Deadline;
use self::reader::{OpenError, PdfFile, draw_pages};
use self::tidy::plain_line;
use self::unread::ReadPage;
use super::ExtractError;
use super::good_words::good_words;
use super::pages_unread::PagesUnread;
use super::parts::PartsBuilder;
use super::worker::Extracted;
use crate::ingest::document::{Document, LocatorUnit, Syntax};
use crate::types::{ReadingWarning, WarningCode, ranges};

/// The header may come after a little junk (ISO 32000-1, implementation note 13).
const HEADER_WITHIN: usize = 1024;

/// A page without text is a scanned one if pictures cover more than this share of it.
const PICTURES: f32 = 0.3;

/// Parts of a page with at most this many bytes together stay together, under the headings that they share:
/// apart they would make poor passages. About the size of a chunk.
const SMALL: usize = 1_000;

/// Reads a PDF. `passwords` are tried in order if the empty one does not open the file. `limit` is processor
/// time; pages that were read by then are kept.
pub(super) fn document(
    bytes: &[u8],
    passwords: &[String],
    limit: Duration,
) -> Result<Extracted, ExtractError> {
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        return Err(ExtractError::lie("pdf", "PDF", bytes));
    }
    let mut harmless = bytes.to_vec();
    let bombs = bombs::defuse(&mut harmless);
    let bytes = Arc::new(harmless);
    let deadline = Deadline::after(limit);
    let mut pages: Vec<PageText> = Vec::new();
    let opened = draw_pages(&bytes, passwords, deadline, |drawn| {
        let stopped = drawn.stopped;
        pages.push(page_text(drawn));
        !stopped && !deadline.is_over()
    });
    let packed = || {
        ExtractError::new(
            "packed with Brotli, which is not supported: print or save it again as PDF 1.7",
        )
    };
    let text = match opened {
        Ok(file) => text_of(file, pages, &bytes, passwords, deadline),
        Err(OpenError::Locked) => return Err(locked()),
        Err(OpenError::Damaged) => match second_opinion(&bytes, passwords) {
            Err(reason) if damage::is_cut_off(&bytes) && reason != locked() => {
                return Err(Text::new(None, 0).cut_off(damage::pages_named(&bytes)));
            }
            Err(_) if damage::is_packed_with_brotli(&bytes) => return Err(packed()),
            read => read?,
        },
    };
    if text.parts.is_empty() && damage::is_packed_with_brotli(&bytes) {
        return Err(packed());
    }
    if damage::is_cut_off(&bytes) {
        return Err(text.cut_off(damage::pages_named(&bytes)));
    }
    text.extracted(limit, bombs)
}

/// What was read of a file.
struct Text {
    parts: PartsBuilder,
    title: String,
    /// How many pages the file has.
    pages: usize,
    /// How many pages were reached.
    reached: usize,
    /// How many pages have text.
    read: usize,
    /// Pages that OCR could read.
    unread: PagesUnread,
    /// Pages that were not drawn completely.
    partial: Vec<u32>,
    /// As in [`Document::page_labels`].
    labels: Vec<(u32, String)>,
}

impl Text {
    fn new(title: Option<&str>, pages: usize) -> Self {
        let title = title.and_then(sensible_title).unwrap_or_default();
        Self {
            parts: PartsBuilder::new(LocatorUnit::Page),
            title,
            pages,
            reached: 0,
            read: 0,
            unread: PagesUnread::default(),
            partial: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Adds the next page, in parts with the headings above each.
    fn push(&mut self, page: impl IntoIterator<Item = (Vec<String>, String)>) {
        self.reached += 1;
        let mut is_read = false;
        for (headings, text) in page {
            is_read |= !text.trim().is_empty();
            self.parts.push(self.reached as u32, headings, &text);
        }
        self.read += usize::from(is_read);
    }

    /// The error for a truncated file. It is refused, since the rest would be taken for the whole document.
    fn cut_off(&self, named: Option<usize>) -> ExtractError {
        let pages = named.unwrap_or(self.pages).max(self.read);
        let read = match pages {
            0 => "no page could be read".to_owned(),
            _ => format!("{} of {pages} pages could be read", self.read),
        };
        ExtractError::new(&format!("damaged or truncated: the file is cut off; {read}"))
    }

    fn extracted(self, limit: Duration, bombs: usize) -> Result<Extracted, ExtractError> {
        if self.pages == 0 && self.parts.is_empty() {
            return Err(ExtractError::new("damaged or truncated: no pages found"));
        }
        let warnings = self.warnings(limit, bombs);
        if self.parts.is_empty() && warnings.is_empty() && self.unread.always().is_empty() {
            return Err(ExtractError::new("no text found"));
        }
        let Self { parts, title, unread, labels: page_labels, .. } = self;
        let document = Document { warnings, page_labels, ..parts.finish(title, Syntax::Plain) };
        Ok(Extracted { document, unread })
    }

    /// Warnings about what is missing from the text, except in pictures.
    fn warnings(&self, limit: Duration, bombs: usize) -> Vec<ReadingWarning> {
        let mut warnings = Vec::new();
        let mut warn = |code, message: String, pages: Vec<u32>| {
            warnings.push(ReadingWarning { code, message, pages });
        };
        let (reached, pages) = (self.reached as u32, self.pages as u32);
        if reached < pages {
            let rest: Vec<u32> = (reached + 1..=pages).collect();
            let message = format!(
                "pages {} of {pages} were not reached within {} s of processor time (raise ingest.extract_timeout)",
                ranges(&rest),
                limit.as_secs_f64()
            );
            warn(WarningCode::PagesLeftOut, message, rest);
        }
        if !self.partial.is_empty() {
            let numbers = ranges(&self.partial);
            let message = format!("page {numbers} not read completely: damaged, or took too long");
            warn(WarningCode::PagesLeftOut, message, self.partial.clone());
        }
        if bombs > 0 {
            let message = "contents that unpack to too much data were left out".to_owned();
            warn(WarningCode::UnpacksToTooMuch, message, Vec::new());
        }
        warnings
    }
}

fn text_of(
    file: PdfFile,
    mut pages: Vec<PageText>,
    bytes: &[u8],
    passwords: &[String],
    deadline: Deadline,
) -> Text {
    furniture::leave_out(&mut pages);
    let mut words = DocumentWords::default();
    pages.iter().flat_map(|page| &page.lines).for_each(|line| words.add(&line.text));
    if let Some(size) = headings::usual_size(pages.iter().flat_map(|page| &page.lines)) {
        for page in &mut pages {
            footnotes::behind_the_text(page, size);
        }
    }
    tables::name_columns(&mut pages);
    let mut text = Text::new(file.title.as_deref(), file.pages);
    text.labels = (1..).zip(file.labels).filter_map(|(page, label)| Some((page, label?))).collect();
    let (mut second, mut read) = (None, Vec::with_capacity(pages.len()));
    for (index, parts) in headings::parts(&pages, &file.outline).into_iter().enumerate() {
        let page = &pages[index];
        let (found, starts) = paragraphs::text(&page.lines, &words);
        let mut other = None;
        let is_poor = text_quality::is_poor(&found, page.glyphs, page.unknown);
        if (page.is_partial || is_poor) && !deadline.is_over() {
            let second = second.get_or_insert_with(|| Second::open(bytes, passwords).ok());
            // Only if it is clearly better, since its order of words is worse.
            other = second
                .as_ref()
                .and_then(|second| second.page(index))
                .filter(|other| good_words(other) * 4 > good_words(&found) * 5);
        }
        read.push(ReadPage {
            text: if page.pictures.is_empty() {
                String::new()
            } else {
                other.as_ref().unwrap_or(&found).clone()
            },
            glyphs: page.glyphs,
            hidden: page.hidden,
            is_poor: is_poor && other.is_none(),
            pictures: page.pictures.clone(),
            shapes: page.shapes,
        });
        let mut parts = match other {
            Some(other) => vec![(parts[0].headings.clone(), other)],
            None => cut(&found, &starts, parts),
        };
        if let Some((_, last)) = parts.last_mut() {
            for note in &page.notes {
                last.push_str("\n\n");
                last.push_str(note);
            }
        }
        let is_partial = page.is_partial;
        text.push(parts);
        if is_partial {
            text.partial.push(text.reached as u32);
        }
    }
    text.unread = PagesUnread::of(&read);
    text
}

/// The text of each part of a page; `starts` is where its lines start.
fn cut(page: &str, starts: &[usize], parts: Vec<PageSection>) -> Vec<(Vec<String>, String)> {
    let start = |part: &PageSection| starts.get(part.line).copied().unwrap_or(page.len());
    let ends: Vec<usize> = parts.iter().skip(1).map(start).chain([page.len()]).collect();
    let mut cut: Vec<(Vec<String>, String)> = Vec::new();
    for (part, end) in parts.into_iter().zip(ends) {
        let text = &page[start(&part).min(end)..end];
        match cut.last_mut() {
            Some((headings, before)) if before.len() + text.len() <= SMALL => {
                if before.trim().is_empty() {
                    *headings = part.headings;
                } else {
                    let shared = headings.iter().zip(&part.headings).take_while(|(a, b)| a == b);
                    let shared = shared.count();
                    headings.truncate(shared);
                }
                before.push_str(text);
            }
            _ => cut.push((part.headings, text.to_owned())),
        }
    }
    cut
}

fn locked() -> ExtractError {
    ExtractError::may_pass("encrypted: a password is needed (give it with --pdf-password)")
}

/// Reads a file that the interpreter cannot open with the second parser.
fn second_opinion(bytes: &[u8], passwords: &[String]) -> Result<Text, ExtractError> {
    let second = Second::open(bytes, passwords).map_err(|reason| {
        if reason.to_ascii_lowercase().contains("password") {
            locked()
        } else {
            ExtractError::damaged(&reason)
        }
    })?;
    let mut text = Text::new(None, second.pages());
    for page in 0..second.pages() {
        text.push([(Vec::new(), second.page(page).unwrap_or_default())]);
    }
    Ok(text)
}

/// A title; `None` for names of files and programs in place of one.
fn sensible_title(title: &str) -> Option<String> {
    const FILES: &[&str] = &[
        ".doc", ".docx", ".dvi", ".pdf", ".tex", ".qxd", ".indd", ".ps", ".ppt", ".pptx", ".xls",
        ".xlsx", ".html", ".rtf", ".txt", ".odt", ".fm",
    ];
    let title = plain_line(title);
    let lower = title.to_lowercase();
    let is_file = FILES.iter().any(|ending| lower.ends_with(ending));
    let is_default = lower.starts_with("untitled") || lower.starts_with("microsoft word - ");
    (!is_file
        && !is_default
        && title.chars().filter(|letter| letter.is_alphanumeric()).count() >= 3)
        .then_some(title)
}

#[cfg(test)]
pub(super) mod tests;
