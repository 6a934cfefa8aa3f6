//! Updates on their way to the server.
//!
//! Batches of chunks overlap: one is sent while earlier ones are being applied. Records and deletions
//! overtake nothing: they are sent when everything before them has been applied, so that wherever a run is
//! cut off, no record exists without its chunks. That is why updates are sent with `wait`: the answer says
//! that each shard involved has applied them. Without `wait`, the answer says only that they are in the log:
//! later failures go unnoticed, and of two shards, the one with the record may be ahead of the one with the
//! chunks.
//!
//! One after the other, updates would be a quarter faster without `wait` (24 batches of 256: 5 s, not 6.7 s,
//! until all are applied). Overlapping gains more than that where a server is far away: 10,000 chunks over 50
//! Mbit/s and 50 ms take 12 s, not 20 s, and there it makes no difference whether two, four or eight batches
//! of 256 points are under way. 300 changed documents take 9 s; waiting for each took 31 s.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{OptionFuture, Shared};
use tokio::sync::Semaphore;

use crate::error::BackendError;
use crate::store::Receipt;
use crate::task::Task;

/// Maximum number of batches of chunks under way, each of a few MB at most.
const OPEN: usize = 4;

type Outcome = Result<(), BackendError>;

/// Completes with an update and all before it.
type Latest = OptionFuture<Shared<Task<()>>>;

/// The updates of one store. The first failure is returned to all later updates, and by [`Pipeline::settle`];
/// nothing is sent after it.
pub(super) struct Pipeline {
    room: Arc<Semaphore>,
    latest: Mutex<Latest>,
    /// Completes with the last announcement, and all before it.
    announced: Mutex<Option<Shared<Task<()>>>>,
    /// For the last update that followed others.
    receipt: Mutex<Receipt>,
    failure: Arc<Mutex<Option<BackendError>>>,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(OPEN)),
            latest: Mutex::new(None.into()),
            announced: Mutex::default(),
            receipt: Mutex::new(Receipt::signed()),
            failure: Arc::default(),
        }
    }
}

impl Pipeline {
    /// Starts `update` as soon as there is room for it, concurrently with all others.
    pub(super) async fn overlap(
        &self,
        update: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        // The semaphore is never closed.
        let room = Arc::clone(&self.room).acquire_owned().await.ok();
        self.told()?;
        let failure = Arc::clone(&self.failure);
        let announced = lock(&self.announced).clone();
        self.push(|before| async move {
            let mut failed = false;
            if let Some(announced) = announced {
                announced.await;
                failed = lock(&failure).is_some();
            }
            if !failed {
                note(&failure, update.await);
            }
            drop(room);
            before.await;
        });
        Ok(())
    }

    /// Starts `update` concurrently with all before it; later updates start when it is done.
    pub(super) fn announce(
        &self,
        update: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        self.told()?;
        let failure = Arc::clone(&self.failure);
        let mut announced = lock(&self.announced);
        let former = announced.take();
        let task = Task::spawn(async move {
            if let Some(former) = former {
                former.await;
            }
            if lock(&failure).is_none() {
                note(&failure, update.await);
            }
        });
        let task = task.shared();
        *announced = Some(task.clone());
        self.push(|before| async move {
            task.await;
            before.await;
        });
        Ok(())
    }

    /// Starts `update` when all before it are done.
    pub(super) fn follow(&self, update: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
        self.told()?;
        let failure = Arc::clone(&self.failure);
        let receipt = Receipt::default();
        *lock(&self.receipt) = receipt.clone();
        self.push(|before| async move {
            before.await;
            if lock(&failure).is_none() {
                let outcome = update.await;
                if outcome.is_ok() {
                    receipt.sign();
                }
                note(&failure, outcome);
            }
        });
        Ok(())
    }

    /// Receipt of the last update that was to [follow](Self::follow) all before it.
    pub(super) fn receipt(&self) -> Receipt {
        lock(&self.receipt).clone()
    }

    /// Waits for all updates so far, and returns the first failure.
    pub(super) async fn settle(&self) -> Outcome {
        self.wait().await;
        self.told()
    }

    /// Waits for all updates so far, whatever their outcome.
    pub(super) async fn wait(&self) {
        let latest = lock(&self.latest).clone();
        latest.await;
    }

    /// The same, and forgets failures: another run starts over.
    pub(super) async fn close(&self) {
        self.wait().await;
        lock(&self.failure).take();
    }

    fn told(&self) -> Outcome {
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }

    fn push<F>(&self, update: impl FnOnce(Latest) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut latest = lock(&self.latest);
        *latest = Some(Task::spawn(update(latest.clone())).shared()).into();
    }
}

