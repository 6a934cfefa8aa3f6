//! What an ingest is asked for, and what it works with.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::budget::Budget;
use super::chunk::{self, ChunkOptions};
use super::discover::DiscoverOptions;
use super::extract::Extractor;
use super::inline::{Inline, InlineDocument};
use super::plan::{PruneLimit, Wanted};
use super::web::{Start, WebOptions};
use crate::cancel::Canceller;
use crate::embed::Embedder;
use crate::embed::sparse::TermCounters;
use crate::store::{Aside, CollectionWriter, Reader};
use crate::types::{ChunkerId, ContentHash, Manifest, OcrPolicy, OnSecret, Partition};

/// What to bring in, and how.
pub struct IngestOptions {
    pub discover: DiscoverOptions,
    /// As typed: what earlier runs were told to bring in, and no later run is to look at. Nothing is
    /// brought in then.
    pub forget: Vec<String>,
    /// Pages that were named, each with its reach.
    pub starts: Vec<Start>,
    /// Of all that is found and stored, what falls into it: nothing else is looked at. `None` for all.
    pub partition: Option<Partition>,
    pub web: WebOptions,
    pub inline: Option<Inline>,
    /// Where the collection is built again: documents that no file and nobody else brings in.
    pub kept: Vec<InlineDocument>,
    /// Documents of other projects in the collection, by source, and whose each is: they stay theirs.
    pub taken: HashMap<String, String>,
    pub chunk: ChunkOptions,
    /// `None` leaves the tags of known documents as they are.
    pub tags: Option<Vec<String>>,
    /// The fields of records that are their text: none for all of them. `None` leaves those of
    /// known documents as they are.
    pub text_fields: Option<Vec<String>>,
    pub on_secret: OnSecret,
    /// Which text in pictures is read; what reads it is the extractor's.
    pub ocr: OcrPolicy,
    /// Compare the content of every file.
    pub checksum: bool,
    /// Take up only what failed before.
    pub retry_failed: bool,
    pub prune: PruneLimit,
    /// The one [deletion](super::plan::deletion_hash) that somebody has agreed to, whatever its share;
    /// `None` where nobody was asked. It says nothing of a collection that is built again.
    pub agreed: Option<ContentHash>,
    /// Documents that are read and chunked at the same time.
    pub parallel: usize,
    pub budget: Arc<Budget>,
    /// Told by the first failure, where that is to end the run.
    pub fail_fast: Option<Canceller>,
}

impl IngestOptions {
    /// Whether the run is asked about nothing by name.
    pub(super) fn names_nothing(&self) -> bool {
        self.discover.inputs.is_empty() && self.inline.is_none() && self.starts.is_empty()
    }

    /// The documents that are no files.
    pub fn inline_documents(&self) -> impl Iterator<Item = &InlineDocument> {
        self.inline.iter().flat_map(|inline| &inline.documents).chain(&self.kept)
    }

    pub(super) fn inline_sources(&self) -> HashSet<&str> {
        self.inline_documents().map(|document| document.source.as_str()).collect()
    }

    /// Whether the run is to look at a source.
    pub(super) fn looks_at(&self, source: &str) -> bool {
        self.partition.is_none_or(|partition| partition.holds(source))
    }

    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            tags: self.tags.as_deref(),
            text_fields: self.text_fields.as_deref(),
            on_secret: self.on_secret,
            ocr: self.ocr,
        }
    }

    /// What the manifest records of the chunker.
    pub fn chunker_id(&self) -> ChunkerId {
        ChunkerId {
            max_tokens: self.chunk.max_tokens,
            overlap_tokens: self.chunk.overlap_tokens,
            revision: chunk::REVISION,
        }
    }
}

/// What an ingest works with.
pub struct Backends {
    pub embedder: Arc<dyn Embedder>,
    pub extractor: Extractor,
    pub terms: Arc<TermCounters>,
}

/// What an ingest writes.
pub struct Destination {
    pub writer: Arc<dyn CollectionWriter>,
    /// `None` where the collection does not exist yet.
    pub manifest: Option<Manifest>,
    pub build: Build,
}

/// What becomes of the collection. Where it is built after another one, that tells what to bring
/// in, lends its vectors where they are of the same embedder, and is there until the end.
pub enum Build {
    /// It is brought in line with its sources.
    Sync,
    /// It is the successor of this version.
    Rebuild(Reader, Completion),
    /// It is built from the sources of this collection, which stays as it is.
    Copy(Reader),
}

/// What becomes of a successor that is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// It stays beside the version that it was built after; `None` where it takes its place.
    pub aside: Option<Aside>,
    /// Former versions that stay.
    pub keep: usize,
}

impl Build {
    /// The collection that this one is built after.
    pub(super) fn former(&self) -> Option<&Reader> {
        match self {
            Self::Sync => None,
            Self::Rebuild(former, _) | Self::Copy(former) => Some(former),
        }
    }
}
