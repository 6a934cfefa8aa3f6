//! Reads a version completely, and finds an intact one.

use super::layout::{self, EdgeLayout};
use super::open_shard::OpenShard;
use super::problem::EdgeProblem;
use super::{full_scan, marks, sums, unwritable, versions};
use crate::store::RetentionMark;

/// What a version contains that was read completely.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IntegrityScan {
    pub version: u32,
    pub chunks: usize,
    pub documents: usize,
}

/// What [`repair`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    pub whole: IntegrityScan,
    /// Whether the pointer named something else.
    pub changed: bool,
    /// Newer versions that are not intact, each with the reason.
    pub passed_over: Vec<String>,
}

/// Reads everything of a version: every record, every chunk with its text and its vectors. The caller holds
/// the lock of the shard.
pub(super) fn read_whole(layout: &EdgeLayout, number: u32) -> Result<IntegrityScan, EdgeProblem> {
    let version = layout.version(number);
    if layout::read_manifest(&version)?.is_none() {
        return Err(format!("{} has no manifest", version.display()).into());
    }
    sums::check(&version, sums::ChecksumDepth::Everything)?;
    let damaged = |why: String| format!("{} is damaged: {why}", version.display());
    // The engine writes where it loads.
    let copied = if unwritable::is_unwritable(layout) {
        Some(unwritable::copy(layout, &version)?)
    } else {
        None
    };
    let there = copied.as_ref().map_or(version.as_path(), |copied| copied.path());
    let opened = OpenShard::load(there, versions::Uncompacted::default()).map_err(damaged)?;
    let read = opened.with(full_scan::read_whole).map_err(damaged)?;
    Ok(IntegrityScan { version: number, ..read })
}

/// Reads the version in use completely; `None` where there is no collection.
pub(super) fn verify(layout: &EdgeLayout) -> Result<Option<IntegrityScan>, EdgeProblem> {
    let Some(number) = versions::checked(layout)? else { return Ok(None) };
    let _lock = versions::shard_lock(layout)?;
    read_whole(layout, number).map(Some)
}

/// Makes the newest intact version the collection. One that was set aside, or replaced by another, is taken
/// only if there is no other. Nothing is removed.
pub(super) fn repair(layout: &EdgeLayout) -> Result<Repaired, EdgeProblem> {
    let mut versions = layout.versions().map_err(|error| error.to_string())?;
    if versions.is_empty() {
        return Err(format!("{} has no version", layout.pointer().display()).into());
    }
    let _lock = versions::shard_lock(layout)?;
    let before = layout.current().ok().flatten();
    // The live version first, if it is known: a newer one may never have been complete, or live.
    versions.sort_by_key(|&number| {
        let is_current = versions::checked(layout).ok().flatten() == Some(number);
        (is_current, RetentionMark::rank(marks::read(&layout.version(number))), number)
    });
    let mut passed_over = Vec::new();
    for &number in versions.iter().rev() {
        match read_whole(layout, number) {
            Ok(whole) => {
                let right = versions::checked(layout).ok().flatten() == Some(number);
                if !right {
                    layout.point_to(number).map_err(|error| error.to_string())?;
                }
                let changed = before != Some(number) || !right;
                return Ok(Repaired { whole, changed, passed_over });
            }
            Err(problem) => passed_over.push(problem.message),
        }
    }
    Err(format!("no version of the collection is intact: {}", passed_over.join("; ")).into())
}
