//! The number and the hash of the last line of an audit, kept in a file beside it, so that lines missing at
//! the end are noticed.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::private_files;

/// The number and hash of a line of an audit.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct AuditMark {
    /// From 1.
    pub number: u64,
    pub hash: String,
}

pub(super) struct AuditHead {
    path: PathBuf,
    file: File,
}

/// `audit.jsonl.head` of `audit.jsonl`.
pub(crate) fn path_of(audit: &Path) -> PathBuf {
    let mut name = audit.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

/// The mark that is stored beside an audit; `None` where there is none.
///
/// # Errors
/// It can't be read, or is not a mark.
pub(super) fn read(audit: &Path) -> io::Result<Option<AuditMark>> {
    match crate::rooted_fs::open_file(&path_of(audit)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => read_from(&opened?),
    }
}

fn read_from(file: &File) -> io::Result<Option<AuditMark>> {
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text)?;
    match text.trim() {
        // The file was created, and nothing was written since.
        "" => Ok(None),
        text => Ok(Some(serde_json::from_str(text)?)),
    }
}

impl AuditHead {
    /// Opens or creates the file beside an audit, and returns its content.
    ///
    /// # Errors
    /// It can't be written, or is not a mark.
    pub(super) fn open(audit: &Path) -> io::Result<(Self, Option<AuditMark>)> {
        let path = path_of(audit);
        let file = private_files::rewritten(&path)?;
        let mark = read_from(&file)?;
        Ok((Self { path, file }, mark))
    }

    /// Writes in one call, and always the same length: a concurrent reader, or one after a crash, finds
    /// either the old or the new mark.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) fn set(&mut self, number: u64, hash: &str) -> io::Result<()> {
        if !private_files::is_at(&self.file, &self.path)? {
            self.file = private_files::rewritten(&self.path)?;
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(format!("{{\"number\":{number:20},\"hash\":\"{hash}\"}}\n").as_bytes())
    }
}
