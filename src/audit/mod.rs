//! An append-only file of JSON Lines in which each line has the hash of the line before: a line that was
//! changed, or removed from the middle, is noticed. The hash of the last line is stored beside the file, so
//! that lines missing at the end are noticed, too.
//!
//! The content of the lines is up to their writers: a server's requests, changes of collections.

mod head;
mod list;
mod verify;

use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use schemars::JsonSchema;
use schemars::schema::RootSchema;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::json;

use head::AuditHead;
pub use head::AuditMark;
#[cfg(test)]
pub(crate) use head::path_of;
pub use list::list;
pub use verify::{Broken, LossNotice, VerifiedAudit, verify};

use crate::private_files;
use crate::types::ContentHash;

/// How much of the end of a file is read first.
const USUAL_END: u64 = 64 << 10;

/// Longest line that can be read back.
const LONGEST_LINE: u64 = 16 << 20;

/// The very first line has this in place of the hash of the previous line.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line without its own hash, which is appended as its last member.
#[derive(Serialize, JsonSchema)]
pub struct AuditLine<'a, T> {
    /// From 1, without a gap.
    number: u64,
    #[serde(flatten)]
    what: T,
    /// Hash of the line before; zeros in the first of all.
    previous: &'a str,
}

/// What a line says of the audit itself.
#[derive(Serialize, JsonSchema)]
pub struct AuditNotice<'a> {
    /// RFC 3339, UTC, with milliseconds.
    time: String,
    notice: &'a str,
}

/// The schema of an [`AuditLine`] with its hash, which is added when the line is written.
pub fn line_schema(mut root: RootSchema) -> RootSchema {
    let hash = "SHA-256 of the line without this member";
    let hash = serde_json::from_value(json!({ "description": hash, "type": "string" }));
    let object = root.schema.object();
    object.properties.extend(hash.ok().map(|hash| ("hash".to_owned(), hash)));
    object.required.insert("hash".to_owned());
    root
}

/// An audit file, open at its end.
pub struct Chain {
    path: PathBuf,
    file: File,
    bytes: u64,
    number: u64,
    hash: String,
    head: AuditHead,
    /// A notice that has to be written before the next line: lines are missing.
    missing: Option<String>,
}

/// A larger file is moved aside, and the next one continues the chain.
const LARGEST: u64 = 64 << 20;

/// Where an audit is moved whose last line has this number.
pub(crate) fn aside(path: &Path, number: u64) -> PathBuf {
    path.with_extension(format!("{number}.jsonl"))
}

/// The files that are written: the audit at this path, and its head beside it. An audit that was moved aside
/// has another name.
pub fn files_of(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), head::path_of(path)]
}

/// Whether there have been lines, according to the head: the audit itself may be gone.
pub fn had_lines(path: &Path) -> bool {
    head::path_of(path).exists()
}

