//! A connection over which the HTTP library itself answers what it cannot read as a request.
//!
//! The library sends a status and nothing else, and then closes. That does not say what was wrong, so its
//! response is replaced by one with the same status and a body that explains it. In HTTP/2 there is nothing
//! to replace: malformed input there ends a stream or a connection with a code.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::call::made_id;
use super::refusal::{ErrorCode, RequestRefusal};

/// How long further input is read: if some of it is left unread, the system discards the response that is
/// being sent.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Longer than any response of the library.
const LONGEST_ANSWER: usize = 256;

/// The headers that the library sends; every response of docent also has an id.
const ITS_HEADERS: [&str; 3] = ["connection", "content-length", "date"];

/// See the module.
pub(super) struct ExplainedConnection<S> {
    stream: S,
    /// The bytes that replace a response and were not sent yet.
    unsent: Vec<u8>,
    ending: Ending,
}

/// After an explanation the connection is read to its end.
enum Ending {
    /// Nothing was explained.
    None,
    Explained,
    /// Nothing more is sent.
    Listening(Pin<Box<Sleep>>),
}

impl<S> ExplainedConnection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, unsent: Vec::new(), ending: Ending::None }
    }
}

impl<S: AsyncWrite + Unpin> ExplainedConnection<S> {
    /// Takes over all bytes to be sent if they end in a response of the library.
    fn explain(&mut self, slices: &[IoSlice<'_>]) -> Option<usize> {
        let last = slices.iter().rev().find(|slice| !slice.is_empty())?;
        let (begin, status) = answer_of_library(last)?;
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let before = all.len() - last.len() + begin;
        self.unsent.extend_from_slice(&all[..before]);
        self.unsent.extend_from_slice(&explanation(status));
        self.ending = Ending::Explained;
        Some(all.len())
    }

    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let taken = ready!(Pin::new(&mut self.stream).poll_write(context, &self.unsent))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.drain(..taken);
        }
        Poll::Ready(Ok(()))
    }
}

/// Offset and status of a response of the library at the end of `bytes`.
fn answer_of_library(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let tail = &bytes[bytes.len().saturating_sub(LONGEST_ANSWER)..];
    let begin = tail.windows(7).rposition(|window| window == b"HTTP/1.")?;
    let mut lines = std::str::from_utf8(&tail[begin..]).ok()?.trim_end().lines();
    let status = lines
        .next()?
        .split(' ')
        .nth(1)?
        .parse::<StatusCode>()
        .ok()
        .filter(StatusCode::is_client_error)?;
    let mut names = lines.map(|line| line.split(':').next().unwrap_or_default());
    let is_its_own = names.all(|name| ITS_HEADERS.contains(&name));
    is_its_own.then_some((bytes.len() - tail.len() + begin, status))
}

fn explanation(status: StatusCode) -> Vec<u8> {
    let refusal = if status == StatusCode::BAD_REQUEST {
        RequestRefusal::new(
            status,
            ErrorCode::MalformedRequest,
            "this cannot be read as a request of HTTP/1.1",
        )
        .hint("it has a method, a target or a header that RFC 9112 does not allow")
    } else {
        RequestRefusal::head_too_large(status)
    };
    let id = made_id("req_");
    let body = serde_json::to_string(&refusal.body(&id)).unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-request-id: {id}\r\nx-should-retry: false\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        body.len()
    );
    (head + &body).into_bytes()
}

impl<S: AsyncRead + Unpin> AsyncRead for ExplainedConnection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ExplainedConnection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.explain(&[IoSlice::new(bytes)]) {
            Some(taken) => Poll::Ready(Ok(taken)),
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.explain(slices) {
            Some(taken) => Poll::Ready(Ok(taken)),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_unsent(context))?;
        if let Ending::None | Ending::Explained = this.ending {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if let Ending::None = this.ending {
                return Poll::Ready(Ok(()));
            }
            this.ending = Ending::Listening(Box::pin(tokio::time::sleep(LAST_WORDS)));
        }
        let Ending::Listening(time) = &mut this.ending else { return Poll::Ready(Ok(())) };
        let mut thrown_away = [0; 4 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match Pin::new(&mut this.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return time.as_mut().poll(context).map(Ok),
            }
            // Input that never ends.
            if time.is_elapsed() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn responses_of_the_library_are_recognized_and_those_of_docent_are_not() {
        let its = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: Sun, 29 Nov 2026 21:20:34 GMT\r\n\r\n";
        let known = |text: &str| answer_of_library(text.as_bytes());
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(known(its), Some((0, status)));
        let behind = format!("{}{its}", r#"{"status":"alive"}"#.repeat(100));
        assert_eq!(known(&behind), Some((1_800, status)));
        for other in [
            "",
            "\r\n\r\n",
            "0\r\n\r\n",
            &its.replace("431", "200"),
            &its.replace("date", "x-request-id"),
            &its.replace("\r\n\r\n", "\r\n\r\n{}"),
            &its[..its.len() - 2],
        ] {
            assert_eq!(known(other), None, "{other}");
        }
        let explained = String::from_utf8(explanation(status)).unwrap();
        assert_eq!(known(&explained), None);
        let (_, body) = explained.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"], "head_too_large");
    }
}
