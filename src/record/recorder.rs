//! Writes a recording.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::RecordingError;
use super::format::{self, RecordingEntry, RecordingHeader};
use crate::error::{BackendError, ExternalService, Fault};
use crate::private_files;

/// Shorter strings are not keys, and would be cut out of ordinary words.
const MIN_SECRET: usize = 8;

/// A file that exchanges are added to. It is locked while this value lives.
pub(super) struct Recorder {
    file: Mutex<File>,
    path: String,
    /// As they would appear in a JSON string.
    secrets: Vec<String>,
    torn: bool,
}

impl Recorder {
    pub(super) fn open(path: &Path, secrets: Vec<String>) -> Result<Self, RecordingError> {
        let io = |source| RecordingError::Io { path: path.to_owned(), source };
        let mut file = private_files::append(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RecordingError::Busy { path: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        begin(&mut file, path)?;
        Ok(Self {
            path: path.display().to_string(),
            secrets: secrets.iter().filter_map(|secret| escaped(secret)).collect(),
            torn: cut_torn_line(&mut file).map_err(io)?,
            file: Mutex::new(file),
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the file ended in half a line, which was removed.
    pub(super) fn was_torn(&self) -> bool {
        self.torn
    }

    /// Adds a line in one write: a run that is killed leaves complete lines, except perhaps the last.
    pub(super) fn append(&self, entry: &RecordingEntry) -> Result<(), BackendError> {
        let failed = |why: String| {
            let message = format!("cannot be written: {why}");
            BackendError::new(ExternalService::Recording, Fault::Permanent, &self.path, &message)
        };
        let line = serde_json::to_string(entry).map_err(|error| failed(error.to_string()))?;
        let clean = self.secrets.iter().fold(line, |line, secret| line.replace(secret, "***"));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{clean}\n").as_bytes()).map_err(|error| failed(error.to_string()))
    }
}

/// Writes the header of a new file, or checks that of an existing one, so that no other file is ever changed.
fn begin(file: &mut File, path: &Path) -> Result<(), RecordingError> {
    let io = |source| RecordingError::Io { path: path.to_owned(), source };
    let mut first = Vec::new();
    BufReader::new(&*file).read_until(b'\n', &mut first).map_err(io)?;
    if !first.is_empty() {
        return check_header(&String::from_utf8_lossy(&first), path);
    }
    let header = RecordingHeader {
        docent_recording: format::VERSION,
        docent: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let line = serde_json::to_string(&header).unwrap_or_default();
    file.write_all(format!("{line}\n").as_bytes()).map_err(io)
}

/// The first line of a recording.
pub(super) fn check_header(line: &str, path: &Path) -> Result<(), RecordingError> {
    let header: RecordingHeader =
        serde_json::from_str(line).map_err(|_| RecordingError::NotOne { path: path.to_owned() })?;
    if header.docent_recording != format::VERSION {
        let version = header.docent_recording;
        return Err(RecordingError::Version { path: path.to_owned(), version });
    }
    Ok(())
}

/// Cuts off everything after the last line break. Returns whether there was anything.
fn cut_torn_line(file: &mut File) -> io::Result<bool> {
    const BLOCK: u64 = 64 * 1024;
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    // A file without any line is not cut: its header will be refused.
    let torn = end < length && end > 0;
    if torn {
        file.set_len(end)?;
    }
    Ok(torn)
}

fn escaped(secret: &str) -> Option<String> {
    let secret = secret.trim();
    let quoted = serde_json::to_string(secret).ok()?;
    let inside = quoted.trim_matches('"').to_owned();
    (secret.len() >= MIN_SECRET).then_some(inside)
}
