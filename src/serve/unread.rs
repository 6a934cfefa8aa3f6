//! The body of a request, read on where its handler had enough of it.
//!
//! Who is refused before its body was read is still sending, and many clients look for the response only
//! when all is sent: a connection that is closed meanwhile, or a stream of HTTP/2 that is reset, takes the
//! response with it. So what still comes is read and thrown away, for a while.

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

/// How long what nobody wants is read, at most.
const LONGEST: Duration = Duration::from_secs(30);

/// After so long without a byte nothing more is expected.
const SILENCE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct ReadOn {
    /// `None` once it has ended.
    body: Option<Body>,
    asked_for: AskedFor,
    /// Nobody need be waited for any more.
    ends: watch::Receiver<bool>,
}

/// Whether the client was let send its body. One that waits for a word (`Expect: 100-continue`) gets it
/// with the first attempt to read.
#[derive(Clone)]
pub(super) struct AskedFor(Arc<AtomicBool>);

impl AskedFor {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl ReadOn {
    /// `waits`: the client sends nothing before somebody reads.
    pub(super) fn new(body: Body, waits: bool, ends: watch::Receiver<bool>) -> Self {
        Self { body: Some(body), asked_for: AskedFor(Arc::new(AtomicBool::new(!waits))), ends }
    }

    pub(super) fn asked_for(&self) -> AskedFor {
        self.asked_for.clone()
    }
}

impl http_body::Body for ReadOn {
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

impl Drop for ReadOn {
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

    /// A body, and where its pieces are put: that fails once nobody reads it.
    fn body(waits: bool) -> (ReadOn, mpsc::Sender<Bytes>, watch::Sender<bool>) {
        let (pieces, mut coming) = mpsc::channel(1);
        let pieces_of = futures::stream::poll_fn(move |context| coming.poll_recv(context));
        let (ending, ends) = watch::channel(false);
        let body = Body::from_stream(pieces_of.map(Ok::<_, std::convert::Infallible>));
        (ReadOn::new(body, waits, ends), pieces, ending)
    }

    #[tokio::test]
    async fn what_nobody_wants_is_read_until_the_server_ends() {
        let (body, pieces, ending) = body(false);
        drop(body);
        for _ in 0..100 {
            pieces.send(Bytes::from_static(b"more")).await.unwrap();
        }
        ending.send(true).unwrap();
        pieces.closed().await;
    }

    #[tokio::test]
    async fn what_was_not_asked_for_is_not_waited_for() {
        let (body, pieces, _ending) = body(true);
        let asked_for = body.asked_for();
        drop(body);
        pieces.closed().await;
        assert!(!asked_for.is_so());
    }

    #[tokio::test]
    async fn who_falls_silent_is_left() {
        let (body, pieces, _ending) = body(false);
        drop(body);
        pieces.closed().await;
    }
}
