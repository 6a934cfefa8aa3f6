//! Files that come by request: uploaded, put into a vector store, taken out, deleted.

use std::collections::BTreeMap;

use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::files::{self, no_such_file};
use super::ids::FILE;
use super::objects::{File, StoreFile, upload_file};
use super::placing::{put, source_for, tags_for, wanted};
use super::{PREFIX, opened};
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::trace_id;
use crate::serve::call::Call;
use crate::serve::native;
use crate::serve::openai::{named_ignored, split, unix_now};
use crate::serve::openapi::Operation;
use crate::serve::refusal::{ErrorCode, Refusal};
use crate::serve::request::{object, typed};
use crate::serve::uploads::received::{receive, unwritable};
use crate::serve::uploads::{Asked, Place, State, Upload, Uploads};
use crate::types::upload_id;

/// A file that is uploaded, and what it is for.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UploadForm")]
struct UploadForm {
    /// The file, with its name: `report.pdf`, or `handbook/report.pdf` below a directory.
    #[serde(rename = "file")]
    _file: String,
    /// `assistants` unless it is said; or `user_data`, `batch`, `fine-tune`, `vision`, `evals`. Whatever it
    /// is, the file is kept, and can be put into a collection.
    #[serde(rename = "purpose")]
    _purpose: Option<String>,
}

/// What is not there any longer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedFile")]
struct Deleted {
    id: String,
    /// `file`; `vector_store.file.deleted` where it was taken out of a collection.
    object: &'static str,
    deleted: bool,
}

pub(in crate::serve) fn described_upload(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("createFile", "Uploads a file, which is in no collection yet")
        .says("With `serve.ingest`.")
        .takes_form::<UploadForm>()
        .answers::<File>()
        .names_ignored()
}

pub(in crate::serve) fn described_attach(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("createVectorStoreFile", "Puts a file that was uploaded into a collection")
        .says("With `serve.ingest`. It is there once its status is `completed`.")
        .takes::<AttachRequest>()
        .answers::<StoreFile>()
        .names_ignored()
}

pub(in crate::serve) fn described_update(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("modifyVectorStoreFile", "Gives a file that was uploaded other attributes")
        .says("With `serve.ingest`.")
        .takes::<UpdateRequest>()
        .answers::<StoreFile>()
        .names_ignored()
        .refuses(409)
}

pub(in crate::serve) fn described_detach(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("deleteVectorStoreFile", "Takes a file that was uploaded out of a collection")
        .says("With `serve.ingest`. The upload stays.")
        .answers::<Deleted>()
        .refuses(409)
}

pub(in crate::serve) fn described_delete(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("deleteFile", "Removes a file that was uploaded, also from all collections")
        .says("With `serve.ingest`.")
        .answers::<Deleted>()
        .refuses(409)
}

/// `POST /v1/files`.
pub(in crate::serve) async fn upload(call: Call) -> Result<Response, Refusal> {
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
    // One that could be put nowhere is not kept.
    let scoped = call.caller.open(None).ok();
    scoped.map(|scoped| source_for(&scoped, &upload)).transpose()?;
    uploads.add(received.file, upload.clone()).map_err(|error| unwritable(&error))?;
    Ok(named_ignored(native::json(&upload_file(&upload)), &ignored))
}

/// A file that is put into a vector store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileRequest")]
struct AttachRequest {
    /// Of a file that was uploaded.
    file_id: String,
    /// Become tags, which are filtered by.
    attributes: Option<Map<String, Value>>,
    /// Without effect: a collection has one, which its settings say.
    chunking_strategy: Option<Value>,
}

/// `POST /v1/vector_stores/{id}/files`.
pub(in crate::serve) async fn attach(call: Call) -> Result<Response, Refusal> {
    uploads(&call)?;
    let (members, mut ignored) = split::<AttachRequest>(object(&call.body)?);
    let request: AttachRequest = typed(members)?;
    ignored.extend(unkept_chunking(request.chunking_strategy.as_ref()));
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    put(&call, &scoped, wanted(&call, &scoped, &request.file_id, request.attributes.as_ref())?)?;
    let file = files::file_in_store(&call, &request.file_id).await?;
    Ok(named_ignored(native::json(&file), &ignored))
}

/// A collection has one chunker, which its settings say.
pub(super) fn unkept_chunking(strategy: Option<&Value>) -> Option<String> {
    let strategy = strategy.filter(|strategy| strategy["type"] != "auto")?;
    (!strategy.is_null()).then(|| "chunking_strategy".to_owned())
}

/// What changes of a file of a vector store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileUpdate")]
struct UpdateRequest {
    /// In place of those that it has. Become tags, which are filtered by.
    attributes: Map<String, Value>,
}

/// `POST /v1/vector_stores/{id}/files/{file_id}`: other attributes.
pub(in crate::serve) async fn update(call: Call) -> Result<Response, Refusal> {
    let uploads = uploads(&call)?;
    let (members, ignored) = split::<UpdateRequest>(object(&call.body)?);
    let request: UpdateRequest = typed(members)?;
    let (scoped, upload, place) = placed(&call, uploads).await?;
    let tags = tags_for(&scoped, Some(&request.attributes))?;
    if place.tags != tags {
        note(&call, &scoped, &place.source);
        let place = Place { tags, state: State::Waiting, asked_by: asked_by(&call), ..place };
        uploads.place(&upload.id, &scoped.name, place).map_err(|error| unwritable(&error))?;
    }
    let file = files::file_in_store(&call, call.param("file_id")).await?;
    Ok(named_ignored(native::json(&file), &ignored))
}

