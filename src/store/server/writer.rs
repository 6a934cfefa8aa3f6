//! Write access to one version of a collection.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use uuid::Uuid;

use super::deleting::DeleteTarget;
use super::lease::parts::{have_stated, stated};
use super::link::or_missing;
use super::physical::{Physical, Successor};
use super::{description, lease, wire};
use crate::error::{BackendError, Fault};
use crate::store::{Change, CollectionReader, CollectionWriter, FormerVersion, Intent, Receipt};
use crate::types::{DocumentRecord, FailureRecord, IngestRun, Manifest, Point, VersionEvent};

/// Number of documents deleted together.
const BATCH: usize = 512;

impl Physical {
    async fn check(&self) -> Result<(), BackendError> {
        lease::check(&self.right()?.lease).await.map(|_| ())
    }

    /// Writes the manifest into a point, and then tells readers of it.
    pub(super) async fn put_state(&self, manifest: &Manifest) -> Result<(), BackendError> {
        let point = description::state_point(&self.named().physical(), manifest);
        let point = point.map_err(|why| self.store.error(Fault::Permanent, &why))?;
        self.write_whole(vec![point]).await?;
        let right = self.right()?;
        if right.sharing.is_some() {
            have_stated(right.of_whole()).await;
        }
        if !self.has_state.load(Ordering::Acquire) {
            self.store.announce_state(&self.target()).await?;
            self.has_state.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn unpublished(&self) -> Result<&Successor, BackendError> {
        self.whole()?;
        let successor = self.successor.as_ref().filter(|_| !self.is_published());
        successor
            .ok_or_else(|| self.store.error(Fault::Permanent, "only a successor can be published"))
    }

    /// Fails where no other version can take the name.
    fn may_lose_name(&self) -> Result<(), BackendError> {
        if self.called.is_none() {
            return Ok(());
        }
        let name = &self.store.name;
        let message = format!(
            "collection {name:?} was recovered from a snapshot under this name, which no alias can have while it exists: it can be searched and synced, but not rebuilt. Recover the snapshot as \"{name}@v1\" instead"
        );
        Err(self.store.error(Fault::Taken, &message))
    }

    async fn become_the_collection(&self, keep: usize) -> Result<(), BackendError> {
        lease::note(self.right()?.of_whole(), self.number()).await?;
        let former = self.replaces().map(|number| self.store.version(number));
        if let Some(former) = &former {
            self.store.retire(former, keep > 0).await?;
        }
        self.store.point_to(&self.target(), former.as_deref()).await?;
        if former.is_none() && !self.is_published() {
            // If this is cut off before, the version has its name, and the note that it is being filled is
            // meaningless.
            self.store.note_filled(&self.target()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl CollectionWriter for Physical {
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        let target = self.target();
        let Some(info) = self.store.info(&target).await? else { return Ok(None) };
        let right = self.right()?;
        let stated = stated(right.of_whole()).await;
        let mut manifest = self.store.manifest_since(&target, &info, stated).await?;
        let last = manifest.runs.last().cloned();
        let is_complete = manifest.unfinished_of(right.partition()).is_none();
        if let Some(last) = last.filter(|_| is_complete)
            && lease::is_unsettled(&right.lease).await
        {
            // The former holder of the lease may have changed late what that run left alone: everything is
            // compared, as after a run that was cut off.
            manifest.begin(&IngestRun { partition: right.partition(), ..last });
        }
        Ok(Some(manifest))
    }

    async fn begin_turn(&self) -> Result<(), BackendError> {
        self.take_turn().await
    }

    async fn end_turn(&self) -> Result<(), BackendError> {
        self.give_turn().await
    }

    async fn reader(&self) -> Result<Option<CollectionReader>, BackendError> {
        self.store.reader().await
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        Ok(self.store.config(&self.target()).await?.map(|_| self.number()))
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.store.may_make()?;
        self.check().await?;
        self.check_turn()?;
        if self.store.config(&self.target()).await?.is_some() {
            let message = format!("collection {:?} exists already", self.store.name);
            return Err(self.store.error(Fault::Permanent, &message));
        }
        let noted = lease::noted(self.right()?.of_whole()).await;
        let number = self.store.highest().await?.max(noted) + 1;
        self.number.store(number, Ordering::Release);
        if let Some(replaced) = self.replaces() {
            self.store.note_beside(&self.store.version(replaced), &[number]).await?;
        }
        let pending = self.replaces().is_none() && !self.is_published();
        self.store.create_physical(number, manifest, self.replaces(), pending).await?;
        if self.replaces().is_some() {
            return Ok(());
        }
        if self.is_published() {
            self.become_the_collection(0).await?;
        }
        if number > 1 {
            // Left by a run that was cut off here; it is in nobody's way.
            let _ = self.store.remove_unnamed(number, &manifest.owner).await;
        }
        Ok(())
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.check_turn()?;
        let right = self.right()?;
        let is_complete = manifest.unfinished_of(right.partition()).is_none();
        if is_complete {
            self.tell_nothing(manifest.unfinished.is_none()).await?;
        }
        right.pipeline.settle().await?;
        self.check().await?;
        if is_complete {
            // See `Self::manifest`: only a run that compared everything gets to this point.
            lease::compared(&right.lease).await;
        }
        // In a point, a process that was thought to have ended can't undo what others have noted since.
        if right.sharing.is_some() {
            return self.put_state(manifest).await;
        }
        if self.store.rights.are_scoped() || self.has_state.load(Ordering::Acquire) {
            return self.put_state(manifest).await;
        }
        let put = self.store.put_metadata(&self.target(), self.number(), manifest).await;
        or_missing(put)?.ok_or_else(|| self.missing())
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        let right = self.whole()?;
        if self.is_aside() {
            let message = "a version that was set aside is not dropped";
            return Err(self.store.error(Fault::Permanent, message));
        }
        // Whatever their outcome.
        right.pipeline.close().await;
        self.check().await?;
        let (target, store) = (self.target(), &self.store);
        let Some(info) = store.info(&target).await? else { return Ok(()) };
        let aliases = store.aliases().await?.into_iter();
        let mut aliases = aliases.filter(|alias| alias.collection_name == target);
        if let Some(other) = aliases.find(|alias| alias.alias_name != store.name) {
            let (name, other) = (&store.name, other.alias_name);
            let message = format!(
                "collection {name:?} is not removed: it also has the alias {other:?}, which would be removed with it"
            );
            return Err(store.error(Fault::Taken, &message));
        }
        let owner = store.manifest_in(&target, &info).await?.owner;
        if self.is_published() {
            // Before the live one: if this is cut off here, the collection still exists.
            store.remove_kept(&owner).await?;
        }
        // The alias is removed with it.
        if store.delete_physical(&target, &owner).await? {
            Ok(())
        } else {
            Err(store.foreign().await)
        }
    }

    async fn begin(&self) -> Change {
        // Readers are asked to ignore what is under way, and nobody waits.
        Change(None)
    }

    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError> {
        self.tell(documents).await
    }

    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError> {
        self.tell_done(sources).await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.write(points.into_iter().map(wire::chunk_point).collect()).await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        self.write_after(records.iter().cloned().map(wire::document_point).collect())
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        self.delete_after(DeleteTarget::Chunks { sources: sources.to_vec(), but: keep.to_vec() })
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.tell_deleted(batch).await?;
            self.delete_after(DeleteTarget::points(batch.iter().map(|s| DocumentRecord::id(s))))?;
            self.delete_after(DeleteTarget::Chunks { sources: batch.to_vec(), but: Vec::new() })?;
            self.tell_done(batch).await?;
        }
        Ok(())
    }

    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        self.write_after(records.iter().cloned().map(wire::failure_point).collect())
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.delete_after(DeleteTarget::points(batch.iter().map(|s| FailureRecord::id(s))))?;
        }
        Ok(())
    }

    fn receipt(&self) -> Receipt {
        self.right.as_ref().map_or_else(Receipt::default, |right| right.pipeline.receipt())
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.right()?.pipeline.settle().await
    }

    /// What is applied is durable, and failures surface in the next calls.
    async fn checkpoint(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The server optimizes by itself.
    async fn optimize(&self) -> Result<(), BackendError> {
        self.flush().await
    }

    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        self.store.may_make()?;
        self.check().await?;
        if !self.is_published() {
            let message = "a version that is not published has no successor";
            return Err(self.store.error(Fault::Permanent, message));
        }
        self.may_lose_name()?;
        let right = Some(Arc::clone(self.whole()?));
        let successor = Successor { replaces: self.number(), ..Successor::default() };
        Ok(Arc::new(Self::of(&self.store, None, right, Some(successor))))
    }

    async fn resume(&self, run: Uuid) -> Result<Option<Arc<dyn CollectionWriter>>, BackendError> {
        self.store.may_make()?;
        self.check().await?;
        let left = self.left_by(run).await?;
        Ok(left.map(|left| Arc::new(left) as Arc<dyn CollectionWriter>))
    }

    async fn publish(&self, keep: usize) -> Result<(), BackendError> {
        let successor = self.unpublished()?;
        self.flush().await?;
        self.check().await?;
        self.become_the_collection(keep).await?;
        successor.published.store(true, Ordering::Release);
        self.tidy_versions(keep).await;
        Ok(())
    }

    async fn set_aside(&self, aside: FormerVersion, keep: usize) -> Result<(), BackendError> {
        let successor = self.unpublished()?;
        self.flush().await?;
        self.check().await?;
        self.stay_beside(aside).await?;
        successor.aside.store(true, Ordering::Release);
        successor.published.store(true, Ordering::Release);
        self.tidy_versions(keep).await;
        Ok(())
    }

    async fn switch(&self, number: u32) -> Result<(), BackendError> {
        self.whole()?;
        self.store.may_make()?;
        self.check().await?;
        self.may_lose_name()?;
        self.give_name_to(number).await
    }

    async fn beside(&self, number: u32) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        self.whole()?;
        self.check().await?;
        Ok(Arc::new(self.numbered(number).await?))
    }

    /// Chunks that runs have kept are deleted, too. The server rewrites its segments and shortens its log in
    /// its own time.
    async fn scrub(&self) -> Result<(), BackendError> {
        self.whole()?;
        self.tell_nothing(true).await?;
        self.flush().await
    }

    fn files(&self) -> Option<PathBuf> {
        None
    }

    async fn remove_versions(&self, numbers: &[u32]) -> Result<(), BackendError> {
        self.whole()?;
        self.store.may_make()?;
        self.check().await?;
        self.remove_numbered(numbers).await
    }

    async fn log_version(&self, event: &VersionEvent) -> Result<(), BackendError> {
        self.check().await?;
        self.store.put_event(event).await
    }

    async fn close(&self) -> Result<(), BackendError> {
        let Some(right) = &self.right else { return Ok(()) };
        if right.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let settled = right.pipeline.settle().await;
        right.pipeline.close().await;
        let _ = right.end_turn().await;
        if let Some(held) = right.lease.lock().await.take() {
            // The lease runs out by itself.
            let _ = held.give_back().await;
        }
        settled
    }
}
