//! Documents in the form of `OpenAI`'s files: in a vector store, and on their own.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::attributes::attributes;
use super::ids::{FILE, filename};
use super::visible::{StoredFile, VisibleFiles};
use super::{TextContent, store_id};
use crate::serve::links::Links;
use crate::serve::uploads::{Upload, UploadPlace, UploadState};
use crate::types::Manifest;

/// A document of a collection.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "VectorStoreFile")]
pub(super) struct StoreFile {
    id: String,
    /// `vector_store.file`.
    object: &'static str,
    vector_store_id: String,
    /// When it was read, in seconds since 1970; for an upload: when it was added.
    created_at: i64,
    /// `completed`, `failed`, or `in_progress` while it is being added or removed.
    pub(super) status: &'static str,
    last_error: Option<FileError>,
    usage_bytes: u64,
    /// `kind`, `source`, `url`, and `tag.NAME` for each tag.
    attributes: Map<String, Value>,
    chunking_strategy: Chunking,
}

/// Why a file could not be added.
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

/// A document, or an uploaded file that is in no collection.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "File")]
pub(super) struct FileObject {
    id: String,
    /// `file`.
    object: &'static str,
    bytes: u64,
    /// When it was read, in seconds since 1970.
    created_at: i64,
    expires_at: (),
    /// Its source, or the name that it was uploaded with.
    filename: String,
    /// The purpose that it was uploaded with; `assistants` for all others.
    pub(super) purpose: String,
    /// `processed` or `error`.
    status: &'static str,
    /// Why it could not be added.
    status_details: Option<String>,
}

/// The stored text of a document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreFileContent")]
pub(super) struct FileContent {
    /// `vector_store.file_content.page`.
    object: &'static str,
    /// Its passages in order, which may overlap.
    data: Vec<TextContent>,
    has_more: bool,
    next_page: (),
}

impl FileContent {
    pub(super) fn of(passages: impl Iterator<Item = String>) -> Self {
        Self {
            object: "vector_store.file_content.page",
            data: passages.map(TextContent::of).collect(),
            has_more: false,
            next_page: (),
        }
    }
}

impl VisibleFiles {
    /// The document as a file of a vector store.
    pub(super) fn in_store(&self, stored: &StoredFile<'_>, links: &Links) -> StoreFile {
        let attributes = match stored {
            StoredFile::Document(record) => {
                let url = links.to_whole(&self.scoped.name, &record.source);
                let others = [("source", record.source.clone()), ("url", url)];
                attributes(Some(record.kind), others, &record.tags)
            }
            StoredFile::Upload(_, place) => {
                attributes(None, [("source", place.source.clone())], &place.tags)
            }
            StoredFile::Failure(_) => Map::new(),
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

    /// The document as a file on its own.
    pub(super) fn file(&self, stored: &StoredFile<'_>) -> FileObject {
        let error = stored.error();
        FileObject {
            id: self.id(stored),
            object: "file",
            bytes: stored.size(),
            created_at: stored.created_at(),
            expires_at: (),
            filename: filename(stored.source()).to_owned(),
            purpose: self.purpose(stored).to_owned(),
            status: if error.is_none() { "processed" } else { "error" },
            status_details: error.map(|error| error.message),
        }
    }
}

impl StoredFile<'_> {
    fn error(&self) -> Option<FileError> {
        match self {
            Self::Upload(_, UploadPlace { state: UploadState::Failed { code, reason }, .. }) => {
                Some(FileError { code: code.clone(), message: reason.clone() })
            }
            Self::Upload(..) | Self::Document(_) => None,
            Self::Failure(failure) => {
                Some(FileError { code: "invalid_file".to_owned(), message: failure.reason.clone() })
            }
        }
    }
}

/// A file that is in no collection.
pub(super) fn upload_file(upload: &Upload) -> FileObject {
    FileObject {
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
