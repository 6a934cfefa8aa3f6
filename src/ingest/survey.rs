//! What a run finds before it does anything: the files, what is stored of them, and the plan.
//!
//! The collection says by itself whether the run before was cut off (`Manifest::unfinished`). Only
//! then are all its chunks counted, and what does not agree with its record becomes work.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt};

use super::discover::{self, DiscoverError, DiscoverOptions, Discovery, FoundFile};
use super::pages::{self, Pages};
use super::plan::{self, Audit, Compared, Plan};
use super::{IngestError, IngestEvent, IngestOptions, off_thread};
use crate::cancel::Cancel;
use crate::store::VectorStore;
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Manifest};

pub(super) struct Survey {
    pub discovery: Discovery,
    pub records: Vec<DocumentRecord>,
    pub failures: Vec<FailureRecord>,
    pub audit: Audit,
    /// Damaged documents that this run cannot read again: they came from standard input, or their
    /// file is gone and the run was not asked about it.
    pub incomplete: Vec<DocumentRecord>,
    pub pages: Pages,
    pub plan: Plan,
    /// The collection that is to be replaced: its manifest and its documents.
    pub former: Option<(Manifest, Vec<DocumentRecord>)>,
}

impl Survey {
    pub(super) fn by_source(&self) -> HashMap<&str, &DocumentRecord> {
        self.records.iter().map(|record| (record.source.as_str(), record)).collect()
    }

    /// Of the collection that is to be replaced.
    pub(super) fn former_by_source(&self) -> HashMap<&str, &DocumentRecord> {
        let former = self.former.iter().flat_map(|(_, records)| records);
        former.map(|record| (record.source.as_str(), record)).collect()
    }

    /// Documents that are there before the run and not after it.
    pub(super) fn given_up<'a>(&'a self, options: &'a IngestOptions) -> Vec<&'a DocumentRecord> {
        let Some((_, former)) = &self.former else {
            let gone: HashSet<&String> = self.plan.deleted.iter().collect();
            return self.records.iter().filter(|record| gone.contains(&record.source)).collect();
        };
        let there: HashSet<&str> = self.discovery.files.iter().map(|f| f.source.as_str()).collect();
        let inline = options.inline.as_ref().map(|(name, _)| name.as_str());
        let gone = |source: &str| !there.contains(source) && inline != Some(source);
        former.iter().filter(|record| gone(&record.source)).collect()
    }
}

/// For a collection that is built anew: everything is to be added. Without inputs, what `former`
/// was built from.
pub(super) async fn anew(
    options: &IngestOptions,
    former: &dyn VectorStore,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<Survey, IngestError> {
    let manifest = former.manifest().await?;
    let records = former.documents().await?;
    let discover = what_to_discover(options, manifest.as_ref(), &records, &[])?;
    let mut discovery = off_thread(move || discover::discover(&discover)).await?;
    let pages = match &options.web {
        Some(web) => Pages::gather(web, &mut discovery, &HashMap::new(), cancel, emit).await,
        None => Pages::default(),
    };
    let plan = Plan { added: discovery.files.clone(), ..Plan::default() };
    Ok(Survey {
        discovery,
        records: Vec::new(),
        failures: Vec::new(),
        audit: Audit::default(),
        incomplete: Vec::new(),
        pages,
        plan,
        former: manifest.map(|manifest| (manifest, records)),
    })
}

/// Looks, and changes nothing. `manifest` is the collection's, `None` where it does not exist.
pub(super) async fn survey(
    options: &IngestOptions,
    store: &dyn VectorStore,
    manifest: Option<&Manifest>,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<Survey, IngestError> {
    let (mut records, mut failures, mut audit) = (Vec::new(), Vec::new(), Audit::default());
    if let Some(manifest) = manifest {
        records = store.documents().await?;
        failures = store.failures().await?;
        if manifest.unfinished.is_some() {
            audit = plan::audit(&records, &store.tally().await?);
        }
    }
    let discover = what_to_discover(options, manifest, &records, &failures)?;
    let mut discovery = off_thread(move || discover::discover(&discover)).await?;
    let pages = match &options.web {
        Some(web) => {
            let known = pages::known(&records, options, &audit.damaged);
            Pages::gather(web, &mut discovery, &known, cancel, emit).await
        }
        None => Pages::default(),
    };
    let incomplete = widen(options, &mut discovery, &records, &audit);
    let comparable = |record: &&DocumentRecord| record.is_file() || record.web.is_some();
    let files: Vec<DocumentRecord> = records.iter().filter(comparable).cloned().collect();
    let compared = Compared {
        files: &discovery.files,
        scope: &discovery.scope,
        records: &files,
        failures: &failures,
        damaged: &audit.damaged,
        wanted: options.wanted(),
        checksum: options.checksum,
        retry_failed: options.retry_failed,
    };
    let mut hashes = hash(plan::to_hash(&compared), options.parallel).await;
    hashes.extend(pages.hashes.clone());
    let plan = plan::plan(&compared, &hashes);
    Ok(Survey { discovery, records, failures, audit, incomplete, pages, plan, former: None })
}

/// Without inputs, those of earlier runs; for another try, what failed.
fn what_to_discover(
    options: &IngestOptions,
    manifest: Option<&Manifest>,
    records: &[DocumentRecord],
    failures: &[FailureRecord],
) -> Result<DiscoverOptions, DiscoverError> {
    let mut discover = options.discover.clone();
    discover.known = records.iter().map(|record| record.source.clone()).collect();
    if discover.inputs.is_empty() && options.inline.is_none() && options.web.is_none() {
        discover.cwd.clone_from(&discover.root);
        discover.inputs = if options.retry_failed {
            let there = |source: &&String| discover.root.join(source).exists();
            failures.iter().map(|failure| &failure.source).filter(there).cloned().collect()
        } else {
            manifest.map(|manifest| manifest.roots.clone()).unwrap_or_default()
        };
        if discover.inputs.is_empty() && !options.retry_failed {
            return Err(DiscoverError::NothingNamed);
        }
    }
    Ok(discover)
}

/// Adds damaged documents whose file is there, whatever the run was asked about. Returns those that
/// have none.
fn widen(
    options: &IngestOptions,
    discovery: &mut Discovery,
    records: &[DocumentRecord],
    audit: &Audit,
) -> Vec<DocumentRecord> {
    let found: HashSet<String> = discovery.files.iter().map(|file| file.source.clone()).collect();
    let damaged: HashSet<&str> = audit.damaged.iter().map(String::as_str).collect();
    let inline = options.inline.as_ref().map(|(name, _)| name.as_str());
    let mut lost = Vec::new();
    for record in records.iter().filter(|record| damaged.contains(record.source.as_str())) {
        let source = record.source.as_str();
        if found.contains(source) || discovery.scope.covers(source) || inline == Some(source) {
            continue;
        }
        match FoundFile::at(&options.discover.root, source).filter(|_| record.is_file()) {
            Some(file) => discovery.files.push(file),
            None => lost.push(record.clone()),
        }
    }
    lost
}

async fn hash(files: Vec<&FoundFile>, parallel: usize) -> HashMap<String, ContentHash> {
    let hash = |file: FoundFile| async move {
        off_thread(move || {
            // One that cannot be read counts as changed, and fails with a reason when its turn comes.
            let bytes = std::fs::read(&file.path).ok()?;
            Some((file.source, ContentHash::of(&bytes)))
        })
        .await
    };
    stream::iter(files.into_iter().cloned().collect::<Vec<_>>())
        .map(hash)
        .buffer_unordered(parallel.max(1))
        .filter_map(std::future::ready)
        .collect()
        .await
}
