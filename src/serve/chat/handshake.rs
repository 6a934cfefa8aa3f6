//! Upgrades a request to a conversation (RFC 6455, section 4.2).

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use sha1_smol::Sha1;

use super::session::ChatSession;
use crate::serve::call::AdmittedRequest;
use crate::serve::credentials::with_key;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};

/// The protocol that a client has to offer if it offers any besides its key.
const PROTOCOL: &str = "docent";

/// The GUID that the standard adds to the client's key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("chat", "A conversation over one connection, a WebSocket")
        .says(
            "Questions, `cancel`, `clear` and `resume` go in, the events of `query` come out, each a JSON \
            object in a text message: see docs/serve-chat.md.",
        )
        .upgrades()
}

/// `GET /v1/docent/chat`.
pub(in crate::serve) fn open(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let headers = &call.headers;
    if !has(headers, &UPGRADE, "websocket") || !has(headers, &CONNECTION, "upgrade") {
        return Err(no_upgrade("this route is a WebSocket, and the request does not ask for one"));
    }
    if !has(headers, &SEC_WEBSOCKET_VERSION, "13") {
        return Err(no_upgrade("only version 13 of the WebSocket protocol is supported"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| {
        let decoded = STANDARD.decode(key.as_bytes());
        decoded.is_ok_and(|bytes| bytes.len() == 16)
    });
    let Some(key) = key else {
        let name = SEC_WEBSOCKET_KEY.as_str();
        return Err(RequestRefusal::invalid(name, "the header must have 16 bytes in base64")
            .hint("open it with a WebSocket client, which sends it by itself"));
    };
    let offers = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    if offers && !has(headers, &SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        let name = SEC_WEBSOCKET_PROTOCOL.as_str();
        return Err(RequestRefusal::invalid(name, "none of the offered protocols is supported")
            .hint(format!("offer `{PROTOCOL}`, or no protocol")));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accepted(key));
    if offers {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    let Some(upgrade) = call.upgrade else {
        return Err(no_upgrade("a WebSocket needs HTTP/1.1, and this connection is HTTP/2"));
    };
    let (server, headers) = (call.server, with_key(&call.headers));
    // The conversation continues after this request has ended; its connection still counts, and a shutdown
    // waits for it.
    tokio::spawn(async move {
        if let Some((connection, permit)) = upgrade.given().await {
            ChatSession::new(server, headers, connection).await.run().await;
            drop(permit);
        }
    });
    Ok(response)
}

fn no_upgrade(message: &str) -> RequestRefusal {
    RequestRefusal::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::UpgradeRequired, message).hint(
        "open it with a WebSocket client over HTTP/1.1; POST /v1/docent/query answers one question without",
    )
}

/// Whether a header with a list of names contains this one.
fn has(headers: &HeaderMap, header: &HeaderName, name: &str) -> bool {
    let values = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(name))
}

/// The response to the client's key, which shows that the handshake was understood.
fn accepted(key: &HeaderValue) -> HeaderValue {
    let mut sha1 = Sha1::new();
    sha1.update(key.as_bytes());
    sha1.update(GUID.as_bytes());
    let text = STANDARD.encode(sha1.digest().bytes());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accepted(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn names_are_found_in_lists_whatever_their_case() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("other"));
        headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("docent,docent.key.x"));
        assert!(has(&headers, &CONNECTION, "upgrade"));
        assert!(has(&headers, &SEC_WEBSOCKET_PROTOCOL, "docent"));
        assert!(!has(&headers, &UPGRADE, "websocket"));
    }
}
