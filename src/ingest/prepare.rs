//! Prepares one document: read → detect → hash → extract → look for secrets → chunk.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::chunk;
use super::discover::{self, FoundFile};
use super::document::Document;
use super::extract::{self, Detected};
use super::file_snapshot::{self, HEAD, UnreadReason};
use super::inline::{self, InlineContent, InlineDocument, read_kept};
use super::lazy_chunks::{self, LazyChunks};
use super::options::{Backends, IngestOptions};
use super::secrets::{self, Secrets};
use super::source_scan::SourceScan;
use super::unsupported;
use crate::task::off_thread;
use crate::types::{ContentHash, DocumentKind, DocumentRecord, OnSecret};

/// Why code and JSON without content are skipped.
const NOTHING_IN_IT: &str = "empty";

/// Why Markdown without text of its own, such as the index page of a site, is skipped: this is not an error.
const ONLY_FRONT_MATTER: &str = "empty but for its front matter";

/// Why a document that holds a key, token or password is skipped.
pub(super) const HOLDS_A_SECRET: &str = "holds a secret";

/// Why a picture is skipped.
pub(super) const PICTURE: &str = "picture (--ocr always reads it)";

/// Why a document from standard input is not ingested; an earlier version stays.
const NOTHING_CAME: &str = "empty: the input has no text; the stored version stays";

const TOO_LARGE: &str = "over the size limit (raise it with --max-file-size)";

/// A document that is to be ingested.
pub(super) struct DocumentTask {
    pub file: FoundFile,
    /// `None`: read the file.
    pub content: Option<InlineContent>,
    pub replaces: ReplacedDocument,
    /// The version that it replaces may hold secrets.
    pub suspect: bool,
    pub tags: Vec<String>,
    pub text_fields: Vec<String>,
}

/// What the document replaces in the collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ReplacedDocument {
    Nothing,
    /// An earlier version of the same source.
    Changed,
    /// The same content under another name.
    Moved {
        from: String,
    },
}

/// The result of preparing a document.
pub(super) enum PreparedDocument {
    Ready(Ready),
    Refused(RefusedDocument),
}

pub(super) struct RefusedDocument {
    pub file: FoundFile,
    /// Hash of the refused content; `None` if another try may succeed.
    pub hash: Option<ContentHash>,
    pub replaces: ReplacedDocument,
    pub why: SkipReason,
    pub secrets: Secrets,
}

/// Why a document is not ingested.
pub(super) enum SkipReason {
    /// Skipped on purpose.
    Skip(&'static str),
    /// It has no text, for this reason.
    Empty(&'static str),
    Fail(String),
    /// It holds secrets, and the version that it replaces may too.
    Withhold(String),
    /// The run stopped before the document was read.
    Stopped,
}

impl SkipReason {
    /// The reason, if this is a failure.
    pub(super) fn failure(&self) -> Option<&str> {
        match self {
            Self::Skip(_) | Self::Stopped => None,
            Self::Empty(reason) => Some(reason),
            Self::Fail(reason) | Self::Withhold(reason) => Some(reason),
        }
    }
}

/// A refusal that the bytes alone justify.
type Unfit = (SkipReason, Option<ContentHash>);

/// A [`RefusedDocument`] without the file.
struct Rejected {
    why: SkipReason,
    hash: Option<ContentHash>,
    secrets: Secrets,
}

impl From<Unfit> for Rejected {
    fn from((why, hash): Unfit) -> Self {
        Self { why, hash, secrets: Secrets::default() }
    }
}

impl RefusedDocument {
    /// The document that the collection should no longer have: its file is gone, has no text any more, or has
    /// secrets that are not to be stored. After a mere failure the earlier version stays.
    pub(super) fn outdated(&self) -> Option<&str> {
        match (&self.replaces, &self.why) {
            (_, SkipReason::Stopped) => None,
            (ReplacedDocument::Moved { from }, _) => Some(from),
            (
                ReplacedDocument::Changed,
                SkipReason::Skip(_) | SkipReason::Empty(_) | SkipReason::Withhold(_),
            ) => Some(&self.file.source),
            (ReplacedDocument::Changed, SkipReason::Fail(_)) | (ReplacedDocument::Nothing, _) => {
                None
            }
        }
    }
}

pub(super) struct Ready {
    pub record: DocumentRecord,
    pub replaces: ReplacedDocument,
    pub chunks: Box<LazyChunks>,
    /// Secrets that were found, stored or not.
    pub secrets: Secrets,
}

impl PreparedDocument {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.why.failure().is_some())
    }

