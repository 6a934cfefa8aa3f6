//! Free disk space.

use std::path::Path;

/// Bytes that may be written at a path, whether it exists yet or not; `None` where the system can't tell.
#[cfg(unix)]
pub(crate) fn free(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|place| place.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
pub(crate) fn free(_path: &Path) -> Option<u64> {
    None
}
