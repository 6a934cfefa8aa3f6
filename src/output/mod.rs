//! What machines read, and the words that both people and machines are given.
//!
//! Every JSON shape is a type, and `docent schema` prints the schemas of these types. Numbers and texts
//! are exact here: nothing is sanitized.
//!
//! A change that could break a reader (a field is removed, or changes its meaning) raises
//! [`SCHEMA_VERSION`]; a new field does not.

mod answer;
pub mod explain;
pub mod humanize;
mod ingest;
mod models;
mod search;
mod show;
mod state;
mod versions;

use schemars::schema::RootSchema;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

pub use answer::{
    AnswerJson, BatchRow, CitationJson, Event, Nearest, NoAnswerReason, RequestJson, WarningJson,
};
pub use explain::{ExpectedJson, ExplainEvent, ExplainJson, ExplainedHit};
pub use ingest::IngestOutcome;
pub use models::{
    CachedCommit, CachedModel, FetchedModel, FetchedModels, ModelList, RemovedModel, RemovedModels,
};
pub use search::{HitJson, SearchJson};
pub use show::{DocumentJson, ShowEvent, ShowJson, ShownChunkJson};
pub use state::{
    Adoption, Doctor, DoctorCheck, Index, IndexCopy, IndexFile, NeedsJson, ServerJson, Setting,
    ShownSettings, SizingJson, StaleFiles, Status, TraceList,
};
pub use versions::{
    RemovedVersions, SwitchedVersion, VersionDiffed, VersionJson, VersionList, VersionLog,
    VersionShown, version_json,
};

use crate::error::{Exit, Failure};
use crate::types::SCHEMA_VERSION;

/// The fields with which every object begins.
#[derive(Serialize, JsonSchema)]
pub struct Versioned<T> {
    /// Version of the shape.
    pub schema_version: u32,
    #[serde(flatten)]
    pub body: T,
}

impl<T> Versioned<T> {
    pub fn new(body: T) -> Self {
        Self { schema_version: SCHEMA_VERSION, body }
    }
}

/// The next fields of every object in a conversation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Turn")]
pub struct OutputTurn<T> {
    /// Number of the question that it belongs to, from 1.
    pub turn: u32,
    #[serde(flatten)]
    pub body: T,
}

/// Why a command, or a question of a batch, ended without its result.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorJson {
    pub message: String,
    /// Causes of the error, the nearest first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
    pub exit_code: i32,
}

impl From<&Failure> for ErrorJson {
    fn from(failure: &Failure) -> Self {
        Self {
            message: failure.message.clone(),
            causes: failure.causes.clone(),
            hint: failure.hint.clone(),
            exit_code: exit_code(failure.exit),
        }
    }
}

fn exit_code(exit: Exit) -> i32 {
    exit as i32
}

/// A line on stderr, which has one of these fields.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub struct OutputMessage {
    /// A note about the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Something that needs attention, although the command goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Why the command failed; on the last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorJson>,
}

impl OutputMessage {
    pub fn note(text: &str) -> Self {
        Self { note: Some(text.to_owned()), ..Self::default() }
    }

    pub fn warning(text: &str) -> Self {
        Self { warning: Some(text.to_owned()), ..Self::default() }
    }

    pub fn error(failure: &Failure) -> Self {
        Self { error: Some(failure.into()), ..Self::default() }
    }
}

/// The JSON Schema (draft 7) of what a command prints.
pub fn schema_of<T: JsonSchema>(command: &str) -> RootSchema {
    let mut root = schema_for!(Versioned<T>);
    let metadata = root.schema.metadata();
    metadata.title = Some(format!("docent {command}"));
    metadata.description = schema_for!(T).schema.metadata().description.take();
    root
}
