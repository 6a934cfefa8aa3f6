//! Marks of versions that stay beside the live one, the switch to one of them, and the highest number so far.
//!
//! ```text
//! DATA/collections/NAME@number         the highest number of a version that was complete
//! DATA/collections/NAME@v1/kept.json   its mark: see [`crate::store::versions`]
//! ```

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::layout::{self, EdgeLayout};
use super::problem::EdgeProblem;
use super::seal::VersionPointer;
use super::{repair, sums, versions};
use crate::error::Fault;
use crate::store::{FormerVersion, RetentionMark, beyond};
use crate::types::{VersionEntry, VersionState};

fn path(version: &Path) -> PathBuf {
    version.join("kept.json")
}

/// `None` where the version has none.
pub(super) fn read(version: &Path) -> Option<RetentionMark> {
    match fs::read(path(version)) {
        Ok(json) => Some(RetentionMark::read(&json)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            None
        }
        Err(_) => Some(RetentionMark::Built),
    }
}

fn write(version: &Path, mark: RetentionMark) -> io::Result<()> {
    layout::replace(&path(version), &serde_json::to_vec(&mark)?)
}

fn clear(version: &Path) -> io::Result<()> {
    match fs::remove_file(path(version)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map(|()| layout::sync_directory(version)),
    }
}

/// The highest number of a complete version so far. Written with a checksum like a pointer; a damaged number
/// is ignored.
pub(super) fn highest(layout: &EdgeLayout) -> u32 {
    let text = fs::read_to_string(layout.number()).unwrap_or_default();
    VersionPointer::parse(&text).and_then(|pointer| pointer.version).unwrap_or(0)
}

/// Stores the number of a complete version: no other version gets it.
fn note(layout: &EdgeLayout, number: u32) -> io::Result<()> {
    let highest = highest(layout).max(number);
    let text = VersionPointer { version: Some(highest), generation: None }.to_text();
    if fs::read(layout.number()).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    layout::replace(&layout.number(), text.as_bytes())
}

/// All versions, by number.
pub(super) fn entries(layout: &EdgeLayout) -> Result<Vec<VersionEntry>, EdgeProblem> {
    let current = versions::checked(layout)?;
    let mut numbers = layout.versions().map_err(cannot("list"))?;
    numbers.sort_unstable();
    let entry = |number| {
        let version = layout.version(number);
        let mark = read(&version).filter(|_| current != Some(number));
        let is_live = current == Some(number);
        VersionEntry {
            number,
            state: if is_live { VersionState::Live } else { RetentionMark::state(mark) },
            // A damaged manifest of one version must not make all of them fail.
            manifest: layout::read_manifest(&version).ok().flatten(),
            live_until: RetentionMark::until(mark),
        }
    };
    Ok(numbers.into_iter().map(entry).collect())
}

/// Makes a version the collection.
pub(super) fn point_to(layout: &EdgeLayout, number: u32) -> Result<(), EdgeProblem> {
    let version = layout.version(number);
    if layout::read_manifest(&version)?.is_none() {
        return Err(not_whole(number, "be the collection"));
    }
    let failed =
        |error: io::Error| format!("version {number} can't become the collection: {error}");
    note(layout, number).map_err(failed)?;
    layout.point_to(number).map_err(failed)?;
    // It is live, whatever its mark says.
    let _ = clear(&version);
    Ok(())
}

/// Makes a version that was built beside the live one the collection; the last `keep` former ones stay.
pub(super) fn publish(layout: &EdgeLayout, number: u32, keep: usize) -> Result<(), EdgeProblem> {
    if layout::read_manifest(&layout.version(number))?.is_none() {
        return Err(not_whole(number, "be the collection"));
    }
    retire(layout, keep > 0)?;
    point_to(layout, number)?;
    give_up(layout, keep, None)
}

/// Keeps a version beside the live one.
pub(super) fn set_aside(
    layout: &EdgeLayout,
    number: u32,
    aside: FormerVersion,
    keep: usize,
) -> Result<(), EdgeProblem> {
    let version = layout.version(number);
    if layout::read_manifest(&version)?.is_none() {
        return Err(not_whole(number, "be kept"));
    }
    if versions::checked(layout)?.is_none() {
        let message = format!("there is no live version that version {number} could stay beside");
        return Err(message.into());
    }
    note(layout, number).map_err(cannot("keep"))?;
    write(&version, aside.into()).map_err(cannot("keep"))?;
    give_up(layout, keep, Some(number))
}

