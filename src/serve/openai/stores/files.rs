//! Documents as files: of a vector store, and of all that the caller may see.

use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attributes::attributes;
use super::paging::{Cursor, Page, Row};
use super::{TextContent, opened, store_id, unix};
use crate::error::Exit;
use crate::serve::access::Scoped;
use crate::serve::call::Call;
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::Operation;
use crate::serve::refusal::Refusal;
use crate::serve::request::query;
use crate::service::retrieval::DocumentFilter;
use crate::store::{Reader, chunks_of, damaged};
use crate::types::{ChunkerId, ContentHash, DocumentRecord, FailureRecord};

/// Hexadecimal digits of an id: 120 bits of a hash.
const DIGITS: usize = 30;

/// The id of a document: the same as long as its collection and its source have their names.
pub(in crate::serve::openai) fn file_id(collection: &str, source: &str) -> String {
    let hash = ContentHash::of(format!("{collection}\0{source}").as_bytes()).0;
    format!("file-{}", hash.split_at(DIGITS).0)
}

/// A document of a collection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreFile")]
struct StoreFile {
    id: String,
    /// `vector_store.file`.
    object: &'static str,
    vector_store_id: String,
    /// When it was read, in seconds since 1970.
    created_at: i64,
    /// `completed` or `failed`.
    status: &'static str,
    last_error: Option<FileError>,
    usage_bytes: u64,
    /// `kind`, `source`, `url`, and `tag.NAME` for each tag.
    attributes: Map<String, Value>,
    chunking_strategy: Chunking,
}

/// Why a file could not be brought in.
#[derive(Serialize, JsonSchema)]
struct FileError {
    /// `invalid_file`.
    code: &'static str,
    message: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChunkingStrategy")]
struct Chunking {
    /// `static`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "static")]
    sizes: ChunkSizes,
}

#[derive(Serialize, JsonSchema)]
struct ChunkSizes {
    max_chunk_size_tokens: u64,
    chunk_overlap_tokens: u64,
}

/// A document.
#[derive(Serialize, JsonSchema)]
struct File {
    id: String,
    /// `file`.
    object: &'static str,
    bytes: u64,
    /// When it was read, in seconds since 1970.
    created_at: i64,
    expires_at: (),
    /// Its source.
    filename: String,
    /// `assistants`.
    purpose: &'static str,
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
    /// All documents are `assistants`.
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
    reader: Reader,
    documents: Vec<DocumentRecord>,
    /// Sources that could not be brought in, and of which nothing is there.
    failures: Vec<FailureRecord>,
}

enum Stored<'a> {
    Document(&'a DocumentRecord),
    Failure(&'a FailureRecord),
}

impl Seen {
    async fn of(scoped: Scoped) -> Result<Self, crate::error::Failure> {
        let reader = scoped.engine().reader().await?;
        let filter = scoped.filter(DocumentFilter::default());
        let documents = scoped.engine().seen_documents(&filter, &reader).await?;
        // Of what failed, only the name is known: too little to say who may see it.
        let mut failures = if scoped.is_whole() { reader.failures().await? } else { Vec::new() };
        let known = |source: &str| {
            documents.binary_search_by(|record| record.source.as_str().cmp(source)).is_ok()
        };
        failures.retain(|failure| !known(&failure.source));
        Ok(Self { scoped, reader, documents, failures })
    }

    fn all(&self) -> impl Iterator<Item = Stored<'_>> {
        let documents = self.documents.iter().map(Stored::Document);
        documents.chain(self.failures.iter().map(Stored::Failure))
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
            Stored::Failure(_) => Map::new(),
        };
        let ChunkerId { max_tokens, overlap_tokens, .. } = &self.reader.manifest().chunker;
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
                    max_chunk_size_tokens: *max_tokens as u64,
                    chunk_overlap_tokens: *overlap_tokens as u64,
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
            filename: stored.source().to_owned(),
            purpose: "assistants",
            status: if error.is_none() { "processed" } else { "error" },
            status_details: error.map(|error| error.message),
        }
    }
}

impl Stored<'_> {
    fn source(&self) -> &str {
        match self {
            Self::Document(record) => &record.source,
            Self::Failure(failure) => &failure.source,
        }
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Document(_) => "completed",
            Self::Failure(_) => "failed",
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Document(record) => record.size,
            Self::Failure(failure) => failure.size,
        }
    }

    fn created_at(&self) -> i64 {
        match self {
            Self::Document(record) => unix(&record.ingested_at),
            Self::Failure(failure) => unix(&failure.failed_at),
        }
    }

    fn error(&self) -> Option<FileError> {
        match self {
            Self::Document(_) => None,
            Self::Failure(failure) => {
                Some(FileError { code: "invalid_file", message: failure.reason.clone() })
            }
        }
    }
}

