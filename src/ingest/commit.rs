//! Writes points to the store, document by document: new chunks in, record written, stale chunks out.

mod stored;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::stored::UnconfirmedWrites;
use super::batch::{EmbedFailure, Embedded, EmbeddedPart, PendingDocument};
use super::events::IngestEvent;
use super::manifest_writer::ManifestWriter;
use super::prepare::{RefusedDocument, ReplacedDocument, SkipReason};
use super::report::IngestReport;
use super::source_scan::SourceScan;
use crate::cancel::{Canceller, Stop};
use crate::error::BackendError;
use crate::store::{Change, CollectionWriter, Intent, Moved};
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Point, Validators};

/// Writes are made durable after this many chunks or this much time: a crash costs little more.
const FLUSH_CHUNKS: usize = 2_048;
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// Why a document that a cut-off run left half replaced stays incomplete.
const INCOMPLETE: &str = "a run was interrupted while replacing it: ingest it again";

pub(super) struct Committer<'a> {
    store: &'a dyn CollectionWriter,
    pub report: IngestReport,
    /// What was given to the store and is not in the report yet.
    given: UnconfirmedWrites,
    /// Chunks that were written and have no record yet.
    chunks_given: usize,
    pub ledger: ManifestWriter,
    /// Sources with chunks and no record, left by a run that was cut off.
    orphans: BTreeSet<String>,
    /// Failures that the collection remembers, by source.
    known_failures: HashMap<String, FailureRecord>,
    /// Sources that no later run looks at: their failures are not remembered.
    refused: HashSet<String>,
    /// Documents that have a new name now, by their old source.
    moved: HashMap<String, Moved>,
    new_failures: Vec<FailureRecord>,
    /// Ends the run with the first failure.
    fail_fast: Option<Canceller>,
    /// Documents were left out because the run was stopped.
    pub cut_short: bool,
    /// Documents of which an earlier part was refused or left out.
    broken: HashSet<String>,
    /// Documents of which a part was stored.
    begun: HashSet<String>,
    /// Some parts of a document are stored beside the version that they replace; readers must not see that
    /// state.
    half_replaced: Option<Change>,
    unflushed: usize,
    flushed_at: Instant,
    /// A record was written without any chunk: `conclude` has to make it durable.
    recorded: bool,
}

impl<'a> Committer<'a> {
    pub(super) fn new(
        store: &'a dyn CollectionWriter,
        report: IngestReport,
        ledger: ManifestWriter,
        survey: &SourceScan,
    ) -> Self {
        let failures = survey.failures.iter();
        let records = survey.by_source();
        let moved = survey.plan.moved.iter().filter_map(|moved| {
            let DocumentRecord { source, run_id, .. } = records.get(&moved.from)?;
            Some((source.clone(), Moved { source: source.clone(), run_id: *run_id }))
        });
        Self {
            store,
            report,
            given: UnconfirmedWrites::default(),
            chunks_given: 0,
            ledger,
            orphans: survey.audit.orphans.iter().cloned().collect(),
            known_failures: failures.map(|f| (f.source.clone(), f.clone())).collect(),
            moved: moved.collect(),
            refused: survey.refused.clone(),
            new_failures: Vec::new(),
            fail_fast: None,
            cut_short: false,
            broken: HashSet::new(),
            begun: HashSet::new(),
            half_replaced: None,
            unflushed: 0,
            flushed_at: Instant::now(),
            recorded: false,
        }
    }

    pub(super) fn fail_fast(self, fail_fast: Option<Canceller>) -> Self {
        Self { fail_fast, ..self }
    }

    /// Writes the records that change without their documents: a new time for the old content, a failure that
    /// is new or resolved, a document that this run cannot complete.
    pub(super) async fn tidy(&mut self, survey: &SourceScan) -> Result<(), BackendError> {
        let known = survey.by_source();
        let touched = survey.plan.touched.iter().filter_map(|file| {
            let record = known.get(&file.source)?;
            let (size, mtime, ingested_at) = (file.size, file.mtime, survey.started_at.clone());
            Some(DocumentRecord { size, mtime, ingested_at, ..record.clone() })
        });
        // Without its hash, the same content counts as a change when it is seen again; without its
        // validators, the page is fetched again.
        let incomplete = survey.incomplete.iter().map(|record| DocumentRecord {
            document_hash: ContentHash(String::new()),
            content_hash: None,
            web: record.web.clone().map(|mut web| {
                web.validators = Validators::default();
                web
            }),
            ..record.clone()
        });
        let pages = survey.pages.touched(&survey.plan, known);
        let records: Vec<DocumentRecord> = touched.chain(incomplete).chain(pages).collect();
        self.ledger.stored(&records);
        if !records.is_empty() {
            self.recorded = true;
            self.store.put_documents(&records).await?;
        }
        for record in &survey.incomplete {
            self.fail(&record.source, INCOMPLETE, (record.size, record.mtime), None);
        }
        for failed in &survey.failed {
            // What is not a page now is not one on the next try either.
            if survey.pages.dead.contains(&failed.source) {
                self.report.fail(&failed.source, &failed.reason);
                self.end_if_fast();
            } else {
                self.fail(&failed.source, &failed.reason, (0, 0), None);
            }
        }
        self.report.untried = survey.plan.failed.len();
        for failure in &survey.plan.failed {
            self.report.fail(&failure.source, &failure.reason);
            self.end_if_fast();
        }
        self.forget(&survey.plan.forgotten).await
    }

