//! Maps what an endpoint answered to what a caller can do about it. Pure.
//!
//! "OpenAI-compatible" servers agree on success and on little else: the error body differs, some
//! answer 500 to an input that is too long, gateways wrap the message of the server behind them.
//! The phrases below are those of `OpenAI`, llama.cpp, llama-cpp-python, vLLM, Ollama, infinity,
//! text-embeddings-inference and litellm.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::Fault;
use crate::http::{Headers, retry_after};

/// A response that is not a success.
#[derive(Clone, Debug)]
pub(super) struct EndpointError {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: String,
}

impl EndpointError {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether the server, or a gateway in front of it, says that it is overloaded.
    pub(super) fn is_overload(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504 | 529)
    }

    /// A page for people: from a proxy, a login wall, or because the URL is not the API's.
    fn is_web_page(&self) -> bool {
        let html = self.header("content-type").is_some_and(|t| t.starts_with("text/html"));
        html || is_web_page(&self.body)
    }
}

/// Phrases by which servers say that an input is over the model's limit, in lower case.
const TOO_LONG: &[&str] = &[
    "context length",
    "context_length",
    "context size",
    "context_size",
    "context window",
    "contextwindowexceeded",
    "max_tokens_per_request",
    "maximum sequence length",
    "must have less than",
    "reduce the length",
    "too large to process",
    "too long",
    "too many tokens",
    "too_long",
];

/// Phrases of servers whose model made a vector that JSON cannot hold (Ollama, written in Go, and
/// those in Python), in lower case. Only the text is to blame.
const NOT_A_NUMBER: &[&str] = &["unsupported value: nan", "not json compliant"];

/// 5xx answers that the same request would get again, in lower case.
const PERMANENT_5XX: &[&str] = &[
    "does not support",
    "memory is not initialized",
    "must be created with embedding",
    "not supported",
    "parse error",
];

/// Fault and message of an answer that is not a success. `now` is for a `Retry-After` that is a
/// date.
pub(super) fn classify(refusal: &EndpointError, now: DateTime<Utc>) -> (Fault, String) {
    let json = serde_json::from_str::<Value>(&refusal.body).ok();
    let error = json.as_ref().map(ErrorBody::of).unwrap_or_default();
    let fault = match fault(refusal.status, &error, &refusal.body.to_lowercase()) {
        Fault::Transient { .. } => {
            Fault::Transient { retry_after: retry_after(&refusal.headers, now) }
        }
        other => other,
    };
    (fault, sentence(refusal, error.message.as_deref()))
}

/// Fault and message of an error that came inside a successful answer: an event
/// `{"error": ...}` in mid-stream, or `{"error": ...}` with status 200.
pub(super) fn classify_event(event: &Value) -> (Fault, String) {
    let error = ErrorBody::of(event);
    let status = match error.code.as_deref().map(str::parse::<u16>) {
        Some(Ok(status @ 400..=599)) => status,
        _ => match error.kind.as_deref() {
            Some("authentication_error" | "auth_error") => 401,
            Some("invalid_request_error" | "BadRequestError") => 400,
            Some("rate_limit_error" | "throttling_error" | "tokens" | "requests") => 429,
            _ => 500,
        },
    };
    let message = error.message.clone().unwrap_or_else(|| event.to_string());
    (fault(status, &error, &event.to_string().to_lowercase()), message)
}

/// Whether a JSON value is an error in one of the shapes that servers use.
pub(super) fn is_error(value: &Value) -> bool {
    value.get("error").is_some_and(|e| !e.is_null())
        || value.get("object").is_some_and(|o| o == "error")
        || (value.get("detail").is_some() && value.get("choices").is_none())
}

