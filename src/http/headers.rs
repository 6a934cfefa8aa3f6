//! The headers of a response, as text.

use reqwest::Response;
use reqwest::header::HeaderValue;

/// Header names (in lower case) and values.
pub(crate) type Headers = Vec<(String, String)>;

/// litellm passes on the headers of the server behind it under this prefix.
const RENAMED: &str = "llm_provider-";

pub(crate) fn headers(response: &Response) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    response.headers().iter().map(|(n, v)| (n.to_string(), text(v))).collect()
}

/// The value of a header, sent by the server itself or by the one behind it.
pub(super) fn find<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let value = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim());
    value(name).or_else(|| value(&format!("{RENAMED}{name}")))
}
