//! A writer that calls back before it changes anything, so that a change can be logged before it is made,
//! whichever command makes it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Change, ChunkList, ChunkPage, CollectionReader, CollectionWriter, ForeignPoints, FormerVersion,
    Intent, Legs, PointList, Receipt, SearchRequest, VectorStore,
};
use crate::error::BackendError;
use crate::types::{
    ChunkTally, ContentHash, DocumentRecord, FailureRecord, Manifest, Point, VersionEvent,
};

/// Called before a collection is changed.
#[async_trait]
pub trait ChangeHook: Send + Sync {
    /// Called before every change, the first one included. `run`: the run that makes the change, where known.
    ///
    /// # Errors
    /// The change must not be made.
    async fn will_change(&self, run: Option<Uuid>) -> Result<(), BackendError>;
}

/// Wraps a writer, and all writers of other versions that it gives out.
pub fn with_change_hook(
    store: Arc<dyn CollectionWriter>,
    before: Arc<dyn ChangeHook>,
) -> Arc<dyn CollectionWriter> {
    Arc::new(HookedWriter { store, before })
}

struct HookedWriter {
    store: Arc<dyn CollectionWriter>,
    before: Arc<dyn ChangeHook>,
}

impl HookedWriter {
    async fn tell(&self) -> Result<(), BackendError> {
        self.before.will_change(None).await
    }

    /// Reports the run that the manifest says is unfinished.
    async fn tell_of(&self, manifest: &Manifest) -> Result<(), BackendError> {
        // If several runs write parts, the manifest does not say which of them this writer belongs to.
        let run = manifest.unfinished.as_ref().filter(|_| manifest.unfinished_parts.is_empty());
        self.before.will_change(run.map(|run| run.run_id)).await
    }
}

#[async_trait]
impl VectorStore for HookedWriter {
    fn endpoint(&self) -> &str {
        self.store.endpoint()
    }

    async fn open(&self) -> Result<(), BackendError> {
        self.store.open().await
    }

    async fn verify(&self) -> Result<(), BackendError> {
        self.store.verify().await
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        self.store.documents().await
    }

    async fn tally(&self) -> Result<Vec<ChunkTally>, BackendError> {
        self.store.tally().await
    }

    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        self.store.failures().await
    }

    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        self.store.vectors(hashes).await
    }

    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError> {
        self.store.search(request).await
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        self.store.chunks(request).await
    }

    async fn points(&self, request: ChunkPage) -> Result<PointList, BackendError> {
        self.store.points(request).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.store.count_chunks().await
    }

    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError> {
        self.store.foreign_points().await
    }
}

#[async_trait]
impl CollectionWriter for HookedWriter {
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        self.store.manifest().await
    }

    async fn reader(&self) -> Result<Option<CollectionReader>, BackendError> {
        self.store.reader().await
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        self.store.version().await
    }

    async fn begin_turn(&self) -> Result<(), BackendError> {
        self.store.begin_turn().await
    }

    async fn end_turn(&self) -> Result<(), BackendError> {
        self.store.end_turn().await
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.tell_of(manifest).await?;
        self.store.create(manifest).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.tell_of(manifest).await?;
        self.store.put_manifest(manifest).await
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.drop_collection().await
    }

    async fn begin(&self) -> Change {
        self.store.begin().await
    }

    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.will_store(documents).await
    }

    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError> {
        self.store.have_stored(sources).await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.upsert(points).await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        if !records.is_empty() {
            self.tell().await?;
        }
        self.store.put_documents(records).await
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        if !sources.is_empty() {
            self.tell().await?;
        }
        self.store.delete_chunks(sources, keep).await
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        if !sources.is_empty() {
            self.tell().await?;
        }
        self.store.delete_documents(sources).await
    }

    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        if !records.is_empty() {
            self.tell().await?;
        }
        self.store.put_failures(records).await
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        if !sources.is_empty() {
            self.tell().await?;
        }
        self.store.delete_failures(sources).await
    }

    fn receipt(&self) -> Receipt {
        self.store.receipt()
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.store.flush().await
    }

    async fn checkpoint(&self) -> Result<(), BackendError> {
        self.store.checkpoint().await
    }

    async fn optimize(&self) -> Result<(), BackendError> {
        self.store.optimize().await
    }

    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        Ok(with_change_hook(self.store.successor().await?, Arc::clone(&self.before)))
    }

    async fn resume(&self, run: Uuid) -> Result<Option<Arc<dyn CollectionWriter>>, BackendError> {
        let left = self.store.resume(run).await?;
        Ok(left.map(|left| with_change_hook(left, Arc::clone(&self.before))))
    }

    async fn publish(&self, keep: usize) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.publish(keep).await
    }

    async fn set_aside(&self, aside: FormerVersion, keep: usize) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.set_aside(aside, keep).await
    }

    async fn switch(&self, number: u32) -> Result<(), BackendError> {
        if self.store.version().await? != Some(number) {
            self.tell().await?;
        }
        self.store.switch(number).await
    }

    async fn beside(&self, number: u32) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        Ok(with_change_hook(self.store.beside(number).await?, Arc::clone(&self.before)))
    }

    async fn scrub(&self) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.scrub().await
    }

    fn files(&self) -> Option<PathBuf> {
        self.store.files()
    }

    async fn remove_versions(&self, numbers: &[u32]) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.remove_versions(numbers).await
    }

    async fn log_version(&self, event: &VersionEvent) -> Result<(), BackendError> {
        self.tell().await?;
        self.store.log_version(event).await
    }

    async fn close(&self) -> Result<(), BackendError> {
        self.store.close().await
    }
}
