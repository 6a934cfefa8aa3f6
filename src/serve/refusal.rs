//! Why a request is not answered: a status, and `OpenAI`'s error object with docent's hint in it.
//!
//! The clients of `OpenAI` repeat 408, 409, 429 and every 5xx by themselves, after the time in
//! `Retry-After`, unless `x-should-retry` tells them not to. So each refusal says whether a retry makes
//! sense.

mod code;

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CONTENT_TYPE, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderName, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

pub(super) use code::ErrorCode;

use crate::error::{BackendError, Exit, ExternalService, Failure, Fault};

/// Longest wait that a client is told, in seconds: for longer ones, those of `OpenAI` for Node use their
/// own, much shorter, wait.
const LONGEST_WAIT: u32 = 60;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a request is not answered.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct RequestRefusal {
    pub(super) status: StatusCode,
    pub(super) code: ErrorCode,
    /// The part of the request that it concerns; empty if it concerns none.
    pub(super) param: Box<str>,
    pub(super) message: String,
    pub(super) causes: Vec<String>,
    /// `None`: the [usual hint](ErrorCode::usual_hint).
    pub(super) hint: Option<String>,
    /// Seconds until the same request may be answered; `None` if a retry cannot help.
    pub(super) retry_after: Option<u32>,
}

/// The body of a refusal.
#[derive(Serialize, JsonSchema)]
pub(super) struct ErrorResponse<'a> {
    error: ErrorObject<'a>,
}

/// The value under `error`. No member is null: some clients accept only strings.
#[derive(Serialize, JsonSchema)]
pub(super) struct ErrorObject<'a> {
    message: &'a str,
    /// The name that `OpenAI` gives to errors of this status.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The part of the request that it concerns: `tools[0].filters.key`; empty if it concerns none.
    param: &'a str,
    /// For programs: `invalid_value`, `model_not_found`.
    code: &'a str,
    docent: Hints<'a>,
}

