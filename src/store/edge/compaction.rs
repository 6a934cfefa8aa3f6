//! Rebuilds segments on a thread of its own, while points are added to the shard.
//!
//! Points are only added meanwhile: the engine writes a rebuilt segment at once, and everything else at the
//! next flush. After a crash in between, the new segment must not lack a point that another one has in memory
//! only. So anyone who changes or removes points waits until the segments are rebuilt, and everything is
//! flushed before the rebuild begins.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use qdrant_edge::{EdgeShard, OperationResult};

use super::guard;

type Outcome = Result<(), String>;

/// At most one at a time.
#[derive(Default)]
pub(super) struct Compaction(Mutex<Option<JoinHandle<Outcome>>>);

impl Compaction {
    /// Begins once the previous one is done.
    pub(super) fn start(
        &self,
        shard: &Arc<EdgeShard>,
        op: impl FnOnce(&EdgeShard) -> OperationResult<()> + Send + 'static,
    ) -> Outcome {
        let mut under_way = self.under_way();
        join(under_way.take())?;
        let shard = Arc::clone(shard);
        let thread = thread::Builder::new().name("compaction".to_owned());
        let begun = thread.spawn(move || guard::run(|| op(&shard)));
        *under_way = Some(begun.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Whether one was begun that nobody has waited for.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way().is_some()
    }

    /// Whether a caller would have to wait for one.
    pub(super) fn goes_on(&self) -> bool {
        self.under_way().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits until it is done. Its error is returned once.
    pub(super) fn wait(&self) -> Outcome {
        join(self.under_way().take())
    }

    fn under_way(&self) -> MutexGuard<'_, Option<JoinHandle<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn join(thread: Option<JoinHandle<Outcome>>) -> Outcome {
    match thread.map(JoinHandle::join) {
        None => Ok(()),
        Some(outcome) => outcome.unwrap_or_else(|_| Err("the compaction panicked".to_owned())),
    }
}