impl Chain {
    /// Continues where the file ends, or where the head beside it says that it ended. Only its owner may read
    /// a new file.
    ///
    /// # Errors
    /// It can't be written, its last line is not a line of an audit, or another process is writing it, which
    /// is [`io::ErrorKind::WouldBlock`].
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open_alone(path)?;
        let last = last_line(&file)?;
        let bytes = file.metadata()?.len();
        let (head, kept) = AuditHead::open(path).map_err(|error| {
            io::Error::other(format!("{}: {error}", head::path_of(path).display()))
        })?;
        let until = last.as_ref().map_or(0, |last| last.number);
        // A line is written before the head is updated.
        let cut = kept.filter(|kept| kept.number > until);
        let missing = cut.as_ref().map(|kept| {
            format!(
                "lines are missing before this one: the last here was {until}, and {} were written",
                kept.number
            )
        });
        let last = cut.or(last).unwrap_or(AuditMark { number: 0, hash: FIRST.to_owned() });
        let (path, AuditMark { number, hash }) = (path.to_owned(), last);
        Ok(Self { path, file, bytes, number, hash, head, missing })
    }

    /// Adds a line. Where lines are missing before it, a notice is written first and returned once in
    /// `warning`.
    ///
    /// # Errors
    /// It can't be written.
    pub fn add(&mut self, what: impl Serialize, warning: &mut Option<String>) -> io::Result<()> {
        self.find_again()?;
        if let Some(missing) = self.missing.clone() {
            let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
            self.write(AuditNotice { time, notice: &missing })?;
            *warning = Some(format!("{}: {missing}", self.path.display()));
            self.missing = None;
        }
        self.write(what)
    }

    /// The number of the last line.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Waits until the added lines are on disk.
    ///
    /// # Errors
    /// It can't be written.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Makes the next line go into a new file, as if this one were full.
    #[cfg(test)]
    pub(crate) fn pretend_large(&mut self) {
        self.bytes = LARGEST;
        self.file.set_len(LARGEST).expect("a file");
    }

    /// Continues in a new file if the open one is no longer at its path.
    fn find_again(&mut self) -> io::Result<()> {
        let is_there = private_files::is_at(&self.file, &self.path)?;
        let is_whole = self.file.metadata()?.len() >= self.bytes;
        if is_there && is_whole {
            return Ok(());
        }
        let what = if is_there { "cut off" } else { "removed, moved or replaced" };
        if !is_there {
            self.file = open_alone(&self.path)?;
        }
        // The existing file may end in the middle of a line.
        last_line(&self.file)?;
        self.bytes = self.file.metadata()?.len();
        self.missing = Some(format!(
            "the file was {what} while it was being written, after {} lines",
            self.number
        ));
        Ok(())
    }

    fn write(&mut self, what: impl Serialize) -> io::Result<()> {
        let line = AuditLine { number: self.number + 1, what, previous: &self.hash };
        let text = serde_json::to_string(&line)?;
        let hash = ContentHash::of(text.as_bytes()).0;
        let body = text.strip_suffix('}').unwrap_or(&text);
        let text = format!("{body},\"hash\":\"{hash}\"}}\n");
        if self.bytes > 0 && self.bytes + text.len() as u64 > LARGEST {
            std::fs::rename(&self.path, aside(&self.path, self.number))?;
            self.file = open_alone(&self.path)?;
            self.bytes = 0;
        }
        // In one call: either the whole line is written, or its beginning is the end of the file.
        self.file.write_all(text.as_bytes())?;
        self.bytes += text.len() as u64;
        (self.number, self.hash) = (self.number + 1, hash);
        self.head.set(self.number, &self.hash)
    }
}

/// Opens a file for a single writer: two of them would break the chain.
fn open_alone(path: &Path) -> io::Result<File> {
    let file = private_files::append(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "another process is writing it"))
        }
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The last complete line; a line that a crash cut off does not count.
fn last_line(file: &File) -> io::Result<Option<AuditMark>> {
    let length = file.metadata()?.len();
    let mut from = length.saturating_sub(USUAL_END);
    let mut last = last_line_from(file, from)?;
    if last.is_none() && from > 0 {
        from = length.saturating_sub(LONGEST_LINE);
        last = last_line_from(file, from)?;
    }
    let mark = last.map(|text| serde_json::from_slice(&text)).transpose();
    mark.map_err(|_| io::Error::other("its last line is not a line of an audit"))
}

/// The last complete line from there on. A line that a crash cut off at the end gets a line break, and is
/// skipped from then on: the beginning of an object is not valid JSON.
fn last_line_from(mut file: &File, from: u64) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    // Otherwise it begins in the middle of a line.
    let mut is_whole = from == 0;
    let (mut last, mut other) = (None, None);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(last.or(other));
        }
        if !line.ends_with(b"\n") {
            (&mut &*file).write_all(b"\n")?;
        } else if is_whole && serde_json::from_slice::<IgnoredAny>(&line).is_ok() {
            last = Some(line);
        } else if is_whole {
            other = Some(line);
        }
        is_whole = true;
    }
}
