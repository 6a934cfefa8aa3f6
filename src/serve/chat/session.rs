//! The connection of a conversation: receiving and sending, pings, idle time, and its end.
//!
//! One task does one thing at a time: the next event of the answer is asked for only when the system has
//! taken all earlier ones, so a slow reader holds the model up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{FutureExt as _, Sink as _, SinkExt as _, StreamExt as _};
use http::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, error::ProtocolError};

use super::conversation::{AccessRevoked, Conversation, Outbox};
use crate::serve::call::Server;
use crate::serve::connections::RawConnection;

/// Largest message that is accepted: the longest question with every letter escaped, and filters.
const LARGEST_MESSAGE: usize = 256 << 10;

/// Size of the read buffer of each connection.
const READ_BUFFER: usize = 4 << 10;

/// Bytes of a message that are sent at a time: the send buffer of a connection never shrinks, and retrieved
/// passages are larger than all other messages.
const LARGEST_FRAME: usize = 4 << 10;

/// How long the client may take to close its side.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much of the client's remaining input is read: if some is left unread, the system discards what was
/// sent last.
const LAST_WORDS: u64 = 1 << 20;

/// The code and the reason that are sent when the connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Closing(u16, &'static str);

impl Closing {
    const GOING_AWAY: Self = Self(1001, "the server is shutting down");
    const PROTOCOL: Self = Self(1002, "this does not follow the WebSocket protocol (RFC 6455)");
    const BINARY: Self = Self(1003, "messages are JSON, as text");
    const NO_UTF8: Self = Self(1007, "the text is not UTF-8");
    const TOO_LARGE: Self = Self(1009, "the message is larger than 256 kB");
    const SHUT_OUT: Self = Self(4401, "the key is no longer valid");
    const IDLE: Self = Self(4408, "no question was asked for too long");
    const TAKEN_OVER: Self = Self(4409, "the answer is resumed on another connection");

    /// Why nothing more can be read; `None` if there is no client left to tell.
    fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Capacity(_) => Some(Self::TOO_LARGE),
            Error::Utf8(_) => Some(Self::NO_UTF8),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(_) => Some(Self::PROTOCOL),
            _ => None,
        }
    }

    fn message(self) -> Message {
        Message::Close(Some(CloseFrame { code: CloseCode::from(self.0), reason: self.1.into() }))
    }
}

/// How the session ends.
enum End {
    Close(Closing),
    /// The client has closed, or is gone.
    Left,
}

