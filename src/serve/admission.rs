//! Limits how many questions are answered at a time, how many may wait, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::{ErrorCode, RequestRefusal};

pub(super) struct Admission {
    questions: Arc<Semaphore>,
    at_once: usize,
    queue: usize,
    waiting: AtomicUsize,
    patience: Duration,
}

/// Counts one waiting question until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Admission {
    pub(super) fn new(at_once: usize, queue: usize, patience: Duration) -> Self {
        let questions = Arc::new(Semaphore::new(at_once));
        Self { questions, at_once, queue, waiting: AtomicUsize::new(0), patience }
    }

    /// Starts a question, which ends when the return value is dropped.
    ///
    /// # Errors
    /// The queue is full, or the question waited too long.
    pub(super) async fn begin_question(&self) -> Result<OwnedSemaphorePermit, RequestRefusal> {
        if let Ok(permit) = Arc::clone(&self.questions).try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting(&self.waiting);
        if before >= self.queue {
            return Err(self.overloaded("its queue is full"));
        }
        let turn = Arc::clone(&self.questions).acquire_owned();
        let turn = tokio::time::timeout(self.patience, turn).await;
        drop(waiting);
        match turn {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.overloaded("this one waited too long")),
        }
    }

    fn overloaded(&self, why: &str) -> RequestRefusal {
        RequestRefusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Overloaded,
            format!("the server answers {} questions at a time, and {why}", self.at_once),
        )
        .after(Duration::from_secs(1))
    }

    /// How many questions are being answered, and how many wait.
    pub(super) fn now(&self) -> (usize, usize) {
        let answered = self.at_once - self.questions.available_permits();
        (answered, self.waiting.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn some_are_answered_some_wait_and_the_rest_is_refused() {
        let admission = Arc::new(Admission::new(1, 1, Duration::from_millis(200)));
        let first = admission.begin_question().await.unwrap();
        let second = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.begin_question().await }
        });
        while admission.now() != (1, 1) {
            tokio::task::yield_now().await;
        }
        let third = admission.begin_question().await.unwrap_err();
        assert_eq!((third.status.as_u16(), third.code.name()), (503, "overloaded"));
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(admission.now(), (1, 0));
        let late = admission.begin_question().await.unwrap_err();
        assert!(late.message.contains("waited too long"), "{late:?}");
        assert_eq!(admission.now(), (1, 0), "a question that gave up no longer waits");
        drop(second);
        assert_eq!(admission.now(), (0, 0));
    }
}