async fn seen(call: &Call) -> Result<Seen, Refusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    Ok(Seen::of(scoped).await?)
}

pub(in crate::serve) async fn list_in_store(call: Call) -> Result<Response, Refusal> {
    let StoreFilesQuery { cursor, filter } = query(&call.query)?;
    let (seen, links) = (seen(&call).await?, Links::new(&call.server, &call.headers));
    let is_wanted =
        |row: &Row<Stored<'_>>| filter.is_none_or(|wanted| row.of.status() == wanted.name());
    let rows = seen.rows().filter(is_wanted).collect();
    Ok(native::json(&cursor.page(rows, |stored| seen.in_store(stored, &links))?))
}

pub(in crate::serve) async fn one_in_store(call: Call) -> Result<Response, Refusal> {
    let (seen, links) = (seen(&call).await?, Links::new(&call.server, &call.headers));
    let stored = seen.find(call.param("file_id")).ok_or_else(|| no_file(&call))?;
    Ok(native::json(&seen.in_store(&stored, &links)))
}

/// What was read of a document: its passages, in order, which may overlap.
pub(in crate::serve) async fn content(call: Call) -> Result<Response, Refusal> {
    let seen = seen(&call).await?;
    let record = match seen.find(call.param("file_id")) {
        Some(Stored::Document(record)) => record,
        Some(Stored::Failure(failure)) => {
            return Err(Refusal::not_found(
                "no_content",
                format!("{} could not be brought in: {}", failure.source, failure.reason),
            )
            .hint("docent ingest tries it again once it has changed"));
        }
        None => return Err(no_file(&call)),
    };
    call.notes.note(|notes| {
        notes.collection = Some(seen.scoped.name.clone());
        notes.documents = vec![record.source.clone()];
    });
    let mut chunks = chunks_of(&**seen.reader.store(), &record.source).await?;
    // Of two versions, where a run was cut off, the one that the record is of.
    chunks.retain(|chunk| chunk.document_hash == record.document_hash);
    if let Some(chunk) = chunks.iter().find(|chunk| !chunk.is_intact()) {
        return Err(damaged(&**seen.reader.store(), chunk).into());
    }
    Ok(native::json(&FileContent {
        object: "vector_store.file_content.page",
        data: chunks.into_iter().map(|chunk| TextContent::of(chunk.text)).collect(),
        has_more: false,
        next_page: (),
    }))
}

/// What the caller sees of each collection, but for those that were not built yet.
async fn seen_everywhere(call: &Call) -> Result<Vec<Seen>, Refusal> {
    let mut everywhere = Vec::new();
    for name in call.caller.collections() {
        match Seen::of(call.caller.open(Some(name))?).await {
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
    let rows = everywhere.iter().flat_map(|seen| {
        let of =
            move |row: Row<_>| Row { id: row.id, created_at: row.created_at, of: (seen, row.of) };
        seen.rows().map(of)
    });
    // Every document has this purpose.
    let wanted = purpose.is_none_or(|purpose| purpose == "assistants");
    let rows = rows.filter(|_| wanted).collect();
    Ok(native::json(&cursor.page(rows, |(seen, stored): &(&Seen, _)| seen.file(stored))?))
}

pub(in crate::serve) async fn one(call: Call) -> Result<Response, Refusal> {
    let id = call.param("file_id");
    let everywhere = seen_everywhere(&call).await?;
    let found = everywhere.iter().find_map(|seen| Some(seen.file(&seen.find(id)?)));
    found.map(|file| native::json(&file)).ok_or_else(|| no_file(&call))
}

fn no_file(call: &Call) -> Refusal {
    let id = call.param("file_id");
    Refusal {
        param: "file_id".into(),
        ..Refusal::not_found("file_not_found", format!("there is no file `{id}`"))
    }
    .hint("GET /v1/files lists those that this key may see")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_document_of_one_collection() {
        // Ids are kept by callers: they stay what they are.
        assert_eq!(
            file_id("docs", "a.md"),
            format!("file-{}", &ContentHash::of(b"docs\0a.md").0[..30])
        );
        assert_ne!(file_id("docs", "a.md"), file_id("other", "a.md"));
        assert_ne!(file_id("a", "b\0c"), file_id("a", "b"));
    }
}
