//! Changes of files by request: uploading, adding to a vector store, removing, deleting.

use std::collections::BTreeMap;

use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::files::{self, no_such_file};
use super::ids::FILE;
use super::objects::{FileObject, StoreFile, upload_file};
use super::placement::{put, source_for, tags_for, wanted};
use super::{PREFIX, opened};
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::trace_id;
use crate::serve::call::AdmittedRequest;
use crate::serve::native;
use crate::serve::openai::{named_ignored, split, unix_now};
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::{object, typed};
use crate::serve::uploads::received::{receive, unwritable};
use crate::serve::uploads::{Upload, UploadPlace, UploadRequest, UploadState, Uploads};
use crate::types::upload_id;

/// A file to upload, and its purpose.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UploadForm")]
struct UploadForm {
    /// The file, with its name: `report.pdf`, or `handbook/report.pdf` below a directory.
    #[serde(rename = "file")]
    _file: String,
    /// `assistants` by default; or `user_data`, `batch`, `fine-tune`, `vision`, `evals`. With any of them
    /// the file is kept, and can be added to a collection.
    #[serde(rename = "purpose")]
    _purpose: Option<String>,
}

/// A file that was removed or deleted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedFile")]
struct Deleted {
    id: String,
    /// `file`, or `vector_store.file.deleted` if it was removed from a collection.
    object: &'static str,
    deleted: bool,
}

pub(in crate::serve) fn described_upload(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("createFile", "Uploads a file, without adding it to a collection")
        .says("With `serve.ingest`.")
        .takes_form::<UploadForm>()
        .answers::<FileObject>()
        .names_ignored()
}

pub(in crate::serve) fn described_attach(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("createVectorStoreFile", "Adds an uploaded file to a collection")
        .says("With `serve.ingest`. The file is searchable once its status is `completed`.")
        .takes::<AttachRequest>()
        .answers::<StoreFile>()
        .names_ignored()
}

pub(in crate::serve) fn described_update(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("modifyVectorStoreFile", "Changes the attributes of an uploaded file")
        .says("With `serve.ingest`.")
        .takes::<UpdateRequest>()
        .answers::<StoreFile>()
        .names_ignored()
        .refuses(409)
}

pub(in crate::serve) fn described_detach(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("deleteVectorStoreFile", "Removes an uploaded file from a collection")
        .says("With `serve.ingest`. The upload stays.")
        .answers::<Deleted>()
        .refuses(409)
}

pub(in crate::serve) fn described_delete(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("deleteFile", "Deletes an uploaded file, and removes it from all collections")
        .says("With `serve.ingest`.")
        .answers::<Deleted>()
        .refuses(409)
}

/// `POST /v1/files`.
pub(in crate::serve) async fn upload(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let uploads = uploads(&call)?;
    let body = call.take_file().unwrap_or_default();
    let received = receive(&call, body, uploads).await?;
    let ignored = received.ignored;
    let upload = Upload {
        id: upload_id(Uuid::now_v7().as_u128()),
        name: received.name,
        directory: received.directory,
        bytes: received.bytes,
        created_at: unix_now(),
        purpose: received.purpose,
        owner: call.caller.key().map(|key| key.id.clone()),
        places: BTreeMap::new(),
    };
    // A file that could not be added anywhere is not kept.
    let scoped = call.caller.open(None).ok();
    scoped.map(|scoped| source_for(&scoped, &upload)).transpose()?;
    uploads.add(received.file, upload.clone()).map_err(|error| unwritable(&error))?;
    Ok(named_ignored(native::json(&upload_file(&upload)), &ignored))
}

/// A file to add to a vector store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileRequest")]
struct AttachRequest {
    /// Id of an uploaded file.
    file_id: String,
    /// Stored as tags, for filters.
    attributes: Option<Map<String, Value>>,
    /// Without effect: the settings of a collection decide this.
    chunking_strategy: Option<Value>,
}

