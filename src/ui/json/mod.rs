//! Every JSON shape that is printed, as types; `docent schema` prints their schemas from the same
//! types. Numbers and texts are exact here: nothing is sanitized.
//!
//! A change that a reader could trip over (a field that is gone, or means something else) raises
//! [`SCHEMA_VERSION`]; a new field does not.

mod answer;
mod explain;
mod found;
mod show;
mod state;

use schemars::schema::RootSchema;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

pub use answer::{AnswerJson, BatchRow, Event, RequestJson, WarningJson};
pub use explain::{ExpectedJson, ExplainEvent, ExplainJson, ExplainedHit};
pub use found::{Found, HitJson};
pub use show::{DocumentJson, ShowEvent, ShowJson, ShownChunkJson};
pub use state::{Check, Doctor, Setting, ShownSettings, Stale, Status, TraceList};

use crate::cli::SchemaName;
use crate::error::{Exit, Failure};
use crate::eval::report::EvalReport;
use crate::ingest::IngestReport;
use crate::ingest::preview::Preview;
use crate::trace::Trace;
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

/// The JSON Schema (draft 7) of an output.
pub fn schema(name: SchemaName) -> String {
    let schema = match name {
        SchemaName::QueryJson => of::<AnswerJson>("query --format json"),
        SchemaName::QueryJsonl => of::<Event>("query --format jsonl"),
        SchemaName::QueryBatch => of::<BatchRow>("query --batch"),
        SchemaName::ChatJson => of::<Turn<AnswerJson>>("chat --format json"),
        SchemaName::ChatJsonl => of::<Turn<Event>>("chat --format jsonl"),
        SchemaName::QueryPlanJson => of::<RequestJson>("query --dry-run"),
        SchemaName::SearchJson => of::<Found>("search --format json"),
        SchemaName::SearchJsonl => of::<HitJson>("search --format jsonl"),
        SchemaName::ExplainJson => of::<ExplainJson>("explain --format json"),
        SchemaName::ExplainJsonl => of::<ExplainEvent>("explain --format jsonl"),
        SchemaName::EvalJson => of::<EvalReport>("eval --format json"),
        SchemaName::IngestJson => of::<IngestReport>("ingest"),
        SchemaName::IngestPlanJson => of::<Preview>("ingest --dry-run"),
        SchemaName::TraceJson => of::<Trace>("trace show"),
        SchemaName::TraceListJson => of::<TraceList>("trace list"),
        SchemaName::ShowJson => of::<ShowJson>("show --format json"),
        SchemaName::ShowJsonl => of::<ShowEvent>("show --format jsonl"),
        SchemaName::StatusJson => of::<Status>("status"),
        SchemaName::DoctorJson => of::<Doctor>("doctor"),
        SchemaName::ConfigJson => of::<ShownSettings>("config show"),
        SchemaName::StderrJsonl => of::<Message>("on stderr"),
    };
    // A schema has string keys only, so it always has a JSON text.
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

fn of<T: JsonSchema>(command: &str) -> RootSchema {
    let mut root = schema_for!(Versioned<T>);
    let metadata = root.schema.metadata();
    metadata.title = Some(format!("docent {command}"));
    metadata.description = schema_for!(T).schema.metadata().description.take();
    root
}
