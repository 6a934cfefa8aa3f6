//! What is stored about each source: that it was committed, or why it failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ContentHash, DocumentKind, OcrRecord, POINT_NAMESPACE, ReadingWarning, SecretScreening,
};

/// Whether a source is a web page.
pub fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// The commit mark of a document, and one row of the collection's list of documents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentRecord {
    pub source: String,
    pub document_hash: ContentHash,
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the Unix epoch; 0 where the document is not a file.
    pub mtime: i64,
    pub kind: DocumentKind,
    /// How many chunks the document has.
    pub chunks: u32,
    /// BM25 terms of all its chunks together: the mean chunk length of the collection follows from it.
    pub terms: u64,
    pub tags: Vec<String>,
    /// The fields of its records that are its text; empty where all fields are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text_fields: Vec<String>,
    /// RFC 3339, UTC.
    pub ingested_at: String,
    pub run_id: Uuid,
    /// The project that ingested it; `None` in a data directory, and where it was ingested before projects
    /// had names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// For a web page; `None` for other documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Box<WebOrigin>>,
    /// `None` where it was never searched for secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<SecretScreening>,
    /// What was not read of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ReadingWarning>,
    /// `None` where no page was read as a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocr: Option<Box<OcrRecord>>,
    /// Language of most of its text, such as `german`; `None` where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Digest of its chunks, see [`DocumentDigest`](super::DocumentDigest). `None` where it was ingested
    /// before this was stored, and while it is incomplete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

impl DocumentRecord {
    /// Whether the document is a file: a web page, and one from standard input, has no modification time.
    pub fn is_file(&self) -> bool {
        self.mtime != 0
    }

    pub fn id(source: &str) -> Uuid {
        Uuid::new_v5(&POINT_NAMESPACE, format!("document\0{source}").as_bytes())
    }
}

/// How a web page was found, and how to ask whether it has changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WebOrigin {
    /// The URL that was named: that of the page itself, or the start of the crawl that found it.
    pub root: String,
    /// Links from there to the page.
    pub depth: u32,
    #[serde(flatten)]
    pub validators: Validators,
}

/// What makes a request conditional. The server sent these values, and they are sent back unchanged.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// How many chunks of one version of a document are stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ChunkTally {
    pub source: String,
    pub document_hash: ContentHash,
    pub chunks: u32,
}

/// A source that could not be ingested. It is remembered, so that a source that has not changed is not tried
/// again by every run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FailureRecord {
    pub source: String,
    /// The reason, for people.
    pub reason: String,
    /// Bytes.
    pub size: u64,
    /// As in [`DocumentRecord::mtime`].
    pub mtime: i64,
    /// Hash of the refused bytes; `None` where they could not be read.
    #[serde(default)]
    pub document_hash: Option<ContentHash>,
    /// Version of docent that failed: a later one may be able to read the source.
    pub docent: String,
    /// RFC 3339, UTC.
    pub failed_at: String,
    pub run_id: Uuid,
    /// As in [`DocumentRecord::project`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl FailureRecord {
    pub fn id(source: &str) -> Uuid {
        Uuid::new_v5(&POINT_NAMESPACE, format!("failure\0{source}").as_bytes())
    }
}
