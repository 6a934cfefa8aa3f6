//! Verifies that the lines of an audit are those that were written.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::head::{self, AuditMark};
use super::{FIRST, aside};

/// What is wrong with a chain of lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    pub file: PathBuf,
    /// Line of the file, from 1; one more than the file has if lines are missing at its end.
    pub line: usize,
    pub problem: String,
}

/// A notice in the audit that lines were lost before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LossNotice {
    pub file: PathBuf,
    /// Number in the whole chain, as written in the line.
    pub number: u64,
    /// RFC 3339, UTC.
    pub time: String,
    pub notice: String,
}

/// A chain without gaps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedAudit {
    /// In the order of the chain.
    pub files: Vec<PathBuf>,
    pub lines: u64,
    /// Number of the first line: earlier lines are in files that are not here.
    pub first: u64,
    /// The last line; `None` where there is none.
    pub last: Option<AuditMark>,
    /// Whether the last line is the one that was written last, according to the head beside the file. Unknown
    /// without a head.
    pub end_is_known: bool,
    /// In order.
    pub notices: Vec<LossNotice>,
}

/// Reads the lines of an audit, including files that were moved aside, and checks each against the previous
/// one. Returns the number of lines, or the first line that is not as it was written.
///
/// # Errors
/// A file can't be read.
pub fn verify(path: &Path) -> io::Result<Result<VerifiedAudit, Broken>> {
    // Before the lines: a running server may add some meanwhile.
    let head = head::read(path)?;
    let files = files(path)?;
    let mut chain = Chain { lines: 0, first: None, last: None, passed: head.is_none(), head };
    let mut at = 0;
    let mut notices = Vec::new();
    for file in &files {
        let lines = BufReader::new(crate::rooted_fs::open_file(file)?).lines();
        at = 0;
        for line in lines {
            at += 1;
            let line = match chain.add(&line?) {
                Ok(line) => line,
                Err(problem) => {
                    let problem = problem.to_owned();
                    return Ok(Err(Broken { file: file.clone(), line: at, problem }));
                }
            };
            if let Some(notice) = line["notice"].as_str() {
                notices.push(LossNotice {
                    file: file.clone(),
                    number: line["number"].as_u64().unwrap_or_default(),
                    time: line["time"].as_str().unwrap_or_default().to_owned(),
                    notice: notice.to_owned(),
                });
            }
        }
    }
    let Chain { lines, first, last, passed, head } = chain;
    if let Some(head) = head.as_ref().filter(|_| !passed) {
        let until = last.as_ref().map_or(0, |last| last.number);
        let problem = format!(
            "the end is missing: {} says that line {} was written, and the last one here is {until}",
            head::path_of(path).display(),
            head.number
        );
        return Ok(Err(Broken { file: path.to_owned(), line: at + 1, problem }));
    }
    let (first, end_is_known) = (first.unwrap_or(1), head.is_some());
    Ok(Ok(VerifiedAudit { files, lines, first, last, end_is_known, notices }))
}

/// The files of an audit, the oldest first.
///
/// # Errors
/// Its directory can't be read.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = moved_aside(path)?;
    files.push(path.to_owned());
    Ok(files)
}

/// Files that the audit was moved to when it had become too large, in order.
fn moved_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory.unwrap_or(Path::new(".")))? {
        let name = entry?.file_name();
        let number = Path::new(&name).file_stem().and_then(|stem| Path::new(stem).extension());
        let number = number.and_then(|number| number.to_str()?.parse::<u64>().ok());
        let Some(number) = number else { continue };
        let file = aside(path, number);
        if file.file_name() == Some(&name) && file != path {
            found.push((number, file));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

struct Chain {
    lines: u64,
    first: Option<u64>,
    last: Option<AuditMark>,
    head: Option<AuditMark>,
    /// Whether the line that the head names was seen.
    passed: bool,
}

impl Chain {
    /// Checks a line and returns its content. The error says what is wrong with it.
    fn add(&mut self, line: &str) -> Result<Value, &'static str> {
        // A line that a crash cut off was never acknowledged, and does not count.
        const NONE: &str = "it is not a line of an audit";
        let mark: AuditMark = serde_json::from_str(line).map_err(|_| NONE)?;
        let suffix = format!(",\"hash\":\"{}\"}}", mark.hash);
        let body = line.strip_suffix(&suffix).ok_or("its hash is not at its end")?;
        if crate::types::ContentHash::of(format!("{body}}}").as_bytes()).0 != mark.hash {
            return Err("it was changed");
        }
        let value: Value = serde_json::from_str(line).map_err(|_| NONE)?;
        match &self.last {
            Some(last)
                if value["previous"] != last.hash.as_str() || mark.number != last.number + 1 =>
            {
                return Err("a line before it is missing or was changed");
            }
            None if mark.number == 1 && value["previous"] != FIRST => {
                return Err("it is numbered as the first, but follows another line");
            }
            _ => {}
        }
        if let Some(head) = self.head.as_ref().filter(|head| head.number == mark.number) {
            if head.hash != mark.hash {
                return Err("it is not the line that the head names: the file was rewritten");
            }
            self.passed = true;
        }
        self.lines += 1;
        self.first.get_or_insert(mark.number);
        self.last = Some(mark);
        Ok(value)
    }
}
