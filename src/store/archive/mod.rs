//! A version of a collection in one file, for another machine or another store.
//!
//! ```text
//! docent-index 1                      the format, in plain text
//! (one zstd frame)                    what the collection is made of, one entry after another
//! sha256 5f1c…                        of all bytes before this line
//! ```
//!
//! An entry has a kind (a byte), a length (four bytes, the lowest first) and a body. The first one is the
//! [`Head`]: what built the collection, and how many entries of each kind there are. Then come the
//! document records and the failures, each by their sources, the chunks by their ids, and an entry
//! that says that this is all. Records are JSON. A chunk is its payload as JSON, then its vectors as they
//! are stored, bit by bit: the sparse one too, since its terms and weights depend on what the
//! collection was when the chunk came in, and on the version of docent.
//!
//! Nobody vouches for a file. Whatever is read of it was checked ([`checks`]), with memory for one entry
//! and a line for each document; what is not as [`ArchiveWriter`] writes it is an [`ArchiveError`].

mod checks;
mod hashing;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;

use serde::{Deserialize, Serialize};

pub use self::read::ArchiveReader;
pub use self::write::ArchiveWriter;
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Manifest, Ownership, Point};

/// What the file begins with, before the number of the format.
const MAGIC: &str = "docent-index ";

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Before the checksum.
const SUM: &str = "sha256 ";

/// Bytes of an entry, at most.
const LONGEST: usize = 16 << 20;

/// How many times its size a file may unpack to. Chunks of text with vectors come to two or three
/// times; what a table repeats may come to fifty.
const EXPANSION: u64 = 1_000;

/// Bytes that may come whatever the size of the file.
const SMALL: u64 = 64 << 20;

/// Of a vector, at most: what Qdrant takes.
const DIMENSIONS: usize = 1 << 16;

/// Kinds of entries.
const HEAD: u8 = b'h';
const DOCUMENT: u8 = b'd';
const FAILURE: u8 = b'f';
const POINT: u8 = b'p';
const END: u8 = b'e';

/// What a file says of itself before it says anything else.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Version of docent that wrote the file.
    pub docent: String,
    /// What built the collection. It belongs to nobody: who imports it has it.
    pub manifest: Manifest,
    pub documents: u64,
    pub failures: u64,
    pub chunks: u64,
}

impl Head {
    pub fn new(manifest: &Manifest, documents: u64, failures: u64, chunks: u64) -> Self {
        let owner = Ownership::default();
        let manifest = Manifest { owner, unfinished: None, ..manifest.clone() };
        let docent = env!("CARGO_PKG_VERSION").to_owned();
        Self { docent, manifest, documents, failures, chunks }
    }
}

/// What a file is made of.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    Document(DocumentRecord),
    Failure(FailureRecord),
    Point(Point),
}

/// A file that was written, or read to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Of the whole file.
    pub bytes: u64,
    /// What its last line says.
    pub digest: ContentHash,
}

/// Why a file can't be written, or is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It does not begin as one does.
    #[error("it is not an index that docent has exported")]
    Foreign,
    #[error("it has format {0}, and this version of docent reads format {FORMAT}")]
    Format(u32),
    #[error("it ends before its end: it was cut off, or is still being written")]
    Cut,
    /// What it has is not what was written, or what docent would not write.
    #[error("{0}")]
    Wrong(String),
}

/// Whether so much may come out of so much.
fn is_plausible(content: u64, packed: u64) -> bool {
    content <= SMALL + packed.saturating_mul(EXPANSION)
}