fn note(failure: &Mutex<Option<BackendError>>, outcome: Outcome) {
    if let Err(error) = outcome {
        lock(failure).get_or_insert(error);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
    use tokio::sync::oneshot;

    use super::*;
    use crate::error::{ExternalService, Fault};

    /// Updates that say when they begin, and end on command.
    struct Updates {
        begun: UnboundedReceiver<&'static str>,
        sender: UnboundedSender<&'static str>,
    }

    impl Updates {
        fn new() -> Self {
            let (sender, begun) = mpsc::unbounded_channel();
            Self { begun, sender }
        }

        fn make(
            &self,
            name: &'static str,
        ) -> (oneshot::Sender<Outcome>, impl Future<Output = Outcome> + Send + 'static) {
            let (end, ended) = oneshot::channel();
            let begins = self.sender.clone();
            let update = async move {
                begins.send(name).unwrap();
                ended.await.unwrap()
            };
            (end, update)
        }

        async fn next(&mut self) -> &'static str {
            self.begun.recv().await.unwrap()
        }

        /// The updates that have begun once everything that can continue has done so.
        async fn idle(&mut self) -> Vec<&'static str> {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            std::iter::from_fn(|| self.begun.try_recv().ok()).collect()
        }
    }

    fn failed() -> Outcome {
        Err(BackendError::new(
            ExternalService::Store,
            Fault::Permanent,
            "http://localhost",
            "no luck",
        ))
    }

    #[tokio::test]
    async fn chunks_overlap_and_a_record_follows_all_before_it() {
        let (mut updates, pipeline) = (Updates::new(), Pipeline::default());
        let (first, update) = updates.make("first chunks");
        pipeline.overlap(update).await.unwrap();
        let (second, update) = updates.make("second chunks");
        pipeline.overlap(update).await.unwrap();
        let (record, update) = updates.make("record");
        pipeline.follow(update).unwrap();
        let (third, update) = updates.make("third chunks");
        pipeline.overlap(update).await.unwrap();
        assert_eq!(updates.idle().await, ["first chunks", "second chunks", "third chunks"]);
        second.send(Ok(())).unwrap();
        third.send(Ok(())).unwrap();
        assert!(updates.idle().await.is_empty());
        first.send(Ok(())).unwrap();
        assert_eq!(updates.next().await, "record");
        let settled = async { pipeline.settle().await };
        let ends = async { record.send(Ok(())).unwrap() };
        assert_eq!(futures::future::join(settled, ends).await.0, Ok(()));
    }

    #[tokio::test]
    async fn chunks_wait_for_announcements_and_for_nothing_else() {
        let (mut updates, pipeline) = (Updates::new(), Pipeline::default());
        let (first, update) = updates.make("first chunks");
        pipeline.overlap(update).await.unwrap();
        let (announced, update) = updates.make("announced");
        pipeline.announce(update).unwrap();
        let (second, update) = updates.make("second chunks");
        pipeline.overlap(update).await.unwrap();
        assert_eq!(updates.idle().await, ["first chunks", "announced"]);
        announced.send(Ok(())).unwrap();
        assert_eq!(updates.next().await, "second chunks");
        second.send(Ok(())).unwrap();
        let (failing, update) = updates.make("another");
        pipeline.announce(update).unwrap();
        pipeline.overlap(updates.make("third chunks").1).await.unwrap();
        assert_eq!(updates.next().await, "another");
        failing.send(failed()).unwrap();
        first.send(Ok(())).unwrap();
        assert_eq!(pipeline.settle().await, failed());
        assert!(updates.idle().await.is_empty(), "without what announces them, none are sent");
    }

    #[tokio::test]
    async fn no_record_after_chunks_that_failed() {
        let (mut updates, pipeline) = (Updates::new(), Pipeline::default());
        let (first, update) = updates.make("first chunks");
        pipeline.overlap(update).await.unwrap();
        let (second, update) = updates.make("second chunks");
        pipeline.overlap(update).await.unwrap();
        pipeline.follow(updates.make("record").1).unwrap();
        first.send(failed()).unwrap();
        second.send(Ok(())).unwrap();
        assert_eq!(pipeline.settle().await, failed());
        assert_eq!(pipeline.settle().await, failed(), "whoever asks next is told, too");
        assert_eq!(pipeline.overlap(updates.make("more chunks").1).await, failed());
        assert_eq!(updates.idle().await, ["first chunks", "second chunks"]);
        pipeline.close().await;
        assert_eq!(pipeline.overlap(async { Ok(()) }).await, Ok(()), "another run starts over");
        assert_eq!(pipeline.settle().await, Ok(()));
    }

    #[tokio::test]
    async fn a_receipt_is_signed_when_the_update_and_all_before_it_are_applied() {
        let (mut updates, pipeline) = (Updates::new(), Pipeline::default());
        let (chunks, update) = updates.make("chunks");
        pipeline.overlap(update).await.unwrap();
        let (record, update) = updates.make("record");
        pipeline.follow(update).unwrap();
        let first = pipeline.receipt();
        pipeline.follow(updates.make("another record").1).unwrap();
        let second = pipeline.receipt();
        assert_eq!(updates.idle().await, ["chunks"]);
        assert!(!first.is_signed());
        chunks.send(Ok(())).unwrap();
        assert_eq!(updates.next().await, "record");
        assert!(!first.is_signed());
        record.send(Ok(())).unwrap();
        assert_eq!(updates.next().await, "another record");
        assert!(first.is_signed() && !second.is_signed());

        let (mut updates, pipeline) = (Updates::new(), Pipeline::default());
        let (chunks, update) = updates.make("chunks");
        pipeline.overlap(update).await.unwrap();
        pipeline.follow(updates.make("record").1).unwrap();
        let receipt = pipeline.receipt();
        chunks.send(failed()).unwrap();
        assert_eq!(pipeline.settle().await, failed());
        assert_eq!(updates.idle().await, ["chunks"]);
        assert!(!receipt.is_signed(), "without its chunks it is not stored");
    }

    #[tokio::test]
    async fn the_number_of_batches_under_way_is_limited() {
        let (mut updates, pipeline) = (Updates::new(), Pipeline::default());
        let mut ends = Vec::new();
        for _ in 0..OPEN {
            let (end, update) = updates.make("chunks");
            pipeline.overlap(update).await.unwrap();
            ends.push(end);
        }
        let one_more = pipeline.overlap(updates.make("one more").1);
        let mut one_more = std::pin::pin!(one_more);
        assert!(futures::poll!(one_more.as_mut()).is_pending());
        assert_eq!(updates.idle().await.len(), OPEN);
        ends.remove(0).send(Ok(())).unwrap();
        one_more.await.unwrap();
        assert_eq!(updates.next().await, "one more");
    }
}
