//! One version of a collection, and the operations on it.

mod write;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedRwLockReadGuard;
use uuid::Uuid;

use super::guard::held;
use super::open_shard::{OpenShard, Viewer};
use super::problem::EdgeProblem;
use super::record_cache::Listing;
use super::shards::Shards;
use super::shared::SharedState;
use super::versions::VersionSelector;
use super::writer::VersionWriter;
use super::{engine, layout, marks, search, space_checks, sums, versions};
use crate::error::{BackendError, Fault};
use crate::store::payload::{self, DOCUMENT, FAILURE, Payload};
use crate::store::{
    ChunkList, ChunkPage, CollectionReader, ForeignPoints, Legs, PointList, SearchRequest,
    VectorStore,
};
use crate::types::{ChunkTally, ContentHash, DocumentRecord, FailureRecord, Manifest};

/// Maximum number of values in one filter condition.
const BATCH: usize = 512;

/// One version, as a reader or the writer of the collection sees it.
#[derive(Clone)]
pub(super) struct VersionView {
    shared: Arc<SharedState>,
    role: Role,
}

#[derive(Clone)]
enum Role {
    Reader(Arc<VersionPin>),
    Writer(Arc<VersionWriter>),
}

/// Keeps a version loaded, if it is, and on disk, as far as this process decides.
pub(super) struct VersionPin {
    shared: Arc<SharedState>,
    number: u32,
    manifest: Arc<Manifest>,
}

impl VersionPin {
    pub(super) fn new(shared: &Arc<SharedState>, number: u32, manifest: Arc<Manifest>) -> Self {
        *held(&shared.pins).entry(number).or_default() += 1;
        Self { shared: Arc::clone(shared), number, manifest }
    }
}

impl Drop for VersionPin {
    fn drop(&mut self) {
        let mut pins = held(&self.shared.pins);
        match pins.get_mut(&self.number) {
            Some(readers) if *readers > 1 => *readers -= 1,
            _ => drop(pins.remove(&self.number)),
        }
    }
}

impl VersionView {
    /// A snapshot of the version that is live now.
    pub(super) async fn of_the_version_in_use(
        shared: &Arc<SharedState>,
    ) -> Result<Option<CollectionReader>, BackendError> {
        let reading = Arc::clone(shared);
        let found = shared.blocking(move || reading.current.read(&reading.layout)).await?;
        Ok(found.map(|(number, manifest)| {
            let pin = VersionPin::new(shared, number, Arc::clone(&manifest));
            CollectionReader::new(number, manifest, Arc::new(Self::pinned(shared, pin)))
        }))
    }

    /// A snapshot of a complete version.
    pub(super) async fn of_version(
        shared: &Arc<SharedState>,
        number: u32,
    ) -> Result<Option<CollectionReader>, BackendError> {
        let layout = shared.layout.clone();
        let found = move || {
            let entries = marks::entries(&layout)?.into_iter();
            let mut complete = entries.filter(|entry| entry.state.is_complete());
            match complete.find(|entry| entry.number == number) {
                Some(entry) => Ok(layout::read_manifest(&layout.version(entry.number))?),
                None => Ok(None),
            }
        };
        let found = shared.blocking(found).await?;
        Ok(found.map(|manifest| {
            let manifest = Arc::new(manifest);
            let pin = VersionPin::new(shared, number, Arc::clone(&manifest));
            CollectionReader::new(number, manifest, Arc::new(Self::pinned(shared, pin)))
        }))
    }

    pub(super) fn pinned(shared: &Arc<SharedState>, pin: VersionPin) -> Self {
        Self { shared: Arc::clone(shared), role: Role::Reader(Arc::new(pin)) }
    }

    pub(super) fn written(shared: &Arc<SharedState>, writing: VersionWriter) -> Self {
        Self { shared: Arc::clone(shared), role: Role::Writer(Arc::new(writing)) }
    }

    /// `None` where nothing was created yet.
    fn number(&self) -> Option<u32> {
        match &self.role {
            Role::Reader(pin) => Some(pin.number),
            Role::Writer(writing) => writing.number(),
        }
    }

    fn wanted(&self) -> VersionSelector {
        match &self.role {
            Role::Reader(pin) => VersionSelector::Pinned(Arc::clone(&pin.manifest)),
            Role::Writer(_) => VersionSelector::Written,
        }
    }

