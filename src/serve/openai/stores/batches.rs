//! Several files that are put into a vector store at once.

use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::changes::{put, unkept_chunking, uploads};
use super::files::{self, StoreFile};
use super::paging::{Cursor, Page};
use super::{FileCounts, opened, store_id};
use crate::serve::call::{Call, made_id};
use crate::serve::native;
use crate::serve::openai::{named_ignored, split, unix_now};
use crate::serve::openapi::Operation;
use crate::serve::refusal::Refusal;
use crate::serve::request::{object, query, typed};
use crate::serve::uploads::Batch;

/// Files of one batch, at most.
const MOST: usize = 500;

/// Files that are put into a vector store: 1 to 500 of them.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileBatchRequest")]
struct BatchRequest {
    /// Of files that were uploaded; all of them get the `attributes`.
    #[schemars(length(max = "MOST"))]
    file_ids: Option<Vec<String>>,
    /// The same, each with attributes of its own.
    #[schemars(length(max = "MOST"))]
    files: Option<Vec<BatchFile>>,
    /// Become tags, which are filtered by.
    attributes: Option<Map<String, Value>>,
    /// Without effect: a collection has one, which its settings say.
    chunking_strategy: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileBatchEntry")]
struct BatchFile {
    file_id: String,
    /// Become tags, which are filtered by.
    attributes: Option<Map<String, Value>>,
    /// Without effect: a collection has one, which its settings say.
    chunking_strategy: Option<Value>,
}

/// Files that were put into a vector store at once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileBatch")]
struct BatchObject {
    id: String,
    /// `vector_store.file_batch`.
    object: &'static str,
    /// Seconds since 1970.
    created_at: i64,
    vector_store_id: String,
    /// `in_progress`, `completed`; `failed` or `cancelled` where all files did or were.
    status: &'static str,
    file_counts: FileCounts,
}

pub(in crate::serve) fn described_create(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("createVectorStoreFileBatch", "Puts several files into a collection")
        .says(
            "With `serve.ingest`. Batches are forgotten when the server ends; their files are not.",
        )
        .takes::<BatchRequest>()
        .answers::<BatchObject>()
        .names_ignored()
}

pub(in crate::serve) fn described_one(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("getVectorStoreFileBatch", "What became of files that were put there at once")
        .answers::<BatchObject>()
}

pub(in crate::serve) fn described_files(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("listVectorStoreFileBatchFiles", "Those files")
        .asks::<Cursor>()
        .answers::<Page<StoreFile>>()
}

/// `POST /v1/vector_stores/{id}/file_batches`.
pub(in crate::serve) async fn create(call: Call) -> Result<Response, Refusal> {
    let uploads = uploads(&call)?;
    let (members, mut ignored) = split::<BatchRequest>(object(&call.body)?);
    let request: BatchRequest = typed(members)?;
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    ignored.extend(unkept_chunking(request.chunking_strategy.as_ref()));
    let mut wanted: Vec<(String, Option<Map<String, Value>>)> = Vec::new();
    for id in request.file_ids.unwrap_or_default() {
        wanted.push((id, request.attributes.clone()));
    }
    for file in request.files.unwrap_or_default() {
        ignored.extend(unkept_chunking(file.chunking_strategy.as_ref()));
        wanted.push((file.file_id, file.attributes));
    }
    if wanted.is_empty() || wanted.len() > MOST {
        return Err(Refusal::invalid("file_ids", format!("a batch has 1 to {MOST} files")));
    }
    for (id, attributes) in &wanted {
        put(&call, &scoped, id, attributes.as_ref())?;
    }
    let batch = Batch {
        id: made_id("vsfb_"),
        collection: scoped.name,
        created_at: unix_now(),
        uploads: wanted.into_iter().map(|(id, _)| id).collect(),
    };
    uploads.add_batch(batch.clone());
    Ok(named_ignored(native::json(&batch_object(&call, &batch).await?), &ignored))
}

/// `GET /v1/vector_stores/{id}/file_batches/{batch_id}`.
pub(in crate::serve) async fn one(call: Call) -> Result<Response, Refusal> {
    let batch = batch(&call)?;
    Ok(native::json(&batch_object(&call, &batch).await?))
}

/// `GET /v1/vector_stores/{id}/file_batches/{batch_id}/files`.
pub(in crate::serve) async fn files(call: Call) -> Result<Response, Refusal> {
    let cursor: Cursor = query(&call.query)?;
    let rows = files::rows_in_store(&call, &batch(&call)?.uploads).await?;
    Ok(native::json(&cursor.page(rows, StoreFile::clone)?))
}

/// The batch of the path.
///
/// # Errors
/// There is none that the caller may see.
fn batch(call: &Call) -> Result<Batch, Refusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    let id = call.param("batch_id");
    let found = call.server.uploads.as_ref().and_then(|uploads| uploads.batch(id));
    found.filter(|batch| batch.collection == scoped.name).ok_or_else(|| {
        Refusal {
            param: "batch_id".into(),
            ..Refusal::not_found("batch_not_found", format!("there is no batch `{id}`"))
        }
        .hint("batches are forgotten when the server ends; their files are not")
    })
}

async fn batch_object(call: &Call, batch: &Batch) -> Result<BatchObject, Refusal> {
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
