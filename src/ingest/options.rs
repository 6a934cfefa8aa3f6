//! Options and backends of an ingest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::budget::RunBudget;
use super::chunk::{self, ChunkOptions};
use super::discover::DiscoverOptions;
use super::extract::Extractor;
use super::inline::{InlineDocument, InlineDocuments};
use super::plan::{PruneLimit, RequestedAttributes};
use super::web::{CrawlSeed, WebOptions};
use crate::cancel::Canceller;
use crate::embed::Embedder;
use crate::embed::sparse::TermCounters;
use crate::store::{CollectionReader, CollectionWriter, FormerVersion};
use crate::types::{ChunkerId, ContentHash, Manifest, OcrPolicy, OnSecret, Partition};

/// What to ingest, and how.
pub struct IngestOptions {
    pub discover: DiscoverOptions,
    /// Inputs of earlier runs that no later run is to look at, as typed. With any of these, nothing is
    /// ingested.
    pub forget: Vec<String>,
    /// Web pages that were named, each with its reach.
    pub starts: Vec<CrawlSeed>,
    /// The partition of all sources, found and stored, that the run looks at. `None` for all.
    pub partition: Option<Partition>,
    pub web: WebOptions,
    pub inline: Option<InlineDocuments>,
    /// Documents to be carried over in a rebuild, because no file and no page provides them.
    pub kept: Vec<InlineDocument>,
    /// Documents in the collection that belong to other projects: source and project. They are left alone.
    pub taken: HashMap<String, String>,
    pub chunk: ChunkOptions,
    /// `None` leaves the tags of known documents as they are.
    pub tags: Option<Vec<String>>,
    /// The fields of a record that make up its text; empty for all fields. `None` leaves those of known
    /// documents as they are.
    pub text_fields: Option<Vec<String>>,
    pub on_secret: OnSecret,
    /// Which pictures are read for text. The model is chosen by the extractor.
    pub ocr: OcrPolicy,
    /// Compare the content of every file.
    pub checksum: bool,
    /// Process only sources that failed before.
    pub retry_failed: bool,
    pub prune: PruneLimit,
    /// The one [deletion](super::plan::deletion_hash) that a user has agreed to, whatever its share; `None`
    /// if nobody was asked. Not used in a rebuild.
    pub agreed: Option<ContentHash>,
    /// Number of documents that are read and chunked at the same time.
    pub parallel: usize,
    pub budget: Arc<RunBudget>,
    /// Cancelled by the first failure, if a failure is to end the run.
    pub fail_fast: Option<Canceller>,
}

impl IngestOptions {
    /// Whether the command names no file, page or inline document.
    pub(super) fn is_empty(&self) -> bool {
        self.discover.inputs.is_empty() && self.inline.is_none() && self.starts.is_empty()
    }

    /// The documents that are not files or pages.
    pub fn inline_documents(&self) -> impl Iterator<Item = &InlineDocument> {
        self.inline.iter().flat_map(|inline| &inline.documents).chain(&self.kept)
    }

    pub(super) fn inline_sources(&self) -> HashSet<&str> {
        self.inline_documents().map(|document| document.source.as_str()).collect()
    }

    /// Whether the run looks at a source.
    pub(super) fn looks_at(&self, source: &str) -> bool {
        self.partition.is_none_or(|partition| partition.holds(source))
    }

    pub(super) fn wanted(&self) -> RequestedAttributes<'_> {
        RequestedAttributes {
            tags: self.tags.as_deref(),
            text_fields: self.text_fields.as_deref(),
            on_secret: self.on_secret,
            ocr: self.ocr,
        }
    }

    /// The chunker's entry in the manifest.
    pub fn chunker_id(&self) -> ChunkerId {
        ChunkerId {
            max_tokens: self.chunk.max_tokens,
            overlap_tokens: self.chunk.overlap_tokens,
            revision: chunk::REVISION,
        }
    }
}

/// The services that an ingest uses.
pub struct Backends {
    pub embedder: Arc<dyn Embedder>,
    pub extractor: Extractor,
    pub terms: Arc<TermCounters>,
}

/// The collection that an ingest writes.
pub struct IngestDestination {
    pub writer: Arc<dyn CollectionWriter>,
    /// `None` if the collection does not exist yet.
    pub manifest: Option<Manifest>,
    pub build: Build,
}

/// How the collection is built. Where it is built from an existing one (the former), that one says what to
/// ingest, lends its vectors if they are of the same embedder, and exists until the end.
pub enum Build {
    /// Brings the collection in line with its sources.
    Sync,
    /// Builds the successor of this version.
    Rebuild(CollectionReader, OnCompletion),
    /// Builds from the sources of this collection, which stays as it is.
    Copy(CollectionReader),
}

/// What happens to a successor when it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OnCompletion {
    /// It is kept beside the version that it was built from; with `None` it replaces that version.
    pub aside: Option<FormerVersion>,
    /// Number of former versions that are kept.
    pub keep: usize,
}

impl Build {
    /// The collection that this one is built from.
    pub(super) fn former(&self) -> Option<&CollectionReader> {
        match self {
            Self::Sync => None,
            Self::Rebuild(former, _) | Self::Copy(former) => Some(former),
        }
    }
}
