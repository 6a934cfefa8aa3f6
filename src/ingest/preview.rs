//! What an ingest would do: its plan, and the cost of embedding.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::batch::{self, CommitBatch};
use super::discover::FoundFile;
use super::error::IngestError;
use super::options::{Backends, IngestOptions};
use super::prepare::{self, RefusedDocument, SkipReason};
use super::report::{FailedSource, IngestReport, SkippedSource};
use super::secrets::Secrets;
use super::source_scan::{self, SourceScan, StoredCollection};
use crate::cancel::Cancel;
use crate::embed::Embedder;
use crate::error::BackendError;
use crate::store::{CollectionReader, VectorStore};
use crate::types::{Chunk, ContentHash, OnSecret, Partition};

/// The plan of an ingest, for people and pipelines. Lists are sorted by source.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Preview")]
pub struct IngestPreview {
    /// The part of the sources that was looked at, with `--partition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub moved: Vec<RenamedDocument>,
    pub deleted: Vec<String>,
    pub unchanged: usize,
    pub skipped: usize,
    pub skipped_by_reason: BTreeMap<String, usize>,
    /// The skipped sources. A directory stands for everything below it.
    pub skipped_sources: Vec<SkippedSource>,
    /// Documents to be deleted because they are older than `ingest.ttl`; also in `deleted`.
    pub expired: Vec<String>,
    /// Sources that cannot be ingested: known from earlier runs, or found while the plan was made.
    pub failed: Vec<FailedSource>,
    /// Documents that an interrupted run left incomplete, and that this one would repair.
    pub damaged: usize,
    /// Possible secrets in the documents that would be ingested; empty with the comparison alone.
    #[serde(flatten)]
    pub secrets: Secrets,
    /// What would happen to documents with secrets.
    pub on_secret: OnSecret,
    /// `None` with the comparison alone.
    pub work: Option<PlannedWork>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Renamed")]
pub struct RenamedDocument {
    pub from: String,
    pub to: String,
}

/// The work that the plan would take.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Work")]
pub struct PlannedWork {
    /// Chunks to be stored.
    pub chunks: usize,
    /// Texts to be embedded for them.
    pub embedded: usize,
    /// Chunks whose vector is already known.
    pub reused: usize,
    /// Tokens to be embedded, as docent counts them.
    pub tokens: usize,
    /// Estimated requests to the embedding endpoint; 0 for an embedder in this process.
    pub requests: usize,
    /// Pages that a vision model would be asked to read; their text is not counted in the chunks.
    pub ocr_pages: u64,
    /// Estimated cost of tokens and pages in the user's currency, if the prices are known.
    pub cost: Option<f64>,
}

impl IngestPreview {
    /// Whether the collection is in line with its sources.
    pub fn is_empty(&self) -> bool {
        self.damaged == 0
            && self.added.is_empty()
            && self.changed.is_empty()
            && self.moved.is_empty()
            && self.deleted.is_empty()
    }

    fn of(survey: &SourceScan, options: &IngestOptions, work: &[prepare::DocumentTask]) -> Self {
        let report = IngestReport::planned(survey, options.on_secret);
        let plan = &survey.plan;
        let mut preview = Self {
            moved: plan
                .moved
                .iter()
                .map(|step| RenamedDocument { from: step.from.clone(), to: step.to.source.clone() })
                .collect(),
            deleted: match survey.former {
                Some(_) => left_behind(survey, options),
                None => plan.deleted.clone(),
            },
            expired: survey.expired.clone(),
            unchanged: report.unchanged,
            skipped: report.skipped,
            skipped_by_reason: report.skipped_by_reason,
            skipped_sources: report.skipped_sources,
            damaged: survey.audit.damaged.len() + survey.audit.orphans.len(),
            on_secret: options.on_secret,
            partition: options.partition,
            ..Self::default()
        };
        let known: HashSet<&str> = survey.records.iter().map(|r| r.source.as_str()).collect();
        for work in work {
            let source = work.file.source.clone();
            let (file, root) = (&work.file, &options.discover.root);
            let reads_image = options.ocr.reads_image(file.named);
            let is_file = work.content.is_none();
            let passed_over =
                is_file.then(|| prepare::passed_over(file, root, reads_image)).flatten();
            let unread = passed_over.filter(|_| file.named);
            let advice = |reason| prepare::unread(&file.path(root), reason);
            if let Some(reason) = unread.and_then(advice) {
                preview.fail(&source, &reason);
            } else if let Some(reason) = passed_over.filter(|_| !known.contains(source.as_str())) {
                preview.skip(&source, reason);
            } else if known.contains(source.as_str()) {
                preview.changed.push(source);
            } else if !preview.moved.iter().any(|step| step.to == source) {
                preview.added.push(source);
            }
        }
        for failed in &survey.failed {
            preview.fail(&failed.source, &failed.reason);
        }
        for failure in &plan.failed {
            preview.fail(&failure.source, &failure.reason);
        }
        preview
    }

    /// Moves a document that turned out differently when it was read.
    fn refuse(&mut self, refused: &RefusedDocument) {
        let source = &refused.file.source;
        self.secrets.add(&refused.secrets);
        let new = take(&mut self.added, source);
        if refused.outdated() == Some(source) && take(&mut self.changed, source) {
            self.deleted.push(source.clone());
            self.deleted.sort();
        }
        match &refused.why {
            // The others are counted already.
            SkipReason::Skip(reason) if new => self.skip(source, reason),
            why => {
                if let Some(reason) = why.failure() {
                    self.fail(source, reason);
                }
            }
        }
    }

