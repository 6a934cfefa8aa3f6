//! Bytes → [`Document`]: text with a way back to the lines, pages or records of the file.
//!
//! Formats whose text is the file itself are decoded here. All others need a parser, which could hang, panic or
//! exhaust memory. Parsers run in a child process of docent itself, since a thread cannot be killed. Children
//! are pooled; see `pool` for this side of the pipe, `worker` for the other.

mod alt;
mod binary;
mod blobs;
mod calendar;
mod chart;
mod code_pages;
mod compound;
mod contacts;
mod container;
mod content_line;
mod csv;
#[cfg(test)]
mod damaged;
mod detect;
mod diagram;
mod doc;
mod docx;
mod encoding;
mod epub;
mod formatting;
mod good_words;
mod hidden;
mod html;
mod hyphens;
mod image;
mod json;
mod line_ends;
mod mail;
mod markup;
mod math;
mod no_text;
mod notebook;
mod numeral;
mod ocr;
mod odf;
mod package;
mod pages_unread;
mod parts;
#[cfg_attr(not(feature = "pdf"), path = "pdf_left_out.rs")]
mod pdf;
mod pool;
mod pptx;
#[cfg(test)]
mod producers;
mod prose;
mod relations;
mod rtf;
mod sheet;
mod slide;
mod subtitles;
mod symbols;
mod table;
mod text;
mod worker;
mod xml;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use self::detect::{BINARY, Detected, MINIFIED, UNSUPPORTED_TYPE, detect, language};
pub(in crate::ingest) use self::html::{Element, HtmlTree, decode};
pub use self::ocr::{OcrPage, PageOcr};
pub use self::worker::run_worker;
use self::worker::{Extracted, WorkerRequest};
use super::document::{Document, single_spaced};
use crate::task::off_thread;
use crate::types::DocumentKind;

/// The argument that makes docent a worker. docent passes it to itself; no help lists it.
pub const SUBCOMMAND: &str = "extract-worker";

/// Environment variable with a worker's memory limit in MB; see [`run_worker`].
pub const MEMORY_VARIABLE: &str = "DOCENT_WORKER_MEMORY_MB";

/// Why a file has no document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtractError {
    /// One line, for the report.
    pub reason: String,
    /// The same file may be read with other settings, or at another time.
    pub may_pass: bool,
    /// The run stopped before the file was read.
    pub is_stopped: bool,
    /// The process that read the file died or was killed.
    is_of_child: bool,
}

impl ExtractError {
    const MAX_LENGTH: usize = 200;

    /// `reason` is cut to one line of [`Self::MAX_LENGTH`] characters.
    fn new(reason: &str) -> Self {
        let mut line = single_spaced(reason);
        line.retain(|character| !character.is_control());
        if line.chars().count() > Self::MAX_LENGTH {
            line = line.chars().take(Self::MAX_LENGTH).chain(std::iter::once('…')).collect();
        }
        Self { reason: line, may_pass: false, is_stopped: false, is_of_child: false }
    }

    /// A failure that another try, or another setting, may mend.
    fn may_pass(reason: &str) -> Self {
        Self { may_pass: true, ..Self::new(reason) }
    }

    fn stopped() -> Self {
        Self { is_stopped: true, ..Self::may_pass("the run stopped before it was read") }
    }

    /// What a parser reports about a file that its format does not allow.
    fn damaged(error: &dyn fmt::Display) -> Self {
        Self::new(&format!("damaged or truncated: {error}"))
    }

    fn encrypted() -> Self {
        Self::new("encrypted: a password is needed (open it, and save it without one)")
    }

    /// None of the requested fields exists.
    fn no_field(fields: &[String], names: &[String]) -> Self {
        const SHOWN: usize = 12;
        let mut known = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        match names.len() {
            0 => known.push_str("no named fields"),
            SHOWN.. => known.push_str(", ..."),
            _ => {}
        }
        let fields = fields.join("`, `");
        Self::new(&format!("no field `{fields}` in it; it has {known} (choose with --text-field)"))
    }

    /// The error for a file that is named as text of this kind but starts with the signature of another format.
    fn disguised(kind: &str, bytes: &[u8]) -> Option<Self> {
        let found = container::name(bytes)?;
        let article = if starts_like_a_vowel(found) { "an" } else { "a" };
        let rename = container::rename(bytes).map(|what| format!(": {what}")).unwrap_or_default();
        Some(Self::new(&format!("named as {kind}, but it is {article} {found} file{rename}")))
    }

    /// The error for a file that is not what its extension says.
    fn lie(extension: &str, expected: &str, bytes: &[u8]) -> Self {
        let article = |name: &str| if starts_like_a_vowel(name) { "an" } else { "a" };
        let found = container::name(bytes).map_or_else(
            || {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(8)]).into_owned();
                format!("it starts with {start:?}")
            },
            |found| format!("it is {} {found} file", article(found)),
        );
        let rename = container::rename(bytes).map(|what| format!(": {what}")).unwrap_or_default();
        let article = article(expected);
        Self::new(&format!(
            "named .{extension}, but it is not {article} {expected} ({found}){rename}"
        ))
    }
}

