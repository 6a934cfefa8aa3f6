//! Exit codes, and the errors of everything outside the process.
//!
//! Errors at a boundary ([`BackendError`]) are typed by what a caller can do about them. Above the
//! boundary, a [`Failure`] is typed by who can act, and says what went wrong, with what, and what to
//! type next. A bad file is neither: it is a row of the ingest report.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The exit codes. They are documented and never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Done = 0,
    /// Ran, but the outcome is negative: nothing retrieved, no answer.
    Negative = 1,
    Usage = 2,
    /// Configuration or credentials.
    Config = 3,
    /// A backend is unreachable or failing, after retries.
    Backend = 4,
    /// Some sources failed, or a limit was reached; the rest is stored.
    Partial = 5,
    Interrupted = 130,
}

impl Exit {
    /// The worst exit code of several questions, which is what a pipeline has to know first. A code is
    /// worse if more has to be done about it.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let weight = |exit: Self| match exit {
            Self::Done => 0,
            Self::Negative => 1,
            Self::Partial => 2,
            Self::Usage => 3,
            Self::Backend => 4,
            Self::Config => 5,
            Self::Interrupted => 6,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

/// Something outside the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalService {
    Embedder,
    Store,
    Chat,
    /// The reranker.
    Reranker,
    /// The model that checks citations, in this process.
    Verifier,
    /// The model that reads text in pictures.
    Ocr,
    /// A server of web pages that are being ingested.
    Web,
    /// The hub from which models are fetched by name.
    Hub,
    /// The file of recorded exchanges with models.
    Recording,
}

impl ExternalService {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedder => "embedding endpoint",
            Self::Store => "vector store",
            Self::Chat => "chat endpoint",
            Self::Reranker => "reranker",
            Self::Verifier => "model that checks citations",
            Self::Ocr => "OCR model",
            Self::Web => "web server",
            Self::Hub => "model hub",
            Self::Recording => "recording",
        }
    }
}

/// What a caller can do about an error of a backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The key is missing or wrong (401, 403). Not retried.
    Unauthorized,
    /// No such model or path (404). Not retried.
    NotFound,
    /// The input is over the model's limit. Not retried as it is; a caller may split it.
    TooLong,
    /// Worth another try (429, 5xx, timeouts, connection errors), after `retry_after` if the server
    /// named it.
    Transient { retry_after: Option<Duration> },
    /// Another process has the collection.
    Busy,
    /// The version of the collection that was being read was replaced by another, and is gone.
    Replaced,
    /// This input is refused because of its content; others may be accepted. A caller may split it.
    Refused,
    /// The collection of this name is not docent's, or the caller may not change it.
    Taken,
    /// Vectors come from another model than before, or have another size.
    Changed,
    /// There is no space left on the disk of the embedded store.
    Full,
    /// The files of the embedded store belong to somebody else, or may not be written.
    Denied,
    /// A limit that is set for the collection on its server does not allow it.
    Limited,
    /// The run stops, and the backend was not asked.
    Stopped,
    /// Another try, or another input, would give the same error.
    Permanent,
}

/// An error of the embedder, the store or the chat model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BackendError {
    pub service: ExternalService,
    pub fault: Fault,
    /// URL without credentials, or the directory of the embedded store.
    pub endpoint: String,
    /// One line, at most [`BackendError::MAX_MESSAGE`] characters, never containing a key.
    pub message: String,
    /// Status of an HTTP response that was not a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl BackendError {
    pub const MAX_MESSAGE: usize = 300;

    /// An error; `message` is cut to one line of [`Self::MAX_MESSAGE`] characters.
    pub fn new(
        service: ExternalService,
        fault: Fault,
        endpoint: impl Into<String>,
        message: &str,
    ) -> Self {
        let mut line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > Self::MAX_MESSAGE {
            line = line.chars().take(Self::MAX_MESSAGE).chain(std::iter::once('…')).collect();
        }
        Self { service, fault, endpoint: endpoint.into(), message: line, status: None }
    }

    /// The same error with another message, cut as in [`Self::new`].
    #[must_use]
    pub fn saying(&self, message: &str) -> Self {
        let said = Self::new(self.service, self.fault, self.endpoint.clone(), message);
        Self { status: self.status, ..said }
    }

    /// The message with the endpoint in front, unless the message already names a file there.
    fn placed(&self) -> String {
        let Self { endpoint, message, .. } = self;
        if !endpoint.is_empty() && message.contains(endpoint) {
            message.clone()
        } else {
            format!("{endpoint}: {message}")
        }
    }

    /// Whether the server knows the key, but the key lacks a right.
    fn lacks_right(&self) -> bool {
        self.message.starts_with("lacks a right: ")
    }

    pub fn is_transient(&self) -> bool {
        matches!(self.fault, Fault::Transient { .. })
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service.name(), self.placed())
    }
}

