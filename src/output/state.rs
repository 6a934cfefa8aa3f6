//! The JSON that `status`, `doctor`, `config show`, `trace list` and others print.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ingest::WarnedSource;
use crate::ingest::quality::SuspectDocument;
use crate::service::deployment::Concern;
use crate::service::expiring::Expiring;
use crate::trace::Trace;
use crate::types::{Deployment, DocumentRecord, EmbedderId, FailureRecord, Manifest};

/// What is stored, and how it was built.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    pub collection: String,
    /// Directory of the embedded store, or URL of the server.
    pub store: String,
    pub documents: usize,
    pub chunks: u64,
    pub manifest: Manifest,
    /// Mean number of BM25 terms of the chunks; null where there are none.
    pub mean_terms: Option<f64>,
    pub stale: StaleFiles,
    /// Sources that could not be ingested.
    pub failures: Vec<FailureRecord>,
    /// Documents with warnings that something was not read.
    pub warned: Vec<WarnedSource>,
    /// Documents that are pages of the web; whether they changed is not known.
    pub pages: usize,
    /// How the collection is kept on a Qdrant server; absent where it is embedded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerJson>,
    /// How many documents are too old; absent without the setting `ingest.ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiring: Option<Expiring>,
    /// Documents whose text looks broken, with `--quality`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<Vec<SuspectDocument>>,
    /// Every document, with `--documents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<DocumentRecord>>,
}

/// How a collection is kept on a Qdrant server.
#[derive(Serialize, JsonSchema)]
pub struct ServerJson {
    #[serde(flatten)]
    pub deployment: Deployment,
    /// Peers that have copies: a cluster may have more.
    pub peers: Vec<u64>,
    /// Concerns that its owner should know.
    pub concerns: Vec<ConcernJson>,
}

/// A concern about a collection on a server.
#[derive(Serialize, JsonSchema)]
pub struct ConcernJson {
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Whether questions or runs fail until this is resolved.
    pub fatal: bool,
}

impl ServerJson {
    pub fn of(deployment: Deployment, concerns: &[Concern]) -> Self {
        let row = |concern: &Concern| ConcernJson {
            message: concern.message.clone(),
            hint: concern.hint.clone(),
            fatal: concern.fatal,
        };
        Self {
            peers: deployment.peers().into_iter().collect(),
            concerns: concerns.iter().map(row).collect(),
            deployment,
        }
    }
}

/// Files that differ from what was ingested.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Stale")]
pub struct StaleFiles {
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    /// Files that an unfinished run was to ingest, and that are not stored yet.
    pub awaited: Vec<String>,
}

/// A version of a collection that was read completely.
#[derive(Serialize, JsonSchema)]
pub struct Index {
    pub collection: String,
    /// The number N of the version `NAME@vN`.
    pub version: u32,
    pub documents: usize,
    pub chunks: usize,
    /// Hash of the documents, independent of their order and of the store: SHA-256 over sources, texts,
    /// places and tags. Null after a repair, while a run is unfinished, and where documents were
    /// ingested before hashes were kept.
    pub content_hash: Option<String>,
    /// Whether another version was made live, or the pointer to the live one was written again.
    pub repaired: bool,
    /// Newer versions that are damaged or incomplete, and why.
    pub passed_over: Vec<String>,
}

/// A collection on a server that was adopted.
#[derive(Serialize, JsonSchema)]
pub struct Adoption {
    pub collection: String,
    /// The project that it belongs to now.
    pub project: String,
    /// The name of the collection in Qdrant, usually `NAME@vN`.
    pub physical: String,
    /// Whether it had lost its name, which was restored.
    pub named: bool,
    /// Projects that owned it before.
    pub formerly: Vec<String>,
}

/// What a collection of a given size takes on disk and in memory.
#[derive(Serialize, JsonSchema)]
pub struct SizingJson {
    pub chunks: u64,
    /// Dimensions of the dense vectors.
    pub dimensions: usize,
    /// The store that suits it: `embedded`, `server`, `server_on_disk` or `cluster`.
    pub home: String,
    pub embedded: NeedsJson,
    /// Chunks up to which the embedded store compares a question with all vectors.
    pub embedded_up_to: u64,
    pub server: NeedsJson,
    /// On a server with `--on-disk --quantization scalar`.
    pub server_on_disk: NeedsJson,
    /// On each node of a cluster.
    pub node: NeedsJson,
    /// Number of nodes, with 64 GiB of memory each.
    pub nodes: u64,
    pub shards: u64,
    /// Copies of each shard.
    pub copies: u64,
}

/// Bytes.
#[derive(Serialize, JsonSchema)]
pub struct NeedsJson {
    pub disk: u64,
    pub memory: u64,
}

/// A collection that was copied to another store.
#[derive(Serialize, JsonSchema)]
pub struct IndexCopy {
    /// The store it was copied from: a directory, or the addresses of a server.
    pub from: String,
    /// Its name in that store.
    pub from_collection: String,
    pub to: String,
    pub collection: String,
    pub added: usize,
    pub changed: usize,
    pub deleted: usize,
    pub unchanged: usize,
    /// Chunks that were sent.
    pub sent: u64,
    /// Chunks of the collection now.
    pub chunks: u64,
    /// Hash of the documents on both sides, as in `index verify`. Null where documents were ingested
    /// before hashes were kept: then only chunks were counted.
    pub content_hash: Option<String>,
}

/// A collection that was exported to a file, or imported from one.
#[derive(Serialize, JsonSchema)]
pub struct IndexFile {
    pub collection: String,
    /// Path of the file; null for standard output and standard input.
    pub file: Option<String>,
    pub documents: u64,
    /// Number of sources that could not be ingested: the file has the reasons.
    pub failures: u64,
    pub chunks: u64,
    /// How many of the chunks an earlier import, which was cut off, had stored; absent for an export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<u64>,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file without its last line, which contains it.
    pub digest: String,
    /// The embedder that questions need.
    pub embedder: EmbedderId,
}

/// What is configured, and whether it works.
#[derive(Serialize, JsonSchema)]
pub struct Doctor {
    pub ok: bool,
    pub checks: Vec<DoctorCheck>,
    /// How the collection is kept on a Qdrant server; absent where it is embedded, or does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerJson>,
}

/// The result of one check.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Check")]
pub struct DoctorCheck {
    pub name: String,
    pub ok: bool,
    pub message: String,
    /// It works, but could go wrong.
    pub warning: bool,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Every setting, by its name.
#[derive(Serialize, JsonSchema)]
pub struct ShownSettings {
    pub settings: BTreeMap<String, Setting>,
}

#[derive(Serialize, JsonSchema)]
pub struct Setting {
    /// Secrets are masked.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: String,
    /// What an untrusted project file sets instead, which would count if the file were trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_trusted: Option<String>,
}

/// The records of answers, oldest first.
#[derive(Serialize, JsonSchema)]
pub struct TraceList {
    pub traces: Vec<TraceRow>,
}

/// A record of an answer; `docent trace show` prints it.
#[derive(Serialize, JsonSchema)]
pub struct TraceRow {
    /// Id of the answer, a UUID.
    pub id: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub question: String,
    pub exit_code: i32,
}

impl TraceList {
    pub fn of(traces: &[Trace]) -> Self {
        let row = |trace: &Trace| TraceRow {
            id: trace.id.to_string(),
            started_at: trace.started_at.clone(),
            question: trace.question.clone(),
            exit_code: trace.outcome.exit_code,
        };
        Self { traces: traces.iter().map(row).collect() }
    }
}
