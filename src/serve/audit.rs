//! Who asked what, and what was decided: one line of JSON for each request that needed a right, in a file
//! that is only added to.
//!
//! Each line has the hash of the line before, so that a line that was changed, or is gone from the
//! middle, shows. Questions are in it only where that is asked for; answers and keys never.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use schemars::schema::RootSchema;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
struct Line<'a> {
    /// From 1, without a gap.
    number: u64,
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
    /// Hash of the line before; zeros in the first of all.
    previous: &'a str,
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

/// The JSON Schema (draft 7) of a line.
pub fn schema() -> RootSchema {
    let mut root = schema_for!(Line<'_>);
    let metadata = root.schema.metadata();
    metadata.title = Some("docent serve --audit".to_owned());
    metadata.description = Some("A line of the file".to_owned());
    let hash = "SHA-256 of the line without this member";
    let hash = serde_json::from_value(json!({ "description": hash, "type": "string" }));
    let object = root.schema.object();
    object.properties.extend(hash.ok().map(|hash| ("hash".to_owned(), hash)));
    object.required.insert("hash".to_owned());
    root
}

/// What of the last line a new one needs.
#[derive(Deserialize)]
struct Last {
    number: u64,
    hash: String,
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
    /// Why the last line was not written.
    problem: Option<String>,
}

/// A file that is larger is moved aside, and the next one goes on where it ends.
const LARGEST: u64 = 64 << 20;

impl Audit {
    /// Goes on where the file ends.
    ///
    /// # Errors
    /// It can't be written, or its last line is no line of it.
    pub(super) fn open(path: &Path, content: bool) -> Result<Self, Failure> {
        let unusable = |problem: String| {
            Failure::config(format!("--audit {}: {problem}", path.display()))
                .hint("name a file that can be written, and that docent has written if it is there")
        };
        let file = private::append(path).map_err(|error| unusable(error.to_string()))?;
        let (number, hash) = match last_line(&file).map_err(|error| unusable(error.to_string()))? {
            None => (0, FIRST.to_owned()),
            Some(line) => {
                let last: Last = serde_json::from_str(&line)
                    .map_err(|_| unusable("its last line is no line of an audit".to_owned()))?;
                (last.number, last.hash)
            }
        };
        let bytes = file.metadata().map_err(|error| unusable(error.to_string()))?.len();
        let end = Mutex::new(End { file, bytes, number, hash, problem: None });
        Ok(Self { path: path.to_owned(), content, end })
    }

    /// Adds a line for a request that has ended. What can't be written is tried again with the next, and
    /// meanwhile [said](Self::problem).
    pub(super) fn add(&self, entry: &LogEntry) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let added = self.try_to_add(&mut end, entry);
        end.problem = added.err().map(|error| format!("{}: {error}", self.path.display()));
    }

    fn try_to_add(&self, end: &mut End, entry: &LogEntry) -> io::Result<()> {
        let decision = match entry.status {
            // 101: a connection was given to a conversation.
            101 | 200..=399 => Decision::Answered,
            401 | 403 | 404 | 429 => Decision::Denied,
            _ => Decision::Failed,
        };
        let line = Line {
            number: end.number + 1,
            entry,
            decision,
            documents: &entry.notes.documents,
            question: entry.notes.question.as_deref().filter(|_| self.content),
            previous: &end.hash,
        };
        let text = serde_json::to_string(&line)?;
        let hash = ContentHash::of(text.as_bytes()).0;
        let body = text.strip_suffix('}').unwrap_or(&text);
        let text = format!("{body},\"hash\":\"{hash}\"}}\n");
        if end.bytes > 0 && end.bytes + text.len() as u64 > LARGEST {
            let aside = self.path.with_extension(format!("{}.jsonl", end.number));
            std::fs::rename(&self.path, aside)?;
            end.file = private::append(&self.path)?;
            end.bytes = 0;
        }
        // At once: a line is there whole, or its beginning is the end of the file.
        end.file.write_all(text.as_bytes())?;
        end.bytes += text.len() as u64;
        (end.number, end.hash) = (end.number + 1, hash);
        Ok(())
    }

    /// Why the last line could not be written.
    pub(super) fn problem(&self) -> Option<String> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }
}

