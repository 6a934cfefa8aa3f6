//! The shard of a store: loaded when it is needed, and worked with on the blocking pool.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use serde::de::DeserializeOwned;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::task::JoinError;
use tokio::time::Instant;
use uuid::Uuid;

use super::layout::Layout;
use super::listing::Listing;
use super::opened::Opened;
use super::{Access, EdgeStore, engine, keys, space, versions};
use crate::error::{BackendError, Fault, Service};
use crate::store::payload::Payload;
use crate::store::{Legs, SearchRequest};
use crate::types::Scored;

/// `None` while it is not loaded.
pub(super) type Shard = Arc<RwLock<Option<Opened>>>;

/// What went wrong, before it is known of which collection.
pub(super) struct Problem {
    pub(super) fault: Fault,
    pub(super) message: String,
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        let fault = if space::is_lacking(&message) { Fault::Full } else { Fault::Permanent };
        Self { fault, message }
    }
}

impl EdgeStore {
    /// The loaded shard; `None` where there is no such collection.
    pub(super) async fn opened(
        &self,
    ) -> Result<Option<OwnedRwLockReadGuard<Option<Opened>>>, BackendError> {
        let shard = Arc::clone(&self.opened).read_owned().await;
        if shard.is_some() {
            return Ok(Some(shard));
        }
        drop(shard);
        let mut shard = Arc::clone(&self.opened).write_owned().await;
        if shard.is_none() {
            *shard = self.load().await?;
        }
        Ok(shard.is_some().then(|| shard.downgrade()))
    }

    pub(super) async fn load(&self) -> Result<Option<Opened>, BackendError> {
        let (access, uncompacted) = (self.access, Arc::clone(&self.uncompacted));
        if let Some(number) = self.unpublished().map(|next| next.number) {
            let layout = self.layout.clone();
            return self
                .blocking(move || versions::load_unpublished(&layout, number, uncompacted))
                .await;
        }
        let seen = self.seen.load(Ordering::Relaxed);
        let load =
            move |layout: &Layout| versions::load(layout, access, seen, Arc::clone(&uncompacted));
        let started = Instant::now();
        let loaded = self.when_free(self.turn().await, load).await?;
        self.tenure().begin(started.elapsed());
        Ok(loaded)
    }

    pub(super) async fn unload(&self, opened: Option<Opened>) -> Result<(), BackendError> {
        match opened {
            Some(opened) => self.blocking(move || Ok(opened.close()?)).await,
            None => Ok(()),
        }
    }

    /// Runs `op` on the shard, or gives `missing` where there is no such collection.
    ///
    /// In a task of its own, from the waiting on: the caller's future may be one of many in a stream
    /// that polls them when it is asked for the next, and a place in a queue, or the shard itself,
    /// that nobody polls would hold up everybody.
    pub(super) async fn on<T, F>(&self, missing: T, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Opened) -> Result<T, Problem> + Send + 'static,
    {
        let store = self.clone();
        let done = tokio::spawn(async move {
            match store.opened().await? {
                Some(shard) => store.blocking(move || shard.as_ref().map_or(Ok(missing), op)).await,
                None => Ok(missing),
            }
        });
        done.await.unwrap_or_else(|join| Err(self.broken(&join)))
    }

