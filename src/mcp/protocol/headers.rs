//! Compares the headers of a request with its body. Since revision 2026-07-28 headers repeat parts of the
//! body for the proxies in between, so they have to agree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use rmcp::ErrorData;
use rmcp::model::{ErrorCode, ProtocolVersion};
use serde_json::Value;

pub(super) const VERSION: &str = "mcp-protocol-version";
pub(super) const METHOD: &str = "mcp-method";
pub(super) const NAME: &str = "mcp-name";

/// Key in the metadata of a request.
pub(super) const VERSION_FIELD: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const CAPABILITIES_FIELD: &str = "io.modelcontextprotocol/clientCapabilities";

/// How a request states its revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Era {
    /// The request begins a handshake.
    Begins,
    /// By an earlier handshake.
    Handshake(ProtocolVersion),
    /// By its own metadata.
    Metadata,
}

/// The revision of a message.
///
/// # Errors
/// Its headers do not agree with it or with each other, or it lacks required metadata.
pub(super) fn check(sent: &HeaderMap, message: &Value) -> Result<Era, ErrorData> {
    check_type(sent)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let method = message.get("method").and_then(text);
    let params = &message["params"];
    let version = single(sent, VERSION)?;
    let since = version.is_some_and(|it| it >= ProtocolVersion::STANDARD_HEADERS.as_str());
    let method = method.unwrap_or_default();
    if method == "initialize" {
        // A request with its own metadata needs no handshake; these revisions have none.
        if since && params["_meta"].get(VERSION_FIELD).is_some() {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None));
        }
        if since && let Some(named) = single(sent, METHOD)?.filter(|named| *named != method) {
            return Err(mismatch(METHOD, named, &method));
        }
        let asked = params["protocolVersion"].as_str().unwrap_or_default();
        if let Some(version) = version.filter(|version| *version != asked) {
            let error = format!("the header {VERSION} is {version}, and the body asks for {asked}");
            return Err(ErrorData::invalid_request(error, None));
        }
        return Ok(Era::Begins);
    }
    if since {
        check_names(sent, &method, params)?;
    }
    // A message that is not a request gets no response, so its revision does not matter.
    if message.get("id").is_none() {
        return Ok(Era::Begins);
    }
    let meta = &params["_meta"];
    let Some(own) = meta[VERSION_FIELD].as_str() else {
        if since || method == "server/discover" {
            return Err(lacking(meta));
        }
        return Ok(Era::Handshake(before(version)?));
    };
    match version {
        None => Err(ErrorData::header_mismatch(format!("the header {VERSION} is missing"), None)),
        Some(version) if version != own => Err(mismatch(VERSION, version, own)),
        Some(_) if !meta[CAPABILITIES_FIELD].is_object() => Err(lacking(meta)),
        Some(_) => Ok(Era::Metadata),
    }
}

/// Whether the client accepts events.
pub(super) fn accepts_events(sent: &HeaderMap) -> bool {
    let mut accepted = sent.get_all(ACCEPT).iter().filter_map(|types| types.to_str().ok());
    accepted.any(|types| types.contains("text/event-stream"))
}

fn check_type(sent: &HeaderMap) -> Result<(), ErrorData> {
    let named = sent.get(CONTENT_TYPE).and_then(|named| named.to_str().ok());
    let is_json = |named: &&str| named.trim_start().starts_with("application/json");
    match named.filter(|named| !is_json(named)) {
        None => Ok(()),
        Some(other) => Err(ErrorData::invalid_request(
            format!("the body is `{other}`: it must be application/json"),
            None,
        )),
    }
}

/// The revision of a request that follows a handshake.
fn before(version: Option<&str>) -> Result<ProtocolVersion, ErrorData> {
    // The default is defined by the revision that introduced the header.
    let Some(named) = version else { return Ok(ProtocolVersion::V_2025_03_26) };
    let known = ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == named);
    known.cloned().ok_or_else(|| {
        ErrorData::invalid_request(format!("there is no revision {named} of the protocol"), None)
    })
}

fn check_names(sent: &HeaderMap, method: &str, params: &Value) -> Result<(), ErrorData> {
    match single(sent, METHOD)? {
        None => return Err(missing(METHOD)),
        Some(named) if named != method => return Err(mismatch(METHOD, named, method)),
        Some(_) => {}
    }
    let of = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => "uri",
        _ => return Ok(()),
    };
    let Some(meant) = params[of].as_str() else { return Ok(()) };
    let named = single(sent, NAME)?.ok_or_else(|| missing(NAME))?;
    match decoded(named) {
        Some(named) if named == meant => Ok(()),
        _ => Err(mismatch(NAME, named, meant)),
    }
}