    /// Stores a batch. Documents reported as done are visible; they are durable after the next flush.
    pub(super) async fn commit(
        &mut self,
        batch: Embedded,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        self.report.embedded += batch.embedded;
        self.report.reused += batch.reused;
        if !batch.parts.is_empty() {
            self.ledger.open(self.store).await?;
        }
        let change = match self.half_replaced.take() {
            Some(change) => change,
            None => self.store.begin().await,
        };
        let half_replaced = self.store_batch(batch, emit).await?;
        self.half_replaced = half_replaced.then_some(change);
        if self.unflushed >= FLUSH_CHUNKS || self.flushed_at.elapsed() >= FLUSH_EVERY {
            self.store.checkpoint().await?;
            self.unflushed = 0;
            self.flushed_at = Instant::now();
        }
        Ok(())
    }

    /// Returns whether the last document of the batch is replaced only in part.
    async fn store_batch(
        &mut self,
        batch: Embedded,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<bool, BackendError> {
        self.refuse(batch.refused, emit).await?;
        let mut half_replaced = false;
        let mut points: Vec<Point> = Vec::new();
        let mut complete: Vec<Arc<PendingDocument>> = Vec::new();
        let mut begun = Vec::new();
        let parts = batch.parts.iter().map(|part| &part.document.record);
        self.ledger.will_store(self.store, parts).await?;
        for part in batch.parts {
            if self.begun.insert(part.document.record.source.clone()) {
                begun.push(self.intent(&part));
            }
            match self.sort(part, emit).await? {
                Sorted::Broken => half_replaced = false,
                Sorted::Good { points: more, document, half_replaced: half } => {
                    half_replaced = half;
                    points.extend(more);
                    complete.extend(document);
                }
            }
        }
        let written = points.len();
        if !begun.is_empty() {
            self.store.will_store(&begun).await?;
        }
        if written > 0 {
            self.store.upsert(points).await?;
        }
        self.chunks_given += written;
        self.unflushed += written;
        self.record(&complete).await?;
        self.settle(&complete, emit).await?;
        self.given.count(&mut self.report);
        self.remember().await?;
        Ok(half_replaced)
    }

    /// What will happen to the document of which this is the first part.
    fn intent(&self, part: &EmbeddedPart) -> Intent {
        let PendingDocument { record, replaces, ids, .. } = &*part.document;
        let has_others =
            *replaces == ReplacedDocument::Changed || self.orphans.contains(&record.source);
        Intent {
            source: record.source.clone(),
            run_id: record.run_id,
            replaces_all_but: has_others.then(|| ids.clone()),
            moved_from: match replaces {
                ReplacedDocument::Moved { from } => self.moved.get(from).cloned(),
                _ => None,
            },
            in_parts: !part.last,
        }
    }

    /// Writes the failures that did not come with a batch.
    pub(super) async fn conclude(&mut self) -> Result<(), BackendError> {
        self.remember().await?;
        // Other changes of the run are made durable at its end.
        if self.recorded && !self.ledger.is_open() { self.store.flush().await } else { Ok(()) }
    }

    /// Adds a row to the report, and a record unless the same one is stored. `hash` is `None` where another
    /// try may succeed with the same file.
    fn fail(&mut self, source: &str, reason: &str, file: (u64, i64), hash: Option<ContentHash>) {
        self.report.fail(source, reason);
        self.end_if_fast();
        let (size, mtime) = file;
        let known = self.known_failures.get(source).is_some_and(|known| {
            (known.reason.as_str(), known.size, known.mtime) == (reason, size, mtime)
                && known.document_hash == hash
                && known.docent == env!("CARGO_PKG_VERSION")
        });
        if !known && !self.refused.contains(source) {
            self.new_failures.push(FailureRecord {
                project: None,
                source: source.to_owned(),
                reason: reason.to_owned(),
                size,
                mtime,
                document_hash: hash,
                docent: env!("CARGO_PKG_VERSION").to_owned(),
                failed_at: super::now(),
                run_id: self.ledger.run.run_id,
            });
        }
    }

    fn end_if_fast(&self) {
        if let Some(stop) = &self.fail_fast {
            stop.cancel(Stop::FirstFailure);
        }
    }

    async fn remember(&mut self) -> Result<(), BackendError> {
        let failures = std::mem::take(&mut self.new_failures);
        if !failures.is_empty() {
            self.recorded = true;
            self.store.put_failures(&failures).await?;
        }
        Ok(())
    }

    async fn forget(&mut self, sources: &[String]) -> Result<(), BackendError> {
        if !sources.is_empty() {
            self.recorded = true;
            self.store.delete_failures(sources).await?;
        }
        Ok(())
    }

    async fn refuse(
        &mut self,
        refused: Vec<RefusedDocument>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let outdated: Vec<String> =
            refused.iter().filter_map(RefusedDocument::outdated).map(str::to_owned).collect();
        self.delete(&outdated).await?;
        for RefusedDocument { file, hash, why, secrets, .. } in refused {
            self.report.secrets.add(&secrets);
            if let SkipReason::Stopped = why {
                self.cut_short = true;
            } else if let SkipReason::Skip(reason) = why {
                self.report.skip(&file.source, reason);
            } else if let Some(reason) = why.failure() {
                self.fail(&file.source, reason, (file.size, file.mtime), hash);
            }
            emit(IngestEvent::Finished { source: file.source, chunks: 0 });
        }
        Ok(())
    }

    /// Deletes chunks without a record that no document of this run has replaced.
    pub(super) async fn clear_orphans(&mut self) -> Result<(), BackendError> {
        let orphans: Vec<String> = std::mem::take(&mut self.orphans).into_iter().collect();
        if orphans.is_empty() {
            return Ok(());
        }
        self.ledger.open(self.store).await?;
        self.store.delete_documents(&orphans).await
    }

    /// Sets aside documents with a refused chunk. A new document is deleted, a changed one keeps its earlier
    /// version.
    async fn sort(
        &mut self,
        part: EmbeddedPart,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<Sorted, BackendError> {
        let source = part.document.record.source.clone();
        if self.broken.contains(&source) {
            return Ok(Sorted::Broken);
        }
        match part.points {
            Ok(points) => {
                let half_replaced =
                    !part.last && part.document.replaces == ReplacedDocument::Changed;
                let document = part.last.then_some(part.document);
                Ok(Sorted::Good { points, document, half_replaced })
            }
            // Parts that were stored before are paid for: the next run continues from there.
            Err(EmbedFailure::Stopped) => {
                self.cut_short = true;
                self.broken.insert(source);
                Ok(Sorted::Broken)
            }
            Err(EmbedFailure::Refused(reason)) => {
                let DocumentRecord { size, mtime, document_hash, .. } = &part.document.record;
                self.fail(&source, &reason, (*size, *mtime), Some(document_hash.clone()));
                if part.document.replaces != ReplacedDocument::Changed {
                    self.store.delete_chunks(std::slice::from_ref(&source), &[]).await?;
                }
                self.broken.insert(source.clone());
                emit(IngestEvent::Finished { source, chunks: 0 });
                Ok(Sorted::Broken)
            }
        }
    }

    /// Runs after the records are written: deletes what the documents replace.
    async fn settle(
        &mut self,
        documents: &[Arc<PendingDocument>],
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let (mut stale, mut keep, mut moved, mut over) = (vec![], vec![], vec![], vec![]);
        for document in documents {
            let source = &document.record.source;
            self.report.secrets.add(&document.secrets);
            let has_stale = match &document.replaces {
                ReplacedDocument::Nothing => self.orphans.remove(source),
                ReplacedDocument::Changed => true,
                ReplacedDocument::Moved { from } => {
                    moved.push(from.clone());
                    self.orphans.remove(source)
                }
            };
            if has_stale {
                stale.push(source.clone());
                keep.extend_from_slice(&document.ids);
            }
            if self.known_failures.remove(source).is_some() {
                over.push(source.clone());
            }
        }
        if !stale.is_empty() || !moved.is_empty() {
            // A kill must not lose both versions: the new one is durable before the old one is deleted.
            self.store.flush().await?;
        }
        if !stale.is_empty() {
            self.store.delete_chunks(&stale, &keep).await?;
        }
        if !moved.is_empty() {
            self.store.delete_documents(&moved).await?;
            self.ledger.took_out(&moved);
        }
        self.forget(&over).await?;
        let done: Vec<String> = documents.iter().map(|it| it.record.source.clone()).collect();
        if !done.is_empty() {
            self.store.have_stored(&done).await?;
        }
        for document in documents {
            let source = document.record.source.clone();
            emit(IngestEvent::Finished { source, chunks: document.ids.len() });
        }
        Ok(())
    }
}

enum Sorted {
    /// Points to be stored, and the document if they complete it. `half_replaced`: the document is not
    /// complete yet, and an earlier version of it is stored.
    Good {
        points: Vec<Point>,
        document: Option<Arc<PendingDocument>>,
        half_replaced: bool,
    },
    Broken,
}
