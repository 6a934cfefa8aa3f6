//! Documents that a run has stored only in part: new ones that are too large for one batch. Others see
//! nothing of them until their records are written, neither in this process nor in another one that has its
//! turn in between.
//!
//! After a kill this file is ignored: a document without a record is not shown anyway ([`super::cutoff`]).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn path(version: &Path) -> PathBuf {
    version.join("under-way.json")
}

/// Writes the sources of these documents. Need not be durable: another process can only get the shard after
/// the file was written, or after a kill, when it ignores the file.
pub(super) fn write(version: &Path, sources: &BTreeSet<String>) -> io::Result<()> {
    let (path, new) = (path(version), path(version).with_extension("new"));
    if sources.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    fs::write(&new, serde_json::to_vec(sources)?)?;
    fs::rename(new, path)
}

/// Empty where nothing is written, or nothing readable.
pub(super) fn read(version: &Path) -> BTreeSet<String> {
    let bytes = fs::read(path(version)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
