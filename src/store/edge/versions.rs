//! Versions of a collection on disk: made, loaded, published, removed.
//!
//! Blocking, and without waiting: if another process is in the way, that is [`Fault::Busy`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use uuid::Uuid;

use super::layout::{self, EdgeLayout, REPAIR};
use super::lock::{self, Attempt, FileLock};
use super::open_shard::OpenShard;
use super::problem::EdgeProblem;
use super::readahead;
use super::{cutoff, marks, repair, space_checks, sums, unwritable};
use crate::error::Fault;
use crate::store::rebuilt;
use crate::types::Manifest;

/// Points written since the last compaction.
pub(super) type Uncompacted = Arc<AtomicUsize>;

/// Takes the right to load the shard of the version in use.
pub(super) fn shard_lock(layout: &EdgeLayout) -> Result<FileLock, EdgeProblem> {
    if unwritable::is_unwritable(layout) {
        return Ok(FileLock::NONE);
    }
    match lock::attempt(&layout.lock()) {
        // The directory was removed after its manifest was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(replaced(layout)),
        attempt => taken(layout, attempt, "in use"),
    }
}

/// The right to change the collection, until dropped. A collection that was never created leaves nothing
/// behind.
pub(super) struct WriterLock {
    layout: EdgeLayout,
    _file: FileLock,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // What can't be removed is in nobody's way.
        let _ = self.layout.tidy();
    }
}

/// Takes the right to change the collection.
pub(super) fn writer_lock(layout: &EdgeLayout) -> Result<WriterLock, EdgeProblem> {
    layout.prepare().map_err(cannot_create)?;
    let file = taken(layout, lock::attempt(&layout.writer()), "being written")?;
    Ok(WriterLock { layout: layout.clone(), _file: file })
}

fn taken(
    layout: &EdgeLayout,
    attempt: io::Result<Attempt>,
    how: &str,
) -> Result<FileLock, EdgeProblem> {
    match attempt {
        Ok(Attempt::Held(lock)) => Ok(lock),
        Ok(Attempt::Busy(holder)) => Err(busy(layout, how, &holder)),
        // The directory was removed with a collection that was never created.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(busy(layout, how, "another process"))
        }
        Err(error) => Err(format!("can't lock the collection: {error}").into()),
    }
}

fn busy(layout: &EdgeLayout, how: &str, holder: &str) -> EdgeProblem {
    let message = format!("collection `{}` is {how} by {holder}", layout.name());
    EdgeProblem { fault: Fault::Busy, message }
}

/// The version in use, if pointer and manifest agree; `None` where there is no such collection.
pub(super) fn checked(layout: &EdgeLayout) -> Result<Option<u32>, EdgeProblem> {
    let Some(pointer) = layout.read_pointer()? else {
        return match without_pointer(layout)? {
            Some(number) => Err(format!(
                "{} is missing, and {} is there; {REPAIR}",
                layout.pointer().display(),
                layout.version(number).display()
            )
            .into()),
            None => Ok(None),
        };
    };
    let Some(number) = pointer.version else { return Ok(None) };
    check_pointed(layout, number)?;
    Ok(Some(number))
}

