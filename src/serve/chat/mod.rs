//! `GET /v1/docent/chat`: a conversation over one connection, a WebSocket.
//!
//! Questions come in, and the events of `docent query --format jsonl` go out. Each question is admitted,
//! counted and logged like a request, by the same functions. The answer is driven by the reader of the
//! connection: while it takes nothing, the model is not read, and when it leaves, the answer ends.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`handshake`] | from a request to a connection that is no longer one of HTTP |
//! | [`message`] | the messages of a client |
//! | [`session`] | the connection: receiving and sending, pings, idle time, its end |
//! | [`conversation`] | how messages are handled |
//! | [`turn`] | a question that is being answered, and its events so far |
//! | [`recent_turns`] | recent turns, for clients that lost the connection |

mod conversation;
mod handshake;
mod message;
mod recent_turns;
mod session;
mod turn;

pub(super) use handshake::{described, open};
pub(super) use recent_turns::RecentTurns;

/// The path, in logs and metrics.
const PATH: &str = "/v1/docent/chat";
