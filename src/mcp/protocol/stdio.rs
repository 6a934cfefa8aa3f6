//! The protocol over two streams: one message per line.

mod lines;

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::model::{ClientJsonRpcMessage, ClientNotification, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage, serve_directly};
use rmcp::transport::Transport;
use rmcp::{ErrorData, RoleServer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use self::lines::{InputLine, LineReader, LineWriter};
use super::Handler;
use super::message::{id_of, is_answer, json_of, message_of, refusal};
use crate::cancel::{self, Canceller, Stop};
use crate::mcp::ServerOffer;
use crate::task::Task;

/// Longest message, in bytes.
const LONGEST: usize = 4 << 20;

/// Most requests without a response: reading pauses until one is answered.
const UNANSWERED: usize = 1_024;

/// Calls that run at a time. The others wait.
const CALLS: usize = 16;

/// How long calls may continue after the input has ended, so that requests from a pipe still get a
/// response.
const GRACE: Duration = Duration::from_millis(500);

/// How long the process then waits for responses that are not read.
const END: Duration = Duration::from_millis(300);

/// Serves one client until its input ends.
pub async fn serve(
    offer: ServerOffer,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) {
    let (canceller, stop) = cancel::pair();
    let (ended, end) = cancel::pair();
    let lines = Lines {
        input: LineReader::new(input, LONGEST),
        output: LineWriter::new(output),
        refusing: None,
        unanswered: Arc::default(),
        ended,
    };
    let running = serve_directly(Handler::new(offer, CALLS, stop).with_pushes(), lines, None);
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

/// Reads and writes lines, and limits the number of unanswered requests.
struct Lines<R, W> {
    input: LineReader<R>,
    output: LineWriter<W>,
    /// The response to an invalid line, while it is being written: nothing else is read until it is out.
    refusing: Option<Task<()>>,
    unanswered: Arc<Unanswered>,
    /// Cancelled when the input has ended.
    ended: Canceller,
}

/// The requests without a response so far.
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
        let output = self.output.clone();
        async move {
            let sent = match serde_json::to_string(&message) {
                Ok(line) => output.write(line).await,
                Err(error) => Err(error.into()),
            };
            if let Some(id) = answered {
                unanswered.end(&id);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.unanswered.room().await;
        let message = self.next().await;
        match &message {
            None => self.ended.cancel(Stop::Interrupt),
            Some(JsonRpcMessage::Request(request)) => self.unanswered.begin(&request.id),
            // A cancelled request gets no response.
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

    async fn close(&mut self) -> io::Result<()> {
        self.output.close().await;
        Ok(())
    }
}

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// The next message. Invalid lines are answered on the way. If dropped, the next call continues where
    /// this one was.
    async fn next(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if let Some(refusing) = &mut self.refusing {
                refusing.await;
                self.refusing = None;
            }
            let (id, error) = match self.input.next().await? {
                InputLine::TooLong => {
                    let problem = format!("a message has {LONGEST} bytes at most");
                    (None, ErrorData::invalid_request(problem, None))
                }
                InputLine::Whole(line) if line.trim_ascii().is_empty() => continue,
                InputLine::Whole(line) => match read(&line) {
                    Read::Message(message) => return Some(*message),
                    Read::Nothing => continue,
                    Read::Refused(id, error) => (id, error),
                },
            };
            let (output, refusal) = (self.output.clone(), refusal(id, error).to_string());
            self.refusing = Some(Task::spawn(async move {
                // A failed write shows with the next message.
                let _ = output.write(refusal).await;
            }));
        }
    }
}

/// What a line contains.
enum Read {
    Message(Box<ClientJsonRpcMessage>),
    /// A line without a response.
    Nothing,
    Refused(Option<RequestId>, ErrorData),
}

fn read(line: &[u8]) -> Read {
    let message = match json_of(line) {
        Ok(message) => message,
        Err(error) => return Read::Refused(None, error),
    };
    let (id, is_answer) = (id_of(&message), is_answer(&message));
    match message_of(message) {
        Ok(message) => Read::Message(Box::new(message)),
        // Responding to a response could go on without end.
        Err(_) if is_answer => Read::Nothing,
        Err(error) => Read::Refused(id, error),
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
