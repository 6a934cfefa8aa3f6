//! Which names of this machine, and which web pages, a request may come through.
//!
//! If no key is needed, a foreign web page could make the browser of a docent user send requests: directly,
//! or under a name of its own that it resolves to this machine (DNS rebinding). So a request has to name
//! this machine by an address, by `localhost` or by an allowed name, and a page that sends one has to come
//! from this server or from an allowed origin.

use std::net::IpAddr;

use axum::body::Body;
use axum::response::Response;
use http::header::{HOST, HeaderName, HeaderValue, ORIGIN, VARY};
use http::{HeaderMap, Method, Request, StatusCode};

use super::refusal::{ErrorCode, RequestRefusal};
use crate::settings::ServeSettings;

const ALLOW_ORIGIN: HeaderName = HeaderName::from_static("access-control-allow-origin");
const ALLOW_HEADERS: HeaderName = HeaderName::from_static("access-control-allow-headers");
const ALLOW_METHODS: HeaderName = HeaderName::from_static("access-control-allow-methods");
const MAX_AGE: HeaderName = HeaderName::from_static("access-control-max-age");

/// Marks a request that came through a Unix socket, which no web page can reach.
#[derive(Clone, Copy)]
pub(super) struct ThroughSocket;

/// Marks a request that came through the socket in the data directory, which only its owner can open.
#[derive(Clone, Copy)]
pub(super) struct FromOwner;

/// The host that a request names, without its port; HTTP/2 has it in the URI.
pub(super) fn host(request: &Request<Body>) -> Option<String> {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let header = || request.headers().get(HOST)?.to_str().ok();
    authority.or_else(header).map(str::to_ascii_lowercase)
}

/// # Errors
/// The request names a host, or comes from a page, that is not allowed.
pub(super) fn check(
    request: &Request<Body>,
    settings: &ServeSettings,
    needs_keys: bool,
) -> Result<(), RequestRefusal> {
    let host = host(request);
    let local = request.extensions().get::<ThroughSocket>().is_some();
    if !needs_keys && !local && !host.as_deref().is_some_and(|host| is_ours(host, settings)) {
        let named = host.as_deref().unwrap_or_default();
        return Err(RequestRefusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::HostNotAllowed,
            format!(
                "the request names the host `{named}`, which is not a known name of this server"
            ),
        )
        .hint("if it is a name of this server, allow it with --allow-host"));
    }
    match origin(request.headers()) {
        Some(origin) if !is_allowed(origin, host.as_deref(), settings) => Err(RequestRefusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::OriginNotAllowed,
            format!("web pages of `{origin}` may not ask this server"),
        )
        .hint("allow them with --allow-origin")),
        _ => Ok(()),
    }
}

fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("?"))
}

/// `host` may have a port.
fn is_ours(host: &str, settings: &ServeSettings) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let public = settings.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    bare == "localhost"
        || bare.parse::<IpAddr>().is_ok()
        || settings.allow_host.iter().any(|allowed| allowed == name || allowed == host)
        || public.is_some_and(|url| url.host_str() == Some(name))
}

/// Whether the page belongs to this server or to an allowed origin.
fn is_allowed(origin: &str, host: Option<&str>, settings: &ServeSettings) -> bool {
    let origin = origin.to_ascii_lowercase();
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let own = authority.is_some() && authority == host;
    let public = settings.public_url.as_deref().is_some_and(|url| {
        url::Url::parse(url).is_ok_and(|url| url.origin().ascii_serialization() == origin)
    });
    own || public || settings.allow_origin.contains(&origin)
}

/// Whether this is the preflight request of a browser.
pub(super) fn is_preflight(request: &Request<Body>) -> bool {
    request.method() == Method::OPTIONS && origin(request.headers()).is_some()
}

pub(super) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
    headers.insert(
        ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, x-request-id, mcp-protocol-version, mcp-method, mcp-name",
        ),
    );
    headers.insert(MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets the page read the response. Its origin was [checked](check) before.
pub(super) fn let_read(response: &mut Response, asked_by: Option<HeaderValue>) {
    if let Some(origin) = asked_by {
        let headers = response.headers_mut();
        headers.insert(ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::settings::{Layers, resolve};

    fn settings() -> ServeSettings {
        let mut serve = resolve(&Layers(Vec::new()), true).unwrap().serve;
        serve.allow_host = vec!["docs.example.org".to_owned()];
        serve.allow_origin = vec!["https://app.example.org".to_owned()];
        serve.public_url = Some("https://ask.example.org".to_owned());
        serve
    }

    fn checked(host: &str, origin: Option<&str>, needs_keys: bool) -> Result<(), &'static str> {
        let mut request = Request::builder().uri("/").header(HOST, host);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let request = request.body(Body::empty()).unwrap();
        check(&request, &settings(), needs_keys).map_err(|refusal| refusal.code.name())
    }

    #[test]
    fn a_host_is_an_address_or_was_allowed() {
        for host in [
            "localhost:7400",
            "127.0.0.1:7400",
            "[::1]:7400",
            "192.168.1.5",
            "DOCS.example.org:80",
            "ask.example.org",
        ] {
            assert_eq!(checked(host, None, false), Ok(()), "{host}");
        }
        for host in ["evil.example", "evil.example:7400", "localhost.evil.example", ""] {
            assert_eq!(checked(host, None, false), Err("host_not_allowed"), "{host}");
            assert_eq!(checked(host, None, true), Ok(()), "a page has no key: {host}");
        }
    }

    #[test]
    fn a_page_is_of_this_server_or_was_allowed() {
        for origin in
            ["http://localhost:7400", "https://app.example.org", "https://ask.example.org"]
        {
            assert_eq!(checked("localhost:7400", Some(origin), false), Ok(()), "{origin}");
        }
        for origin in [
            "http://localhost:8000",
            "https://evil.example",
            "null",
            "https://app.example.org.evil",
        ] {
            for needs_keys in [false, true] {
                let refused = checked("localhost:7400", Some(origin), needs_keys);
                assert_eq!(refused, Err("origin_not_allowed"), "{origin}");
            }
        }
    }
}