/// What docent adds to an error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ErrorHints")]
struct Hints<'a> {
    /// What to do next.
    #[schemars(length(min = 1))]
    hint: &'a str,
    /// Its causes, the nearest first.
    causes: &'a [String],
    request_id: &'a str,
    /// Seconds until the same request may be answered, as in `Retry-After`; absent if a retry cannot help.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl RequestRefusal {
    pub(super) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            param: Box::default(),
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            retry_after: None,
        }
    }

    /// The name that `OpenAI` gives to errors of this status.
    pub(super) fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// The request contains something that cannot be used.
    pub(super) fn invalid(param: impl Into<Box<str>>, message: impl Into<String>) -> Self {
        Self {
            param: param.into(),
            ..Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidValue, message)
        }
    }

    pub(super) fn not_found(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// `status`: 431, or 414 if only the target is too long.
    pub(super) fn head_too_large(status: StatusCode) -> Self {
        Self::new(
            status,
            ErrorCode::HeadTooLarge,
            "the head of the request is larger than 32 kB, or has more than 100 headers",
        )
        .hint("send what is long in the body")
    }

    /// The answer took longer than a request may.
    pub(super) fn timeout() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            ErrorCode::RequestTimeout,
            "the answer took longer than --request-timeout allows",
        )
    }

    /// The handler panicked.
    pub(super) fn panicked() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::InternalError,
            "this request failed because of a bug in docent; other requests are not affected",
        )
        .hint("report it, with the id of the request and what the log says")
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do next.
    pub(super) fn what_next(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| self.code.usual_hint())
    }

    /// In the form of a command's error, where command output is sent.
    pub(super) fn into_failure(self, exit: Exit) -> Failure {
        let failure = Failure::new(exit, &*self.message).hint(self.what_next());
        Failure { causes: self.causes, ..failure }
    }

    /// The same request may be answered after `wait`: in whole seconds, and never at once, as that would
    /// cause a storm of retries.
    #[must_use]
    pub(super) fn after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1_000);
        self.retry_after = Some((seconds.min(LONGEST_WAIT.into()) as u32).max(1));
        self
    }

    /// Removes what is for the operator of the server and not for its callers: paths in its file system,
    /// and shell commands.
    pub(super) fn take_inner(&mut self) -> Option<String> {
        let outward = match self.code {
            ErrorCode::StoreFailed | ErrorCode::NotReady | ErrorCode::Failed => {
                "the collection cannot be asked"
            }
            ErrorCode::CollectionMissing => {
                "the collection does not exist: it was not created yet, or was removed"
            }
            ErrorCode::AuditUnwritable => "the audit is required, and cannot be written",
            _ => return None,
        };
        let message = std::mem::replace(&mut self.message, outward.to_owned());
        let causes = std::mem::take(&mut self.causes);
        self.hint = None;
        Some([vec![message], causes].concat().join(": "))
    }

    /// As a body, or in place of an event.
    pub(super) fn body<'a>(&'a self, request_id: &'a str) -> ErrorResponse<'a> {
        ErrorResponse { error: self.object(request_id) }
    }

    /// The value of the key `error`.
    pub(super) fn object<'a>(&'a self, request_id: &'a str) -> ErrorObject<'a> {
        ErrorObject {
            message: &self.message,
            kind: self.kind(),
            param: &self.param,
            code: self.code.name(),
            docent: Hints {
                hint: self.what_next(),
                causes: &self.causes,
                request_id,
                retry_after: self.retry_after,
            },
        }
    }

    pub(super) fn response(&self, request_id: &str) -> Response {
        let body = serde_json::to_string(&self.body(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        match self.retry_after {
            Some(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
                headers.insert(SHOULD_RETRY, HeaderValue::from_static("true"));
            }
            None => {
                headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
            }
        }
        response
    }
}

impl From<BackendError> for RequestRefusal {
    fn from(error: BackendError) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for RequestRefusal {
    fn from(failure: Failure) -> Self {
        let (status, code, retry_after) = sorted(&failure);
        let refusal = Self::new(status, code, failure.message);
        // The hints for a waiting process name flags, which a request does not have.
        let is_soon = [ErrorCode::CollectionBusy, ErrorCode::CollectionReplaced].contains(&code);
        let hint = failure.hint.filter(|_| !is_soon);
        let param = failure.about.unwrap_or_default().into();
        Self { causes: failure.causes, hint, param, ..refusal }.retried(retry_after)
    }
}

impl RequestRefusal {
    fn retried(self, retry_after: Option<Duration>) -> Self {
        match retry_after {
            Some(wait) => self.after(wait),
            None => self,
        }
    }
}

/// The status, the code and whether to try again. The caller's key may be fine while docent's own key is
/// not, so the failure of a service is never 401 or 404.
fn sorted(failure: &Failure) -> (StatusCode, ErrorCode, Option<Duration>) {
    const UNASKED: Duration = Duration::from_secs(5);
    const SOON: Duration = Duration::from_secs(1);
    let upstream =
        |service| !matches!(service, ExternalService::Store | ExternalService::Recording);
    match failure.backend {
        Some((_, Fault::Transient { retry_after })) => (
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::UpstreamUnavailable,
            Some(retry_after.unwrap_or(UNASKED)),
        ),
        Some((_, Fault::Busy)) => {
            (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::CollectionBusy, Some(SOON))
        }
        Some((_, Fault::Replaced)) => {
            (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::CollectionReplaced, Some(SOON))
        }
        Some((_, Fault::TooLong)) => {
            (StatusCode::BAD_REQUEST, ErrorCode::ContextLengthExceeded, None)
        }
        Some((_, Fault::Refused)) => (StatusCode::BAD_REQUEST, ErrorCode::ContentRefused, None),
        Some((_, Fault::Changed)) => {
            (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::ModelChanged, None)
        }
        // An immediate retry would not find it either.
        Some((ExternalService::Store, Fault::NotFound | Fault::Taken)) => {
            (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::CollectionMissing, None)
        }
        Some((service, Fault::Unauthorized)) if upstream(service) => {
            (StatusCode::BAD_GATEWAY, ErrorCode::UpstreamAuth, None)
        }
        Some((service, _)) if upstream(service) => {
            (StatusCode::BAD_GATEWAY, ErrorCode::UpstreamFailed, None)
        }
        Some(_) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::StoreFailed, None),
        None => match failure.exit {
            Exit::Usage => (StatusCode::BAD_REQUEST, ErrorCode::InvalidValue, None),
            Exit::Interrupted => {
                (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::ShuttingDown, Some(SOON))
            }
            Exit::Config => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::NotReady, None),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Failed, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_says_whether_a_repetition_helps() {
        let error = |service, fault| BackendError::new(service, fault, "http://host", "it failed");
        let seconds = Duration::from_secs;
        for (service, fault, status, code, retry) in [
            (ExternalService::Chat, Fault::Unauthorized, 502, ErrorCode::UpstreamAuth, None),
            (ExternalService::Embedder, Fault::NotFound, 502, ErrorCode::UpstreamFailed, None),
            (
                ExternalService::Chat,
                Fault::Transient { retry_after: Some(seconds(600)) },
                503,
                ErrorCode::UpstreamUnavailable,
                Some(60),
            ),
            (
                ExternalService::Store,
                Fault::Transient { retry_after: None },
                503,
                ErrorCode::UpstreamUnavailable,
                Some(5),
            ),
            (ExternalService::Store, Fault::Busy, 503, ErrorCode::CollectionBusy, Some(1)),
            (ExternalService::Store, Fault::NotFound, 503, ErrorCode::CollectionMissing, None),
            (ExternalService::Store, Fault::Permanent, 500, ErrorCode::StoreFailed, None),
            (ExternalService::Embedder, Fault::Changed, 503, ErrorCode::ModelChanged, None),
            (ExternalService::Chat, Fault::TooLong, 400, ErrorCode::ContextLengthExceeded, None),
        ] {
            let refusal = RequestRefusal::from(error(service, fault));
            assert_eq!(refusal.status, status);
            assert_eq!((refusal.code, refusal.retry_after), (code, retry));
            let response = refusal.response("req-1");
            let header = |name: &str| response.headers().get(name).map(HeaderValue::as_bytes);
            let should = if retry.is_some() { "true" } else { "false" };
            assert_eq!(header("x-should-retry"), Some(should.as_bytes()));
            assert_eq!(header("retry-after").is_some(), retry.is_some());
        }
    }

    #[test]
    fn every_error_says_what_to_do() {
        for (place, code) in ErrorCode::ALL.iter().enumerate() {
            let others = &ErrorCode::ALL[..place];
            assert!(others.iter().all(|other| other.name() != code.name()), "{code:?} twice");
            let refusal = RequestRefusal::new(StatusCode::BAD_REQUEST, *code, "it is so");
            let object = serde_json::to_value(refusal.object("req-1")).unwrap_or_default();
            assert_eq!(object["code"], code.name());
            let hint = object["docent"]["hint"].as_str().unwrap_or_default();
            assert!(hint.split(' ').count() >= 3, "{code:?}: `{hint}`");
            let has_mark = |mark: char| hint.ends_with(mark) || hint.starts_with(mark);
            assert!(!has_mark('.') && !has_mark(' '), "{code:?}: `{hint}`");
        }
    }

    #[test]
    fn no_member_of_an_error_is_null() {
        let refusal = RequestRefusal::invalid("k", "`k` is too large");
        let text = serde_json::to_value(refusal.object("req-1")).map(|value| value.to_string());
        assert_eq!(
            text.as_deref().ok(),
            Some(
                r#"{"message":"`k` is too large","type":"invalid_request_error","param":"k","code":"invalid_value","docent":{"hint":"see GET /openapi.json for the values of this request","causes":[],"request_id":"req-1"}}"#
            )
        );
    }
}
