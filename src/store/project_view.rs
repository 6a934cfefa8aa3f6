//! A collection as seen by one of the projects that ingest into it: it sees its own documents, failures and
//! inputs, and none of the other projects'. So whatever a run concludes from what it sees, it changes and
//! deletes only what is its own.
//!
//! Chunks are not separated: a search finds those of all projects. Chunks belong to documents, and every
//! source belongs to one project.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Change, ChunkList, ChunkPage, CollectionReader, CollectionWriter, ForeignPoints, FormerVersion,
    Intent, Legs, PointList, Receipt, SearchRequest, VectorStore,
};
use crate::error::{BackendError, ExternalService, Fault};
use crate::types::{
    ChunkTally, ContentHash, DocumentRecord, FailureRecord, GuestProject, IngestRun, Manifest,
    Ownership, Point, Site, VersionEvent,
};

/// The part of a collection that belongs to a project.
#[derive(Clone, Default)]
pub struct ProjectView {
    project: String,
    ownership: Ownership,
    /// Documents of other projects, by source.
    others: Arc<HashMap<String, DocumentRecord>>,
    /// Sources of other projects that could not be ingested.
    failed_others: Arc<HashSet<String>>,
    /// The manifest as read: it has the owner's inputs and the unfinished run.
    manifest: Option<Arc<Manifest>>,
    /// Whether a run of another project has left documents that only that project can repair.
    damaged_others: Arc<AtomicBool>,
}

impl ProjectView {
    /// The part of `project` in a collection with this manifest, if it exists yet. Reads all records where
    /// other projects may have some.
    ///
    /// # Errors
    /// The store fails.
    pub async fn of(
        project: &str,
        ownership: Ownership,
        manifest: Option<&Manifest>,
        store: &dyn VectorStore,
    ) -> Result<Self, BackendError> {
        let manifest = manifest.cloned().map(Arc::new);
        let part = Self { project: project.to_owned(), ownership, manifest, ..Self::default() };
        let alone = part.ownership.is_owner(project) && part.ownership.guests.is_empty();
        if alone || part.manifest.is_none() {
            return Ok(part);
        }
        let documents = store.documents().await?.into_iter();
        let others = documents.filter(|record| !part.has(record.project.as_deref()));
        let others = others.map(|record| (record.source.clone(), record)).collect();
        let failures = store.failures().await?.into_iter();
        let failed = failures.filter(|failure| !part.has(failure.project.as_deref()));
        let failed = failed.map(|failure| failure.source).collect();
        Ok(Self { others: Arc::new(others), failed_others: Arc::new(failed), ..part })
    }

    /// Who owns the collection from now on.
    pub fn ownership(&self) -> &Ownership {
        &self.ownership
    }

