//! The writer's operations on a version.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedRwLockWriteGuard;
use uuid::Uuid;

use super::{BATCH, Role, VersionView};
use crate::error::{BackendError, Fault};
use crate::store::edge::layout::{self, EdgeLayout};
use crate::store::edge::lock_turns::WaitPolicy;
use crate::store::edge::open_shard::OpenShard;
use crate::store::edge::problem::EdgeProblem;
use crate::store::edge::shards::Shards;
use crate::store::edge::{engine, log, marks, space_checks, versions};
use crate::store::payload;
use crate::store::{Change, CollectionReader, CollectionWriter, FormerVersion, Intent, Receipt};
use crate::types::{DocumentRecord, FailureRecord, Manifest, Point, VersionEvent};

impl VersionView {
    /// Ends the building of a successor: from then on others can find it. The writer learns of it before the
    /// shards are unlocked.
    async fn conclude<F>(&self, op: F) -> Result<OwnedRwLockWriteGuard<Shards>, BackendError>
    where
        F: FnOnce(&EdgeLayout, u32) -> Result<(), EdgeProblem> + Send + 'static,
    {
        let (shared, writing) = (&self.shared, self.writing()?);
        let number = writing
            .reserved()
            .filter(|_| writing.is_private())
            .ok_or_else(|| shared.error(Fault::Permanent, "only a successor can be published"))?;
        let mut shards = Arc::clone(&shared.shards).write_owned().await;
        shared.unload(&mut shards, |other, _| other == number).await?;
        let layout = shared.layout.clone();
        shared.blocking(move || op(&layout, number)).await?;
        Ok(shards)
    }
}

