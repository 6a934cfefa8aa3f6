//! What readers see of a collection whose writer was killed, until the next run mends it: of each
//! document its old state or its new one.
//!
//! A kill leaves the last flush, and parts of the next one. Nothing is taken out before what replaces
//! it is durable, so every chunk of the one state or of the other is there, of some documents those of
//! both: the record says which of them counts, and what else there is of the document is hidden. A
//! chunk of both states is one point, whose place in the document may be the new one already: what it
//! said before is in [`replaced`](path), written before the point is.
//!
//! Looking costs two fields of every chunk, and is done only where a run is unfinished and nobody goes
//! on with it, or with what it left: [`mark`].

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::layout;
use crate::store::payload::{self, Payload};
use crate::types::{Chunk, DocumentRecord};

/// What a reader sees.
#[derive(Default)]
pub(super) struct Seen {
    /// Chunks that it does not.
    pub(super) hidden: HashSet<Uuid>,
    /// Chunks that it sees as they were.
    pub(super) former: HashMap<Uuid, Chunk>,
    /// How many it sees.
    pub(super) chunks: usize,
}

/// A chunk, and the version of the document that it says it is of.
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) document_hash: String,
}

impl Seen {
    /// Of the records, all chunks by source, and what was replaced.
    pub(super) fn of(
        records: &[DocumentRecord],
        found: HashMap<String, Vec<Found>>,
        replaced: &HashMap<Uuid, Vec<Chunk>>,
    ) -> Self {
        let records: HashMap<&str, &DocumentRecord> =
            records.iter().map(|record| (record.source.as_str(), record)).collect();
        let mut seen = Self::default();
        for (source, chunks) in found {
            seen.look(records.get(source.as_str()).copied(), &chunks, replaced);
        }
        seen
    }

    fn look(
        &mut self,
        record: Option<&DocumentRecord>,
        chunks: &[Found],
        replaced: &HashMap<Uuid, Vec<Chunk>>,
    ) {
        let Some(record) = record else {
            self.hidden.extend(chunks.iter().map(|chunk| chunk.id));
            return;
        };
        let is_of = |hash: &str, chunk: &&Found| chunk.document_hash == hash;
        let count = |hash: &str| chunks.iter().filter(|chunk| is_of(hash, chunk)).count();
        let own = count(&record.document_hash.0);
        let former: Vec<&Chunk> = chunks
            .iter()
            .filter(|chunk| !is_of(&record.document_hash.0, chunk))
            .filter_map(|chunk| {
                let was = replaced.get(&chunk.id)?.iter();
                was.rev().find(|was| was.document_hash == record.document_hash)
            })
            .collect();
        let wanted = record.chunks as usize;
        let mut hash = record.document_hash.0.as_str();
        let mut shown = HashSet::new();
        if own != wanted && own + former.len() == wanted {
            shown.extend(former.iter().map(|chunk| chunk.id()));
            self.former.extend(former.into_iter().map(|chunk| (chunk.id(), chunk.clone())));
        } else if own == 0 {
            // A record that says that its document is incomplete.
            let most = chunks.iter().max_by_key(|chunk| count(&chunk.document_hash));
            hash = most.map_or(hash, |chunk| &chunk.document_hash);
        }
        for chunk in chunks {
            if is_of(hash, &chunk) || shown.contains(&chunk.id) {
                self.chunks += 1;
            } else {
                self.hidden.insert(chunk.id);
            }
        }
    }
}

/// What was replaced, one payload to a line, each after the checksum of it.
fn path(version: &Path) -> PathBuf {
    version.join("replaced.jsonl")
}

fn mark_path(version: &Path) -> PathBuf {
    version.join("cut-off")
}

/// Keeps what chunks were before they are replaced.
pub(super) fn keep(version: &Path, chunks: Vec<Chunk>) -> io::Result<()> {
    let mut lines = Vec::new();
    for chunk in chunks {
        let json = serde_json::to_string(&payload::of_chunk(chunk))?;
        writeln!(lines, "{:08x} {json}", crc32fast::hash(json.as_bytes()))?;
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path(version))?;
    file.write_all(&lines)?;
    file.sync_data()
}

/// What was kept. The last line may be half of one: its point was not replaced then.
pub(super) fn kept(version: &Path) -> Result<HashMap<Uuid, Vec<Chunk>>, String> {
    let path = path(version);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(format!("can't read {}: {error}", path.display())),
    };
    let mut kept: HashMap<Uuid, Vec<Chunk>> = HashMap::new();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let chunk = parse(line.trim_end()).ok_or_else(|| {
            format!("{} was damaged; the next `docent ingest` does without it", path.display())
        })?;
        kept.entry(chunk.id()).or_default().push(chunk);
    }
    Ok(kept)
}

fn parse(line: &str) -> Option<Chunk> {
    let (checksum, json) = line.split_once(' ')?;
    if checksum != format!("{:08x}", crc32fast::hash(json.as_bytes())) {
        return None;
    }
    payload::to_chunk(serde_json::from_str::<Payload>(json).ok()?).ok()
}

/// Says that a run was cut off, and that the one that goes on now has not mended what it left.
pub(super) fn mark(version: &Path) -> io::Result<()> {
    File::create(mark_path(version))?;
    layout::sync_directory(version);
    Ok(())
}

pub(super) fn is_marked(version: &Path) -> bool {
    mark_path(version).exists()
}

/// After a run that is complete.
pub(super) fn forget(version: &Path) {
    // What stays is looked at only while a run is unfinished.
    for path in [path(version), mark_path(version)] {
        let _ = fs::remove_file(path);
    }
}
