//! HTTP for every module: the client, what its failures mean, when a request may be sent, and on whose
//! behalf.
//!
//! What a particular kind of server says is not known here: [`crate::openai`] speaks to models,
//! `store::server` to Qdrant, `ingest::web` to sites, `trace::otlp` to collectors.

mod announced;
mod behalf;
mod client;
mod headers;
mod limiter;
mod retry_after;
mod socket;
mod transport;
mod url;

pub(crate) use announced::announced;
pub(crate) use behalf::{TRACEPARENT, at_once_on_behalf_of, context, on_behalf_of};
pub(crate) use client::http_client;
pub(crate) use headers::{Headers, headers};
pub(crate) use limiter::{Held, Limiter};
pub use limiter::{Permit, Quota, Throttled};
pub(crate) use retry_after::retry_after;
pub(crate) use socket::{SocketError, SocketResponse, post_through_socket};
pub(crate) use transport::{TooLarge, innermost, transport_error};
pub(crate) use url::{is_loopback, shown_url};
