//! Collections as vector stores, and documents as files: what clients of `OpenAI` list, search and read.
//! With `serve.ingest` files can be uploaded, added to stores and removed.

pub(in crate::serve) mod attributes;
pub(in crate::serve) mod batches;
pub(in crate::serve) mod changes;
pub(in crate::serve) mod files;
pub(in crate::serve::openai) mod ids;
mod objects;
mod paging;
mod placement;
pub(in crate::serve) mod search;
pub(in crate::serve) mod visible;

use axum::response::Response;
use chrono::DateTime;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use self::paging::{Cursor, ListPage, ListRow};
use crate::error::Exit;
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::AskedCollection;
use crate::serve::call::{AdmittedRequest, Server};
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::query;
use crate::service::retrieval::DocumentFilter;

/// Prefix of the ids of vector stores.
const PREFIX: &str = "vs_";

pub(in crate::serve) fn store_id(collection: &str) -> String {
    format!("{PREFIX}{collection}")
}

/// The collection that a vector store's id or its bare name refers to.
///
/// # Errors
/// It refers to no collection that the caller may see; the error names `param`.
pub(super) fn opened(caller: &Caller, id: &str, param: &str) -> Result<Scoped, RequestRefusal> {
    let bare = || caller.open(Some(id.strip_prefix(PREFIX)?)).ok();
    caller.open(Some(id)).ok().or_else(bare).ok_or_else(|| {
        let known: Vec<String> = caller.collections().map(store_id).collect();
        RequestRefusal {
            param: param.into(),
            ..RequestRefusal::not_found(
                ErrorCode::VectorStoreNotFound,
                format!("there is no vector store `{id}`"),
            )
        }
        .hint(match known.as_slice() {
            [] => "this key has access to none of the served collections".to_owned(),
            known => format!("the vector stores are: {}", known.join(", ")),
        })
    })
}

/// docent's details beside `OpenAI`'s members: the value of the key `docent`.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "VectorStoreDetails")]
pub(super) struct StoreDetails {
    #[serde(flatten)]
    pub(super) asked: AskedCollection,
    /// Parameters that were sent and have no effect.
    pub(super) ignored: Vec<String>,
}

/// A stored text.
#[derive(Serialize, JsonSchema)]
struct TextContent {
    /// `text`.
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
}

impl TextContent {
    fn of(text: String) -> Self {
        Self { kind: "text", text }
    }
}

/// A collection as far as the caller sees it.
#[derive(Serialize, JsonSchema, Clone)]
struct VectorStore {
    /// `vs_COLLECTION`.
    id: String,
    /// `vector_store`.
    object: &'static str,
    name: String,
    /// Seconds since 1970; 0 if it was not built yet.
    created_at: i64,
    /// `completed`; `in_progress` while an ingest runs or a file waits for one, or if none has run.
    status: &'static str,
    usage_bytes: u64,
    file_counts: FileCounts,
    last_active_at: Option<i64>,
    expires_after: (),
    expires_at: (),
    /// The `embedder`, or the `problem` if it was not built.
    metadata: Map<String, Value>,
    /// If it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    docent: Option<StoreDetails>,
}

/// Numbers of files.
#[derive(Serialize, JsonSchema, Clone)]
struct FileCounts {
    /// Waiting to be added or removed.
    in_progress: usize,
    completed: usize,
    /// Sources that could not be ingested. Absent if the caller sees only a part of the collection, since
    /// it is not known which failed sources it may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<usize>,
    /// For a batch: removed since.
    cancelled: usize,
    total: usize,
}

impl FileCounts {
    fn of(in_progress: usize, completed: usize, failed: Option<usize>) -> Self {
        let total = in_progress + completed + failed.unwrap_or(0);
        Self { in_progress, completed, failed, cancelled: 0, total }
    }
}

pub(in crate::serve) fn described_list(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("listVectorStores", "The collections that the caller sees")
        .asks::<Cursor>()
        .answers::<ListPage<VectorStore>>()
}

pub(in crate::serve) fn described_one(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getVectorStore", "One collection").answers::<VectorStore>()
}