    pub(super) fn ready(&self) -> Option<&Ready> {
        match self {
            Self::Ready(ready) => Some(ready),
            Self::Refused(_) => None,
        }
    }
}

/// The documents of a plan that need work, in order.
pub(super) fn work(survey: &SourceScan, options: &IngestOptions) -> Vec<DocumentTask> {
    let (plan, wanted) = (&survey.plan, options.wanted());
    let (records, former) = (survey.by_source(), survey.former_by_source());
    let one = |file: &FoundFile, replaces: ReplacedDocument| {
        let known = match &replaces {
            ReplacedDocument::Moved { from } => from.as_str(),
            _ => file.source.as_str(),
        };
        let record = records.get(known).or_else(|| former.get(known));
        let (tags, text_fields) = wanted.or_kept(record);
        let suspect = record.is_some_and(secrets::may_hold_some);
        DocumentTask { file: file.clone(), content: None, replaces, suspect, tags, text_fields }
    };
    let mut work: Vec<DocumentTask> = Vec::new();
    for moved in &plan.moved {
        work.push(one(&moved.to, ReplacedDocument::Moved { from: moved.from.clone() }));
    }
    work.extend(plan.changed.iter().map(|file| one(file, ReplacedDocument::Changed)));
    // A document from standard input may have had the name of a file that is new to the plan.
    let new = |source: &str| {
        if records.get(source).is_some() {
            ReplacedDocument::Changed
        } else {
            ReplacedDocument::Nothing
        }
    };
    work.extend(plan.added.iter().map(|file| one(file, new(&file.source))));
    for InlineDocument { source, content } in options.inline_documents() {
        let is_same = |record: &DocumentRecord| {
            wanted.is_met_by(record)
                && !survey.audit.damaged.contains(source)
                && content.hash().is_some_and(|hash| record.document_hash == hash)
        };
        if !records.get(source).is_some_and(is_same) {
            let replaces = new(source);
            let size = content.size();
            let file =
                FoundFile { source: source.clone(), size, mtime: 0, page: None, named: true };
            work.push(DocumentTask { content: Some(content.clone()), ..one(&file, replaces) });
        }
    }
    work
}

/// Reads, extracts and chunks one document. A bad document is a result, not an error.
pub(super) async fn prepare(
    work: DocumentTask,
    options: &IngestOptions,
    backends: &Backends,
    run_id: Uuid,
) -> PreparedDocument {
    let (file, replaces) = (work.file.clone(), work.replaces.clone());
    match try_prepare(work, options, backends, run_id).await {
        Ok(ready) => PreparedDocument::Ready(ready),
        Err(Rejected { why, hash, secrets }) => {
            PreparedDocument::Refused(RefusedDocument { file, hash, replaces, why, secrets })
        }
    }
}

