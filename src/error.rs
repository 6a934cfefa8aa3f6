//! Outcome → exit code, and the errors of everything outside the process.
//!
//! Errors at a boundary ([`BackendError`]) are typed by what a caller can do about them. Above it,
//! a [`Failure`] is sorted by who can act, and says what went wrong, with what, and what to type
//! next. A bad file is neither: it is a row of the ingest report.

use std::fmt;
use std::time::Duration;

/// The exit codes. They are documented and never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Done = 0,
    /// Ran, and the outcome is negative: nothing retrieved, no answer.
    Negative = 1,
    Usage = 2,
    /// Configuration or credentials.
    Config = 3,
    /// A backend is unreachable or failing, after retries.
    Backend = 4,
    /// Some sources failed, the rest is stored.
    Partial = 5,
    Interrupted = 130,
}

/// Something outside the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    Embedder,
    Store,
    Chat,
}

impl Service {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedder => "embedding endpoint",
            Self::Store => "vector store",
            Self::Chat => "chat endpoint",
        }
    }
}

/// What a caller can do about an error of a backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The key is missing or wrong (401, 403). Not retried.
    Unauthorized,
    /// No such model or path (404). Not retried.
    NotFound,
    /// The input is over the model's limit. Not retried as it is; a caller may split it.
    TooLong,
    /// Worth another try (429, 5xx, timeouts, connection errors), after `retry_after` where the
    /// server said so.
    Transient { retry_after: Option<Duration> },
    /// Another process holds the embedded store.
    Busy,
    /// Asking again would give the same answer.
    Permanent,
}

/// An error of the embedder, the store or the chat model.
#[derive(Clone, PartialEq, Debug)]
pub struct BackendError {
    pub service: Service,
    pub fault: Fault,
    /// URL without credentials, or the directory of the embedded store.
    pub endpoint: String,
    /// One line, at most [`BackendError::MAX_MESSAGE`] characters, never containing a key.
    pub message: String,
}

impl BackendError {
    pub const MAX_MESSAGE: usize = 300;

    /// `message` is cut to one line of [`Self::MAX_MESSAGE`] characters.
    pub fn new(service: Service, fault: Fault, endpoint: impl Into<String>, message: &str) -> Self {
        let mut line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > Self::MAX_MESSAGE {
            line = line.chars().take(Self::MAX_MESSAGE).chain(std::iter::once('…')).collect();
        }
        Self { service, fault, endpoint: endpoint.into(), message: line }
    }

    pub fn is_transient(&self) -> bool {
        matches!(self.fault, Fault::Transient { .. })
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.service.name(), self.endpoint, self.message)
    }
}

impl std::error::Error for BackendError {}
