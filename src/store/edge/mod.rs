//! [`VectorStore`] in this process: Qdrant's embedded engine over a directory.
//!
//! The engine is synchronous, so it runs on the blocking pool. Its shard is loaded at the first
//! operation that needs it, by one process at a time: see [`VectorStore::release`].

mod engine;
mod guard;
mod layout;
mod lock;
mod opened;
mod space;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use self::layout::Layout;
use self::lock::{Attempt, CollectionLock};
use self::opened::Opened;
use super::payload::{self, DOCUMENT, FAILURE, Payload};
use super::{Legs, SearchRequest, VectorStore, check_name};
use crate::error::{BackendError, Fault, Service};
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Manifest, Point, Tally};

/// What a command wants of a collection. Both need it alone; only a writer changes or tidies it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Read,
    Write,
}

/// A collection in a directory of this machine.
pub struct EdgeStore {
    layout: Layout,
    endpoint: String,
    access: Access,
    wait: Duration,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// Values in one filter condition.
const BATCH: usize = 512;

const EXISTS: &str = "the collection exists already";

impl EdgeStore {
    /// How long another process may keep the collection before that is an error.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);

    /// The collection `name` under the data directory. Reads and writes nothing yet.
    pub fn open(data: &Path, name: &str, access: Access) -> Result<Self, BackendError> {
        let layout = Layout::new(data, name);
        let endpoint = layout.pointer().display().to_string();
        check_name(name).map_err(|why| {
            BackendError::new(Service::Store, Fault::Permanent, data.display().to_string(), &why)
        })?;
        Ok(Self { layout, endpoint, access, wait: Self::DEFAULT_WAIT, opened: Mutex::new(None) })
    }

    /// Waits so long for another process to finish with the collection.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// The loaded shard; `None` where there is no such collection.
    async fn opened(&self) -> Result<Option<Arc<Opened>>, BackendError> {
        let mut state = self.opened.lock().await;
        if state.is_none() {
            let access = self.access;
            let loaded = self.when_free(move |layout| load(layout, access)).await?;
            *state = loaded.map(Arc::new);
        }
        Ok(state.clone())
    }

    /// Runs `op`, again while another process has the collection. Polls: no system offers to wait
    /// for a file lock with a time limit.
    async fn when_free<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: Fn(&Layout) -> Result<T, Problem> + Clone + Send + 'static,
    {
        const PAUSE: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + self.wait;
        loop {
            let (layout, op) = (self.layout.clone(), op.clone());
            match self.blocking(move || op(&layout)).await {
                Err(error) if error.fault == Fault::Busy && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs `op` on the shard, or gives `missing` where there is no such collection.
    async fn on<T, F>(&self, missing: T, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Opened) -> Result<T, Problem> + Send + 'static,
    {
        match self.opened().await? {
            Some(opened) => self.blocking(move || op(&opened)).await,
            None => Ok(missing),
        }
    }

    /// Runs `op` on the shard of a collection that must be there.
    async fn on_existing<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Opened) -> Result<T, Problem> + Send + 'static,
    {
        let Some(opened) = self.opened().await? else {
            let message = format!("there is no collection {:?}", self.layout.name());
            return Err(self.error(Fault::NotFound, &message));
        };
        self.blocking(move || op(&opened)).await
    }

    async fn blocking<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(op).await {
            Ok(outcome) => {
                outcome.map_err(|Problem { fault, message }| self.error(fault, &message))
            }
            Err(join) => Err(self.error(Fault::Permanent, &format!("internal error: {join}"))),
        }
    }

    /// All records of a kind, in no order.
    async fn records<T: Send + 'static>(
        &self,
        kind: &'static str,
        read: fn(Payload) -> Result<T, String>,
    ) -> Result<Vec<T>, BackendError> {
        self.on(Vec::new(), move |opened| {
            let payloads = opened.with(|shard| engine::records(shard, kind))?;
            Ok(payloads.into_iter().map(read).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn put(&self, records: Vec<(Uuid, Payload)>) -> Result<(), BackendError> {
        self.writable()?;
        if records.is_empty() {
            return Ok(());
        }
        self.on_existing(move |opened| {
            space::check(opened.version())?;
            Ok(opened.with(|shard| engine::upsert_records(shard, records))?)
        })
        .await
    }

    fn writable(&self) -> Result<(), BackendError> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => {
                Err(self.error(Fault::Permanent, "the collection was opened for reading only"))
            }
        }
    }

    fn error(&self, fault: Fault, message: &str) -> BackendError {
        BackendError::new(Service::Store, fault, self.endpoint.clone(), message)
    }
}

/// What went wrong, before it is known of which collection.
struct Problem {
    fault: Fault,
    message: String,
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self { fault: Fault::Permanent, message }
    }
}

#[async_trait]
impl VectorStore for EdgeStore {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        let layout = self.layout.clone();
        // Neither lock nor shard: the files are replaced atomically.
        self.blocking(move || {
            Ok(layout.current()?.map(|version| layout::read_manifest(&version)).transpose()?)
        })
        .await
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.writable()?;
        let mut state = self.opened.lock().await;
        if state.is_some() {
            return Err(self.error(Fault::Permanent, EXISTS));
        }
        let manifest = manifest.clone();
        let created = self.when_free(move |layout| create(layout, &manifest)).await?;
        *state = Some(Arc::new(created));
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
        let mut state = self.opened.lock().await;
        if let Some(opened) = state.take() {
            // What can't be flushed any more need not be. The lock goes with the value.
            let closed = self.blocking(move || Ok(opened.close()?)).await;
            drop(closed);
        }
        self.when_free(remove).await
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        let mut documents = self.records(DOCUMENT, payload::to_document).await?;
        documents.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(documents)
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.writable()?;
        if points.is_empty() {
            return Ok(());
        }
        self.on_existing(move |opened| {
            space::check(opened.version())?;
            let count = points.len();
            opened.with(|shard| engine::upsert_chunks(shard, points))?;
            Ok(opened.wrote(count)?)
        })
        .await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        let payload = |record: &DocumentRecord| payload::of_document(record.clone());
        self.put(records.iter().map(|r| (DocumentRecord::id(&r.source), payload(r))).collect())
            .await
    }

