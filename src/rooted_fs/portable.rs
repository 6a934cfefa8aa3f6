//! For systems that can't open anything below an open directory: paths are opened as they are, and a link
//! that replaces a part of them at that moment is followed.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{DirEntry, EntryKind, EntryStat, FileStamp, not_a_file};

pub(crate) struct RootDir(PathBuf);

impl RootDir {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        fs::metadata(root).map(|_| Self(root.to_owned()))
    }

    pub(crate) fn directory(&self, source: &Path) -> io::Result<DirHandle> {
        Ok(DirHandle(self.0.join(source)))
    }

    pub(crate) fn file(&self, source: &Path) -> io::Result<File> {
        file(&self.0.join(source))
    }

    pub(crate) fn look(&self, source: &Path) -> io::Result<EntryStat> {
        look(&self.0.join(source))
    }
}

pub(crate) struct DirHandle(PathBuf);

impl DirHandle {
    pub(crate) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<DirEntry>> + use<>> {
        Ok(fs::read_dir(&self.0)?.map(|entry| {
            let entry = entry?;
            let kind = entry.metadata().ok().map(|metadata| kind_of(&metadata));
            Ok(DirEntry { name: entry.file_name(), kind })
        }))
    }

    pub(crate) fn look(&self, name: &OsStr) -> io::Result<EntryStat> {
        look(&self.0.join(name))
    }

    pub(crate) fn file(&self, name: &OsStr) -> io::Result<File> {
        file(&self.0.join(name))
    }

    pub(crate) fn linked_file(&self, name: &OsStr) -> io::Result<File> {
        open_file(&self.0.join(name))
    }

    pub(crate) fn is_pseudo(&self) -> bool {
        false
    }
}

pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    match kind_of(&file.metadata()?) {
        EntryKind::File => Ok(file),
        other => Err(not_a_file(other)),
    }
}

fn file(path: &Path) -> io::Result<File> {
    match look(path)?.kind {
        EntryKind::File => open_file(path),
        other => Err(not_a_file(other)),
    }
}

fn look(path: &Path) -> io::Result<EntryStat> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(EntryStat { kind: kind_of(&metadata), stamp: FileStamp::of(&metadata) })
}

pub(crate) fn kind_of(metadata: &Metadata) -> EntryKind {
    if metadata.is_symlink() {
        EntryKind::Link
    } else if metadata.is_dir() {
        EntryKind::Directory
    } else if metadata.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other("unknown")
    }
}
