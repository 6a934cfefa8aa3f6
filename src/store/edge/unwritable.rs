//! A collection that can be read but not written: another user's, on a read-only mount, in a cache.
//!
//! The engine writes where it loads a shard. So a reader loads a copy of its own, whose files are deleted
//! once it is loaded: mapped files stay usable.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::layout::{self, EdgeLayout};
use super::problem::EdgeProblem;
use crate::error::Fault;

/// Whether nothing can be written there.
pub(super) fn is_unwritable(layout: &EdgeLayout) -> bool {
    let opened = OpenOptions::new().read(true).write(true).open(layout.lock());
    let refused = |error: io::Error| {
        matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
    };
    match opened {
        // The lock file would have to be created.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            layout.root().is_dir() && tempfile::tempfile_in(layout.root()).is_err_and(refused)
        }
        opened => opened.is_err_and(refused),
    }
}

/// Copies a version to a place where it can be loaded, while no process that may write it does.
pub(super) fn copy(layout: &EdgeLayout, version: &Path) -> Result<tempfile::TempDir, EdgeProblem> {
    let lock = File::open(layout.lock());
    if let Ok(lock) = &lock
        && matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    {
        let message = format!("collection `{}` is in use by another user", layout.name());
        return Err(EdgeProblem { fault: Fault::Busy, message });
    }
    let copied = tempfile::tempdir().and_then(|to| copy_all(version, to.path()).map(|()| to));
    Ok(copied.map_err(|error| {
        format!("{} can't be written, and can't be copied for reading: {error}", version.display())
    })?)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            // The copy of a read-only file is read-only, too.
            layout::make_private(&target);
        }
    }
    Ok(())
}