/// Makes a version that stays beside the live one the collection, and keeps the previous one beside it.
pub(super) fn switch(layout: &EdgeLayout, number: u32) -> Result<(), EdgeProblem> {
    if versions::checked(layout)? == Some(number) {
        return Ok(());
    }
    let version = layout.version(number);
    if read(&version).is_none() || layout::read_manifest(&version)?.is_none() {
        return Err(missing(layout, number));
    }
    sums::check(&version, sums::ChecksumDepth::Opening)?;
    retire(layout, true)?;
    point_to(layout, number)
}

/// Marks the live version as a former one before another replaces it, or clears its mark if it does not stay.
fn retire(layout: &EdgeLayout, stays: bool) -> Result<(), EdgeProblem> {
    let Some(current) = versions::checked(layout)? else { return Ok(()) };
    let version = layout.version(current);
    let marked = if stays {
        write(&version, RetentionMark::former_from_now(&entries(layout)?))
    } else {
        clear(&version)
    };
    Ok(marked.map_err(cannot("keep"))?)
}

/// Removes the marks of former versions beyond the last `keep`, and of candidates except `spared`, so that
/// they count as left over.
fn give_up(layout: &EdgeLayout, keep: usize, spared: Option<u32>) -> Result<(), EdgeProblem> {
    let doomed = beyond(&entries(layout)?, keep, spared);
    let cleared = doomed.into_iter().try_for_each(|number| clear(&layout.version(number)));
    Ok(cleared.map_err(cannot("give up"))?)
}

/// Removes versions that are not live, after the live one was read completely: they may be all that is left.
pub(super) fn remove(layout: &EdgeLayout, doomed: &[u32]) -> Result<(), EdgeProblem> {
    let _lock = versions::shard_lock(layout)?;
    let current = versions::checked(layout)?;
    let there = layout.versions().map_err(cannot("list"))?;
    for &number in doomed {
        if current == Some(number) {
            return Err(format!("version {number} is the collection").into());
        }
        if !there.contains(&number) {
            return Err(missing(layout, number));
        }
    }
    if let Some(number) = current.filter(|_| !doomed.is_empty()) {
        repair::read_whole(layout, number)?;
    }
    for &number in doomed {
        // If it is cut off from here on, the next writer completes it.
        clear(&layout.version(number)).map_err(cannot("remove"))?;
        layout.remove_versions(|other| other == number).map_err(cannot("remove"))?;
    }
    Ok(())
}

fn not_whole(number: u32, what: &str) -> EdgeProblem {
    format!("version {number} is not complete, and can't {what}").into()
}

pub(super) fn missing(layout: &EdgeLayout, number: u32) -> EdgeProblem {
    let message = format!("collection `{}` has no complete version {number}", layout.name());
    EdgeProblem { fault: Fault::NotFound, message }
}

