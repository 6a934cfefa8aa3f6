//! A loaded shard with the lock on its collection, until it is closed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use qdrant_edge::{EdgeShard, OperationError, OperationResult};

use super::lock::FileLock;
use super::{Access, engine, guard, layout};

pub(super) struct Opened {
    version: PathBuf,
    access: Access,
    /// Updates and reads share it. Flushing and optimizing need it alone: the engine panics where
    /// it finds one of its own locks taken. `None` once closed.
    shard: RwLock<Option<EdgeShard>>,
    /// Points written since the last compaction, by whoever had the shard loaded.
    uncompacted: Arc<AtomicUsize>,
    /// Compactions since the shard was loaded.
    compactions: AtomicUsize,
    /// `None` for a version that nobody else can find.
    _lock: Option<FileLock>,
}

impl Opened {
    pub(super) fn create(
        version: &Path,
        dimensions: usize,
        lock: Option<FileLock>,
        uncompacted: Arc<AtomicUsize>,
    ) -> Result<Self, String> {
        let path = layout::shard(version);
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        let shard = guarded(|| engine::create(&path, dimensions))?;
        let opened = Self::new(version, Access::Write, shard, lock, uncompacted);
        opened.flush()?;
        Ok(opened)
    }

    pub(super) fn load(
        version: &Path,
        access: Access,
        lock: Option<FileLock>,
        uncompacted: Arc<AtomicUsize>,
    ) -> Result<Self, String> {
        let path = layout::shard(version);
        if !path.is_dir() {
            return Err("the directory has no shard in it".to_owned());
        }
        let shard = guarded(|| engine::load(&path))?;
        Ok(Self::new(version, access, shard, lock, uncompacted))
    }

    fn new(
        version: &Path,
        access: Access,
        shard: EdgeShard,
        lock: Option<FileLock>,
        uncompacted: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            version: version.to_owned(),
            access,
            shard: RwLock::new(Some(shard)),
            uncompacted,
            compactions: AtomicUsize::new(0),
            _lock: lock,
        }
    }

    pub(super) fn version(&self) -> &Path {
        &self.version
    }

    /// Runs an operation that may run beside others.
    pub(super) fn with<T>(
        &self,
        op: impl FnOnce(&EdgeShard) -> OperationResult<T>,
    ) -> Result<T, String> {
        let shard = self.shard.read().unwrap_or_else(PoisonError::into_inner);
        guarded(|| op(shard.as_ref().ok_or_else(closed)?))
    }

    /// Counts points written, for [`Opened::flush`].
    pub(super) fn wrote(&self, points: usize) {
        self.uncompacted.fetch_add(points, Ordering::Relaxed);
    }

    /// Makes what was written durable, and compacts where much was. Not while it is written: what
    /// a crash leaves is what whoever writes has called complete.
    pub(super) fn flush(&self) -> Result<(), String> {
        let mut shard = self.exclusive();
        if self.uncompacted.load(Ordering::Relaxed) < engine::COMPACT_AFTER {
            return guarded(|| {
                shard.as_ref().ok_or_else(closed)?.flush();
                Ok(())
            });
        }
        guarded(|| self.rebuild(shard.as_ref().ok_or_else(closed)?, engine::compact))?;
        if self.compactions.fetch_add(1, Ordering::Relaxed) + 1 < engine::MERGE_AFTER {
            return Ok(());
        }
        guarded(|| self.rebuild(shard.as_ref().ok_or_else(closed)?, engine::finish))?;
        self.compactions.store(0, Ordering::Relaxed);
        unload(&mut shard)?;
        let path = layout::shard(&self.version);
        // The log is mapped too, and longer than all that it led to.
        let _ = layout::prune_log(&path);
        *shard = Some(guarded(|| engine::load(&path))?);
        Ok(())
    }

    /// What was written before is durable afterwards.
    pub(super) fn optimize(&self) -> Result<(), String> {
        self.alone(|shard| self.rebuild(shard, engine::finish))
    }

    /// Everything is durable before segments are rebuilt and after: a rebuilt segment is written
    /// at once, and a crash must not keep it beside older states of the others.
    fn rebuild(
        &self,
        shard: &EdgeShard,
        op: impl FnOnce(&EdgeShard) -> OperationResult<()>,
    ) -> OperationResult<()> {
        shard.flush();
        op(shard)?;
        shard.flush();
        self.uncompacted.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn alone<T>(&self, op: impl FnOnce(&EdgeShard) -> OperationResult<T>) -> Result<T, String> {
        let shard = self.exclusive();
        guarded(|| op(shard.as_ref().ok_or_else(closed)?))
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Option<EdgeShard>> {
        self.shard.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the process end with the shard loaded and the collection locked, without a flush.
    pub(super) fn leave(self) {
        std::mem::forget(self);
    }

    /// Flushes, unloads, and lets go of the collection.
    pub(super) fn close(self) -> Result<(), String> {
        self.unload()
    }

    fn unload(&self) -> Result<(), String> {
        if unload(&mut self.exclusive())? && self.access == Access::Write {
            // What is left over is removed the next time.
            let _ = layout::prune_log(&layout::shard(&self.version));
        }
        Ok(())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Whoever needs to know closes or flushes first.
        let _ = self.unload();
    }
}

/// Flushes the shard and lets go of it; whether there was one.
fn unload(shard: &mut Option<EdgeShard>) -> Result<bool, String> {
    let Some(shard) = shard.take() else { return Ok(false) };
    let flushed = guard::catch(|| shard.flush());
    // Flushes once more, and panics where that fails.
    let dropped = guard::catch(|| drop(shard));
    flushed.and(dropped)?;
    Ok(true)
}

fn guarded<T>(op: impl FnOnce() -> OperationResult<T>) -> Result<T, String> {
    guard::catch(op)?.map_err(|error| match error {
        OperationError::ServiceError { description, .. } => description,
        other => other.to_string(),
    })
}

fn closed() -> OperationError {
    OperationError::service_error_light("the collection was closed")
}
