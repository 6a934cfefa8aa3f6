//! PDF → text by page. The only user of `pdf-extract` and `pdf_oxide`.
//!
//! Two engines, because neither reads everything: pdf-extract is asked first; a page where it
//! fails, panics or finds next to nothing is read again by `pdf_oxide`, and the better text wins.

mod tidy;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document as Pdf, ObjectId, PlainTextOutput, output_doc_page};
use pdf_oxide::PdfDocument as SecondPdf;

use self::tidy::{plain_line, tidy};
use super::parts::Parts;
use super::{ExtractError, detect};
use crate::ingest::document::{Document, Syntax, Unit};

/// The header may come after a little junk (ISO 32000-1, implementation note 13).
const HEADER_WITHIN: usize = 1024;

/// A page with fewer letters and digits than this (three lines) is read by the second engine too.
const FEW: usize = 200;

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        return Err(ExtractError::lie("pdf", "PDF", detect::magic(bytes), bytes));
    }
    let first = First::open(bytes);
    let mut second = None;
    let pages = match &first {
        Ok(first) if !first.pages.is_empty() => first.pages.len(),
        _ => {
            let opened = Second::open(bytes);
            let pages = opened.pages();
            second = Some(opened);
            pages
        }
    };
    let mut parts = Parts::new(Unit::Page);
    for page in 0..pages {
        let found = first.as_ref().ok().and_then(|first| first.page(page)).unwrap_or_default();
        let found = tidy(&found);
        let best = if is_poor(&found) {
            let second = second.get_or_insert_with(|| Second::open(bytes));
            better(found, second.page(page).map(|text| tidy(&text)).unwrap_or_default())
        } else {
            found
        };
        parts.push(page as u32 + 1, Vec::new(), &best);
    }
    if parts.is_empty() {
        return Err(nothing_found(&first, second.as_ref(), pages));
    }
    let title = first.ok().and_then(|first| first.title()).unwrap_or_default();
    Ok(parts.finish(title, Syntax::Plain))
}

/// Why there is no text, from what the engines said.
fn nothing_found(
    first: &Result<First, String>,
    second: Option<&Second>,
    pages: usize,
) -> ExtractError {
    let locked = second.is_some_and(Second::is_locked);
    match (first, second.map(|second| &second.0)) {
        _ if locked => ExtractError::new("encrypted: a password is needed"),
        (Err(reason), _) if is_password(reason) => {
            ExtractError::new("encrypted: a password is needed")
        }
        (Err(_), Some(Err(reason))) => {
            ExtractError::new(&format!("damaged or truncated: {reason}"))
        }
        _ if pages == 0 => ExtractError::new("damaged or truncated: no pages found"),
        _ => ExtractError::new("no text found (scanned pages?)"),
    }
}

fn is_password(reason: &str) -> bool {
    reason.to_ascii_lowercase().contains("password")
}

/// The document as pdf-extract reads it.
struct First {
    pdf: Pdf,
    /// In order; the number is the engine's own.
    pages: Vec<(u32, ObjectId)>,
}

impl First {
    fn open(bytes: &[u8]) -> Result<Self, String> {
        guarded(|| {
            let mut pdf = Pdf::load_mem(bytes).map_err(|error| error.to_string())?;
            if pdf.is_encrypted() {
                pdf.decrypt("").map_err(|error| error.to_string())?;
            }
            let pages = pdf.get_pages().into_iter().collect();
            Ok(Self { pdf, pages })
        })
    }

    fn page(&self, index: usize) -> Option<String> {
        let (number, _) = *self.pages.get(index)?;
        guarded(|| {
            let mut text = String::new();
            let mut output = PlainTextOutput::new(&mut text);
            let outcome = output_doc_page(&self.pdf, &mut output, number);
            outcome.map(|()| text).map_err(|error| error.to_string())
        })
        .ok()
    }

    /// The title of the information dictionary, where it is one that a person wrote.
    fn title(&self) -> Option<String> {
        let title = guarded(|| {
            let info = self.pdf.trailer.get_deref(b"Info", &self.pdf);
            let title = info.and_then(|info| info.as_dict()).and_then(|info| {
                let title = info.get_deref(b"Title", &self.pdf)?;
                pdf_extract::decode_text_string(title)
            });
            title.map_err(|error| error.to_string())
        });
        sensible_title(&title.ok()?)
    }
}

/// The document as `pdf_oxide` reads it, or why it cannot.
struct Second(Result<SecondPdf, String>);

impl Second {
    fn open(bytes: &[u8]) -> Self {
        Self(guarded(|| SecondPdf::from_bytes(bytes.to_vec()).map_err(|error| error.to_string())))
    }

    fn pages(&self) -> usize {
        let pages = |pdf: &SecondPdf| {
            guarded(|| pdf.page_count().map_err(|error| error.to_string())).unwrap_or(0)
        };
        self.0.as_ref().map_or(0, pages)
    }

    fn page(&self, index: usize) -> Option<String> {
        let pdf = self.0.as_ref().ok()?;
        guarded(|| pdf.extract_text(index).map_err(|error| error.to_string())).ok()
    }

    fn is_locked(&self) -> bool {
        match &self.0 {
            Ok(pdf) => pdf.is_encrypted() && !pdf.is_authenticated(),
            Err(reason) => is_password(reason),
        }
    }
}

/// Runs a parser that may panic.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_message(&*panic)))
}

/// What a panic said, for the report.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the parser panicked: {}", message.unwrap_or("no message"))
}

/// Letters and digits; glyphs that were not understood are none.
fn words_in(text: &str) -> usize {
    text.chars().filter(|character| character.is_alphanumeric()).count()
}

/// Next to nothing, or mostly glyphs without a meaning.
fn is_poor(text: &str) -> bool {
    let words = words_in(text);
    let visible = text.chars().filter(|character| !character.is_whitespace()).count();
    words < FEW || words * 2 < visible
}

/// The second text only where it has clearly more.
fn better(first: String, second: String) -> String {
    if words_in(&second) * 4 > words_in(&first) * 5 { second } else { first }
}

/// `None` for names of files and of programs that stand where a title should.
fn sensible_title(title: &str) -> Option<String> {
    const FILES: &[&str] = &[
        ".doc", ".docx", ".dvi", ".pdf", ".tex", ".qxd", ".indd", ".ps", ".ppt", ".pptx", ".xls",
        ".xlsx", ".html", ".rtf", ".txt", ".odt", ".fm",
    ];
    let title = plain_line(title);
    let lower = title.to_lowercase();
    let is_file = FILES.iter().any(|ending| lower.ends_with(ending));
    let is_default = lower.starts_with("untitled") || lower.starts_with("microsoft word - ");
    (!is_file && !is_default && words_in(&title) >= 3).then_some(title)
}

#[cfg(test)]
mod tests;
