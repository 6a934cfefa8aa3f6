//! Documents as files: of a vector store, and of all that the caller may see.

use axum::response::Response;
use itertools::Itertools as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attributes::attributes;
use super::changes;
use super::ids::{FILE, file_id, filename};
use super::paging::{Cursor, Page, Row};
use super::{TextContent, opened, store_id, unix};
use crate::error::Exit;
use crate::serve::access::Scoped;
use crate::serve::call::{Call, Server};
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::Operation;
use crate::serve::refusal::Refusal;
use crate::serve::request::query;
use crate::serve::uploads::{Place, State, Upload, Uploads};
use crate::service::retrieval::DocumentFilter;
use crate::store::{Reader, chunks_of, damaged};
use crate::types::{DocumentRecord, FailureRecord, Manifest};

/// What documents are for that were not uploaded.
const PURPOSE: &str = "assistants";

/// A document of a collection.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "VectorStoreFile")]
pub(super) struct StoreFile {
    id: String,
    /// `vector_store.file`.
    object: &'static str,
    vector_store_id: String,
    /// When it was read, in seconds since 1970; of what was uploaded: when it was put there.
    created_at: i64,
    /// `completed`, `failed`; `in_progress` of what is being brought in or taken out.
    pub(super) status: &'static str,
    last_error: Option<FileError>,
    usage_bytes: u64,
    /// `kind`, `source`, `url`, and `tag.NAME` for each tag.
    attributes: Map<String, Value>,
    chunking_strategy: Chunking,
}

/// Why a file could not be brought in.
#[derive(Serialize, JsonSchema, Clone)]
struct FileError {
    /// `invalid_file`, or another of `OpenAI`'s.
    code: String,
    message: String,
}

#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ChunkingStrategy")]
struct Chunking {
    /// `static`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "static")]
    sizes: ChunkSizes,
}

#[derive(Serialize, JsonSchema, Clone)]
struct ChunkSizes {
    max_chunk_size_tokens: u64,
    chunk_overlap_tokens: u64,
}

/// A document, or a file that was uploaded and is in no collection.
#[derive(Serialize, JsonSchema, Clone)]
pub(super) struct File {
    id: String,
    /// `file`.
    object: &'static str,
    bytes: u64,
    /// When it was read, in seconds since 1970.
    created_at: i64,
    expires_at: (),
    /// Its source; or the name that it was uploaded with.
    filename: String,
    /// What it was uploaded for; `assistants` of all others.
    purpose: String,
    /// `processed` or `error`.
    status: &'static str,
    /// Why it could not be brought in.
    status_details: Option<String>,
}

/// What was read of a document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileContent")]
struct FileContent {
    /// `vector_store.file_content.page`.
    object: &'static str,
    /// Its passages in order, which may overlap.
    data: Vec<TextContent>,
    has_more: bool,
    next_page: (),
}

/// Which files of a store.
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

/// Which files of all.
#[derive(Deserialize, JsonSchema)]
struct FilesQuery {
    #[serde(flatten)]
    cursor: Cursor,
    /// Documents that were not uploaded are `assistants`.
    purpose: Option<String>,
}

pub(in crate::serve) fn described_list_in_store(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("listVectorStoreFiles", "The documents of a collection")
        .asks::<StoreFilesQuery>()
        .answers::<Page<StoreFile>>()
}

