//! Documents that a run has stored in part: new ones that are too large for one batch. Others see
//! nothing of them until their records are written, in this process or in one that has its turn in
//! between.
//!
//! After a kill nobody looks here: a document without a record is not there then ([`super::cutoff`]).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn path(version: &Path) -> PathBuf {
    version.join("under-way.json")
}

/// The sources of these documents. Another process has the file before it has the shard: what it
/// is told with a kill need not be durable.
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

/// None where nothing is written, or nothing that can be read.
pub(super) fn read(version: &Path) -> BTreeSet<String> {
    let bytes = fs::read(path(version)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
