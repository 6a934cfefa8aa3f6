//! A loaded shard, until it is closed. Who loads it holds the lock on its collection.

mod seen;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use qdrant_edge::{EdgeShard, OperationError, OperationResult};
use uuid::Uuid;

pub(super) use self::seen::Eyes;
use super::compaction::Compaction;
use super::cutoff::{self, Seen};
use super::guard::{self, held};
use super::idf::Idf;
use super::listing::{self, Line, Listing};
use super::{engine, layout, mapped, sums, tuning, under_way};
use crate::heap;
use crate::types::Manifest;

pub(super) struct Opened {
    version: PathBuf,
    /// What built it, as far as is known: a number is given again after a collection was dropped.
    manifest: Mutex<Option<Manifest>>,
    /// Whether the writer of the collection is among those who use it: only a writer tidies.
    written: AtomicBool,
    /// No other process can find this version.
    private: bool,
    /// Updates and reads share it. Flushing needs it alone, without a compaction: the engine panics
    /// where it finds one of its own locks taken. `None` once closed.
    shard: RwLock<Option<Arc<EdgeShard>>>,
    compaction: Compaction,
    /// Points written since the last compaction, by whoever had the shard loaded.
    uncompacted: Arc<AtomicUsize>,
    /// Compactions since the shard was loaded.
    compactions: AtomicUsize,
    /// The shard was changed since it was loaded, or listed: no listing is beside it.
    changed: Mutex<bool>,
    idf: Mutex<Idf>,
    /// What there is to be seen of it, where its writer was killed.
    seen: Option<Seen>,
    /// Documents that the writer has stored in part.
    under_way: Mutex<BTreeSet<String>>,
}

impl Opened {
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
            under_way: Mutex::new(under_way::read(version)),
        }
    }

    pub(super) fn version(&self) -> &Path {
        &self.version
    }

    pub(super) fn set_manifest(&self, manifest: Manifest) {
        *held(&self.manifest) = Some(manifest);
    }

    /// Whether it is the version that `manifest` was read of.
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

    /// Whether it was changed since it was loaded, or listed.
    pub(super) fn has_changed(&self) -> bool {
        *self.changed()
    }

    /// Reads.
    pub(super) fn with<T>(
        &self,
        op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
    ) -> Result<T, String> {
        run(self.shared().as_ref(), op)
    }

    /// The IDF of those of these terms that some chunk has, from the last question that wanted it.
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

    /// Writes points with these ids, beside a compaction where all of them are new.
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

    /// Takes points out.
    pub(super) fn delete<T>(
        &self,
        op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
    ) -> Result<T, String> {
        // In this order: who begins a compaction has the shard alone.
        let shard = self.shared();
        self.will_change()?;
        self.compaction.wait()?;
        let done = run(shard.as_ref(), op);
        held(&self.idf).forget();
        done
    }

    /// Takes back the listings, once.
    fn will_change(&self) -> Result<(), String> {
        let mut changed = self.changed();
        if !*changed {
            sums::remove(&self.version)?;
            listing::remove(&self.version)?;
            *changed = true;
        }
        Ok(())
    }

    fn changed(&self) -> MutexGuard<'_, bool> {
        held(&self.changed)
    }

    /// All records of a kind. A writer leaves a listing of them for those who come later.
    pub(super) fn records(&self, kind: &'static str) -> Result<Listing, String> {
        // Alone: nothing may change between reading and listing.
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

    /// Counts points written, for [`Opened::flush`].
    pub(super) fn wrote(&self, points: usize) {
        self.uncompacted.fetch_add(points, Ordering::Relaxed);
    }

    /// [`Self::flush`], but for what would have to wait for a compaction and is not much yet.
    pub(super) fn checkpoint(&self) -> Result<(), String> {
        let little = self.uncompacted.load(Ordering::Relaxed) < tuning::FLUSH_AFTER;
        if little && self.compaction.goes_on() { Ok(()) } else { self.flush() }
    }

    /// Makes what was written durable, and begins to compact where much was.
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

    /// Gives back the memory of files that were written, among them the log: it is mapped too, and
    /// longer than all that it led to.
    fn reload(&self, shard: &mut Option<Arc<EdgeShard>>) -> Result<(), String> {
        unload(shard)?;
        let path = layout::shard(&self.version);
        let _ = layout::prune_log(&path);
        layout::remove_unmade(&path)?;
        *shard = Some(Arc::new(guard::run(|| tuning::load(&path))?));
        self.compactions.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// What was written before is durable afterwards, listed, and searched fast.
    pub(super) fn optimize(&self) -> Result<(), String> {
        let shard = self.alone()?;
        run(shard.as_ref(), |shard| {
            shard.flush();
            heap::give_back();
            tuning::finish(shard, engine::count_chunks(shard)?)?;
            shard.flush();
            *self.changed() = false;
            // The next run reads it, and this one has time.
            listing::KINDS.into_iter().try_for_each(|kind| {
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

    /// Leaves nothing in the files of what was taken out: segments that had it are made again, and the log goes.
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
        // Only what is loaded again has let go of the files of before.
        self.reload(&mut shard)?;
        drop(shard);
        self.optimize()
    }

    #[cfg(test)]
    pub(super) fn is_compacted(&self) -> bool {
        !self.compaction.is_under_way()
    }

    /// As if this were a compaction.
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

    /// The shard, with nobody else at it.
    fn alone(&self) -> Result<RwLockWriteGuard<'_, Option<Arc<EdgeShard>>>, String> {
        let shard = self.shard.write().unwrap_or_else(PoisonError::into_inner);
        self.compaction.wait().map(|()| shard)
    }

    /// Flushes and unloads.
    pub(super) fn close(self) -> Result<(), String> {
        self.unload()
    }

    fn unload(&self) -> Result<(), String> {
        // Let go of in any case, after whatever is under way.
        let compacted = self.compaction.wait();
        let mut shard = self.shard.write().unwrap_or_else(PoisonError::into_inner);
        if unload(&mut shard)? && self.has_writer() {
            // What is left over is removed the next time.
            let _ = layout::prune_log(&layout::shard(&self.version));
        }
        compacted
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Whoever needs to know closes or flushes first.
        let _ = self.unload();
    }
}

/// Flushes the shard and lets go of it; whether there was one.
fn unload(shard: &mut Option<Arc<EdgeShard>>) -> Result<bool, String> {
    let Some(shard) = shard.take() else { return Ok(false) };
    // It flushes when it is dropped, and panics where that fails.
    guard::catch(|| drop(shard))?;
    Ok(true)
}

fn list(shard: &EdgeShard, kind: &'static str) -> OperationResult<Listing> {
    let mut lines = Vec::new();
    engine::records(shard, kind, |payload| lines.push(Line::of(&payload)))?;
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
