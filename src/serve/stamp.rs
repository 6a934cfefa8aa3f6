//! Whether a file is still what was read of it.

use std::path::Path;
use std::time::SystemTime;

/// What changes where a file does; `None` where there is none.
pub(super) type Stamp = Option<(SystemTime, u64)>;

pub(super) fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
