//! What a run finds before it does anything: the files, their records, and the plan.
//!
//! The manifest says whether the last run was cut off (`Manifest::unfinished`). Only then are all chunks
//! counted, and documents whose chunks do not match their record become work.

mod inputs;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use self::inputs::{ScanInputs, inputs, look};
use super::discover::{Discovery, FailedInput, FoundFile, Skipped, SourceScope};
use super::error::IngestError;
use super::events::IngestEvent;
use super::expiry::Expired;
use super::forget::{self, ForgottenInputs};
use super::manifest_writer::{TrackedInputs, now};
use super::options::IngestOptions;
use super::pages::{self, PlannedPages};
use super::plan::{self, Plan, PlanAudit, PlanInputs};
use super::web::CrawlSeed;
use crate::cancel::Cancel;
use crate::store::{CollectionReader, VectorStore};
use crate::task::off_thread;
use crate::types::{ContentHash, DocumentRecord, EmbedderId, FailureRecord, Manifest};

pub(super) struct SourceScan {
    /// When the run began, RFC 3339.
    pub started_at: String,
    /// Number of files found, fetched pages included.
    pub files: usize,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<FailedInput>,
    pub scope: SourceScope,
    /// Remembered inputs that are gone and have no documents left.
    pub lost: Vec<String>,
    /// Inputs that were named, are not files and never were documents: no later run looks at them.
    pub refused: HashSet<String>,
    /// Roots and sites that no later run is to look at.
    pub forgotten: HashSet<String>,
    /// Web pages from which the run started.
    pub starts: Vec<CrawlSeed>,
    pub records: Vec<DocumentRecord>,
    pub failures: Vec<FailureRecord>,
    pub audit: PlanAudit,
    /// Damaged documents that this run cannot read again: they came from standard input, or their file is
    /// gone and outside of the run's inputs.
    pub incomplete: Vec<DocumentRecord>,
    pub pages: PlannedPages,
    pub plan: Plan,
    /// Deleted documents, or documents left behind, that are too old. Sorted.
    pub expired: Vec<String>,
    /// The documents of the collection that is being replaced.
    pub former: Option<Vec<DocumentRecord>>,
}

impl SourceScan {
    pub(super) fn by_source(&self) -> RecordsBySource<'_> {
        RecordsBySource(&self.records)
    }

    /// Records of the collection that is being replaced.
    pub(super) fn former_by_source(&self) -> RecordsBySource<'_> {
        RecordsBySource(self.former.as_deref().unwrap_or_default())
    }

    /// Documents of the replaced collection that the new one does not have.
    pub(super) fn left_behind(&self, options: &IngestOptions) -> Vec<&DocumentRecord> {
        // In a rebuild, all files are in `added`.
        let there: HashSet<&str> = self.plan.added.iter().map(|f| f.source.as_str()).collect();
        let inline = options.inline_sources();
        let gone = |source: &str| !there.contains(source) && !inline.contains(source);
        let former = self.former.iter().flatten();
        former.filter(|record| gone(&record.source)).collect()
    }

    /// The store that may have vectors for the texts of new chunks: the collection that is being rebuilt, or
    /// else `own`.
    pub(super) fn reuse_from(
        &self,
        embedder: &EmbedderId,
        replaces: Option<&CollectionReader>,
        own: Option<Arc<dyn VectorStore>>,
    ) -> Option<Arc<dyn VectorStore>> {
        let Some(former) = replaces else {
            let held = !self.records.is_empty() || !self.audit.orphans.is_empty();
            return own.filter(|_| held);
        };
        let same = former.manifest().embedder == *embedder;
        same.then(|| Arc::clone(former.store()))
    }

    /// What later runs are to keep the collection in line with.
    pub(super) fn kept(&self, project: &Path) -> TrackedInputs {
        let dead = &self.pages.dead;
        let alive = |start: &&CrawlSeed| !dead.contains(start.source());
        let lost = self.lost.iter().chain(dead).chain(&self.refused).chain(&self.forgotten);
        TrackedInputs {
            roots: self.scope.roots(),
            sites: self.starts.iter().filter(alive).map(CrawlSeed::site).collect(),
            lost: lost.cloned().collect(),
            project: project.to_owned(),
        }
    }

    /// Hint to add to the reason why a source failed, if every run looks at that source.
    pub(super) fn advice(&self, source: &str, options: &IngestOptions) -> String {
        let is_start = self.starts.iter().any(|start| start.source() == source);
        let is_input = is_start || self.scope.is_input(source);
        let is_looked_at = self.scope.is_remembered(source) || (is_input && !options.retry_failed);
        let never_was = self.by_source().get(source).is_none();
        if is_looked_at
            && never_was
            && !self.refused.contains(source)
            && !self.pages.dead.contains(source)
        {
            forget::advice(source)
        } else {
            String::new()
        }
    }
}

