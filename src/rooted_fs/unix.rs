//! On Unix every part of a path is opened relative to an open directory; Linux has one call that does the
//! same for a whole path.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{DirEntry, EntryKind, EntryStat, FileStamp, PSEUDO, not_a_file};

/// A directory that is only passed through. On Linux this needs no permission to read it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const PASS: OFlags = OFlags::RDONLY;

/// Without these flags, opening a named pipe would wait for its other end, and a terminal could become the
/// controlling one.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// A root that sources are relative to, held open.
pub(crate) struct RootDir(OwnedFd);

impl RootDir {
    /// Opens a root. Links on its own path are followed.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(root, PASS | DIRECTORY, Mode::empty())?))
    }

    /// Opens a directory for listing. An absolute source is looked up from `/`.
    pub(crate) fn directory(&self, source: &Path) -> io::Result<DirHandle> {
        self.way(source, OFlags::RDONLY).map(DirHandle)
    }

    /// Opens a file for reading, and nothing but a file.
    pub(crate) fn file(&self, source: &Path) -> io::Result<File> {
        let (parent, name) = self.parent(source)?;
        DirHandle(parent).file(name)
    }

    pub(crate) fn look(&self, source: &Path) -> io::Result<EntryStat> {
        let (parent, name) = self.parent(source)?;
        let seen = look(parent.as_fd(), name)?;
        let kind = if is_pseudo(parent.as_fd()) { EntryKind::Other(PSEUDO) } else { seen.kind };
        Ok(EntryStat { kind, ..seen })
    }

    fn parent<'s>(&self, source: &'s Path) -> io::Result<(OwnedFd, &'s OsStr)> {
        let name = source.file_name().ok_or(Errno::ISDIR)?;
        Ok((self.way(source.parent().unwrap_or(Path::new("")), PASS)?, name))
    }

    fn way(&self, source: &Path, access: OFlags) -> io::Result<OwnedFd> {
        let opened = match source.strip_prefix("/") {
            Ok(below) => {
                let top = rustix::fs::open("/", PASS | DIRECTORY, Mode::empty())?;
                way(top.as_fd(), below, access | DIRECTORY)
            }
            Err(_) => way(self.0.as_fd(), source, access | DIRECTORY),
        };
        opened.map_err(|error| match error {
            Errno::LOOP => not_a_file(EntryKind::Link),
            error => error.into(),
        })
    }
}

/// Opens a directory below another one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn way(top: BorrowedFd<'_>, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let path = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(top, path, flags, Mode::empty(), resolve) {
        // Older systems do not have it, and some sandboxes report that it is not permitted.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => part_by_part(top, below, flags),
        opened => opened,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use part_by_part as way;

/// The same on any system: each part is opened relative to the one before it.
pub(super) fn part_by_part(
    top: BorrowedFd<'_>,
    below: &Path,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let open = |place: BorrowedFd<'_>, part: &OsStr, flags: OFlags| {
        rustix::fs::openat(place, part, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| {
            // A link is not a directory; some systems report it that way.
            let is_link = || look(place, part).is_ok_and(|seen| seen.kind == EntryKind::Link);
            if error == Errno::NOTDIR && is_link() { Errno::LOOP } else { error }
        })
    };
    let mut parts = below.components().peekable();
    let mut place: Option<OwnedFd> = None;
    while let Some(part) = parts.next() {
        let Component::Normal(part) = part else { return Err(Errno::XDEV) };
        let flags = if parts.peek().is_none() { flags } else { PASS | DIRECTORY };
        place = Some(open(place.as_ref().map_or(top, OwnedFd::as_fd), part, flags)?);
    }
    match place {
        Some(place) => Ok(place),
        None => rustix::fs::openat(top, ".", flags, Mode::empty()),
    }
}

/// A directory that is held open: operations go to it, whatever its path leads to by now.
pub(crate) struct DirHandle(OwnedFd);

impl DirHandle {
    pub(crate) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<DirEntry>> + use<>> {
        let listed = Dir::new(self.0.try_clone()?)?;
        let is_entry = |name: &[u8]| name != b"." && name != b"..";
        Ok(listed
            .filter(move |entry| {
                entry.as_ref().map_or(true, |entry| is_entry(entry.file_name().to_bytes()))
            })
            .map(|entry| {
                let entry = entry?;
                Ok(DirEntry {
                    name: OsStr::from_bytes(entry.file_name().to_bytes()).to_owned(),
                    kind: kind(entry.file_type()),
                })
            }))
    }