/// The newest version with documents, for a collection whose pointer is missing.
fn without_pointer(layout: &EdgeLayout) -> Result<Option<u32>, EdgeProblem> {
    let mut versions = layout.versions().map_err(cannot_remove)?;
    versions.sort_unstable();
    for &number in versions.iter().rev() {
        let version = layout.version(number);
        // A version that can't be read may have documents.
        let used = layout::read_manifest(&version)
            .map_or(true, |manifest| manifest.is_some_and(|manifest| !manifest.runs.is_empty()));
        if used {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Checks that the version that the pointer names is the one that the pointer was written for.
pub(super) fn check_pointed(layout: &EdgeLayout, number: u32) -> Result<(), EdgeProblem> {
    let version = layout.version(number);
    let named = layout.read_pointer()?.and_then(|pointer| pointer.generation);
    let Some(_) = layout::read_manifest(&version)? else {
        return Err(no_manifest(layout, number).into());
    };
    match (named, layout::read_generation(&version)?) {
        (Some(named), Some(generation)) if named != generation => Err(format!(
            "{} names {}, but was written for another version (generation {named} instead of {generation}); {REPAIR}",
            layout.pointer().display(),
            version.display()
        )
        .into()),
        _ => Ok(()),
    }
}

fn no_manifest(layout: &EdgeLayout, number: u32) -> String {
    let (pointer, version) = (layout.pointer(), layout.version(number));
    format!("{} names {}, which has no manifest; {REPAIR}", pointer.display(), version.display())
}

/// Marks the version in use if it was left by a run that was cut off.
pub(super) fn mark_if_cut_off(layout: &EdgeLayout, number: u32) -> Result<(), EdgeProblem> {
    let version = layout.version(number);
    let manifest = layout::read_manifest(&version)?;
    if manifest.is_some_and(|manifest| manifest.unfinished.is_some()) {
        cutoff::mark(&version).map_err(cannot_create)?;
    }
    Ok(())
}

/// Whether there are versions to remove: former ones that don't stay, and unfinished ones.
pub(super) fn has_others(
    layout: &EdgeLayout,
    resumable: Option<Uuid>,
) -> Result<bool, EdgeProblem> {
    let current = checked(layout)?;
    let versions = layout.versions().map_err(cannot_remove)?;
    let is_over = |number| {
        Some(number) != current
            && !is_kept(layout, number)
            && !is_left_by(layout, number, resumable)
    };
    Ok(versions.into_iter().any(is_over))
}

/// The version that a run has begun to build, and not finished.
pub(super) fn left_by(layout: &EdgeLayout, run: Uuid) -> Result<Option<u32>, EdgeProblem> {
    let current = checked(layout)?;
    let mut versions = layout.versions().map_err(cannot_remove)?.into_iter();
    Ok(versions.find(|number| {
        Some(*number) != current
            && !is_kept(layout, *number)
            && is_left_by(layout, *number, Some(run))
    }))
}

fn is_left_by(layout: &EdgeLayout, number: u32, run: Option<Uuid>) -> bool {
    let manifest = || layout::read_manifest(&layout.version(number)).ok().flatten();
    run.is_some_and(|run| {
        manifest().and_then(|it| it.unfinished).is_some_and(|left| left.run_id == run)
    })
}

fn is_kept(layout: &EdgeLayout, number: u32) -> bool {
    marks::read(&layout.version(number)).is_some()
}

/// Removes versions that are not needed, after the version in use was read completely: former ones that don't
/// stay, except `pinned`, if no process has one of them loaded; and those that never became the collection,
/// except `private` and what the run `resumable` has left.
pub(super) fn remove_others(
    layout: &EdgeLayout,
    pinned: &[u32],
    private: &[u32],
    resumable: Option<Uuid>,
) -> Result<(), EdgeProblem> {
    let _lock = shard_lock(layout)?;
    let current = checked(layout)?;
    if let Some(number) = current {
        repair::read_whole(layout, number)?;
    }
    let removed = layout.read_pointer()?.is_some();
    let is_over = |number| {
        // Without a pointer, a version with documents may have been the collection.
        let spared = is_kept(layout, number)
            || pinned.contains(&number)
            || private.contains(&number)
            || is_left_by(layout, number, resumable)
            || !removed && repair::read_whole(layout, number).is_ok_and(|whole| whole.chunks > 0);
        Some(number) != current && !spared
    };
    Ok(layout.remove_versions(is_over).map_err(cannot_remove)?)
}

/// Which version to load.
#[derive(Clone)]
pub(super) enum VersionSelector {
    /// A reader's version: it must be the one that this manifest was read from.
    Pinned(Arc<Manifest>),
    /// The version that this process writes.
    Written,
}

/// Loads a version. The caller holds [`shard_lock`], unless nobody else can find the version.
pub(super) fn load(
    layout: &EdgeLayout,
    number: u32,
    wanted: &VersionSelector,
    uncompacted: Uncompacted,
) -> Result<OpenShard, EdgeProblem> {
    if let VersionSelector::Pinned(manifest) = wanted {
        check_pinned(layout, number, manifest)?;
    }
    load_now(layout, number, wanted, uncompacted).map_err(|problem| match wanted {
        // Removal does not wait for readers: the version may have gone meanwhile.
        VersionSelector::Pinned(manifest) if problem.fault != Fault::Busy => {
            gone(layout, number, manifest).unwrap_or(problem)
        }
        _ => problem,
    })
}

fn load_now(
    layout: &EdgeLayout,
    number: u32,
    wanted: &VersionSelector,
    uncompacted: Uncompacted,
) -> Result<OpenShard, EdgeProblem> {
    let version = layout.version(number);
    let copied = match wanted {
        VersionSelector::Pinned(_) if unwritable::is_unwritable(layout) => {
            Some(unwritable::copy(layout, &version)?)
        }
        _ => None,
    };
    let version = copied.as_ref().map_or(version, |copy| copy.path().to_owned());
    let shard = layout::shard(&version);
    space_checks::to_open(&shard)?;
    sums::check(&version, sums::ChecksumDepth::Opening)?;
    readahead::ask(&shard, matches!(wanted, VersionSelector::Pinned(_)));
    let manifest = layout::read_manifest(&version)?;
    let opened = OpenShard::load(&version, uncompacted).map_err(|why| {
        // The engine's own lock: a process that is just ending, or one that does not use docent's locks.
        if why.contains("WouldBlock") {
            busy(layout, "in use", "another process")
        } else {
            EdgeProblem::from(format!("can't open {}: {why}", version.display()))
        }
    })?;
    let Some(manifest) = manifest else { return Ok(opened) };
    let unfinished = manifest.unfinished.is_some();
    opened.set_manifest(manifest);
    let marked = cutoff::is_marked(&version);
    Ok(match wanted {
        VersionSelector::Pinned(_)
            if unfinished && (marked || !lock::is_held(&layout.writer())) =>
        {
            opened.after_a_kill()?
        }
        VersionSelector::Written if unfinished && marked => {
            opened.mend()?;
            opened
        }
        _ => opened,
    })
}

/// Refuses a version that is gone, or was replaced by another one with its number, which may hold vectors of
/// another model.
pub(super) fn check_pinned(
    layout: &EdgeLayout,
    number: u32,
    pinned: &Manifest,
) -> Result<(), EdgeProblem> {
    let version = layout.version(number);
    match layout::read_manifest(&version)? {
        Some(now) if now.is_of_same_build(pinned) => Ok(()),
        None if layout.current()? == Some(number) => Err(no_manifest(layout, number).into()),
        _ => Err(replaced(layout)),
    }
}

/// The error for a version that could not be loaded because it is gone or was replaced. A version that is
/// being removed may still have its manifest and its pointer for a moment.
fn gone(layout: &EdgeLayout, number: u32, pinned: &Manifest) -> Option<EdgeProblem> {
    match check_pinned(layout, number, pinned) {
        Err(problem) if problem.fault == Fault::Replaced => return Some(problem),
        _ => std::thread::sleep(REMOVED_WITHIN),
    }
    check_pinned(layout, number, pinned).err()
}

fn replaced(layout: &EdgeLayout) -> EdgeProblem {
    EdgeProblem { fault: Fault::Replaced, message: rebuilt(layout.name()) }
}

/// Time in which a directory is removed, even a few times in a row.
const REMOVED_WITHIN: Duration = Duration::from_millis(50);

/// Number and manifest of the version in use; `None` where there is no such collection. Needs neither lock
/// nor shard: pointer and manifest are replaced atomically.
pub(super) fn manifest(layout: &EdgeLayout) -> Result<Option<(u32, Manifest)>, EdgeProblem> {
    while let Some(number) = layout.current()? {
        let checked = check_pointed(layout, number);
        // Another version may have become live after the pointer was read.
        if layout.current()? != Some(number) {
            continue;
        }
        checked?;
        if let Some(manifest) = layout::read_manifest(&layout.version(number))? {
            return Ok(Some((number, manifest)));
        }
    }
    // For a moment, a directory that is being removed looks like a collection without its pointer.
    for last in [false, false, true] {
        match layout.read_pointer()? {
            Some(pointer) if pointer.version.is_some() => return manifest(layout),
            Some(_) => break,
            None if lock::is_held(&layout.writer()) => break,
            None if last => return checked(layout).map(|_| None),
            None if without_pointer(layout)?.is_none() => break,
            None => std::thread::sleep(REMOVED_WITHIN),
        }
    }
    Ok(None)
}

/// Loads a version that only its writer knows.
pub(super) fn load_private(
    layout: &EdgeLayout,
    number: u32,
    uncompacted: Uncompacted,
) -> Result<OpenShard, EdgeProblem> {
    let opened = load(layout, number, &VersionSelector::Written, uncompacted)?;
    Ok(opened.into_private())
}

/// Builds a version. Nobody sees it until the pointer names it.
///
/// The manifest is written last: a version that has one is complete.
pub(super) fn build(
    layout: &EdgeLayout,
    number: u32,
    manifest: &Manifest,
    private: bool,
    uncompacted: Uncompacted,
) -> Result<OpenShard, EdgeProblem> {
    space_checks::to_write(layout.root())?;
    let generation = next_generation(layout, number)?;
    layout.remove_versions(|other| other == number).map_err(cannot_create)?;
    if private && layout.read_pointer()?.is_none() {
        // A version left by a kill must not be taken for a collection without its pointer.
        layout.point_to_nothing().map_err(cannot_create)?;
    }
    let version = layout.version(number);
    let opened = OpenShard::create(&version, manifest.embedder.dimensions, uncompacted)?;
    layout::write_new_manifest(&version, manifest, generation).map_err(cannot_create)?;
    opened.set_manifest(manifest.clone());
    Ok(if private { opened.into_private() } else { opened })
}

/// The number of the next version: higher than that of any existing version, and of any that was complete.
pub(super) fn next(layout: &EdgeLayout) -> Result<u32, EdgeProblem> {
    let newest = layout.versions().map_err(cannot_create)?.into_iter().max();
    Ok(newest.max(checked(layout)?).unwrap_or(0).max(marks::highest(layout)) + 1)
}

/// Higher than the generation of any version that can be read.
fn next_generation(layout: &EdgeLayout, number: u32) -> Result<u32, EdgeProblem> {
    let versions = layout.versions().map_err(cannot_create)?.into_iter();
    let read = versions.filter_map(|n| layout::read_generation(&layout.version(n)).ok().flatten());
    let pointed = layout.read_pointer()?.and_then(|pointer| pointer.generation);
    Ok(read.chain(pointed).max().unwrap_or(0).max(number - 1) + 1)
}

/// Removes the collection. The caller holds [`shard_lock`].
pub(super) fn remove(layout: &EdgeLayout) -> Result<(), EdgeProblem> {
    Ok(layout.remove().map_err(cannot_remove)?)
}

pub(super) fn remove_private(layout: &EdgeLayout, number: u32) -> Result<(), EdgeProblem> {
    layout.remove_versions(|other| other == number).map_err(cannot_remove)?;
    let is_nothing = layout.read_pointer()?.is_some_and(|pointer| pointer.version.is_none());
    if is_nothing && layout.versions().map_err(cannot_remove)?.is_empty() {
        std::fs::remove_file(layout.pointer()).map_err(cannot_remove)?;
    }
    Ok(())
}

fn cannot_create(error: io::Error) -> String {
    format!("can't create the collection: {error}")
}

fn cannot_remove(error: io::Error) -> String {
    format!("the collection can't be removed: {error}")
}