    fn eyes(&self) -> Viewer {
        match &self.role {
            Role::Reader(_) => Viewer::Readers,
            Role::Writer(_) => Viewer::Writers,
        }
    }

    /// The right to change the version.
    fn writing(&self) -> Result<&VersionWriter, BackendError> {
        match &self.role {
            Role::Writer(writing) => writing.check().map(|()| &**writing),
            // A reader is never given out as a writer.
            Role::Reader(_) => {
                Err(self.shared.error(Fault::Permanent, "it was opened for reading only"))
            }
        }
    }

    /// The loaded shard; `None` where there is no such collection.
    pub(super) async fn opened(
        &self,
    ) -> Result<Option<OwnedRwLockReadGuard<Shards, OpenShard>>, BackendError> {
        let Some(number) = self.number() else { return Ok(None) };
        let wanted = |shards: &Shards| shards.get(number).is_some_and(|it| self.is_of(it));
        let get = |shards| OwnedRwLockReadGuard::try_map(shards, |it: &Shards| it.get(number)).ok();
        let mut shards = Arc::clone(&self.shared.shards).read_owned().await;
        if !wanted(&shards) {
            drop(shards);
            let mut alone = Arc::clone(&self.shared.shards).write_owned().await;
            if alone.get(number).is_some() && !wanted(&alone) {
                self.take_place_of_another(&mut alone, number).await?;
            }
            if alone.get(number).is_none() {
                self.load(&mut alone, number).await?;
            }
            shards = alone.downgrade();
        }
        let opened = get(shards);
        if let (Some(opened), Role::Writer(_)) = (&opened, &self.role) {
            opened.mark_written();
        }
        Ok(opened)
    }

    /// Whether a reader can be asked without further preparation.
    async fn is_loaded(&self) -> bool {
        let (Role::Reader(_), Some(number)) = (&self.role, self.number()) else { return false };
        let shards = self.shared.shards.read().await;
        shards.get(number).is_some_and(|opened| self.is_of(opened))
    }

    /// Whether it is the version that this view reads, and not another one with the same number.
    fn is_of(&self, opened: &OpenShard) -> bool {
        match &self.role {
            Role::Writer(_) => true,
            Role::Reader(pin) => opened.is_built_as(&pin.manifest),
        }
    }

    /// Unloads a shard that has this version's number and is another version: it was loaded before everything
    /// was removed and created again. Fails if this reader's own version is the one that is gone.
    async fn take_place_of_another(
        &self,
        shards: &mut Shards,
        number: u32,
    ) -> Result<(), BackendError> {
        if let VersionSelector::Pinned(manifest) = self.wanted() {
            let layout = self.shared.layout.clone();
            let check = move || versions::check_pinned(&layout, number, &manifest);
            self.shared.blocking(check).await?;
        }
        // All of them are under the lock that was taken for the former collection.
        let _ = self.shared.unload(shards, |_, opened| !opened.is_private()).await;
        Ok(())
    }

    async fn load(&self, shards: &mut Shards, number: u32) -> Result<(), BackendError> {
        if !matches!(&self.role, Role::Writer(writing) if writing.is_private()) {
            return self.shared.load(shards, number, self.wanted()).await;
        }
        let (layout, uncompacted) = (self.shared.layout.clone(), self.shared.uncompacted(number));
        let load = move || versions::load_private(&layout, number, uncompacted);
        shards.insert(number, self.shared.blocking(load).await?);
        Ok(())
    }

    /// Runs `op` on the shard, or returns `missing` where there is no such collection.
    ///
    /// Everything, the waiting included, runs in a task of its own: the caller's future may be one of many in
    /// a stream that polls them only when asked for the next, and a place in a queue, or the shard itself,
    /// would block everybody while its future is not polled.
    async fn on<T, F>(&self, missing: T, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&OpenShard) -> Result<T, EdgeProblem> + Send + 'static,
    {
        let view = self.clone();
        let done = tokio::spawn(async move {
            match view.opened().await? {
                Some(opened) => view.shared.blocking(move || op(&opened)).await,
                None => Ok(missing),
            }
        });
        done.await.unwrap_or_else(|join| Err(self.shared.broken(&join)))
    }

