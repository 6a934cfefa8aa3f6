//! Finds the key of a request in its headers, and the error if there is none.

use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderName, StatusCode};

use super::keys::Secret;
use super::refusal::{ErrorCode, RequestRefusal};

/// Whether a request carries something that may be a key.
pub(super) fn brings_key(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(OTHER_HEADER)
}

/// The headers of a request that may carry a key.
pub(super) fn with_key(headers: &HeaderMap) -> HeaderMap {
    let bring = [AUTHORIZATION, HeaderName::from_static(OTHER_HEADER), SEC_WEBSOCKET_PROTOCOL];
    let found =
        bring.into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    found.collect()
}

/// Azure's clients send their key in this header.
const OTHER_HEADER: &str = "api-key";

/// In a WebSocket this list of offered protocols is the only header that a web page can set. Unlike a URL
/// it is kept in no history and, usually, in no log.
fn offered_key(protocols: &str) -> Option<&str> {
    protocols.split(',').find_map(|protocol| protocol.trim().strip_prefix(KEY_PROTOCOL))
}

/// Prefix of the key in that list.
const KEY_PROTOCOL: &str = "docent.key.";

/// # Errors
/// There is no key, or it does not have the form of docent's keys.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Secret, RequestRefusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
    });
    let offered = || header(SEC_WEBSOCKET_PROTOCOL.as_str()).and_then(offered_key);
    let Some(sent) = bearer.or_else(|| header(OTHER_HEADER)).or_else(offered) else {
        return Err(RequestRefusal::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::MissingApiKey,
            "no key was sent",
        ));
    };
    Secret::parse(sent).ok_or_else(unknown_key)
}

pub(super) fn unknown_key() -> RequestRefusal {
    RequestRefusal::new(StatusCode::UNAUTHORIZED, ErrorCode::InvalidApiKey, "this key is not known")
}
