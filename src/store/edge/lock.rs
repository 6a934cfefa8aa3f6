//! One process at a time per embedded collection.
//!
//! The engine can be loaded by one process only, readers included, and says no more than "would
//! block". The lock file is taken before it, and names its owner. The kernel lets go of it when the
//! owner dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;

/// Held until dropped.
#[derive(Debug)]
pub(super) struct CollectionLock {
    _file: File,
}

pub(super) enum Attempt {
    Held(CollectionLock),
    /// By whom, in words.
    Busy(String),
}

/// One try, without waiting.
pub(super) fn attempt(path: &Path) -> std::io::Result<Attempt> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(owner().as_bytes())?;
            Ok(Attempt::Held(CollectionLock { _file: file }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Between locking and writing the file is empty, and some systems refuse the reading.
            let _ = file.read_to_string(&mut holder);
            Ok(Attempt::Busy(if holder.is_empty() { "another process".to_owned() } else { holder }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// `process 1234 (docent ingest) on host alpha`.
fn owner() -> String {
    format!("process {} ({}) on host {}", process::id(), command(), host())
}

/// Program and subcommand only: other arguments may hold keys.
fn command() -> String {
    let mut args = std::env::args_os().map(PathBuf::from);
    let program = args.next().and_then(|path| path.file_stem().map(PathBuf::from));
    let mut words = vec![program.map_or_else(|| "docent".into(), |p| p.display().to_string())];
    let subcommand = args.next().map(|arg| arg.display().to_string());
    words.extend(subcommand.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())));
    words.join(" ")
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_held_lock_names_its_owner_and_a_dropped_one_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docs@lock");
        let Attempt::Held(held) = attempt(&path).unwrap() else { panic!("the lock is free") };
        let Attempt::Busy(holder) = attempt(&path).unwrap() else { panic!("the lock is held") };
        assert!(holder.starts_with(&format!("process {} (", process::id())), "{holder}");
        assert!(holder.contains(") on host "), "{holder}");
        drop(held);
        assert!(matches!(attempt(&path).unwrap(), Attempt::Held(_)));
    }
}
