//! The protocol over HTTP: one message per request, and its result in the response. Nothing is kept between
//! two requests.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderMap, StatusCode};
use rmcp::model::{
    ClientCapabilities, ErrorCode, Implementation, InitializeRequestParams, JsonRpcMessage,
    ProtocolVersion, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::{RunningService, serve_directly};
use rmcp::transport::OneshotTransport;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::sync::mpsc;

use super::Handler;
use super::headers::{self, Era};
use super::message::{id_of, json_of, message_of, refusal};
use crate::cancel::Cancel;
use crate::mcp::ServerOffer;

/// Calls at a time within one request.
const CALLS: usize = 1;

/// The reply to a message.
pub enum McpReply {
    /// The message is of a kind that gets no response.
    Accepted,
    /// JSON.
    Whole(StatusCode, Bytes),
    /// Messages as JSON, the response last. Dropping the stream ends the work.
    Events(Pin<Box<dyn Stream<Item = String> + Send>>),
}

/// A handler for one message. `stop` ends the work in progress.
pub fn answerer(offer: ServerOffer, stop: Cancel) -> impl ServerHandler {
    Handler::new(offer, CALLS, stop)
}

/// Answers one message. Dropping the future ends the work.
pub async fn post(handler: impl ServerHandler, sent: &HeaderMap, body: &[u8]) -> McpReply {
    let message = match json_of(body) {
        Ok(message) => message,
        Err(error) => return refused(StatusCode::BAD_REQUEST, None, error),
    };
    let id = id_of(&message);
    if message.get("method").is_none() && message.get("id").is_some() {
        // A response to a request that was never made.
        return McpReply::Accepted;
    }
    let era = match headers::check(sent, &message) {
        Ok(era) => era,
        Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => {
            return refused(StatusCode::NOT_FOUND, id, error);
        }
        Err(error) => return refused(StatusCode::BAD_REQUEST, id, error),
    };
    let message = match message_of(message) {
        Ok(JsonRpcMessage::Request(request)) => JsonRpcMessage::Request(request),
        Ok(_) => return McpReply::Accepted,
        Err(error) => return refused(StatusCode::BAD_REQUEST, id, error),
    };
    let (transport, answers) = OneshotTransport::<RoleServer>::new(message);
    let peer = match &era {
        Era::Handshake(version) => Some(unknown_peer(version.clone())),
        Era::Metadata | Era::Begins => None,
    };
    let running = serve_directly(handler, transport, peer);
    let is_legacy = !matches!(era, Era::Metadata);
    Exchange { answers, is_legacy, _running: running }.reply(headers::accepts_events(sent)).await
}

/// A client of the revisions with a handshake; nothing of its handshake is kept.
fn unknown_peer(version: ProtocolVersion) -> InitializeRequestParams {
    let unknown = Implementation::new("unknown", "0");
    InitializeRequestParams::new(ClientCapabilities::default(), unknown)
        .with_protocol_version(version)
}

/// A request in progress.
struct Exchange<H: ServerHandler> {
    answers: mpsc::Receiver<ServerJsonRpcMessage>,
    is_legacy: bool,
    /// Dropping it ends the work.
    _running: RunningService<RoleServer, H>,
}

impl<H: ServerHandler> Exchange<H> {
    async fn reply(mut self, accepts_events: bool) -> McpReply {
        loop {
            match self.answers.recv().await {
                Some(answer) if is_last(&answer) => {
                    return McpReply::Whole(self.status(&answer), text_of(&answer).into());
                }
                // Messages before the response have to be streamed, or they are lost.
                Some(first) if accepts_events => return McpReply::Events(self.events(first)),
                Some(_) => {}
                None => {
                    let error = ErrorData::internal_error("the request was cut off", None);
                    return refused(StatusCode::INTERNAL_SERVER_ERROR, None, error);
                }
            }
        }
    }

    fn events(self, first: ServerJsonRpcMessage) -> Pin<Box<dyn Stream<Item = String> + Send>> {
        let state = Some((self, Some(first)));
        Box::pin(stream::unfold(state, |state| async move {
            let (mut exchange, first) = state?;
            let message = match first {
                Some(first) => first,
                None => exchange.answers.recv().await?,
            };
            let next = (!is_last(&message)).then_some((exchange, None));
            Some((text_of(&message), next))
        }))
    }

    fn status(&self, answer: &ServerJsonRpcMessage) -> StatusCode {
        let JsonRpcMessage::Error(error) = answer else { return StatusCode::OK };
        match error.error.code {
            _ if self.is_legacy => StatusCode::OK,
            ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
            | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            | ErrorCode::HEADER_MISMATCH => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        }
    }
}

fn is_last(message: &ServerJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_))
}

/// Outgoing messages can always be written as JSON.
fn text_of(message: &ServerJsonRpcMessage) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

fn refused(status: StatusCode, id: Option<RequestId>, error: ErrorData) -> McpReply {
    McpReply::Whole(status, refusal(id, error).to_string().into())
}