async fn try_prepare(
    work: DocumentTask,
    options: &IngestOptions,
    backends: &Backends,
    run_id: Uuid,
) -> Result<Ready, Rejected> {
    let DocumentTask { file, content, replaces, suspect, tags, text_fields } = work;
    let limit = options.discover.max_file_size;
    // An edit in the second in which the file is read can be detected only by this time.
    let ingested_at = super::now();
    let path = match content {
        Some(_) => PathBuf::from(&file.source),
        None => file.path(&options.discover.root),
    };
    let reads_image = options.ocr.reads_image(file.named);
    let inline = content.is_some();
    let unfit = {
        let (path, named) = (path.clone(), file.named);
        move |(why, hash): Unfit| match why {
            // Empty input may mean that the command that writes it has failed.
            SkipReason::Empty(_) if inline => (SkipReason::Fail(NOTHING_CAME.to_owned()), None),
            SkipReason::Skip(NOTHING_IN_IT | ONLY_FRONT_MATTER) if inline => {
                (SkipReason::Fail(NOTHING_CAME.to_owned()), None)
            }
            SkipReason::Skip(reason) if named => {
                (unread(&path, reason).map_or(SkipReason::Skip(reason), SkipReason::Fail), hash)
            }
            why => (why, hash),
        }
    };
    let root = options.discover.root.clone();
    let Source { file, content, kind, hash } =
        off_thread(move || read(file, &root, &path, content, limit, reads_image))
            .await
            .map_err(unfit)?;
    let size = content.size();
    let mut document = match content {
        Body::Document(document) => Arc::unwrap_or_clone(document),
        Body::Bytes(bytes) => {
            let extractor = &backends.extractor;
            let extracted = extractor.extract(&file.source, kind, &text_fields, bytes).await;
            // With other fields it may have text.
            let lasting = Some(hash.clone()).filter(|_| text_fields.is_empty());
            extracted.map_err(|error| {
                let lasting = lasting.filter(|_| !error.may_pass);
                let why = if error.is_stopped {
                    SkipReason::Stopped
                } else {
                    SkipReason::Fail(error.reason)
                };
                (why, lasting)
            })?
        }
    };

    let chunk_options = options.chunk;
    let embedder = Arc::clone(&backends.embedder);
    let terms = Arc::clone(&backends.terms);
    let policy = options.on_secret;
    off_thread(move || {
        let secrets = secrets::examine(&mut document, &file.source, policy);
        if let Some(why) = refusal(policy, &secrets, &file.source, suspect) {
            // Another policy would ingest it.
            return Err(Rejected { why, hash: None, secrets });
        }
        let record = DocumentRecord {
            project: None,
            source: file.source,
            document_hash: hash.clone(),
            size,
            mtime: file.mtime,
            kind,
            chunks: 0,
            terms: 0,
            tags,
            text_fields: if kind.has_fields() { text_fields } else { Vec::new() },
            ingested_at,
            run_id,
            web: file.page.map(|page| Box::new(page.origin)),
            secrets: Some(secrets::screening(&secrets, policy)),
            warnings: std::mem::take(&mut document.warnings),
            ocr: document.ocr.take().map(Box::new),
            language: None,
            content_hash: None,
        };
        let (record, chunks) =
            lazy_chunks::cut(record, document, &chunk_options, &*embedder, &terms);
        if chunks.is_done() {
            if inline {
                return Err((SkipReason::Fail(NOTHING_CAME.to_owned()), None).into());
            }
            return Err((SkipReason::Empty("empty: nothing is written in it"), Some(hash)).into());
        }
        Ok(Ready { record, replaces, chunks, secrets })
    })
    .await
}

/// Why the policy keeps a document with these secrets out, if it does.
fn refusal(policy: OnSecret, secrets: &Secrets, source: &str, suspect: bool) -> Option<SkipReason> {
    match policy {
        _ if secrets.total == 0 => None,
        OnSecret::Warn | OnSecret::Redact => None,
        OnSecret::Skip => Some(SkipReason::Skip(HOLDS_A_SECRET)),
        OnSecret::Fail if suspect => Some(SkipReason::Withhold(secrets.failure(source))),
        OnSecret::Fail => Some(SkipReason::Fail(secrets.failure(source))),
    }
}

/// The failure of a document that was named, where a file found in a directory would be skipped; `None` if
/// the named one is skipped too.
pub(super) fn unread(path: &Path, reason: &str) -> Option<String> {
    match reason {
        PICTURE => Some("picture: not read with --ocr off".to_owned()),
        extract::MINIFIED => Some("minified: ingest the source it was built from".to_owned()),
        extract::UNSUPPORTED_TYPE | extract::BINARY => Some(unsupported::advice(path, reason)),
        _ => None,
    }
}

/// Why a file would be skipped once it is read, if it would be. Not an error.
pub(super) fn passed_over(
    file: &FoundFile,
    root: &Path,
    reads_image: bool,
) -> Option<&'static str> {
    let mut head = Vec::new();
    file.open(root).ok()?.take(HEAD as u64).read_to_end(&mut head).ok()?;
    match extract::detect(&file.path(root), &head) {
        Detected::Known(DocumentKind::Code) if head.is_empty() => Some(NOTHING_IN_IT),
        Detected::Known(DocumentKind::Json) if holds_nothing(&head) => Some(NOTHING_IN_IT),
        Detected::Known(DocumentKind::Markdown) if is_front_matter(&head) => {
            Some(ONLY_FRONT_MATTER)
        }
        Detected::Known(DocumentKind::Image) if !reads_image => Some(PICTURE),
        Detected::Known(_) => None,
        Detected::Skip(reason) => Some(reason),
    }
}

