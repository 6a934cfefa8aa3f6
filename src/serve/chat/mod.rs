//! `GET /v1/docent/chat`: a conversation over one connection, a WebSocket.
//!
//! Questions come in, and the events of `docent query --format jsonl` go out. Each question is admitted,
//! counted and logged like a request, by the same functions. The answer is driven by the reader of the
//! connection: while it takes nothing, the model is not read, and when it leaves, the answer ends.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`handshake`] | from a request to a connection that is no longer one of HTTP |
//! | [`message`] | what a client says |
//! | [`session`] | the connection: what is heard and sent, pings, how long it is silent, its end |
//! | [`conversation`] | what becomes of what was heard |
//! | [`turn`] | a question that is being answered, and what was told of it |
//! | [`kept`] | turns of a while ago, for who lost the connection |

mod conversation;
mod handshake;
mod kept;
mod message;
mod session;
mod turn;

pub(super) use handshake::{described, open};
pub(super) use kept::KeptTurns;

/// The path, in logs and metrics.
const PATH: &str = "/v1/docent/chat";
