//! An admitted request, as its handler sees it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

use super::access::{Access, Caller};
use super::admission::Admission;
use super::audit::RequestAudit;
use super::breaker::Breaker;
use super::chat::RecentTurns;
use super::connections::Upgrade;
use super::log::RequestNotes;
use super::observers::Observers;
use super::refusal::{ErrorCode, RequestRefusal};
use super::signature::Signer;
use super::uploads::Uploads;
use super::watching::WatchedCollection;
use crate::cancel::Cancel;
use crate::settings::ServeSettings;
use crate::types::Usage;

/// Shared state that lives as long as the server.
pub(super) struct Server {
    pub(super) access: Arc<Access>,
    pub(super) admission: Arc<Admission>,
    pub(super) breaker: Breaker,
    pub(super) settings: ServeSettings,
    pub(super) signer: Signer,
    /// Seconds since 1970.
    pub(super) started_at: i64,
    /// Ends the answers that are still in progress when the time for draining is over.
    pub(super) abandoned: Cancel,
    /// Cancelled when the server takes no more requests. Set when it runs.
    pub(super) stopping: OnceLock<Cancel>,
    pub(super) observers: Observers,
    /// Turns of conversations, for clients that lost their connection.
    pub(super) turns: RecentTurns,
    /// `None`: collections cannot be changed by request.
    pub(super) uploads: Option<Uploads>,
    /// Held while a collection is changed: one change at a time in this process.
    pub(super) writing: tokio::sync::Mutex<()>,
    pub(super) watches: Vec<WatchedCollection>,
}

impl Server {
    /// # Errors
    /// The audit is required, and cannot be written.
    pub(super) fn check_audit(&self) -> Result<(), RequestRefusal> {
        let audit = self.observers.audit.as_ref().filter(|_| self.settings.audit_required);
        let Some(problem) = audit.and_then(RequestAudit::problem) else { return Ok(()) };
        let refusal = RequestRefusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::AuditUnwritable,
            "the audit is required, and cannot be written",
        );
        Err(RequestRefusal { causes: vec![problem], ..refusal }.after(Duration::from_secs(5)))
    }

    /// Counts the tokens that a model used for a caller, as soon as they are known. `answered`: an answer
    /// was sought.
    pub(super) fn spent(&self, caller: &Caller, used: Usage, answered: bool) {
        caller.took_tokens(used);
        if let Some(key) = caller.key().filter(|key| !key.name.is_empty()) {
            self.observers.usage.spend(&key.name, used, answered);
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.get().is_some_and(Cancel::is_cancelled)
    }
}

/// See the module.
pub(super) struct AdmittedRequest {
    pub(super) server: Arc<Server>,
    pub(super) id: String,
    pub(super) caller: Caller,
    /// Parts of the path, by their names in the route, decoded.
    pub(super) params: Vec<(String, String)>,
    /// The query after the `?`, as it was sent.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    /// Empty if the method has no body, or the route takes a file.
    pub(super) body: Bytes,
    /// Set if the caller wants another protocol than HTTP.
    pub(super) upgrade: Option<Upgrade>,
    /// For a route that takes a file: the body that was not read yet.
    pub(super) file: Mutex<Option<Body>>,
    pub(super) notes: SharedNotes,
}

/// What the log says about a request; handlers add to it until the answer has ended.
#[derive(Clone, Default)]
pub(super) struct SharedNotes(Arc<Mutex<RequestNotes>>);

impl SharedNotes {
    pub(super) fn note(&self, add: impl FnOnce(&mut RequestNotes)) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes why there is no answer, without the details that callers with a key may not see.
    pub(super) fn refused(&self, refusal: &mut RequestRefusal, needs_keys: bool) {
        self.keep_inner(refusal, needs_keys);
        self.note(|notes| notes.error = Some(refusal.code.name().to_owned()));
    }

    /// Moves the details that callers with a key may not see from the refusal to the log.
    pub(super) fn keep_inner(&self, refusal: &mut RequestRefusal, needs_keys: bool) {
        if let Some(detail) = needs_keys.then(|| refusal.take_inner()).flatten() {
            self.note(|notes| notes.warning = Some(detail));
        }
    }

    pub(super) fn read(&self) -> RequestNotes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers a request. Dropping the future ends the work: a caller who leaves gets no further answer.
pub(super) type HandlerFuture =
    fn(AdmittedRequest) -> BoxFuture<'static, Result<Response, RequestRefusal>>;

impl AdmittedRequest {
    /// A part of the path that the route has.
    pub(super) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body of a route that takes a file; `None` the second time.
    pub(super) fn take_file(&self) -> Option<Body> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the caller uses a browser.
    pub(super) fn accepts_html(&self) -> bool {
        accepts_html(&self.headers)
    }

    pub(super) fn accepts(&self, media_type: &str) -> bool {
        self.header("accept").is_some_and(|types| types.contains(media_type))
    }

    /// Whether the caller wants events instead of one object.
    pub(super) fn accepts_events(&self) -> bool {
        self.accepts("text/event-stream")
    }
}

/// Whether a request comes from a browser.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(http::header::ACCEPT).and_then(|types| types.to_str().ok());
    accepted.is_some_and(|types| types.contains("text/html"))
}

/// A new id such as `chatcmpl-…`.
pub(super) fn made_id(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::now_v7().simple())
}