#[async_trait]
impl CollectionWriter for VersionView {
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        let Some(number) = self.number() else { return Ok(None) };
        let layout = self.shared.layout.clone();
        self.shared.blocking(move || Ok(layout::read_manifest(&layout.version(number))?)).await
    }

    async fn reader(&self) -> Result<Option<CollectionReader>, BackendError> {
        Self::of_the_version_in_use(&self.shared).await
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        Ok(self.number())
    }

    /// There is only one writer.
    async fn begin_turn(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn end_turn(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        let (shared, writing) = (&self.shared, self.writing()?);
        let mut shards = Arc::clone(&shared.shards).write_owned().await;
        if writing.number().is_some() {
            return Err(shared.error(Fault::Permanent, "the collection exists already"));
        }
        let private = writing.is_private();
        if !private {
            shared.lock(&mut shards).await?;
        }
        let (layout, manifest) = (shared.layout.clone(), manifest.clone());
        let (reserved, maker) = (writing.reserved().filter(|_| private), Arc::clone(shared));
        let create = move || {
            let number = reserved.map_or_else(|| versions::next(&layout), Ok)?;
            let opened =
                versions::build(&layout, number, &manifest, private, maker.uncompacted(number))?;
            if !private {
                marks::point_to(&layout, number)?;
            }
            Ok((number, opened))
        };
        let created = shared.blocking(create).await;
        if created.is_err() {
            // Nothing is loaded that would need the lock.
            shared.unload(&mut shards, |_, _| false).await?;
        }
        let (number, opened) = created?;
        shards.insert(number, opened);
        writing.set_number(Some(number));
        Ok(())
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.writing()?;
        let number = self.number().ok_or_else(|| self.missing())?;
        let (version, manifest) = (self.shared.layout.version(number), manifest.clone());
        // The shard may be in another process's turn: the manifest beside it does not need it.
        let shards = Arc::clone(&self.shared.shards).read_owned().await;
        let put = move || {
            layout::write_manifest(&version, &manifest).map_err(|e| e.to_string())?;
            if let Some(opened) = shards.get(number) {
                opened.set_manifest(manifest);
            }
            Ok(())
        };
        self.shared.blocking(put).await
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        let (shared, writing) = (&self.shared, self.writing()?);
        let Some(number) = writing.number() else { return Ok(()) };
        if writing.is_aside() {
            return Err(
                shared.error(Fault::Permanent, "a version that was set aside is not dropped")
            );
        }
        let mut shards = Arc::clone(&shared.shards).write_owned().await;
        let private = writing.is_private();
        if !private {
            shared.lock(&mut shards).await?;
        }
        // A removed version need not be flushed.
        let doomed = |other, opened: &OpenShard| {
            if private { other == number } else { !opened.is_private() }
        };
        let lock = if private { None } else { shards.take_lock() };
        let _ = shared.unload(&mut shards, doomed).await;
        let layout = shared.layout.clone();
        let remove = move |layout: &EdgeLayout| {
            if private {
                versions::remove_private(layout, number)
            } else {
                versions::remove(layout)
            }
        };
        shared.blocking(move || remove(&layout)).await?;
        drop(lock);
        writing.set_number(None);
        Ok(())
    }

    async fn begin(&self) -> Change {
        // Nobody else sees a version that is not published.
        let private = matches!(&self.role, Role::Writer(writing) if writing.is_private());
        if private {
            return Change(None);
        }
        Change(Some(Arc::clone(&self.shared.changes).read_owned().await))
    }

    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError> {
        // Nobody else sees a version that is not published.
        if self.writing()?.is_private() {
            return Ok(());
        }
        let documents = documents.to_vec();
        self.on_existing(move |opened| Ok(opened.will_store(documents)?)).await
    }

    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError> {
        self.writing()?;
        let sources = sources.to_vec();
        self.on((), move |opened| Ok(opened.have_stored(&sources)?)).await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.writing()?;
        if points.is_empty() {
            return Ok(());
        }
        self.on_existing(move |opened| {
            space_checks::to_write(opened.version())?;
            let ids: Vec<Uuid> = points.iter().map(|point| point.chunk.id()).collect();
            opened.put(&ids, |shard| engine::upsert_chunks(shard, points))?;
            opened.wrote(ids.len());
            Ok(())
        })
        .await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        let payload = |record: &DocumentRecord| payload::of_document(record.clone());
        self.put(records.iter().map(|r| (DocumentRecord::id(&r.source), payload(r))).collect())
            .await
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        self.writing()?;
        let (sources, keep) = (sources.to_vec(), keep.to_vec());
        self.on((), move |opened| {
            space_checks::to_open(&layout::shard(opened.version()))?;
            Ok(opened.delete(|shard| engine::delete_chunks(shard, &sources, &keep))?)
        })
        .await
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        self.writing()?;
        let sources = sources.to_vec();
        self.on((), move |opened| {
            for batch in sources.chunks(BATCH) {
                space_checks::to_open(&layout::shard(opened.version()))?;
                let ids: Vec<Uuid> = batch.iter().map(|s| DocumentRecord::id(s)).collect();
                opened.delete(|shard| engine::delete_records(shard, &ids))?;
                // Without their records, the rest of the documents is not seen.
                opened.flush()?;
                opened.delete(|shard| engine::delete_chunks(shard, batch, &[]))?;
            }
            Ok(())
        })
        .await
    }

    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        let payload = |record: &FailureRecord| payload::of_failure(record.clone());
        self.put(records.iter().map(|r| (FailureRecord::id(&r.source), payload(r))).collect()).await
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        self.writing()?;
        if sources.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = sources.iter().map(|source| FailureRecord::id(source)).collect();
        self.on((), move |opened| Ok(opened.delete(|shard| engine::delete_records(shard, &ids))?))
            .await
    }

    fn receipt(&self) -> Receipt {
        Receipt::signed()
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.on_loaded(OpenShard::flush).await
    }

    async fn checkpoint(&self) -> Result<(), BackendError> {
        self.on_loaded(OpenShard::checkpoint).await
    }

    async fn optimize(&self) -> Result<(), BackendError> {
        self.writing()?;
        self.on((), |opened| Ok(opened.optimize()?)).await
    }

    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        let successor = self.writing()?.successor().await?;
        Ok(Arc::new(Self::written(&self.shared, successor)))
    }

    async fn resume(&self, run: Uuid) -> Result<Option<Arc<dyn CollectionWriter>>, BackendError> {
        let Some(left) = self.writing()?.resume(run).await? else { return Ok(None) };
        Ok(Some(Arc::new(Self::written(&self.shared, left))))
    }

    async fn publish(&self, keep: usize) -> Result<(), BackendError> {
        let publish = move |layout: &EdgeLayout, number| marks::publish(layout, number, keep);
        let shards = self.conclude(publish).await?;
        self.writing()?.set_published();
        drop(shards);
        // Another process may still be reading what is left over.
        self.shared.remove_others(WaitPolicy::NONE).await;
        Ok(())
    }

    async fn set_aside(&self, aside: FormerVersion, keep: usize) -> Result<(), BackendError> {
        let set_aside =
            move |layout: &EdgeLayout, number| marks::set_aside(layout, number, aside, keep);
        let shards = self.conclude(set_aside).await?;
        self.writing()?.set_aside();
        drop(shards);
        self.shared.remove_others(WaitPolicy::NONE).await;
        Ok(())
    }

    async fn switch(&self, number: u32) -> Result<(), BackendError> {
        self.writing()?;
        let layout = self.shared.layout.clone();
        self.shared.blocking(move || marks::switch(&layout, number)).await
    }

    async fn beside(&self, number: u32) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        let other = self.writing()?.beside(number).await?;
        Ok(Arc::new(Self::written(&self.shared, other)))
    }

    async fn scrub(&self) -> Result<(), BackendError> {
        self.writing()?;
        self.on((), |opened| Ok(opened.scrub()?)).await
    }

    fn files(&self) -> Option<PathBuf> {
        self.number().map(|number| self.shared.layout.version(number))
    }

    async fn remove_versions(&self, numbers: &[u32]) -> Result<(), BackendError> {
        self.writing()?;
        let (shared, numbers) = (&self.shared, numbers.to_vec());
        let mut shards = Arc::clone(&shared.shards).write_owned().await;
        // All of them are under one lock.
        shared.unload(&mut shards, |_, opened| !opened.is_private()).await?;
        let remove = move |layout: &EdgeLayout| marks::remove(layout, &numbers);
        shared.when_free(shared.wait_policy(), remove).await
    }

    async fn log_version(&self, event: &VersionEvent) -> Result<(), BackendError> {
        self.writing()?;
        let (layout, event) = (self.shared.layout.clone(), event.clone());
        let append = move || {
            log::append(&layout, &event)
                .map_err(|error| format!("can't write the log of versions: {error}"))?;
            Ok(())
        };
        self.shared.blocking(append).await
    }

    async fn close(&self) -> Result<(), BackendError> {
        let Role::Writer(writing) = &self.role else { return Ok(()) };
        if !writing.is_open() {
            return Ok(());
        }
        let failed = writing.check();
        let mut shards = Arc::clone(&self.shared.shards).write_owned().await;
        // A shard that was not changed is left to readers.
        let is_over = |_, opened: &OpenShard| opened.has_changed() || opened.is_private();
        let closed = self.shared.unload(&mut shards, is_over).await;
        drop(shards);
        // A rebuild reads the version that it replaces until its end.
        self.shared.remove_others(WaitPolicy::NONE).await;
        writing.end().await;
        failed.and(closed)
    }
}
