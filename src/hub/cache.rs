//! The cache that the Hugging Face tools share, as <https://huggingface.co/docs/hub/local-cache> describes
//! it: `models--ORG--NAME/{blobs,refs,snapshots,.no_exist}`, and `.locks` beside them.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::is_commit;

/// The directory with all repositories.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

/// A repository in the cache, complete or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cached {
    /// `ORG/NAME`.
    pub repository: String,
    pub dir: PathBuf,
    /// Bytes of everything kept of it, partial files included.
    pub bytes: u64,
    pub snapshots: Vec<Snapshot>,
}

/// What is in a cache.
#[derive(Debug, Default)]
pub struct CacheContents {
    pub models: Vec<Cached>,
    /// Directories of models that cannot be read, with the reason.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// The files of one commit in the cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    pub commit: String,
    /// Branches and tags that pointed to this commit when they were asked for.
    pub refs: Vec<String>,
    /// Paths in the repository.
    pub files: Vec<String>,
}

impl Cache {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn repository(&self, name: &str) -> Repository {
        let folder = format!("{MODELS}{}", name.replace('/', "--"));
        Repository { dir: self.dir.join(&folder), locks: self.dir.join(".locks").join(folder) }
    }

    /// Every cached model, by name.
    ///
    /// # Errors
    /// The directory of the cache exists and cannot be read.
    pub fn list(&self) -> io::Result<CacheContents> {
        let mut contents = CacheContents::default();
        for folder in names(&self.dir)? {
            let Some(name) = name_of(&folder) else { continue };
            let repository = self.repository(&name);
            if repository.dir.is_dir() {
                match repository.describe(name) {
                    Ok(cached) => contents.models.push(cached),
                    Err(error) => contents.unreadable.push((repository.dir, error)),
                }
            }
        }
        Ok(contents)
    }

    /// Removes a repository from the cache and returns the bytes freed; `None` if there was nothing.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<Option<u64>> {
        let repository = self.repository(name);
        if !repository.dir.is_dir() {
            return Ok(None);
        }
        let bytes = size(&repository.dir)?;
        fs::remove_dir_all(&repository.dir)?;
        match fs::remove_dir_all(&repository.locks) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(Some(bytes)),
        }
    }
}

/// The model whose file in a cache this is, as it is typed; `None` for a file elsewhere.
pub fn model_of_file(path: &Path) -> Option<String> {
    let name = path.iter().rev().find_map(|part| name_of(part.to_str()?))?;
    Some(format!("hf:{name}"))
}

/// The repository whose directory this is, as `ORG/NAME`; `None` for another directory.
fn name_of(folder: &str) -> Option<String> {
    Some(folder.strip_prefix(MODELS)?.replacen("--", "/", 1))
}

const MODELS: &str = "models--";
const INCOMPLETE: &str = ".incomplete";

/// What is known about a file of a commit without asking the hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CachedInfo {
    Here,
    /// The commit has no such file.
    Absent,
    Unknown,
}

/// A repository in the cache; it may be empty.
pub(super) struct Repository {
    dir: PathBuf,
    locks: PathBuf,
}

