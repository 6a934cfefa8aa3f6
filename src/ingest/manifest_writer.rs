//! The manifest of a collection while a run changes it.
//!
//! The manifest names the run from before its first change until after its last. If it still does when nobody
//! is writing, that run was cut off.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use super::discover::Root;
use crate::embed::sparse;
use crate::error::{BackendError, ExternalService, Fault};
use crate::store::{CollectionWriter, exclusively};
use crate::types::{
    ContentHash, DocumentRecord, IngestRun, Manifest, Site, SparseId, content_of_documents,
};

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RunEnd {
    /// It found nothing to change.
    Unchanged,
    Complete,
    /// It was stopped; the next run does the rest.
    CutShort,
}

/// The roots and sites that a run keeps the collection in line with.
#[derive(Clone, Default)]
pub(super) struct TrackedInputs {
    /// Roots, as sources.
    pub roots: Vec<String>,
    pub sites: Vec<Site>,
    /// Roots and sites of earlier runs that no longer exist.
    pub lost: HashSet<String>,
    /// The directory of the project.
    pub project: PathBuf,
}

impl TrackedInputs {
    /// Keeps a lost root in the manifest while another partition has documents of it: the run over that
    /// partition deletes them first.
    fn spare(&mut self, documents: &[DocumentRecord]) {
        let Self { lost, project, .. } = self;
        lost.retain(|name| {
            let root = Root::named(name, project);
            let is_of_it = |record: &DocumentRecord| match (&record.web, &root) {
                (Some(web), _) => web.root == *name,
                (None, root) => root.as_ref().is_some_and(|root| root.holds(&record.source)),
            };
            !documents.iter().any(is_of_it)
        });
    }

    /// Adds roots and sites to a manifest, and removes those that are lost. A site that is known already
    /// keeps the wider reach.
    fn noted(self, mut manifest: Manifest) -> Manifest {
        for root in self.roots {
            if !manifest.roots.contains(&root) {
                manifest.roots.push(root);
            }
        }
        for site in self.sites {
            match manifest.sites.iter_mut().find(|known| known.url == site.url) {
                Some(Site { reach, .. }) => {
                    reach.depth = reach.depth.max(site.reach.depth);
                    reach.whole_host |= site.reach.whole_host;
                }
                None => manifest.sites.push(site),
            }
        }
        manifest.roots.retain(|root| !self.lost.contains(root));
        manifest.sites.retain(|site| !self.lost.contains(&site.url));
        manifest
    }
}

/// What the manifest counts of a document.
struct Stored {
    /// Language of its terms.
    language: String,
    content_hash: Option<ContentHash>,
}

/// How a run changes the totals in the manifest.
#[derive(Default)]
struct Sum {
    /// Language of most documents whose language is known.
    usual: String,
    /// Documents that this run has stored (`Some`) or deleted (`None`), by source.
    changed: HashMap<String, Option<Stored>>,
}

impl Sum {
    /// Number of documents in each language, and the content hash of all documents.
    fn up(&self, before: &[DocumentRecord]) -> (BTreeMap<String, u64>, Option<ContentHash>) {
        let stayed = before.iter().filter(|record| !self.changed.contains_key(&record.source));
        let changed = self.changed.iter().filter_map(|(source, it)| Some((source, it.as_ref()?)));
        let languages = stayed.clone().map(|it| sparse::language_of_terms(it, &self.usual));
        let languages = languages.chain(changed.clone().map(|(_, it)| it.language.as_str()));
        let mut counted = BTreeMap::new();
        for language in languages {
            *counted.entry(language.to_owned()).or_default() += 1;
        }
        let stayed = stayed.map(|it| (it.source.as_str(), it.content_hash.as_ref()));
        let changed = changed.map(|(source, it)| (source.as_str(), it.content_hash.as_ref()));
        (counted, content_of_documents(stayed.chain(changed)))
    }
}

pub(super) struct ManifestWriter {
    /// `None` until the collection is created.
    manifest: Option<Manifest>,
    pub run: IngestRun,
    kept: TrackedInputs,
    open: bool,
    sum: Sum,
    /// Whether this run created the collection.
    pub created: bool,
}

