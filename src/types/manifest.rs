//! What a collection was built with and from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ContentHash, Ownership, Partition};

/// What built a collection version. A command whose settings disagree with it stops.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    pub schema_version: u32,
    pub embedder: EmbedderId,
    pub chunker: ChunkerId,
    pub sparse: SparseId,
    /// Version of docent that created the collection.
    pub docent: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// The owner.
    #[serde(default, skip_serializing_if = "Ownership::is_nobodys")]
    pub owner: Ownership,
    /// Lineage: the most recent ingest runs, oldest first, at most [`Manifest::MAX_RUNS`].
    #[serde(default)]
    pub runs: Vec<IngestRun>,
    /// The run that is going on, or was cut off; of several over [parts](Partition), one of them.
    #[serde(default)]
    pub unfinished: Option<IngestRun>,
    /// All runs over parts of the sources that are going on, or were cut off: see [`Manifest::begin`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished_parts: Vec<IngestRun>,
    /// The directories and files that the collection was built from, and is synced with.
    #[serde(default)]
    pub roots: Vec<String>,
    /// The web pages that the collection is synced with.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// Number of documents per language, as of the last run that changed any; 0 for a language that a later
    /// run met first. The words of a question are searched for in all of these languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub languages: BTreeMap<String, u64>,
    /// Digest of all documents, see [`content_of_documents`](super::content_of_documents), as of the last
    /// complete run. `None` where the digest of a document is unknown, and where several projects ingest
    /// documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

impl Manifest {
    pub const MAX_RUNS: usize = 20;

    /// Whether both describe vectors and terms that were made the same way: one may be a later state of the
    /// other, but not that of a collection that replaced it.
    pub fn is_of_same_build(&self, other: &Self) -> bool {
        (&self.embedder, &self.sparse, &self.created_at)
            == (&other.embedder, &other.sparse, &other.created_at)
    }
}

/// Web pages that a collection is synced with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// Where to begin, in canonical form, without credentials.
    pub url: String,
    #[serde(flatten)]
    pub reach: CrawlReach,
}

/// How far to follow links.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "Reach")]
pub struct CrawlReach {
    /// Number of links from a start to the furthest page: 0 for the start alone.
    pub depth: u32,
    /// Whether links to the whole host of a start are followed, not only those below its directory.
    pub whole_host: bool,
}

/// One ingest run that changed a collection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct IngestRun {
    pub run_id: Uuid,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub docent: String,
    pub roots: Vec<String>,
    /// The part of the sources that it covered; `None` for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
}

/// Which model computes the dense vectors, and how it is called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EmbedderId {
    /// As in `--embedder`: `builtin`, `openai:text-embedding-3-small`.
    pub name: String,
    /// Checksum of the built-in table, or of a model that runs in this process (with `@COMMIT` where it was
    /// published), or the model name that the endpoint returned.
    pub revision: String,
    pub dimensions: usize,
    /// Prefix of every document text.
    #[serde(default)]
    pub document_prefix: String,
    /// Prefix of every question.
    #[serde(default)]
    pub query_prefix: String,
}

impl EmbedderId {
    /// The revision of a published model: what it is computed from, and its commit.
    pub fn published(recipe: &str, commit: &str) -> String {
        format!("{recipe}@{commit}")
    }

    /// For a model that runs in this process: what it is computed from, whatever its commit.
    pub fn recipe(&self) -> &str {
        self.revision.split('@').next().unwrap_or_default()
    }

    /// The commit that the model was published with.
    pub fn commit(&self) -> Option<&str> {
        self.revision.split_once('@').map(|(_, commit)| commit)
    }
}

/// The reranker, as named in the record of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RerankerId {
    /// The model as configured, `onnx:NAME`, or its location.
    pub name: String,
    /// For a model that runs in this process: what it is computed from.
    pub revision: Option<String>,
    /// URL without credentials; `None` for a model that runs in this process.
    pub endpoint: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChunkerId {
    pub max_tokens: usize,
    pub overlap_tokens: usize,
    /// Incremented when the same settings would cut differently.
    pub revision: u32,
}

/// Parameters of the BM25 document vectors.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SparseId {
    /// `bm25`.
    pub model: String,
    /// Incremented when the same text would yield different terms.
    #[serde(default)]
    pub revision: u32,
    /// Language of the stemmer and the stop words; [`SparseId::OF_DOCUMENT`] where each document has its own.
    pub language: String,
    /// Term-frequency saturation.
    pub k: f64,
    /// Length normalisation.
    pub b: f64,
    /// Mean number of terms of a chunk, estimated when the collection was created.
    pub avg_len: f64,
}

impl SparseId {
    /// In place of a language: that of each document.
    pub const OF_DOCUMENT: &str = "auto";

    /// Languages that the BM25 model stems, or at least has stop words for.
    pub const LANGUAGES: [&str; 30] = [
        "arabic",
        "azerbaijani",
        "basque",
        "bengali",
        "catalan",
        "chinese",
        "danish",
        "dutch",
        "english",
        "finnish",
        "french",
        "german",
        "greek",
        "hebrew",
        "hinglish",
        "hungarian",
        "indonesian",
        "italian",
        "japanese",
        "kazakh",
        "nepali",
        "norwegian",
        "portuguese",
        "romanian",
        "russian",
        "slovene",
        "spanish",
        "swedish",
        "tajik",
        "turkish",
    ];
}
