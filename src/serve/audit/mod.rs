//! Who asked what, and what was decided: one line of JSON for each request that needed a right, in a file
//! that is only added to.
//!
//! Each line has the hash of the line before, so that a line that was changed, or is gone from the
//! middle, shows; the hash of the last one is kept beside the file, so that lines that were cut off show,
//! too. Questions are in it only where that is asked for; answers and keys never.

mod head;
mod list;
mod verify;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use schemars::schema::{RootSchema, Schema};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::json;

use head::Head;
pub use head::Mark;
pub use list::list;
pub use verify::{Broken, LossNotice, Verified, verify};

use super::log::LogEntry;
use crate::error::Failure;
use crate::private;
use crate::types::ContentHash;

/// Longest line that is read back.
const LONGEST_LINE: u64 = 16 << 20;

/// What the first line of all has in place of the hash of one before.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line, but for the hash of itself, which stands last in it.
#[derive(Serialize, JsonSchema)]
struct Line<'a, T> {
    /// From 1, without a gap.
    number: u64,
    #[serde(flatten)]
    what: T,
    /// Hash of the line before; zeros in the first of all.
    previous: &'a str,
}

/// What a line says of a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditedRequest")]
struct Request<'a> {
    #[serde(flatten)]
    entry: &'a LogEntry,
    /// What became of the request.
    decision: Decision,
    /// Sources of the passages that the caller was shown, or that the answer was made from.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(default)]
    documents: &'a [String],
    /// What was asked, with `--audit-content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<&'a str>,
    /// What a caller wrote of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

/// What a line says of the audit itself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditNotice")]
struct Notice<'a> {
    /// RFC 3339, UTC, with milliseconds.
    time: String,
    notice: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditDecision")]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// What was asked for was sent.
    Answered,
    /// Not let in, or not let do it.
    Denied,
    /// Let in, and not answered.
    Failed,
}

/// The JSON Schema (draft 7) of a line: of one about a request, or of one about the audit itself.
pub fn schema() -> RootSchema {
    let request = line_schema(schema_for!(Line<'_, Request<'_>>));
    let notice = line_schema(schema_for!(Line<'_, Notice<'_>>));
    let mut root = RootSchema { definitions: request.definitions, ..RootSchema::default() };
    root.definitions.extend(notice.definitions);
    root.meta_schema = request.meta_schema;
    let metadata = root.schema.metadata();
    metadata.title = Some("docent serve --audit".to_owned());
    metadata.description = Some("A line of the file".to_owned());
    let lines = [request.schema, notice.schema].map(Schema::Object);
    root.schema.subschemas().any_of = Some(lines.into());
    root
}

/// With the hash, which is added where a line is written.
fn line_schema(mut root: RootSchema) -> RootSchema {
    let hash = "SHA-256 of the line without this member";
    let hash = serde_json::from_value(json!({ "description": hash, "type": "string" }));
    let object = root.schema.object();
    object.properties.extend(hash.ok().map(|hash| ("hash".to_owned(), hash)));
    object.required.insert("hash".to_owned());
    root
}

pub(super) struct Audit {
    path: PathBuf,
    content: bool,
    end: Mutex<End>,
}

struct End {
    file: File,
    bytes: u64,
    number: u64,
    hash: String,
    head: Head,
    /// What the next line has to say first: lines are missing.
    missing: Option<String>,
    /// Why the last line was not written.
    problem: Option<String>,
}

/// What became of a line.
#[derive(Default)]
pub(super) struct Added {
    pub(super) failed: bool,
    /// Something that whoever runs the server should see to, said once.
    pub(super) warning: Option<String>,
}

/// A file that is larger is moved aside, and the next one goes on where it ends.
const LARGEST: u64 = 64 << 20;

/// Where an audit is moved that ends with the line of this number.
fn aside(path: &Path, number: u64) -> PathBuf {
    path.with_extension(format!("{number}.jsonl"))
}

