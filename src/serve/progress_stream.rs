//! The events of a piece of work, as a stream that drives it.
//!
//! The work runs only when the next event is asked for and all earlier ones were taken. So a slow reader
//! holds the chat model up, and a caller who leaves ends the work: it is dropped with the stream, and with
//! it the connection to the model. Nothing runs on its own task.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;

/// The sending side of the events. Cheap to clone.
pub(super) struct ProgressSender<T>(Arc<Mutex<VecDeque<T>>>);

impl<T> Clone for ProgressSender<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> ProgressSender<T> {
    pub(super) fn tell(&self, told: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(told);
    }

    fn next(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// See the module.
pub(super) struct ProgressStream<T> {
    told: ProgressSender<T>,
    /// `None` once it has ended.
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<T> ProgressStream<T> {
    pub(super) fn of<W>(work: impl FnOnce(ProgressSender<T>) -> W) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let told = ProgressSender(Arc::default());
        let work = Box::pin(work(told.clone()));
        Self { told, work: Some(work) }
    }
}

impl<T> Stream for ProgressStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(told) = self.told.next() {
            return Poll::Ready(Some(told));
        }
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        let ended = work.as_mut().poll(context).is_ready();
        if ended {
            self.work = None;
        }
        match self.told.next() {
            Some(told) => Poll::Ready(Some(told)),
            None if ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_no_further_than_what_is_taken() {
        let done = Arc::new(Mutex::new(0));
        let mut told = ProgressStream::of(|teller| {
            let done = Arc::clone(&done);
            async move {
                for number in 1..=3 {
                    teller.tell(number);
                    *done.lock().unwrap_or_else(PoisonError::into_inner) = number;
                    tokio::task::yield_now().await;
                }
            }
        });
        let done = || *done.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(done(), 0, "nobody asked yet");
        assert_eq!(told.next().await, Some(1));
        assert_eq!(done(), 1);
        assert_eq!(told.collect::<Vec<_>>().await, [2, 3]);
    }

    #[tokio::test]
    async fn work_ends_with_its_listener() {
        let (held, gone) = oneshot::channel::<()>();
        let mut told = ProgressStream::of(|teller: ProgressSender<u8>| async move {
            teller.tell(1);
            std::future::pending::<()>().await;
            drop(held);
        });
        assert_eq!(told.next().await, Some(1));
        drop(told);
        assert!(gone.await.is_err());
    }
}
