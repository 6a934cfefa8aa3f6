//! Documents that are no files: from standard input, or from a collection of texts in one file.

use std::sync::Arc;

use super::document::Document;
use crate::types::ContentHash;

/// Documents that a run is given, not told where to find.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inline {
    /// What the lineage calls them.
    pub name: String,
    pub documents: Vec<InlineDocument>,
    /// They are all there should be: others that are neither files nor pages are deleted.
    pub complete: bool,
}

impl Inline {
    /// One document, read like a file of that name.
    pub fn bytes(source: String, bytes: Vec<u8>) -> Self {
        let name = source.clone();
        let documents = vec![InlineDocument { source, content: Content::Bytes(bytes) }];
        Self { name, documents, complete: false }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InlineDocument {
    pub source: String,
    pub content: Content,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// As of a file: what they are is told from name and content.
    Bytes(Vec<u8>),
    /// What extraction would give. It is of the kind `text`, whatever its source is called.
    Document(Arc<Document>),
}

impl Content {
    pub(super) fn hash(&self) -> ContentHash {
        match self {
            Self::Bytes(bytes) => ContentHash::of(bytes),
            // Maps have texts as keys here, so there always is a JSON text.
            Self::Document(document) => {
                ContentHash::of(&serde_json::to_vec(&**document).unwrap_or_default())
            }
        }
    }

    /// Bytes.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Document(document) => document.text.len() as u64,
        }
    }
}
