//! A loaded shard, until it is closed. The process that loads it holds the lock of its collection.

mod seen;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use qdrant_edge::{EdgeShard, OperationError, OperationResult};
use uuid::Uuid;

pub(super) use self::seen::Viewer;
use super::compaction::Compaction;
use super::cutoff::{self, ReaderView};
use super::guard::{self, held};
use super::idf::Idf;
use super::record_cache::{self, Listing, RecordLine};
use super::{engine, in_progress, layout, mapped, sums, tuning};
use crate::heap;
use crate::types::Manifest;

pub(super) struct OpenShard {
    version: PathBuf,
    /// Manifest of the version, as far as known: after a collection was dropped, numbers are given again.
    manifest: Mutex<Option<Manifest>>,
    /// Whether the writer of the collection is among its users: only a writer tidies.
    written: AtomicBool,
    /// Whether no other process can find this version.
    private: bool,
    /// Shared by updates and reads. A flush needs it exclusively, without a compaction: the engine panics if
    /// one of its own locks is taken. `None` once closed.
    shard: RwLock<Option<Arc<EdgeShard>>>,
    compaction: Compaction,
    /// Points written since the last compaction, by any process that had the shard loaded.
    uncompacted: Arc<AtomicUsize>,
    /// Compactions since the shard was loaded.
    compactions: AtomicUsize,
    /// Whether the shard was changed since it was loaded or listed: then there is no listing beside it.
    changed: Mutex<bool>,
    idf: Mutex<Idf>,
    /// What readers see of it if its writer was killed.
    seen: Option<ReaderView>,
    /// Documents that the writer has stored only in part.
    under_way: Mutex<BTreeSet<String>>,
}

impl OpenShard {
    pub(super) fn create(
        version: &Path,
        dimensions: usize,
        uncompacted: Arc<AtomicUsize>,
    ) -> Result<Self, String> {
        let path = layout::shard(version);
        layout::create_private(&path).map_err(|error| error.to_string())?;
        mapped::watch();
        let shard = guard::run(|| tuning::create(&path, dimensions))?;
        let opened = Self::new(version, shard, uncompacted);
        opened.mark_written();
        opened.flush()?;
        Ok(opened)
    }

    pub(super) fn load(version: &Path, uncompacted: Arc<AtomicUsize>) -> Result<Self, String> {
        let path = layout::shard(version);
        if !path.is_dir() {
            return Err("the directory has no shard in it".to_owned());
        }
        mapped::watch();
        let shard = guard::run(|| tuning::load(&path))?;
        Ok(Self::new(version, shard, uncompacted))
    }

    fn new(version: &Path, shard: EdgeShard, uncompacted: Arc<AtomicUsize>) -> Self {
        Self {
            version: version.to_owned(),
            manifest: Mutex::default(),
            written: AtomicBool::new(false),
            private: false,
            shard: RwLock::new(Some(Arc::new(shard))),
            compaction: Compaction::default(),
            uncompacted,
            compactions: AtomicUsize::new(0),
            changed: Mutex::new(false),
            idf: Mutex::default(),
            seen: None,
            under_way: Mutex::new(in_progress::read(version)),
        }
    }

    pub(super) fn version(&self) -> &Path {
        &self.version
    }

    pub(super) fn set_manifest(&self, manifest: Manifest) {
        *held(&self.manifest) = Some(manifest);
    }

    /// Whether it is the version that `manifest` was read from.
    pub(super) fn is_built_as(&self, manifest: &Manifest) -> bool {
        held(&self.manifest).as_ref().is_some_and(|built| built.is_of_same_build(manifest))
    }

