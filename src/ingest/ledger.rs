//! The manifest of a collection while a run changes it.
//!
//! It names the run from before the first change until after the last: a manifest that still does
//! when nobody writes was left by a run that was cut off.

use std::collections::HashSet;

use crate::error::{BackendError, Fault, Service};
use crate::store::CollectionWriter;
use crate::types::{Manifest, Run, Site, SparseId};

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

pub(super) struct Ledger {
    /// `None` until the collection is created.
    manifest: Option<Manifest>,
    pub run: Run,
    kept: Kept,
    open: bool,
    /// This run has made the collection.
    pub created: bool,
}

impl Ledger {
    pub(super) fn new(manifest: Option<Manifest>, run: Run, kept: Kept) -> Self {
        Self { manifest, run, kept, open: false, created: false }
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

/// RFC 3339, UTC, to the second.
pub(super) fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
