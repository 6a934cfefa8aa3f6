//! Whether a file has changed since it was read.

use std::path::Path;
use std::time::SystemTime;

/// Changes when a file does; `None` if there is no file.
pub(super) type OptionalStamp = Option<(SystemTime, u64)>;

pub(super) fn stamp(path: &Path) -> OptionalStamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
