//! What machines read, and the words that people and machines are given alike.
//!
//! Every JSON shape is a type; `docent schema` prints their schemas from the same types. Numbers and
//! texts are exact here: nothing is sanitized.
//!
//! A change that a reader could trip over (a field that is gone, or means something else) raises
//! [`SCHEMA_VERSION`]; a new field does not.

mod answer;
pub mod explain;
mod found;
mod ingest;
mod models;
mod show;
mod state;
mod versions;
pub mod words;

use schemars::schema::RootSchema;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

pub use answer::{
    AnswerJson, BatchRow, CitationJson, Event, Nearest, NoAnswerReason, RequestJson, WarningJson,
};
pub use explain::{ExpectedJson, ExplainEvent, ExplainJson, ExplainedHit};
pub use found::{Found, HitJson};
pub use ingest::IngestOutcome;
pub use models::{
    CachedCommit, CachedModel, FetchedModel, FetchedModels, ModelList, RemovedModel, RemovedModels,
};
pub use show::{DocumentJson, ShowEvent, ShowJson, ShownChunkJson};
pub use state::{
    Adoption, Check, Doctor, Index, IndexCopy, IndexFile, NeedsJson, ServerJson, Setting,
    ShownSettings, SizingJson, Stale, Status, TraceList,
};
pub use versions::{
    RemovedVersions, SwitchedVersion, VersionDiffed, VersionJson, VersionList, VersionLog,
    VersionShown, version_json,
};

use crate::error::{Exit, Failure};
use crate::types::SCHEMA_VERSION;

/// What every object begins with.
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

/// What every object of a conversation goes on with.
#[derive(Serialize, JsonSchema)]
pub struct Turn<T> {
    /// The question that it belongs to, from 1.
    pub turn: u32,
    #[serde(flatten)]
    pub body: T,
}

/// Why a command, or a question of a batch, ended without its result.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct ErrorJson {
    pub message: String,
    /// What it came from, the nearest first.
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

/// A line on stderr: it has one of these.
#[derive(Default, Serialize, JsonSchema)]
pub struct Message {
    /// Something to know about the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Something that needs attention though the command goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Why the command ended; the last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorJson>,
}

impl Message {
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
