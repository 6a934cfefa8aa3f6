//! Versions of a collection on disk: made, loaded, published, removed.
//!
//! Blocking, and without waiting: where another process is in the way, that is [`Fault::Busy`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::layout::{self, Layout};
use super::lock::{self, Attempt, FileLock};
use super::opened::Opened;
use super::shard::Problem;
use super::{Access, EXISTS, space};
use crate::error::Fault;
use crate::types::Manifest;

/// Points written since the last compaction.
pub(super) type Uncompacted = Arc<AtomicUsize>;

/// The right to load the shard of the version in use.
pub(super) fn shard_lock(layout: &Layout) -> Result<FileLock, Problem> {
    taken(layout, lock::attempt(&layout.lock()), "in use")
}

/// The right to change the collection, until it is dropped. A collection that never came to be
/// leaves nothing behind.
pub(super) struct WriterLock {
    layout: Layout,
    _file: FileLock,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // What can't be removed is in nobody's way.
        let _ = self.layout.tidy();
    }
}

/// Takes the right to change the collection. What another writer left unfinished goes first: with
/// this lock, nobody else is writing.
pub(super) fn writer_lock(layout: &Layout) -> Result<WriterLock, Problem> {
    layout.prepare().map_err(cannot_create)?;
    let file = taken(layout, lock::attempt(&layout.writer()), "being written")?;
    // What can't be removed now is removed by the next one.
    let _ = remove_leftovers(layout);
    Ok(WriterLock { layout: layout.clone(), _file: file })
}

fn taken(layout: &Layout, attempt: io::Result<Attempt>, how: &str) -> Result<FileLock, Problem> {
    match attempt {
        Ok(Attempt::Held(lock)) => Ok(lock),
        Ok(Attempt::Busy(holder)) => Err(busy(layout, how, &holder)),
        // The directory went with a collection that never came to be.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(busy(layout, how, "another process"))
        }
        Err(error) => Err(format!("can't lock the collection: {error}").into()),
    }
}

fn busy(layout: &Layout, how: &str, holder: &str) -> Problem {
    let message = format!("collection `{}` is {how} by {holder}", layout.name());
    Problem { fault: Fault::Busy, message }
}

/// Unfinished versions, and former ones that no reader can have open any more.
fn remove_leftovers(layout: &Layout) -> Result<(), String> {
    let current = layout.current()?.unwrap_or(0);
    layout.remove_versions(|number| number > current).map_err(cannot_remove)?;
    let former = |number| number < current;
    let any = layout.versions().map_err(cannot_remove)?.into_iter().any(former);
    if any && let Ok(Attempt::Held(_lock)) = lock::attempt(&layout.lock()) {
        layout.remove_versions(former).map_err(cannot_remove)?;
    }
    Ok(())
}

/// Locks and loads the version in use; `None` where there is no such collection. A reader gets the
/// version it has `seen` the manifest of, or an error: another may hold vectors of another model.
pub(super) fn load(
    layout: &Layout,
    access: Access,
    seen: u32,
    uncompacted: Uncompacted,
) -> Result<Option<Opened>, Problem> {
    if layout.current()?.is_none() {
        return Ok(None);
    }
    let lock = shard_lock(layout)?;
    // It may have been dropped or replaced since.
    let Some(number) = layout.current()? else { return Ok(None) };
    if access == Access::Read && seen != 0 && seen != number {
        let name = layout.name();
        return Err(format!("collection `{name}` was built anew while it was being read").into());
    }
    opened(layout, number, access, Some(lock), uncompacted).map(Some)
}

/// Loads a version that only its writer knows; `None` where it has not been created.
pub(super) fn load_unpublished(
    layout: &Layout,
    number: u32,
    uncompacted: Uncompacted,
) -> Result<Option<Opened>, Problem> {
    match layout::read_manifest(&layout.version(number))? {
        Some(_) => opened(layout, number, Access::Write, None, uncompacted).map(Some),
        None => Ok(None),
    }
}

fn opened(
    layout: &Layout,
    number: u32,
    access: Access,
    lock: Option<FileLock>,
    uncompacted: Uncompacted,
) -> Result<Opened, Problem> {
    let version = layout.version(number);
    space::to_open(&layout::shard(&version))?;
    Opened::load(&version, access, lock, uncompacted).map_err(|why| {
        // The engine's own lock: a process that is just ending, or one without docent's.
        if why.contains("WouldBlock") {
            busy(layout, "in use", "another process")
        } else {
            format!("can't open {}: {why}", version.display()).into()
        }
    })
}

/// Number and manifest of the version in use; `None` where there is no such collection. Needs neither
/// lock nor shard: pointer and manifest are replaced atomically.
pub(super) fn manifest(layout: &Layout) -> Result<Option<(u32, Manifest)>, Problem> {
    while let Some(number) = layout.current()? {
        let version = layout.version(number);
        if let Some(manifest) = layout::read_manifest(&version)? {
            return Ok(Some((number, manifest)));
        }
        // Another version may have taken its place after the pointer was read.
        if layout.current()? == Some(number) {
            return Err(format!("{} has no manifest", version.display()).into());
        }
    }
    Ok(None)
}

/// Builds version 1 and points to it last.
pub(super) fn create(
    layout: &Layout,
    manifest: &Manifest,
    uncompacted: Uncompacted,
) -> Result<Opened, Problem> {
    const FIRST: u32 = 1;
    let lock = shard_lock(layout)?;
    if layout.current()?.is_some() {
        return Err(EXISTS.to_owned().into());
    }
    let opened = build(layout, FIRST, manifest, Some(lock), uncompacted)?;
    layout.point_to(FIRST).map_err(cannot_create)?;
    Ok(opened)
}

/// Builds a version that nobody sees until it is published.
pub(super) fn create_unpublished(
    layout: &Layout,
    number: u32,
    manifest: &Manifest,
    uncompacted: Uncompacted,
) -> Result<Opened, Problem> {
    build(layout, number, manifest, None, uncompacted)
}

/// The manifest comes last: a version that has one is whole.
fn build(
    layout: &Layout,
    number: u32,
    manifest: &Manifest,
    lock: Option<FileLock>,
    uncompacted: Uncompacted,
) -> Result<Opened, Problem> {
    space::to_write(layout.root())?;
    layout.remove_versions(|other| other == number).map_err(cannot_create)?;
    let version = layout.version(number);
    let opened = Opened::create(&version, manifest.embedder.dimensions, lock, uncompacted)?;
    layout::write_manifest(&version, manifest).map_err(cannot_create)?;
    Ok(opened)
}

/// Makes a closed version the collection. That the former one can't be removed is no error: a
/// reader may have it open.
pub(super) fn publish(layout: &Layout, number: u32) -> Result<(), Problem> {
    if layout::read_manifest(&layout.version(number))?.is_none() {
        return Err(format!("version {number} is not whole, and can't be the collection").into());
    }
    layout
        .point_to(number)
        .map_err(|error| format!("the new version can't take its place: {error}"))?;
    let _ = remove_leftovers(layout);
    Ok(())
}

pub(super) fn remove(layout: &Layout) -> Result<(), Problem> {
    let _lock = shard_lock(layout)?;
    Ok(layout.remove().map_err(cannot_remove)?)
}

pub(super) fn remove_unpublished(layout: &Layout, number: u32) -> Result<(), Problem> {
    Ok(layout.remove_versions(|other| other == number).map_err(cannot_remove)?)
}

fn cannot_create(error: io::Error) -> String {
    format!("can't create the collection: {error}")
}

fn cannot_remove(error: io::Error) -> String {
    format!("the collection can't be removed: {error}")
}
