//! The protocol over two streams: one message a line.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientNotification, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage, serve_directly};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use super::Handler;
use crate::cancel::{self, Canceller, Stop};
use crate::mcp::Offer;

/// Longest message, in bytes.
const LONGEST: usize = 4 << 20;

/// Requests without an answer, at most: no more are read until one has its own.
const UNANSWERED: usize = 1_024;

/// Calls at a time. Others wait for their turn.
const CALLS: usize = 16;

/// How long calls may go on when the input has ended: what is asked by a pipe is still answered.
const GRACE: Duration = Duration::from_millis(500);

/// How long the process goes on after that, for answers that nobody takes.
const END: Duration = Duration::from_millis(300);

/// Serves one client until its input ends.
pub async fn serve(
    offer: Offer,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) {
    let (canceller, stop) = cancel::pair();
    let (ended, end) = cancel::pair();
    let lines = Lines {
        inner: AsyncRwTransport::new_server(input, output).with_max_line_length(LONGEST),
        unanswered: Arc::default(),
        ended,
    };
    let running = serve_directly(Handler::new(offer, CALLS, stop), lines, None);
    let hurry = async {
        end.cancelled().await;
        tokio::time::sleep(GRACE).await;
        canceller.cancel(Stop::Deadline);
        tokio::time::sleep(END).await;
    };
    tokio::select! {
        _ = running.waiting() => {}
        () = hurry => {}
    }
}

/// Lines in, lines out, and no more requests at a time than are answered.
struct Lines<R: AsyncRead, W: AsyncWrite> {
    inner: AsyncRwTransport<RoleServer, R, W>,
    unanswered: Arc<Unanswered>,
    /// Told when there is no more input.
    ended: Canceller,
}

/// The requests that have no answer yet.
#[derive(Default)]
struct Unanswered {
    ids: Mutex<HashSet<RequestId>>,
    fewer: Notify,
}

impl Unanswered {
    fn begin(&self, id: &RequestId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    fn end(&self, id: &RequestId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.fewer.notify_one();
    }

    /// Resolves when there is room for one more.
    async fn room(&self) {
        while self.ids.lock().unwrap_or_else(PoisonError::into_inner).len() >= UNANSWERED {
            self.fewer.notified().await;
        }
    }
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            _ => None,
        };
        let unanswered = Arc::clone(&self.unanswered);
        let sent = self.inner.send(message);
        async move {
            let sent = sent.await;
            if let Some(id) = answered {
                unanswered.end(&id);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.unanswered.room().await;
        let message = self.inner.receive().await;
        match &message {
            None => self.ended.cancel(Stop::Interrupt),
            Some(JsonRpcMessage::Request(request)) => self.unanswered.begin(&request.id),
            // What is cancelled has no answer.
            Some(JsonRpcMessage::Notification(notification)) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.unanswered.end(id);
                }
            }
            Some(_) => {}
        }
        message
    }

    fn close(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn no_more_is_read_than_is_answered() {
        let unanswered = Unanswered::default();
        let id = |number: usize| RequestId::String(number.to_string().into());
        for number in 0..UNANSWERED {
            assert!(unanswered.room().now_or_never().is_some());
            unanswered.begin(&id(number));
        }
        assert!(unanswered.room().now_or_never().is_none());
        unanswered.end(&id(7));
        assert!(unanswered.room().now_or_never().is_some());
    }
}
