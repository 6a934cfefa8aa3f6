//! [`VectorStore`] in this process: Qdrant's embedded engine over a directory.
//!
//! The engine is synchronous, so it runs on the blocking pool. Its shard is loaded at the first
//! operation that needs it, by one process at a time: [`turns`] says who, and how an ingest and
//! those who ask meanwhile get along. A collection is a version that a pointer names: [`layout`]
//! says where, [`versions`] how one takes the place of another.
//!
//! What a crash leaves is the state at the last [`VectorStore::flush`], and perhaps points that were
//! added while segments were made anew ([`compaction`]), in their order; nothing else is made durable
//! in between. Disk use stays bounded: the engine never shortens its log, so it is cut down to its
//! last part whenever a shard is unloaded, and what a killed process left unfinished is removed by
//! the next writer.

mod compaction;
mod engine;
mod guard;
mod keys;
mod layout;
mod listing;
mod lock;
mod opened;
mod shard;
mod space;
mod turns;
mod versions;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::layout::Layout;
use self::opened::Opened;
use self::shard::Shard;
use self::turns::{Tenure, Turn};
use self::versions::{Uncompacted, WriterLock};
use super::payload::{self, DOCUMENT, FAILURE};
use super::{ChunkList, ChunkPage, Legs, OnWait, SearchRequest, VectorStore, check_name};
use crate::error::{BackendError, Fault, Service};
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Manifest, Point, Tally};

/// What a command wants of a collection. Both need it alone; only a writer changes or tidies it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Read,
    Write,
}

/// A collection in a directory of this machine.
#[derive(Clone)]
pub struct EdgeStore {
    layout: Layout,
    endpoint: String,
    access: Access,
    wait: Duration,
    on_wait: OnWait,
    /// A successor has that of the store it was made by.
    writer: Arc<Mutex<Option<WriterLock>>>,
    opened: Shard,
    uncompacted: Uncompacted,
    tenure: Arc<std::sync::Mutex<Tenure>>,
    /// Version whose manifest was read last, 0 before.
    seen: Arc<AtomicU32>,
    next: Option<Arc<Next>>,
}

/// What makes a store a successor.
struct Next {
    number: u32,
    published: AtomicBool,
    /// The shard of the version it replaces, where it is loaded.
    replaces: Shard,
}

/// Values in one filter condition.
const BATCH: usize = 512;

const EXISTS: &str = "the collection exists already";

impl EdgeStore {
    /// How long another process may keep the collection before that is an error.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);

    /// The collection `name` under the data directory. Reads and writes nothing yet.
    pub fn open(data: &Path, name: &str, access: Access) -> Result<Self, BackendError> {
        let layout = Layout::new(data, name);
        check_name(name).map_err(|why| {
            BackendError::new(Service::Store, Fault::Permanent, data.display().to_string(), &why)
        })?;
        Ok(Self::on_layout(layout, access, Arc::default(), None))
    }

    /// The directory under the data directory that collections are in.
    pub fn home(data: &Path) -> PathBuf {
        layout::home(data)
    }

    fn on_layout(
        layout: Layout,
        access: Access,
        writer: Arc<Mutex<Option<WriterLock>>>,
        next: Option<Arc<Next>>,
    ) -> Self {
        Self {
            endpoint: layout.pointer().display().to_string(),
            layout,
            access,
            wait: Self::DEFAULT_WAIT,
            on_wait: Arc::new(|_| ()),
            writer,
            opened: Shard::default(),
            uncompacted: Uncompacted::default(),
            tenure: Arc::default(),
            seen: Arc::default(),
            next,
        }
    }

    /// Waits so long for another process to finish with the collection.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Tells whom it waits for.
    #[must_use]
    pub fn on_wait(self, on_wait: OnWait) -> Self {
        Self { on_wait, ..self }
    }

    /// The number of the version that only this store knows.
    fn unpublished(&self) -> Option<&Next> {
        self.next.as_deref().filter(|next| !next.published.load(Ordering::Acquire))
    }

    /// The shard of the version that others know, where this store is not on it.
    fn replaced(&self) -> Option<&Shard> {
        self.unpublished().map(|next| &next.replaces)
    }
}