impl std::error::Error for BackendError {}

/// Why a command ends without its result: what went wrong, with what, and what to type next.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub exit: Exit,
    /// Empty if there is nothing to say: the reader of a pipe is gone, or the user stopped the command.
    pub message: String,
    pub causes: Vec<String>,
    pub hint: Option<String>,
    /// The part of the request that it is about, by its name in the request or the settings, such as
    /// `sources`.
    pub about: Option<&'static str>,
    /// The backend that failed, if one did, and what a caller can do about it.
    pub backend: Option<(ExternalService, Fault)>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            about: None,
            backend: None,
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Exit::Config, message)
    }

    /// Stopped before there was anything to report.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "")
    }

    /// A broken pipe is success.
    pub fn reader_gone() -> Self {
        Self::new(Exit::Done, "")
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn about(mut self, what: &'static str) -> Self {
        self.about = Some(what);
        self
    }

    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let exit = match error.fault {
            Fault::Unauthorized
            | Fault::NotFound
            | Fault::Taken
            | Fault::Changed
            | Fault::Limited => Exit::Config,
            Fault::Stopped => Exit::Partial,
            _ => Exit::Backend,
        };
        let hint = hint_for(&error);
        let message = match error.fault {
            Fault::Unauthorized if error.lacks_right() => {
                format!("the key may not do this with the {}", error.service.name())
            }
            Fault::Unauthorized => format!("the {} refused the key", error.service.name()),
            Fault::Limited => format!("the {} does not allow this", error.service.name()),
            Fault::NotFound if error.service == ExternalService::Recording => {
                "the recording has no answer to this".to_owned()
            }
            Fault::NotFound => {
                format!("the {} does not have what was asked for", error.service.name())
            }
            Fault::TooLong => format!("the input is too long for the {}", error.service.name()),
            Fault::Busy | Fault::Replaced | Fault::Taken => error.message.clone(),
            Fault::Refused => format!("the {} refused the input", error.service.name()),
            Fault::Changed => format!("the {} now serves a different model", error.service.name()),
            Fault::Full => "the disk is full".to_owned(),
            Fault::Denied => format!("permission denied to the {}", error.service.name()),
            Fault::Stopped => "stopped".to_owned(),
            Fault::Transient { .. } | Fault::Permanent => {
                format!("the {} failed", error.service.name())
            }
        };
        let failure = match error.fault {
            Fault::Busy | Fault::Replaced | Fault::Taken => Self::new(exit, message),
            _ => Self::new(exit, message).caused_by(error.placed()),
        };
        Self { backend: Some((error.service, error.fault)), ..failure.hint(hint) }
    }
}

