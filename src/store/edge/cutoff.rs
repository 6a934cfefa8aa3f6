//! What readers see of a collection whose writer was killed, until the next run repairs it: the old or the
//! new state of each document.
//!
//! A kill leaves the last flush, and parts of the next one. Nothing is removed before its replacement is
//! durable, so every chunk of the old or of the new state is there, for some documents those of both. The
//! [`intents`](path), written before any of it, say which state the record commits. A document without a
//! record is not shown, whatever is stored of it.
//!
//! Finding this out costs two fields of every chunk, and is done only where a run is unfinished and no other
//! run continues it, or what it left: [`mark`].

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{in_progress, layout};
use crate::store::Intent;
use crate::store::intent::{ChunkVisibility, IntentEntry, Intents};
use crate::store::payload::{self, Payload};
use crate::types::{Chunk, DocumentRecord};

/// What a reader sees.
#[derive(Default)]
pub(super) struct ReaderView {
    /// Chunks that are not shown.
    pub(super) hidden: HashSet<Uuid>,
    /// Chunks that are shown as they were.
    pub(super) former: HashMap<Uuid, Chunk>,
    /// How many chunks are shown.
    pub(super) chunks: usize,
    /// Documents that have another name by now.
    pub(super) gone: HashSet<String>,
}

/// A chunk, and the version of the document that it claims to belong to.
pub(super) struct VersionedChunk {
    pub(super) id: Uuid,
    pub(super) document_hash: String,
}

impl ReaderView {
    /// From the records, and all chunks by source.
    pub(super) fn of(
        records: &[DocumentRecord],
        found: HashMap<String, Vec<VersionedChunk>>,
        intents: &Intents,
    ) -> Self {
        let mut records: HashMap<&str, &DocumentRecord> =
            records.iter().map(|record| (record.source.as_str(), record)).collect();
        // A new document whose record is there without all its chunks is not shown.
        let is_whole = |record: &DocumentRecord| {
            let chunks = found.get(&record.source).map_or(&[][..], Vec::as_slice);
            intents.state(&record.source, record.run_id).is_some()
                || chunks.iter().filter(|chunk| !is_of_another(record, chunk)).count()
                    >= record.chunks as usize
        };
        let half: HashSet<String> = records
            .values()
            .filter(|record| !record.document_hash.0.is_empty() && !is_whole(record))
            .map(|record| record.source.clone())
            .collect();
        records.retain(|source, _| !half.contains(*source));
        let mut gone = intents.gone(|source| records.get(source).map(|record| record.run_id));
        records.retain(|source, _| !gone.contains(*source));
        gone.extend(half);
        let mut seen = Self { gone, ..Self::default() };
        for (source, chunks) in found {
            seen.look(records.get(source.as_str()).copied(), &chunks, intents);
        }
        seen
    }

    fn look(
        &mut self,
        record: Option<&DocumentRecord>,
        chunks: &[VersionedChunk],
        intents: &Intents,
    ) {
        let Some(record) = record else {
            self.hidden.extend(chunks.iter().map(|chunk| chunk.id));
            return;
        };
        let there: HashSet<Uuid> = chunks.iter().map(|chunk| chunk.id).collect();
        let state = intents.state(&record.source, record.run_id);
        let state = state.map(|state| state.whole(&there, record.chunks as usize));
        for chunk in chunks {
            let shown = match &state {
                Some(state) => state.shown(&chunk.id),
                // Nothing replaces the document: a chunk of another version was left by an earlier run.
                None if is_of_another(record, chunk) => ChunkVisibility::NotAtAll,
                None => ChunkVisibility::AsItIs,
            };
            match shown {
                ChunkVisibility::NotAtAll => drop(self.hidden.insert(chunk.id)),
                ChunkVisibility::AsItIs => self.chunks += 1,
                ChunkVisibility::AsItWas(was) => {
                    self.former.insert(chunk.id, was.clone());
                    self.chunks += 1;
                }
            }
        }
    }
}

/// All chunks are, for a record without a hash: such a record says that its document is incomplete.
fn is_of_another(record: &DocumentRecord, chunk: &VersionedChunk) -> bool {
    let hash = &record.document_hash.0;
    !hash.is_empty() && *hash != chunk.document_hash
}

/// The file of intents of unfinished runs, one per line, each after the chunks that it would have replaced;
/// every line begins with its checksum.
fn path(version: &Path) -> PathBuf {
    version.join("intents.jsonl")
}

fn mark_path(version: &Path) -> PathBuf {
    version.join("cut-off")
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The payload of a chunk.
    Kept(Payload),
    Intent(Intent),
}

/// Stores intents, each with the existing chunks that it replaces. Durable on return.
pub(super) fn keep(version: &Path, intents: Vec<(Intent, Vec<Chunk>)>) -> io::Result<()> {
    let mut lines = Vec::new();
    for (intent, chunks) in intents {
        let kept = chunks.into_iter().map(|chunk| Line::Kept(payload::of_chunk(chunk)));
        for line in kept.chain([Line::Intent(intent)]) {
            let json = serde_json::to_string(&line)?;
            writeln!(lines, "{:08x} {json}", crc32fast::hash(json.as_bytes()))?;
        }
    }
    let path = path(version);
    let new = !path.exists();
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    end_with_a_line(&mut file)?;
    file.write_all(&lines)?;
    file.sync_data()?;
    if new {
        layout::sync_directory(version);
    }
    Ok(())
}

/// Removes the half line that a kill left: lines after it would not be read.
fn end_with_a_line(file: &mut File) -> io::Result<()> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if last == [b'\n'] {
        return Ok(());
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    file.set_len(whole as u64)
}

/// The stored intents. The last line may be incomplete, and the last chunks may lack their intent: nothing of
/// it was begun then.
pub(super) fn intents(version: &Path) -> Result<Intents, String> {
    let path = path(version);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Intents::default()),
        Err(error) => return Err(format!("can't read {}: {error}", path.display())),
    };
    let mut entries = Vec::new();
    let mut kept = HashMap::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        match parse(line.trim_end()) {
            Some(Line::Intent(intent)) => {
                entries.push(IntentEntry::new(intent, std::mem::take(&mut kept)));
            }
            Some(Line::Kept(chunk)) => {
                let chunk = payload::to_chunk(chunk)?;
                kept.insert(chunk.id(), chunk);
            }
            None => {
                return Err(format!(
                    "{} was damaged; the next `docent ingest` ignores it",
                    path.display()
                ));
            }
        }
    }
    Ok(Intents::new(entries))
}

fn parse(line: &str) -> Option<Line> {
    let (checksum, json) = line.split_once(' ')?;
    let intact = checksum == format!("{:08x}", crc32fast::hash(json.as_bytes()));
    intact.then(|| serde_json::from_str(json).ok()).flatten()
}

/// Notes that a run was cut off, and that the current one has not repaired what it left.
pub(super) fn mark(version: &Path) -> io::Result<()> {
    File::create(mark_path(version))?;
    layout::sync_directory(version);
    Ok(())
}

pub(super) fn is_marked(version: &Path) -> bool {
    mark_path(version).exists()
}

/// Called after a complete run.
pub(super) fn forget(version: &Path) {
    // A file that remains is looked at only while a run is unfinished.
    for path in [path(version), mark_path(version), in_progress::path(version)] {
        let _ = fs::remove_file(path);
    }
}