#[async_trait]
impl VectorStore for EdgeStore {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        let layout = self.layout.clone();
        if let Some(number) = self.unpublished().map(|next| next.number) {
            return self
                .blocking(move || Ok(layout::read_manifest(&layout.version(number))?))
                .await;
        }
        let found = self.blocking(move || versions::manifest(&layout)).await?;
        Ok(found.map(|(number, manifest)| {
            self.seen.store(number, Ordering::Relaxed);
            manifest
        }))
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        if let Some(next) = self.unpublished() {
            return Ok(Some(next.number));
        }
        let layout = self.layout.clone();
        self.blocking(move || Ok(layout.current()?)).await
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.lock().await?;
        let mut shard = self.opened.write().await;
        if shard.is_some() {
            return Err(self.error(Fault::Permanent, EXISTS));
        }
        let (manifest, uncompacted) = (manifest.clone(), Arc::clone(&self.uncompacted));
        let next = self.unpublished().map(|next| next.number);
        let create = move |layout: &Layout| {
            let uncompacted = Arc::clone(&uncompacted);
            match next {
                Some(number) => {
                    versions::create_unpublished(layout, number, &manifest, uncompacted)
                }
                None => versions::create(layout, &manifest, uncompacted),
            }
        };
        *shard = Some(self.when_free(self.turn().await, create).await?);
        Ok(())
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.writable()?;
        let manifest = manifest.clone();
        self.on_existing(move |opened| {
            Ok(layout::write_manifest(opened.version(), &manifest).map_err(|e| e.to_string())?)
        })
        .await
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        self.writable()?;
        if !self.layout.root().is_dir() {
            return Ok(());
        }
        self.lock().await?;
        let mut shard = self.opened.write().await;
        // What can't be flushed any more need not be. The lock goes with the value.
        let closed = self.unload(shard.take()).await;
        drop(closed);
        let next = self.unpublished().map(|next| next.number);
        let remove = move |layout: &Layout| match next {
            Some(number) => versions::remove_unpublished(layout, number),
            None => versions::remove(layout),
        };
        self.when_free(self.turn().await, remove).await
    }

    async fn lock(&self) -> Result<(), BackendError> {
        self.writable()?;
        let mut writer = self.writer.lock().await;
        if writer.is_none() {
            *writer =
                Some(self.when_free(Turn::among_writers(self.wait), versions::writer_lock).await?);
        }
        Ok(())
    }

    async fn unlock(&self) {
        let lock = self.writer.lock().await.take();
        let _ = tokio::task::spawn_blocking(move || drop(lock)).await;
    }

    async fn pause(&self) -> Result<(), BackendError> {
        self.stand_back().await
    }

    async fn successor(&self) -> Result<Arc<dyn VectorStore>, BackendError> {
        self.lock().await?;
        if self.unpublished().is_some() {
            let message = "a version that is not published has no successor";
            return Err(self.error(Fault::Permanent, message));
        }
        let layout = self.layout.clone();
        let current = self.blocking(move || Ok(layout.current()?)).await?;
        let next = Next {
            number: current.unwrap_or(0) + 1,
            published: AtomicBool::new(false),
            replaces: Arc::clone(&self.opened),
        };
        let (layout, writer) = (self.layout.clone(), Arc::clone(&self.writer));
        let successor = Self::on_layout(layout, self.access, writer, Some(Arc::new(next)))
            .wait(self.wait)
            .on_wait(Arc::clone(&self.on_wait));
        Ok(Arc::new(successor))
    }

    async fn publish(&self) -> Result<(), BackendError> {
        let Some(next) = self.unpublished() else {
            return Err(self.error(Fault::Permanent, "only a successor can be published"));
        };
        let mut shard = self.opened.write().await;
        self.unload(shard.take()).await?;
        // Nobody of this process may have the former version open, or it could not be removed.
        // What it can't flush is of no use any more.
        let mut replaced = next.replaces.write().await;
        let closed = self.unload(replaced.take()).await;
        drop(closed);
        let (layout, number) = (self.layout.clone(), next.number);
        self.blocking(move || versions::publish(&layout, number)).await?;
        next.published.store(true, Ordering::Release);
        Ok(())
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        self.records(DOCUMENT).await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.writable()?;
        if points.is_empty() {
            return Ok(());
        }
        self.on_existing(move |opened| {
            space::to_write(opened.version())?;
            let ids: Vec<Uuid> = points.iter().map(|point| point.chunk.id()).collect();
            opened.put(&ids, |shard| engine::upsert_chunks(shard, points))?;
            opened.wrote(ids.len());
            Ok(())
        })
        .await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        let payload = |record: &DocumentRecord| payload::of_document(record.clone());
        self.put(records.iter().map(|r| (DocumentRecord::id(&r.source), payload(r))).collect())
            .await
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        self.writable()?;
        let (sources, keep) = (sources.to_vec(), keep.to_vec());
        self.on((), move |opened| {
            space::to_open(&layout::shard(opened.version()))?;
            Ok(opened.delete(|shard| engine::delete_chunks(shard, &sources, &keep))?)
        })
        .await
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        self.writable()?;
        let sources = sources.to_vec();
        self.on((), move |opened| {
            for batch in sources.chunks(BATCH) {
                space::to_open(&layout::shard(opened.version()))?;
                opened.delete(|shard| {
                    engine::delete_chunks(shard, batch, &[])?;
                    let ids: Vec<Uuid> = batch.iter().map(|s| DocumentRecord::id(s)).collect();
                    engine::delete_records(shard, &ids)
                })?;
            }
            Ok(())
        })
        .await
    }

    async fn tally(&self) -> Result<Vec<Tally>, BackendError> {
        self.on(Vec::new(), |opened| Ok(opened.with(engine::tally)?)).await
    }

    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        self.records(FAILURE).await
    }

    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        let payload = |record: &FailureRecord| payload::of_failure(record.clone());
        self.put(records.iter().map(|r| (FailureRecord::id(&r.source), payload(r))).collect()).await
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        self.writable()?;
        if sources.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = sources.iter().map(|source| FailureRecord::id(source)).collect();
        self.on((), move |opened| Ok(opened.delete(|shard| engine::delete_records(shard, &ids))?))
            .await
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
        self.on_existing(move |opened| shard::search(opened, request)).await
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        if request.is_empty() {
            return Ok(ChunkList::default());
        }
        self.on(ChunkList::default(), move |opened| {
            Ok(opened.with(|shard| engine::chunks(shard, &request))?)
        })
        .await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.on(0, |opened| Ok(opened.with(engine::count_chunks)? as u64)).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.on_loaded(Opened::flush).await
    }

    async fn checkpoint(&self) -> Result<(), BackendError> {
        self.on_loaded(Opened::checkpoint).await
    }

    async fn optimize(&self) -> Result<(), BackendError> {
        self.writable()?;
        self.on((), |opened| Ok(opened.optimize()?)).await
    }

    async fn release(&self) -> Result<(), BackendError> {
        let mut shard = self.opened.write().await;
        self.unload(shard.take()).await
    }

    /// Goes without the engine's flush, which syncs every file and has nothing to write. The
    /// collection stays locked until the process is gone.
    async fn leave(&self) {
        if let Some(opened) = self.opened.write().await.take() {
            opened.leave();
        }
    }
}

#[cfg(test)]
mod tests;