/// An existing collection, as it is before a run.
#[derive(Clone, Copy)]
pub struct StoredCollection<'a> {
    pub store: &'a dyn VectorStore,
    pub manifest: &'a Manifest,
}

impl<'a> StoredCollection<'a> {
    pub fn of(reader: &'a CollectionReader) -> Self {
        Self { store: &**reader.store(), manifest: reader.manifest() }
    }
}

/// Document records, ordered by source, as every store returns them.
#[derive(Clone, Copy)]
pub(super) struct RecordsBySource<'a>(&'a [DocumentRecord]);

impl<'a> RecordsBySource<'a> {
    pub(super) fn get(self, source: &str) -> Option<&'a DocumentRecord> {
        let index = self.0.binary_search_by(|record| record.source.as_str().cmp(source)).ok()?;
        self.0.get(index)
    }
}

/// Surveys for a run or for a preview.
pub(super) async fn scan_collection(
    options: &IngestOptions,
    replaces: Option<&CollectionReader>,
    stored: Option<StoredCollection<'_>>,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<SourceScan, IngestError> {
    match replaces {
        Some(former) => again(options, former, cancel, emit).await,
        None => scan_sources(options, stored, cancel, emit).await,
    }
}

/// The survey of a rebuild: everything is to be added. Without inputs, the inputs of `former` are used.
async fn again(
    options: &IngestOptions,
    former: &CollectionReader,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<SourceScan, IngestError> {
    let started_at = now();
    let manifest = former.manifest();
    let ScanInputs { discover, starts } = inputs(options, Some(manifest), &[])?;
    let (mut discovery, records) = look(discover, former.documents()).await?;
    let known = HashMap::new();
    let mut pages =
        PlannedPages::gather(&starts, &known, &options.web, &mut discovery, cancel, emit).await?;
    pass_over_expired(options, &mut discovery);
    let expired = Expired::of(options, &records, &discovery, &mut pages);
    let expired = expired.taken_out_by(&mut Plan::default());
    let refused = forget::refused(&discovery.no_files, &records);
    let Discovery { files: added, skipped, failed, scope, lost, .. } = discovery;
    Ok(SourceScan {
        refused,
        forgotten: HashSet::new(),
        started_at,
        files: added.len(),
        skipped,
        failed,
        scope,
        lost,
        starts,
        records: Vec::new(),
        failures: Vec::new(),
        audit: PlanAudit::default(),
        incomplete: Vec::new(),
        pages,
        plan: Plan { added, ..Plan::default() },
        expired,
        former: Some(records),
    })
}

/// Surveys without changing anything. `stored` is `None` if the collection does not exist.
pub(super) async fn scan_sources(
    options: &IngestOptions,
    stored: Option<StoredCollection<'_>>,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<SourceScan, IngestError> {
    let started_at = now();
    let mut failures = match stored {
        Some(StoredCollection { store, .. }) => store.failures().await?,
        None => Vec::new(),
    };
    failures.retain(|failure| options.looks_at(&failure.source));
    let manifest = stored.map(|stored| stored.manifest);
    let ScanInputs { discover, starts } = inputs(options, manifest, &failures)?;
    let documents = async {
        match stored {
            Some(StoredCollection { store, .. }) => store.documents().await,
            None => Ok(Vec::new()),
        }
    };
    let (mut discovery, mut records) = look(discover, documents).await?;
    let refused = forget::refused(&discovery.no_files, &records);
    let others: Vec<_> = records.extract_if(.., |it| !options.looks_at(&it.source)).collect();
    let is_unfinished =
        |stored: &StoredCollection<'_>| stored.manifest.unfinished_of(options.partition).is_some();
    let audit = match stored.filter(is_unfinished) {
        Some(StoredCollection { store, .. }) => {
            let mut tally = store.tally().await?;
            tally.retain(|row| options.looks_at(&row.source));
            plan::audit(&records, &tally)
        }
        None => PlanAudit::default(),
    };
    let mut known = pages::known(&records, options, &audit.damaged);
    known.extend(pages::known(&others, options, &[]));
    let mut pages =
        PlannedPages::gather(&starts, &known, &options.web, &mut discovery, cancel, emit).await?;
    leave_to_others(options, &mut discovery, &mut pages);
    let mut incomplete = widen(options, &mut discovery, &records, &audit);
    pass_over_expired(options, &mut discovery);
    let expired = Expired::of(options, &records, &discovery, &mut pages);
    incomplete.retain(|record| !expired.contains(&record.source));
    set_aside(&options.taken, &mut discovery);
    let Discovery { files, skipped, failed, scope, lost, .. } = discovery;
    let found = files.len();
    let compared = PlanInputs {
        scope: &scope,
        failures: &failures,
        damaged: &audit.damaged,
        wanted: options.wanted(),
        checksum: options.checksum,
        retry_failed: options.retry_failed,
    };
    let pairs = plan::pairs(files, &records);
    let mut hashes = hash(plan::to_hash(&compared, &pairs), options).await;
    hashes.extend(std::mem::take(&mut pages.hashes));
    let mut plan = plan::plan(&compared, pairs, &hashes);
    plan.deleted.extend(no_more(options, &records));
    let was_refused = |failure: &&FailureRecord| refused.contains(&failure.source);
    let no_failures = failures.iter().filter(was_refused).map(|failure| failure.source.clone());
    plan.forgotten.extend(no_failures);
    let gone = options.inline.iter().flat_map(|inline| &inline.gone);
    let is_gone = |failure: &&FailureRecord| gone.clone().any(|gone| *gone == failure.source);
    plan.forgotten.extend(failures.iter().filter(is_gone).map(|failure| failure.source.clone()));
    let ForgottenInputs { roots: forgotten, documents, failures: of_them } =
        ForgottenInputs::of(&options.forget, &options.discover, manifest, &records, &failures)?;
    plan.deleted.extend(documents);
    plan.forgotten.extend(of_them);
    let expired = expired.taken_out_by(&mut plan);
    Ok(SourceScan {
        refused,
        forgotten,
        started_at,
        files: found,
        skipped,
        failed,
        scope,
        lost,
        starts,
        records,
        failures,
        audit,
        incomplete,
        pages,
        plan,
        expired,
        former: None,
    })
}

/// Removes what is not in the run's partition: another run ingests and reports it.
fn leave_to_others(options: &IngestOptions, discovery: &mut Discovery, pages: &mut PlannedPages) {
    if options.partition.is_none() {
        return;
    }
    discovery.files.retain(|file| options.looks_at(&file.source));
    discovery.skipped.retain(|skipped| options.looks_at(&skipped.source));
    discovery.failed.retain(|failed| options.looks_at(&failed.source));
    pages.retain(|source| options.looks_at(source));
}

/// Skips expired pages and files left by a run that was cut off; these were added after the walk.
fn pass_over_expired(options: &IngestOptions, discovery: &mut Discovery) {
    if let Some(expiry) = options.discover.expiry {
        expiry.pass_over(discovery);
    }
}

/// A file whose name is that of another project's document fails: a source is one document.
fn set_aside(taken: &HashMap<String, String>, discovery: &mut Discovery) {
    if taken.is_empty() {
        return;
    }
    let theirs = |file: &mut FoundFile| taken.contains_key(&file.source);
    for file in discovery.files.extract_if(.., theirs).collect::<Vec<_>>() {
        let whose = &taken[&file.source];
        let reason = format!(
            "the project `{whose}` has a document of this name in the collection: use another --collection"
        );
        discovery.failed.push(FailedInput { source: file.source, reason });
    }
}

/// Inline documents to be deleted: those the run names as gone, and all that are missing from a complete set.
fn no_more(options: &IngestOptions, records: &[DocumentRecord]) -> Vec<String> {
    let Some(inline) = &options.inline else { return Vec::new() };
    let there = options.inline_sources();
    let sources = records.iter().filter(|record| !record.is_file() && record.web.is_none());
    let is_gone = |source: &str| {
        !there.contains(source) && inline.complete || inline.gone.iter().any(|gone| gone == source)
    };
    let gone = sources.filter(|record| is_gone(&record.source));
    gone.map(|record| record.source.clone()).collect()
}

/// Adds damaged documents whose file exists, even outside of the run's inputs. Returns those without a file.
fn widen(
    options: &IngestOptions,
    discovery: &mut Discovery,
    records: &[DocumentRecord],
    audit: &PlanAudit,
) -> Vec<DocumentRecord> {
    if audit.damaged.is_empty() {
        return Vec::new();
    }
    let found: HashSet<String> = discovery.files.iter().map(|file| file.source.clone()).collect();
    let damaged: HashSet<&str> = audit.damaged.iter().map(String::as_str).collect();
    let inline = options.inline_sources();
    let mut lost = Vec::new();
    for record in records.iter().filter(|record| damaged.contains(record.source.as_str())) {
        let source = record.source.as_str();
        if found.contains(source) || discovery.scope.covers(source) || inline.contains(source) {
            continue;
        }
        match FoundFile::at(&options.discover.root, source)
            .filter(|_| record.is_file() && options.discover.may_read(source))
        {
            Some(file) => discovery.files.push(file),
            None => lost.push(record.clone()),
        }
    }
    lost
}

async fn hash(files: Vec<&FoundFile>, options: &IngestOptions) -> HashMap<String, ContentHash> {
    let root = &options.discover.root;
    let hash = |file: FoundFile| async move {
        let root = root.clone();
        off_thread(move || {
            // A file that cannot be read counts as changed, and fails with a reason when it is prepared.
            let hash = file.hash(&root).ok()?;
            Some((file.source, hash))
        })
        .await
    };
    stream::iter(files.into_iter().cloned().collect::<Vec<_>>())
        .map(hash)
        .buffer_unordered(options.parallel.max(1))
        .filter_map(std::future::ready)
        .collect()
        .await
}
