//! One version of a collection on a server, as a reader or the writer sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use qdrant_client::qdrant::{Filter, UpdateCollection};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::intents::Told;
use super::lease::{self, Held, Place};
use super::link::or_missing;
use super::pipeline::Pipeline;
use super::{ServerStore, wire};
use crate::error::{BackendError, Fault};
use crate::store::payload::{self, CHUNK, DOCUMENT, FAILURE, TALLIED};
use crate::store::{
    Change, ChunkList, ChunkPage, CollectionWriter, Counter, DENSE, Intent, Legs, Reader,
    SearchRequest, VectorStore, rebuilt,
};
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Manifest, Point, Tally};

/// Values in one filter condition.
const BATCH: usize = 512;

/// No version has this number.
const NONE: u32 = 0;

/// A version, by the name of its physical collection.
pub(super) struct Physical {
    pub(super) store: ServerStore,
    /// [`NONE`] until it is created.
    number: AtomicU32,
    /// `None` for a reader.
    pub(super) right: Option<Arc<Right>>,
    successor: Option<Successor>,
    /// For a reader: a run had not come to its end when its manifest was read.
    unfinished: bool,
}

/// The right to change a collection. A successor shares that of the writer it was made by.
#[derive(Default)]
pub(super) struct Right {
    pub(super) lease: Arc<Mutex<Option<Held>>>,
    /// It ends before the lease is given back.
    pub(super) pipeline: Pipeline,
    pub(super) told: Told,
    closed: AtomicBool,
}

impl Drop for Right {
    /// Who was dropped without having been closed gives the lease back all the same, where there is
    /// time; else it runs out.
    fn drop(&mut self) {
        let held = self.lease.try_lock().ok().and_then(|mut lease| lease.take());
        if let (Some(held), Ok(runtime)) = (held, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let _ = held.give_back().await;
            });
        }
    }
}

/// A version that no alias names until it is published.
#[derive(Default)]
struct Successor {
    published: AtomicBool,
}

impl Physical {
    pub(super) fn pinned(store: &ServerStore, number: u32, unfinished: bool) -> Self {
        Self { unfinished, ..Self::of(store, number, None, None) }
    }

    /// Waits for the right to change the collection. What another writer left behind goes first.
    pub(super) async fn written(store: &ServerStore) -> Result<Self, BackendError> {
        let (mut store, mut found) = (store.clone(), store.aliased().await?);
        loop {
            if let Some((base, _)) = found {
                store.base = base;
            }
            let place = Place {
                link: store.link.clone(),
                collection: store.base.clone(),
                replication_factor: store.layout.replication_factor,
            };
            let held = place.acquire(&store.terms).await?;
            // Whom it waited for may have changed what the name stands for.
            found = store.aliased().await?;
            if found.as_ref().is_some_and(|(base, _)| *base != store.base) {
                held.give_back().await?;
                continue;
            }
            let right = Arc::new(Right::default());
            *right.lease.lock().await = Some(held);
            // What can't be removed now is removed by the next one.
            let _ = store.remove_leftovers().await;
            let number = found.map_or(NONE, |(_, number)| number);
            return Ok(Self::of(&store, number, Some(right), None));
        }
    }

    fn of(
        store: &ServerStore,
        number: u32,
        right: Option<Arc<Right>>,
        successor: Option<Successor>,
    ) -> Self {
        let (store, number) = (store.clone(), AtomicU32::new(number));
        Self { store, number, right, successor, unfinished: false }
    }

    fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }

    /// What requests name.
    pub(super) fn target(&self) -> String {
        self.store.version(self.number())
    }

    /// The right to change the version, until it was given back.
    pub(super) fn right(&self) -> Result<&Arc<Right>, BackendError> {
        let refuse = |why| Err(self.store.error(Fault::Permanent, why));
        match &self.right {
            Some(right) if right.closed.load(Ordering::Acquire) => refuse("its writer was closed"),
            Some(right) => Ok(right),
            // No reader is given out as a writer.
            None => refuse("it is only read"),
        }
    }

    async fn check(&self) -> Result<(), BackendError> {
        lease::check(&self.right()?.lease).await
    }

    /// Waits for what was written before, whatever became of it.
    pub(super) async fn settled(&self) {
        if let Some(right) = &self.right {
            right.pipeline.wait().await;
        }
    }

    /// `None` where the version is not there: it was not created yet. To a reader, that is an error.
    pub(super) fn found<T>(
        &self,
        answer: Result<T, BackendError>,
    ) -> Result<Option<T>, BackendError> {
        match or_missing(answer)? {
            None if self.right.is_none() => {
                Err(self.store.error(Fault::Replaced, &rebuilt(&self.store.name)))
            }
            found => Ok(found),
        }
    }

    pub(super) fn missing(&self) -> BackendError {
        let name = &self.store.name;
        self.store.error(Fault::NotFound, &format!("there is no collection {name:?}"))
    }

    async fn become_the_collection(&self) -> Result<(), BackendError> {
        lease::note(&self.right()?.lease, self.number()).await?;
        self.store.point_to(&self.target()).await
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    pub(super) fn is_published(&self) -> bool {
        let published = |successor: &Successor| successor.published.load(Ordering::Acquire);
        self.successor.as_ref().is_none_or(published)
    }
}

#[async_trait]
impl VectorStore for Physical {
    fn endpoint(&self) -> &str {
        &self.store.link.endpoint
    }

    async fn open(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn verify(&self) -> Result<(), BackendError> {
        // The server says itself what it can't read of what it stored.
        Ok(())
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        let mut documents = self.records(DOCUMENT, payload::to_document).await?;
        let unseen = self.unseen().await?;
        documents.retain(|record| unseen.sees(record));
        documents.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(documents)
    }

    async fn tally(&self) -> Result<Vec<Tally>, BackendError> {
        let mut counter = Counter::default();
        let chunks = Filter::must([wire::record(CHUNK)]);
        self.scroll(chunks, TALLIED.to_vec().into(), false.into(), |point| {
            counter.add(&wire::json_object(point.payload)?)
        })
        .await?;
        Ok(counter.tally())
    }

    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        let mut failures = self.records(FAILURE, payload::to_failure).await?;
        failures.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(failures)
    }

    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        let mut found = HashMap::new();
        for batch in hashes.chunks(BATCH) {
            let filter = wire::chunks_with(batch);
            let (fields, vectors) = (vec!["chunk_hash"].into(), vec![DENSE].into());
            self.scroll(filter, fields, vectors, |mut point| {
                if let Some(dense) = wire::dense_of(&mut point) {
                    let payload = wire::json_object(point.payload)?;
                    found.insert(payload::chunk_hash(&payload)?, dense);
                }
                Ok(())
            })
            .await?;
        }
        Ok(found)
    }

    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError> {
        if request.limit == 0 || request.filter.sources.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Legs::default());
        }
        self.settled().await;
        let (mut unseen, mut tries) = (self.unseen().await?, 0);
        loop {
            let legs = self.search_without(request.clone(), &unseen).await?;
            if self.still(&mut unseen, &mut tries).await? {
                return Ok(legs);
            }
        }
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        if request.is_empty() {
            return Ok(ChunkList::default());
        }
        self.chunk_list(&request).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.settled().await;
        let (mut unseen, mut tries) = (self.unseen().await?, 0);
        loop {
            let count = self.count_without(&unseen).await?;
            if self.still(&mut unseen, &mut tries).await? {
                return Ok(count);
            }
        }
    }
}

