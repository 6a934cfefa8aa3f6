//! State shared by all readers and writers of a collection in this process.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::RwLock;
use tokio::task::JoinError;
use uuid::Uuid;

use super::guard::held;
use super::layout::EdgeLayout;
use super::problem::EdgeProblem;
use super::shards::Shards;
use super::version_cache::VersionCache;
use super::versions::Uncompacted;
use crate::error::{BackendError, ExternalService, Fault};
use crate::store::OnWait;

/// How to wait for other processes that have the collection.
#[derive(Clone)]
pub struct EdgeOptions {
    /// How long to wait before failing.
    pub wait: Duration,
    pub on_wait: OnWait,
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self { wait: Duration::from_secs(10), on_wait: Arc::new(|_| ()) }
    }
}

/// State shared by all readers and writers of a collection in this process.
pub(super) struct SharedState {
    pub(super) layout: EdgeLayout,
    pub(super) endpoint: String,
    pub(super) options: EdgeOptions,
    pub(super) current: VersionCache,
    pub(super) shards: Arc<RwLock<Shards>>,
    /// Held, shared, by changes that others see as a whole or not at all, and exclusively to let others have
    /// the collection.
    pub(super) changes: Arc<RwLock<()>>,
    /// Number of readers of each version.
    pub(super) pins: Mutex<BTreeMap<u32, usize>>,
    /// Whether this process has the right to change the collection.
    pub(super) written: AtomicBool,
    /// The run whose unfinished version is kept so that it can be resumed.
    pub(super) resumable: Mutex<Option<Uuid>>,
    /// By version.
    pub(super) uncompacted: Mutex<BTreeMap<u32, Uncompacted>>,
    /// Error for the next call of the writer: a write failed while nobody was waiting for it.
    pub(super) failed: Mutex<Option<BackendError>>,
}

impl SharedState {
    pub(super) fn new(layout: EdgeLayout, options: EdgeOptions) -> Self {
        Self {
            endpoint: layout.pointer().display().to_string(),
            layout,
            options,
            current: VersionCache::default(),
            shards: Arc::default(),
            changes: Arc::default(),
            pins: Mutex::default(),
            written: AtomicBool::new(false),
            resumable: Mutex::default(),
            uncompacted: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    pub(super) async fn blocking<T, F>(&self, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, EdgeProblem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(op).await {
            Ok(outcome) => {
                outcome.map_err(|EdgeProblem { fault, message }| self.error(fault, &message))
            }
            Err(join) => Err(self.broken(&join)),
        }
    }

    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        BackendError::new(ExternalService::Store, fault, self.endpoint.clone(), message)
    }

    pub(super) fn broken(&self, join: &JoinError) -> BackendError {
        self.error(Fault::Permanent, &format!("internal error: {join}"))
    }

    pub(super) fn is_pinned(&self, number: u32) -> bool {
        held(&self.pins).contains_key(&number)
    }

    pub(super) fn uncompacted(&self, number: u32) -> Uncompacted {
        Arc::clone(held(&self.uncompacted).entry(number).or_default())
    }
}