    /// Runs `op` on the shard of a collection that must be there.
    pub(super) async fn on_existing<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Opened) -> Result<T, Problem> + Send + 'static,
    {
        let missing = || {
            let message = format!("there is no collection {:?}", self.layout.name());
            self.error(Fault::NotFound, &message)
        };
        self.on(None, |opened| op(opened).map(Some)).await?.ok_or_else(missing)
    }

    /// Runs `op` on the shard where it is loaded: nothing was written through one that is not.
    pub(super) async fn on_loaded(
        &self,
        op: impl FnOnce(&Opened) -> Result<(), String> + Send + 'static,
    ) -> Result<(), BackendError> {
        let shard = Arc::clone(&self.opened).read_owned().await;
        self.blocking(move || shard.as_ref().map_or(Ok(()), op).map_err(Problem::from)).await
    }

    pub(super) async fn blocking<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(op).await {
            Ok(outcome) => {
                outcome.map_err(|Problem { fault, message }| self.error(fault, &message))
            }
            Err(join) => Err(self.broken(&join)),
        }
    }

    fn broken(&self, join: &JoinError) -> BackendError {
        self.error(Fault::Permanent, &format!("internal error: {join}"))
    }

    /// All records of a kind, ordered by source.
    pub(super) async fn records<T>(&self, kind: &'static str) -> Result<Vec<T>, BackendError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        if let Some(records) = self.listed(kind).await? {
            return Ok(records);
        }
        self.on(Vec::new(), move |opened| Ok(opened.records(kind)?.records()?)).await
    }

    /// The same without the shard. Needs no lock: while there is a listing, it is right.
    async fn listed<T>(&self, kind: &'static str) -> Result<Option<Vec<T>>, BackendError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (layout, seen) = (self.layout.clone(), self.seen.load(Ordering::Relaxed));
        let unpublished = self.unpublished().map(|next| next.number);
        let reads = self.access == Access::Read;
        self.blocking(move || {
            let Some(number) = unpublished.map_or_else(|| layout.current(), |n| Ok(Some(n)))?
            else {
                return Ok(None);
            };
            // As where the shard is loaded: a reader gets the version it knows.
            let foreign = reads && seen != 0 && seen != number;
            let listing = Listing::read(&layout.version(number), kind).filter(|_| !foreign);
            Ok(listing.map(|listing| listing.records()).transpose()?)
        })
        .await
    }

    pub(super) async fn put(&self, records: Vec<(Uuid, Payload)>) -> Result<(), BackendError> {
        self.writable()?;
        if records.is_empty() {
            return Ok(());
        }
        self.on_existing(move |opened| {
            space::to_write(opened.version())?;
            let ids: Vec<Uuid> = records.iter().map(|(id, _)| *id).collect();
            Ok(opened.put(&ids, |shard| engine::upsert_records(shard, records))?)
        })
        .await
    }

    pub(super) fn writable(&self) -> Result<(), BackendError> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => {
                Err(self.error(Fault::Permanent, "the collection was opened for reading only"))
            }
        }
    }

    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        BackendError::new(Service::Store, fault, self.endpoint.clone(), message)
    }
}

/// Both legs at once, the dense one on a thread of its own: it looks at every vector, the other at
/// every posting of the query's terms. What is written meanwhile, one of them may see alone.
pub(super) fn search(opened: &Opened, request: SearchRequest) -> Result<Legs, Problem> {
    let search = engine::Search {
        filter: keys::filter(&request.filter),
        limit: request.limit,
        min_score: request.min_score,
    };
    let chunks = |points: Result<Vec<_>, String>| -> Result<Vec<Scored>, String> {
        points?.into_iter().map(engine::scored).collect()
    };
    let dense = |vector| chunks(opened.with(|shard| engine::dense_leg(shard, &search, vector)));
    let sparse = |vector| chunks(opened.with(|shard| engine::sparse_leg(shard, &search, vector)));
    let terms = request.sparse.filter(|vector| !vector.indices.is_empty());
    thread::scope(|scope| {
        let dense = request.dense.map(|vector| scope.spawn(move || dense(vector)));
        let sparse = terms.map(sparse);
        let idf = opened.with(|shard| {
            let idf = request.idf_of.iter().filter_map(|&term| {
                engine::idf(shard, term).map(|idf| idf.map(|idf| (term, idf))).transpose()
            });
            idf.collect()
        });
        let dense = dense.map(|leg| leg.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok(Legs {
            dense: dense.transpose()?.unwrap_or_default(),
            sparse: sparse.transpose()?.unwrap_or_default(),
            idf: idf?,
        })
    })
}
