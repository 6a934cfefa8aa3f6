//! Segments made again on a thread of their own, while points are added to the shard.
//!
//! Only added: the engine writes a segment that was made again at once, and all else at the next
//! flush. A crash in between must not find the new segment without a point that another one has in
//! memory only. So whoever changes or takes out points waits until the segments are made, and all
//! was flushed before they were begun.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use qdrant_edge::{EdgeShard, OperationResult};

use super::guard;

type Outcome = Result<(), String>;

/// At most one at a time.
#[derive(Default)]
pub(super) struct Compaction(Mutex<Option<JoinHandle<Outcome>>>);

impl Compaction {
    /// Begins, after the one before is done.
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

    /// Whether one would have to be waited for.
    pub(super) fn goes_on(&self) -> bool {
        self.under_way().as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits until it is done. What went wrong with it is told once.
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