/// See the module.
pub(super) struct ChatSession {
    socket: WebSocketStream<RawConnection>,
    talk: Conversation,
    out: Outbox,
    /// The rest of a message whose beginning was sent.
    rest: Option<Bytes>,
    /// The system has not taken everything yet.
    unsent: bool,
    /// The untaken part is a ping, which is no sign that the client is there.
    pinging: bool,
    /// Nothing was received since the last ping.
    unanswered: bool,
    /// The close to send once everything else is sent.
    closing: Option<Closing>,
    /// The time of the last question or event.
    silent_since: Instant,
    next_ping: Instant,
    ping: Duration,
    idle: Duration,
    clock: Pin<Box<Sleep>>,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl ChatSession {
    /// `headers`: those with the key.
    pub(super) async fn new(
        server: Arc<Server>,
        headers: HeaderMap,
        connection: RawConnection,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let (ping, idle) = (server.settings.chat_ping, server.settings.chat_idle);
        let (now, stop) = (Instant::now(), server.stopping.get().cloned());
        let stop = async move {
            match stop {
                Some(stop) => stop.cancelled().await,
                None => std::future::pending().await,
            }
        };
        Self {
            socket: WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await,
            talk: Conversation::new(server, headers),
            out: Outbox::new(),
            rest: None,
            unsent: false,
            pinging: false,
            unanswered: false,
            closing: None,
            silent_since: now,
            next_ping: now + ping,
            ping,
            idle,
            clock: Box::pin(tokio::time::sleep(ping.min(idle))),
            stop: stop.boxed(),
        }
    }

    /// Runs the session to its end.
    pub(super) async fn run(mut self) {
        let end = std::future::poll_fn(|context| self.poll(context)).await;
        self.talk.leave();
        let _ = tokio::time::timeout(FAREWELL, self.part(end)).await;
    }

    /// Does everything that is possible without waiting.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.talk.is_lost(context) {
                return Poll::Ready(End::Close(Closing::TAKEN_OVER));
            }
            if self.send(context).is_err() {
                return Poll::Ready(End::Left);
            }
            // A client that takes no answers may send nothing more.
            if self.out.is_empty()
                && self.rest.is_none()
                && self.closing.is_none()
                && let Poll::Ready(heard) = self.socket.poll_next_unpin(context)
            {
                match self.hear(heard) {
                    Some(end) => return Poll::Ready(end),
                    None => continue,
                }
            }
            if !self.unsent {
                match self.talk.poll(context) {
                    Poll::Ready(event) => {
                        self.out.extend(event);
                        if !self.talk.is_answering() {
                            self.begin_silence();
                        }
                        continue;
                    }
                    Poll::Pending => {}
                }
                if let Some(closing) = self.closing {
                    return Poll::Ready(End::Close(closing));
                }
                if !self.talk.is_answering() && self.stop.poll_unpin(context).is_ready() {
                    return Poll::Ready(End::Close(Closing::GOING_AWAY));
                }
            }
            if self.clock.poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
            if let Some(end) = self.tick() {
                return Poll::Ready(end);
            }
        }
    }

    /// Sends pending data until the system takes no more.
    fn send(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        loop {
            if self.unsent {
                match self.socket.poll_flush_unpin(context) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(flushed) => flushed?,
                }
                self.unsent = false;
                // The client takes what it is sent.
                self.unanswered &= std::mem::take(&mut self.pinging);
            }
            if let Some(rest) = self.rest.take() {
                self.put_part(rest, Data::Continue)?;
                continue;
            }
            let Some(event) = self.out.pop_front() else { return Ok(()) };
            self.put_part(event.into(), Data::Text)?;
        }
    }

    /// Sends the first frame of the rest of a message.
    fn put_part(&mut self, mut left: Bytes, kind: Data) -> Result<(), Error> {
        let part = left.split_to(left.len().min(LARGEST_FRAME));
        let is_last = left.is_empty();
        self.rest = (!is_last).then_some(left);
        self.put(Message::Frame(Frame::message(part, OpCode::Data(kind), is_last)))
    }

    fn put(&mut self, message: Message) -> Result<(), Error> {
        self.unsent = true;
        Pin::new(&mut self.socket).start_send(message)
    }

    fn hear(&mut self, heard: Option<Result<Message, Error>>) -> Option<End> {
        let message = match heard {
            None => return Some(End::Left),
            Some(Err(error)) => {
                return Some(Closing::of(&error).map_or(End::Left, End::Close));
            }
            Some(Ok(message)) => message,
        };
        self.unanswered = false;
        match message {
            Message::Text(text) => {
                if let Err(AccessRevoked) = self.talk.hear(&text, &mut self.out) {
                    self.closing = Some(Closing::SHUT_OUT);
                }
                self.begin_silence();
            }
            Message::Binary(_) => return Some(End::Close(Closing::BINARY)),
            Message::Close(_) => return Some(End::Left),
            // The pong waits to be sent.
            Message::Ping(_) => self.unsent = true,
            Message::Pong(_) | Message::Frame(_) => {}
        }
        None
    }

    fn begin_silence(&mut self) {
        self.silent_since = Instant::now();
        self.set_clock();
    }

    fn set_clock(&mut self) {
        let idle = (!self.talk.is_answering()).then(|| self.silent_since + self.idle);
        let next = idle.map_or(self.next_ping, |idle| idle.min(self.next_ping));
        self.clock.as_mut().reset(next);
    }

    /// Handles a timer.
    fn tick(&mut self) -> Option<End> {
        let now = Instant::now();
        if !self.talk.is_answering() && now >= self.silent_since + self.idle {
            return Some(End::Close(Closing::IDLE));
        }
        if now >= self.next_ping {
            if self.unanswered {
                return Some(End::Left);
            }
            self.next_ping = now + self.ping;
            // Data that the client does not take has its own time limit.
            if !self.unsent {
                (self.pinging, self.unanswered) = (true, true);
                if self.put(Message::Ping(Bytes::new())).is_err() {
                    return Some(End::Left);
                }
            }
        }
        self.set_clock();
        None
    }

    /// Closes, and lets the client do the same.
    async fn part(mut self, end: End) {
        if let End::Close(closing) = end
            && self.socket.send(closing.message()).await.is_err()
        {
            return;
        }
        while let Some(Ok(_)) = self.socket.next().await {}
        let connection = self.socket.get_mut();
        if connection.shutdown().await.is_ok() {
            let mut rest = connection.take(LAST_WORDS);
            let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        }
    }
}
