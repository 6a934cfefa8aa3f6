//! Taking turns: who may have a collection, and when.
//!
//! The engine can be loaded by one process only, readers included, and says no more than "would
//! block". So there are three lock files beside a collection:
//!
//! - `NAME@lock` is held while the shard is loaded: for the time of a query by a reader, for most
//!   of the time by an ingest. Readers take turns.
//! - `NAME@writer` is held by an ingest for the whole run. A second ingest waits for it, and
//!   fails with [`Fault::Busy`] when its patience ends.
//! - `NAME@waiting` is held, shared, by readers that found `NAME@lock` taken.
//!
//! An ingest yields: it looks at `NAME@waiting` whenever what is stored is consistent
//! ([`crate::store::VectorStore::pause`]), which costs one system call while nobody waits. When
//! somebody does, it flushes and unloads the shard, lets go of `NAME@lock` until the waiting ones
//! have had their turn, and loads it again for its next operation. Then it keeps it for as long as
//! it was away: whoever asks all the time gets half of the time. A reader waits for one commit, or
//! about a second, and sees each document as it was or as it will be. Copying a collection for each
//! reader would cost its size in disk for each query, and building each sync in a new version its
//! size for each sync; yielding costs the loading of a shard, and only when somebody asks.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::layout::Layout;
use super::shard::Problem;
use super::{EdgeStore, lock};
use crate::error::{BackendError, Fault};

/// Polls: no system offers to wait for a file lock with a time limit.
const POLL: Duration = Duration::from_millis(20);

/// Shorter waits are not worth a word.
const SAY_AFTER: Duration = Duration::from_millis(250);

/// How long a writer stands back for those who wait.
const STAND_BACK: Duration = Duration::from_secs(1);

/// How long readers may keep the collection before a writer gives up: longer than any query, and
/// not for ever, since a reader may have been stopped.
const READERS_MAY_TAKE: Duration = Duration::from_mins(1);

/// How long a writer may keep the collection from those who wait.
#[derive(Default)]
pub(super) struct Tenure {
    /// How long it stood back since the shard was loaded last.
    stood: Duration,
    begun: Option<Instant>,
    pub(super) length: Duration,
}

impl Tenure {
    /// The shard is loaded, after `waited` for it: it is kept for as long as others had it.
    pub(super) fn begin(&mut self, waited: Duration) {
        self.begun = Some(Instant::now());
        self.length = (std::mem::take(&mut self.stood) + waited).min(2 * STAND_BACK);
    }

    fn is_over(&self) -> bool {
        self.begun.is_none_or(|begun| begun.elapsed() >= self.length)
    }
}

/// How a store waits.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    patience: Duration,
    /// Whoever has the collection is to know.
    announced: bool,
}

impl Turn {
    pub(super) fn among_writers(patience: Duration) -> Self {
        Self { patience, announced: false }
    }
}

impl EdgeStore {
    /// How to wait for the shard. A writer has readers to wait for, and no other writer.
    pub(super) async fn turn(&self) -> Turn {
        match *self.writer.lock().await {
            Some(_) => Turn { patience: self.wait.max(READERS_MAY_TAKE), announced: false },
            None => Turn { patience: self.wait, announced: true },
        }
    }

    /// Runs `op`, again while another process is in the way.
    pub(super) async fn when_free<T, F>(&self, turn: Turn, op: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: Fn(&Layout) -> Result<T, Problem> + Clone + Send + 'static,
    {
        let started = Instant::now();
        let (mut announced, mut said) = (None, false);
        loop {
            let (layout, op) = (self.layout.clone(), op.clone());
            let error = match self.blocking(move || op(&layout)).await {
                Err(error) if error.fault == Fault::Busy && started.elapsed() < turn.patience => {
                    error
                }
                outcome => return outcome,
            };
            if turn.announced && announced.is_none() {
                announced = lock::announce(&self.layout.waiting());
            }
            if !said && started.elapsed() >= SAY_AFTER {
                said = true;
                (self.on_wait)(&error.message);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    pub(super) fn tenure(&self) -> MutexGuard<'_, Tenure> {
        self.tenure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets those who wait have the shard, and waits until they have it or gave up.
    pub(super) async fn stand_back(&self) -> Result<(), BackendError> {
        // Whose shard it is that others wait for: a version that is not published, nobody knows.
        let shard = self.replaced().unwrap_or(&self.opened);
        let waiting = self.layout.waiting();
        if !self.tenure().is_over() || shard.read().await.is_none() || !lock::awaited(&waiting) {
            return Ok(());
        }
        // Held meanwhile: no other task of this process takes the turn of those who wait.
        let mut shard = shard.write().await;
        let started = Instant::now();
        self.unload(shard.take()).await?;
        while lock::awaited(&waiting) && started.elapsed() < STAND_BACK {
            tokio::time::sleep(POLL).await;
        }
        self.tenure().stood = started.elapsed();
        Ok(())
    }
}
