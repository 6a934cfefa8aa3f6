//! Documents as files: those of a vector store, and all that the caller may see.

use axum::response::Response;
use itertools::Itertools as _;
use schemars::JsonSchema;
use serde::Deserialize;

use super::changes;
use super::ids::FILE;
use super::objects::{FileContent, FileObject, StoreFile, upload_file};
use super::opened;
use super::paging::{Cursor, ListPage, ListRow};
use super::visible::{StoredFile, VisibleFiles};
use crate::error::Exit;
use crate::serve::call::AdmittedRequest;
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::query;
use crate::serve::uploads::{Upload, UploadPlace, UploadState};
use crate::store::{chunks_of, damaged};
use crate::types::FailureRecord;

/// Which files of a store to list.
#[derive(Deserialize, JsonSchema)]
struct StoreFilesQuery {
    #[serde(flatten)]
    cursor: Cursor,
    filter: Option<FileStatus>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum FileStatus {
    InProgress,
    Completed,
    Failed,
    Cancelled,
}

impl FileStatus {
    fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Which of all files to list.
#[derive(Deserialize, JsonSchema)]
struct FilesQuery {
    #[serde(flatten)]
    cursor: Cursor,
    /// Documents that were not uploaded have the purpose `assistants`.
    purpose: Option<String>,
}

pub(in crate::serve) fn described_list_in_store(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("listVectorStoreFiles", "The documents of a collection")
        .asks::<StoreFilesQuery>()
        .answers::<ListPage<StoreFile>>()
}

pub(in crate::serve) fn described_one_in_store(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getVectorStoreFile", "One document of a collection").answers::<StoreFile>()
}

pub(in crate::serve) fn described_content(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("getVectorStoreFileContent", "The stored text of a document")
        .answers::<FileContent>()
}

pub(in crate::serve) fn described_list(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("listFiles", "The documents that the caller sees")
        .asks::<FilesQuery>()
        .answers::<ListPage<FileObject>>()
}

pub(in crate::serve) fn described_one(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getFile", "One document or upload").answers::<FileObject>()
}

async fn seen(call: &AdmittedRequest) -> Result<VisibleFiles, RequestRefusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    Ok(VisibleFiles::of(scoped, &call.server).await?)
}

/// A file of a vector store, in the form of the list.
///
/// # Errors
/// The caller sees no file of this id.
pub(super) async fn file_in_store(
    call: &AdmittedRequest,
    id: &str,
) -> Result<StoreFile, RequestRefusal> {
    let (seen, links) = (seen(call).await?, Links::new(&call.server, &call.caller, &call.headers));
    let stored = seen.find(id).ok_or_else(|| no_such_file(id))?;
    Ok(seen.in_store(&stored, &links))
}

/// The files of a vector store with one of these ids.
pub(super) async fn rows_in_store(
    call: &AdmittedRequest,
    ids: &[String],
) -> Result<Vec<ListRow<StoreFile>>, RequestRefusal> {
    let (seen, links) = (seen(call).await?, Links::new(&call.server, &call.caller, &call.headers));
    let wanted = seen.rows().filter(|row| ids.contains(&row.id));
    Ok(wanted
        .map(|row| ListRow {
            of: seen.in_store(&row.of, &links),
            id: row.id,
            created_at: row.created_at,
        })
        .collect())
}

pub(in crate::serve) async fn list_in_store(
    call: AdmittedRequest,
) -> Result<Response, RequestRefusal> {
    let StoreFilesQuery { cursor, filter } = query(&call.query)?;
    let (seen, links) = (seen(&call).await?, Links::new(&call.server, &call.caller, &call.headers));
    let is_wanted = |row: &ListRow<StoredFile<'_>>| {
        filter.is_none_or(|wanted| row.of.status() == wanted.name())
    };
    let rows = seen.rows().filter(is_wanted).collect();
    Ok(native::json(&cursor.page(rows, |stored| seen.in_store(stored, &links))?))
}

pub(in crate::serve) async fn one_in_store(
    call: AdmittedRequest,
) -> Result<Response, RequestRefusal> {
    Ok(native::json(&file_in_store(&call, call.param("file_id")).await?))
}

