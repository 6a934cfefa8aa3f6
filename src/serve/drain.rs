//! Reads the rest of a request's body that its handler did not want.
//!
//! A caller that is refused before its body was read is still sending, and many clients look for the
//! response only when everything is sent: if the connection is closed meanwhile, or the HTTP/2 stream
//! reset, the response is lost. So the rest is read and discarded, for a while.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Longest time that unwanted bytes are read.
const LONGEST: Duration = Duration::from_secs(30);

/// After this long without a byte, nothing more is expected.
const SILENCE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct DrainedBody {
    /// `None` once it has ended.
    body: Option<Body>,
    asked_for: AskedFor,
    /// Set when the server stops waiting for clients.
    ends: watch::Receiver<bool>,
}

/// Whether the client was allowed to send its body. A client that waits for that (`Expect: 100-continue`)
/// is told with the first attempt to read.
#[derive(Clone)]
pub(super) struct AskedFor(Arc<AtomicBool>);

impl AskedFor {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl DrainedBody {
    /// `waits`: the client sends nothing until the body is read.
    pub(super) fn new(body: Body, waits: bool, ends: watch::Receiver<bool>) -> Self {
        Self { body: Some(body), asked_for: AskedFor(Arc::new(AtomicBool::new(!waits))), ends }
    }

    pub(super) fn asked_for(&self) -> AskedFor {
        self.asked_for.clone()
    }
}

impl http_body::Body for DrainedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.asked_for.0.store(true, Ordering::Relaxed);
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for DrainedBody {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream() && self.asked_for.is_so());
        let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) else { return };
        runtime.spawn(throw_away(rest, self.ends.clone()));
    }
}

async fn next_piece(body: &mut Body) -> Option<Result<Frame<Bytes>, axum::Error>> {
    std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
}

async fn throw_away(mut body: Body, mut ends: watch::Receiver<bool>) {
    let read = async {
        while let Ok(Some(Ok(_))) = tokio::time::timeout(SILENCE, next_piece(&mut body)).await {}
    };
    tokio::select! {
        _ = tokio::time::timeout(LONGEST, read) => {}
        _ = ends.wait_for(|ends| *ends) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures::StreamExt as _;
    use tokio::sync::mpsc;

    use super::*;

    /// A body, and the sender of its pieces, which fails once the body is no longer read.
    fn body(waits: bool) -> (DrainedBody, mpsc::Sender<Bytes>, watch::Sender<bool>) {
        let (pieces, mut coming) = mpsc::channel(1);
        let pieces_of = futures::stream::poll_fn(move |context| coming.poll_recv(context));
        let (ending, ends) = watch::channel(false);
        let body = Body::from_stream(pieces_of.map(Ok::<_, std::convert::Infallible>));
        (DrainedBody::new(body, waits, ends), pieces, ending)
    }

    #[tokio::test]
    async fn an_unwanted_body_is_read_until_the_server_ends() {
        let (body, pieces, ending) = body(false);
        drop(body);
        for _ in 0..100 {
            pieces.send(Bytes::from_static(b"more")).await.unwrap();
        }
        ending.send(true).unwrap();
        pieces.closed().await;
    }

    #[tokio::test]
    async fn a_body_that_was_not_asked_for_is_not_waited_for() {
        let (body, pieces, _ending) = body(true);
        let asked_for = body.asked_for();
        drop(body);
        pieces.closed().await;
        assert!(!asked_for.is_so());
    }

    #[tokio::test]
    async fn a_silent_client_is_given_up() {
        let (body, pieces, _ending) = body(false);
        drop(body);
        pieces.closed().await;
    }
}
