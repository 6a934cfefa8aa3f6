//! Settings of the files that docent writes about its own work: recordings of exchanges with models,
//! and records of answers.

use std::path::PathBuf;

use super::{LayerValues, SettingsError, parse};

/// A recording of the exchanges with models, and what it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecordingFile {
    Record(PathBuf),
    Replay(PathBuf),
}

impl RecordingFile {
    /// `record` or `replay`; if both are set, the one that was typed (see the rows).
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Option<Self>, SettingsError> {
        match (values.path("record"), values.path("replay")) {
            (Some(_), Some(_)) => Err(SettingsError {
                message: "record and replay are both set".to_owned(),
                hint: Some("unset one of DOCENT_RECORD and DOCENT_REPLAY".to_owned()),
                usage: false,
            }),
            (record, replay) => Ok(record.map(Self::Record).or_else(|| replay.map(Self::Replay))),
        }
    }
}

/// Records of answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceSettings {
    /// A file, or a directory.
    pub path: Option<PathBuf>,
    /// Whether the text of prompts and answers is kept, too.
    pub content: bool,
}

impl TraceSettings {
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
        Ok(Self {
            path: values.path("trace.path"),
            content: values.parsed("trace.content", parse::boolean)?,
        })
    }
}
