//! Ends answers that their client does not read.
//!
//! Over HTTP/2 a client says for each answer how much may be sent, and may say zero: the connection stays
//! alive, everything sent on it is taken, and the answer is never asked for more. Its question would count
//! among those in progress for ever.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// The answers of a connection that wait to be asked for more.
#[derive(Clone, Default)]
pub(super) struct StalledBodies(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

/// The body of an answer.
pub(super) struct WatchedBody {
    body: Body,
    /// Its entry among those of its connection; `None` if it is not watched.
    watched: Option<(StalledBodies, u64)>,
}

impl StalledBodies {
    /// Starts watching a body.
    pub(super) fn watch(&self, body: Body) -> WatchedBody {
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.since.insert(number, Instant::now());
        drop(waiting);
        WatchedBody { body, watched: Some((self.clone(), number)) }
    }

    /// Resolves when one of the answers has waited for `patience`.
    pub(super) async fn too_long(&self, patience: Duration) {
        loop {
            let now = Instant::now();
            let oldest = self.waiting().since.values().min().copied();
            let end = oldest.unwrap_or(now) + patience;
            if end <= now {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchedBody {
    pub(super) fn unwatched(body: Body) -> Self {
        Self { body, watched: None }
    }

    fn waits(&self, since: Option<Instant>) {
        let Some((untaken, number)) = &self.watched else { return };
        let mut waiting = untaken.waiting();
        if let Some(since) = since {
            waiting.since.insert(*number, since);
        } else {
            waiting.since.remove(number);
        }
    }
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.waits(None);
        let frame = http_body::Body::poll_frame(Pin::new(&mut self.body), context);
        if matches!(frame, Poll::Ready(Some(_))) {
            self.waits(Some(Instant::now()));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.waits(None);
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    async fn next(body: &mut WatchedBody) -> bool {
        std::future::poll_fn(|context| http_body::Body::poll_frame(Pin::new(&mut *body), context))
            .await
            .is_some()
    }

    #[tokio::test]
    async fn an_unread_answer_waits_and_one_without_new_text_does_not() {
        let patience = Duration::from_millis(50);
        let pieces =
            ["one", "two"].map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece)));
        let endless = futures::stream::iter(pieces).chain(futures::stream::pending());
        let untaken = StalledBodies::default();
        let mut body = untaken.watch(Body::from_stream(endless));
        untaken.too_long(patience).await;
        assert!(next(&mut body).await && next(&mut body).await);
        untaken.too_long(patience).await;
        let more = next(&mut body);
        tokio::pin!(more);
        assert!(futures::poll!(more.as_mut()).is_pending());
        // Now the model is the slow part.
        assert!(untaken.waiting().since.is_empty());
        let other = untaken.watch(Body::from("an answer"));
        assert_eq!(untaken.waiting().since.len(), 1);
        drop(other);
        assert!(untaken.waiting().since.is_empty());
    }
}