/// `POST /v1/vector_stores/{id}/files`.
pub(in crate::serve) async fn attach(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    uploads(&call)?;
    let (members, mut ignored) = split::<AttachRequest>(object(&call.body)?);
    let request: AttachRequest = typed(members)?;
    ignored.extend(unkept_chunking(request.chunking_strategy.as_ref()));
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    put(&call, &scoped, wanted(&call, &scoped, &request.file_id, request.attributes.as_ref())?)?;
    let file = files::file_in_store(&call, &request.file_id).await?;
    Ok(named_ignored(native::json(&file), &ignored))
}

/// A collection has one chunker, which its settings decide.
pub(super) fn unkept_chunking(strategy: Option<&Value>) -> Option<String> {
    let strategy = strategy.filter(|strategy| strategy["type"] != "auto")?;
    (!strategy.is_null()).then(|| "chunking_strategy".to_owned())
}

/// Changes of a file in a vector store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileUpdate")]
struct UpdateRequest {
    /// Replace the current attributes. Stored as tags, for filters.
    attributes: Map<String, Value>,
}

/// `POST /v1/vector_stores/{id}/files/{file_id}`: other attributes.
pub(in crate::serve) async fn update(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let uploads = uploads(&call)?;
    let (members, ignored) = split::<UpdateRequest>(object(&call.body)?);
    let request: UpdateRequest = typed(members)?;
    let (scoped, upload, place) = placed(&call, uploads).await?;
    let tags = tags_for(&scoped, Some(&request.attributes))?;
    if place.tags != tags {
        note(&call, &scoped, &place.source);
        let place =
            UploadPlace { tags, state: UploadState::Waiting, asked_by: asked_by(&call), ..place };
        uploads.place(&upload.id, &scoped.name, place).map_err(|error| unwritable(&error))?;
    }
    let file = files::file_in_store(&call, call.param("file_id")).await?;
    Ok(named_ignored(native::json(&file), &ignored))
}

/// `DELETE /v1/vector_stores/{id}/files/{file_id}`: the upload stays.
pub(in crate::serve) async fn detach(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let uploads = uploads(&call)?;
    let (scoped, upload, place) = placed(&call, uploads).await?;
    note(&call, &scoped, &place.source);
    take_out(&call, uploads, &upload.id, &scoped.name).await?;
    Ok(native::json(&Deleted {
        id: format!("{FILE}{}", upload.id),
        object: "vector_store.file.deleted",
        deleted: true,
    }))
}

/// `DELETE /v1/files/{file_id}`: removes the file from all collections.
pub(in crate::serve) async fn delete(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let uploads = uploads(&call)?;
    let id = call.param("file_id");
    let Some(upload) = owned(&call, uploads, id) else {
        return Err(not_uploaded(&call, id).await);
    };
    for (name, place) in &upload.places {
        call.notes.note(|notes| notes.documents = vec![place.source.clone()]);
        let is_seen = |scoped: Scoped| scoped.sees(&place.source, &place.tags);
        if !call.caller.open(Some(name)).is_ok_and(is_seen) {
            return Err(outside(
                &call.caller,
                "this document is also in a collection that it may not change",
            ));
        }
    }
    for name in upload.places.keys() {
        take_out(&call, uploads, &upload.id, name).await?;
    }
    uploads.remove(&upload.id).map_err(|error| unwritable(&error))?;
    Ok(native::json(&Deleted { id: id.to_owned(), object: "file", deleted: true }))
}

/// Removes an upload from a collection, and waits until that is done.
async fn take_out(
    call: &AdmittedRequest,
    uploads: &Uploads,
    id: &str,
    collection: &str,
) -> Result<(), RequestRefusal> {
    uploads.displace(id, collection, asked_by(call)).map_err(|error| unwritable(&error))?;
    let is_over =
        |place: Option<&UploadPlace>| place.is_none_or(|place| place.state != UploadState::Leaving);
    uploads.until(id, collection, is_over).await;
    let is_out = |upload: Upload| !upload.places.contains_key(collection);
    if uploads.get(id).is_none_or(is_out) {
        return Ok(());
    }
    Err(RequestRefusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::StoreFailed,
        "the document could not be removed (the server's log says why)",
    ))
}