pub(in crate::serve) fn described_one_in_store(operation: Operation<'_>) -> Operation<'_> {
    operation.named("getVectorStoreFile", "One of them").answers::<StoreFile>()
}

pub(in crate::serve) fn described_content(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("getVectorStoreFileContent", "What was read of a document")
        .answers::<FileContent>()
}

pub(in crate::serve) fn described_list(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("listFiles", "The documents that the caller sees")
        .asks::<FilesQuery>()
        .answers::<Page<File>>()
}

pub(in crate::serve) fn described_one(operation: Operation<'_>) -> Operation<'_> {
    operation.named("getFile", "One of them").answers::<File>()
}

/// What a caller sees of a collection, at one time.
struct Seen {
    scoped: Scoped,
    /// `None` where it was not built yet.
    reader: Option<Reader>,
    documents: Vec<DocumentRecord>,
    /// Sources that could not be brought in, and of which nothing is there.
    failures: Vec<FailureRecord>,
    /// Of which something is to be done, or failed; with their places here.
    uploads: Vec<(Upload, Place)>,
}

enum Stored<'a> {
    Upload(&'a Upload, &'a Place),
    Document(&'a DocumentRecord),
    Failure(&'a FailureRecord),
}

impl Seen {
    async fn of(scoped: Scoped, server: &Server) -> Result<Self, crate::error::Failure> {
        // Before what is stored is read: what is done meanwhile is seen there.
        let uploads = placed(&scoped, server);
        let reader = match scoped.engine().reader().await {
            // It comes with the first of them.
            Err(failure) if failure.exit == Exit::Config && !uploads.is_empty() => {
                let (documents, failures) = (Vec::new(), Vec::new());
                return Ok(Self { scoped, reader: None, documents, failures, uploads });
            }
            reader => reader?,
        };
        let filter = scoped.filter(DocumentFilter::default());
        let mut documents = scoped.engine().seen_documents(&filter, &reader).await?;
        // Of what failed, only the name is known: too little to say who may see it.
        let mut failures = if scoped.is_whole() { reader.failures().await? } else { Vec::new() };
        let known = |source: &str| {
            documents.binary_search_by(|record| record.source.as_str().cmp(source)).is_ok()
        };
        failures.retain(|failure| !known(&failure.source));
        let is_upload = |source: &str| uploads.iter().any(|(_, place)| place.source == source);
        documents.retain(|record| !is_upload(&record.source));
        failures.retain(|failure| !is_upload(&failure.source));
        Ok(Self { scoped, reader: Some(reader), documents, failures, uploads })
    }

    fn all(&self) -> impl Iterator<Item = Stored<'_>> {
        let documents = self.documents.iter().map(Stored::Document);
        let uploads = self.uploads.iter().map(|(upload, place)| Stored::Upload(upload, place));
        documents.chain(self.failures.iter().map(Stored::Failure)).chain(uploads)
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.reader.as_ref().map(|reader| &**reader.manifest())
    }

    fn id(&self, stored: &Stored<'_>) -> String {
        file_id(&self.scoped.name, stored.source())
    }

    fn rows(&self) -> impl Iterator<Item = Row<Stored<'_>>> {
        self.all().map(|stored| Row {
            id: self.id(&stored),
            created_at: stored.created_at(),
            of: stored,
        })
    }

    fn find(&self, id: &str) -> Option<Stored<'_>> {
        self.all().find(|stored| self.id(stored) == id)
    }

    /// A file of a vector store.
    fn in_store(&self, stored: &Stored<'_>, links: &Links) -> StoreFile {
        let attributes = match stored {
            Stored::Document(record) => {
                let url = links.to_whole(&self.scoped.name, &record.source);
                let others = [("source", record.source.clone()), ("url", url)];
                attributes(Some(record.kind), others, &record.tags)
            }
            Stored::Upload(_, place) => {
                attributes(None, [("source", place.source.clone())], &place.tags)
            }
            Stored::Failure(_) => Map::new(),
        };
        let settings = &self.scoped.engine().context.settings;
        let (max_tokens, overlap_tokens) = self.manifest().map_or(
            (settings.chunk_tokens, settings.chunk_overlap),
            |Manifest { chunker, .. }| (chunker.max_tokens, chunker.overlap_tokens),
        );
        StoreFile {
            id: self.id(stored),
            object: "vector_store.file",
            vector_store_id: store_id(&self.scoped.name),
            created_at: stored.created_at(),
            status: stored.status(),
            last_error: stored.error(),
            usage_bytes: stored.size(),
            attributes,
            chunking_strategy: Chunking {
                kind: "static",
                sizes: ChunkSizes {
                    max_chunk_size_tokens: max_tokens as u64,
                    chunk_overlap_tokens: overlap_tokens as u64,
                },
            },
        }
    }

    /// A file of its own.
    fn file(&self, stored: &Stored<'_>) -> File {
        let error = stored.error();
        File {
            id: self.id(stored),
            object: "file",
            bytes: stored.size(),
            created_at: stored.created_at(),
            expires_at: (),
            filename: filename(stored.source()).to_owned(),
            purpose: stored.purpose().to_owned(),
            status: if error.is_none() { "processed" } else { "error" },
            status_details: error.map(|error| error.message),
        }
    }
}

