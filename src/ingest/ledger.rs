//! The manifest of a collection while a run changes it.
//!
//! It names the run from before the first change until after the last: a manifest that still does
//! when nobody writes was left by a run that was cut off.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::embed::sparse;
use crate::error::{BackendError, Fault, Service};
use crate::store::CollectionWriter;
use crate::types::{
    ContentHash, DocumentRecord, Manifest, Run, Site, SparseId, content_of_documents,
};

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// It found nothing to change.
    Unchanged,
    Complete,
    /// It was told to stop; the next one does the rest.
    CutShort,
}

/// What a run keeps the collection in line with.
#[derive(Clone, Default)]
pub(super) struct Kept {
    /// As sources.
    pub roots: Vec<String>,
    pub sites: Vec<Site>,
    /// Roots and sites of earlier runs that are no more.
    pub lost: HashSet<String>,
}

impl Kept {
    /// A site that is there already keeps the wider reach of both.
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

/// What counts of a document for the collection.
struct Stored {
    /// Of its terms.
    language: String,
    content_hash: Option<ContentHash>,
}

pub(super) struct Ledger {
    /// `None` until the collection is created.
    manifest: Option<Manifest>,
    pub run: Run,
    kept: Kept,
    open: bool,
    /// Language of most documents, of those of which it can be told.
    usual: String,
    /// Documents that this run has stored, or taken out.
    changed: HashMap<String, Option<Stored>>,
    /// This run has made the collection.
    pub created: bool,
}

impl Ledger {
    pub(super) fn new(manifest: Option<Manifest>, run: Run, kept: Kept) -> Self {
        let spoken = manifest.iter().flat_map(|manifest| &manifest.languages);
        let usual = most(spoken.map(|(language, documents)| (language.as_str(), *documents)));
        Self { manifest, run, kept, open: false, usual, changed: HashMap::new(), created: false }
    }

    /// Told of the first documents of a collection.
    pub(super) fn begin_with<'r>(&mut self, records: impl Iterator<Item = &'r DocumentRecord>) {
        self.usual = most(records.filter_map(|record| Some((record.language.as_deref()?, 1))));
    }

    /// Language of most documents.
    pub(super) fn usual(&self) -> &str {
        &self.usual
    }

    pub(super) fn exists(&self) -> bool {
        self.manifest.is_some()
    }

    /// Whether there is something to write at the end: this run, or the one before that was cut
    /// off, has left a mark to be taken out, or there is something to note.
    pub(super) fn is_open(&self) -> bool {
        let left = |manifest: &Manifest| manifest.unfinished.is_some();
        self.open
            || self.manifest.as_ref().is_some_and(|manifest| {
                left(manifest) || self.kept.clone().noted(manifest.clone()) != *manifest
            })
    }

    pub(super) fn manifest(&self) -> Result<&Manifest, BackendError> {
        self.manifest.as_ref().ok_or_else(|| {
            let message = "the collection has not been created";
            BackendError::new(Service::Store, Fault::Permanent, "", message)
        })
    }

    /// Creates the collection, the run begun.
    pub(super) async fn create(
        &mut self,
        store: &dyn CollectionWriter,
        manifest: Manifest,
    ) -> Result<(), BackendError> {
        let manifest = Manifest { unfinished: Some(self.run.clone()), ..manifest };
        store.create(&manifest).await?;
        self.manifest = Some(manifest);
        (self.open, self.created) = (true, true);
        Ok(())
    }

    /// A collection without documents gets new sparse settings.
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

    /// Told before each change; writes before the first.
    pub(super) async fn open(&mut self, store: &dyn CollectionWriter) -> Result<(), BackendError> {
        if let Some(manifest) = self.manifest.as_mut().filter(|_| !self.open) {
            manifest.unfinished = Some(self.run.clone());
            store.put_manifest(manifest).await?;
            self.open = true;
        }
        Ok(())
    }

    /// Told before parts of documents are stored: whoever asks from now on asks in their languages, too.
    pub(super) async fn will_store<'r>(
        &mut self,
        store: &dyn CollectionWriter,
        records: impl Iterator<Item = &'r DocumentRecord>,
    ) -> Result<(), BackendError> {
        let Some(manifest) = &mut self.manifest else { return Ok(()) };
        let known = manifest.languages.len();
        for record in records {
            let language = sparse::language_of_terms(record, &self.usual);
            if !manifest.languages.contains_key(language) {
                manifest.languages.insert(language.to_owned(), 0);
            }
        }
        if manifest.languages.len() > known {
            store.put_manifest(manifest).await?;
        }
        Ok(())
    }

    /// Told of documents that are stored.
    pub(super) fn stored(&mut self, records: &[DocumentRecord]) {
        let stored = |record: &DocumentRecord| Stored {
            language: sparse::language_of_terms(record, &self.usual).to_owned(),
            content_hash: record.content_hash.clone(),
        };
        let stored = records.iter().map(|record| (record.source.clone(), Some(stored(record))));
        self.changed.extend(stored);
    }

    /// Told of documents that were taken out.
    pub(super) fn took_out(&mut self, sources: &[String]) {
        self.changed.extend(sources.iter().map(|source| (source.clone(), None)));
    }

    /// Counts the languages of what is stored, and says what it comes to; `before` was there when the run
    /// began.
    pub(super) fn sum_up(&mut self, before: &[DocumentRecord]) {
        let Some(manifest) = &mut self.manifest else { return };
        let stayed = before.iter().filter(|record| !self.changed.contains_key(&record.source));
        let changed = self.changed.iter().filter_map(|(source, it)| Some((source, it.as_ref()?)));
        let languages = stayed.clone().map(|it| sparse::language_of_terms(it, &self.usual));
        let languages = languages.chain(changed.clone().map(|(_, it)| it.language.as_str()));
        manifest.languages.clear();
        for language in languages {
            *manifest.languages.entry(language.to_owned()).or_default() += 1;
        }
        let stayed = stayed.map(|it| (it.source.as_str(), it.content_hash.as_ref()));
        let changed = changed.map(|(source, it)| (source.as_str(), it.content_hash.as_ref()));
        manifest.content_hash = content_of_documents(stayed.chain(changed));
    }

    /// After everything is durable: the run is part of the lineage if it changed anything, and done
    /// if it was not cut short.
    pub(super) async fn close(
        &mut self,
        store: &dyn CollectionWriter,
        end: End,
    ) -> Result<(), BackendError> {
        let Some(manifest) = self.manifest.take() else { return Ok(()) };
        let mut manifest = std::mem::take(&mut self.kept).noted(manifest);
        if end != End::CutShort {
            manifest.unfinished = None;
        }
        if end != End::Unchanged {
            manifest.runs.push(self.run.clone());
            let surplus = manifest.runs.len().saturating_sub(Manifest::MAX_RUNS);
            manifest.runs.drain(..surplus);
        }
        store.put_manifest(&manifest).await?;
        self.manifest = Some(manifest);
        self.open = false;
        Ok(())
    }
}

/// The language with the most documents; the default where there is none.
fn most<'a>(spoken: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (language, documents) in spoken {
        *counts.entry(language).or_default() += documents;
    }
    let most = counts.into_iter().max_by_key(|(_, documents)| *documents);
    most.map_or(sparse::LANGUAGE, |(language, _)| language).to_owned()
}

/// RFC 3339, UTC, to the second.
pub(super) fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