/// Whether a body is a web page, judged by its beginning.
pub(super) fn is_web_page(body: &str) -> bool {
    let start: String = body.trim_start().chars().take(14).collect::<String>().to_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// Said where a web page came instead of JSON.
pub(super) const WEB_PAGE: &str =
    "answered with a web page, not JSON: is this the API's base URL (…/v1)?";

fn fault(status: u16, error: &ErrorBody, body: &str) -> Fault {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| body.contains(phrase));
    let marked =
        |mark: &str| error.code.as_deref() == Some(mark) || error.kind.as_deref() == Some(mark);
    let transient = Fault::Transient { retry_after: None };
    match status {
        401 | 403 => Fault::Unauthorized,
        // litellm without a database looks every key up that is not its master key.
        400 if marked("invalid_api_key") || marked("no_db_connection") => Fault::Unauthorized,
        400 if says(&["api key not valid"]) => Fault::Unauthorized,
        404 => Fault::NotFound,
        400 | 422 if marked("model_not_found") || error.names_no_model() => Fault::NotFound,
        413 => Fault::TooLong,
        429 if says(&["request too large"]) => Fault::TooLong,
        429 if marked("insufficient_quota") || marked("billing_hard_limit_reached") => {
            Fault::Permanent
        }
        400 | 422 | 500 if says(TOO_LONG) => Fault::TooLong,
        500 if says(NOT_A_NUMBER) => Fault::Refused,
        501 | 505 => Fault::Permanent,
        400 | 422 => Fault::Refused,
        500..=599 if marked("invalid_request_error") => Fault::Refused,
        500..=599 if says(PERMANENT_5XX) => Fault::Permanent,
        408 | 409 | 425 | 429 | 500..=599 => transient,
        _ => Fault::Permanent,
    }
}

fn sentence(refusal: &EndpointError, message: Option<&str>) -> String {
    let status = refusal.status;
    let text = refusal.body.trim();
    match (message, status) {
        (Some(message), _) => format!("HTTP {status}: {message}"),
        (None, 300..=399) => match refusal.header("location") {
            // The query may carry a token.
            Some(to) => format!(
                "HTTP {status}: redirects to {}: is this the API's base URL (…/v1)?",
                to.split(['?', '#']).next().unwrap_or_default()
            ),
            None => format!("HTTP {status}: redirects without naming a target"),
        },
        (None, 500..) if refusal.is_web_page() => {
            format!("HTTP {status}: answered with a web page")
        }
        (None, _) if refusal.is_web_page() => format!("HTTP {status}: {WEB_PAGE}"),
        (None, _) if text.is_empty() => format!("HTTP {status} with an empty body"),
        (None, _) => format!("HTTP {status}: {text}"),
    }
}

/// What an error body says, whichever of the known shapes it has.
#[derive(Clone, PartialEq, Debug, Default)]
struct ErrorBody {
    message: Option<String>,
    /// `type` of the error.
    kind: Option<String>,
    /// A word, or the HTTP status as number or text.
    code: Option<String>,
}

impl ErrorBody {
    /// Shapes: `{"error": {"message", "type", "code"}}`, `{"error": "text"}`,
    /// `{"detail": "text" | [{"loc", "msg", "type"}]}`, `{"message", "type", "code"}`, and a list
    /// of one of these.
    fn of(body: &Value) -> Self {
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").filter(|e| !e.is_null()).unwrap_or(body);
        let detail = body.get("detail").map(|detail| detail.get(0).unwrap_or(detail));
        let message = text(error)
            .or_else(|| text(error.get("message")?))
            .or_else(|| text(detail?))
            .or_else(|| located_message(detail?))
            .or_else(|| text(body.get("message")?));
        let field = |name: &str| error.get(name).or_else(|| detail?.get(name)).and_then(text);
        Self { message, kind: field("type"), code: field("code") }
    }

    /// Searches the message alone, as the whole body may repeat what was sent.
    fn names_no_model(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        NO_MODEL.iter().any(|phrase| message.contains(phrase))
    }
}

/// Phrases by which servers say that they do not have a model, or not for this purpose, in lower case.
const NO_MODEL: &[&str] = &["invalid model:", "invalid model name", "modelnotdeployed"];

/// A non-empty string, or a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `body.input.0: Input should be a valid string`, from what pydantic reports.
fn located_message(detail: &Value) -> Option<String> {
    let message = text(detail.get("msg")?)?;
    let place: Vec<String> = detail.get("loc")?.as_array()?.iter().filter_map(text).collect();
    Some(if place.is_empty() { message } else { format!("{}: {message}", place.join(".")) })
}