/// The stored text of a document: its passages in order, which may overlap.
pub(in crate::serve) async fn content(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let seen = seen(&call).await?;
    let id = call.param("file_id");
    let (record, reader) = match (seen.find(id), &seen.reader) {
        (Some(StoredFile::Document(record)), Some(reader)) => (record, reader),
        (stored, _) => return Err(no_content(id, stored)),
    };
    call.notes.note(|notes| {
        notes.collection = Some(seen.scoped.name.clone());
        notes.documents = vec![record.source.clone()];
    });
    let mut chunks = chunks_of(&**reader.store(), &record.source).await?;
    // If a run was cut off there may be two versions; the one of the record counts.
    chunks.retain(|chunk| chunk.document_hash == record.document_hash);
    if let Some(chunk) = chunks.iter().find(|chunk| !chunk.is_intact()) {
        return Err(damaged(&**reader.store(), chunk).into());
    }
    Ok(native::json(&FileContent::of(chunks.into_iter().map(|chunk| chunk.text))))
}

fn no_content(id: &str, stored: Option<StoredFile<'_>>) -> RequestRefusal {
    let (why, hint) = match stored {
        Some(StoredFile::Failure(FailureRecord { source, reason, .. })) => (
            format!("{source} could not be read: {reason}"),
            "docent ingest tries it again once it has changed",
        ),
        Some(StoredFile::Upload(
            _,
            UploadPlace { state: UploadState::Failed { reason, .. }, source, .. },
        )) => (
            format!("{source} could not be read: {reason}"),
            "add it to the vector store again, or upload one that can be read",
        ),
        Some(_) => {
            ("it is being added or removed".to_owned(), "ask again once its status is `completed`")
        }
        None => return no_such_file(id),
    };
    RequestRefusal::not_found(ErrorCode::NoContent, why).hint(hint)
}

/// What the caller sees of each collection that was built.
async fn seen_everywhere(call: &AdmittedRequest) -> Result<Vec<VisibleFiles>, RequestRefusal> {
    let mut everywhere = Vec::new();
    for name in call.caller.collections() {
        match VisibleFiles::of(call.caller.open(Some(name))?, &call.server).await {
            Ok(seen) => everywhere.push(seen),
            Err(failure) if failure.exit == Exit::Config => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(everywhere)
}

pub(in crate::serve) async fn list(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let FilesQuery { cursor, purpose } = query(&call.query)?;
    let everywhere = seen_everywhere(&call).await?;
    let stored = everywhere.iter().flat_map(|seen| {
        seen.rows().map(|row| ListRow {
            of: seen.file(&row.of),
            id: row.id,
            created_at: row.created_at,
        })
    });
    let unplaced = changes::unplaced(&call).into_iter().map(|upload| ListRow {
        id: format!("{FILE}{}", upload.id),
        created_at: upload.created_at,
        of: upload_file(&upload),
    });
    let is_wanted = |row: &ListRow<FileObject>| {
        purpose.as_deref().is_none_or(|wanted| row.of.purpose == wanted)
    };
    let rows = stored.chain(unplaced).filter(is_wanted).unique_by(|row| row.id.clone());
    Ok(native::json(&cursor.page(rows.collect(), FileObject::clone)?))
}

pub(in crate::serve) async fn one(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let id = call.param("file_id");
    if let Some(upload) = changes::unplaced(&call).into_iter().find(|it| has_id(it, id)) {
        return Ok(native::json(&upload_file(&upload)));
    }
    let everywhere = seen_everywhere(&call).await?;
    let found = everywhere.iter().find_map(|seen| Some(seen.file(&seen.find(id)?)));
    found.map(|file| native::json(&file)).ok_or_else(|| no_such_file(id))
}

/// Whether the caller sees a document of this id in any collection.
///
/// # Errors
/// A collection cannot be read.
pub(super) async fn is_seen_somewhere(
    call: &AdmittedRequest,
    id: &str,
) -> Result<bool, RequestRefusal> {
    Ok(seen_everywhere(call).await?.iter().any(|seen| seen.find(id).is_some()))
}

/// Whether an upload is the file of this id.
fn has_id(upload: &Upload, id: &str) -> bool {
    id.strip_prefix(FILE) == Some(&upload.id)
}

pub(super) fn no_such_file(id: &str) -> RequestRefusal {
    RequestRefusal {
        param: "file_id".into(),
        ..RequestRefusal::not_found(ErrorCode::FileNotFound, format!("there is no file `{id}`"))
    }
}
