//! Taking turns: which process may have a collection, and for how long.
//!
//! Only one process can load the engine's files, readers included, and the engine reports no more than "would
//! block". So there are three lock files beside a collection:
//!
//! - `NAME@lock` is held while a process has a shard of it loaded, to read or to write.
//! - `NAME@writer` is held by an ingest for the whole run. A second ingest waits for it, and
//!   fails with [`Fault::Busy`] when its patience ends.
//! - `NAME@waiting` is held, shared, by those who found `NAME@lock` taken.
//!
//! The rule: **a process keeps the shards as long as nobody waits for them. When somebody does, a reading
//! process gives them up within 100 ms of having loaded them, a writing one within 400 ms**
//! ([`super::shards`]), as soon as no request and no [change](crate::store::Change) is under way. It then
//! stands back until somebody else has them, for a second at most (the process that waited may have been
//! stopped), and queues up again like everybody else. So an ingest and processes that ask all the time each
//! wait for one turn of the other, and get a fair share of the time.
//!
//! When a data directory is removed while it is in use, its lock files go with it, and no longer keep anyone
//! out: a reading process notices within [`POLL`], and drops what it had loaded.
//!
//! Giving the shards up costs a flush, and taking them again costs loading a shard, and only when somebody
//! waits; checking costs two system calls every [`POLL`]. The alternatives cost more: copying a collection
//! for each reader takes its size on disk for each question, and building each sync in a new version takes it
//! for each sync.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::guard::held;
use super::layout::EdgeLayout;
use super::lock;
use super::problem::EdgeProblem;
use super::readahead::{self, ResidentFiles};
use super::shards::Shards;
use super::shared::SharedState;
use crate::error::{BackendError, Fault};
use crate::task::Task;

/// Polling: no system offers to wait for a file lock with a time limit.
const POLL: Duration = Duration::from_millis(5);

/// Shorter waits are not reported.
const SAY_AFTER: Duration = Duration::from_millis(250);

/// How long a process stands back for those that wait.
const STAND_BACK: Duration = Duration::from_secs(1);

/// How long readers may keep the collection before a writer gives up: longer than any query, but not forever,
/// since a reader may have been stopped.
const READERS_MAY_TAKE: Duration = Duration::from_mins(1);

/// How to wait for others.
#[derive(Clone, Copy)]
pub(super) struct WaitPolicy {
    longest: Duration,
    /// Whether to announce the wait to the process that has the collection.
    announced: bool,
}

impl WaitPolicy {
    pub(super) const NONE: Self = Self { longest: Duration::ZERO, announced: false };
    pub(super) const BRIEF: Self = Self { longest: STAND_BACK, announced: true };

    pub(super) fn is_none(self) -> bool {
        self.longest.is_zero()
    }
}

impl SharedState {
    /// Patience with other writers.
    pub(super) fn wait_policy_for_writers(&self) -> WaitPolicy {
        WaitPolicy { longest: self.options.wait, announced: false }
    }

    /// Patience with the process that has the shards. A writer waits only for readers, never for another
    /// writer.
    pub(super) fn wait_policy(&self) -> WaitPolicy {
        let wait = self.options.wait;
        let longest = if self.is_written() { wait.max(READERS_MAY_TAKE) } else { wait };
        WaitPolicy { longest, announced: true }
    }

    /// Runs `op`, and repeats it while another process is in the way.
    pub(super) async fn when_free<T, F>(
        &self,
        patience: WaitPolicy,
        op: F,
    ) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: Fn(&EdgeLayout) -> Result<T, EdgeProblem> + Clone + Send + 'static,
    {
        let started = Instant::now();
        let (mut announced, mut said) = (None, false);
        loop {
            let (layout, op) = (self.layout.clone(), op.clone());
            let error = match self.blocking(move || op(&layout)).await {
                Err(error)
                    if error.fault == Fault::Busy && started.elapsed() < patience.longest =>
                {
                    error
                }
                outcome => return outcome,
            };
            if patience.announced && announced.is_none() {
                announced = lock::announce(&self.layout.waiting());
            }
            if !said && started.elapsed() >= SAY_AFTER {
                said = true;
                (self.options.on_wait)(&error.message);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the turn of this process in time.
    pub(super) fn keep_turns(self: &Arc<Self>) -> Task<()> {
        let shared = Arc::downgrade(self);
        Task::spawn(async move {
            loop {
                tokio::time::sleep(POLL).await;
                let Some(shared) = shared.upgrade() else { return };
                if shared.yield_to_others().await {
                    return;
                }
            }
        })
    }

    /// Gives the shards to those that wait, if they may have them. Returns whether this process has none.
    pub(super) async fn yield_to_others(&self) -> bool {
        let waiting = self.layout.waiting();
        {
            // A task that is loading or unloading shards may be the last to need the collection: waiting for
            // it here would keep the collection open.
            let Ok(shards) = self.shards.try_read() else { return false };
            if !shards.is_locked() {
                return true;
            }
            if self.are_lost(&shards) {
                drop(shards);
                self.forget_lost().await;
                return true;
            }
            if !shards.turn_is_over() || !lock::awaited(&waiting) {
                return false;
            }
        }
        let _no_change = self.changes.write().await;
        // Held meanwhile, so that no other task of this process takes the turn of those that wait.
        let mut shards = self.shards.write().await;
        // This process will ask again, and would have to read again what the engine has the system drop.
        let kept = if self.is_written() { None } else { Some(self.kept(&shards).await) };
        let unloaded = self.unload(&mut shards, |_, opened| !opened.is_private()).await;
        drop(kept);
        if let Err(error) = unloaded {
            // A reader has nothing to lose.
            if self.is_written() {
                *held(&self.failed) = Some(error);
            }
        }
        let (started, lock) = (Instant::now(), self.layout.lock());
        while lock::awaited(&waiting) && !lock::is_held(&lock) && started.elapsed() < STAND_BACK {
            tokio::time::sleep(POLL).await;
        }
        true
    }

    /// Whether somebody removed the collection with its locks while this process reads it. A writing process
    /// fails by itself.
    pub(super) fn are_lost(&self, shards: &Shards) -> bool {
        !self.is_written() && shards.are_lost(&self.layout.lock())
    }

    /// Unloads what was removed: it is in nobody's way, and the collection may have been created again.
    async fn forget_lost(&self) {
        let mut shards = self.shards.write().await;
        if self.are_lost(&shards) {
            // A reader has nothing to lose, and what was removed can't be flushed.
            let _ = self.unload(&mut shards, |_, opened| !opened.is_private()).await;
        }
    }

    async fn kept(&self, shards: &Shards) -> Vec<ResidentFiles> {
        let directories = shards.shared_directories();
        let keep = move || Ok(directories.iter().map(|shard| readahead::keep(shard)).collect());
        self.blocking(keep).await.unwrap_or_default()
    }
}
