//! A tape of every exchange with the models: written by `--record`, answered from by `--replay`.
//!
//! It stands where the traits are ([`Embedder`](crate::embed::Embedder),
//! [`ChatModel`](crate::chat::ChatModel), [`Reranker`](crate::rerank::Reranker),
//! [`OcrModel`](crate::ocr::OcrModel)), not where HTTP is: what is kept is what came of a request
//! after its retries, an error as much as an answer. Keys are not part of an exchange, and one that
//! an endpoint echoes is cut out. Models that compute in this process need no tape.
//!
//! What this process makes up itself and a command prints or sends (ids, nonces, times) is kept
//! too, see [`Tape::value`]: so a replay sends the same prompts and prints the same bytes.

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

use crate::error::{BackendError, Fault, Service};
use format::Entry;
use player::Player;
use recorder::Recorder;

/// Where exchanges go, or where they come from. Most commands have none.
#[derive(Default)]
pub struct Tape(Mode);

#[derive(Default)]
enum Mode {
    #[default]
    Off,
    Record(Recorder),
    Replay(Box<Player>),
}

/// Why a recording cannot be used. Found before anything is asked.
#[derive(Debug, Error)]
pub enum TapeError {
    #[error("{path} cannot be used as a recording: {source}", path = path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("there is no recording {path}", path = path.display())]
    None { path: PathBuf },
    #[error("another process records into {path}", path = path.display())]
    Busy { path: PathBuf },
    #[error("{path} is not a recording of docent", path = path.display())]
    NotOne { path: PathBuf },
    #[error("{path} is a recording of version {version}, and this docent knows version {known}", path = path.display(), known = format::VERSION)]
    Version { path: PathBuf, version: u64 },
    #[error("line {line} of the recording {path} cannot be read: {problem}", path = path.display())]
    Line { path: PathBuf, line: usize, problem: String },
}

impl Tape {
    /// Adds to the recording in `path`, or begins one, which only its owner may read: prompts and
    /// answers are in it. `secrets` are cut out of whatever is written.
    pub fn record(path: &Path, secrets: Vec<String>) -> Result<Self, TapeError> {
        Ok(Self(Mode::Record(Recorder::open(path, secrets)?)))
    }

    /// Answers from the recording in `path`, and from nothing else.
    pub fn replay(path: &Path) -> Result<Self, TapeError> {
        Ok(Self(Mode::Replay(Box::new(Player::load(path)?))))
    }

    /// What to know about a recording that can be used all the same.
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

    /// Something this process made up: when recorded it is kept, and a replay has it back. `about`
    /// is what it belongs to, such as the question; of several the first comes first. A replay of
    /// something that was never recorded keeps its own.
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
                recorder.append(&Entry::Value { name, about, value })?;
                Ok(fresh)
            }
            Mode::Replay(player) => {
                let kept = player.value(name, about);
                Ok(kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or(fresh))
            }
        }
    }
}

/// The error of an exchange that is not on the tape.
fn missing(path: &str, what: &str) -> BackendError {
    BackendError::new(Service::Recording, Fault::NotFound, path, what)
}

/// A text cut short, for a message.
fn excerpt(text: &str) -> String {
    const LENGTH: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LENGTH {
        return line;
    }
    line.chars().take(LENGTH).chain(std::iter::once('…')).collect()
}
