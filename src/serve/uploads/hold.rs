//! One server at a time takes uploads into a directory: what it knows of them is in its memory, and two
//! would each write what the other one does not know.
//!
//! The kernel lets go of the lock when its owner ends, however it ends; the file means nothing by itself.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::private;
use crate::store::Owner;

/// Has a directory, until it is dropped.
pub(super) struct Hold {
    file: File,
    path: PathBuf,
}

impl Hold {
    /// Takes a directory that is there; `Err`: who has it, in words.
    ///
    /// # Errors
    /// Its file can't be made, or is not one that can be locked.
    pub(super) fn take(directory: &Path) -> io::Result<Result<Self, String>> {
        let path = directory.join(".lock");
        let mut file = private::rewritten(&path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Between locking and writing it is empty.
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

    /// Whether it keeps nobody out any more: somebody removed the directory.
    pub(super) fn is_lost(&self) -> bool {
        matches!(private::is_at(&self.file, &self.path), Ok(false))
    }
}
