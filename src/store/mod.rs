//! Where chunks, document records and the manifest live.
//!
//! A collection `NAME` is an alias onto a physical version `NAME@vN`; [`edge`] has the same names
//! as directories and a pointer that is replaced atomically. All state is in the store, so that a
//! team and its CI can share it. Ranking is not here: each leg is returned as the engine ranked
//! it, and `query` fuses them.

pub mod edge;
pub mod server;

use std::collections::HashMap;

use async_trait::async_trait;
use uuid::Uuid;

use crate::error::BackendError;
use crate::types::{ContentHash, DocumentRecord, Filter, Manifest, Point, Scored, SparseVector};

/// A collection in Qdrant, embedded or on a server.
///
/// Updates are idempotent. They are visible to the same store at once and durable after
/// [`VectorStore::flush`].
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Directory or URL, for messages. Never contains a key.
    fn endpoint(&self) -> &str;

    /// The manifest of the collection, or `None` where the collection does not exist.
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError>;

    /// Creates the collection with its vectors (`dense`: cosine, `manifest.embedder.dimensions`;
    /// `sparse`: IDF modifier) and payload indexes.
    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError>;

    /// Replaces the stored manifest: lineage, nothing that built the vectors.
    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError>;

    /// Removes the collection with everything in it. Nothing to remove is success.
    async fn drop_collection(&self) -> Result<(), BackendError>;

    /// All document records, ordered by source. Empty where the collection does not exist.
    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError>;

    /// Writes chunks with their vectors.
    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError>;

    /// Writes document records (the commit marks), after their chunks.
    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError>;

    /// Removes the chunks of `source` whose ids are not in `keep`.
    async fn delete_chunks(&self, source: &str, keep: &[Uuid]) -> Result<(), BackendError>;

    /// Removes the chunks of these documents, then their records.
    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError>;

    /// Stored dense vectors by chunk hash, for reuse. Hashes without one are absent.
    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError>;

    /// Asks the legs that are given, in one request where the backend can. Each leg is ordered by
    /// descending score. Records are never returned.
    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError>;

    /// Exact number of chunks.
    async fn count_chunks(&self) -> Result<u64, BackendError>;

    /// Makes every update before this call durable.
    async fn flush(&self) -> Result<(), BackendError>;

    /// Told once at the end of an ingest that changed something: build indexes, merge segments.
    async fn optimize(&self) -> Result<(), BackendError>;
}

/// What [`VectorStore::search`] is asked.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub dense: Option<Vec<f32>>,
    pub sparse: Option<SparseVector>,
    pub filter: Filter,
    /// Hits per leg.
    pub limit: usize,
    /// Floor on the score of each leg.
    pub min_score: Option<f32>,
}

/// The ranked lists of a search; a leg that was not asked is empty.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Legs {
    pub dense: Vec<Scored>,
    pub sparse: Vec<Scored>,
}
