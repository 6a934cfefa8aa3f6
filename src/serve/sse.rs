//! Server-sent events: how a stream's events are written on the wire.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::time::{Instant, Sleep};

/// How long a stream is silent before a comment is sent, so that no proxy takes it for dead. A stream that
/// hangs is ended by the time limit of a request.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Sent at once: some clients give up if no byte arrives while passages are retrieved.
const FIRST: &str = ": docent\n\n";

/// nginx and its relatives buffer an answer unless they are told not to.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// One event as it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Frame(String);

impl Frame {
    /// Without a name, as `/v1/chat/completions` has them.
    pub(super) fn data(object: &impl Serialize) -> Self {
        Self(format!("data: {}\n\n", json(object)))
    }

    /// With a name.
    pub(super) fn event(name: &str, object: &impl Serialize) -> Self {
        Self::of_json(name, &json(object))
    }

    /// The same for an object that already is JSON on one line.
    pub(super) fn of_json(name: &str, json: &str) -> Self {
        Self(format!("event: {name}\ndata: {json}\n\n"))
    }

    /// The event that clients of `OpenAI` take for the end.
    pub(super) fn done() -> Self {
        Self("data: [DONE]\n\n".to_owned())
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// Outgoing objects can always be written as JSON, on one line.
pub(super) fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// A response that sends each event as it comes.
pub(super) fn response(events: impl Stream<Item = Frame> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(KeptAlive::new(events, KEEP_ALIVE)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

struct KeptAlive {
    events: Pin<Box<dyn Stream<Item = Frame> + Send>>,
    first: bool,
    longest_silence: Duration,
    silence: Pin<Box<Sleep>>,
}

impl KeptAlive {
    fn new(events: impl Stream<Item = Frame> + Send + 'static, longest_silence: Duration) -> Self {
        let silence = Box::pin(tokio::time::sleep(longest_silence));
        Self { events: Box::pin(events), first: true, longest_silence, silence }
    }

    fn begin_silence(&mut self) {
        self.silence.as_mut().reset(Instant::now() + self.longest_silence);
    }
}

impl Stream for KeptAlive {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.first) {
            return Poll::Ready(Some(Ok(Bytes::from_static(FIRST.as_bytes()))));
        }
        match self.events.as_mut().poll_next(context) {
            Poll::Ready(event) => {
                self.begin_silence();
                Poll::Ready(event.map(|Frame(text)| Ok(Bytes::from(text))))
            }
            Poll::Pending => match self.silence.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    self.begin_silence();
                    Poll::Ready(Some(Ok(Bytes::from_static(b": \n\n"))))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures::StreamExt as _;

    use super::*;

    #[test]
    fn an_event_is_one_line_of_json() {
        assert_eq!(Frame::data(&"a\nb").text(), "data: \"a\\nb\"\n\n");
        assert_eq!(Frame::event("delta", &1).text(), "event: delta\ndata: 1\n\n");
    }

    #[tokio::test]
    async fn silence_is_broken_by_comments() {
        let (send, sent) = tokio::sync::oneshot::channel::<()>();
        let events = futures::stream::once(async {
            let _ = sent.await;
            Frame::done()
        });
        let mut body = KeptAlive::new(events, Duration::from_millis(10));
        for expected in [FIRST, ": \n\n", ": \n\n"] {
            assert_eq!(body.next().await.unwrap().unwrap(), expected);
        }
        drop(send);
        let rest: Vec<Bytes> = body.map(Result::unwrap).collect().await;
        assert_eq!(rest.last().unwrap(), "data: [DONE]\n\n");
    }
}
