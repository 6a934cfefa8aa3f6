//! The shards that this process has loaded, and the lock that keeps other processes from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::layout;
use super::lock::FileLock;
use super::open_shard::OpenShard;
use crate::task::Task;

/// How long a reading process may keep the shards from those that wait.
const READERS_TURN: Duration = Duration::from_millis(100);

/// How long a writing process may: enough for an ingest of a few documents, so that it loads a shard only
/// once.
const WRITERS_TURN: Duration = Duration::from_millis(400);

/// The loaded shards, by version number.
#[derive(Default)]
pub(super) struct Shards {
    loaded: BTreeMap<u32, OpenShard>,
    /// Held while a version is loaded that others can find.
    lock: Option<ShardTurn>,
    /// Gives the shards up in time; ends with this value.
    keeper: Option<Task<()>>,
}

/// The lock, and since when it is held.
pub(super) struct ShardTurn {
    since: Instant,
    file: FileLock,
}

impl Shards {
    pub(super) fn get(&self, number: u32) -> Option<&OpenShard> {
        self.loaded.get(&number)
    }

    pub(super) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Whether others that wait may have the shards now.
    pub(super) fn turn_is_over(&self) -> bool {
        let written = self.loaded.values().any(OpenShard::has_writer);
        let length = if written { WRITERS_TURN } else { READERS_TURN };
        self.lock.as_ref().is_some_and(|turn| turn.since.elapsed() >= length)
    }

    /// Whether the loaded shards no longer belong to the collection: it was removed with its lock, and
    /// perhaps created again by others. `lock`: path of the lock.
    pub(super) fn are_lost(&self, lock: &Path) -> bool {
        self.lock.as_ref().is_some_and(|turn| turn.file.is_lost(lock))
    }

    /// Takes the lock out, for a caller that keeps it while nothing is loaded.
    pub(super) fn take_lock(&mut self) -> Option<ShardTurn> {
        self.lock.take()
    }

    pub(super) fn insert(&mut self, number: u32, opened: OpenShard) {
        self.loaded.insert(number, opened);
    }

    /// Keeps other processes out from now on; `keeper` gives them their turns.
    pub(super) fn lock(&mut self, file: FileLock, keeper: Task<()>) {
        self.lock = Some(ShardTurn { since: Instant::now(), file });
        self.keeper = Some(keeper);
    }

    /// Directories of the loaded versions that others can find.
    pub(super) fn shared_directories(&self) -> Vec<PathBuf> {
        let shared = self.loaded.values().filter(|opened| !opened.is_private());
        shared.map(|opened| layout::shard(opened.version())).collect()
    }

    /// The loaded versions that nobody else can find.
    pub(super) fn private(&self) -> Vec<u32> {
        let private = self.loaded.iter().filter(|(_, opened)| opened.is_private());
        private.map(|(number, _)| *number).collect()
    }

    /// Takes out the shards that `which` selects.
    pub(super) fn take(&mut self, which: impl Fn(u32, &OpenShard) -> bool) -> Vec<OpenShard> {
        let taken = self.loaded.extract_if(.., |number, opened| which(*number, opened));
        taken.map(|(_, opened)| opened).collect()
    }

    /// Releases the lock if nothing is loaded that others can find.
    pub(super) fn unlock_if_idle(&mut self) {
        if !self.loaded.values().any(|opened| !opened.is_private()) {
            self.lock = None;
        }
    }
}