impl Stored<'_> {
    fn source(&self) -> &str {
        match self {
            Self::Upload(_, place) => &place.source,
            Self::Document(record) => &record.source,
            Self::Failure(failure) => &failure.source,
        }
    }

    fn purpose(&self) -> &str {
        match self {
            Self::Upload(upload, _) => &upload.purpose,
            Self::Document(_) | Self::Failure(_) => PURPOSE,
        }
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Upload(_, place) => match place.state {
                State::Waiting | State::Leaving => "in_progress",
                State::Failed { .. } => "failed",
                State::Stored => "completed",
            },
            Self::Document(_) => "completed",
            Self::Failure(_) => "failed",
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Upload(upload, _) => upload.bytes,
            Self::Document(record) => record.size,
            Self::Failure(failure) => failure.size,
        }
    }

    fn created_at(&self) -> i64 {
        match self {
            Self::Upload(_, place) => place.created_at,
            Self::Document(record) => unix(&record.ingested_at),
            Self::Failure(failure) => unix(&failure.failed_at),
        }
    }

    fn error(&self) -> Option<FileError> {
        match self {
            Self::Upload(_, Place { state: State::Failed { code, reason }, .. }) => {
                Some(FileError { code: code.clone(), message: reason.clone() })
            }
            Self::Upload(..) | Self::Document(_) => None,
            Self::Failure(failure) => {
                Some(FileError { code: "invalid_file".to_owned(), message: failure.reason.clone() })
            }
        }
    }
}

/// Uploads of which more is to be said than that they are stored.
fn placed(scoped: &Scoped, server: &Server) -> Vec<(Upload, Place)> {
    let uploads = server.uploads.iter().flat_map(Uploads::all);
    let placed = uploads.filter_map(|upload| {
        let place = upload.places.get(&scoped.name).cloned()?;
        let is_seen = scoped.sees(&place.source, &place.tags);
        (is_seen && place.state != State::Stored).then_some((upload, place))
    });
    placed.collect()
}

/// How many uploads are to come or go, as far as they are seen.
pub(in crate::serve) fn under_way(scoped: &Scoped, server: &Server) -> usize {
    placed(scoped, server).iter().filter(|(_, place)| place.is_under_way()).count()
}

async fn seen(call: &Call) -> Result<Seen, Refusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    Ok(Seen::of(scoped, &call.server).await?)
}

/// A file of a vector store, as those who list them get it.
///
/// # Errors
/// The caller sees none of this id.
pub(super) async fn file_in_store(call: &Call, id: &str) -> Result<StoreFile, Refusal> {
    let (seen, links) = (seen(call).await?, Links::new(&call.server, &call.caller, &call.headers));
    let stored = seen.find(id).ok_or_else(|| no_such_file(id))?;
    Ok(seen.in_store(&stored, &links))
}

/// Those files of a vector store that have one of these ids.
pub(super) async fn rows_in_store(
    call: &Call,
    ids: &[String],
) -> Result<Vec<Row<StoreFile>>, Refusal> {
    let (seen, links) = (seen(call).await?, Links::new(&call.server, &call.caller, &call.headers));
    let wanted = seen.rows().filter(|row| ids.contains(&row.id));
    Ok(wanted
        .map(|row| Row {
            of: seen.in_store(&row.of, &links),
            id: row.id,
            created_at: row.created_at,
        })
        .collect())
}

pub(in crate::serve) async fn list_in_store(call: Call) -> Result<Response, Refusal> {
    let StoreFilesQuery { cursor, filter } = query(&call.query)?;
    let (seen, links) = (seen(&call).await?, Links::new(&call.server, &call.caller, &call.headers));
    let is_wanted =
        |row: &Row<Stored<'_>>| filter.is_none_or(|wanted| row.of.status() == wanted.name());
    let rows = seen.rows().filter(is_wanted).collect();
    Ok(native::json(&cursor.page(rows, |stored| seen.in_store(stored, &links))?))
}

pub(in crate::serve) async fn one_in_store(call: Call) -> Result<Response, Refusal> {
    Ok(native::json(&file_in_store(&call, call.param("file_id")).await?))
}

