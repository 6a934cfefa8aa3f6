//! Files and directories below a root, opened without following a link.
//!
//! A walk finds a directory, and by the time that it is listed, somebody may have put a link in its
//! place that leads anywhere. So what was found is opened part by part, from a directory that is held
//! open, and no part may be a link: Linux does that in one call, other Unix systems are asked for each
//! part. Elsewhere paths are opened as they are.
//!
//! What is opened to be read is a file on a disk. A named pipe would keep the reader waiting for ever, a
//! device has no end, and what the system tells of itself in `/proc` and `/sys` has no size.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::time::UNIX_EPOCH;

#[cfg(not(unix))]
pub(crate) use elsewhere::{Base, Directory, kind_of, open_file};
#[cfg(unix)]
pub(crate) use unix::{Base, Directory, kind_of, open_file};

/// Of what is not a file on a disk, but made by the system when it is read.
pub(crate) const PSEUDO: &str = "pseudo-filesystem";

/// Why a file or directory was not opened that was found before.
const SWAPPED: &str =
    "it, or a directory on the way to it, has become a link, and links are not followed";

/// What an entry of a directory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    /// With a word for it.
    Other(&'static str),
}

/// What a look at an entry shows, without opening it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) stamp: Stamp,
}

/// What changes where a file does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// Bytes.
    pub(crate) size: u64,
    /// Modification time, nanoseconds since the Unix epoch; never 0, which means a document that is no
    /// file: reproducible archives unpack with that time.
    pub(crate) mtime: i64,
}

const NEXT_TO_EPOCH: i64 = 1;

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let mtime = metadata.modified().map_or(NEXT_TO_EPOCH, |modified| {
            match modified.duration_since(UNIX_EPOCH) {
                Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
                Err(before) => {
                    i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns)
                }
            }
        });
        Self::new(metadata.len(), mtime)
    }

    fn new(size: u64, mtime: i64) -> Self {
        Self { size, mtime: if mtime == 0 { NEXT_TO_EPOCH } else { mtime } }
    }
}

/// An entry of a directory, as its listing has it.
pub(crate) struct Entry {
    pub(crate) name: OsString,
    /// `None` where the listing does not say.
    pub(crate) kind: Option<Kind>,
}

/// Why something that is there is not read.
pub(crate) fn not_a_file(what: Kind) -> io::Error {
    match what {
        Kind::Link => io::Error::other(SWAPPED),
        Kind::Other(what) => io::Error::other(format!("not a file: {what}")),
        Kind::File | Kind::Directory => io::Error::other("not a file"),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
