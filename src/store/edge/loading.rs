//! Loads and unloads shards, for all readers and writers in this process.

use std::sync::Arc;

use super::layout::EdgeLayout;
use super::open_shard::OpenShard;
use super::problem::EdgeProblem;
use super::shards::Shards;
use super::shared::SharedState;
use super::versions::{self, VersionSelector};
use crate::error::BackendError;

impl SharedState {
    /// Keeps other processes out until [`Self::unload`] leaves nothing loaded.
    pub(super) async fn lock(self: &Arc<Self>, shards: &mut Shards) -> Result<(), BackendError> {
        if !shards.is_locked() {
            let file = self.when_free(self.wait_policy(), versions::shard_lock).await?;
            shards.lock(file, self.keep_turns());
        }
        Ok(())
    }

    /// Loads a version that others can find, and locks the shards for that.
    pub(super) async fn load(
        self: &Arc<Self>,
        shards: &mut Shards,
        number: u32,
        wanted: VersionSelector,
    ) -> Result<(), BackendError> {
        let lost = self.are_lost(shards);
        // Nobody in this process uses them any longer, or may use them.
        let is_over = |other: u32, opened: &OpenShard| {
            !opened.is_private() && (lost || other != number && !self.is_pinned(other))
        };
        let unloaded = self.unload(shards, is_over).await;
        // What was removed can't be flushed.
        unloaded.or_else(|error| if lost { Ok(()) } else { Err(error) })?;
        self.lock(shards).await?;
        let uncompacted = self.uncompacted(number);
        let load = move |layout: &EdgeLayout| {
            versions::load(layout, number, &wanted, Arc::clone(&uncompacted))
        };
        let loaded = self.when_free(self.wait_policy(), load).await;
        if loaded.is_err() {
            shards.unlock_if_idle();
        }
        shards.insert(number, loaded?);
        Ok(())
    }

    /// Flushes and unloads the shards that `which` selects, and releases the lock if none is left that others
    /// can find.
    pub(super) async fn unload(
        &self,
        shards: &mut Shards,
        which: impl Fn(u32, &OpenShard) -> bool,
    ) -> Result<(), BackendError> {
        let doomed = shards.take(which);
        let closed =
            if doomed.is_empty() { Ok(()) } else { self.blocking(move || close(doomed)).await };
        shards.unlock_if_idle();
        closed
    }
}

/// Closes all of them, and returns the first error.
fn close(opened: Vec<OpenShard>) -> Result<(), EdgeProblem> {
    let closed: Vec<Result<(), String>> = opened.into_iter().map(OpenShard::close).collect();
    Ok(closed.into_iter().collect::<Result<(), String>>()?)
}
