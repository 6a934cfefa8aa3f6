//! What `schema` takes: the names of the schemas.

use clap::{Args, ValueEnum};

/// Print the JSON Schema of an output
///
/// Each describes one object: the whole output with `json`, one line of it with `jsonl`. Objects may
/// get more fields; `schema_version` is raised when a field goes or changes its meaning.
#[derive(Args, Debug)]
pub struct SchemaArgs {
    #[arg(value_enum, value_name = "OUTPUT")]
    pub output: SchemaName,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchemaName {
    /// query --format json
    QueryJson,
    /// An event of query --format jsonl
    QueryJsonl,
    /// A line of query --batch
    QueryBatch,
    /// A turn of chat --format json
    ChatJson,
    /// An event of chat --format jsonl
    ChatJsonl,
    /// query --dry-run
    QueryPlanJson,
    /// search --format json
    SearchJson,
    /// A hit of search --format jsonl
    SearchJsonl,
    /// explain --format json
    ExplainJson,
    /// A line of explain --format jsonl
    ExplainJsonl,
    /// eval --format json
    EvalJson,
    /// The report of ingest
    IngestJson,
    /// ingest --dry-run and --check
    IngestPlanJson,
    /// trace show
    TraceJson,
    /// trace list
    TraceListJson,
    /// show --format json
    ShowJson,
    /// A line of show --format jsonl
    ShowJsonl,
    /// status
    StatusJson,
    /// doctor
    DoctorJson,
    /// doctor --size
    DoctorSizeJson,
    /// index verify and index repair
    IndexJson,
    /// index adopt
    IndexAdoptJson,
    /// index export and index import
    IndexFileJson,
    /// index key
    IndexKeyJson,
    /// index list
    IndexListJson,
    /// index show
    IndexShowJson,
    /// index log
    IndexLogJson,
    /// index diff
    IndexDiffJson,
    /// index use and index rollback
    IndexUseJson,
    /// index drop and index prune
    IndexDropJson,
    /// index push and index pull
    IndexCopyJson,
    /// models list
    ModelsJson,
    /// models fetch
    ModelsFetchJson,
    /// models remove
    ModelsRemoveJson,
    /// purge
    PurgeJson,
    /// A line of changes.jsonl, where changes of collections are noted
    ChangesJsonl,
    /// config show
    ConfigJson,
    /// The first line of serve on stdout
    ServeJson,
    /// A line of serve for a request, on stderr
    ServeLogJsonl,
    /// A line of serve --audit
    AuditJsonl,
    /// audit verify
    AuditJson,
    /// audit list --format json
    AuditListJson,
    /// keys list
    KeysJson,
    /// keys create and keys rotate
    KeysNewJson,
    /// GET /v1/docent/usage of serve
    UsageJson,
    /// The API of serve, as it is at /openapi.json
    Openapi,
    /// A line on stderr, with either format
    StderrJsonl,
}