impl ManifestWriter {
    pub(super) fn new(manifest: Option<Manifest>, run: IngestRun, kept: TrackedInputs) -> Self {
        let spoken = manifest.iter().flat_map(|manifest| &manifest.languages);
        let usual = most(spoken.map(|(language, documents)| (language.as_str(), *documents)));
        let sum = Sum { usual, changed: HashMap::new() };
        Self { manifest, run, kept, open: false, sum, created: false }
    }

    /// Takes the usual language from the first documents of a collection.
    pub(super) fn begin_with<'r>(&mut self, records: impl Iterator<Item = &'r DocumentRecord>) {
        self.sum.usual = most(records.filter_map(|record| Some((record.language.as_deref()?, 1))));
    }

    /// Language of most documents.
    pub(super) fn usual(&self) -> &str {
        &self.sum.usual
    }

    pub(super) fn exists(&self) -> bool {
        self.manifest.is_some()
    }

    /// Whether there is something to write at the end: the mark of this run, or of an earlier one that was
    /// cut off, has to be removed, or roots and sites have to be recorded.
    pub(super) fn is_open(&self) -> bool {
        let left = |manifest: &Manifest| manifest.unfinished_of(self.run.partition).is_some();
        self.open
            || self.manifest.as_ref().is_some_and(|manifest| {
                left(manifest) || self.kept.clone().noted(manifest.clone()) != *manifest
            })
    }

    pub(super) fn manifest(&self) -> Result<&Manifest, BackendError> {
        self.manifest.as_ref().ok_or_else(|| {
            let message = "the collection has not been created";
            BackendError::new(ExternalService::Store, Fault::Permanent, "", message)
        })
    }

    /// Creates the collection and marks the run as begun. If another partition has created it meanwhile,
    /// joins that one.
    pub(super) async fn create(
        &mut self,
        store: &dyn CollectionWriter,
        mut manifest: Manifest,
    ) -> Result<(), BackendError> {
        manifest.begin(&self.run);
        let run = &self.run;
        let made = exclusively(store, async {
            let there = match run.partition {
                Some(_) => store.manifest().await?,
                None => None,
            };
            let Some(mut there) = there else {
                store.create(&manifest).await?;
                return Ok((manifest, true));
            };
            check_same(&manifest, &there, store.endpoint())?;
            there.begin(run);
            store.put_manifest(&there).await?;
            Ok((there, false))
        });
        let (manifest, created) = made.await?;
        self.manifest = Some(manifest);
        (self.open, self.created) = (true, created);
        Ok(())
    }

    /// Changes the manifest, here and in the store. With partitions it is read from the store first, because
    /// other runs may have changed it.
    async fn change(
        &mut self,
        store: &dyn CollectionWriter,
        change: impl FnOnce(&mut Manifest, &[DocumentRecord]) + Send,
        sums_up: bool,
    ) -> Result<(), BackendError> {
        let Some(mut manifest) = self.manifest.clone() else { return Ok(()) };
        let in_parts = self.run.partition.is_some();
        let changed = exclusively(store, async {
            let mut documents = Vec::new();
            if in_parts {
                manifest = store.manifest().await?.unwrap_or(manifest);
                documents = if sums_up { store.documents().await? } else { documents };
            }
            change(&mut manifest, &documents);
            store.put_manifest(&manifest).await?;
            Ok(manifest)
        });
        self.manifest = Some(changed.await?);
        Ok(())
    }

    /// Sets the sparse settings of a collection that has no documents.
    pub(super) async fn begin_anew(
        &mut self,
        store: &dyn CollectionWriter,
        sparse: SparseId,
    ) -> Result<(), BackendError> {
        if let Some(manifest) = &mut self.manifest {
            manifest.sparse = sparse;
        }
        self.open(store).await
    }

    /// Called before each change; marks the run as begun before the first one.
    pub(super) async fn open(&mut self, store: &dyn CollectionWriter) -> Result<(), BackendError> {
        if !self.open && self.manifest.is_some() {
            let run = self.run.clone();
            self.change(store, |manifest, _| manifest.begin(&run), false).await?;
            self.open = true;
        }
        Ok(())
    }

    /// Called before parts of documents are stored: from now on, questions are also asked in the languages of
    /// these documents.
    pub(super) async fn will_store<'r>(
        &mut self,
        store: &dyn CollectionWriter,
        records: impl Iterator<Item = &'r DocumentRecord>,
    ) -> Result<(), BackendError> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let languages = records.map(|record| sparse::language_of_terms(record, &self.sum.usual));
        let new = languages.filter(|language| !manifest.languages.contains_key(*language));
        let new: BTreeSet<String> = new.map(str::to_owned).collect();
        if new.is_empty() {
            return Ok(());
        }
        let note = |manifest: &mut Manifest, _: &[DocumentRecord]| {
            for language in new {
                manifest.languages.entry(language).or_default();
            }
        };
        self.change(store, note, false).await
    }

    /// Records that documents were stored.
    pub(super) fn stored(&mut self, records: &[DocumentRecord]) {
        let stored = |record: &DocumentRecord| Stored {
            language: sparse::language_of_terms(record, &self.sum.usual).to_owned(),
            content_hash: record.content_hash.clone(),
        };
        let stored = records.iter().map(|record| (record.source.clone(), Some(stored(record))));
        self.sum.changed.extend(stored);
    }

    /// Records that documents were deleted.
    pub(super) fn took_out(&mut self, sources: &[String]) {
        self.sum.changed.extend(sources.iter().map(|source| (source.clone(), None)));
    }

    /// Called after everything is durable. The run is added to the lineage if it changed anything, and is
    /// marked as complete unless it was cut short. `before`: the records from before the run.
    pub(super) async fn close(
        &mut self,
        store: &dyn CollectionWriter,
        end: RunEnd,
        before: &[DocumentRecord],
    ) -> Result<(), BackendError> {
        let (mut kept, run) = (std::mem::take(&mut self.kept), self.run.clone());
        let sum = std::mem::take(&mut self.sum);
        let close = |manifest: &mut Manifest, all: &[DocumentRecord]| {
            if run.partition.is_some() {
                kept.spare(all);
            }
            *manifest = kept.noted(manifest.clone());
            let before = if run.partition.is_some() { all } else { before };
            (manifest.languages, manifest.content_hash) = sum.up(before);
            if end != RunEnd::CutShort {
                manifest.complete(run.partition);
            }
            if end != RunEnd::Unchanged {
                manifest.runs.push(run);
                let surplus = manifest.runs.len().saturating_sub(Manifest::MAX_RUNS);
                manifest.runs.drain(..surplus);
            }
        };
        self.change(store, close, true).await?;
        self.open = false;
        Ok(())
    }
}

/// Checks that a collection that another partition has created is built as this run would build it.
fn check_same(own: &Manifest, there: &Manifest, endpoint: &str) -> Result<(), BackendError> {
    let words = |manifest: &Manifest| {
        let SparseId { model, revision, language, .. } = &manifest.sparse;
        (model.clone(), *revision, language.clone())
    };
    let differs = [
        (own.embedder != there.embedder, "embedder"),
        (own.chunker != there.chunker, "chunk size"),
        (words(own) != words(there), "language"),
    ];
    match differs.into_iter().find(|(differs, _)| *differs) {
        None => Ok(()),
        Some((_, what)) => {
            let message = format!(
                "another partition has created the collection with a different {what}: run all partitions with the same settings"
            );
            Err(BackendError::new(ExternalService::Store, Fault::Taken, endpoint, &message))
        }
    }
}

/// The language with the most documents; the default language if there are no documents.
fn most<'a>(spoken: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (language, documents) in spoken {
        *counts.entry(language).or_default() += documents;
    }
    let most = counts.into_iter().max_by_key(|(_, documents)| *documents);
    most.map_or(sparse::LANGUAGE, |(language, _)| language).to_owned()
}

/// The current time: RFC 3339, UTC, to the second.
pub(super) fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