    /// Runs `op` on the shard of a collection that must exist.
    async fn on_existing<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&OpenShard) -> Result<T, EdgeProblem> + Send + 'static,
    {
        self.on(None, |opened| op(opened).map(Some)).await?.ok_or_else(|| self.missing())
    }

    fn missing(&self) -> BackendError {
        let message = format!("there is no collection {:?}", self.shared.layout.name());
        self.shared.error(Fault::NotFound, &message)
    }

    /// Runs `op` on the shard if it is loaded: an unloaded shard is durable.
    async fn on_loaded<F>(&self, op: F) -> Result<(), BackendError>
    where
        F: FnOnce(&OpenShard) -> Result<(), String> + Send + 'static,
    {
        self.writing()?;
        let Some(number) = self.number() else { return Ok(()) };
        let shards = Arc::clone(&self.shared.shards).read_owned().await;
        let run = move || Ok(shards.get(number).map_or(Ok(()), op)?);
        self.shared.blocking(run).await
    }

    /// All records of a kind, ordered by source.
    async fn records<T>(&self, kind: &'static str) -> Result<Vec<T>, BackendError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        if let Some(records) = self.listed(kind).await? {
            return Ok(records);
        }
        self.on(Vec::new(), move |opened| Ok(opened.records(kind)?.records()?)).await
    }

    /// The records without loading the shard. Needs no lock: as long as a listing exists, it is right.
    async fn listed<T>(&self, kind: &'static str) -> Result<Option<Vec<T>>, BackendError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let Some(number) = self.number() else { return Ok(None) };
        let (layout, wanted) = (self.shared.layout.clone(), self.wanted());
        self.shared
            .blocking(move || {
                if let VersionSelector::Pinned(manifest) = &wanted {
                    versions::check_pinned(&layout, number, manifest)?;
                }
                let listing = Listing::read(&layout.version(number), kind);
                Ok(listing.map(|listing| listing.records()).transpose()?)
            })
            .await
    }

    async fn put(&self, records: Vec<(Uuid, Payload)>) -> Result<(), BackendError> {
        self.writing()?;
        if records.is_empty() {
            return Ok(());
        }
        self.on_existing(move |opened| {
            space_checks::to_write(opened.version())?;
            let ids: Vec<Uuid> = records.iter().map(|(id, _)| *id).collect();
            Ok(opened.put(&ids, |shard| engine::upsert_records(shard, records))?)
        })
        .await
    }
}

#[async_trait]
impl VectorStore for VersionView {
    fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    async fn open(&self) -> Result<(), BackendError> {
        if self.is_loaded().await { Ok(()) } else { self.on((), |_| Ok(())).await }
    }

    async fn verify(&self) -> Result<(), BackendError> {
        self.on((), |opened| Ok(sums::check(opened.version(), sums::ChecksumDepth::Everything)?))
            .await
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        if let Some(records) = self.listed(DOCUMENT).await? {
            return Ok(records);
        }
        self.on(Vec::new(), |opened| {
            let mut records: Vec<DocumentRecord> = opened.records(DOCUMENT)?.records()?;
            records.retain(|record| opened.sees(record));
            Ok(records)
        })
        .await
    }

    async fn tally(&self) -> Result<Vec<ChunkTally>, BackendError> {
        self.on(Vec::new(), |opened| Ok(opened.with(engine::tally)?)).await
    }

    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        self.records(FAILURE).await
    }

    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        if hashes.is_empty() {
            return Ok(HashMap::new());
        }
        let hashes = hashes.to_vec();
        self.on(HashMap::new(), move |opened| {
            let mut found = HashMap::new();
            for batch in hashes.chunks(BATCH) {
                for (stored, vector) in opened.with(|shard| engine::vectors(shard, batch))? {
                    found.insert(payload::chunk_hash(&stored)?, vector);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError> {
        if request.limit == 0 || request.filter.sources.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Legs::default());
        }
        let eyes = self.eyes();
        self.on_existing(move |opened| search::search(opened, request, eyes)).await
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        if request.is_empty() {
            return Ok(ChunkList::default());
        }
        let eyes = self.eyes();
        self.on(ChunkList::default(), move |opened| Ok(opened.chunks(&request, eyes)?)).await
    }

    async fn points(&self, request: ChunkPage) -> Result<PointList, BackendError> {
        if request.is_empty() {
            return Ok(PointList::default());
        }
        let eyes = self.eyes();
        self.on(PointList::default(), move |opened| Ok(opened.points(&request, eyes)?)).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        let eyes = self.eyes();
        self.on(0, move |opened| Ok(opened.count_chunks(eyes)? as u64)).await
    }

    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError> {
        self.on(ForeignPoints::default(), |opened| Ok(opened.with(engine::foreign)?)).await
    }
}
