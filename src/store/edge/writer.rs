//! The right to change a collection, and its use.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::guard::held;
use super::layout::EdgeLayout;
use super::lock;
use super::lock_turns::WaitPolicy;
use super::marks;
use super::open_shard::OpenShard;
use super::shared::SharedState;
use super::versions::{self, WriterLock};
use crate::error::{BackendError, Fault};
use crate::types::VersionEntry;

/// The right to change a collection. A successor shares it with the writer that made it.
struct Right {
    shared: Arc<SharedState>,
    /// `None` once it was given back.
    lock: Mutex<Option<WriterLock>>,
}

impl Right {
    fn give_back(&self) -> Option<WriterLock> {
        let lock = held(&self.lock).take()?;
        held(&self.shared.resumable).take();
        self.shared.written.store(false, Ordering::Release);
        Some(lock)
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// One version that is being written.
pub(super) struct VersionWriter {
    right: Arc<Right>,
    /// 0 until it is created.
    number: AtomicU32,
    successor: Option<Successor>,
}

/// A version that only its writer knows until it is published.
struct Successor {
    number: u32,
    published: AtomicBool,
    aside: AtomicBool,
}

impl VersionWriter {
    /// Waits for the right to change the collection. Removes what another writer left behind, except what is
    /// to be [resumed](Self::resume).
    pub(super) async fn begin(
        shared: &Arc<SharedState>,
        resumable: Option<Uuid>,
    ) -> Result<Self, BackendError> {
        let lock =
            shared.when_free(shared.wait_policy_for_writers(), versions::writer_lock).await?;
        shared.written.store(true, Ordering::Release);
        *held(&shared.resumable) = resumable;
        let right = Arc::new(Right { shared: Arc::clone(shared), lock: Mutex::new(Some(lock)) });
        let layout = shared.layout.clone();
        let number = shared
            .blocking(move || {
                let number = versions::checked(&layout)?;
                number.map_or(Ok(()), |number| versions::mark_if_cut_off(&layout, number))?;
                Ok(number)
            })
            .await?;
        shared.forget_unfinished().await;
        shared.remove_others(WaitPolicy::BRIEF).await;
        Ok(Self { right, number: AtomicU32::new(number.unwrap_or(0)), successor: None })
    }

    /// For filling the next version.
    pub(super) async fn successor(&self) -> Result<Self, BackendError> {
        let shared = &self.right.shared;
        self.check()?;
        if self.is_private() {
            let message = "a version that is not published has no successor";
            return Err(shared.error(Fault::Permanent, message));
        }
        let layout = shared.layout.clone();
        let number = shared.blocking(move || versions::next(&layout)).await?;
        let successor =
            Successor { number, published: AtomicBool::new(false), aside: AtomicBool::new(false) };
        let right = Arc::clone(&self.right);
        Ok(Self { right, number: AtomicU32::new(0), successor: Some(successor) })
    }

    /// For filling the version that this run has begun and left unfinished.
    pub(super) async fn resume(&self, run: Uuid) -> Result<Option<Self>, BackendError> {
        let shared = &self.right.shared;
        self.check()?;
        let layout = shared.layout.clone();
        let found = move || {
            let found = versions::left_by(&layout, run)?;
            found.map_or(Ok(()), |number| versions::mark_if_cut_off(&layout, number))?;
            Ok(found)
        };
        let Some(number) = shared.blocking(found).await? else { return Ok(None) };
        let successor =
            Successor { number, published: AtomicBool::new(false), aside: AtomicBool::new(false) };
        let right = Arc::clone(&self.right);
        Ok(Some(Self { right, number: AtomicU32::new(number), successor: Some(successor) }))
    }

    /// For changing a version that stays beside the live one.
    pub(super) async fn beside(&self, number: u32) -> Result<Self, BackendError> {
        let shared = &self.right.shared;
        self.check()?;
        let layout = shared.layout.clone();
        let marked = move || {
            let entries = marks::entries(&layout)?;
            let is_it = |entry: &VersionEntry| entry.number == number && entry.state.is_complete();
            if !entries.iter().any(is_it) {
                return Err(marks::missing(&layout, number));
            }
            versions::mark_if_cut_off(&layout, number)
        };
        shared.blocking(marked).await?;
        let yes = || AtomicBool::new(true);
        let successor = Some(Successor { number, published: yes(), aside: yes() });
        Ok(Self { right: Arc::clone(&self.right), number: AtomicU32::new(number), successor })
    }

    /// Whether the right was not given back yet.
    pub(super) fn is_open(&self) -> bool {
        held(&self.right.lock).is_some()
    }

    /// Fails after the right was given back, and after a write has failed.
    pub(super) fn check(&self) -> Result<(), BackendError> {
        let shared = &self.right.shared;
        if !self.is_open() {
            return Err(shared.error(Fault::Permanent, "its writer was closed"));
        }
        held(&shared.failed).clone().map_or(Ok(()), Err)
    }

    /// The number of the version, if it was created.
    pub(super) fn number(&self) -> Option<u32> {
        Some(self.number.load(Ordering::Acquire)).filter(|number| *number > 0)
    }

    /// The number that was reserved for the version to be created; `None` where it is the next one.
    pub(super) fn reserved(&self) -> Option<u32> {
        self.successor.as_ref().map(|successor| successor.number)
    }

    pub(super) fn set_number(&self, number: Option<u32>) {
        self.number.store(number.unwrap_or(0), Ordering::Release);
    }

    /// Whether only this writer knows the version.
    pub(super) fn is_private(&self) -> bool {
        let published = |successor: &Successor| successor.published.load(Ordering::Acquire);
        self.successor.as_ref().is_some_and(|successor| !published(successor))
    }

    pub(super) fn set_published(&self) {
        if let Some(successor) = &self.successor {
            successor.published.store(true, Ordering::Release);
        }
    }

    /// From now on others can find the version, although it is not the collection.
    pub(super) fn set_aside(&self) {
        if let Some(successor) = &self.successor {
            successor.aside.store(true, Ordering::Release);
        }
        self.set_published();
    }

    pub(super) fn is_aside(&self) -> bool {
        self.successor.as_ref().is_some_and(|successor| successor.aside.load(Ordering::Acquire))
    }

    /// Gives the right back, for all that share it.
    pub(super) async fn end(&self) {
        let lock = self.right.give_back();
        // It may remove files.
        let _ = tokio::task::spawn_blocking(move || drop(lock)).await;
        held(&self.right.shared.failed).take();
    }
}

impl SharedState {
    /// Whether this process has the right to change the collection.
    pub(super) fn is_written(&self) -> bool {
        self.written.load(Ordering::Acquire)
    }

    /// Unloads versions that a writer of this process neither published nor closed. The process with the
    /// right to write has removed their files.
    async fn forget_unfinished(&self) {
        let mut shards = self.shards.write().await;
        let _ = self.unload(&mut shards, |_, opened| opened.is_private()).await;
    }

    /// Removes former versions that don't stay and have no reader left, and those that another writer left
    /// unfinished. What can't be removed now is removed by the next writer.
    pub(super) async fn remove_others(&self, patience: WaitPolicy) {
        let layout = self.layout.clone();
        // Without patience: whoever waits for the shards may have begun with one of them.
        if patience.is_none() && lock::awaited(&layout.waiting()) {
            return;
        }
        let resumable = *held(&self.resumable);
        let has_others = move || versions::has_others(&layout, resumable);
        if !matches!(self.blocking(has_others).await, Ok(true)) {
            return;
        }
        let mut shards = self.shards.write().await;
        let is_over = |number, opened: &OpenShard| !opened.is_private() && !self.is_pinned(number);
        if self.unload(&mut shards, is_over).await.is_ok() && !shards.is_locked() {
            let pinned: Vec<u32> = held(&self.pins).keys().copied().collect();
            let private = shards.private();
            let remove = move |layout: &EdgeLayout| {
                versions::remove_others(layout, &pinned, &private, resumable)
            };
            let _ = self.when_free(patience, remove).await;
        }
    }
}
