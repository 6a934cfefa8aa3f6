//! Checks free space before opening and before writing.
//!
//! The engine writes through memory maps of files that are longer than their content: on a full disk the
//! kernel ends the process (SIGBUS), and no error could be returned.

use std::path::Path;

use super::problem::EdgeProblem;
use super::{layout, tuning};
use crate::disk_space::free;
use crate::error::Fault;

/// Nothing is written with fewer free bytes than this: one batch of points with its part of the log needs
/// well below it. Rebuilding segments needs more, which the engine checks itself.
const TO_WRITE: u64 = 64 << 20;

/// Called before points are written.
pub(super) fn to_write(directory: &Path) -> Result<(), EdgeProblem> {
    check(directory, TO_WRITE)
}

/// Called before a shard is loaded or points are deleted: the engine begins the next files of its log, and on
/// loading it replays the log.
pub(super) fn to_open(shard: &Path) -> Result<(), EdgeProblem> {
    check(shard, 2 * tuning::LOG_SEGMENT as u64 + layout::log_size(shard))
}

fn check(directory: &Path, needed: u64) -> Result<(), EdgeProblem> {
    // A system that can't report free space is not taken to be full.
    let Some(free) = free(directory).filter(|free| *free < needed) else { return Ok(()) };
    let message =
        format!("{} MiB are free, and {} are needed", free >> 20, needed.div_ceil(1 << 20));
    Err(EdgeProblem { fault: Fault::Full, message })
}