    /// The writer of the collection uses it from now on.
    pub(super) fn mark_written(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_writer(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn into_private(mut self) -> Self {
        self.private = true;
        self
    }

    pub(super) fn is_private(&self) -> bool {
        self.private
    }

    /// Whether it was changed since it was loaded or listed.
    pub(super) fn has_changed(&self) -> bool {
        *self.changed()
    }

    /// Runs a read.
    pub(super) fn with<T>(
        &self,
        op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
    ) -> Result<T, String> {
        run(self.shared().as_ref(), op)
    }

    /// The IDF of those terms that some chunk has, cached until the next write.
    pub(super) fn idf(&self, terms: &[u32]) -> Result<HashMap<u32, f32>, String> {
        let (mut found, unknown, of) = held(&self.idf).get(terms);
        if !unknown.is_empty() {
            let idf = |term| self.with(|shard| engine::idf(shard, term));
            for term in unknown {
                found.extend(idf(term)?.map(|idf| (term, idf)));
            }
            held(&self.idf).keep(&found, of);
        }
        Ok(found)
    }

    /// Writes points with these ids, concurrently with a compaction if all of them are new.
    pub(super) fn put<T>(
        &self,
        ids: &[Uuid],
        op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
    ) -> Result<T, String> {
        let shard = self.shared();
        self.will_change()?;
        if self.compaction.is_under_way()
            && run(shard.as_ref(), |shard| engine::has_any(shard, ids))?
        {
            self.compaction.wait()?;
        }
        let done = run(shard.as_ref(), op);
        held(&self.idf).forget();
        done
    }

    /// Deletes points.
    pub(super) fn delete<T>(
        &self,
        op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
    ) -> Result<T, String> {
        // In this order: whoever begins a compaction has the shard exclusively.
        let shard = self.shared();
        self.will_change()?;
        self.compaction.wait()?;
        let done = run(shard.as_ref(), op);
        held(&self.idf).forget();
        done
    }

    /// Removes the listings, once.
    fn will_change(&self) -> Result<(), String> {
        let mut changed = self.changed();
        if !*changed {
            sums::remove(&self.version)?;
            record_cache::remove(&self.version)?;
            *changed = true;
        }
        Ok(())
    }

    fn changed(&self) -> MutexGuard<'_, bool> {
        held(&self.changed)
    }

    /// All records of a kind. A writer leaves a listing of them for later readers.
    pub(super) fn records(&self, kind: &'static str) -> Result<Listing, String> {
        // Exclusively: nothing may change between reading and listing.
        let shard = self.alone()?;
        run(shard.as_ref(), |shard| {
            let listing = list(shard, kind)?;
            let may_list = self.has_writer() && !*self.changed();
            if may_list && guard::catch(|| shard.flush()).is_ok() {
                listing.keep(&self.version);
            }
            Ok(listing)
        })
    }

    /// Counts points written, for [`OpenShard::flush`].
    pub(super) fn wrote(&self, points: usize) {
        self.uncompacted.fetch_add(points, Ordering::Relaxed);
    }

    /// Like [`Self::flush`], but skips what would have to wait for a compaction and is not much yet.
    pub(super) fn checkpoint(&self) -> Result<(), String> {
        let little = self.uncompacted.load(Ordering::Relaxed) < tuning::FLUSH_AFTER;
        if little && self.compaction.goes_on() { Ok(()) } else { self.flush() }
    }

    /// Makes what was written durable, and begins a compaction if that was much.
    pub(super) fn flush(&self) -> Result<(), String> {
        let mut shard = self.alone()?;
        run(shard.as_ref(), |shard| {
            shard.flush();
            Ok(())
        })?;
        if self.compactions.load(Ordering::Relaxed) >= tuning::MERGE_AFTER {
            self.reload(&mut shard)?;
        }
        if self.uncompacted.load(Ordering::Relaxed) < tuning::COMPACT_AFTER {
            return Ok(());
        }
        let merges = self.compactions.fetch_add(1, Ordering::Relaxed) + 1 >= tuning::MERGE_AFTER;
        self.uncompacted.store(0, Ordering::Relaxed);
        heap::give_back();
        self.compaction.start(shard.as_ref().ok_or("closed")?, move |shard| {
            tuning::compact(shard)?;
            if merges { tuning::merge(shard) } else { Ok(()) }
        })
    }

    /// Frees the memory of files that were written, including the log: it is mapped too, and larger than all
    /// the data that resulted from it.
    fn reload(&self, shard: &mut Option<Arc<EdgeShard>>) -> Result<(), String> {
        unload(shard)?;
        let path = layout::shard(&self.version);
        let _ = layout::prune_log(&path);
        layout::remove_unmade(&path)?;
        *shard = Some(Arc::new(guard::run(|| tuning::load(&path))?));
        self.compactions.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Afterwards everything written before is durable, listed, and fast to search.
    pub(super) fn optimize(&self) -> Result<(), String> {
        let shard = self.alone()?;
        run(shard.as_ref(), |shard| {
            shard.flush();
            heap::give_back();
            tuning::finish(shard, engine::count_chunks(shard)?)?;
            shard.flush();
            *self.changed() = false;
            // The next run reads the listing, and this one has time.
            record_cache::KINDS.into_iter().try_for_each(|kind| {
                list(shard, kind)?.keep(&self.version);
                Ok(())
            })
        })?;
        self.uncompacted.store(0, Ordering::Relaxed);
        held(&self.idf).forget();
        cutoff::forget(&self.version);
        sums::write(&self.version);
        Ok(())
    }

    /// Erases deleted points from the files: their segments are rebuilt, and the log is removed.
    pub(super) fn scrub(&self) -> Result<(), String> {
        let mut shard = self.alone()?;
        self.will_change()?;
        run(shard.as_ref(), |shard| {
            shard.flush();
            heap::give_back();
            tuning::vacuum(shard)?;
            tuning::roll_log(shard)?;
            shard.flush();
            Ok(())
        })?;
        // Only reloading lets go of the former files.
        self.reload(&mut shard)?;
        drop(shard);
        self.optimize()
    }

    #[cfg(test)]
    pub(super) fn is_compacted(&self) -> bool {
        !self.compaction.is_under_way()
    }

    /// Runs `op` in place of a compaction.
    #[cfg(test)]
    pub(super) fn compact_by(&self, op: impl FnOnce() + Send + 'static) -> Result<(), String> {
        let shard = self.shared();
        self.compaction.start(shard.as_ref().ok_or("closed")?, |_| {
            op();
            Ok(())
        })
    }

    #[cfg(test)]
    pub(super) fn compacted(&self) -> Result<(), String> {
        self.compaction.wait()
    }

    fn shared(&self) -> RwLockReadGuard<'_, Option<Arc<EdgeShard>>> {
        self.shard.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shard, exclusively.
    fn alone(&self) -> Result<RwLockWriteGuard<'_, Option<Arc<EdgeShard>>>, String> {
        let shard = self.shard.write().unwrap_or_else(PoisonError::into_inner);
        self.compaction.wait().map(|()| shard)
    }

    /// Flushes and unloads.
    pub(super) fn close(self) -> Result<(), String> {
        self.unload()
    }

    fn unload(&self) -> Result<(), String> {
        // The shard is let go of in any case, after whatever is under way.
        let compacted = self.compaction.wait();
        let mut shard = self.shard.write().unwrap_or_else(PoisonError::into_inner);
        if unload(&mut shard)? && self.has_writer() {
            // What remains is removed the next time.
            let _ = layout::prune_log(&layout::shard(&self.version));
        }
        compacted
    }
}

impl Drop for OpenShard {
    fn drop(&mut self) {
        // Callers that need the result close or flush first.
        let _ = self.unload();
    }
}

/// Flushes the shard and lets go of it; returns whether there was one.
fn unload(shard: &mut Option<Arc<EdgeShard>>) -> Result<bool, String> {
    let Some(shard) = shard.take() else { return Ok(false) };
    // It flushes when it is dropped, and panics if that fails.
    guard::catch(|| drop(shard))?;
    Ok(true)
}

fn list(shard: &EdgeShard, kind: &'static str) -> OperationResult<Listing> {
    let mut lines = Vec::new();
    engine::records(shard, kind, |payload| lines.push(RecordLine::of(&payload)))?;
    Ok(Listing::new(kind, lines))
}

fn run<T>(
    shard: Option<&Arc<EdgeShard>>,
    op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
) -> Result<T, String> {
    guard::run(|| op(shard.ok_or_else(closed)?))
}

fn closed() -> OperationError {
    OperationError::service_error_light("the collection was closed")
}
