//! Whole runs over a temporary project, the embedded store and an embedder that can refuse words.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;

use super::batch::BATCH_CHUNKS;
use super::budget::{Limit, RunBudget};
use super::discover::{DiscoverOptions, Patterns};
use super::document::{Document, Section, SourceMap, Syntax};
use super::extract::Extractor;
use super::inline::{InlineContent, InlineDocument, InlineDocuments};
use super::plan::PruneLimit;
use super::web::WebOptions;
use super::*;
use crate::cancel;
use crate::embed::builtin::Builtin;
use crate::embed::sparse::{self, SparseEncoder, TermCounters};
use crate::embed::{BatchLimits, Embedder, TextRole};
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::ThrottleStats;
use crate::retry::RetryPolicy;
use crate::store::edge::{EdgeOptions, EdgeStore};
use crate::store::{Collection, CollectionReader, CollectionWriter, SearchRequest};
use crate::types::{DocumentRecord, EmbedderId, OcrPolicy, OnSecret, Partition};

/// The built-in embedder, except that it fails on texts with a given word.
struct Picky {
    inner: Builtin,
    refuses: Option<(&'static str, Fault)>,
    /// Texts whose tokens were counted.
    counted: Arc<AtomicUsize>,
}

#[async_trait]
impl Embedder for Picky {
    fn id(&self) -> &EmbedderId {
        self.inner.id()
    }

    fn limits(&self) -> BatchLimits {
        self.inner.limits()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.counted.fetch_add(1, Ordering::Relaxed);
        self.inner.count_tokens(text)
    }

    fn tokens_embedded(&self) -> u64 {
        self.inner.tokens_embedded()
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        self.inner.throttled()
    }

    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        if let Some((word, fault)) = self.refuses
            && inputs.iter().any(|text| text.contains(word))
        {
            return Err(BackendError::new(ExternalService::Embedder, fault, "test", "refused"));
        }
        self.inner.embed(inputs, role).await
    }
}

