//! Free space, looked at before writing.
//!
//! The engine writes through memory maps of files that are longer than their content: where the
//! disk is full the kernel ends the process (SIGBUS), and no error could be returned.

use std::path::Path;

/// Free bytes below which nothing is written: what one batch of points may need, with its part of
/// the log, is well below it. Rebuilding segments needs more, and the engine looks for itself.
#[cfg(unix)]
const RESERVE: u64 = 64 << 20;

#[cfg(unix)]
pub(super) fn check(directory: &Path) -> Result<(), String> {
    // A system that can't tell is not one that is full.
    let Ok(disk) = rustix::fs::statvfs(directory) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= RESERVE {
        return Ok(());
    }
    Err(format!("the disk is full: {} MiB are free, and {} are needed", free >> 20, RESERVE >> 20))
}

#[cfg(not(unix))]
pub(super) fn check(_directory: &Path) -> Result<(), String> {
    Ok(())
}