#[async_trait]
impl CollectionWriter for Physical {
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        match self.store.config(&self.target()).await? {
            Some(config) => self.store.manifest_in(config).await.map(Some),
            None => Ok(None),
        }
    }

    async fn reader(&self) -> Result<Option<Reader>, BackendError> {
        self.store.reader().await
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        Ok(self.store.config(&self.target()).await?.map(|_| self.number()))
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.check().await?;
        if self.store.config(&self.target()).await?.is_some() {
            let message = format!("collection {:?} exists already", self.store.name);
            return Err(self.store.error(Fault::Permanent, &message));
        }
        let noted = lease::noted(&self.right()?.lease).await;
        let number = self.store.highest().await?.max(noted) + 1;
        self.number.store(number, Ordering::Release);
        self.store.create_physical(number, manifest).await?;
        if self.is_published() { self.become_the_collection().await } else { Ok(()) }
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        if manifest.unfinished.is_none() {
            self.tell_nothing().await?;
        }
        self.right()?.pipeline.settle().await?;
        self.check().await?;
        // Metadata is merged by key with what is there.
        let request = UpdateCollection {
            collection_name: self.target(),
            metadata: self.store.metadata(manifest)?,
            ..UpdateCollection::default()
        };
        let updated = self.store.link.ask(|client| {
            let request = request.clone();
            async move { client.update_collection(request).await }
        });
        or_missing(updated.await)?.map(drop).ok_or_else(|| self.missing())
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        // Whatever became of them.
        self.right()?.pipeline.close().await;
        self.check().await?;
        // The alias goes with it.
        if self.store.delete_physical(&self.target()).await? {
            Ok(())
        } else {
            Err(self.store.foreign().await)
        }
    }

    async fn begin(&self) -> Change {
        // Readers are asked to look past what is under way, and kept waiting by nobody.
        Change(None)
    }

    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError> {
        self.tell(documents).await
    }

    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError> {
        self.tell_done(sources).await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.write(points.into_iter().map(wire::chunk_point).collect()).await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        self.write_after(records.iter().cloned().map(wire::document_point).collect())
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        self.delete_after(wire::by_filter(wire::chunks_of(sources, keep)))
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.tell_deleted(batch).await?;
            self.delete_after(wire::by_id(batch.iter().map(|s| DocumentRecord::id(s))))?;
            self.delete_after(wire::by_filter(wire::chunks_of(batch, &[])))?;
            self.tell_done(batch).await?;
        }
        Ok(())
    }

    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        self.write_after(records.iter().cloned().map(wire::failure_point).collect())
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.delete_after(wire::by_id(batch.iter().map(|s| FailureRecord::id(s))))?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.right()?.pipeline.settle().await
    }

    /// What is applied is durable, and what fails surfaces in what comes next.
    async fn checkpoint(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The server optimizes by itself.
    async fn optimize(&self) -> Result<(), BackendError> {
        self.flush().await
    }

    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        self.check().await?;
        if !self.is_published() {
            let message = "a version that is not published has no successor";
            return Err(self.store.error(Fault::Permanent, message));
        }
        let right = Some(Arc::clone(self.right()?));
        Ok(Arc::new(Self::of(&self.store, NONE, right, Some(Successor::default()))))
    }

    async fn publish(&self) -> Result<(), BackendError> {
        let Some(successor) = self.successor.as_ref().filter(|_| !self.is_published()) else {
            return Err(self.store.error(Fault::Permanent, "only a successor can be published"));
        };
        self.flush().await?;
        self.check().await?;
        self.become_the_collection().await?;
        successor.published.store(true, Ordering::Release);
        // What can't be removed now is removed by the next writer.
        let _ = self.store.remove_leftovers().await;
        Ok(())
    }

    async fn close(&self) -> Result<(), BackendError> {
        let Some(right) = &self.right else { return Ok(()) };
        if right.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let settled = right.pipeline.settle().await;
        right.pipeline.close().await;
        if let Some(held) = right.lease.lock().await.take() {
            // It runs out by itself.
            let _ = held.give_back().await;
        }
        settled
    }
}