/// `DELETE /v1/vector_stores/{id}/files/{file_id}`: the upload stays.
pub(in crate::serve) async fn detach(call: Call) -> Result<Response, Refusal> {
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

/// `DELETE /v1/files/{file_id}`: out of all collections.
pub(in crate::serve) async fn delete(call: Call) -> Result<Response, Refusal> {
    let uploads = uploads(&call)?;
    let id = call.param("file_id");
    let Some(upload) = owned(&call, uploads, id) else {
        return Err(not_uploaded(&call, id).await);
    };
    for (name, place) in &upload.places {
        call.notes.note(|notes| notes.documents = vec![place.source.clone()]);
        let is_seen = |scoped: Scoped| scoped.sees(&place.source, &place.tags);
        if !call.caller.open(Some(name)).is_ok_and(is_seen) {
            return Err(outside(&call.caller, "this document is also where it may not write"));
        }
    }
    for name in upload.places.keys() {
        take_out(&call, uploads, &upload.id, name).await?;
    }
    uploads.remove(&upload.id).map_err(|error| unwritable(&error))?;
    Ok(native::json(&Deleted { id: id.to_owned(), object: "file", deleted: true }))
}

/// Takes an upload out of a collection, and waits until it is out.
async fn take_out(
    call: &Call,
    uploads: &Uploads,
    id: &str,
    collection: &str,
) -> Result<(), Refusal> {
    uploads.displace(id, collection, asked_by(call)).map_err(|error| unwritable(&error))?;
    let is_over = |place: Option<&Place>| place.is_none_or(|place| place.state != State::Leaving);
    uploads.until(id, collection, is_over).await;
    let is_out = |upload: Upload| !upload.places.contains_key(collection);
    if uploads.get(id).is_none_or(is_out) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::StoreFailed,
        "the document could not be taken out: the log of the server says why",
    ))
}

/// The uploads that are in no collection, as far as the caller may know of them.
pub(super) fn unplaced(call: &Call) -> Vec<Upload> {
    let uploads = call.server.uploads.iter().flat_map(Uploads::all);
    uploads.filter(|it| it.places.is_empty() && is_own(&call.caller, it)).collect()
}

fn is_own(caller: &Caller, upload: &Upload) -> bool {
    caller.sees_all() || caller.key().map(|key| &key.id) == upload.owner.as_ref()
}

/// An upload that the caller brought, or sees as a document.
pub(super) fn owned(call: &Call, uploads: &Uploads, file: &str) -> Option<Upload> {
    let upload = uploads.get(file.strip_prefix(FILE)?)?;
    let is_seen = |(name, place): (&String, &Place)| {
        let scoped = call.caller.open(Some(name));
        scoped.is_ok_and(|scoped| scoped.sees(&place.source, &place.tags))
    };
    (is_own(&call.caller, &upload) || upload.places.iter().any(is_seen)).then_some(upload)
}

/// The upload of the path, in the collection of the path.
async fn placed(call: &Call, uploads: &Uploads) -> Result<(Scoped, Upload, Place), Refusal> {
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

async fn not_uploaded(call: &Call, id: &str) -> Refusal {
    match files::is_seen_somewhere(call, id).await {
        Ok(true) => came_otherwise(id),
        Ok(false) => no_such_file(id),
        Err(refusal) => refusal,
    }
}

fn came_otherwise(id: &str) -> Refusal {
    Refusal::new(
        StatusCode::CONFLICT,
        ErrorCode::NotUploaded,
        format!("`{id}` was brought in by docent ingest, and would come back with its next run"),
    )
    .hint("delete its file, and docent ingest takes it out")
}

pub(super) fn uploads(call: &Call) -> Result<&Uploads, Refusal> {
    call.server.uploads.as_ref().ok_or_else(|| {
        let store = call.param("id");
        let name = store.strip_prefix(PREFIX).unwrap_or(store);
        let collection = if name.is_empty() { String::new() } else { format!(" --collection {name}") };
        Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::ReadOnly,
            "vector stores and files are read here, and not changed",
        )
        .hint(format!(
            "docent serve --ingest lets keys with the right `ingest` change them; docent ingest{collection} PATH \
             brings documents in while this server runs, and takes out what is gone"
        ))
    })
}

pub(super) fn asked_by(call: &Call) -> Asked {
    let key = call.caller.key().map(|key| key.name.clone());
    Asked { request_id: call.id.clone(), trace_id: trace_id().unwrap_or_default(), key }
}

pub(super) fn note(call: &Call, scoped: &Scoped, source: &str) {
    call.notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.documents.push(source.to_owned());
    });
}

fn outside(caller: &Caller, why: &str) -> Refusal {
    let key = caller.key().map_or("", |key| &key.name);
    Refusal::new(StatusCode::FORBIDDEN, ErrorCode::OutsideOfKey, format!("the key `{key}`: {why}"))
}