    /// Looks at an entry itself, even if it is a link.
    pub(crate) fn look(&self, name: &OsStr) -> io::Result<EntryStat> {
        Ok(look(self.0.as_fd(), name)?)
    }

    /// Opens a file for reading, and nothing but a file.
    pub(crate) fn file(&self, name: &OsStr) -> io::Result<File> {
        match rustix::fs::openat(&self.0, name, READ | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(file) => checked(file),
            Err(Errno::LOOP) => Err(not_a_file(EntryKind::Link)),
            // A socket, or a device without hardware.
            Err(error @ (Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP)) => {
                Err(self.look(name).map_or(error.into(), |seen| not_a_file(seen.kind)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file for reading; a link to it is followed.
    pub(crate) fn linked_file(&self, name: &OsStr) -> io::Result<File> {
        checked(rustix::fs::openat(&self.0, name, READ, Mode::empty())?)
    }

    /// Whether its content is generated by the system on reading.
    pub(crate) fn is_pseudo(&self) -> bool {
        is_pseudo(self.0.as_fd())
    }
}

/// Opens a file for reading, wherever its path leads.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    checked(rustix::fs::openat(CWD, path, READ, Mode::empty())?)
}

/// The file, if it is one on a disk.
fn checked(file: OwnedFd) -> io::Result<File> {
    let file = File::from(file);
    match kind_of(&file.metadata()?) {
        EntryKind::File if is_pseudo(file.as_fd()) => Err(not_a_file(EntryKind::Other(PSEUDO))),
        EntryKind::File => Ok(file),
        other => Err(not_a_file(other)),
    }
}

fn look(place: BorrowedFd<'_>, name: &OsStr) -> Result<EntryStat, Errno> {
    let stat = rustix::fs::statat(place, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let file_type = FileType::from_raw_mode(stat.st_mode as _);
    Ok(EntryStat {
        kind: kind(file_type).unwrap_or(EntryKind::Other("unknown")),
        stamp: stamp(&stat),
    })
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_lossless,
    clippy::cast_possible_wrap,
    reason = "systems differ in the types; a second has no more nanoseconds than fit"
)]
fn stamp(stat: &Stat) -> FileStamp {
    let (seconds, nanoseconds) = (stat.st_mtime as i64, stat.st_mtime_nsec as i64);
    let mtime = seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
    FileStamp::new(stat.st_size as u64, mtime)
}

/// `None` where the system did not report it.
fn kind(file_type: FileType) -> Option<EntryKind> {
    Some(match file_type {
        FileType::Unknown => return None,
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        FileType::Fifo => EntryKind::Other("named pipe"),
        FileType::Socket => EntryKind::Other("socket"),
        // And other kinds that some systems have.
        _ => EntryKind::Other("device"),
    })
}

pub(crate) fn kind_of(metadata: &Metadata) -> EntryKind {
    use std::os::unix::fs::MetadataExt as _;
    kind(FileType::from_raw_mode(metadata.mode() as _)).unwrap_or(EntryKind::Other("unknown"))
}

/// File systems without real files: numbers from `linux/magic.h`, with the names that they are mounted by.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_lossless,
    reason = "architectures differ in the type"
)]
fn is_pseudo(place: BorrowedFd<'_>) -> bool {
    const MAGIC: [u32; 14] = [
        0x9fa0,      // proc
        0x6265_6572, // sysfs
        0x6462_6720, // debugfs
        0x7472_6163, // tracefs
        0x7363_6673, // securityfs
        0x6265_6570, // configfs
        0x0027_e0eb, // cgroup
        0x6367_7270, // cgroup2
        0xcafe_4a11, // bpf
        0xf97c_ff8c, // selinux
        0x6165_676c, // pstore
        0xde5e_81e4, // efivarfs
        0x6573_5543, // fusectl
        0x4249_4e4d, // binfmt_misc
    ];
    rustix::fs::fstatfs(place).is_ok_and(|system| MAGIC.contains(&(system.f_type as u32)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_pseudo(_: BorrowedFd<'_>) -> bool {
    false
}
