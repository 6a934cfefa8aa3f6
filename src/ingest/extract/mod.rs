//! Bytes → [`Document`]: text with a way back to the lines, pages or records of the file.
//!
//! Formats whose text is the file itself are decoded here. All others need a parser, which could
//! hang, panic or eat memory; they go to a child process of docent itself: a thread cannot be
//! killed. The child is pooled; see `pool` for this side of the pipe, `worker` for the other.

mod csv;
#[cfg(test)]
mod damaged;
mod detect;
mod docx;
mod epub;
mod html;
mod image;
mod json;
mod mail;
mod notebook;
mod package;
mod parts;
mod pdf;
mod pool;
mod pptx;
mod sheet;
mod table;
mod text;
mod worker;
mod xml;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use self::detect::{Detected, detect, language};
pub(in crate::ingest) use self::html::{Element, Tree, decode};
pub use self::worker::run_worker;
use super::document::{Document, single_spaced};
use crate::task::off_thread;
use crate::types::Kind;

/// The argument that makes docent a worker. It is for docent itself, and in no help.
pub const SUBCOMMAND: &str = "extract-worker";

/// Environment variable that tells a worker its limit in MB; see [`run_worker`].
pub const MEMORY_VARIABLE: &str = "DOCENT_WORKER_MEMORY_MB";

/// Why a file has no document: one line, for the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtractError(pub String);

impl ExtractError {
    const MAX_LENGTH: usize = 200;

    /// `reason` is cut to one line of [`Self::MAX_LENGTH`] characters.
    fn new(reason: &str) -> Self {
        let mut line = single_spaced(reason);
        line.retain(|character| !character.is_control());
        if line.chars().count() > Self::MAX_LENGTH {
            line = line.chars().take(Self::MAX_LENGTH).chain(std::iter::once('…')).collect();
        }
        Self(line)
    }

    /// What a parser said of a file that its format does not allow.
    fn damaged(error: &dyn fmt::Display) -> Self {
        Self::new(&format!("damaged or truncated: {error}"))
    }

    fn encrypted() -> Self {
        Self::new("encrypted: a password is needed")
    }

    /// None of the fields that were asked for is among those there are.
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

    /// The file is not what its extension says.
    fn lie(extension: &str, expected: &str, found: Option<&str>, bytes: &[u8]) -> Self {
        let found = found.map_or_else(
            || {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(8)]).into_owned();
                format!("it starts with {start:?}")
            },
            |found| format!("it is a {found} file"),
        );
        let article = if expected.starts_with('E') { "an" } else { "a" };
        Self::new(&format!("named .{extension}, but it is not {article} {expected} ({found})"))
    }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExtractError {}

/// Whether the beginning of a file (8 KiB are enough) is text in some encoding.
pub fn looks_like_text(head: &[u8]) -> bool {
    detect::magic(head).is_none() && !text::looks_binary(head)
}

/// Limits of the child processes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtractOptions {
    /// How many children there are at most; they are started when needed.
    pub workers: usize,
    /// Processor time for one file; other work of the machine does not count.
    pub timeout: Duration,
    /// Address space of one child; 0 for no limit.
    pub memory_mb: u64,
    /// What is run, with the argument `extract-worker`, to get a child: docent itself.
    pub program: PathBuf,
}

/// Makes documents of files. Shared by all tasks of a run.
pub struct Extractor {
    pool: pool::Pool,
}

impl Extractor {
    pub fn new(options: ExtractOptions) -> Self {
        Self { pool: pool::Pool::new(options) }
    }

    /// The text of one file. `source` is its path, for what only the extension tells: the language
    /// of source code, whether JSON is JSON Lines. Of records, `text_fields` are the text; all
    /// fields are where it is empty.
    ///
    /// Dropping the future gives up on the file.
    pub async fn extract(
        &self,
        source: &str,
        kind: Kind,
        text_fields: &[String],
        bytes: Vec<u8>,
    ) -> Result<Document, ExtractError> {
        if bytes.trim_ascii().is_empty() {
            return Err(ExtractError::new("empty: no text"));
        }
        let request = request(source, kind, text_fields);
        let document = if is_the_file(kind) {
            off_thread(move || text::document(&request.source, kind, &bytes)).await?
        } else {
            self.pool.parse(&request, &bytes).await?
        };
        if document.text.trim().is_empty() {
            return Err(ExtractError::new("empty: no text"));
        }
        Ok(document)
    }
}

/// What [`Extractor::extract`] makes of a file that is not blank, made in this process and on this
/// thread: a parser that panics, hangs or eats memory does so here. Benchmarks measure it.
pub fn document(
    source: &str,
    kind: Kind,
    text_fields: &[String],
    bytes: &[u8],
) -> Result<Document, ExtractError> {
    if is_the_file(kind) {
        return text::document(source, kind, bytes);
    }
    worker::parse(&request(source, kind, text_fields), bytes)
}

/// Whether the text is the decoded file itself: no parser is needed.
fn is_the_file(kind: Kind) -> bool {
    matches!(kind, Kind::Markdown | Kind::Text | Kind::Rst | Kind::Asciidoc | Kind::Code)
}

fn request(source: &str, kind: Kind, text_fields: &[String]) -> worker::Request {
    let (source, text_fields) = (source.to_owned(), text_fields.to_vec());
    worker::Request { source, kind, text_fields, limit: Duration::MAX }
}

#[cfg(test)]
mod tests;