impl Repository {
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The commit that a revision points to, if the cache knows it.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_ascii_lowercase());
        }
        let text = fs::read_to_string(self.dir.join("refs").join(revision)).ok()?;
        Some(text.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Stores which commit a branch or a tag points to.
    pub(super) fn set_commit(&self, revision: &str, commit: &str) -> io::Result<()> {
        if is_commit(revision) || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.dir.join("refs").join(revision);
        let dir = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(dir)?;
        // Same permissions as the other files here: anyone who may read the models may read this file, too.
        #[cfg(unix)]
        let file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(dir);
        #[cfg(not(unix))]
        let file = tempfile::Builder::new().tempfile_in(dir);
        let mut file = file?;
        file.write_all(commit.as_bytes())?;
        file.persist(&path)?;
        Ok(())
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.dir.join("snapshots").join(commit)
    }

    pub(super) fn known(&self, commit: &str, path: &str) -> CachedInfo {
        if self.snapshot(commit).join(path).is_file() {
            CachedInfo::Here
        } else if self.no_exist(commit, path).is_file() || self.is_whole(commit) {
            CachedInfo::Absent
        } else {
            CachedInfo::Unknown
        }
    }

    /// Whether another tool has fetched all files of the commit, as `hf download ORG/NAME` does. Every
    /// repository has this file, and nothing fetches it alone.
    fn is_whole(&self, commit: &str) -> bool {
        let is_part = |name: &String| name.ends_with(INCOMPLETE);
        self.snapshot(commit).join(".gitattributes").is_file()
            && names(&self.dir.join("blobs")).is_ok_and(|names| !names.iter().any(is_part))
    }

    /// Stores that a commit has no such file.
    pub(super) fn set_absent(&self, commit: &str, path: &str) -> io::Result<()> {
        let marker = self.no_exist(commit, path);
        fs::create_dir_all(marker.parent().unwrap_or(&self.dir))?;
        File::create(marker).map(drop)
    }

    fn no_exist(&self, commit: &str, path: &str) -> PathBuf {
        self.dir.join(".no_exist").join(commit).join(path)
    }

    pub(super) fn blob(&self, hash: &str) -> PathBuf {
        self.dir.join("blobs").join(hash)
    }

    /// Where a partly fetched file is kept.
    pub(super) fn incomplete(&self, hash: &str) -> PathBuf {
        self.dir.join("blobs").join(format!("{hash}{INCOMPLETE}"))
    }

    /// Opens the lock file that other programs lock, too, while they fetch this file.
    pub(super) fn lock_file(&self, hash: &str) -> io::Result<File> {
        fs::create_dir_all(&self.locks)?;
        fs::create_dir_all(self.dir.join("blobs"))?;
        let path = self.locks.join(format!("{hash}.lock"));
        File::options().create(true).truncate(false).write(true).open(path)
    }

    /// Links a complete file into a commit under its name.
    pub(super) fn link(&self, commit: &str, path: &str, hash: &str) -> io::Result<()> {
        let pointer = self.snapshot(commit).join(path);
        if pointer.is_file() {
            return Ok(());
        }
        fs::create_dir_all(pointer.parent().unwrap_or(&self.dir))?;
        let up = "../".repeat(path.split('/').count() + 1);
        let target = format!("{up}blobs/{hash}");
        let linked = match symlink(&target, &pointer) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Another process was quicker, or the link is dangling because its blob was removed.
                if pointer.is_file() {
                    return Ok(());
                }
                fs::remove_file(&pointer)?;
                symlink(&target, &pointer)
            }
            linked => linked,
        };
        linked.or_else(|_| fs::copy(self.blob(hash), &pointer).map(drop))
    }

    fn describe(&self, repository: String) -> io::Result<Cached> {
        let mut refs = Vec::new();
        files(&self.dir.join("refs"), "", &mut refs)?;
        let mut snapshots = Vec::new();
        for commit in names(&self.dir.join("snapshots"))? {
            let mut paths = Vec::new();
            files(&self.snapshot(&commit), "", &mut paths)?;
            let means = |name: &&String| self.commit(name).as_deref() == Some(&*commit);
            let refs = refs.iter().filter(means).cloned().collect();
            snapshots.push(Snapshot { commit, refs, files: paths });
        }
        Ok(Cached { repository, bytes: size(&self.dir)?, dir: self.dir.clone(), snapshots })
    }
}

#[cfg(unix)]
fn symlink(to: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

/// Without the right to make links, which is common on Windows, the file is copied.
#[cfg(windows)]
fn symlink(to: &str, at: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to.replace('/', "\\"), at)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Names in a directory, sorted; none if it does not exist.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Paths of the files below a directory, links to files included.
fn files(dir: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    for name in names(dir)? {
        let path = dir.join(&name);
        if fs::symlink_metadata(&path)?.is_dir() {
            files(&path, &format!("{prefix}{name}/"), found)?;
        } else if path.is_file() {
            found.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// Bytes of the files below a directory; links count as 0.
fn size(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for name in names(dir)? {
        let path = dir.join(name);
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() {
            bytes += size(&path)?;
        } else if metadata.is_file() {
            bytes += metadata.len();
        }
    }
    Ok(bytes)
}
