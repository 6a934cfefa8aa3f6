//! Work off the command's own thread: on a task, which makes progress without being polled and is cancelled
//! when nothing waits for it any longer, or on another thread.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};
use std::thread;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle};

/// A future on its own task. Dropping it cancels the task.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        outcome(ready!(Pin::new(&mut self.0).poll(context))).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs blocking or computing work on the blocking pool. Unlike a [`Task`], it always runs to its end.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match outcome(tokio::task::spawn_blocking(work).await) {
        Some(value) => value,
        None => std::future::pending().await,
    }
}

/// Runs a longer computation on another thread, at most one per core at a time, so that thousands of calls
/// at once do not take thousands of threads.
pub(crate) async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    static CORES: OnceLock<Semaphore> = OnceLock::new();
    let cores = CORES.get_or_init(|| {
        Semaphore::new(thread::available_parallelism().map_or(1, NonZeroUsize::get))
    });
    // The semaphore is never closed.
    let _core = cores.acquire().await;
    off_thread(work).await
}

/// `None` if the task was cancelled because the runtime is shutting down. A panic is passed on.
fn outcome<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended {
        Ok(value) => Some(value),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn at_most_one_computation_runs_per_core() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        let work = || {
            let now = NOW.fetch_add(1, Ordering::SeqCst) + 1;
            thread::yield_now();
            NOW.fetch_sub(1, Ordering::SeqCst);
            now
        };
        let at_once = join_all((0..50).map(|_| computed(work))).await;
        let cores = thread::available_parallelism().unwrap().get();
        assert!(at_once.iter().all(|&at_once| at_once <= cores), "{at_once:?}");
    }

    #[tokio::test]
    async fn a_task_runs_without_being_polled() {
        let (send, done) = oneshot::channel();
        let task = Task::spawn(async move { send.send(7).map(|()| 8) });
        assert_eq!(done.await, Ok(7), "before anyone asks for the outcome");
        assert_eq!(task.await, Ok(8));
    }

    #[tokio::test]
    async fn a_task_ends_when_it_is_dropped() {
        let (held, gone) = oneshot::channel::<()>();
        drop(Task::spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
        assert!(gone.await.is_err(), "what it held is dropped");
    }

    #[tokio::test]
    #[should_panic(expected = "no luck")]
    async fn a_panic_is_passed_on() {
        Task::spawn(async { panic!("no luck") }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "no luck")]
    async fn a_panic_on_another_thread_is_passed_on() {
        off_thread(|| panic!("no luck")).await;
    }
}
