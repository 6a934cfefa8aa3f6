//! Documents that are not files: from standard input, or from a file that holds a collection of texts.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use crate::rooted_fs;
use crate::types::ContentHash;

/// Documents that are passed to a run instead of being found by it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InlineDocuments {
    /// Name of the input in the lineage.
    pub name: String,
    pub documents: Vec<InlineDocument>,
    /// These are all the inline documents there should be: others that are neither files nor pages are
    /// deleted.
    pub complete: bool,
    /// Sources of inline documents that are to be deleted.
    pub gone: Vec<String>,
}

impl InlineDocuments {
    /// One document, read like a file of that name.
    pub fn bytes(source: String, bytes: Vec<u8>) -> Self {
        let name = source.clone();
        let documents = vec![InlineDocument { source, content: InlineContent::Bytes(bytes) }];
        Self { name, documents, ..Self::default() }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InlineDocument {
    pub source: String,
    pub content: InlineContent,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InlineContent {
    /// The bytes of a file: their format is detected from name and content.
    Bytes(Vec<u8>),
    /// The same in a file that docent keeps; it is read when its turn comes.
    Kept(PathBuf),
    /// A document as extraction would return it. Its kind is `text`, whatever its source is called.
    Document(Arc<Document>),
}

impl InlineContent {
    /// `None` if the content cannot be read.
    pub(super) fn hash(&self) -> Option<ContentHash> {
        Some(match self {
            Self::Bytes(bytes) => ContentHash::of(bytes),
            Self::Kept(path) => return ContentHash::of_reader(kept(path).ok()?).ok(),
            Self::Document(document) => hash_of(document),
        })
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Kept(path) => {
                kept(path).and_then(|file| file.metadata()).map_or(0, |it| it.len())
            }
            Self::Document(document) => document.text.len() as u64,
        }
    }
}

pub(super) fn hash_of(document: &Document) -> ContentHash {
    // All maps have string keys, so serialization does not fail.
    ContentHash::of(&serde_json::to_vec(document).unwrap_or_default())
}

/// Opens a file that docent keeps. A link in its place is not followed.
fn kept(path: &Path) -> io::Result<File> {
    rooted_fs::open_file(path)
}

/// Reads such a file: at most `limit` bytes, plus one if there are more.
pub(super) fn read_kept(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    kept(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
