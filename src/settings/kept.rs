//! Files that docent writes about its own work: exchanges with models, records of answers.

use std::path::PathBuf;

use super::{SettingsError, Values};

/// A recording of the exchanges with models, and what it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TapeFile {
    Record(PathBuf),
    Replay(PathBuf),
}

impl TapeFile {
    /// `record` or `replay`: of both, the one that was typed.
    pub(super) fn resolve(values: &mut Values<'_>) -> Result<Option<Self>, SettingsError> {
        let record = values.users_path("record")?;
        let replay = values.users_path("replay")?;
        match (record, replay) {
            (Some(record), Some(_)) if values.typed("record") => Ok(Some(Self::Record(record))),
            (Some(_), Some(replay)) if values.typed("replay") => Ok(Some(Self::Replay(replay))),
            (Some(_), Some(_)) => Err(SettingsError {
                message: "record and replay are both set".to_owned(),
                hint: Some("unset one of DOCENT_RECORD and DOCENT_REPLAY".to_owned()),
                usage: false,
            }),
            (record, replay) => Ok(record.map(Self::Record).or_else(|| replay.map(Self::Replay))),
        }
    }
}

/// What is kept of each answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// A file, or a directory.
    pub path: Option<PathBuf>,
    /// The words of prompts and answers, too.
    pub content: bool,
}

impl Trace {
    pub(super) fn resolve(values: &mut Values<'_>) -> Result<Self, SettingsError> {
        Ok(Self { path: values.path("trace.path")?, content: values.permission("trace.content")? })
    }
}
