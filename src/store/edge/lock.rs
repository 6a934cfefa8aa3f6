//! Kernel locks on files: which process has a collection, and which ones wait for it.
//!
//! The kernel releases a lock when its owner dies, however it dies. The file remains, and means nothing by
//! itself. Only the holder of the lock may remove it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::store::owner::Owner;

/// An exclusive lock, held until dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    /// `None` where nothing can be locked, because nothing can be written: see [`super::unwritable`].
    file: Option<File>,
}

impl FileLock {
    pub(super) const NONE: Self = Self { file: None };

    /// Whether the lock no longer keeps anyone out: its file, which was at `path`, was removed, so the next
    /// process locks a new file of that name. This happens when a data directory is removed while it is in
    /// use.
    pub(super) fn is_lost(&self, path: &Path) -> bool {
        self.file.as_ref().is_some_and(|file| !is_at(file, path))
    }
}

pub(super) enum Attempt {
    Held(FileLock),
    /// Held by another process, described in words.
    Busy(String),
}

/// Tries once, without waiting. While the lock is held, the file names its owner.
pub(super) fn attempt(path: &Path) -> io::Result<Attempt> {
    let mut file = open(path)?;
    match file.try_lock() {
        // The owner removed the file, and the next one may hold another file of that name.
        Ok(()) if !is_at(&file, path) => Ok(Attempt::Busy("another process".to_owned())),
        Ok(()) => {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(Owner::this().to_string().as_bytes())?;
            Ok(Attempt::Held(FileLock { file: Some(file) }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Between locking and writing the file is empty, and some systems refuse to read it.
            let _ = file.read_to_string(&mut holder);
            Ok(Attempt::Busy(if holder.is_empty() { "another process".to_owned() } else { holder }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether the file is still the one at this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |found: std::fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(named)) => place(ours) == place(named),
        _ => false,
    }
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// A shared lock, held by each process that waits for a collection.
#[derive(Debug)]
pub(super) struct WaiterLock {
    _file: File,
}

/// Makes [`awaited`] true until the value is dropped. `None` where that is impossible right now: the file is
/// being checked, or can't be written.
pub(super) fn announce(path: &Path) -> Option<WaiterLock> {
    let file = open(path).ok()?;
    file.try_lock_shared().ok()?;
    Some(WaiterLock { _file: file })
}

/// Whether any process waits.
pub(super) fn awaited(path: &Path) -> bool {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Whether any process holds the exclusive lock. Creates nothing.
pub(super) fn is_held(path: &Path) -> bool {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(true).write(true).create(true).truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_held_lock_names_its_owner_and_a_dropped_one_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docs@lock");
        // Left by a killed owner.
        std::fs::write(
            &path,
            "process 1 (docent ingest) on host alpha since long ago, longer than any",
        )
        .unwrap();
        let Attempt::Held(held) = attempt(&path).unwrap() else { panic!("the lock is free") };
        let Attempt::Busy(holder) = attempt(&path).unwrap() else { panic!("the lock is held") };
        assert!(holder.starts_with(&format!("process {} (", std::process::id())), "{holder}");
        assert!(holder.ends_with('Z'), "nothing is left of the former owner: {holder}");
        drop(held);
        assert!(matches!(attempt(&path).unwrap(), Attempt::Held(_)));
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_on_a_removed_file_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docs@writer");
        // Opened before the owner removed it, locked afterwards.
        let late = open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&late, &path));
        let Attempt::Held(held) = attempt(&path).unwrap() else { panic!("a new file is free") };
        assert!(!held.is_lost(&path));
        assert!(!is_at(&late, &path), "that is another file");
        assert!(is_at(&open(&path).unwrap(), &path));
        std::fs::remove_file(&path).unwrap();
        assert!(held.is_lost(&path));
        assert!(!FileLock::NONE.is_lost(&path), "it never had a file");
    }

    #[test]
    fn a_collection_is_awaited_while_anybody_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docs@waiting");
        assert!(!awaited(&path) && !path.exists(), "looking creates nothing");
        let (one, two) = (announce(&path).unwrap(), announce(&path).unwrap());
        assert!(awaited(&path));
        drop(one);
        assert!(awaited(&path));
        drop(two);
        assert!(!awaited(&path));
    }
}
