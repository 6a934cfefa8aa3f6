//! Work that goes on whether or not anyone looks, and ends when nobody waits for it any more.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

/// A future on a task of its own. Dropped, it is cancelled.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(value) => Poll::Ready(value),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Cancelled: the runtime is going down.
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn goes_on_by_itself() {
        let (send, done) = oneshot::channel();
        let task = Task::spawn(async move { send.send(7).map(|()| 8) });
        assert_eq!(done.await, Ok(7), "before anyone asks for the outcome");
        assert_eq!(task.await, Ok(8));
    }

    #[tokio::test]
    async fn ends_with_whoever_waits() {
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
}
