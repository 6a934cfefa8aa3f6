//! A line of the log of changes.

use schemars::schema::RootSchema;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{AuditLine, line_schema};
use crate::service::purge::PurgeConditions;
use crate::types::ContentHash;

/// A change of a collection: that it has begun, or how it ended.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ChangeEntry {
    /// RFC 3339, UTC, with milliseconds.
    pub time: String,
    pub phase: ChangePhase,
    /// The same in both lines of a change.
    pub change_id: Uuid,
    pub command: ChangeCommand,
    /// Name that the system has for the user who made the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Host name of the machine.
    pub host: String,
    /// Project, for a collection on a Qdrant server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Names of the keys of `docent serve` that asked for the change; none if it did not come over
    /// HTTP, or needed no key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub keys: Vec<String>,
    /// Version of docent.
    pub docent: &'static str,
    /// Directory or URL.
    pub store: String,
    pub collection: String,
    /// The run that changes the collection, where known: the same id is in its records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// The version that was live when the change began; null where there was none.
    pub live_before: Option<u32>,
    /// Hash of the documents of that version, where known.
    pub content_before: Option<ContentHash>,
    /// In a line with `ended`.
    #[serde(flatten)]
    pub end: Option<ChangeEnd>,
}

/// Which line of a change it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangePhase {
    /// Nothing has been changed yet.
    Begun,
    /// The change is over. If this line is missing, the process ended first: some, all or nothing of
    /// the change was done.
    Ended,
}

/// What changes a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub enum ChangeCommand {
    #[serde(rename = "ingest")]
    Ingest,
    #[serde(rename = "ingest --forget")]
    Forget,
    #[serde(rename = "ingest --new-version")]
    NewVersion,
    #[serde(rename = "ingest --rebuild")]
    Rebuild,
    #[serde(rename = "ingest --promote-if")]
    PromoteIf,
    #[serde(rename = "ingest --watch")]
    Watch,
    #[serde(rename = "query --from")]
    QueryFrom,
    #[serde(rename = "eval --beir")]
    EvalBeir,
    #[serde(rename = "eval --sweep")]
    EvalSweep,
    #[serde(rename = "serve --watch")]
    ServeWatch,
    /// Documents that were uploaded, or are to be removed.
    #[serde(rename = "serve --ingest")]
    ServeIngest,
    /// The tool `sync` of `docent mcp --allow-ingest`.
    #[serde(rename = "mcp sync")]
    McpSync,
    #[serde(rename = "index use")]
    Use,
    #[serde(rename = "index rollback")]
    Rollback,
    #[serde(rename = "index drop")]
    Drop,
    #[serde(rename = "index prune")]
    Prune,
    #[serde(rename = "index import")]
    Import,
    #[serde(rename = "index push")]
    Push,
    #[serde(rename = "index pull")]
    Pull,
    #[serde(rename = "index adopt")]
    Adopt,
    #[serde(rename = "index repair")]
    Repair,
    #[serde(rename = "purge")]
    Purge,
}

/// How a change ended, and what it did.
#[derive(Clone, Default, Debug, Serialize, JsonSchema)]
pub struct ChangeEnd {
    pub outcome: ChangeOutcome,
    /// The version that is live now; null where there is none, or where that is not known.
    pub live_after: Option<u32>,
    /// Hash of the documents of that version, where known.
    pub content_after: Option<ContentHash>,
    /// Numbers of versions that were made, made live, refused or removed, or from which something was
    /// removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub versions: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<ChangedDocuments>,
    /// For a purge: what was purged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<PurgedLine>,
}

/// How a change ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOutcome {
    Done,
    /// Some sources could not be ingested.
    Partial,
    /// A version did not meet the conditions for its promotion.
    Refused,
    /// The change was stopped, or reached a limit: what was committed stays.
    Interrupted,
    /// An error ended the change: what was committed before stays.
    #[default]
    Failed,
}

/// How many documents and chunks a change was about.
#[derive(Clone, Copy, Default, Debug, Serialize, JsonSchema)]
pub struct ChangedDocuments {
    pub added: u64,
    pub changed: u64,
    pub moved: u64,
    pub deleted: u64,
    pub failed: u64,
    /// Chunks that were written.
    pub chunks: u64,
    /// Documents that are there now.
    pub total: u64,
}

/// What was purged: counts, and no names except those in the conditions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PurgedLine {
    pub conditions: PurgeConditions,
    /// Sources, each counted once.
    pub documents: usize,
    /// Chunks in all versions together.
    pub chunks: u64,
    /// Sources that could not be ingested, whose failures are forgotten.
    pub failures: usize,
    /// Exchanges, records of answers and uploads that were removed with them.
    pub elsewhere: usize,
    /// Bytes of files that were searched for the purged text, without finding any; null on a server.
    pub bytes_searched: Option<u64>,
}

/// The JSON Schema (draft 7) of a line.
pub fn schema() -> RootSchema {
    let mut root = line_schema(schema_for!(AuditLine<'_, ChangeEntry>));
    let metadata = root.schema.metadata();
    metadata.title = Some("changes.jsonl".to_owned());
    metadata.description = Some("A line of the file in the data directory".to_owned());
    root
}
