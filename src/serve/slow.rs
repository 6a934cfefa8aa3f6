//! A connection whose client has to read what it is sent.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Fails if the client takes none of the pending bytes for too long.
pub(super) struct SlowClient<S> {
    stream: S,
    patience: Duration,
    /// Runs while bytes wait to be taken.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> SlowClient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }
}

impl<S: Unpin> SlowClient<S> {
    /// The result of sending, or an error if it took too long.
    fn timed<T>(
        &mut self,
        tried: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.waiting = None;
            return tried;
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        match waiting.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client has stopped reading the response",
            ))),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SlowClient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SlowClient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(tried, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(tried, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = Pin::new(&mut self.stream).poll_flush(context);
        self.timed(tried, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_dropped() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut near = SlowClient::new(near, Duration::from_millis(50));
        near.write_all(&[0; 4]).await.unwrap();
        far.read_exact(&mut [0; 4]).await.unwrap();
        near.write_all(&[0; 4]).await.unwrap();
        let error = near.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(far);
    }

    #[tokio::test]
    async fn each_byte_taken_restarts_the_wait() {
        let (near, mut far) = tokio::io::duplex(1);
        let mut near = SlowClient::new(near, Duration::from_hours(1));
        near.write_all(&[0; 1]).await.unwrap();
        let more = near.write_all(&[0; 1]);
        tokio::pin!(more);
        assert!(futures::poll!(more.as_mut()).is_pending());
        far.read_exact(&mut [0; 1]).await.unwrap();
        more.await.unwrap();
        assert!(near.waiting.is_none());
    }
}