/// The description of what [only commands change](not_by_request).
pub(in crate::serve) fn unchanged<'a>(operation: ApiOperation<'a>, id: &str) -> ApiOperation<'a> {
    operation.named(
        id,
        "Always refused: `docent ingest` makes collections, and changes them while the server runs",
    )
}

pub(in crate::serve) async fn list(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let cursor: Cursor = query(&call.query)?;
    let mut rows = Vec::new();
    for name in call.caller.collections() {
        let scoped = call.caller.open(Some(name))?;
        let store = store(&scoped, &call.server).await?;
        rows.push(ListRow { id: store_id(name), created_at: store.created_at, of: store });
    }
    Ok(native::json(&cursor.page(rows, VectorStore::clone)?))
}

pub(in crate::serve) async fn one(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    Ok(native::json(&store(&scoped, &call.server).await?))
}

/// A collection as far as the caller sees it.
async fn store(scoped: &Scoped, server: &Server) -> Result<VectorStore, RequestRefusal> {
    let under_way = visible::under_way(scoped, server);
    let reader = match scoped.engine().reader().await {
        Ok(reader) => reader,
        // It is served, and was not built yet.
        Err(failure) if failure.exit == Exit::Config => {
            return Ok(named(scoped, "problem", &failure.message));
        }
        Err(failure) => return Err(failure.into()),
    };
    let filter = scoped.filter(DocumentFilter::default());
    let seen = scoped.engine().seen_documents(&filter, &reader).await?;
    let failures = if scoped.is_whole() { Some(reader.failures().await?) } else { None };
    // If the last version of a document failed, its earlier version is still stored.
    let is_seen = |source: &str| seen.binary_search_by(|seen| (*seen.source).cmp(source)).is_ok();
    let failed = failures.map(|all| all.iter().filter(|it| !is_seen(&it.source)).count());
    let asked = AskedCollection::new(&scoped.name, &reader);
    let unfinished = reader.manifest().unfinished.is_some() || under_way > 0;
    Ok(VectorStore {
        created_at: unix(&reader.manifest().created_at),
        status: if unfinished { "in_progress" } else { "completed" },
        usage_bytes: seen.iter().map(|record| record.size).sum(),
        file_counts: FileCounts::of(under_way, seen.len(), failed),
        last_active_at: seen.iter().map(|record| unix(&record.ingested_at)).max(),
        docent: Some(StoreDetails { asked, ignored: Vec::new() }),
        ..named(scoped, "embedder", &reader.manifest().embedder.name)
    })
}

/// A collection before it is opened, with one entry of metadata.
fn named(scoped: &Scoped, key: &str, value: &str) -> VectorStore {
    VectorStore {
        id: store_id(&scoped.name),
        object: "vector_store",
        name: scoped.name.clone(),
        created_at: 0,
        status: "in_progress",
        usage_bytes: 0,
        file_counts: FileCounts::of(0, 0, scoped.is_whole().then_some(0)),
        last_active_at: None,
        expires_after: (),
        expires_at: (),
        metadata: Map::from_iter([(key.to_owned(), attributes::truncate(value).into())]),
        docent: None,
    }
}

/// Refuses what only commands change.
pub(in crate::serve) fn not_by_request(call: &AdmittedRequest) -> Result<Response, RequestRefusal> {
    let store = call.param("id");
    let name = store.strip_prefix(PREFIX).unwrap_or(store);
    let hint = match name {
        "" => "docent ingest --collection NAME PATH makes one, and docent serve --collections NAME serves it, \
               even before it exists".to_owned(),
        name => format!("docent ingest --collection {name} PATH creates and changes it"),
    };
    Err(RequestRefusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::ReadOnly,
        "vector stores cannot be created, changed or deleted by request",
    )
    .hint(hint))
}

/// Seconds since 1970 of a time in RFC 3339.
pub(super) fn unix(time: &str) -> i64 {
    DateTime::parse_from_rfc3339(time).map_or(0, |time| time.timestamp())
}
