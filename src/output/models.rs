//! The JSON that `models` prints.

use schemars::JsonSchema;
use serde::Serialize;

/// Models in the cache.
#[derive(Serialize, JsonSchema)]
pub struct ModelList {
    /// The directory that Hugging Face tools share.
    pub cache: String,
    pub models: Vec<CachedModel>,
}

/// A model in the cache, complete or not.
#[derive(Serialize, JsonSchema)]
pub struct CachedModel {
    /// Name of the model, as in `--embedder`: `hf:ORG/NAME`.
    pub name: String,
    /// Bytes of all its files.
    pub bytes: u64,
    pub snapshots: Vec<CachedCommit>,
}

/// The files of a commit.
#[derive(Serialize, JsonSchema)]
pub struct CachedCommit {
    pub commit: String,
    /// Branches and tags that pointed to the commit when they were fetched.
    pub refs: Vec<String>,
    /// Whether all files that docent needs are there.
    pub whole: bool,
}

/// Models that were fetched.
#[derive(Serialize, JsonSchema)]
pub struct FetchedModels {
    pub fetched: Vec<FetchedModel>,
}

/// A model that was fetched.
#[derive(Serialize, JsonSchema)]
pub struct FetchedModel {
    /// Name of the model, as it was asked for.
    pub name: String,
    pub commit: String,
    /// The directory with its files.
    pub directory: String,
    /// Path of the graph in that directory.
    pub graph: String,
}

/// Models that were removed.
#[derive(Serialize, JsonSchema)]
pub struct RemovedModels {
    pub removed: Vec<RemovedModel>,
}

/// A model that was removed.
#[derive(Serialize, JsonSchema)]
pub struct RemovedModel {
    pub name: String,
    /// Bytes that it took.
    pub bytes: u64,
}
