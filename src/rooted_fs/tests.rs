#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::*;

/// `root` with `a/b/c.md`, `outside` beside it with the same content, and links to it.
fn places() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for place in ["root", "outside"] {
        fs::create_dir_all(dir.path().join(place).join("a/b")).unwrap();
        fs::write(dir.path().join(place).join("a/b/c.md"), place).unwrap();
    }
    let root = dir.path().join("root");
    symlink("../outside/a", root.join("out")).unwrap();
    symlink("../../outside/a/b", root.join("a/out")).unwrap();
    symlink("../../../outside/a/b/c.md", root.join("a/b/out.md")).unwrap();
    symlink("c.md", root.join("a/b/in.md")).unwrap();
    dir
}

fn read(file: io::Result<File>) -> Result<String, String> {
    let mut text = String::new();
    file.and_then(|mut file| file.read_to_string(&mut text)).map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn no_link_is_followed_wherever_it_is_in_the_path() {
    let dir = places();
    let base = RootDir::open(&dir.path().join("root")).unwrap();
    assert_eq!(read(base.file(Path::new("a/b/c.md"))), Ok("root".to_owned()));
    for link in ["out/b/c.md", "a/out/c.md", "a/b/out.md", "a/b/in.md"] {
        assert_eq!(read(base.file(Path::new(link))), Err(SWAPPED.to_owned()), "{link}");
    }
    for link in ["out", "a/out", "out/b"] {
        let listed = base.directory(Path::new(link)).map(|_| ()).unwrap_err();
        assert_eq!(listed.to_string(), SWAPPED, "{link}");
    }
    assert_eq!(base.look(Path::new("out/b/c.md")).unwrap_err().to_string(), SWAPPED);
    assert_eq!(base.look(Path::new("a/out")).unwrap().kind, EntryKind::Link);
    for up in ["../outside/a/b/c.md", "a/../../outside/a/b/c.md"] {
        assert!(base.file(Path::new(up)).is_err(), "{up}");
    }
    // The root itself may be a link, and files outside are opened only by their own absolute path.
    symlink("root", dir.path().join("again")).unwrap();
    let again = RootDir::open(&dir.path().join("again")).unwrap();
    assert_eq!(read(again.file(Path::new("a/b/c.md"))), Ok("root".to_owned()));
    let real = dir.path().canonicalize().unwrap();
    assert_eq!(read(base.file(&real.join("outside/a/b/c.md"))), Ok("outside".to_owned()));
    assert_eq!(read(base.file(&real.join("root/out/b/c.md"))), Err(SWAPPED.to_owned()));
}

/// The method for systems without `openat2` gives the same results.
#[test]
fn part_by_part_is_the_same_way() {
    let dir = places();
    let root = rustix::fs::open(dir.path().join("root"), OFlags::DIRECTORY, Mode::empty()).unwrap();
    let go = |path: &str| {
        super::unix::part_by_part(root.as_fd(), Path::new(path), OFlags::DIRECTORY).map(|_| ())
    };
    for (path, expected) in [
        ("", Ok(())),
        ("a", Ok(())),
        ("a/b", Ok(())),
        ("out", Err(Errno::LOOP)),
        ("out/b", Err(Errno::LOOP)),
        ("a/out", Err(Errno::LOOP)),
        ("a/b/c.md", Err(Errno::NOTDIR)),
        ("gone", Err(Errno::NOENT)),
        ("..", Err(Errno::XDEV)),
        ("a/../../outside", Err(Errno::XDEV)),
    ] {
        assert_eq!(go(path), expected, "{path}");
    }
}

#[test]
fn an_open_directory_stays_the_same() {
    let dir = places();
    let root = dir.path().join("root");
    let held = RootDir::open(&root).unwrap().directory(Path::new("a/b")).unwrap();
    fs::rename(root.join("a/b"), root.join("a/moved")).unwrap();
    symlink("../../outside/a/b", root.join("a/b")).unwrap();
    assert_eq!(read(held.file("c.md".as_ref())), Ok("root".to_owned()));
    let mut names: Vec<_> = held.entries().unwrap().map(|entry| entry.unwrap().name).collect();
    names.sort();
    assert_eq!(names, ["c.md", "in.md", "out.md"]);
}

/// Opening them would block, or have an effect.
#[test]
fn only_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe.md")).status();
    assert!(made.unwrap().success());
    let _listens = std::os::unix::net::UnixListener::bind(dir.path().join("socket.md")).unwrap();
    fs::create_dir(dir.path().join("directory.md")).unwrap();
    symlink("/dev/zero", dir.path().join("zero.md")).unwrap();
    let base = RootDir::open(dir.path()).unwrap();
    let directory = base.directory(Path::new("")).unwrap();
    for (name, kind, why) in [
        ("pipe.md", EntryKind::Other("named pipe"), "not a file: named pipe"),
        ("socket.md", EntryKind::Other("socket"), "not a file: socket"),
        ("directory.md", EntryKind::Directory, "not a file"),
    ] {
        assert_eq!(base.look(Path::new(name)).unwrap().kind, kind);
        let refused = |file: io::Result<File>| file.unwrap_err().to_string();
        assert_eq!(refused(base.file(Path::new(name))), why);
        assert_eq!(refused(directory.file(name.as_ref())), why);
    }
    let linked = directory.linked_file("zero.md".as_ref()).unwrap_err();
    assert_eq!(linked.to_string(), "not a file: device");
    assert_eq!(open_file(Path::new("/dev/zero")).unwrap_err().to_string(), "not a file: device");
}

/// They have no size, and some block until there is news.
#[cfg(target_os = "linux")]
#[test]
fn pseudo_files_of_the_system_are_not_read() {
    let base = RootDir::open(Path::new("/")).unwrap();
    let source = Path::new("proc/version");
    assert_eq!(base.look(source).unwrap().kind, EntryKind::Other(PSEUDO));
    let refused = base.file(source).unwrap_err();
    assert_eq!(refused.to_string(), "not a file: pseudo-filesystem");
    assert!(base.directory(Path::new("proc")).unwrap().is_pseudo());
    assert!(!base.directory(Path::new("")).unwrap().is_pseudo());
}
