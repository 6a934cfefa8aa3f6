//! Checksums of the files of a shard, to detect damage: length and checksum of each file, written when a run
//! is complete and removed before the next change. Older collections have none.
//!
//! Loading a shard checks the length of every file, since the engine maps them: reading beyond the end of one
//! ends the process. Contents are compared from the smallest file up to [`AT_OPENING`] in total; `docent
//! index verify` and a rebuild compare all. Space that the engine allots and does not write takes no place on
//! disk, and does not count ([`sparse_files`]).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{layout, sparse_files};

/// Bytes on disk whose checksums are compared whenever a shard is loaded: takes some milliseconds.
const AT_OPENING: u64 = 24 << 20;

/// Length and CRC-32 of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Sum(u64, u32);

#[derive(Serialize, Deserialize)]
struct Sums {
    /// By path relative to the shard.
    files: BTreeMap<String, Sum>,
    /// CRC-32 of `files` as JSON.
    checksum: u32,
}

/// How much is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChecksumDepth {
    Opening,
    Everything,
}

fn path(version: &Path) -> PathBuf {
    version.join("sums.json")
}

/// Writes the checksums of a flushed shard. Without them nothing is compared.
pub(super) fn write(version: &Path) {
    let written = sums(version).and_then(|sums| {
        fs::write(path(version), serde_json::to_vec(&sums)?)?;
        layout::make_private(&path(version));
        Ok(())
    });
    if written.is_err() {
        let _ = fs::remove_file(path(version));
    }
}

fn sums(version: &Path) -> io::Result<Sums> {
    let shard = layout::shard(version);
    let mut files = BTreeMap::new();
    for file in files_below(version)? {
        layout::make_private(&file);
    }
    for file in files_below(&shard.join("segments"))? {
        let name = file.strip_prefix(&shard).map_err(io::Error::other)?;
        files.insert(name.to_string_lossy().into_owned(), sum_of(&file)?);
    }
    let checksum = crc32fast::hash(&serde_json::to_vec(&files)?);
    Ok(Sums { files, checksum })
}

/// Removes the checksums, before a change.
pub(super) fn remove(version: &Path) -> Result<(), String> {
    match fs::remove_file(path(version)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("can't remove {}: {error}", path(version).display()))
        }
        _ => Ok(()),
    }
}

/// Returns an error that names the file if one is not what was stored.
pub(super) fn check(version: &Path, depth: ChecksumDepth) -> Result<(), String> {
    let Some(sums) = read(version)? else { return Ok(()) };
    let shard = layout::shard(version);
    let mut files: Vec<(PathBuf, Sum)> =
        sums.files.into_iter().map(|(name, sum)| (shard.join(name), sum)).collect();
    for (file, Sum(length, _)) in &files {
        let found = fs::metadata(file).map_err(|error| damaged(file, &error.to_string()))?.len();
        if found < *length || found > *length && !is_written_when_read(file) {
            return Err(damaged(file, &format!("it has {found} bytes instead of {length}")));
        }
    }
    files.sort_by_cached_key(|(file, Sum(length, _))| sparse_files::written(file).min(*length));
    let mut left = if depth == ChecksumDepth::Everything { u64::MAX } else { AT_OPENING };
    for (file, expected) in files.into_iter().filter(|(file, _)| !is_written_when_read(file)) {
        left = match left.checked_sub(sparse_files::written(&file).min(expected.0)) {
            Some(left) => left,
            None => break,
        };
        if sum_of(&file).map_err(|error| damaged(&file, &error.to_string()))? != expected {
            return Err(damaged(&file, "its checksum does not match"));
        }
    }
    Ok(())
}

/// The file with the versions of a segment's points: the engine may rewrite it on a later flush, or when it
/// unloads a shard in which nothing was changed.
fn is_written_when_read(file: &Path) -> bool {
    file.ends_with("mutable_id_tracker.versions") || file.ends_with("id_tracker.versions")
}

fn damaged(file: &Path, why: &str) -> String {
    format!("{} is not what was stored: {why}; rebuild it: docent ingest --rebuild", file.display())
}

fn read(version: &Path) -> Result<Option<Sums>, String> {
    let path = path(version);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can't read {}: {error}", path.display())),
    };
    let sums = serde_json::from_slice::<Sums>(&text).ok().filter(|sums| {
        serde_json::to_vec(&sums.files).is_ok_and(|files| crc32fast::hash(&files) == sums.checksum)
    });
    sums.map(Some).ok_or_else(|| damaged(&path, "its own checksum does not match"))
}

fn sum_of(file: &Path) -> io::Result<Sum> {
    sparse_files::checksum(file).map(|(length, checksum)| Sum(length, checksum))
}

fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}
