//! Free space, looked at before opening and before writing.
//!
//! The engine writes through memory maps of files that are longer than their content: where the
//! disk is full the kernel ends the process (SIGBUS), and no error could be returned.

use std::path::Path;

use super::problem::Problem;
use super::{layout, tuning};
use crate::error::Fault;
use crate::space::free;

/// Free bytes below which nothing is written: what one batch of points may need, with its part of
/// the log, is well below it. Rebuilding segments needs more, and the engine looks for itself.
const TO_WRITE: u64 = 64 << 20;

/// Before points are written.
pub(super) fn to_write(directory: &Path) -> Result<(), Problem> {
    check(directory, TO_WRITE)
}

/// Before a shard is loaded or points are taken out: the engine begins the next files of its log,
/// and when it loads, it does once more what the log tells.
pub(super) fn to_open(shard: &Path) -> Result<(), Problem> {
    check(shard, 2 * tuning::LOG_SEGMENT as u64 + layout::log_size(shard))
}

fn check(directory: &Path, needed: u64) -> Result<(), Problem> {
    // A system that can't tell is not one that is full.
    let Some(free) = free(directory).filter(|free| *free < needed) else { return Ok(()) };
    let message =
        format!("{} MiB are free, and {} are needed", free >> 20, needed.div_ceil(1 << 20));
    Err(Problem { fault: Fault::Full, message })
}
