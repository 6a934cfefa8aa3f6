//! For systems that can't open anything below an open directory: paths are opened as they are, and a link
//! that replaces a part of them at that moment is followed.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{Entry, Kind, Seen, Stamp, not_a_file};

pub(crate) struct Base(PathBuf);

impl Base {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        fs::metadata(root).map(|_| Self(root.to_owned()))
    }

    pub(crate) fn directory(&self, source: &Path) -> io::Result<Directory> {
        Ok(Directory(self.0.join(source)))
    }

    pub(crate) fn file(&self, source: &Path) -> io::Result<File> {
        file(&self.0.join(source))
    }

    pub(crate) fn look(&self, source: &Path) -> io::Result<Seen> {
        look(&self.0.join(source))
    }
}

pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<Entry>> + use<>> {
        Ok(fs::read_dir(&self.0)?.map(|entry| {
            let entry = entry?;
            let kind = entry.metadata().ok().map(|metadata| kind_of(&metadata));
            Ok(Entry { name: entry.file_name(), kind })
        }))
    }

    pub(crate) fn look(&self, name: &OsStr) -> io::Result<Seen> {
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
        Kind::File => Ok(file),
        other => Err(not_a_file(other)),
    }
}

fn file(path: &Path) -> io::Result<File> {
    match look(path)?.kind {
        Kind::File => open_file(path),
        other => Err(not_a_file(other)),
    }
}

fn look(path: &Path) -> io::Result<Seen> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(Seen { kind: kind_of(&metadata), stamp: Stamp::of(&metadata) })
}

pub(crate) fn kind_of(metadata: &Metadata) -> Kind {
    if metadata.is_symlink() {
        Kind::Link
    } else if metadata.is_dir() {
        Kind::Directory
    } else if metadata.is_file() {
        Kind::File
    } else {
        Kind::Other("unknown")
    }
}
