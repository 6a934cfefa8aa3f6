//! What `models` prints.

use schemars::JsonSchema;
use serde::Serialize;

/// Models in the cache.
#[derive(Serialize, JsonSchema)]
pub struct ModelList {
    /// The directory that tools of Hugging Face share.
    pub cache: String,
    pub models: Vec<CachedModel>,
}

/// A model in the cache, as far as it is there.
#[derive(Serialize, JsonSchema)]
pub struct CachedModel {
    /// As in `--embedder`: `hf:ORG/NAME`.
    pub name: String,
    /// Bytes of everything that is there of it.
    pub bytes: u64,
    pub snapshots: Vec<CachedCommit>,
}

/// What is there of a commit.
#[derive(Serialize, JsonSchema)]
pub struct CachedCommit {
    pub commit: String,
    /// Branches and tags that meant it when they were asked for.
    pub refs: Vec<String>,
    /// Whether docent has all that it needs of it.
    pub whole: bool,
}

/// Models that are here now.
#[derive(Serialize, JsonSchema)]
pub struct FetchedModels {
    pub fetched: Vec<FetchedModel>,
}

/// A model that is here now.
#[derive(Serialize, JsonSchema)]
pub struct FetchedModel {
    /// As it was asked for.
    pub name: String,
    pub commit: String,
    /// The directory with its files.
    pub directory: String,
    /// The graph, from there.
    pub graph: String,
}

/// Models that are here no more.
#[derive(Serialize, JsonSchema)]
pub struct RemovedModels {
    pub removed: Vec<RemovedModel>,
}

/// A model that is here no more.
#[derive(Serialize, JsonSchema)]
pub struct RemovedModel {
    pub name: String,
    /// Bytes that it took.
    pub bytes: u64,
}
