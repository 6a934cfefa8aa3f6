//! A recording of every exchange with the models: written by `--record`, replayed by `--replay`.
//!
//! It works at the traits ([`Embedder`](crate::embed::Embedder), [`ChatModel`](crate::chat::ChatModel),
//! [`Reranker`](crate::rerank::Reranker), [`OcrModel`](crate::ocr::OcrModel)), not at HTTP: it keeps the
//! outcome of a request after its retries, errors as well as answers. Keys are not part of an exchange; if an
//! endpoint echoes one, it is cut out. Models that run in this process need no recording.
//!
//! Values that this process generates and a command prints or sends (ids, nonces, times) are kept too, see
//! [`Recording::value`]: so a replay sends the same prompts and prints the same bytes.

mod chat;
mod embedder;
mod format;
mod ocr;
mod player;
mod recorder;
mod reranker;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub use chat::recorded as chat;
pub use embedder::{connect, recorded as embedder};
pub use format::EmbedderRequest;
pub use ocr::recorded as ocr;
pub use reranker::recorded as reranker;

use crate::error::{BackendError, ExternalService, Fault};
use format::RecordingEntry;
use player::Replayer;
use recorder::Recorder;

/// Where exchanges are written to, or come from. Most commands have none.
#[derive(Default)]
pub struct Recording(Mode);

#[derive(Default)]
enum Mode {
    #[default]
    Off,
    Record(Recorder),
    Replay(Box<Replayer>),
}

/// Why a recording cannot be used. Detected before any request.
#[derive(Debug, Error)]
pub enum RecordingError {
    #[error("{path} cannot be used as a recording: {source}", path = path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("there is no recording {path}", path = path.display())]
    None { path: PathBuf },
    #[error("another process is recording into {path}", path = path.display())]
    Busy { path: PathBuf },
    #[error("{path} is not a docent recording", path = path.display())]
    NotOne { path: PathBuf },
    #[error("{path} is a recording of version {version}, and this version of docent reads version {known}", path = path.display(), known = format::VERSION)]
    Version { path: PathBuf, version: u64 },
    #[error("line {line} of the recording {path} cannot be read: {problem}", path = path.display())]
    Line { path: PathBuf, line: usize, problem: String },
}

impl Recording {
    /// Adds to the recording in `path`, or begins one that only its owner may read: it contains prompts and
    /// answers. `secrets` are cut out of everything that is written.
    pub fn record(path: &Path, secrets: Vec<String>) -> Result<Self, RecordingError> {
        Ok(Self(Mode::Record(Recorder::open(path, secrets)?)))
    }

    /// Answers from the recording in `path`, and from nothing else.
    pub fn replay(path: &Path) -> Result<Self, RecordingError> {
        Ok(Self(Mode::Replay(Box::new(Replayer::load(path)?))))
    }

    /// What a user should know about a recording that can be used all the same.
    pub fn notice(&self) -> Option<String> {
        let (path, torn) = match &self.0 {
            Mode::Off => return None,
            Mode::Record(recorder) => (recorder.path(), recorder.was_torn()),
            Mode::Replay(player) => (player.path(), player.is_torn()),
        };
        torn.then(|| {
            format!(
                "the last line of the recording {path} was cut off, and is left out: the run that \
                 wrote it was killed"
            )
        })
    }

    /// A value that this process generated: recorded, or returned by a replay. `about` is what it belongs to,
    /// such as the question; several values with the same `about` are returned in order. If a value was never
    /// recorded, a replay uses the new one.
    pub fn value<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        about: &str,
        fresh: T,
    ) -> Result<T, BackendError> {
        match &self.0 {
            Mode::Off => Ok(fresh),
            Mode::Record(recorder) => {
                let value = serde_json::to_value(&fresh).unwrap_or_default();
                let (name, about) = (name.to_owned(), about.to_owned());
                recorder.append(&RecordingEntry::Value { name, about, value })?;
                Ok(fresh)
            }
            Mode::Replay(player) => {
                let kept = player.value(name, about);
                Ok(kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or(fresh))
            }
        }
    }
}

/// The error for an exchange that is not in the recording.
fn missing(path: &str, what: &str) -> BackendError {
    BackendError::new(ExternalService::Recording, Fault::NotFound, path, what)
}

/// A text shortened for a message.
fn excerpt(text: &str) -> String {
    const LENGTH: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LENGTH {
        return line;
    }
    line.chars().take(LENGTH).chain(std::iter::once('…')).collect()
}