    async fn delete_chunks(&self, source: &str, keep: &[Uuid]) -> Result<(), BackendError> {
        self.writable()?;
        let (sources, keep) = ([source.to_owned()], keep.to_vec());
        self.on((), move |opened| {
            Ok(opened.with(|shard| engine::delete_chunks(shard, &sources, &keep))?)
        })
        .await
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        self.writable()?;
        let sources = sources.to_vec();
        self.on((), move |opened| {
            for batch in sources.chunks(BATCH) {
                opened.with(|shard| {
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
        let mut failures = self.records(FAILURE, payload::to_failure).await?;
        failures.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(failures)
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
        self.on((), move |opened| Ok(opened.with(|shard| engine::delete_records(shard, &ids))?))
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
        self.on_existing(move |opened| search(opened, request)).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.on(0, |opened| Ok(opened.with(engine::count_chunks)? as u64)).await
    }

    async fn flush(&self) -> Result<(), BackendError> {
        // Nothing was written through a shard that was never loaded.
        let Some(opened) = self.opened.lock().await.clone() else { return Ok(()) };
        self.blocking(move || Ok(opened.flush()?)).await
    }

    async fn optimize(&self) -> Result<(), BackendError> {
        self.writable()?;
        self.on((), |opened| Ok(opened.optimize()?)).await
    }

    async fn release(&self) -> Result<(), BackendError> {
        match self.opened.lock().await.take() {
            Some(opened) => self.blocking(move || Ok(opened.close()?)).await,
            None => Ok(()),
        }
    }

    /// Goes without the engine's flush, which syncs every file and has nothing to write. The
    /// collection stays locked until the process is gone.
    async fn leave(&self) {
        if let Some(opened) = self.opened.lock().await.take() {
            opened.leave();
        }
    }
}

/// Locks and loads the version in use; `None` where there is no such collection.
fn load(layout: &Layout, access: Access) -> Result<Option<Opened>, Problem> {
    if layout.current()?.is_none() {
        return Ok(None);
    }
    let lock = locked(layout)?;
    // It may have been dropped or replaced since.
    let Some(version) = layout.current()? else { return Ok(None) };
    Opened::load(&version, access, lock).map(Some).map_err(|why| {
        // The engine's own lock: a process that is just ending, or one without docent's.
        if why.contains("WouldBlock") {
            busy("another process")
        } else {
            format!("can't open {}: {why}", version.display()).into()
        }
    })
}

fn locked(layout: &Layout) -> Result<CollectionLock, Problem> {
    let path = layout.lock();
    match lock::attempt(&path) {
        Ok(Attempt::Held(lock)) => Ok(lock),
        Ok(Attempt::Busy(holder)) => Err(busy(&holder)),
        Err(error) => Err(format!("can't lock {}: {error}", path.display()).into()),
    }
}

fn busy(holder: &str) -> Problem {
    Problem { fault: Fault::Busy, message: format!("collection is in use by {holder}") }
}

fn remove(layout: &Layout) -> Result<(), Problem> {
    if !layout.root().is_dir() {
        return Ok(());
    }
    let _lock = locked(layout)?;
    Ok(layout.remove().map_err(|error| format!("the collection can't be removed: {error}"))?)
}

/// Builds version 1 and points to it last. Leftovers of a creation that was cut off go first.
fn create(layout: &Layout, manifest: &Manifest) -> Result<Opened, Problem> {
    const FIRST: u32 = 1;
    let describe = |error: std::io::Error| format!("can't create the collection: {error}");
    layout.prepare().map_err(describe)?;
    space::check(layout.root())?;
    let lock = locked(layout)?;
    if layout.current()?.is_some() {
        return Err(EXISTS.to_owned().into());
    }
    layout.remove().map_err(describe)?;
    let version = layout.version(FIRST);
    let opened = Opened::create(&version, manifest.embedder.dimensions, lock)?;
    layout::write_manifest(&version, manifest).map_err(describe)?;
    layout.point_to(FIRST).map_err(describe)?;
    Ok(opened)
}

fn search(opened: &Opened, request: SearchRequest) -> Result<Legs, Problem> {
    let search = engine::Search {
        filter: engine::filter(&request.filter),
        limit: request.limit,
        min_score: request.min_score,
    };
    let (dense, sparse) = opened.with(|shard| {
        let dense = request.dense.map(|vector| engine::dense_leg(shard, &search, vector));
        let sparse = request
            .sparse
            .filter(|vector| !vector.indices.is_empty())
            .map(|vector| engine::sparse_leg(shard, &search, vector));
        Ok((dense.transpose()?, sparse.transpose()?))
    })?;
    let chunks = |points: Option<Vec<_>>| {
        points.unwrap_or_default().into_iter().map(engine::scored).collect::<Result<Vec<_>, _>>()
    };
    Ok(Legs { dense: chunks(dense)?, sparse: chunks(sparse)? })
}

#[cfg(test)]
mod tests;