impl Audit {
    /// Goes on where the file ends, or where the head beside it says that it ended.
    ///
    /// # Errors
    /// It can't be written, its last line is no line of it, or another server writes it.
    pub(super) fn open(path: &Path, content: bool) -> Result<Self, Failure> {
        let unusable = |error: io::Error| {
            Failure::config(format!("--audit {}: {error}", path.display()))
                .hint("name a file that can be written, that docent has written if it is there, and that is this server's alone")
        };
        let file = open_alone(path).map_err(unusable)?;
        let last = last_line(&file).map_err(unusable)?;
        let bytes = file.metadata().map_err(unusable)?.len();
        let (head, kept) = Head::open(path).map_err(|error| {
            let head = head::path_of(path);
            unusable(io::Error::other(format!("{}: {error}", head.display())))
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
        let Mark { number, hash } = last;
        let end = End { file, bytes, number, hash, head, missing, problem: None };
        Ok(Self { path: path.to_owned(), content, end: Mutex::new(end) })
    }

    /// Adds a line for a request that has ended. What can't be written is tried again with the next, and
    /// meanwhile [said](Self::problem).
    pub(super) fn add(&self, entry: &LogEntry) -> Added {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let mut warning = None;
        let added = self.try_to_add(&mut end, entry, &mut warning);
        let problem = added.err().map(|error| format!("{}: {error}", self.path.display()));
        if let Some(problem) = problem.as_ref().filter(|_| end.problem.is_none()) {
            warning = Some(format!("the audit cannot be written: {problem}"));
        }
        end.problem = problem;
        Added { failed: end.problem.is_some(), warning }
    }

    fn try_to_add(
        &self,
        end: &mut End,
        entry: &LogEntry,
        warning: &mut Option<String>,
    ) -> io::Result<()> {
        self.find_again(end)?;
        if let Some(missing) = &end.missing {
            let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
            let text = missing.clone();
            self.write(end, Notice { time, notice: &text })?;
            *warning = Some(format!("{}: {text}", self.path.display()));
            end.missing = None;
        }
        let decision = match entry.status {
            // 101: a connection was given to a conversation.
            101 | 200..=399 => Decision::Answered,
            401 | 403 | 404 | 429 => Decision::Denied,
            _ => Decision::Failed,
        };
        let content = |text: &'_ Option<String>| text.clone().filter(|_| self.content);
        let (question, comment) = (content(&entry.notes.question), content(&entry.notes.comment));
        let request = Request {
            entry,
            decision,
            documents: &entry.notes.documents,
            question: question.as_deref(),
            comment: comment.as_deref(),
        };
        self.write(end, request)
    }

    /// Goes on in a new file where the one that is open is no longer at its place.
    fn find_again(&self, end: &mut End) -> io::Result<()> {
        let is_there = private::is_at(&end.file, &self.path)?;
        let is_whole = end.file.metadata()?.len() >= end.bytes;
        if is_there && is_whole {
            return Ok(());
        }
        let what = if is_there { "cut off" } else { "removed, moved or replaced" };
        if !is_there {
            end.file = open_alone(&self.path)?;
        }
        // What is there may end in the middle of a line.
        last_line(&end.file)?;
        end.bytes = end.file.metadata()?.len();
        end.missing = Some(format!(
            "the file was {what} while it was written; {} lines had been",
            end.number
        ));
        Ok(())
    }

    fn write(&self, end: &mut End, what: impl Serialize) -> io::Result<()> {
        let line = Line { number: end.number + 1, what, previous: &end.hash };
        let text = serde_json::to_string(&line)?;
        let hash = ContentHash::of(text.as_bytes()).0;
        let body = text.strip_suffix('}').unwrap_or(&text);
        let text = format!("{body},\"hash\":\"{hash}\"}}\n");
        if end.bytes > 0 && end.bytes + text.len() as u64 > LARGEST {
            std::fs::rename(&self.path, aside(&self.path, end.number))?;
            end.file = open_alone(&self.path)?;
            end.bytes = 0;
        }
        // At once: a line is there whole, or its beginning is the end of the file.
        end.file.write_all(text.as_bytes())?;
        end.bytes += text.len() as u64;
        (end.number, end.hash) = (end.number + 1, hash);
        end.head.set(end.number, &end.hash)
    }

    /// Why the last line could not be written.
    pub(super) fn problem(&self) -> Option<String> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }
}

/// Opens a file that nobody else writes: lines of two servers would be no chain.
fn open_alone(path: &Path) -> io::Result<File> {
    let file = private::append(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another server writes it")),
        // Some file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The last whole line; what a crash has left of one is no line.
fn last_line(mut file: &File) -> io::Result<Option<Mark>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_LINE)))?;
    let mut last = None;
    let mut reader = BufReader::new(file);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            let text: Option<String> = last;
            let mark = text.map(|text| serde_json::from_str(&text)).transpose();
            return mark.map_err(|_| io::Error::other("its last line is no line of an audit"));
        }
        if line.ends_with('\n') {
            last = Some(line);
        } else {
            // The next line begins on one of its own.
            (&mut &*file).write_all(b"\n")?;
        }
    }
}
