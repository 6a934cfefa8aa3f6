//! Layout of an embedded collection on disk.
//!
//! ```text
//! DATA/collections/NAME                   the version in use; replaced atomically ([`super::seal`])
//! DATA/collections/NAME@lock              who has it open: see [`super::lock_turns`]
//! DATA/collections/NAME@writer            who is writing it
//! DATA/collections/NAME@waiting           who waits for it
//! DATA/collections/NAME@number            the highest number of a version: see [`super::marks`]
//! DATA/collections/NAME@log               what became of its versions: see [`super::log`]
//! DATA/collections/NAME@v1/manifest.json  replaced atomically
//! DATA/collections/NAME@v1/shard/         the engine's
//! DATA/collections/NAME@v1/*.jsonl        its records once more: see [`super::record_cache`]
//! ```
//!
//! The pointer is written last. A removal first makes it say that the collection is being removed, and
//! deletes it last. So a collection exists as a whole or not at all. The pointer decides which version is
//! live. Other versions are kept where they have a mark ([`super::marks`]), and are unfinished or left over
//! where they have none. None of them is removed on the word of a pointer that was not checked.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::seal::{self, VersionPointer};
use crate::store::version_of;
use crate::types::Manifest;

/// Ignores everything.
const IGNORE: &[u8] = b"*\n";

#[derive(Clone, Debug)]
pub(super) struct EdgeLayout {
    root: PathBuf,
    name: String,
}

impl EdgeLayout {
    /// `name` has passed [`crate::store::check_name`].
    pub(super) fn new(data: &Path, name: &str) -> Self {
        Self { root: home(data), name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Creates the directories. A new data directory gets a `.gitignore` for itself; an existing one may hold
    /// other things, and is left as it is.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let data = self.root.parent().unwrap_or(&self.root);
        if !data.exists() {
            create_private(data)?;
            fs::write(data.join(".gitignore"), IGNORE)?;
        }
        create_private(&self.root)
    }

    /// Removes what [`EdgeLayout::prepare`] made if nothing was put into it. `writer` is locked.
    pub(super) fn tidy(&self) -> io::Result<()> {
        if self.pointer().exists() || !self.versions()?.is_empty() {
            return Ok(());
        }
        fs::remove_file(self.writer())?;
        // Fails where there are other files.
        fs::remove_dir(&self.root)?;
        let data = self.root.parent().unwrap_or(&self.root);
        let ignore = data.join(".gitignore");
        if fs::read_dir(data)?.count() == 1 && fs::read(&ignore)? == IGNORE {
            fs::remove_file(ignore)?;
            fs::remove_dir(data)?;
        }
        Ok(())
    }

    pub(super) fn pointer(&self) -> PathBuf {
        self.root.join(&self.name)
    }

    /// Locked by the process that has the shard loaded.
    pub(super) fn lock(&self) -> PathBuf {
        self.beside("lock")
    }

    /// Locked by the process that may change the collection.
    pub(super) fn writer(&self) -> PathBuf {
        self.beside("writer")
    }

    /// Locked, shared, by processes that wait for the shard.
    pub(super) fn waiting(&self) -> PathBuf {
        self.beside("waiting")
    }

    /// The highest number that a version had: see [`super::marks`].
    pub(super) fn number(&self) -> PathBuf {
        self.beside("number")
    }

    /// What became of the versions: see [`super::log`].
    pub(super) fn log(&self) -> PathBuf {
        self.beside("log")
    }

    /// Directory of a version.
    pub(super) fn version(&self, number: u32) -> PathBuf {
        self.beside(&format!("v{number}"))
    }

    fn beside(&self, what: &str) -> PathBuf {
        self.root.join(format!("{}@{what}", self.name))
    }

    /// Content of the pointer; `None` where there is none.
    pub(super) fn read_pointer(&self) -> Result<Option<VersionPointer>, String> {
        let path = self.pointer();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(format!("can't read {}: {error}", path.display())),
        };
        let pointer = std::str::from_utf8(&text).ok().and_then(VersionPointer::parse);
        pointer.map(Some).ok_or_else(|| {
            format!(
                "{} does not name a version of the collection: it was damaged; {REPAIR}",
                path.display()
            )
        })
    }

    /// The version in use; `None` where there is no such collection.
    pub(super) fn current(&self) -> Result<Option<u32>, String> {
        Ok(self.read_pointer()?.and_then(|pointer| pointer.version))
    }

    /// Makes version `number` the one in use.
    pub(super) fn point_to(&self, number: u32) -> io::Result<()> {
        let generation = read_generation(&self.version(number)).ok().flatten();
        let pointer = VersionPointer { version: Some(number), generation };
        replace(&self.pointer(), pointer.to_text().as_bytes())
    }

    /// All versions, including those that a killed process left unfinished.
    pub(super) fn versions(&self) -> io::Result<Vec<u32>> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            found.extend(entry?.file_name().to_str().and_then(|n| version_of(n, &self.name)));
        }
        Ok(found)
    }

    /// Removes the collection with all its versions. It is gone from the first step on.
    pub(super) fn remove(&self) -> io::Result<()> {
        if !self.pointer().exists() && self.versions()?.is_empty() {
            return Ok(());
        }
        self.point_to_nothing()?;
        self.remove_versions(|_| true)?;
        for beside in [self.number(), self.log()] {
            let _ = fs::remove_file(beside);
        }
        fs::remove_file(self.pointer())
    }

    /// Makes the pointer say that no version is live, whatever versions there are.
    pub(super) fn point_to_nothing(&self) -> io::Result<()> {
        let nothing = VersionPointer { version: None, generation: None };
        replace(&self.pointer(), nothing.to_text().as_bytes())
    }

    /// Removes the versions that `which` selects.
    pub(super) fn remove_versions(&self, which: impl Fn(u32) -> bool) -> io::Result<()> {
        let doomed = self.versions()?.into_iter().filter(|&number| which(number));
        doomed.map(|number| self.version(number)).try_for_each(fs::remove_dir_all)
    }
}