struct Project {
    dir: tempfile::TempDir,
    refuses: Option<(&'static str, Fault)>,
    counted: Arc<AtomicUsize>,
    inline: Option<InlineDocuments>,
    tags: Option<Vec<String>>,
    /// Tokens that each run may embed.
    budget: Option<u64>,
    events: Vec<IngestEvent>,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("docs")).unwrap();
        Self {
            dir,
            refuses: None,
            counted: Arc::default(),
            inline: None,
            tags: None,
            budget: None,
            events: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("docs").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn collection(&self) -> EdgeStore {
        let data = self.dir.path().join("data");
        EdgeStore::open(&data, "docs", EdgeOptions::default()).unwrap()
    }

    /// The collection after a run, as another process reads it.
    async fn read(&self) -> CollectionReader {
        self.collection().read().await.unwrap().unwrap()
    }

    async fn documents(&self) -> Vec<DocumentRecord> {
        match self.collection().read().await.unwrap() {
            Some(reader) => reader.documents().await.unwrap(),
            None => Vec::new(),
        }
    }

    async fn ingest(&mut self) -> IngestReport {
        let writer = self.collection().write().await.unwrap();
        let (report, events) = self.bring_in(writer, None).await;
        self.events = events;
        let documents = self.documents().await.len();
        assert_eq!(report.documents_total, documents, "{report:?}");
        report
    }

    /// Runs an ingest into `writer` and closes it.
    async fn bring_in(
        &self,
        writer: Arc<dyn CollectionWriter>,
        partition: Option<Partition>,
    ) -> (IngestReport, Vec<IngestEvent>) {
        let manifest = writer.manifest().await.unwrap();
        let (canceller, cancel) = cancel::pair();
        let options = IngestOptions {
            discover: DiscoverOptions {
                root: self.dir.path().to_owned(),
                inputs: vec!["docs".to_owned()],
                cwd: self.dir.path().to_owned(),
                include: Vec::new(),
                exclude: Vec::new(),
                max_file_size: 1 << 20,
                hidden: false,
                known: Vec::new(),
                named: Vec::new(),
                allow_gone: false,
                remembered: false,
                outside: Vec::new(),
                own: Vec::new(),
                expiry: None,
            },
            forget: Vec::new(),
            starts: Vec::new(),
            partition,
            web: WebOptions {
                named: None,
                max_pages: 0,
                allow_private: false,
                patterns: Patterns::new(&[], &[]).unwrap(),
                max_size: 0,
                timeout: Duration::ZERO,
                retry: RetryPolicy::default(),
            },
            inline: self.inline.clone(),
            kept: Vec::new(),
            taken: HashMap::new(),
            chunk: chunk::ChunkOptions { max_tokens: 16, overlap_tokens: 0 },
            tags: self.tags.clone(),
            text_fields: None,
            on_secret: OnSecret::Warn,
            ocr: OcrPolicy::Auto,
            checksum: false,
            retry_failed: false,
            prune: PruneLimit { share: 0.5, allow: false },
            agreed: None,
            parallel: 2,
            budget: Arc::new(RunBudget::new(self.budget.map(tokens), canceller)),
            fail_fast: None,
        };
        let backends = Backends {
            embedder: Arc::new(Picky {
                inner: Builtin::new(),
                refuses: self.refuses,
                counted: Arc::clone(&self.counted),
            }),
            extractor: Extractor::new(
                extract::ExtractOptions {
                    workers: 1,
                    timeout: Duration::from_secs(1),
                    memory_mb: 0,
                    passwords: Vec::new(),
                    comments: false,
                    program: PathBuf::from("none is started for text"),
                },
                None,
            ),
            terms: Arc::new(TermCounters::new(sparse::LANGUAGE).unwrap()),
        };
        let destination = IngestDestination { writer, manifest, build: Build::Sync };
        let mut events = Vec::new();
        let emit = &mut |event| events.push(event);
        let report = ingest(&options, &backends, &destination, &cancel, emit).await.unwrap();
        destination.writer.close().await.unwrap();
        // As the process ends.
        drop(destination);
        (report, events)
    }

    /// Number of stored chunks that contain the word.
    async fn found(&self, word: &str) -> usize {
        let query = SparseEncoder::new(&sparse::default_id(10.0), []).unwrap().query(word);
        let request = SearchRequest { sparse: Some(query), limit: 10_000, ..Default::default() };
        self.read().await.search(request).await.unwrap().sparse.len()
    }
}

/// A text with more chunks than a batch, each with `word`, and `last` at the end.
fn long(word: &str, last: &str) -> String {
    let sentence = |number| format!("Paragraph {number} is about the {word} and nothing else.\n\n");
    let text: String = (0..2 * BATCH_CHUNKS).map(sentence).collect();
    text + last
}

#[tokio::test]
async fn what_a_run_that_was_cut_off_left_behind_is_taken_out_by_the_next() {
    let mut project = Project::new();
    project.write("small.txt", "A small file.");
    project.ingest().await;
    project.write("large.txt", &long("walrus", "poison"));
    project.refuses = Some(("poison", Fault::Unauthorized));
    let cut_off = project.ingest().await;
    assert!(cut_off.aborted.is_some());
    assert_eq!((cut_off.added, project.found("walrus").await), (0, 0));

    project.write("large.txt", "About penguins now.");
    project.refuses = None;
    assert_eq!(project.ingest().await.added, 1);
    assert_eq!((project.found("walrus").await, project.found("penguins").await), (0, 1));
}

/// Another process reads all the time, also between two batches of the document.
#[tokio::test]
async fn nobody_sees_a_document_half_replaced() {
    let text = |word| (0..4).map(|_| long(word, "")).collect::<String>();
    let mut project = Project::new();
    project.write("large.txt", &text("walrus"));
    project.ingest().await;
    project.write("large.txt", &text("penguin"));
    let (other, ended) = (project.collection(), AtomicBool::new(false));
    let asks = async {
        let mut versions = HashSet::new();
        while !ended.load(Ordering::Relaxed) {
            let tally = other.read().await.unwrap().unwrap().tally().await.unwrap();
            let [version] = tally.as_slice() else { panic!("both are there: {tally:?}") };
            versions.insert((version.document_hash.clone(), version.chunks));
        }
        versions.len()
    };
    let ingests = async {
        let report = project.ingest().await;
        ended.store(true, Ordering::Relaxed);
        report.changed
    };
    let (seen, changed) = futures::future::join(asks, ingests).await;
    assert_eq!((seen, changed), (2, 1), "the old one and the new one");
}

#[tokio::test]
async fn nothing_stays_of_a_new_document_with_a_refused_chunk() {
    let mut project = Project::new();
    project.write("small.txt", "A small file.");
    project.write("large.txt", &long("walrus", "poison"));
    project.refuses = Some(("poison", Fault::Refused));
    let report = project.ingest().await;
    assert_eq!((report.added, report.failed.len()), (1, 1));
    assert_eq!(project.found("walrus").await, 0);
    let finished = |event: &&IngestEvent| matches!(event, IngestEvent::Finished { .. });
    assert_eq!(project.events.iter().filter(finished).count(), 2);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_not_blamed_on_the_document() {
    for fault in [Fault::Permanent, Fault::Changed, Fault::Unauthorized] {
        let mut project = Project::new();
        project.write("a.txt", "About walruses and poison.");
        project.refuses = Some(("poison", fault));
        let report = project.ingest().await;
        assert_eq!((report.failed.len(), report.aborted.map(|e| e.fault)), (0, Some(fault)));
    }
}

#[tokio::test]
async fn a_budget_ends_each_run_and_the_next_goes_on() {
    let mut clean = Project::new();
    let mut project = Project { budget: Some(4_000), ..Project::new() };
    for number in 0..900 {
        let text = format!("Document {number} is about the walrus, and about little else.");
        clean.write(&format!("{number}.txt"), &text);
        project.write(&format!("{number}.txt"), &text);
    }
    let all = clean.ingest().await;
    assert_eq!((all.added, all.stopped), (900, None));
    let mut reports = Vec::new();
    while reports.last().is_none_or(|last: &IngestReport| last.stopped.is_some()) {
        reports.push(project.ingest().await);
        let report = &reports[reports.len() - 1];
        assert!(report.tokens <= 4_000 && report.added > 0, "{report:?}");
        assert_eq!((report.aborted.is_some(), report.interrupted), (false, false));
    }
    assert!(reports.len() > 2, "{reports:?}");
    assert_eq!(reports.iter().map(|report| report.added).sum::<usize>(), 900);
    assert_eq!(reports.iter().map(|report| report.tokens).sum::<u64>(), all.tokens);
    assert_eq!(project.found("walrus").await, 900);
}

#[tokio::test]
async fn a_document_that_is_more_than_a_budget_is_paid_for_once() {
    let mut clean = Project::new();
    let mut project = Project { budget: Some(6_000), ..Project::new() };
    clean.write("large.txt", &long("walrus", "The end."));
    project.write("large.txt", &long("walrus", "The end."));
    let all = clean.ingest().await;
    let mut tokens = 0;
    for run in 0.. {
        assert!(run < 5, "gets nowhere");
        let report = project.ingest().await;
        tokens += report.tokens;
        assert!(report.tokens > 0 && report.tokens <= 6_000, "{report:?}");
        if report.stopped.is_none() {
            assert_eq!((run > 1, report.added), (true, 1));
            break;
        }
        assert_eq!((report.stopped, report.added), (Some(Stop::MaxCost), 0));
    }
    assert_eq!(tokens, all.tokens);
    assert_eq!(project.found("walrus").await, clean.found("walrus").await);
}

#[tokio::test]
async fn a_document_without_text_any_more_is_taken_out() {
    for (text, failed) in [("", 1), (" \n", 1), ("\u{200b}\0\0\0\0", 1)] {
        let mut project = Project::new();
        project.write("a.txt", "About walruses.");
        project.ingest().await;
        project.write("a.txt", text);
        let report = project.ingest().await;
        let stays = usize::from(text.contains('\0'));
        assert_eq!((report.deleted, report.failed.len()), (1 - stays, failed), "{text:?}");
        assert_eq!(project.found("walrus").await, stays, "{text:?}");
    }
}

#[tokio::test]
async fn emptied_code_is_skipped_and_deleted() {
    let mut project = Project::new();
    project.write("a.py", "# about walruses\n");
    project.ingest().await;
    project.write("a.py", "");
    let report = project.ingest().await;
    assert_eq!((report.deleted, report.skipped, report.failed.len()), (1, 1, 0));
    assert_eq!(project.found("walrus").await, 0);
}

#[tokio::test]
async fn a_move_to_a_name_that_is_not_read_takes_the_old_name_out() {
    for name in ["a.png", "a.pdf"] {
        let mut project = Project::new();
        project.write("a.txt", "About walruses.");
        project.ingest().await;
        fs::rename(project.path("a.txt"), project.path(name)).unwrap();
        let report = project.ingest().await;
        assert_eq!((report.moved, report.deleted), (0, 1), "{name}");
        assert_eq!(project.found("walrus").await, 0, "{name}");
    }
}

#[tokio::test]
async fn a_run_that_finds_nothing_to_do_counts_no_tokens() {
    let mut project = Project::new();
    project.write("a.txt", "Some words.");
    project.ingest().await;
    let counted = project.counted.swap(0, Ordering::Relaxed);
    assert!(counted > 0);
    project.ingest().await;
    assert_eq!(project.counted.load(Ordering::Relaxed), 0, "a tokenizer takes long to load");
}

#[tokio::test]
async fn a_file_from_the_epoch_is_a_file() {
    let mut project = Project::new();
    project.write("a.txt", "Some words.");
    File::options()
        .write(true)
        .open(project.path("a.txt"))
        .unwrap()
        .set_modified(UNIX_EPOCH)
        .unwrap();
    assert_eq!(project.ingest().await.added, 1);
    let again = project.ingest().await;
    assert_eq!((again.added, again.unchanged), (0, 1));
    fs::remove_file(project.path("a.txt")).unwrap();
    assert_eq!(project.ingest().await.deleted, 1);
}

/// A file time later than that of the last look would never be trusted.
#[tokio::test]
async fn a_file_with_a_new_time_is_read_once() {
    let mut project = Project::new();
    project.write("a.md", "Some text.");
    project.ingest().await;
    let mut records = project.documents().await;
    records[0].ingested_at = "2001-01-01T00:00:00Z".to_owned();
    let writer = project.collection().write().await.unwrap();
    writer.put_documents(&records).await.unwrap();
    writer.close().await.unwrap();
    let later = UNIX_EPOCH + Duration::from_hours(24 * 365 * 40);
    File::options().write(true).open(project.path("a.md")).unwrap().set_modified(later).unwrap();
    let report = project.ingest().await;
    assert_eq!((report.unchanged, report.changed), (1, 0));
    let record = project.documents().await.remove(0);
    assert_eq!(
        Some(record.mtime),
        later.duration_since(UNIX_EPOCH).ok().map(|t| t.as_nanos() as i64)
    );
    assert!(record.ingested_at.as_str() > "2020", "{}", record.ingested_at);
}

#[tokio::test]
async fn new_tags_of_standard_input_are_a_change() {
    let mut project = Project::new();
    project.inline = Some(InlineDocuments::bytes("note.txt".to_owned(), b"Some words.".to_vec()));
    assert_eq!(project.ingest().await.added, 1);
    project.tags = Some(vec!["team=a".to_owned()]);
    assert_eq!(project.ingest().await.changed, 1);
    assert_eq!(project.ingest().await.unchanged, 1);
    assert_eq!(project.documents().await[0].tags, ["team=a"]);
}

/// A complete set of inline documents, with names that suggest other types.
fn texts(rows: &[(&str, &str)]) -> InlineDocuments {
    let document = |&(source, text): &(&str, &str)| InlineDocument {
        source: source.to_owned(),
        content: InlineContent::Document(Arc::new(Document {
            title: "On seals".to_owned(),
            text: text.to_owned(),
            syntax: Syntax::Plain,
            places: SourceMap::Verbatim,
            sections: vec![Section {
                offset: 0,
                headings: vec!["On seals".to_owned()],
                syntax: None,
            }],
            ..Document::default()
        })),
    };
    let documents = rows.iter().map(document).collect();
    InlineDocuments {
        name: "texts".to_owned(),
        documents,
        complete: true,
        ..InlineDocuments::default()
    }
}

#[tokio::test]
async fn texts_that_are_not_files_are_kept_in_line_as_a_set() {
    let mut project = Project::new();
    project.write("a.txt", "About penguins.");
    project.inline = Some(texts(&[("1.pdf", "walrus"), ("2", "# walrus"), ("3", "walrus")]));
    assert_eq!(project.ingest().await.added, 4);
    assert_eq!((project.found("walrus").await, project.found("seals").await), (3, 3));
    project.inline = Some(texts(&[("1.pdf", "walrus"), ("2", "narwhal")]));
    let report = project.ingest().await;
    assert_eq!((report.unchanged, report.changed, report.deleted), (2, 1, 1), "{report:?}");
    assert_eq!((project.found("walrus").await, project.found("penguins").await), (1, 1));
}

#[tokio::test]
async fn a_file_takes_the_place_of_standard_input_of_its_name() {
    let mut project = Project::new();
    project.inline =
        Some(InlineDocuments::bytes("docs/a.txt".to_owned(), b"About walruses.".to_vec()));
    project.ingest().await;
    project.inline = None;
    project.write("a.txt", "About penguins.");
    assert_eq!(project.ingest().await.changed, 1);
    assert_eq!((project.found("walrus").await, project.found("penguins").await), (0, 1));
}

#[tokio::test]
async fn the_first_documents_decide_the_mean_length_even_of_a_collection_that_was_empty() {
    let mut project = Project::new();
    project.ingest().await;
    project.write("a.txt", "walrus penguin seal");
    project.ingest().await;
    let reader = project.read().await;
    let manifest = reader.manifest();
    assert!((manifest.sparse.avg_len - 3.0).abs() < 1e-9, "{}", manifest.sparse.avg_len);
    assert_eq!(manifest.runs.len(), 2);
}

mod parts;
mod sequences;

/// A budget of this many tokens, at a price of one per token.
fn tokens(most: u64) -> Limit {
    Limit { most: most as f64, embedding: 1.0, ocr: None }
}