/// What was read of a document: its passages, in order, which may overlap.
pub(in crate::serve) async fn content(call: Call) -> Result<Response, Refusal> {
    let seen = seen(&call).await?;
    let id = call.param("file_id");
    let (record, reader) = match (seen.find(id), &seen.reader) {
        (Some(Stored::Document(record)), Some(reader)) => (record, reader),
        (stored, _) => return Err(no_content(id, stored)),
    };
    call.notes.note(|notes| {
        notes.collection = Some(seen.scoped.name.clone());
        notes.documents = vec![record.source.clone()];
    });
    let mut chunks = chunks_of(&**reader.store(), &record.source).await?;
    // Of two versions, where a run was cut off, the one that the record is of.
    chunks.retain(|chunk| chunk.document_hash == record.document_hash);
    if let Some(chunk) = chunks.iter().find(|chunk| !chunk.is_intact()) {
        return Err(damaged(&**reader.store(), chunk).into());
    }
    Ok(native::json(&FileContent {
        object: "vector_store.file_content.page",
        data: chunks.into_iter().map(|chunk| TextContent::of(chunk.text)).collect(),
        has_more: false,
        next_page: (),
    }))
}

fn no_content(id: &str, stored: Option<Stored<'_>>) -> Refusal {
    let (why, hint) = match stored {
        Some(Stored::Failure(FailureRecord { source, reason, .. })) => (
            format!("{source} could not be brought in: {reason}"),
            "docent ingest tries it again once it has changed",
        ),
        Some(Stored::Upload(_, Place { state: State::Failed { reason, .. }, source, .. })) => (
            format!("{source} could not be brought in: {reason}"),
            "put it into the vector store again, or upload one that can be read",
        ),
        Some(_) => (
            "it is being brought in, or taken out".to_owned(),
            "ask again once its status is `completed`",
        ),
        None => return no_such_file(id),
    };
    Refusal::not_found("no_content", why).hint(hint)
}

/// What the caller sees of each collection, but for those that were not built yet.
async fn seen_everywhere(call: &Call) -> Result<Vec<Seen>, Refusal> {
    let mut everywhere = Vec::new();
    for name in call.caller.collections() {
        match Seen::of(call.caller.open(Some(name))?, &call.server).await {
            Ok(seen) => everywhere.push(seen),
            Err(failure) if failure.exit == Exit::Config => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(everywhere)
}

pub(in crate::serve) async fn list(call: Call) -> Result<Response, Refusal> {
    let FilesQuery { cursor, purpose } = query(&call.query)?;
    let everywhere = seen_everywhere(&call).await?;
    let stored = everywhere.iter().flat_map(|seen| {
        seen.rows().map(|row| Row {
            of: seen.file(&row.of),
            id: row.id,
            created_at: row.created_at,
        })
    });
    let unplaced = changes::unplaced(&call).into_iter().map(|upload| Row {
        id: format!("{FILE}{}", upload.id),
        created_at: upload.created_at,
        of: upload_file(&upload),
    });
    let is_wanted =
        |row: &Row<File>| purpose.as_deref().is_none_or(|wanted| row.of.purpose == wanted);
    let rows = stored.chain(unplaced).filter(is_wanted).unique_by(|row| row.id.clone());
    Ok(native::json(&cursor.page(rows.collect(), File::clone)?))
}

pub(in crate::serve) async fn one(call: Call) -> Result<Response, Refusal> {
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
/// A collection can't be read.
pub(super) async fn is_seen_somewhere(call: &Call, id: &str) -> Result<bool, Refusal> {
    Ok(seen_everywhere(call).await?.iter().any(|seen| seen.find(id).is_some()))
}

/// Whether an upload is the file of this id.
fn has_id(upload: &Upload, id: &str) -> bool {
    id.strip_prefix(FILE) == Some(&upload.id)
}

/// A file that is in no collection.
pub(super) fn upload_file(upload: &Upload) -> File {
    File {
        id: format!("{FILE}{}", upload.id),
        object: "file",
        bytes: upload.bytes,
        created_at: upload.created_at,
        expires_at: (),
        filename: upload.name.clone(),
        purpose: upload.purpose.clone(),
        status: "processed",
        status_details: None,
    }
}

pub(super) fn no_such_file(id: &str) -> Refusal {
    Refusal {
        param: "file_id".into(),
        ..Refusal::not_found("file_not_found", format!("there is no file `{id}`"))
    }
    .hint("GET /v1/files lists those that this key may see")
}
