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
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Ownership::is_nobodys")]
    pub owner: Ownership,
    /// Lineage: the most recent ingest runs, oldest first, at most [`Manifest::MAX_RUNS`].
    #[serde(default)]
    pub runs: Vec<Run>,
    /// The run that is going on, or was cut off; of several over [parts](Partition), one of them.
    #[serde(default)]
    pub unfinished: Option<Run>,
    /// All runs over parts of the sources that are going on, or were cut off: see [`Manifest::begin`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished_parts: Vec<Run>,
    /// What the collection is kept in line with: the directories and files it was built from.
    #[serde(default)]
    pub roots: Vec<String>,
    /// The same for pages of the web.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// How many documents are in which language, as the last run that changed any has left them; 0
    /// for one that a later run met first. The words of a question are looked for in all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub languages: BTreeMap<String, u64>,
    /// What all documents come to, see [`content_of_documents`](super::content_of_documents), as the last run
    /// that came to its end has left them. `None` where that is not known of one of them, and where
    /// several projects bring documents in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

impl Manifest {
    pub const MAX_RUNS: usize = 20;

    /// Whether both describe vectors and terms of the same making: one may be a later state of the
    /// other, but not of a collection that took its place.
    pub fn is_of_same_build(&self, other: &Self) -> bool {
        (&self.embedder, &self.sparse, &self.created_at)
            == (&other.embedder, &other.sparse, &other.created_at)
    }
}

/// Pages of the web that a collection is kept in line with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// Where to begin, in canonical form, without credentials.
    pub url: String,
    #[serde(flatten)]
    pub reach: Reach,
}

/// How far to follow links.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct Reach {
    /// Links from a start to the furthest page: 0 for the start alone.
    pub depth: u32,
    /// To the whole host of a start, not only to what is below its directory.
    pub whole_host: bool,
}

/// One ingest run that changed a collection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    pub run_id: Uuid,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub docent: String,
    pub roots: Vec<String>,
    /// The sources that it looked at; `None` for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
}

/// Which model makes the dense vectors, and how it is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EmbedderId {
    /// As in `--embedder`: `builtin`, `openai:text-embedding-3-small`.
    pub name: String,
    /// Checksum of the built-in table, of a model that runs in this process (with `@COMMIT` where it was
    /// published), or the model name the endpoint answered with.
    pub revision: String,
    pub dimensions: usize,
    /// Put before every document text.
    #[serde(default)]
    pub document_prefix: String,
    /// Put before every question.
    #[serde(default)]
    pub query_prefix: String,
}

impl EmbedderId {
    /// The revision of a model that was published: what it is computed from, and the commit that it is of.
    pub fn published(recipe: &str, commit: &str) -> String {
        format!("{recipe}@{commit}")
    }

    /// Of a model that runs in this process: what it is computed from, whatever commit that is of.
    pub fn recipe(&self) -> &str {
        self.revision.split('@').next().unwrap_or_default()
    }

    /// The commit that the model was published with.
    pub fn commit(&self) -> Option<&str> {
        self.revision.split_once('@').map(|(_, commit)| commit)
    }
}

/// What a record of an answer says of a reranker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RerankerId {
    /// The model as it was asked for, `onnx:NAME`, or else where it is.
    pub name: String,
    /// Of a model that runs in this process: what it is computed from.
    pub revision: Option<String>,
    /// URL without credentials; `None` for a model that runs in this process.
    pub endpoint: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChunkerId {
    pub max_tokens: usize,
    pub overlap_tokens: usize,
    /// Raised when the same settings would cut differently.
    pub revision: u32,
}

/// Parameters of the BM25 document vectors.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SparseId {
    /// `bm25`.
    pub model: String,
    /// Raised when the same text would have other terms.
    #[serde(default)]
    pub revision: u32,
    /// Language of the stemmer and the stop words; [`SparseId::OF_DOCUMENT`] where each document has
    /// its own.
    pub language: String,
    /// Term-frequency saturation.
    pub k: f64,
    /// Length normalisation.
    pub b: f64,
    /// Mean number of terms of a chunk, estimated when the collection was created.
    pub avg_len: f64,
}

impl SparseId {
    /// In place of a language: that of the document.
    pub const OF_DOCUMENT: &str = "auto";

    /// That the BM25 model stems, or at least has stop words of.
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
