//! What `status`, `doctor`, `config show` and `trace list` print.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ingest::WarnedSource;
use crate::ingest::quality::Doubtful;
use crate::service::deployment::Concern;
use crate::service::expiring::Expiring;
use crate::trace::Trace;
use crate::types::{Deployment, DocumentRecord, EmbedderId, FailureRecord, Manifest};

/// What is stored, and what built it.
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
    pub stale: Stale,
    /// Sources that could not be brought in.
    pub failures: Vec<FailureRecord>,
    /// Documents of which something was not read.
    pub warned: Vec<WarnedSource>,
    /// Documents that are pages of the web; whether they changed is not known.
    pub pages: usize,
    /// How it is kept on a Qdrant server; absent where the collection is embedded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerJson>,
    /// When documents are too old; absent where none ever is: see the setting `ingest.ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiring: Option<Expiring>,
    /// Documents whose text looks broken, with `--quality`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<Vec<Doubtful>>,
    /// Every document, with `--documents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<DocumentRecord>>,
}

/// How a collection is kept on a Qdrant server.
#[derive(Serialize, JsonSchema)]
pub struct ServerJson {
    #[serde(flatten)]
    pub deployment: Deployment,
    /// All peers that are known of, by what has copies on them: a cluster may have more.
    pub peers: Vec<u64>,
    /// What its owner should know.
    pub concerns: Vec<ConcernJson>,
}

/// Something to know about a collection on a server.
#[derive(Serialize, JsonSchema)]
pub struct ConcernJson {
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Questions or runs end with an error until then.
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

/// Files that are not what they were when they were ingested.
#[derive(Serialize, JsonSchema)]
pub struct Stale {
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    /// Files that a run which did not finish was to bring in, and that are not stored.
    pub awaited: Vec<String>,
}

/// A version of a collection that was read whole.
#[derive(Serialize, JsonSchema)]
pub struct Index {
    pub collection: String,
    /// The number N of the version `NAME@vN`.
    pub version: u32,
    pub documents: usize,
    pub chunks: usize,
    /// What the documents come to, whatever the order and the store: SHA-256 over sources, texts, places and
    /// tags. Null after a repair, while a run is not finished, and where documents were brought in before it was kept.
    pub content_hash: Option<String>,
    /// Another version is the collection now, or the pointer to it was written again.
    pub repaired: bool,
    /// Newer versions that are not whole, and why.
    pub passed_over: Vec<String>,
}

/// A collection on a server that was taken up.
#[derive(Serialize, JsonSchema)]
pub struct Adoption {
    pub collection: String,
    /// The project that it belongs to now.
    pub project: String,
    /// The name of the collection in Qdrant, `NAME@vN` as a rule.
    pub physical: String,
    /// It had lost its name, and was given it again.
    pub named: bool,
    /// Projects that it belonged to before.
    pub formerly: Vec<String>,
}

/// What a collection of so many chunks takes.
#[derive(Serialize, JsonSchema)]
pub struct SizingJson {
    pub chunks: u64,
    /// Of the dense vectors.
    pub dimensions: usize,
    /// Where it belongs: `embedded`, `server`, `server_on_disk` or `cluster`.
    pub home: String,
    pub embedded: NeedsJson,
    /// Chunks up to which the embedded store compares a question with all vectors.
    pub embedded_up_to: u64,
    pub server: NeedsJson,
    /// With `--on-disk --quantization scalar`.
    pub server_on_disk: NeedsJson,
    /// Of each node of a cluster.
    pub node: NeedsJson,
    /// Nodes of 64 GiB of memory.
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

/// A collection that was brought in line with the same one on another store.
#[derive(Serialize, JsonSchema)]
pub struct IndexCopy {
    /// Where it is from: a directory, or the addresses of a server.
    pub from: String,
    /// Its name there.
    pub from_collection: String,
    pub to: String,
    pub collection: String,
    pub added: usize,
    pub changed: usize,
    pub deleted: usize,
    pub unchanged: usize,
    /// Chunks that went over.
    pub sent: u64,
    /// Chunks of the collection now.
    pub chunks: u64,
    /// What the documents come to on both sides, as `index verify` has it. Null where documents were brought
    /// in before it was kept: then only chunks were counted.
    pub content_hash: Option<String>,
}

/// A collection that was exported to a file, or imported from one.
#[derive(Serialize, JsonSchema)]
pub struct IndexFile {
    pub collection: String,
    /// Null for standard output and standard input.
    pub file: Option<String>,
    pub documents: u64,
    /// Sources that could not be brought in: the file has why.
    pub failures: u64,
    pub chunks: u64,
    /// Of these, what an import that was cut off had stored; absent where it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<u64>,
    /// Of the file.
    pub bytes: u64,
    /// SHA-256 of the file but for its last line, which says it.
    pub digest: String,
    /// What questions have to be embedded with.
    pub embedder: EmbedderId,
}

/// What is configured, and whether it answers.
#[derive(Serialize, JsonSchema)]
pub struct Doctor {
    pub ok: bool,
    pub checks: Vec<Check>,
    /// How the collection is kept on a Qdrant server; absent where it is embedded, or is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerJson>,
}

/// One thing that was looked at.
#[derive(Serialize, JsonSchema)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    pub message: String,
    /// It works, and could go wrong.
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
    /// What an untrusted project file says instead, which counts once that is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_trusted: Option<String>,
}

/// The records that are kept of answers, the oldest first.
#[derive(Serialize, JsonSchema)]
pub struct TraceList {
    pub traces: Vec<TraceRow>,
}

/// One of them; `docent trace show` prints it.
#[derive(Serialize, JsonSchema)]
pub struct TraceRow {
    /// A UUID.
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
