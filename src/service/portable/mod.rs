//! A collection → a file, and a file → a collection, on whichever store: no source, embedder or key is
//! needed for either.

mod export;
mod import;

use tokio::task::JoinError;

pub use self::import::Package;
pub(super) use self::import::this_run;
use crate::error::{Exit, Failure};
use crate::store::archive::{ArchiveError, Head, Sealed};
use crate::types::{ContentHash, EmbedderId};

/// Chunks that are read or written together: with large vectors, a few MB.
const PAGE: usize = 256;

/// Batches that wait for the slower side.
const AHEAD: usize = 2;

/// Hears how many chunks of how many are done.
pub type OnChunks<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// What was exported, or imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ported {
    pub documents: u64,
    /// Sources that could not be brought in.
    pub failures: u64,
    pub chunks: u64,
    /// Of these, what an import that was cut off had stored.
    pub resumed: u64,
    /// Of the file.
    pub bytes: u64,
    /// What the last line of the file says of all before it.
    pub digest: ContentHash,
    /// What questions have to be embedded with.
    pub embedder: EmbedderId,
    /// What was asked for and changes nothing, for a person.
    pub notes: Vec<String>,
}

impl Ported {
    fn new(head: Head, sealed: Sealed) -> Self {
        let Head { manifest, documents, failures, chunks, .. } = head;
        let Sealed { bytes, digest } = sealed;
        let (embedder, notes) = (manifest.embedder, Vec::new());
        Self { documents, failures, chunks, resumed: 0, bytes, digest, embedder, notes }
    }
}

/// Work on a file that ended early.
fn broken(error: &JoinError) -> Failure {
    Failure::new(Exit::Backend, format!("the work on the file ended early: {error}"))
}

/// A file that is not taken, and what to do about it.
fn refused(name: &str, error: &ArchiveError) -> Failure {
    let hint = match error {
        ArchiveError::Io(_) => "see that it can be read, and run this again",
        ArchiveError::Foreign => "name a file that `docent index export FILE` has written",
        ArchiveError::Format(_) => {
            "import it with the version of docent that wrote it, or export it again with this one"
        }
        ArchiveError::Cut | ArchiveError::Wrong(_) => {
            "copy it again, or export it again: its last line is the SHA-256 of all bytes before that line"
        }
    };
    let exit = if matches!(error, ArchiveError::Io(_)) { Exit::Backend } else { Exit::Config };
    Failure::new(exit, format!("{name} can't be imported: {error}; nothing was changed")).hint(hint)
}
