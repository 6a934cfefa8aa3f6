//! What a run finds before it does anything: the files, what is stored of them, and the plan.
//!
//! The collection says by itself whether the run before was cut off (`Manifest::unfinished`). Only
//! then are all its chunks counted, and what does not agree with its record becomes work.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt};

use super::discover::{self, DiscoverError, DiscoverOptions, Discovery, FoundFile};
use super::plan::{self, Audit, Compared, Plan};
use super::{IngestError, IngestOptions, off_thread};
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
    pub plan: Plan,
}

/// Looks, and changes nothing. `manifest` is the collection's, `None` where it does not exist.
pub(super) async fn survey(
    options: &IngestOptions,
    store: &dyn VectorStore,
    manifest: Option<&Manifest>,
) -> Result<Survey, IngestError> {
    let (mut records, mut failures, mut audit) = (Vec::new(), Vec::new(), Audit::default());
    if let Some(manifest) = manifest {
        records = store.documents().await?;
        failures = store.failures().await?;
        if manifest.unfinished.is_some() {
            audit = plan::audit(&records, &store.tally().await?);
        }
    }
    let discover = what_to_discover(options, manifest, &records, &failures);
    if discover.inputs.is_empty() && options.inline.is_none() && !options.retry_failed {
        return Err(DiscoverError::NothingNamed.into());
    }
    let mut discovery = off_thread(move || discover::discover(&discover)).await?;
    let incomplete = widen(options, &mut discovery, &records, &audit);
    let files: Vec<DocumentRecord> =
        records.iter().filter(|record| record.is_file()).cloned().collect();
    let compared = Compared {
        files: &discovery.files,
        scope: &discovery.scope,
        records: &files,
        failures: &failures,
        damaged: &audit.damaged,
        tags: options.tags.as_deref(),
        checksum: options.checksum,
        retry_failed: options.retry_failed,
    };
    let hashes = hash(plan::to_hash(&compared), options.parallel).await;
    let plan = plan::plan(&compared, &hashes);
    Ok(Survey { discovery, records, failures, audit, incomplete, plan })
}

/// Without inputs, those of earlier runs; for another try, what failed.
fn what_to_discover(
    options: &IngestOptions,
    manifest: Option<&Manifest>,
    records: &[DocumentRecord],
    failures: &[FailureRecord],
) -> DiscoverOptions {
    let mut discover = options.discover.clone();
    discover.known = records.iter().map(|record| record.source.clone()).collect();
    if discover.inputs.is_empty() && options.inline.is_none() {
        discover.cwd.clone_from(&discover.root);
        discover.inputs = if options.retry_failed {
            let there = |source: &&String| discover.root.join(source).exists();
            failures.iter().map(|failure| &failure.source).filter(there).cloned().collect()
        } else {
            manifest.map(|manifest| manifest.roots.clone()).unwrap_or_default()
        };
    }
    discover
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
