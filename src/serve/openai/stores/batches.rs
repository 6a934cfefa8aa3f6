//! Several files that are added to a vector store at once.

use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::changes::{unkept_chunking, uploads};
use super::files;
use super::objects::StoreFile;
use super::paging::{Cursor, ListPage};
use super::placement::{self, put};
use super::{FileCounts, opened, store_id};
use crate::serve::call::{AdmittedRequest, made_id};
use crate::serve::native;
use crate::serve::openai::{named_ignored, split, unix_now};
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::{object, query, typed};
use crate::serve::uploads::UploadBatch;

/// Most files of one batch.
const MOST: usize = 500;

/// Files to add to a vector store: 1 to 500 of them.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileBatchRequest")]
struct BatchRequest {
    /// Ids of uploaded files; all of them get the `attributes`. Either this or `files`.
    #[schemars(length(max = "MOST"))]
    file_ids: Option<Vec<String>>,
    /// Uploaded files, each with attributes of its own.
    #[schemars(length(max = "MOST"))]
    files: Option<Vec<BatchFile>>,
    /// Stored as tags, for filters; used for all files except those in `files` with their own.
    attributes: Option<Map<String, Value>>,
    /// Without effect: the settings of a collection decide this.
    chunking_strategy: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileBatchEntry")]
struct BatchFile {
    file_id: String,
    /// Stored as tags, for filters.
    attributes: Option<Map<String, Value>>,
    /// Without effect: the settings of a collection decide this.
    chunking_strategy: Option<Value>,
}

/// Files that were added to a vector store at once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileBatch")]
struct BatchObject {
    id: String,
    /// `vector_store.file_batch`.
    object: &'static str,
    /// Seconds since 1970.
    created_at: i64,
    vector_store_id: String,
    /// `in_progress`, `completed`; `failed` or `cancelled` if that holds for all files.
    status: &'static str,
    file_counts: FileCounts,
}

pub(in crate::serve) fn described_create(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("createVectorStoreFileBatch", "Adds several files to a collection")
        .says(
            "With `serve.ingest`. Batches are forgotten when the server ends; their files are not.",
        )
        .takes::<BatchRequest>()
        .answers::<BatchObject>()
        .names_ignored()
}

pub(in crate::serve) fn described_one(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("getVectorStoreFileBatch", "The state of a batch of files")
        .answers::<BatchObject>()
}

pub(in crate::serve) fn described_files(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("listVectorStoreFileBatchFiles", "The files of a batch")
        .asks::<Cursor>()
        .answers::<ListPage<StoreFile>>()
}

/// `POST /v1/vector_stores/{id}/file_batches`.
pub(in crate::serve) async fn create(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let uploads = uploads(&call)?;
    let (members, mut ignored) = split::<BatchRequest>(object(&call.body)?);
    let request: BatchRequest = typed(members)?;
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    ignored.extend(unkept_chunking(request.chunking_strategy.as_ref()));
    let files = request.files.iter().flatten();
    ignored.extend(files.filter_map(|file| unkept_chunking(file.chunking_strategy.as_ref())));
    ignored.dedup();
    let entries = entries(request.file_ids, request.files, request.attributes)?;
    let one = |(id, attributes): &Entry| placement::wanted(&call, &scoped, id, attributes.as_ref());
    // Either all files are added, or none.
    let wanted = entries.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    for one in wanted {
        put(&call, &scoped, one)?;
    }
    let batch = UploadBatch {
        id: made_id("vsfb_"),
        collection: scoped.name,
        created_at: unix_now(),
        uploads: entries.into_iter().map(|(id, _)| id).collect(),
    };
    uploads.add_batch(batch.clone());
    Ok(named_ignored(native::json(&batch_object(&call, &batch).await?), &ignored))
}

/// The id of a file, and its attributes.
type Entry = (String, Option<Map<String, Value>>);

/// The files of a batch, each once.
///
/// # Errors
/// There are no files, too many, they are named in both ways, or one appears twice with different
/// attributes.
fn entries(
    ids: Option<Vec<String>>,
    files: Option<Vec<BatchFile>>,
    attributes: Option<Map<String, Value>>,
) -> Result<Vec<Entry>, RequestRefusal> {
    let named: Vec<Entry> = match (ids, files) {
        (Some(_), Some(_)) => {
            return Err(RequestRefusal::invalid(
                "files",
                "`file_ids` and `files` cannot both be given",
            )
            .hint("leave one of them out: `files` has attributes for each"));
        }
        (Some(ids), None) => ids.into_iter().map(|id| (id, attributes.clone())).collect(),
        (None, files) => {
            let files = files.into_iter().flatten();
            files
                .map(|file| (file.file_id, file.attributes.or_else(|| attributes.clone())))
                .collect()
        }
    };
    if named.is_empty() || named.len() > MOST {
        return Err(RequestRefusal::invalid("file_ids", format!("a batch has 1 to {MOST} files"))
            .hint("send the ids of uploaded files in `file_ids`; use several requests for more"));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for (place, (id, attributes)) in named.into_iter().enumerate() {
        match entries.iter().find(|(known, _)| *known == id) {
            Some((_, known)) if *known == attributes => {}
            Some(_) => {
                let message = format!("`{id}` appears twice, with different attributes");
                return Err(RequestRefusal::invalid(format!("files[{place}].file_id"), message)
                    .hint("name it once, with its attributes"));
            }
            None => entries.push((id, attributes)),
        }
    }
    Ok(entries)
}

/// `GET /v1/vector_stores/{id}/file_batches/{batch_id}`.
pub(in crate::serve) async fn one(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let batch = batch(&call)?;
    Ok(native::json(&batch_object(&call, &batch).await?))
}

/// `GET /v1/vector_stores/{id}/file_batches/{batch_id}/files`.
pub(in crate::serve) async fn files(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let cursor: Cursor = query(&call.query)?;
    let rows = files::rows_in_store(&call, &batch(&call)?.uploads).await?;
    Ok(native::json(&cursor.page(rows, StoreFile::clone)?))
}

/// The batch in the path.
///
/// # Errors
/// There is no such batch that the caller may see.
fn batch(call: &AdmittedRequest) -> Result<UploadBatch, RequestRefusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    let id = call.param("batch_id");
    let found = call.server.uploads.as_ref().and_then(|uploads| uploads.batch(id));
    found.filter(|batch| batch.collection == scoped.name).ok_or_else(|| RequestRefusal {
        param: "batch_id".into(),
        ..RequestRefusal::not_found(ErrorCode::BatchNotFound, format!("there is no batch `{id}`"))
    })
}

async fn batch_object(
    call: &AdmittedRequest,
    batch: &UploadBatch,
) -> Result<BatchObject, RequestRefusal> {
    let rows = files::rows_in_store(call, &batch.uploads).await?;
    let count = |status: &str| rows.iter().filter(|row| row.of.status == status).count();
    let (waiting, failed) = (count("in_progress"), count("failed"));
    let gone = batch.uploads.len().saturating_sub(rows.len());
    let status = match (waiting, gone) {
        (0, _) if failed == batch.uploads.len() => "failed",
        (0, gone) if gone == batch.uploads.len() => "cancelled",
        (0, _) => "completed",
        _ => "in_progress",
    };
    Ok(BatchObject {
        id: batch.id.clone(),
        object: "vector_store.file_batch",
        created_at: batch.created_at,
        vector_store_id: store_id(&batch.collection),
        status,
        file_counts: FileCounts {
            in_progress: waiting,
            completed: count("completed"),
            failed: Some(failed),
            cancelled: gone,
            total: batch.uploads.len(),
        },
    })
}