/// A document's content and kind, before extraction.
struct Source {
    file: FoundFile,
    content: Body,
    kind: DocumentKind,
    hash: ContentHash,
}

/// A [`InlineContent`] that was read.
enum Body {
    Bytes(Vec<u8>),
    Document(Arc<Document>),
}

impl Body {
    /// In bytes.
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Document(document) => document.text.len() as u64,
        }
    }
}

fn read(
    file: FoundFile,
    root: &Path,
    path: &Path,
    content: Option<InlineContent>,
    limit: u64,
    reads_image: bool,
) -> Result<Source, Unfit> {
    let not_text = |head: &[u8]| match extract::detect(path, head) {
        Detected::Skip(reason) => Some(reason),
        Detected::Known(DocumentKind::Image) if !reads_image => Some(PICTURE),
        Detected::Known(_) => None,
    };
    let (file, bytes) = match content {
        Some(InlineContent::Document(document)) => {
            let hash = inline::hash_of(&document);
            let content = Body::Document(document);
            return Ok(Source { file, content, kind: DocumentKind::Text, hash });
        }
        Some(InlineContent::Kept(path)) => match read_kept(&path, limit) {
            Ok(bytes) if bytes.len() as u64 > limit => {
                return Err((SkipReason::Fail(TOO_LARGE.to_owned()), None));
            }
            Ok(bytes) => (file, bytes),
            Err(error) => return Err((SkipReason::Fail(discover::reason(&error)), None)),
        },
        Some(InlineContent::Bytes(bytes)) => (file, bytes),
        None => {
            file_snapshot::read(&file, root, limit, not_text).map_err(|unread| match unread {
                UnreadReason::Enough(reason) => (SkipReason::Skip(reason), None),
                UnreadReason::TooLarge => (SkipReason::Fail(TOO_LARGE.to_owned()), None),
                UnreadReason::Failed(reason) => (SkipReason::Fail(reason), None),
            })?
        }
    };
    match extract::detect(path, &bytes[..bytes.len().min(HEAD)]) {
        // `__init__.py` and the like are empty on purpose.
        Detected::Known(DocumentKind::Code) if bytes.is_empty() => {
            Err((SkipReason::Skip(NOTHING_IN_IT), None))
        }
        // So is `{}`.
        Detected::Known(DocumentKind::Json) if holds_nothing(&bytes) => {
            Err((SkipReason::Skip(NOTHING_IN_IT), None))
        }
        Detected::Known(DocumentKind::Markdown) if is_front_matter(&bytes) => {
            Err((SkipReason::Skip(ONLY_FRONT_MATTER), None))
        }
        Detected::Known(DocumentKind::Image) if !reads_image => {
            Err((SkipReason::Skip(PICTURE), None))
        }
        Detected::Known(_) if bytes.trim_ascii().is_empty() => {
            Err((SkipReason::Empty(extract::nothing_in(&bytes)), Some(ContentHash::of(&bytes))))
        }
        Detected::Known(kind) => {
            let hash = ContentHash::of(&bytes);
            Ok(Source { file, content: Body::Bytes(bytes), kind, hash })
        }
        Detected::Skip(reason) => Err((SkipReason::Skip(reason), None)),
    }
}

/// Whether a file has front matter and nothing else. A file that is longer than `HEAD` is assumed to have
/// more.
fn is_front_matter(bytes: &[u8]) -> bool {
    let text = if bytes.len() < HEAD { std::str::from_utf8(bytes).unwrap_or_default() } else { "" };
    let head = chunk::front_matter(text);
    !head.is_empty() && text[head.len()..].trim().is_empty()
}

/// Whether a file is an empty object or list.
fn holds_nothing(json: &[u8]) -> bool {
    let marks: Vec<u8> =
        json.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(3).collect();
    marks == b"{}" || marks == b"[]"
}
