//! Plain data that both flows share. No I/O, no vendor types, no behaviour beyond what the data
//! itself means.

mod locator;
mod manifest;
mod reading;
mod secrets;
mod usage;

use std::fmt;
use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use locator::Locator;
pub use manifest::{ChunkerId, EmbedderId, Manifest, Reach, RerankerId, Run, Site, SparseId};
pub use reading::{
    OcrPolicy, OcrRecord, PageArea, ReadingWarning, Recognition, WarningCode, ranges,
};
pub use secrets::{OnSecret, Screening};
pub use usage::{ChatPrice, Usage};

/// Version of every JSON shape docent prints and of the payload it stores.
pub const SCHEMA_VERSION: u32 = 1;

/// Passages that one question may ask for: more than anybody reads, and few enough to hold several
/// times over.
pub const DEEPEST: usize = 10_000;

/// Namespace of the point ids (a fixed random UUID; ids are `UUIDv5` under it).
const POINT_NAMESPACE: Uuid = Uuid::from_u128(0x6f1f_4a52_5d0c_4c0e_9d0b_8f3a_71c2_d04e);

/// A SHA-256 in lowercase hexadecimal.
#[derive(
    Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ContentHash(pub String);

impl ContentHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&Self::digest(bytes))
    }

    /// Of what there is to read, which is not held whole.
    pub fn of_reader(mut reader: impl io::Read) -> io::Result<Self> {
        let (mut digest, mut block) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match reader.read(&mut block) {
                Ok(0) => return Ok(Self::from_digest(&digest.finalize())),
                Ok(read) => digest.update(&block[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// SHA-256, as [`Self::from_digest`] takes it.
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// `digest` is what SHA-256 gave.
    pub fn from_digest(digest: &[u8]) -> Self {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in digest {
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a document is, decided from its name and its first bytes.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Markdown,
    /// Plain text and its relatives: org, tex, log, configuration files.
    Text,
    /// reStructuredText.
    Rst,
    /// `AsciiDoc`.
    Asciidoc,
    Html,
    Pdf,
    Docx,
    Pptx,
    /// Texts in `OpenDocument`.
    Odt,
    /// Presentations in `OpenDocument`.
    Odp,
    Rtf,
    /// Workbooks: XLSX, XLSM, XLSB, XLS, ODS.
    Spreadsheet,
    /// Delimited rows: CSV, TSV.
    Csv,
    /// JSON and JSON Lines.
    Json,
    /// Jupyter notebooks.
    Notebook,
    Epub,
    /// Single messages and mailboxes (mbox).
    Email,
    /// Source code; the language follows from the file name.
    Code,
    /// Pictures, whose text is recognized: PNG, JPEG, TIFF, WebP, GIF, BMP.
    Image,
    /// XML of any vocabulary: `DocBook`, JATS, TEI, FB2, DITA, OPML, data.
    Xml,
    /// Subtitles of a recording: `WebVTT`, `SubRip`.
    Subtitles,
    /// Events and tasks: iCalendar.
    Calendar,
    /// Address books: vCard.
    Contacts,
}

impl Kind {
    pub const ALL: [Self; 23] = [
        Self::Markdown,
        Self::Text,
        Self::Rst,
        Self::Asciidoc,
        Self::Html,
        Self::Pdf,
        Self::Docx,
        Self::Pptx,
        Self::Odt,
        Self::Odp,
        Self::Rtf,
        Self::Spreadsheet,
        Self::Csv,
        Self::Json,
        Self::Notebook,
        Self::Epub,
        Self::Email,
        Self::Code,
        Self::Image,
        Self::Xml,
        Self::Subtitles,
        Self::Calendar,
        Self::Contacts,
    ];

    /// The name used in payloads, filters and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Rst => "rst",
            Self::Asciidoc => "asciidoc",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Pptx => "pptx",
            Self::Odt => "odt",
            Self::Odp => "odp",
            Self::Rtf => "rtf",
            Self::Spreadsheet => "spreadsheet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Notebook => "notebook",
            Self::Epub => "epub",
            Self::Email => "email",
            Self::Code => "code",
            Self::Image => "image",
            Self::Xml => "xml",
            Self::Subtitles => "subtitles",
            Self::Calendar => "calendar",
            Self::Contacts => "contacts",
        }
    }

    /// Whether its records have named fields, of which some can be chosen as the text.
    pub fn has_fields(self) -> bool {
        matches!(self, Self::Spreadsheet | Self::Csv | Self::Json)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a source is a page of the web.
pub fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

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
    /// Whether the title is embedded, too: where no heading says it.
    pub titled: bool,
    /// Exactly what is shown and cited.
    pub text: String,
    pub locator: Locator,
    /// Position among the document's chunks, from 0.
    pub ordinal: u32,
    pub kind: Kind,
    /// Hash of the document's bytes.
    pub document_hash: ContentHash,
    /// Hash of [`Chunk::embedded`]: equal hashes have equal embeddings.
    pub chunk_hash: ContentHash,
    /// How many chunks of the same document with the same `chunk_hash` come before this one.
    pub occurrence: u32,
    /// `key=value` or plain words given at ingest, sorted.
    pub tags: Vec<String>,
    /// What the document calls the page, where that is not its number: `iv`.
    pub page_label: Option<String>,
    /// `None` where the text is the document's own, and was not recognized in a picture.
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

    /// What is embedded of this chunk.
    pub fn embedded(&self) -> String {
        Self::embedded_text(self.embedded_title(), &self.headings, &self.text)
    }

    /// Whether its text is the one that was stored.
    pub fn is_intact(&self) -> bool {
        ContentHash::of(self.embedded().as_bytes()) == self.chunk_hash
    }

    /// The part of it that comes before the text; empty where nothing does.
    pub fn embedded_path(&self) -> String {
        Self::path(self.embedded_title(), &self.headings)
    }

    fn embedded_title(&self) -> Option<&str> {
        self.titled.then_some(self.title.as_str())
    }

    /// `UUIDv5` of source, chunk hash and occurrence: the same chunk always lands on the same point.
    pub fn id(&self) -> Uuid {
        Self::id_of(&self.source, &self.chunk_hash, self.occurrence)
    }

    /// The id of a chunk with these.
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
    /// `None` where the embedder has nothing to say of the text (a text of unknown words).
    pub dense: Option<Vec<f32>>,
    pub sparse: SparseVector,
}

/// The commit mark of a document, and one row of the collection's list of documents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentRecord {
    pub source: String,
    pub document_hash: ContentHash,
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the Unix epoch; 0 where the document is no file.
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

impl DocumentRecord {
    /// Whether the document is a file: a page, or one from standard input, has no modification time.
    pub fn is_file(&self) -> bool {
        self.mtime != 0
    }

    pub fn id(source: &str) -> Uuid {
        Uuid::new_v5(&POINT_NAMESPACE, format!("document\0{source}").as_bytes())
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
}

impl FailureRecord {
    pub fn id(source: &str) -> Uuid {
        Uuid::new_v5(&POINT_NAMESPACE, format!("failure\0{source}").as_bytes())
    }
}

/// Restricts retrieval; pushed into the store, so that the top k are the top k of what passes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Exact sources, any of which passes. `None` passes all; an empty list passes nothing.
    pub sources: Option<Vec<String>>,
    /// Any of these; empty passes all.
    pub kinds: Vec<Kind>,
    /// Every one of these must be present.
    pub tags: Vec<String>,
}

/// A chunk in the ranking of one leg of the retrieval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scored {
    /// Of the [chunk](Chunk::id).
    pub id: Uuid,
    /// Cosine similarity in the dense leg, BM25 score in the sparse leg.
    pub score: f32,
}

/// Rank (from 1) and score of a hit within one leg.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LegScore {
    pub rank: u32,
    pub score: f32,
}

/// A retrieved chunk.
#[derive(Clone, PartialEq, Debug)]
pub struct Hit {
    pub chunk: Chunk,
    /// What the hits are ordered by; within 0..=1 in hybrid mode and after reranking.
    pub score: f32,
    pub dense: Option<LegScore>,
    pub sparse: Option<LegScore>,
    /// Among the first hits, the mean cosine of the question's tokens with the nearest of the chunk's.
    pub late: Option<LegScore>,
    /// Of the reranker, where it was asked about this chunk: rank by its own score, and that score.
    pub rerank: Option<LegScore>,
}

impl Hit {
    /// As one leg found it, or none.
    pub fn of(chunk: Chunk, score: f32, dense: Option<LegScore>) -> Self {
        Self { chunk, score, dense, sparse: None, late: None, rerank: None }
    }
}

/// A numbered piece of context, as the chat model sees it and as marks `[n]` refer to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Passage {
    /// From 1.
    pub number: u32,
    pub source: String,
    pub title: String,
    pub headings: Vec<String>,
    pub text: String,
    pub locator: Locator,
    pub score: f32,
    pub document_hash: ContentHash,
    /// As in [`Chunk::page_label`].
    pub page_label: Option<String>,
}

impl Passage {
    /// `path:L10-L24`, `path#page=3`.
    pub fn citation(&self) -> String {
        self.locator.cite(&self.source)
    }
}

/// Which legs a retrieval asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Hybrid,
    Dense,
    Sparse,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Dense => "dense",
            Self::Sparse => "sparse",
        }
    }
}