    /// Documents of other projects: source and project.
    pub fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        let whose = self.ownership.project.as_deref().unwrap_or_default();
        self.others.iter().map(move |(source, record)| {
            (source.as_str(), record.project.as_deref().unwrap_or(whose))
        })
    }

    /// A writer that sees the collection as the project does.
    pub fn written(self, writer: Arc<dyn CollectionWriter>) -> Arc<dyn CollectionWriter> {
        Arc::new(ProjectScoped { store: writer, part: self })
    }

    /// A reader that sees the collection as the project does.
    pub fn read(self, reader: &CollectionReader) -> CollectionReader {
        let manifest = Arc::new(self.own((**reader.manifest()).clone()));
        let store = Arc::clone(reader.store());
        CollectionReader::new(
            reader.version(),
            manifest,
            Arc::new(ProjectScoped { store, part: self }),
        )
    }

    fn has(&self, by: Option<&str>) -> bool {
        self.ownership.is_of(&self.project, by)
    }

    fn is_guest(&self) -> bool {
        !self.ownership.is_owner(&self.project)
    }

    /// The manifest with the inputs of the project in place of those of the owner.
    fn own(&self, mut manifest: Manifest) -> Manifest {
        if self.is_guest() {
            let guest = manifest.owner.guests.iter().find(|it| it.project == self.project);
            (manifest.roots, manifest.sites) =
                guest.map_or_else(Default::default, |it| (it.roots.clone(), it.sites.clone()));
        }
        manifest
    }

    /// Undoes [`ProjectView::own`], and keeps the work that a run of another project has left unfinished.
    fn whole(&self, manifest: &Manifest) -> Manifest {
        let mut whole = Manifest { owner: self.ownership.clone(), ..manifest.clone() };
        if self.is_guest() {
            let (roots, sites) = self.inputs_of_owner();
            let roots = std::mem::replace(&mut whole.roots, roots);
            let sites = std::mem::replace(&mut whole.sites, sites);
            whole.owner.guests.retain(|guest| guest.project != self.project);
            whole.owner.guests.push(GuestProject { project: self.project.clone(), roots, sites });
        }
        if !self.others.is_empty() {
            // The hash over other projects' documents is known only to their runs.
            whole.content_hash = None;
        }
        if whole.unfinished.is_none() && self.damaged_others.load(Ordering::Relaxed) {
            whole.unfinished = self.unfinished();
        }
        whole
    }

    fn inputs_of_owner(&self) -> (Vec<String>, Vec<Site>) {
        let manifest = self.manifest.as_ref();
        manifest.map_or_else(Default::default, |it| (it.roots.clone(), it.sites.clone()))
    }

    fn unfinished(&self) -> Option<IngestRun> {
        self.manifest.as_ref()?.unfinished.clone()
    }

    /// Notes whether the stored chunks of other projects disagree with their records.
    fn audit(&self, tally: &[ChunkTally]) {
        let mut stored: HashMap<&str, Vec<(&ContentHash, u32)>> = HashMap::new();
        for row in tally {
            stored.entry(&row.source).or_default().push((&row.document_hash, row.chunks));
        }
        let is_damaged = |record: &DocumentRecord| {
            let found = stored.get(record.source.as_str()).map_or(&[][..], Vec::as_slice);
            found != [(&record.document_hash, record.chunks)]
        };
        if self.others.values().any(is_damaged) {
            self.damaged_others.store(true, Ordering::Relaxed);
        }
    }

    fn not_of_others(&self, sources: &[String]) -> Vec<String> {
        sources.iter().filter(|source| !self.others.contains_key(*source)).cloned().collect()
    }
}

/// A store, restricted to a part of it.
struct ProjectScoped<S: ?Sized> {
    store: Arc<S>,
    part: ProjectView,
}

impl<S: VectorStore + ?Sized> ProjectScoped<S> {
    fn refuse(&self, why: &str) -> BackendError {
        BackendError::new(ExternalService::Store, Fault::Taken, self.store.endpoint(), why)
    }

    fn check<'a>(&self, mut sources: impl Iterator<Item = &'a str>) -> Result<(), BackendError> {
        match sources.find(|source| self.part.others.contains_key(*source)) {
            Some(source) => Err(self.refuse(&format!("{source} is a document of another project"))),
            None => Ok(()),
        }
    }

    /// Only the owner decides which version is live.
    fn check_owner(&self) -> Result<(), BackendError> {
        if self.part.is_guest() {
            return Err(self.refuse("the collection belongs to another project"));
        }
        Ok(())
    }

    /// What affects a collection as a whole would also affect the documents of other projects.
    fn check_alone(&self) -> Result<(), BackendError> {
        if self.part.others.is_empty() {
            return Ok(());
        }
        let count = self.part.others.len();
        Err(self.refuse(&format!(
            "the collection has {count} documents of other projects, which this would change too"
        )))
    }
}

#[async_trait]
impl<S: VectorStore + ?Sized> VectorStore for ProjectScoped<S> {
    fn endpoint(&self) -> &str {
        self.store.endpoint()
    }

    async fn open(&self) -> Result<(), BackendError> {
        self.store.open().await
    }

    async fn verify(&self) -> Result<(), BackendError> {
        self.store.verify().await
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        let mut documents = self.store.documents().await?;
        documents.retain(|record| self.part.has(record.project.as_deref()));
        Ok(documents)
    }

    async fn tally(&self) -> Result<Vec<ChunkTally>, BackendError> {
        let mut tally = self.store.tally().await?;
        self.part.audit(&tally);
        tally.retain(|row| !self.part.others.contains_key(&row.source));
        Ok(tally)
    }

    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        let mut failures = self.store.failures().await?;
        failures.retain(|failure| self.part.has(failure.project.as_deref()));
        Ok(failures)
    }

    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        self.store.vectors(hashes).await
    }

    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError> {
        self.store.search(request).await
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        self.store.chunks(request).await
    }

    async fn points(&self, request: ChunkPage) -> Result<PointList, BackendError> {
        self.store.points(request).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.store.count_chunks().await
    }

    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError> {
        self.store.foreign_points().await
    }
}

