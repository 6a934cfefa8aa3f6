//! The records of a version in a file beside its shard, so that a run with nothing to do never loads the
//! shard: loading takes many times as long.
//!
//! The shard is authoritative. A listing repeats what the shard holds, and is trusted only where that is
//! certain:
//!
//! - It is written from a shard that was just flushed, and durably removed before the next change
//!   ([`super::open_shard::OpenShard::put`], `delete`). So a crash leaves a shard with its listing, or one without.
//! - It names the state that it was written from: the segments and their versions, which the engine writes
//!   with every flush. A shard that was changed by a program that knows nothing of listings, or that was put
//!   in place of another, is in another state.
//! - It ends with a checksum, so half a file is not accepted. Therefore it need not be synced.
//!
//! A listing that is damaged or can't be written is treated as absent.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{layout, space_checks};
use crate::store::payload::{self, DOCUMENT, FAILURE, Payload};
use crate::types::ContentHash;

/// Version of the file format.
const FORMAT: u32 = 1;

/// The kinds of records that are listed.
pub(super) const KINDS: [&str; 2] = [DOCUMENT, FAILURE];

/// The payloads of all records of a kind, ordered by source, one to a line.
pub(super) struct Listing {
    kind: &'static str,
    lines: String,
}

/// The last line of the file.
#[derive(PartialEq, Serialize, Deserialize)]
struct Seal {
    format: u32,
    kind: String,
    /// State of the shard.
    shard: ContentHash,
    /// CRC-32 of the lines.
    checksum: u32,
}

impl Listing {
    /// `lines`: payloads in any order, as made by [`RecordLine::of`].
    pub(super) fn new(kind: &'static str, mut lines: Vec<RecordLine>) -> Self {
        lines.sort_unstable_by(|a, b| a.source.cmp(&b.source));
        let mut text = String::with_capacity(lines.iter().map(|line| line.json.len() + 1).sum());
        for line in lines {
            text += &line.json;
            text.push('\n');
        }
        Self { kind, lines: text }
    }

    pub(super) fn records<T: DeserializeOwned>(&self) -> Result<Vec<T>, String> {
        // Growing step by step, the list of a large collection would be copied again and again.
        let mut records =
            Vec::with_capacity(self.lines.bytes().filter(|byte| *byte == b'\n').count());
        for line in self.lines.lines() {
            records.push(payload::parse(line, self.kind)?);
        }
        Ok(records)
    }

    /// The listing of a version; `None` where there is none that can be trusted.
    pub(super) fn read(version: &Path, kind: &'static str) -> Option<Self> {
        let mut text = fs::read_to_string(path(version, kind)).ok()?;
        let end = text.rfind('\n').map_or(0, |newline| newline + 1);
        let (lines, seal) = text.split_at(end);
        if serde_json::from_str::<Seal>(seal).ok()? != Seal::of(version, kind, lines).ok()? {
            return None;
        }
        text.truncate(end);
        Some(Self { kind, lines: text })
    }

    /// Writes the listing beside its shard, which was flushed and has not changed since. A failure to write
    /// does no harm.
    pub(super) fn keep(&self, version: &Path) {
        let path = path(version, self.kind);
        let temporary = path.with_extension("new");
        // The last free space is left to the engine, which does not survive a full disk.
        let kept = space_checks::to_write(version).is_ok()
            && self.write(version, &temporary).and_then(|()| fs::rename(&temporary, &path)).is_ok();
        if !kept {
            let _ = fs::remove_file(&temporary);
        }
    }

    fn write(&self, version: &Path, path: &Path) -> io::Result<()> {
        let seal = serde_json::to_string(&Seal::of(version, self.kind, &self.lines)?)?;
        let mut file = File::create(path)?;
        file.write_all(self.lines.as_bytes())?;
        file.write_all(seal.as_bytes())
    }
}

/// Durably removes the listings of a version, so that its shard may be changed.
pub(super) fn remove(version: &Path) -> Result<(), String> {
    for path in KINDS.map(|kind| path(version, kind)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(format!("can't remove {}: {error}", path.display()));
            }
            _ => {}
        }
    }
    layout::sync_directory(version);
    Ok(())
}

/// One record of a listing.
pub(super) struct RecordLine {
    source: String,
    json: String,
}

impl RecordLine {
    pub(super) fn of(payload: &Payload) -> Self {
        let source = payload.get("source").and_then(Value::as_str).unwrap_or_default().to_owned();
        // A map of JSON values always serializes; an empty line would not be a record.
        Self { source, json: serde_json::to_string(payload).unwrap_or_default() }
    }
}

impl Seal {
    fn of(version: &Path, kind: &str, lines: &str) -> io::Result<Self> {
        let shard = state(&layout::shard(version))?;
        let checksum = crc32fast::hash(lines.as_bytes());
        Ok(Self { format: FORMAT, kind: kind.to_owned(), shard, checksum })
    }
}

/// Identifies the state of a shard: the names of its segments, and what the engine writes for each of them on
/// a flush.
fn state(shard: &Path) -> io::Result<ContentHash> {
    let segments = fs::read_dir(shard.join("segments"))?;
    let mut segments = segments.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    segments.sort_unstable();
    let mut state = Vec::new();
    for segment in segments {
        state.extend_from_slice(segment.file_name().unwrap_or_default().as_encoded_bytes());
        state.extend(fs::read(segment.join("segment.json"))?);
    }
    Ok(ContentHash::of(&state))
}

fn path(version: &Path, kind: &str) -> PathBuf {
    version.join(format!("{kind}s.jsonl"))
}
