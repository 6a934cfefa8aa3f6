//! One version of a collection on a server, as a reader or the writer sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use qdrant_client::qdrant::Filter;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::found::Version;
use super::intents::Told;
use super::lease::{self, Held};
use super::link::or_missing;
use super::pipeline::Pipeline;
use super::{ServerStore, wire};
use crate::error::{BackendError, Fault};
use crate::store::payload::{self, CHUNK, DOCUMENT, FAILURE, TALLIED};
use crate::store::{
    Change, ChunkList, ChunkPage, CollectionWriter, Counter, DENSE, ForeignPoints, Intent, Legs,
    Reader, Receipt, SearchRequest, VectorStore,
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
    /// The name of the physical collection, where that is not `NAME@vN`.
    called: Option<String>,
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
    /// Of the version that it is to take the place of; [`NONE`] where there is none.
    replaces: u32,
}

impl Physical {
    pub(super) fn pinned(store: &ServerStore, version: Version, unfinished: bool) -> Self {
        Self { unfinished, ..Self::of(store, Some(version), None, None) }
    }

    /// Waits for the right to change the collection. What another writer left behind goes first.
    pub(super) async fn written(store: &ServerStore) -> Result<Self, BackendError> {
        let (mut store, mut found) = (store.clone(), store.to_write().await?);
        loop {
            if let Some(version) = &found {
                store.base.clone_from(&version.base);
            }
            let held = store.lease().acquire(&store.terms).await?;
            // Whom it waited for may have changed what the name stands for.
            found = match store.to_write().await {
                Ok(found) => found,
                Err(error) => {
                    // It runs out by itself.
                    let _ = held.give_back().await;
                    return Err(error);
                }
            };
            if found.as_ref().is_some_and(|version| version.base != store.base) {
                held.give_back().await?;
                continue;
            }
            let right = Arc::new(Right::default());
            *right.lease.lock().await = Some(held);
            if let Some(version) = &found {
                // What can't be removed now is removed by the next one.
                let _ = store.remove_leftovers(version).await;
            }
            return Ok(Self::of(&store, found, Some(right), None));
        }
    }

    fn of(
        store: &ServerStore,
        version: Option<Version>,
        right: Option<Arc<Right>>,
        successor: Option<Successor>,
    ) -> Self {
        let (number, called) = version.map_or((NONE, None), |it| (it.number, it.called));
        let (store, number) = (store.clone(), AtomicU32::new(number));
        Self { store, number, called, right, successor, unfinished: false }
    }

    fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }

    /// What requests name.
    pub(super) fn target(&self) -> String {
        self.named().physical()
    }

    fn named(&self) -> Version {
        let base = self.store.base.clone();
        Version { base, number: self.number(), called: self.called.clone() }
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
    pub(super) async fn found<T: Send>(
        &self,
        answer: Result<T, BackendError>,
    ) -> Result<Option<T>, BackendError> {
        match or_missing(answer)? {
            None if self.right.is_none() => Err(self.store.gone().await),
            found => Ok(found),
        }
    }

    pub(super) fn missing(&self) -> BackendError {
        let name = &self.store.name;
        self.store.error(Fault::NotFound, &format!("there is no collection {name:?}"))
    }

    async fn become_the_collection(&self) -> Result<(), BackendError> {
        lease::note(&self.right()?.lease, self.number()).await?;
        let former = self.replaces().map(|number| self.store.version(number));
        if former.is_none() && !self.is_published() {
            self.store.note_pending(&self.target(), false).await?;
        }
        self.store.point_to(&self.target(), former.as_deref()).await
    }

    /// The number of the version that this one is to take the place of.
    fn replaces(&self) -> Option<u32> {
        let successor = self.successor.as_ref().filter(|_| !self.is_published())?;
        Some(successor.replaces).filter(|number| *number != NONE)
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

    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError> {
        self.settled().await;
        self.foreign().await
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
        if let Some(replaced) = self.replaces() {
            self.store.note_beside(&self.store.version(replaced), &[number]).await?;
        }
        self.store.create_physical(number, manifest, self.replaces()).await?;
        if !self.is_published() {
            return match self.replaces() {
                Some(_) => Ok(()),
                None => self.store.note_pending(&self.target(), true).await,
            };
        }
        self.become_the_collection().await?;
        if number > 1 {
            // What a run has left that was cut off here; it is in nobody's way.
            let _ = self.store.remove_empty(number, &manifest.owner).await;
        }
        Ok(())
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        if manifest.unfinished.is_none() {
            self.tell_nothing().await?;
        }
        self.right()?.pipeline.settle().await?;
        self.check().await?;
        let put = self.store.put_metadata(&self.target(), self.number(), manifest).await;
        or_missing(put)?.ok_or_else(|| self.missing())
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        // Whatever became of them.
        self.right()?.pipeline.close().await;
        self.check().await?;
        let (target, store) = (self.target(), &self.store);
        let Some(config) = store.config(&target).await? else { return Ok(()) };
        let aliases = store.aliases().await?.into_iter();
        let mut aliases = aliases.filter(|alias| alias.collection_name == target);
        if let Some(other) = aliases.find(|alias| alias.alias_name != store.name) {
            let (name, other) = (&store.name, other.alias_name);
            let message = format!(
                "collection {name:?} has another name too, {other:?}, and is not removed: that alias would go with it"
            );
            return Err(store.error(Fault::Taken, &message));
        }
        let owner = store.manifest_in(config).await?.owner;
        // The alias goes with it.
        if store.delete_physical(&target, &owner).await? {
            Ok(())
        } else {
            Err(store.foreign().await)
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

    fn receipt(&self) -> Receipt {
        self.right.as_ref().map_or_else(Receipt::default, |right| right.pipeline.receipt())
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
        if self.called.is_some() {
            let name = &self.store.name;
            let message = format!(
                "collection {name:?} was recovered from a snapshot under this name, which no other can have until it is gone: it can be searched and brought up to date, and not be built anew. Recover the snapshot as \"{name}@v1\" instead"
            );
            return Err(self.store.error(Fault::Taken, &message));
        }
        let right = Some(Arc::clone(self.right()?));
        let successor = Successor { replaces: self.number(), ..Successor::default() };
        Ok(Arc::new(Self::of(&self.store, None, right, Some(successor))))
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
        let _ = self.store.remove_leftovers(&self.named()).await;
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