/// Whether the spoken name of a format starts with a vowel.
fn starts_like_a_vowel(name: &str) -> bool {
    name.starts_with(['E', 'M', 'O', 'R', 'X', 'e'])
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ExtractError {}

/// Whether the start of a file (8 KiB are enough) is text in some encoding.
pub fn looks_like_text(head: &[u8]) -> bool {
    detect::magic(head).is_none() && !binary::looks_binary(head)
}

/// Limits of the child processes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtractOptions {
    /// Most children at a time; they are started when needed.
    pub workers: usize,
    /// Processor time for one file; other work on the machine does not count.
    pub timeout: Duration,
    /// Address space of one child; 0 for no limit.
    pub memory_mb: u64,
    /// Passwords to try on locked PDFs.
    pub passwords: Vec<String>,
    /// Whether reviewers' comments in documents are text.
    pub comments: bool,
    /// The program that is run with the argument `extract-worker` as a child: docent itself.
    pub program: PathBuf,
}

/// Makes documents of files. Shared by all tasks of a run.
pub struct Extractor {
    pool: pool::Pool,
    /// `None`: pages whose text is only in their pictures are named in a warning.
    ocr: Option<PageOcr>,
}

impl Extractor {
    pub fn new(options: ExtractOptions, ocr: Option<PageOcr>) -> Self {
        Self { pool: pool::Pool::new(options), ocr }
    }

    /// The text of one file. `source` is its path, for what only the extension says: the language of source
    /// code, whether JSON is JSON Lines. `text_fields` names the fields of records that are text; all are if it
    /// is empty.
    ///
    /// Dropping the future gives up on the file.
    pub async fn extract(
        &self,
        source: &str,
        kind: DocumentKind,
        text_fields: &[String],
        bytes: Vec<u8>,
    ) -> Result<Document, ExtractError> {
        if bytes.trim_ascii().is_empty() {
            return Err(ExtractError::new(nothing_in(&bytes)));
        }
        let passwords = self.pool.passwords().to_vec();
        let comments = self.pool.reads_comments();
        let request = WorkerRequest { passwords, comments, ..request(source, kind, text_fields) };
        let document = if is_the_file(kind) {
            off_thread(move || text::document(&request.source, kind, &bytes)).await?
        } else {
            self.parse(&request, &bytes).await?
        };
        if document.text.trim().is_empty() {
            return Err(without_text(&document));
        }
        Ok(document)
    }

    /// The document that a worker makes of a file, with what OCR reads in its pictures.
    async fn parse(&self, request: &WorkerRequest, bytes: &[u8]) -> Result<Document, ExtractError> {
        let parsed = match self.pool.parse(request, bytes).await {
            // An attachment can be anything: if one kills the worker, the mail is read without its attachments.
            Err(error) if request.kind == DocumentKind::Email && error.is_of_child => {
                mail::without_attachments(&self.pool, request, bytes, &error).await
            }
            parsed => parsed,
        };
        let Extracted { document, unread } = parsed?;
        match &self.ocr {
            Some(ocr) => ocr::recognize(&self.pool, ocr, request, bytes, document, &unread).await,
            None => Ok(ocr::left_unread(document, &unread)),
        }
    }
}

/// Why a blank file has no text.
pub(in crate::ingest) fn nothing_in(bytes: &[u8]) -> &'static str {
    if bytes.is_empty() { "empty: the file has 0 bytes" } else { "empty: the file is all blanks" }
}

/// Why a document has no text, as its warnings say.
fn without_text(document: &Document) -> ExtractError {
    if document.warnings.is_empty() {
        return ExtractError::new("empty: nothing is written in it");
    }
    let words = document.warnings.iter().map(|warning| warning.message.as_str());
    let reason = format!("no text found: {}", words.collect::<Vec<_>>().join("; "));
    let may_pass = document.warnings.iter().any(|warning| warning.code.may_pass());
    ExtractError { may_pass, ..ExtractError::new(&reason) }
}

/// Does the work of [`Extractor::extract`] for a file that is not blank, in this process and on this thread: a
/// parser that panics, hangs or exhausts memory does so here. Benchmarks measure it.
pub fn document(
    source: &str,
    kind: DocumentKind,
    text_fields: &[String],
    bytes: &[u8],
) -> Result<Document, ExtractError> {
    if is_the_file(kind) {
        return text::document(source, kind, bytes);
    }
    let Extracted { document, unread } = worker::parse(&request(source, kind, text_fields), bytes)?;
    let document = ocr::left_unread(document, &unread);
    if document.text.trim().is_empty() { Err(without_text(&document)) } else { Ok(document) }
}

/// Reads a file that is within another document as if it were a file of its own.
fn read_part(request: &WorkerRequest, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    if is_the_file(request.kind) {
        return Ok(text::document(&request.source, request.kind, bytes)?.into());
    }
    worker::parse(request, bytes)
}

/// Whether the text is the decoded file itself: no parser is needed.
fn is_the_file(kind: DocumentKind) -> bool {
    matches!(
        kind,
        DocumentKind::Markdown
            | DocumentKind::Text
            | DocumentKind::Rst
            | DocumentKind::Asciidoc
            | DocumentKind::Code
    )
}

fn request(source: &str, kind: DocumentKind, text_fields: &[String]) -> WorkerRequest {
    let (source, text_fields) = (source.to_owned(), text_fields.to_vec());
    let (limit, passwords) = (Duration::MAX, Vec::new());
    let (comments, pages, nesting) = (false, Vec::new(), 0);
    WorkerRequest { source, kind, text_fields, limit, passwords, comments, pages, nesting }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
