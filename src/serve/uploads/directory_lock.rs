//! Locks the uploads directory for one server: each keeps the state of uploads in memory, and two would
//! overwrite each other.
//!
//! The kernel releases the lock when its owner ends, for any reason; the existence of the file means
//! nothing.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::private_files;
use crate::store::Owner;

/// Holds a directory until it is dropped.
pub(super) struct DirectoryLock {
    file: File,
    path: PathBuf,
}

impl DirectoryLock {
    /// Locks an existing directory; the inner `Err` names the holder.
    ///
    /// # Errors
    /// The lock file cannot be created or locked.
    pub(super) fn take(directory: &Path) -> io::Result<Result<Self, String>> {
        let path = directory.join(".lock");
        let mut file = private_files::rewritten(&path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Empty between locking and writing.
                (&file).take(1_000).read_to_string(&mut holder)?;
                let unnamed = || "another process".to_owned();
                return Ok(Err(Some(holder).filter(|it| !it.is_empty()).unwrap_or_else(unnamed)));
            }
            // Some file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(Owner::this().to_string().as_bytes())?;
        Ok(Ok(Self { file, path }))
    }

    /// Whether the lock no longer keeps anyone out, because the directory was removed.
    pub(super) fn is_lost(&self) -> bool {
        matches!(private_files::is_at(&self.file, &self.path), Ok(false))
    }
}
