//! Chunks, and what is stored of them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ContentHash, DocumentKind, Locator, POINT_NAMESPACE, Recognition};

/// One retrievable piece of a document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chunk {
    /// Path relative to the project root, `/`-separated (absolute where the file is outside it); the
    /// URL of a page; or the name given to standard input.
    pub source: String,
    /// Title of the document; empty where it has none.
    pub title: String,
    /// Heading path of the chunk, outermost first; for code, the enclosing items.
    pub headings: Vec<String>,
    /// Whether the title is embedded as well: only where no heading repeats it.
    pub titled: bool,
    /// Exactly what is shown and cited.
    pub text: String,
    pub locator: Locator,
    /// Position among the document's chunks, from 0.
    pub ordinal: u32,
    pub kind: DocumentKind,
    /// Hash of the document's bytes.
    pub document_hash: ContentHash,
    /// Hash of [`Chunk::embedded`]: equal hashes have equal embeddings.
    pub chunk_hash: ContentHash,
    /// How many chunks of the same document with the same `chunk_hash` come before this one.
    pub occurrence: u32,
    /// `key=value` or plain words given at ingest, sorted.
    pub tags: Vec<String>,
    /// The document's own label of the page, if it is not the number: `iv`.
    pub page_label: Option<String>,
    /// `None` where the text comes from the document itself, not from recognition in a picture.
    pub recognition: Option<Recognition>,
}

impl Chunk {
    /// What is embedded: title and heading path on a line of their own, then the text.
    pub fn embedded_text(title: Option<&str>, headings: &[String], text: &str) -> String {
        match Self::path(title, headings) {
            path if path.is_empty() => text.to_owned(),
            path => format!("{path}\n{text}"),
        }
    }

    fn path(title: Option<&str>, headings: &[String]) -> String {
        let path: Vec<&str> =
            title.into_iter().chain(headings.iter().map(String::as_str)).collect();
        path.join(" > ")
    }

    /// The text of this chunk that is embedded.
    pub fn embedded(&self) -> String {
        Self::embedded_text(self.embedded_title(), &self.headings, &self.text)
    }

    /// Whether its text is the one that was stored.
    pub fn is_intact(&self) -> bool {
        ContentHash::of(self.embedded().as_bytes()) == self.chunk_hash
    }

    /// The part of the embedded text before the chunk's own text; empty where there is none.
    pub fn embedded_path(&self) -> String {
        Self::path(self.embedded_title(), &self.headings)
    }

    fn embedded_title(&self) -> Option<&str> {
        self.titled.then_some(self.title.as_str())
    }

    /// `UUIDv5` of source, chunk hash and occurrence: the same chunk always becomes the same point.
    pub fn id(&self) -> Uuid {
        Self::id_of(&self.source, &self.chunk_hash, self.occurrence)
    }

    /// The id of a chunk with these properties.
    pub fn id_of(source: &str, chunk_hash: &ContentHash, occurrence: u32) -> Uuid {
        let name = format!("chunk\0{source}\0{chunk_hash}\0{occurrence}");
        Uuid::new_v5(&POINT_NAMESPACE, name.as_bytes())
    }
}

/// A sparse vector: term ids and their weights, in parallel.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SparseVector {
    pub indices: Vec<u32>,
    pub values: Vec<f32>,
}

/// A chunk with its vectors, ready to be stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    pub chunk: Chunk,
    /// `None` where the embedder knows nothing in the text (only unknown words).
    pub dense: Option<Vec<f32>>,
    pub sparse: SparseVector,
}
