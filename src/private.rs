//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use crate::beneath::{self, Kind};

/// Opens a file for reading and appending, and makes it where it is not there.
///
/// # Errors
/// It can't be opened, or is a link: that may lead to a file that is somebody else's to write.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    let file = options.open(path)?;
    // It would be waited for, or it leads to another process.
    match beneath::kind_of(&file.metadata()?) {
        kind @ Kind::Other("named pipe" | "socket") => Err(beneath::not_a_file(kind)),
        _ => Ok(file),
    }
}
