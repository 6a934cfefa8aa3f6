//! One file from the hub into the cache.
//!
//! The process that fetches a file holds its lock, which other programs take, too. Partial content is kept
//! in its own file until it is complete and has the hub's hash: a run that is cut off continues where it
//! ended, and no reader finds half a file.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::cache::Repository;
use super::wire::{Remote, Wire, failed};
use super::{FetchEvent, OnFetch};
use crate::error::{BackendError, Fault};
use crate::retry::{RetryPolicy, retry};
use crate::types::ContentHash;

/// Where a file goes, and how.
pub(super) struct FileDownload<'a> {
    pub(super) wire: &'a Wire,
    pub(super) repository: &'a Repository,
    pub(super) name: &'a str,
    pub(super) commit: &'a str,
    pub(super) retry: RetryPolicy,
    pub(super) on_event: &'a OnFetch,
}

impl FileDownload<'_> {
    /// Fetches a file unless the cache has it, and gives it its name in the commit.
    pub(super) async fn bring(&self, remote: &Remote) -> Result<(), BackendError> {
        let blob = self.repository.blob(&remote.hash);
        if !blob.is_file() {
            let _lock = self.lock(remote).await?;
            // The previous holder of the lock may have fetched it.
            if !blob.is_file() {
                self.fill_whole(remote).await?;
                self.check(remote).await?;
                let incomplete = self.repository.incomplete(&remote.hash);
                fs::rename(incomplete, &blob).map_err(|error| unwritten(&blob, &error))?;
            }
        }
        let linked = self.repository.link(self.commit, &remote.path, &remote.hash);
        linked.map_err(|error| unwritten(&self.repository.snapshot(self.commit), &error))
    }

    async fn lock(&self, remote: &Remote) -> Result<File, BackendError> {
        let opened = self.repository.lock_file(&remote.hash);
        let file =
            opened.map_err(|error| unwritten(&self.repository.blob(&remote.hash), &error))?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            (self.on_event)(&FetchEvent::Waiting);
            let waited = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
            let waited = waited.unwrap_or_else(|error| Err(io::Error::other(error)));
            return waited.map_err(|error| unwritten(&self.repository.blob(&remote.hash), &error));
        }
        // Some file systems have no locks.
        Ok(file)
    }

    /// Fetches the whole file, and keeps trying for as long as attempts that end early make progress.
    async fn fill_whole(&self, remote: &Remote) -> Result<(), BackendError> {
        let incomplete = self.repository.incomplete(&remote.hash);
        let here = || fs::metadata(&incomplete).map_or(0, |data| data.len());
        loop {
            let before = here();
            match retry(&self.retry, || self.fill(remote)).await {
                // A host that refuses says when it may be asked again.
                Err(BackendError { fault: Fault::Transient { .. }, status: None, .. })
                    if here() > before => {}
                filled => return filled,
            }
        }
    }

    /// Appends what is missing of a file. If the transfer breaks off, the next call continues there.
    async fn fill(&self, remote: &Remote) -> Result<(), BackendError> {
        let path = self.repository.incomplete(&remote.hash);
        let wrong = |error: &io::Error| unwritten(&path, error);
        let opened =
            File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = opened.map_err(|error| wrong(&error))?;
        let mut here = file.metadata().map_err(|error| wrong(&error))?.len();
        if here > remote.size {
            here = self.discard(&mut file, here, 0).map_err(|error| wrong(&error))?;
        }
        if here == remote.size {
            return Ok(());
        }
        let mut body = match self.wire.body(self.name, self.commit, &remote.path, here).await {
            Err(BackendError { status: Some(416), .. }) if here > 0 => {
                self.discard(&mut file, here, 0).map_err(|error| wrong(&error))?;
                let why = "the host can't resume in the middle of the file";
                return Err(failed(&remote.path, Fault::Transient { retry_after: None }, why));
            }
            body => body?,
        };
        if body.from > here {
            return Err(failed(
                &remote.path,
                Fault::Permanent,
                "the host sent another part of the file than was asked for",
            ));
        }
        here = self.discard(&mut file, here, body.from).map_err(|error| wrong(&error))?;
        while let Some(chunk) = body.chunk().await? {
            here += chunk.len() as u64;
            if here > remote.size {
                self.discard(&mut file, here - chunk.len() as u64, 0)
                    .map_err(|error| wrong(&error))?;
                let why = format!("the host sent more than the {} bytes of the file", remote.size);
                return Err(failed(&remote.path, Fault::Permanent, &why));
            }
            file.write_all(&chunk).map_err(|error| wrong(&error))?;
            (self.on_event)(&FetchEvent::Received { bytes: chunk.len() as u64 });
        }
        if here < remote.size {
            let why = format!("it was cut off after {here} of {} bytes", remote.size);
            return Err(failed(&remote.path, Fault::Transient { retry_after: None }, &why));
        }
        file.sync_all().map_err(|error| wrong(&error))
    }

    /// Keeps only the first `keep` bytes.
    fn discard(&self, file: &mut File, here: u64, keep: u64) -> io::Result<u64> {
        if here > keep {
            file.set_len(keep)?;
            (self.on_event)(&FetchEvent::Discarded { bytes: here - keep });
        }
        file.seek(SeekFrom::Start(keep))
    }

    /// Compares the content with the hub's hash.
    async fn check(&self, remote: &Remote) -> Result<(), BackendError> {
        let path = self.repository.incomplete(&remote.hash);
        let (at, size, long) = (path.clone(), remote.size, remote.hash.len() == 64);
        let hashed = tokio::task::spawn_blocking(move || hash(&at, size, long)).await;
        let hashed = hashed.unwrap_or_else(|error| Err(io::Error::other(error)));
        let hashed = hashed.map_err(|error| unwritten(&path, &error))?;
        if hashed == remote.hash {
            return Ok(());
        }
        fs::remove_file(&path).map_err(|error| unwritten(&path, &error))?;
        (self.on_event)(&FetchEvent::Discarded { bytes: size });
        let why = format!(
            "what arrived differs from the hub's file: its hash is {hashed}, and should be {}; it was removed",
            remote.hash
        );
        Err(failed(&remote.path, Fault::Changed, &why))
    }
}

/// SHA-256, or git's hash of a file: SHA-1 over its length and its bytes.
fn hash(path: &Path, size: u64, long: bool) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut sha256, mut sha1) = (Sha256::new(), sha1_smol::Sha1::new());
    sha1.update(format!("blob {size}\0").as_bytes());
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) if long => sha256.update(&block[..read]),
            Ok(read) => sha1.update(&block[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if long {
        ContentHash::from_digest(&sha256.finalize()).0
    } else {
        sha1.digest().to_string()
    })
}

/// A file of the cache could not be written.
pub(super) fn unwritten(path: &Path, error: &io::Error) -> BackendError {
    let fault = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::Full,
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::NotFound => Fault::Denied,
        _ => Fault::Permanent,
    };
    failed(&path.display().to_string(), fault, &error.to_string())
}