#[async_trait]
impl CollectionWriter for ProjectScoped<dyn CollectionWriter> {
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        Ok(self.store.manifest().await?.map(|manifest| self.part.own(manifest)))
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        self.store.version().await
    }

    async fn reader(&self) -> Result<Option<CollectionReader>, BackendError> {
        self.store.reader().await
    }

    async fn begin_turn(&self) -> Result<(), BackendError> {
        self.store.begin_turn().await
    }

    async fn end_turn(&self) -> Result<(), BackendError> {
        self.store.end_turn().await
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.store.create(&self.part.whole(manifest)).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.store.put_manifest(&self.part.whole(manifest)).await
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        self.check_alone()?;
        self.store.drop_collection().await
    }

    async fn begin(&self) -> Change {
        self.store.begin().await
    }

    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError> {
        self.check(documents.iter().map(|intent| intent.source.as_str()))?;
        self.store.will_store(documents).await
    }

    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError> {
        self.store.have_stored(sources).await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.check(points.iter().map(|point| point.chunk.source.as_str()))?;
        self.store.upsert(points).await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        self.check(records.iter().map(|record| record.source.as_str()))?;
        let project = Some(self.part.project.clone());
        let stamp =
            |record: &DocumentRecord| DocumentRecord { project: project.clone(), ..record.clone() };
        self.store.put_documents(&records.iter().map(stamp).collect::<Vec<_>>()).await
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        match self.part.not_of_others(sources).as_slice() {
            [] => Ok(()),
            own => self.store.delete_chunks(own, keep).await,
        }
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        self.store.delete_documents(&self.part.not_of_others(sources)).await
    }

    /// Skips sources at which another project has failed: the record stays that project's.
    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        let project = Some(self.part.project.clone());
        let is_free = |failure: &&FailureRecord| {
            !self.part.failed_others.contains(&failure.source)
                && !self.part.others.contains_key(&failure.source)
        };
        let stamp =
            |record: &FailureRecord| FailureRecord { project: project.clone(), ..record.clone() };
        let own: Vec<FailureRecord> = records.iter().filter(is_free).map(stamp).collect();
        self.store.put_failures(&own).await
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        let own = sources.iter().filter(|source| !self.part.failed_others.contains(*source));
        self.store.delete_failures(&own.cloned().collect::<Vec<_>>()).await
    }

    fn receipt(&self) -> Receipt {
        self.store.receipt()
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.store.flush().await
    }

    async fn checkpoint(&self) -> Result<(), BackendError> {
        self.store.checkpoint().await
    }

    async fn optimize(&self) -> Result<(), BackendError> {
        self.store.optimize().await
    }

    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        self.check_alone()?;
        Ok(self.part.clone().written(self.store.successor().await?))
    }

    async fn resume(&self, run: Uuid) -> Result<Option<Arc<dyn CollectionWriter>>, BackendError> {
        self.check_alone()?;
        let left = self.store.resume(run).await?;
        Ok(left.map(|left| self.part.clone().written(left)))
    }

    async fn publish(&self, keep: usize) -> Result<(), BackendError> {
        self.store.publish(keep).await
    }

    async fn set_aside(&self, aside: FormerVersion, keep: usize) -> Result<(), BackendError> {
        self.store.set_aside(aside, keep).await
    }

    async fn switch(&self, number: u32) -> Result<(), BackendError> {
        self.check_owner()?;
        self.check_alone()?;
        self.store.switch(number).await
    }

    async fn beside(&self, number: u32) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        Ok(self.part.clone().written(self.store.beside(number).await?))
    }

    async fn scrub(&self) -> Result<(), BackendError> {
        self.store.scrub().await
    }

    fn files(&self) -> Option<PathBuf> {
        self.store.files()
    }

    async fn remove_versions(&self, numbers: &[u32]) -> Result<(), BackendError> {
        self.check_owner()?;
        self.store.remove_versions(numbers).await
    }

    async fn log_version(&self, event: &VersionEvent) -> Result<(), BackendError> {
        self.check_owner()?;
        self.store.log_version(event).await
    }

    async fn close(&self) -> Result<(), BackendError> {
        self.store.close().await
    }
}

#[cfg(test)]
mod tests;
