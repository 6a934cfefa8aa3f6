//! A collection → a file.

use std::io::Write;

use serde::Serialize;
use zstd::stream::write::Encoder;

use super::checks::Checks;
use super::hashing::Hashing;
use super::{
    ArchiveEntry, ArchiveError, ArchiveHeader, DOCUMENT, END, FAILURE, FORMAT, HEAD, LONGEST,
    MAGIC, POINT, SUM, SealedArchive, is_plausible,
};
use crate::store::payload;
use crate::types::{DocumentRecord, FailureRecord, Point};

/// Compression level of zstd: its default, which takes a tenth of the time that reading the chunks takes.
const LEVEL: i32 = 3;

/// Writes entries, with the same checks as on reading.
pub struct ArchiveWriter<W: Write> {
    packed: Encoder<'static, Hashing<W>>,
    checks: Checks,
    /// Bytes before packing.
    content: u64,
}

impl<W: Write> ArchiveWriter<W> {
    pub fn begin(out: W, head: ArchiveHeader) -> Result<Self, ArchiveError> {
        let mut out = Hashing::new(out);
        writeln!(out, "{MAGIC}{FORMAT}")?;
        let packed = Encoder::new(out, LEVEL)?;
        let checks = Checks::new(head).map_err(ArchiveError::Wrong)?;
        let mut writer = Self { packed, checks, content: 0 };
        let head = json(writer.checks.head())?;
        writer.put(HEAD, &head)?;
        Ok(writer)
    }

    /// Documents and failures come first, ordered by source, then chunks ordered by id. Which project a
    /// record belongs to is not written.
    pub fn entry(&mut self, entry: ArchiveEntry) -> Result<(), ArchiveError> {
        self.checks.entry(&entry).map_err(ArchiveError::Wrong)?;
        match entry {
            ArchiveEntry::Document(record) => {
                self.put(DOCUMENT, &json(&DocumentRecord { project: None, ..record })?)
            }
            ArchiveEntry::Failure(record) => {
                self.put(FAILURE, &json(&FailureRecord { project: None, ..record })?)
            }
            ArchiveEntry::Point(point) => self.put(POINT, &body(point)?),
        }
    }

    /// Writes the end; returns size and checksum of the file.
    pub fn finish(mut self) -> Result<(W, SealedArchive), ArchiveError> {
        self.checks.end().map_err(ArchiveError::Wrong)?;
        self.put(END, &[])?;
        let packed = self.packed.finish()?;
        let packed_bytes = packed.count();
        if !is_plausible(self.content, packed_bytes) {
            let why = "its content is so repetitive that an import would refuse it";
            return Err(ArchiveError::Wrong(why.to_owned()));
        }
        let (mut out, digest) = packed.end();
        let last = format!("{SUM}{digest}\n");
        out.write_all(last.as_bytes())?;
        out.flush()?;
        Ok((out, SealedArchive { bytes: packed_bytes + last.len() as u64, digest }))
    }

    fn put(&mut self, kind: u8, body: &[u8]) -> Result<(), ArchiveError> {
        if body.len() > LONGEST {
            let why = format!("an entry of {} bytes is too long", body.len());
            return Err(ArchiveError::Wrong(why));
        }
        self.packed.write_all(&[kind])?;
        self.packed.write_all(&(body.len() as u32).to_le_bytes())?;
        self.packed.write_all(body)?;
        self.content += 5 + body.len() as u64;
        Ok(())
    }
}

fn json(object: &impl Serialize) -> Result<Vec<u8>, ArchiveError> {
    serde_json::to_vec(object).map_err(|error| ArchiveError::Wrong(error.to_string()))
}

/// Each part with its length: the payload, the dense vector (length 0 where there is none), the sparse
/// vector.
fn body(Point { chunk, dense, sparse }: Point) -> Result<Vec<u8>, ArchiveError> {
    let payload = json(&payload::of_chunk(chunk))?;
    let dense = dense.unwrap_or_default();
    let vectors = 4 * dense.len() + 8 * sparse.indices.len();
    let mut body = Vec::with_capacity(12 + payload.len() + vectors);
    body.extend((payload.len() as u32).to_le_bytes());
    body.extend(payload);
    body.extend((dense.len() as u32).to_le_bytes());
    body.extend(dense.iter().flat_map(|value| value.to_le_bytes()));
    body.extend((sparse.indices.len() as u32).to_le_bytes());
    body.extend(sparse.indices.iter().flat_map(|term| term.to_le_bytes()));
    body.extend(sparse.values.iter().flat_map(|value| value.to_le_bytes()));
    Ok(body)
}
