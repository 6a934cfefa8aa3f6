//! The JSON that `show` prints.

use schemars::JsonSchema;
use serde::Serialize;

use crate::query::explain::Staleness;
use crate::service::show::{ShownChunk, ShownDocument};
use crate::types::{DocumentKind, DocumentRecord, FailureRecord, Locator, Recognition};

/// A document as it is stored.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Show")]
pub struct ShowJson {
    #[serde(flatten)]
    pub document: DocumentJson,
    /// Chunks in the order of the text; with a place, those that overlap it.
    pub chunks: Vec<ShownChunkJson>,
}

/// A line of `show --format jsonl`: the document, then its chunks.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ShowEvent {
    Document(Box<DocumentJson>),
    Chunk(Box<ShownChunkJson>),
}

/// What is known about a document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Document")]
pub struct DocumentJson {
    pub source: String,
    /// The place in the document that was asked for.
    pub place: Option<Locator>,
    /// Title of the document; empty where it has none.
    pub title: String,
    /// Record of the document; null where it was never ingested.
    pub record: Option<DocumentRecord>,
    /// Why its last version could not be ingested; null where it was.
    pub failure: Option<FailureRecord>,
    /// How its file differs from what was ingested; null where it does not, and for documents that are
    /// not files.
    pub stale: Option<StaleJson>,
    /// How many chunks of it are stored, at any place.
    pub stored_chunks: usize,
    /// How many of these are of another version than the record, since an ingest was cut off.
    pub outdated_chunks: usize,
    /// If nothing is stored: the sources that may have been meant.
    pub nearest: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StaleDocument")]
#[serde(rename_all = "snake_case")]
pub enum StaleJson {
    /// The file has changed.
    Changed,
    /// The file no longer exists.
    Missing,
}

/// A chunk of a document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Chunk")]
pub struct ShownChunkJson {
    /// Position among the document's chunks, from 0.
    pub ordinal: u32,
    /// Tokens of what is embedded, headings and text; null where the embedder is not the one that built
    /// the collection.
    pub tokens: Option<usize>,
    pub source: String,
    /// Source and place in one: `path:L10-L24`, `path#page=3`.
    pub citation: String,
    /// Title of the document; empty where it has none.
    pub title: String,
    /// Headings above the text, outermost first.
    pub headings: Vec<String>,
    pub text: String,
    pub kind: DocumentKind,
    pub tags: Vec<String>,
    /// SHA-256 of the document.
    pub document_hash: String,
    /// SHA-256 of what was embedded.
    pub chunk_hash: String,
    /// Label of the page in the document, if it is not its number: `iv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_label: Option<String>,
    /// For text that was recognized in a picture: how sure the model is of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Recognition>,
    #[serde(flatten)]
    pub locator: Locator,
}

impl DocumentJson {
    pub fn new(shown: &ShownDocument) -> Self {
        Self {
            source: shown.asked.source.clone(),
            place: shown.asked.place,
            title: shown.title().to_owned(),
            record: shown.document.clone(),
            failure: shown.failure.clone(),
            stale: shown.drift.map(|drift| match drift {
                Staleness::Changed => StaleJson::Changed,
                Staleness::Gone => StaleJson::Missing,
            }),
            stored_chunks: shown.stored,
            outdated_chunks: shown.outdated,
            nearest: shown.nearest.clone(),
        }
    }
}

impl ShownChunkJson {
    pub fn new(ShownChunk { chunk, tokens }: &ShownChunk) -> Self {
        Self {
            ordinal: chunk.ordinal,
            tokens: *tokens,
            source: chunk.source.clone(),
            citation: chunk.locator.cite(&chunk.source),
            title: chunk.title.clone(),
            headings: chunk.headings.clone(),
            text: chunk.text.clone(),
            kind: chunk.kind,
            tags: chunk.tags.clone(),
            document_hash: chunk.document_hash.to_string(),
            chunk_hash: chunk.chunk_hash.to_string(),
            page_label: chunk.page_label.clone(),
            recognition: chunk.recognition.clone(),
            locator: chunk.locator,
        }
    }
}
