//! HTTP for every module: the client, what its failures mean, when a request may be sent, and on whose
//! behalf.
//!
//! What a particular kind of server says is not known here: [`crate::openai`] speaks to models,
//! `store::server` to Qdrant, `ingest::web` to sites, `trace::otlp` to collectors.

mod client;
mod headers;
mod limiter;
mod rate_limit_headers;
mod retry_after;
mod socket;
mod trace_headers;
mod transport;
mod url;

pub(crate) use client::http_client;
pub(crate) use headers::{Headers, headers};
pub(crate) use limiter::{Limiter, LimiterRejection};
pub use limiter::{Permit, Quota, ThrottleStats};
pub(crate) use rate_limit_headers::rate_limits;
pub(crate) use retry_after::retry_after;
pub(crate) use socket::{SocketError, SocketResponse, post_through_socket};
pub(crate) use trace_headers::{
    TRACEPARENT, context, with_trace_context, with_trace_context_blocking,
};
pub(crate) use transport::{TooLarge, innermost, transport_error};
pub(crate) use url::{is_loopback, shown_url};