/// Quotes a name for a command that is there to be copied, as one word of a shell: somebody else may
/// have chosen the name.
pub fn shell_word(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-@:+%,=~".contains(c);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

/// What to type next.
fn hint_for(error: &BackendError) -> String {
    let text = match (error.service, error.fault) {
        (_, Fault::Busy) => {
            "wait longer with --wait 5m, or run this again when the other process is done"
        }
        (_, Fault::Replaced) => "run this again: it reads the collection as it is now",
        (ExternalService::Reranker, Fault::Unauthorized) => {
            "set DOCENT_RERANK_API_KEY to a key of that endpoint; `docent config show` shows the key in use"
        }
        (ExternalService::Reranker, Fault::NotFound) => {
            "check --rerank (the URL with /rerank at its end, or without) and --rerank-model"
        }
        (ExternalService::Reranker, Fault::TooLong) => {
            "make chunks smaller with --chunk-tokens, or start the server with a longer context"
        }
        (ExternalService::Ocr, Fault::Unauthorized) => {
            "set DOCENT_OCR_API_KEY or OPENAI_API_KEY to a key of that endpoint; `docent config show` shows the key in use"
        }
        (ExternalService::Ocr, _) => {
            "check --ocr, and ocr.model or ocr.base_url: the model has to accept pictures; --ocr auto reads them in this process, --ocr off does not read them"
        }
        (ExternalService::Store, Fault::Unauthorized) if error.lacks_right() => {
            "use a key or token with that right; docs/qdrant-server.md lists the rights that each command needs"
        }
        (ExternalService::Store, Fault::Unauthorized) => {
            "set QDRANT_API_KEY to a key of that server"
        }
        (_, Fault::Limited) => {
            "the administrator of the server can raise the limit over REST; docs/qdrant-server.md says what docent needs"
        }
        (_, Fault::Unauthorized) => {
            "set OPENAI_API_KEY (or DOCENT_CHAT_API_KEY, DOCENT_EMBEDDING_API_KEY) to a key of that endpoint; `docent config show` shows the key in use"
        }
        (ExternalService::Embedder, Fault::NotFound) => {
            "check --embedder and --base-url; `docent doctor` lists what the endpoint offers"
        }
        (ExternalService::Chat, Fault::NotFound) => {
            "check --model and --base-url; `docent doctor` lists what the endpoint offers"
        }
        (_, Fault::Taken) => {
            "use another --collection; docs/sharing.md says how to adopt a collection that docent made"
        }
        (_, Fault::Changed) => {
            "use the model that built the collection (`docent status` shows it), or rebuild it: docent ingest --rebuild"
        }
        (_, Fault::Full) => {
            "free some space there, and run this again; --data-dir puts a collection on another disk"
        }
        (_, Fault::Denied) => {
            "it belongs to another user, or the disk is read-only: run docent as its owner, get write access, or use a directory of your own with --data-dir DIR"
        }
        (_, Fault::Stopped) => "run the same command again to go on",
        (ExternalService::Embedder, Fault::TooLong) => "make chunks smaller with --chunk-tokens",
        (ExternalService::Chat, Fault::TooLong) => {
            "send the model less with --context-tokens, or fewer passages with -k"
        }
        (ExternalService::Store, Fault::NotFound) => "check --qdrant-url and --collection",
        (ExternalService::Store, Fault::Transient { .. }) => {
            "check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again"
        }
        (ExternalService::Recording, Fault::NotFound) => {
            return format!(
                "record what is missing: run the same command with --record {0} instead of --replay {0}",
                shell_word(&error.endpoint)
            );
        }
        (ExternalService::Recording, _) => "set --record to a file that can be written",
        (ExternalService::Store, Fault::Permanent) if !error.endpoint.contains("://") => {
            return format!(
                "repair that and run this again; `docent index verify` says what is damaged. What can't be repaired has to be rebuilt: rm -r {0} {0}@*, then docent ingest PATH",
                shell_word(&error.endpoint)
            );
        }
        (ExternalService::Store, Fault::Permanent) if error.message.contains("can't be read") => {
            "another version of docent or another program wrote it; ingest the documents into another collection: docent ingest PATH --collection NAME"
        }
        _ => "`docent doctor` checks everything that is configured",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_once() {
        let error =
            |message| BackendError::new(ExternalService::Store, Fault::Permanent, "/p/c", message);
        for (message, said) in [
            ("can't read /p/c@v1/manifest.json: gone", "can't read /p/c@v1/manifest.json: gone"),
            ("/p/c names /p/c@v3, which is gone", "/p/c names /p/c@v3, which is gone"),
            ("the disk failed", "/p/c: the disk failed"),
        ] {
            let failure = Failure::from(error(message));
            assert_eq!(failure.causes, [said]);
            assert_eq!(error(message).to_string(), format!("vector store {said}"));
        }
    }

    #[test]
    fn a_name_is_one_word_of_a_command() {
        for (name, word) in [
            ("/p/.docent/collections/docs", "/p/.docent/collections/docs"),
            ("https://example.org/a%20b", "https://example.org/a%20b"),
            ("/my docs", "'/my docs'"),
            ("x';rm -r .;'", r"'x'\'';rm -r .;'\'''"),
            ("$(reboot)", "'$(reboot)'"),
            ("-rf", "'-rf'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(name), word);
        }
    }

    #[test]
    fn a_wrong_key_is_worse_than_a_failing_backend_and_that_than_no_answer() {
        let worst = |exits: &[Exit]| exits.iter().copied().fold(Exit::Done, Exit::worse);
        assert_eq!(worst(&[]), Exit::Done);
        assert_eq!(worst(&[Exit::Negative, Exit::Done]), Exit::Negative);
        assert_eq!(worst(&[Exit::Negative, Exit::Config, Exit::Backend]), Exit::Config);
        assert_eq!(worst(&[Exit::Usage, Exit::Partial]), Exit::Usage);
    }
}
