//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::rooted_fs::{self, EntryKind};

/// Opens a file for reading and appending, and creates it if it does not exist.
///
/// # Errors
/// It can't be opened, or is a link, which may lead to a file that others can write.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true))
}

/// Opens a file for reading and writing anywhere in it, and creates it if it does not exist.
///
/// # Errors
/// As [`append`].
pub(crate) fn rewritten(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().write(true))
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.read(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    let file = options.open(path)?;
    // A pipe would block, and a socket leads to another process.
    match rooted_fs::kind_of(&file.metadata()?) {
        kind @ EntryKind::Other("named pipe" | "socket") => Err(rooted_fs::not_a_file(kind)),
        _ => Ok(file),
    }
}

/// Whether an open file is still what its path leads to.
///
/// # Errors
/// It can't be determined.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let there = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        looked => looked?,
    };
    let open = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    Ok(open.created()? == there.created()?)
}
