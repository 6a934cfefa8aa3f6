//! A file of JSON Lines that is only added to, each line with the hash of the line before: one that was
//! changed, or is gone from the middle, shows. The hash of the last one is kept beside the file, so that lines that
//! were cut off show, too.
//!
//! What the lines say is their writers' business: a server's requests, the changes of collections.

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

use head::Head;
pub use head::Mark;
#[cfg(test)]
pub(crate) use head::path_of;
pub use list::list;
pub use verify::{Broken, LossNotice, Verified, verify};

use crate::private;
use crate::types::ContentHash;

/// What is read of the end of a file first.
const USUAL_END: u64 = 64 << 10;

/// Longest line that is read back.
const LONGEST_LINE: u64 = 16 << 20;

/// What the first line of all has in place of the hash of one before.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line, but for the hash of itself, which stands last in it.
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

/// The schema of an [`AuditLine`] with the hash, which is added where it is written.
pub fn line_schema(mut root: RootSchema) -> RootSchema {
    let hash = "SHA-256 of the line without this member";
    let hash = serde_json::from_value(json!({ "description": hash, "type": "string" }));
    let object = root.schema.object();
    object.properties.extend(hash.ok().map(|hash| ("hash".to_owned(), hash)));
    object.required.insert("hash".to_owned());
    root
}

/// Such a file, at its end.
pub struct Chain {
    path: PathBuf,
    file: File,
    bytes: u64,
    number: u64,
    hash: String,
    head: Head,
    /// What the next line has to say first: lines are missing.
    missing: Option<String>,
}

/// A file that is larger is moved aside, and the next one goes on where it ends.
const LARGEST: u64 = 64 << 20;

/// Where an audit is moved that ends with the line of this number.
pub(crate) fn aside(path: &Path, number: u64) -> PathBuf {
    path.with_extension(format!("{number}.jsonl"))
}

/// The files that lines are written to: the one at the path, and what is kept beside it. Where that was moved aside, it
/// has another name.
pub fn files_of(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), head::path_of(path)]
}

/// Whether there were lines, as far as the head tells that is kept beside them: the file may be gone.
pub fn had_lines(path: &Path) -> bool {
    head::path_of(path).exists()
}

impl Chain {
    /// Goes on where the file ends, or where the head beside it says that it ended. Only its owner may read a new
    /// one.
    ///
    /// # Errors
    /// It can't be written, its last line is not a line of it, or another process writes it, which is
    /// [`io::ErrorKind::WouldBlock`].
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open_alone(path)?;
        let last = last_line(&file)?;
        let bytes = file.metadata()?.len();
        let (head, kept) = Head::open(path).map_err(|error| {
            io::Error::other(format!("{}: {error}", head::path_of(path).display()))
        })?;
        let until = last.as_ref().map_or(0, |last| last.number);
        // A line is written before it stands in the head.
        let cut = kept.filter(|kept| kept.number > until);
        let missing = cut.as_ref().map(|kept| {
            format!(
                "lines are missing before this one: the last here was {until}, and {} were written",
                kept.number
            )
        });
        let last = cut.or(last).unwrap_or(Mark { number: 0, hash: FIRST.to_owned() });
        let (path, Mark { number, hash }) = (path.to_owned(), last);
        Ok(Self { path, file, bytes, number, hash, head, missing })
    }

    /// Adds a line. Where lines are missing before it, another says so first, and `warning` is told, once.
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

    /// What was added is on the disk.
    ///
    /// # Errors
    /// It can't be written.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// As if the file were as large as one may become.
    #[cfg(test)]
    pub(crate) fn pretend_large(&mut self) {
        self.bytes = LARGEST;
        self.file.set_len(LARGEST).expect("a file");
    }

    /// Goes on in a new file where the one that is open is no longer at its place.
    fn find_again(&mut self) -> io::Result<()> {
        let is_there = private::is_at(&self.file, &self.path)?;
        let is_whole = self.file.metadata()?.len() >= self.bytes;
        if is_there && is_whole {
            return Ok(());
        }
        let what = if is_there { "cut off" } else { "removed, moved or replaced" };
        if !is_there {
            self.file = open_alone(&self.path)?;
        }
        // What is there may end in the middle of a line.
        last_line(&self.file)?;
        self.bytes = self.file.metadata()?.len();
        self.missing = Some(format!(
            "the file was {what} while it was written; {} lines had been",
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
        // At once: a line is there whole, or its beginning is the end of the file.
        self.file.write_all(text.as_bytes())?;
        self.bytes += text.len() as u64;
        (self.number, self.hash) = (self.number + 1, hash);
        self.head.set(self.number, &self.hash)
    }
}

/// Opens a file that nobody else writes: lines of two would be no chain.
fn open_alone(path: &Path) -> io::Result<File> {
    let file = private::append(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "another process writes it"))
        }
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The last whole line; what a crash has left of one is not a line.
fn last_line(file: &File) -> io::Result<Option<Mark>> {
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

/// The last one that is whole from there on. What a crash has left of one at the end is made a line of its own, which is
/// passed over: the beginning of an object is not JSON.
fn last_line_from(mut file: &File, from: u64) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    // Where it does not begin with the file, it begins in the middle of a line.
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
