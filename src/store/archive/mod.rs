//! A version of a collection in one file, for another machine or another store.
//!
//! ```text
//! docent-index 1                      the format, in plain text
//! (one zstd frame)                    what the collection is made of, one entry after another
//! sha256 5f1c…                        of all bytes before this line
//! ```
//!
//! An entry has a kind (a byte), a length (four bytes, little-endian) and a body. The first one is the
//! [`ArchiveHeader`]: what built the collection, and how many entries of each kind follow. Then come the document
//! records and the failures, each ordered by source, the chunks ordered by id, and an end entry. Records are
//! JSON. A chunk is its payload as JSON, then its vectors bit by bit as they are stored. The sparse vector is
//! included because its terms and weights depend on the collection at the time when the chunk was stored, and
//! on the version of docent.
//!
//! Files are not trusted. Everything that is read was checked ([`checks`]), with memory for one entry and a
//! line for each document; anything that [`ArchiveWriter`] would not write is an [`ArchiveError`].

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

/// Start of the file, before the number of the format.
const MAGIC: &str = "docent-index ";

/// The format that is written, and the only one that can be read.
const FORMAT: u32 = 1;

/// Start of the last line, before the checksum.
const SUM: &str = "sha256 ";

/// Maximum length of an entry, in bytes.
const LONGEST: usize = 16 << 20;

/// How many times its size a file may unpack to. Chunks of text with vectors come to two or three times,
/// tables with repeated content up to fifty.
const EXPANSION: u64 = 1_000;

/// Unpacked bytes that are accepted whatever the size of the file.
const SMALL: u64 = 64 << 20;

/// Maximum dimensions of a vector: what Qdrant takes.
const DIMENSIONS: usize = 1 << 16;

/// Kinds of entries.
const HEAD: u8 = b'h';
const DOCUMENT: u8 = b'd';
const FAILURE: u8 = b'f';
const POINT: u8 = b'p';
const END: u8 = b'e';

/// The first entry of a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ArchiveHeader {
    /// Version of docent that wrote the file.
    pub docent: String,
    /// What built the collection. It names no owner: whoever imports the file becomes the owner.
    pub manifest: Manifest,
    pub documents: u64,
    pub failures: u64,
    pub chunks: u64,
}

impl ArchiveHeader {
    pub fn new(manifest: &Manifest, documents: u64, failures: u64, chunks: u64) -> Self {
        let owner = Ownership::default();
        let manifest = Manifest { owner, unfinished: None, ..manifest.clone() };
        let docent = env!("CARGO_PKG_VERSION").to_owned();
        Self { docent, manifest, documents, failures, chunks }
    }
}

/// An entry after the head.
#[derive(Clone, PartialEq, Debug)]
pub enum ArchiveEntry {
    Document(DocumentRecord),
    Failure(FailureRecord),
    Point(Point),
}

/// A file that was written or read completely.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedArchive {
    /// Size of the whole file.
    pub bytes: u64,
    /// The checksum in its last line.
    pub digest: ContentHash,
}

/// Why a file can't be written, or is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It does not begin like an exported file.
    #[error("it is not an index exported by docent")]
    Foreign,
    #[error("it has format {0}, and this version of docent reads format {FORMAT}")]
    Format(u32),
    #[error("it is incomplete: it was cut off, or is still being written")]
    Cut,
    /// Its content is not what was written, or is something that docent would not write.
    #[error("{0}")]
    Wrong(String),
}

/// Whether `packed` bytes may unpack to that much content.
fn is_plausible(content: u64, packed: u64) -> bool {
    content <= SMALL + packed.saturating_mul(EXPANSION)
}