/// Values that are not plain text are sent in Base64.
fn decoded(value: &str) -> Option<String> {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

/// A header that appears at most once: with two, a proxy may have looked at the other one.
fn single<'a>(sent: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ErrorData> {
    let mut values = sent.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let error = format!("the header {name} appears more than once");
        return Err(ErrorData::header_mismatch(error, None));
    }
    let text = value.to_str().map_err(|_| {
        ErrorData::header_mismatch(format!("the header {name} is not plain text"), None)
    });
    text.map(|text| Some(text.trim()))
}

fn missing(name: &str) -> ErrorData {
    ErrorData::header_mismatch(format!("the header {name} is missing"), None)
}

fn mismatch(name: &str, named: &str, meant: &str) -> ErrorData {
    let short = |text: &str| text.chars().take(100).collect::<String>();
    let (named, meant) = (short(named), short(meant));
    ErrorData::header_mismatch(
        format!("the header {name} is `{named}`, and the body has `{meant}`"),
        None,
    )
}

fn lacking(meta: &Value) -> ErrorData {
    let fields = [VERSION_FIELD, CAPABILITIES_FIELD].into_iter();
    let fields: Vec<&str> = fields.filter(|field| meta.get(*field).is_none()).collect();
    ErrorData::invalid_params(
        format!("the metadata of the request lacks {}", fields.join(" and ")),
        None,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn checked(sent: &[(&str, &str)], message: &Value) -> Result<Era, i32> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        check(&headers, message).map_err(|error| error.code.0)
    }

    #[test]
    fn headers_agree_with_the_body() {
        let meta = json!({VERSION_FIELD: "2026-07-28", CAPABILITIES_FIELD: {}});
        let list = json!({"id": 1, "method": "tools/list", "params": {"_meta": meta}});
        let call =
            json!({"id": 1, "method": "tools/call", "params": {"name": "süche", "_meta": meta}});
        let (version, method) = ((VERSION, "2026-07-28"), (METHOD, "tools/list"));
        let called = (METHOD, "tools/call");
        for (sent, message, era) in [
            (&[version, method][..], &list, Ok(Era::Metadata)),
            (&[version, called, (NAME, "=?base64?c8O8Y2hl?=")], &call, Ok(Era::Metadata)),
            (&[version, called, (NAME, "fetch")], &call, Err(-32020)),
            (&[version, called, (NAME, "=?base64?!?=")], &call, Err(-32020)),
            (&[version, called], &call, Err(-32020)),
            (&[version], &list, Err(-32020)),
            (&[version, called], &list, Err(-32020)),
            (&[version, method, method], &list, Err(-32020)),
            (&[version, version, method], &list, Err(-32020)),
            (&[method], &list, Err(-32020)),
            (&[(VERSION, "2025-11-25"), method], &list, Err(-32020)),
            (&[version, method, ("content-type", "text/plain")], &list, Err(-32600)),
        ] {
            assert_eq!(checked(sent, message), era, "{sent:?}");
        }
        let bare = json!({"id": 1, "method": "tools/list"});
        let found = json!({"id": 1, "method": "server/discover"});
        let half = json!({"id": 1, "method": "tools/list", "params": {"_meta": {VERSION_FIELD: "2026-07-28"}}});
        assert_eq!(checked(&[version, method], &bare), Err(-32602));
        assert_eq!(checked(&[], &found), Err(-32602));
        assert_eq!(checked(&[version, method], &half), Err(-32602));
    }

    #[test]
    fn clients_of_earlier_revisions_need_no_headers() {
        let list = json!({"id": 1, "method": "tools/list"});
        let handshake = |version| Ok(Era::Handshake(version));
        assert_eq!(checked(&[], &list), handshake(ProtocolVersion::V_2025_03_26));
        let named = [(VERSION, "2025-11-25"), ("content-type", "application/json; charset=utf-8")];
        assert_eq!(checked(&named, &list), handshake(ProtocolVersion::V_2025_11_25));
        assert_eq!(checked(&[(VERSION, "1999-01-01")], &list), Err(-32600));
        let hello =
            json!({"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}});
        assert_eq!(checked(&[], &hello), Ok(Era::Begins));
        assert_eq!(checked(&[(VERSION, "2025-06-18")], &hello), Ok(Era::Begins));
        assert_eq!(checked(&[(VERSION, "2025-11-25")], &hello), Err(-32600));
        let both = json!({"id": 1, "method": "initialize", "params": {"_meta": {VERSION_FIELD: "2026-07-28"}}});
        assert_eq!(checked(&[(VERSION, "2026-07-28")], &both), Err(-32601));
        let done = json!({"method": "notifications/initialized"});
        assert_eq!(checked(&[(VERSION, "2025-06-18")], &done), Ok(Era::Begins));
    }
}
