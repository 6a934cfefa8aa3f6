//! Exports a collection to a file and imports it again, with either store. Neither needs sources, an
//! embedder or a key.

mod export;
mod import;

use tokio::task::JoinError;

pub use self::import::ImportPackage;
pub(super) use self::import::this_run;
use crate::error::{Exit, Failure};
use crate::store::archive::{ArchiveError, ArchiveHeader, SealedArchive};
use crate::types::{ContentHash, EmbedderId};

/// Chunks that are read or written together: a few MB with large vectors.
const PAGE: usize = 256;

/// Batches that may wait between reading and writing.
const AHEAD: usize = 2;

/// Called with the number of chunks done and the number of all.
pub type OnChunks<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Result of an export or import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortableReport {
    pub documents: u64,
    /// Sources that could not be ingested.
    pub failures: u64,
    pub chunks: u64,
    /// How many of the chunks an earlier import, which was cut off, had stored.
    pub resumed: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Digest in the last line of the file, of everything before it.
    pub digest: ContentHash,
    /// The embedder that questions need.
    pub embedder: EmbedderId,
    /// Notes about settings that had no effect, for a person.
    pub notes: Vec<String>,
}

impl PortableReport {
    fn new(head: ArchiveHeader, sealed: SealedArchive) -> Self {
        let ArchiveHeader { manifest, documents, failures, chunks, .. } = head;
        let SealedArchive { bytes, digest } = sealed;
        let (embedder, notes) = (manifest.embedder, Vec::new());
        Self { documents, failures, chunks, resumed: 0, bytes, digest, embedder, notes }
    }
}

/// The error for work on a file that ended early.
fn broken(error: &JoinError) -> Failure {
    Failure::new(Exit::Backend, format!("the work on the file ended early: {error}"))
}

/// The error for a file that is refused, with what to do about it.
fn refused(name: &str, error: &ArchiveError) -> Failure {
    let hint = match error {
        ArchiveError::Io(_) => "check that the file can be read, and run this again",
        ArchiveError::Foreign => "name a file that `docent index export FILE` wrote",
        ArchiveError::Format(_) => {
            "import it with the version of docent that wrote it, or export it again with this one"
        }
        ArchiveError::Cut | ArchiveError::Wrong(_) => {
            "copy the file again, or export again; its last line is the SHA-256 of all bytes before that line"
        }
    };
    let exit = if matches!(error, ArchiveError::Io(_)) { Exit::Backend } else { Exit::Config };
    Failure::new(exit, format!("{name} can't be imported: {error}; nothing was changed")).hint(hint)
}