fn cannot(what: &'static str) -> impl Fn(io::Error) -> String {
    move |error| format!("can't {what} versions of the collection: {error}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::edge::EdgeStore;
    use crate::store::edge::tests::{copy, open, points};
    use crate::store::{Collection as _, contract};

    type Step = fn(&EdgeLayout) -> Result<(), EdgeProblem>;

    /// The steps of [`publish`], [`switch`] and [`set_aside`].
    const PUBLISH: &[Step] = &[
        |layout| retire(layout, true),
        |layout| Ok(note(layout, 2).map_err(cannot("keep"))?),
        |layout| Ok(layout.point_to(2).map_err(cannot("keep"))?),
        |layout| Ok(clear(&layout.version(2)).map_err(cannot("keep"))?),
        |layout| give_up(layout, 1, Some(2)),
    ];
    const SET_ASIDE: &[Step] = &[
        |layout| Ok(note(layout, 2).map_err(cannot("keep"))?),
        |layout| Ok(write(&layout.version(2), RetentionMark::Built).map_err(cannot("keep"))?),
        |layout| give_up(layout, 1, Some(2)),
    ];

    /// Ten chunks in use, and beside them a complete version of twenty.
    async fn built(aside: bool) -> (tempfile::TempDir, EdgeStore) {
        let (dir, store) = contract::embedded();
        let writer = store.write().await.unwrap();
        writer.create(&contract::manifest()).await.unwrap();
        writer.upsert(points(0..10)).await.unwrap();
        writer.flush().await.unwrap();
        let successor = writer.successor().await.unwrap();
        successor.create(&contract::manifest()).await.unwrap();
        successor.upsert(points(0..20)).await.unwrap();
        successor.optimize().await.unwrap();
        if aside {
            successor.set_aside(FormerVersion::Built, 1).await.unwrap();
        }
        (dir, store)
    }

    /// After a kill, readers and writers find one of the two, complete.
    async fn look(data: &Path, what: &str) -> (u32, Vec<(u32, VersionState)>) {
        let store = open(data);
        let reader = store.read().await.unwrap().unwrap();
        let number = reader.version();
        let chunks = if number == 1 { 10 } else { 20 };
        assert_eq!(reader.count_chunks().await, Ok(chunks), "{what}");
        drop(reader);
        let writer = store.write().await.unwrap();
        assert_eq!(writer.version().await, Ok(Some(number)), "{what}");
        assert_eq!(writer.count_chunks().await, Ok(chunks), "{what}");
        writer.close().await.unwrap();
        let states = store.versions().await.unwrap();
        (number, states.iter().map(|it| (it.number, it.state)).collect())
    }

    #[tokio::test]
    async fn killed_between_any_two_steps_one_of_the_two_is_live_and_whole() {
        use VersionState::{Built, Former, Live};
        for (what, aside, steps) in [
            ("publish", false, PUBLISH),
            ("switch", true, PUBLISH),
            ("set aside", false, SET_ASIDE),
        ] {
            let (dir, store) = built(aside).await;
            let layout = store.shared.layout.clone();
            for done in 0..=steps.len() {
                if let Some(step) = done.checked_sub(1).and_then(|last| steps.get(last)) {
                    assert!(step(&layout).is_ok(), "{what}, step {done}");
                }
                let killed = tempfile::tempdir().unwrap();
                copy(dir.path(), killed.path());
                let (live, states) = look(killed.path(), &format!("{what}, step {done}")).await;
                let expected = match (what, done) {
                    // It was not complete, and is removed.
                    ("publish", 0..=2) => (1, vec![(1, Live)]),
                    ("switch", 0..=2) => (1, vec![(1, Live), (2, Built)]),
                    ("set aside", 0..=1) => (1, vec![(1, Live)]),
                    ("set aside", _) => (1, vec![(1, Live), (2, Built)]),
                    _ => (2, vec![(1, Former), (2, Live)]),
                };
                assert_eq!((live, states), expected, "{what}, step {done}");
            }
        }
    }

    /// What was interrupted can be repeated.
    #[tokio::test]
    async fn a_switch_that_was_cut_off_can_be_made() {
        for done in 0..PUBLISH.len() {
            let (dir, store) = built(true).await;
            for step in PUBLISH.iter().take(done) {
                assert!(step(&store.shared.layout).is_ok());
            }
            let killed = tempfile::tempdir().unwrap();
            copy(dir.path(), killed.path());
            for number in [2, 1] {
                let writer = open(killed.path()).write().await.unwrap();
                writer.switch(number).await.unwrap();
                writer.close().await.unwrap();
                assert_eq!(look(killed.path(), "again").await.0, number);
            }
        }
    }

    #[tokio::test]
    async fn a_version_that_was_cut_off_while_it_was_removed_goes() {
        let (dir, store) = built(true).await;
        clear(&store.shared.layout.version(2)).unwrap();
        let killed = tempfile::tempdir().unwrap();
        copy(dir.path(), killed.path());
        assert_eq!(look(killed.path(), "removed").await, (1, vec![(1, VersionState::Live)]));
    }

    #[tokio::test]
    async fn a_damaged_version_is_not_switched_to() {
        let (dir, store) = built(true).await;
        let shard = layout::shard(&store.shared.layout.version(2));
        let segments = fs::read_dir(shard.join("segments")).unwrap().next().unwrap().unwrap();
        fs::remove_dir_all(segments.path()).unwrap();
        let killed = tempfile::tempdir().unwrap();
        copy(dir.path(), killed.path());
        let writer = open(killed.path()).write().await.unwrap();
        assert!(writer.switch(2).await.is_err());
        writer.close().await.unwrap();
        let expected = vec![(1, VersionState::Live), (2, VersionState::Built)];
        assert_eq!(look(killed.path(), "damaged").await, (1, expected));
    }

    /// Neither the newest, nor one that was never live as long as one is there that was.
    #[tokio::test]
    async fn repair_goes_back_to_what_was_live() {
        let (dir, store) = built(true).await;
        fs::write(store.shared.layout.pointer(), "rubbish").unwrap();
        let damaged = tempfile::tempdir().unwrap();
        copy(dir.path(), damaged.path());
        let repaired = open(damaged.path()).repair().await.unwrap();
        assert_eq!((repaired.whole.version, repaired.whole.chunks), (1, 10));
    }

    #[test]
    fn a_damaged_number_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let layout = EdgeLayout::new(dir.path(), "docs");
        layout.prepare().unwrap();
        assert_eq!(highest(&layout), 0);
        for (number, highest_then) in [(3, 3), (2, 3), (7, 7)] {
            note(&layout, number).unwrap();
            assert_eq!(highest(&layout), highest_then);
        }
        let text = fs::read_to_string(layout.number()).unwrap();
        fs::write(layout.number(), text.replace('7', "9")).unwrap();
        assert_eq!(highest(&layout), 0);
    }
}