    /// Files that failed before are tried again if another setting or a later try may help. Without reading
    /// them, the old failure is all that can be said.
    fn leave_failed(&mut self, survey: &SourceScan) {
        let files = survey.plan.added.iter().map(|file| (file.source.as_str(), file));
        let files: HashMap<&str, &FoundFile> = files.collect();
        for failure in &survey.failures {
            let same = files
                .get(failure.source.as_str())
                .is_some_and(|file| (file.size, file.mtime) == (failure.size, failure.mtime));
            if same && take(&mut self.added, &failure.source) {
                self.fail(&failure.source, &failure.reason);
            }
        }
    }

    fn advise(&mut self, survey: &SourceScan, options: &IngestOptions) {
        for failed in &mut self.failed {
            failed.reason += &survey.advice(&failed.source, options);
        }
    }

    fn skip(&mut self, source: &str, reason: &str) {
        self.skipped += 1;
        *self.skipped_by_reason.entry(reason.to_owned()).or_default() += 1;
        let (source, reason) = (source.to_owned(), reason.to_owned());
        self.skipped_sources.push(SkippedSource { source, reason });
    }

    /// Adds a failure once, even if it is known from the name and found again when the file is read.
    fn fail(&mut self, source: &str, reason: &str) {
        let row = FailedSource { source: source.to_owned(), reason: reason.to_owned() };
        if !self.failed.contains(&row) {
            self.failed.push(row);
        }
    }
}

/// Removes `source` from the list; returns whether it was there.
fn take(list: &mut Vec<String>, source: &str) -> bool {
    let before = list.len();
    list.retain(|listed| listed != source);
    list.len() < before
}

/// Documents of the collection that a rebuild would leave behind, sorted.
fn left_behind(survey: &SourceScan, options: &IngestOptions) -> Vec<String> {
    let documents = survey.left_behind(options).into_iter();
    let mut sources: Vec<String> = documents.map(|record| record.source.clone()).collect();
    sources.sort();
    sources
}

/// Compares sources with the collection, and reads only what that needs.
pub async fn check(
    options: &IngestOptions,
    stored: Option<StoredCollection<'_>>,
    cancel: &Cancel,
) -> Result<IngestPreview, IngestError> {
    let survey = source_scan::scan_sources(options, stored, cancel, &mut |_| {}).await?;
    let mut preview = IngestPreview::of(&survey, options, &prepare::work(&survey, options));
    preview.leave_failed(&survey);
    preview.advise(&survey, options);
    Ok(preview)
}

/// Compares, extracts and chunks, and reports what embedding and storing would take. `stored` is the
/// collection, `None` if it does not exist; `rebuild`: all of it would be built again.
pub async fn preview(
    options: &IngestOptions,
    backends: &Backends,
    stored: Option<&CollectionReader>,
    rebuild: bool,
    cancel: &Cancel,
) -> Result<IngestPreview, IngestError> {
    let replaces = stored.filter(|_| rebuild);
    let compared = stored.map(StoredCollection::of);
    let survey =
        source_scan::scan_collection(options, replaces, compared, cancel, &mut |_| {}).await?;
    let work = prepare::work(&survey, options);
    let mut preview = IngestPreview::of(&survey, options, &work);
    let prepared = stream::iter(work)
        .take_while(|_| std::future::ready(!cancel.is_cancelled()))
        .map(|work| prepare::prepare(work, options, backends, Uuid::nil()))
        .buffered(options.parallel.max(1));
    let size = batch::size(&*backends.embedder, &options.chunk);
    let mut batches = Box::pin(batch::gather(prepared, size));
    let own = stored.map(|reader| Arc::clone(reader.store()));
    let lender = survey.reuse_from(backends.embedder.id(), replaces, own);
    let mut counted =
        Counted { lender: lender.as_deref(), work: PlannedWork::default(), seen: HashSet::new() };
    while let Some(batch) = batches.next().await {
        for refused in &batch.refused {
            preview.refuse(refused);
        }
        for part in batch.parts.iter().filter(|part| part.last) {
            preview.secrets.add(&part.document.secrets);
        }
        counted.add(&batch, &*backends.embedder).await?;
    }
    preview.work = Some(counted.work);
    preview.advise(&survey, options);
    Ok(preview)
}

struct Counted<'a> {
    /// May hold vectors of these texts.
    lender: Option<&'a dyn VectorStore>,
    work: PlannedWork,
    seen: HashSet<ContentHash>,
}

impl Counted<'_> {
    async fn add(
        &mut self,
        batch: &CommitBatch,
        embedder: &dyn Embedder,
    ) -> Result<(), BackendError> {
        let chunks: Vec<&Chunk> = batch.parts.iter().flat_map(|part| &part.chunks).collect();
        let mut fresh: Vec<&Chunk> =
            chunks.iter().copied().filter(|c| self.seen.insert(c.chunk_hash.clone())).collect();
        if let Some(lender) = self.lender {
            let hashes: Vec<ContentHash> = fresh.iter().map(|c| c.chunk_hash.clone()).collect();
            let stored = lender.vectors(&hashes).await?;
            fresh.retain(|chunk| !stored.contains_key(&chunk.chunk_hash));
        }
        let count = |chunk: &&Chunk| embedder.count_tokens(&chunk.embedded());
        let tokens: usize = fresh.iter().map(count).sum();
        self.work.chunks += chunks.len();
        self.work.embedded += fresh.len();
        self.work.reused += chunks.len() - fresh.len();
        self.work.tokens += tokens;
        let asks = !fresh.is_empty() && !embedder.is_local();
        self.work.requests += usize::from(asks);
        Ok(())
    }
}