/// The uploads that are in no collection, as far as the caller may know of them.
pub(super) fn unplaced(call: &AdmittedRequest) -> Vec<Upload> {
    let uploads = call.server.uploads.iter().flat_map(Uploads::all);
    uploads.filter(|it| it.places.is_empty() && is_own(&call.caller, it)).collect()
}

fn is_own(caller: &Caller, upload: &Upload) -> bool {
    caller.sees_all() || caller.key().map(|key| &key.id) == upload.owner.as_ref()
}

/// An upload that came from this caller, or that the caller sees as a document.
pub(super) fn owned(call: &AdmittedRequest, uploads: &Uploads, file: &str) -> Option<Upload> {
    let upload = uploads.get(file.strip_prefix(FILE)?)?;
    let is_seen = |(name, place): (&String, &UploadPlace)| {
        let scoped = call.caller.open(Some(name));
        scoped.is_ok_and(|scoped| scoped.sees(&place.source, &place.tags))
    };
    (is_own(&call.caller, &upload) || upload.places.iter().any(is_seen)).then_some(upload)
}

/// The upload and the collection in the path.
async fn placed(
    call: &AdmittedRequest,
    uploads: &Uploads,
) -> Result<(Scoped, Upload, UploadPlace), RequestRefusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    let id = call.param("file_id");
    let upload = id.strip_prefix(FILE).and_then(|id| uploads.get(id));
    let place = upload.as_ref().and_then(|upload| upload.places.get(&scoped.name)).cloned();
    match (upload, place) {
        (Some(upload), Some(place)) if scoped.sees(&place.source, &place.tags) => {
            Ok((scoped, upload, place))
        }
        _ => Err(match files::file_in_store(call, id).await {
            Ok(_) => came_otherwise(id),
            Err(refusal) => refusal,
        }),
    }
}

async fn not_uploaded(call: &AdmittedRequest, id: &str) -> RequestRefusal {
    match files::is_seen_somewhere(call, id).await {
        Ok(true) => came_otherwise(id),
        Ok(false) => no_such_file(id),
        Err(refusal) => refusal,
    }
}

fn came_otherwise(id: &str) -> RequestRefusal {
    RequestRefusal::new(
        StatusCode::CONFLICT,
        ErrorCode::NotUploaded,
        format!("`{id}` was added by docent ingest, and would come back with its next run"),
    )
    .hint("delete its file; the next docent ingest removes it")
}

pub(super) fn uploads(call: &AdmittedRequest) -> Result<&Uploads, RequestRefusal> {
    call.server.uploads.as_ref().ok_or_else(|| {
        let store = call.param("id");
        let name = store.strip_prefix(PREFIX).unwrap_or(store);
        let collection = if name.is_empty() { String::new() } else { format!(" --collection {name}") };
        RequestRefusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::ReadOnly,
            "vector stores and files are read-only here",
        )
        .hint(format!(
            "docent serve --ingest lets keys with the right `ingest` change them; docent ingest{collection} PATH \
             adds documents while this server runs, and removes those whose files are gone"
        ))
    })
}

pub(super) fn asked_by(call: &AdmittedRequest) -> UploadRequest {
    let key = call.caller.key().map(|key| key.name.clone());
    UploadRequest { request_id: call.id.clone(), trace_id: trace_id().unwrap_or_default(), key }
}

pub(super) fn note(call: &AdmittedRequest, scoped: &Scoped, source: &str) {
    call.notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.documents.push(source.to_owned());
    });
}

fn outside(caller: &Caller, why: &str) -> RequestRefusal {
    let key = caller.key().map_or("", |key| &key.name);
    RequestRefusal::new(
        StatusCode::FORBIDDEN,
        ErrorCode::OutsideOfKey,
        format!("the key `{key}`: {why}"),
    )
}
