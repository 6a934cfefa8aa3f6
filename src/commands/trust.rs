//! The project files that the user trusts: a list of JSON lines, each with a path and the hash of the
//! file when it was trusted. An edited file is not trusted.
//!
//! Earlier lists had lines `HASH PATH`, which the name of a directory could forge with a line break.
//! They are still read, and extended in JSON.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context;
use crate::error::Failure;
use crate::types::{ContentHash, Site};

/// A line of the list.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
struct Entry {
    trusted: Trusted,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
enum Trusted {
    /// A `docent.toml`, as it was when it was trusted.
    File { path: Name, sha256: String },
    /// What a project may read outside of it: a path that the user has typed there.
    Outside { project: Name, path: Name },
    /// Pages that a project may fetch: those that the user has typed there.
    Site { project: Name, site: Site },
}

/// A path, to the byte.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(untagged)]
enum Name {
    Text(String),
    /// Not UTF-8.
    Bytes(Vec<u8>),
}

impl Name {
    fn of(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes(path.as_os_str().as_encoded_bytes().to_vec()),
        }
    }
}

/// Whether the user trusts the project file with this text.
pub(super) fn is_trusted(path: &Path, text: &str) -> bool {
    list_file().is_some_and(|list| holds(&list, &file(path, text)))
}

/// The same for its current text.
pub(super) fn is_trusted_now(path: &Path) -> bool {
    context::read(path).is_ok_and(|text| is_trusted(path, &text))
}

/// Adds the project file with this text to those that are trusted.
pub(super) fn trust(path: &Path, text: &str) -> Result<(), Failure> {
    let list = list_file().ok_or_else(|| {
        Failure::config("no place to remember this: neither HOME nor XDG_STATE_HOME is set")
    })?;
    add(&list, &file(path, text))
        .map_err(|error| Failure::config(format!("{} cannot be written: {error}", list.display())))
}

/// What the user has named in `project`: paths outside of it, and web pages.
pub(super) fn named_in(project: &Path) -> (Vec<PathBuf>, Vec<Site>) {
    let list = list_file().and_then(|list| fs::read(list).ok()).unwrap_or_default();
    let here = Name::of(project);
    let (mut paths, mut sites) = (Vec::new(), Vec::new());
    for line in list.split(|byte| *byte == b'\n') {
        match serde_json::from_slice::<Entry>(line).map(|entry| entry.trusted) {
            Ok(Trusted::Outside { project, path: Name::Text(path) }) if project == here => {
                paths.push(PathBuf::from(path));
            }
            Ok(Trusted::Site { project, site }) if project == here => sites.push(site),
            _ => {}
        }
    }
    (paths, sites)
}

/// Remembers that the user has named a path. If it can't be remembered, it has to be named again.
pub(super) fn allow_reading(project: &Path, path: &Path) -> io::Result<()> {
    list_file().map_or(Ok(()), |list| add(&list, &outside(project, path)))
}

/// Remembers that the user has named a site.
pub(super) fn allow_fetching(project: &Path, site: Site) -> io::Result<()> {
    let entry = Trusted::Site { project: Name::of(project), site };
    list_file().map_or(Ok(()), |list| add(&list, &entry))
}

fn list_file() -> Option<PathBuf> {
    context::state_file("trusted")
}

fn file(path: &Path, text: &str) -> Trusted {
    Trusted::File { path: Name::of(path), sha256: ContentHash::of(text.as_bytes()).to_string() }
}

fn outside(project: &Path, path: &Path) -> Trusted {
    Trusted::Outside { project: Name::of(project), path: Name::of(path) }
}

fn holds(list: &Path, entry: &Trusted) -> bool {
    let Ok(list) = fs::read(list) else { return false };
    let is_it = |line: &[u8]| match serde_json::from_slice::<Entry>(line) {
        Ok(listed) => listed.trusted == *entry,
        Err(_) => matches!(entry, Trusted::File { path: Name::Text(path), sha256 }
            if line == format!("{sha256}  {path}").as_bytes()),
    };
    list.split(|byte| *byte == b'\n').any(is_it)
}

/// Adds an entry with one write, so that two processes do not overwrite each other's.
fn add(list: &Path, entry: &Trusted) -> io::Result<()> {
    if holds(list, entry) {
        return Ok(());
    }
    fs::create_dir_all(list.parent().unwrap_or(Path::new(".")))?;
    let torn = fs::read(list).is_ok_and(|list| list.last().is_some_and(|byte| *byte != b'\n'));
    let line = serde_json::to_string(&serde_json::json!({ "trusted": entry }))?;
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = format!("{}{line}\n", if torn { "\n" } else { "" });
    options.open(list)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_name_of_a_directory_forges_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("state/trusted");
        let victim = file(Path::new("/p/docent.toml"), "model = 'x'");
        let Trusted::File { sha256, .. } = &victim else { unreachable!() };
        let forged = serde_json::to_string(&Entry {
            trusted: file(Path::new("/p/docent.toml"), "model = 'x'"),
        });
        for line in [format!("{sha256}  /p/docent.toml"), forged.unwrap()] {
            let evil = format!("/r/x\n{line}\n/docent.toml");
            add(&list, &file(Path::new(&evil), "wait = '5s'")).unwrap();
            assert!(!holds(&list, &victim), "{}", fs::read_to_string(&list).unwrap());
            assert!(holds(&list, &file(Path::new(&evil), "wait = '5s'")));
        }
        add(&list, &victim).unwrap();
        assert!(holds(&list, &victim));
        assert!(!holds(&list, &file(Path::new("/p/docent.toml"), "model = 'y'")));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_look_alike_are_not_alike() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("trusted");
        let named = |name: &[u8]| file(Path::new(std::ffi::OsStr::from_bytes(name)), "");
        add(&list, &named(b"/\xff/docent.toml")).unwrap();
        assert!(holds(&list, &named(b"/\xff/docent.toml")));
        for other in [&b"/\xfe/docent.toml"[..], "/\u{fffd}/docent.toml".as_bytes()] {
            assert!(!holds(&list, &named(other)));
        }
    }

    #[test]
    fn an_old_list_is_read_and_added_to() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("trusted");
        let (old, new) =
            (file(Path::new("/old/docent.toml"), "a"), outside(Path::new("/new"), Path::new("/x")));
        let Trusted::File { sha256, .. } = &old else { unreachable!() };
        // The last line of the list was cut off.
        fs::write(&list, format!("{sha256}  /old/docent.toml\nabc")).unwrap();
        assert!(holds(&list, &old) && !holds(&list, &new));
        add(&list, &new).unwrap();
        assert!(holds(&list, &old) && holds(&list, &new));
        assert!(!holds(&list, &outside(Path::new("/x"), Path::new("/new"))));
    }
}
