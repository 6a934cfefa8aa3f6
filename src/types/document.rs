//! What is kept of each source: that it was committed, or why it failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ContentHash, Kind, OcrRecord, POINT_NAMESPACE, ReadingWarning, Screening};

/// Whether a source is a page of the web.
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
    pub kind: Kind,
    /// How many chunks the document has.
    pub chunks: u32,
    /// How many BM25 terms its chunks have together: the collection's mean chunk length follows.
    pub terms: u64,
    pub tags: Vec<String>,
    /// The fields of its records that are its text; empty where all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text_fields: Vec<String>,
    /// RFC 3339, UTC.
    pub ingested_at: String,
    pub run_id: Uuid,
    /// The project that brought it in; `None` in a data directory, and where it was brought in before
    /// projects had names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Of a page of the web; `None` for other documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Box<WebOrigin>>,
    /// `None` where it was never looked through for secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Screening>,
    /// What of it was not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ReadingWarning>,
    /// `None` where none of its pages was read as a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocr: Option<Box<OcrRecord>>,
    /// Language of most of its text, such as `german`; `None` where it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What its chunks come to, see [`DocumentDigest`](super::DocumentDigest). `None` where it was brought in
    /// before that was kept, and while it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<ContentHash>,
}

impl DocumentRecord {
    /// Whether the document is a file: a page, or one from standard input, has no modification time.
    pub fn is_file(&self) -> bool {
        self.mtime != 0
    }

    pub fn id(source: &str) -> Uuid {
        Uuid::new_v5(&POINT_NAMESPACE, format!("document\0{source}").as_bytes())
    }
}

/// How a page of the web was found, and how to ask whether it changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WebOrigin {
    /// The URL that was named: of the page itself, or where the crawl began that met it.
    pub root: String,
    /// Links from there to the page.
    pub depth: u32,
    #[serde(flatten)]
    pub validators: Validators,
}

/// What makes a request conditional. A server gave them out, and they are sent back as they are.
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
pub struct Tally {
    pub source: String,
    pub document_hash: ContentHash,
    pub chunks: u32,
}

/// A source that could not be brought in: remembered, so that one that has not changed since is
/// not tried again by each run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FailureRecord {
    pub source: String,
    /// Why, for a person.
    pub reason: String,
    /// Bytes.
    pub size: u64,
    /// As in [`DocumentRecord::mtime`].
    pub mtime: i64,
    /// Of the bytes that were refused; `None` where they could not be read.
    #[serde(default)]
    pub document_hash: Option<ContentHash>,
    /// Version of docent that failed: a later one may read the source.
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