/// The last whole line; what a crash has left of one is no line.
fn last_line(mut file: &File) -> io::Result<Option<String>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_LINE)))?;
    let mut last = None;
    let mut reader = BufReader::new(file);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(last);
        }
        if line.ends_with('\n') {
            last = Some(line);
        } else {
            // The next line begins on one of its own.
            (&mut &*file).write_all(b"\n")?;
        }
    }
}

/// What is wrong with a chain of lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// From 1.
    pub line: usize,
    pub problem: String,
}

/// Reads the lines of an audit and checks each against the one before: how many there are, and which is
/// the first that is not as it was written. A file that goes on with another begins anywhere.
///
/// # Errors
/// The file can't be read.
pub fn verify(path: &Path) -> io::Result<Result<u64, Broken>> {
    let file = BufReader::new(crate::beneath::open_file(path)?);
    let (mut count, mut before) = (0, None::<Last>);
    for (at, line) in (1..).zip(file.lines()) {
        let line = line?;
        let broken = |problem: &str| Broken { line: at, problem: problem.to_owned() };
        let Some(last) = serde_json::from_str::<Last>(&line).ok() else {
            // What a crash has left of a line was never acknowledged.
            return Ok(Err(broken("it is no line of an audit")));
        };
        let suffix = format!(",\"hash\":\"{}\"}}", last.hash);
        let Some(body) = line.strip_suffix(&suffix) else {
            return Ok(Err(broken("its hash does not stand at its end")));
        };
        if ContentHash::of(format!("{body}}}").as_bytes()).0 != last.hash {
            return Ok(Err(broken("it was changed")));
        }
        let value: Value = serde_json::from_str(&line)?;
        if let Some(before) = &before {
            if value["previous"] != before.hash.as_str() || last.number != before.number + 1 {
                return Ok(Err(broken("a line before it is missing or was changed")));
            }
        } else if last.number == 1 && value["previous"] != FIRST {
            return Ok(Err(broken("it is called the first, and follows another")));
        }
        (count, before) = (count + 1, Some(last));
    }
    Ok(Ok(count))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::log::Notes;
    use super::*;

    fn entry(question: &str) -> LogEntry {
        let notes = Notes { question: Some(question.to_owned()), ..Notes::default() };
        LogEntry { status: 200, notes, ..LogEntry::default() }
    }

    #[test]
    fn lines_are_a_chain_and_what_was_changed_shows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        Audit::open(&path, false).unwrap().add(&entry("one"));
        let audit = Audit::open(&path, true).unwrap();
        audit.add(&entry("two"));
        audit.add(&entry("three"));
        assert_eq!(audit.problem(), None);
        assert_eq!(verify(&path).unwrap(), Ok(3));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("one") && text.contains("\"question\":\"two\""), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        for (changed, line) in [
            (text.replace("two", "ten"), 2),
            (format!("{}\n{}\n", lines[0], lines[2]), 2),
            (format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]), 2),
            (format!("{}\nnothing\n", lines[0]), 2),
        ] {
            std::fs::write(&path, changed).unwrap();
            assert_eq!(verify(&path).unwrap().unwrap_err().line, line);
        }
        std::fs::write(&path, "nothing\n").unwrap();
        assert!(Audit::open(&path, false).is_err());
    }

    #[test]
    fn what_a_crash_left_of_a_line_is_no_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        Audit::open(&path, false).unwrap().add(&entry("one"));
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += &text.clone()[..20];
        std::fs::write(&path, &text).unwrap();
        let audit = Audit::open(&path, false).unwrap();
        audit.add(&entry("two"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(verify(&path).unwrap().unwrap_err().line, 2, "it is seen, and not hidden");
    }
}