/// Creates a directory, and its parents, that only its owner can look into.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Restricts a file to its owner, if it is ours.
pub(super) fn make_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// The directory of collections in a data directory.
pub(super) fn home(data: &Path) -> PathBuf {
    data.join("collections")
}

pub(super) fn shard(version: &Path) -> PathBuf {
    version.join("shard")
}

/// The command to run on a damaged pointer or manifest.
pub(super) const REPAIR: &str = "`docent index repair` looks for an intact version";

/// `None` where there is none: a version gets its manifest once it is complete.
pub(super) fn read_manifest(version: &Path) -> Result<Option<Manifest>, String> {
    Ok(read_sealed(version)?.map(|(manifest, _)| manifest))
}

/// The generation of a version; `None` for a version from before generations.
pub(super) fn read_generation(version: &Path) -> Result<Option<u32>, String> {
    Ok(read_sealed(version)?.and_then(|(_, generation)| generation))
}

fn read_sealed(version: &Path) -> Result<Option<(Manifest, Option<u32>)>, String> {
    let path = version.join("manifest.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can't read {}: {error}", path.display())),
    };
    seal::read_manifest(&text).map(Some).map_err(|why| {
        format!("{} is not a manifest docent can read: {why}; {REPAIR}", path.display())
    })
}

/// Replaces the manifest of a version and keeps its generation.
pub(super) fn write_manifest(version: &Path, manifest: &Manifest) -> io::Result<()> {
    let generation = read_generation(version).map_err(io::Error::other)?;
    write_new_manifest(version, manifest, generation.unwrap_or(0))
}

pub(super) fn write_new_manifest(
    version: &Path,
    manifest: &Manifest,
    generation: u32,
) -> io::Result<()> {
    replace(&version.join("manifest.json"), &seal::manifest_text(manifest, generation)?)
}

/// Replaces a file so that a reader, also after a crash, sees either the old or the new content.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push("@new");
    let temporary = PathBuf::from(temporary);
    let mut file = File::create(&temporary)?;
    make_private(&temporary);
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    if let Some(parent) = path.parent() {
        sync_directory(parent);
    }
    Ok(())
}

/// Makes renames and removals in a directory durable. Not every system can sync a directory.
pub(super) fn sync_directory(path: &Path) {
    if let Ok(directory) = File::open(path) {
        let _ = directory.sync_all();
    }
}

/// Removes the engine's write-ahead log except its last part.
///
/// Only for a flushed and closed shard: everything in the log is in the segments then, and the engine neither
/// replays nor shortens the log. The newest closed segment stays: the numbering of operations continues from
/// it, and updates are ignored if their numbers start again.
pub(super) fn prune_log(shard: &Path) -> io::Result<()> {
    let mut closed = Vec::new();
    for entry in fs::read_dir(shard.join("wal"))? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|n| n.strip_prefix("closed-")?.parse::<u64>().ok());
        closed.extend(number.map(|number| (number, entry.path())));
    }
    closed.sort_unstable();
    closed.pop();
    closed.into_iter().try_for_each(|(_, path)| fs::remove_file(path))
}

/// Removes the remains of segments that were being built during a kill; the shard is closed.
pub(super) fn remove_unmade(shard: &Path) -> Result<(), String> {
    let unmade = shard.join("temp_segments");
    match fs::remove_dir_all(&unmade) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("can't remove {}: {error}", unmade.display()))
        }
        _ => Ok(()),
    }
}

/// Size of the log of a shard in bytes; 0 where there is none.
pub(super) fn log_size(shard: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(shard.join("wal")) else { return 0 };
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_pointer_decides_which_version_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let layout = EdgeLayout::new(dir.path(), "docs");
        assert_eq!(layout.current(), Ok(None));
        fs::create_dir_all(layout.version(1)).unwrap();
        assert_eq!(layout.current(), Ok(None), "a version without a pointer is not there");
        layout.point_to(1).unwrap();
        assert_eq!(layout.current(), Ok(Some(1)));
        fs::write(layout.pointer(), "rubbish").unwrap();
        let damaged = layout.current().unwrap_err();
        assert!(damaged.contains("does not name a version") && damaged.contains("index repair"));
    }

    #[test]
    fn removing_spares_collections_whose_names_start_alike() {
        let dir = tempfile::tempdir().unwrap();
        let (docs, docs2) =
            (EdgeLayout::new(dir.path(), "docs"), EdgeLayout::new(dir.path(), "docs2"));
        for layout in [&docs, &docs2] {
            fs::create_dir_all(layout.version(3)).unwrap();
            layout.point_to(3).unwrap();
        }
        docs.remove().unwrap();
        docs.remove().unwrap();
        assert_eq!(docs.current(), Ok(None));
        assert!(docs.versions().unwrap().is_empty());
        assert_eq!(docs2.current(), Ok(Some(3)));
    }

    #[test]
    fn pruning_keeps_the_newest_closed_segment_by_number() {
        let dir = tempfile::tempdir().unwrap();
        let wal = dir.path().join("wal");
        fs::create_dir(&wal).unwrap();
        for name in ["closed-9", "closed-10", "closed-100", "open-7", "first-index"] {
            fs::write(wal.join(name), "x").unwrap();
        }
        prune_log(dir.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(&wal)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["closed-100", "first-index", "open-7"]);
    }
}
