//! The name of a project on a Qdrant server that it shares with others.
//!
//! The name is set (`project` in `docent.toml`, `DOCENT_PROJECT`), or generated once from the
//! directory's name and a random part, and kept in `.docent/project.json`. That file says where it was
//! made: a file that came with a clone or was copied is not trusted, and does not name the project.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Failure;
use crate::rooted_fs;
use crate::settings::parse;

/// Name of the file in the data directory.
pub(super) const FILE: &str = "project.json";

/// Largest size of the file that is read, in bytes: far more than it needs.
const LONGEST: u64 = 1 << 16;

/// Characters of the directory's name in a generated name.
const READABLE: usize = 40;

/// The name of a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Project {
    pub name: String,
    /// Where the name is to be kept; `None` if it is known already.
    unkept: Option<Unkept>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Unkept {
    root: PathBuf,
    file: PathBuf,
    /// Why the existing file is not used.
    refused: Option<String>,
}

/// Content of the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    project: String,
    made_in: PathBuf,
    /// Inode of the file: it stays the same if the directory is moved, or mounted elsewhere. 0 on
    /// systems without inodes.
    #[serde(default)]
    inode: u64,
}

impl Project {
    /// The name of a project. `chosen` is the value of the setting. Nothing is written.
    pub fn of(chosen: Option<&str>, root: &Path, data_dir: &Path) -> Self {
        if let Some(name) = chosen {
            return Self { name: name.to_owned(), unkept: None };
        }
        let file = data_dir.join(FILE);
        let refused = match read(&file) {
            Ok(None) => None,
            Ok(Some(kept)) if kept.is_of(root, &file) => {
                return Self { name: kept.project, unkept: None };
            }
            Ok(Some(kept)) => Some(format!(
                "{} was made in {} and copied here, or came with a clone: only you know whether this is the project `{}`",
                file.display(),
                kept.made_in.display(),
                kept.project
            )),
            Err(why) => Some(format!("{} can't be read: {why}", file.display())),
        };
        let unkept = Unkept { root: root.to_owned(), file, refused };
        Self { name: made_up(root), unkept: Some(unkept) }
    }

    /// Whether the next run will have the same name.
    pub fn is_kept(&self) -> bool {
        self.unkept.is_none()
    }

    /// Checks that the project has a reliable name.
    ///
    /// # Errors
    /// It has none.
    pub fn check(&self) -> Result<(), Failure> {
        let refused = self.unkept.as_ref().and_then(|unkept| unkept.refused.clone());
        refused.map_or(Ok(()), |why| Err(unknown(&why)))
    }

    /// Keeps the name for later runs, before anything is stored under it.
    ///
    /// # Errors
    /// It can't be kept. The next run would be another project.
    pub fn keep(&self) -> Result<(), Failure> {
        self.check()?;
        let Some(Unkept { root, file, .. }) = &self.unkept else { return Ok(()) };
        write(&self.name, root, file).map_err(|error| {
            unknown(&format!(
                "the name of the project can't be kept in {}: {error}",
                file.display()
            ))
        })
    }
}

impl Kept {
    fn is_of(&self, root: &Path, file: &Path) -> bool {
        self.made_in == root || (self.inode != 0 && inode(file) == self.inode)
    }
}

fn unknown(why: &str) -> Failure {
    Failure::config(format!("on a Qdrant server a project needs a name, but {why}")).hint(
        "set `project = \"NAME\"` in docent.toml, or DOCENT_PROJECT: the same name in every checkout of the project, and another for other projects",
    )
}

/// Reads the file; `None` if there is no such file.
fn read(file: &Path) -> Result<Option<Kept>, String> {
    let opened = match rooted_fs::open_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| error.to_string())?,
    };
    let mut text = String::new();
    opened.take(LONGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let kept: Kept = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    parse::collection(&kept.project).map_err(|why| format!("{:?} {why}", kept.project))?;
    Ok(Some(kept))
}

fn write(project: &str, root: &Path, file: &Path) -> io::Result<()> {
    let data = file.parent().unwrap_or(root);
    if !data.exists() {
        fs::create_dir_all(data)?;
        // The directory ignores itself, as when it is made for a collection.
        fs::write(data.join(".gitignore"), "*\n")?;
    }
    // Another process may be doing the same.
    let mut made = OpenOptions::new().write(true).create_new(true).open(file)?;
    let kept = Kept { project: project.to_owned(), made_in: root.to_owned(), inode: inode(file) };
    made.write_all(serde_json::to_string_pretty(&kept)?.as_bytes())?;
    made.sync_all()
}

#[cfg(unix)]
fn inode(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(file).map_or(0, |metadata| metadata.ino())
}

#[cfg(not(unix))]
fn inode(_: &Path) -> u64 {
    0
}

/// Generates a name such as `handbook-3f9c2a7104`: readable and unique.
fn made_up(root: &Path) -> String {
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(kept).take(READABLE).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = if name.is_empty() { "project" } else { name };
    // These bits are random.
    format!("{name}-{:010x}", Uuid::now_v7().as_u128() & 0xff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn found(root: &Path) -> Project {
        Project::of(None, root, &root.join(".docent"))
    }

    #[test]
    fn a_name_is_made_once_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("My Handbook!");
        fs::create_dir(&root).unwrap();
        let (first, other) = (found(&root), found(&root));
        assert!(first.name.starts_with("My-Handbook-"), "{}", first.name);
        assert_ne!(first.name, other.name, "until it is kept");
        assert!(!first.is_kept() && !root.join(".docent").exists());
        first.keep().unwrap();
        assert!(found(&root).is_kept());
        assert_eq!(found(&root).name, first.name);
        assert_eq!(fs::read_to_string(root.join(".docent/.gitignore")).unwrap(), "*\n");
        let late = other.keep().unwrap_err();
        assert!(late.message.contains("project.json"), "{}", late.message);
        assert_eq!(found(&root).name, first.name, "who comes second changes nothing");
        for odd in ["/", "/...", "/文档"] {
            assert!(made_up(Path::new(odd)).starts_with("project-"), "{odd}");
        }
        assert_eq!(parse::collection(&first.name), Ok(first.name));
    }

    #[test]
    fn a_directory_that_is_moved_is_the_same_project_and_a_copy_is_nobody_knows_which() {
        let dir = tempfile::tempdir().unwrap();
        let [at, moved, copy] = ["at", "moved", "copy"].map(|name| dir.path().join(name));
        fs::create_dir(&at).unwrap();
        let made = found(&at);
        made.keep().unwrap();
        fs::rename(&at, &moved).unwrap();
        #[cfg(unix)]
        assert_eq!(found(&moved).name, made.name);
        fs::create_dir_all(copy.join(".docent")).unwrap();
        fs::copy(moved.join(".docent/project.json"), copy.join(".docent/project.json")).unwrap();
        let copied = found(&copy);
        assert_ne!(copied.name, made.name);
        let refused = copied.keep().unwrap_err();
        assert!(refused.message.contains("copied here"), "{}", refused.message);
        assert!(refused.message.contains(&made.name), "{}", refused.message);
        let chosen = Project::of(Some("handbook"), &copy, &copy.join(".docent"));
        assert!(chosen.is_kept() && chosen.keep().is_ok());
    }

    #[test]
    fn what_names_nothing_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join(".docent");
        fs::create_dir(&data).unwrap();
        for text in ["", "{", "{\"project\": \"../x\", \"made_in\": \"/\"}"] {
            fs::write(data.join(FILE), text).unwrap();
            let refused = found(dir.path()).check().unwrap_err();
            assert!(refused.message.contains("can't be read"), "{text}: {}", refused.message);
            assert!(refused.hint.unwrap().contains("DOCENT_PROJECT"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn where_nothing_can_be_written_a_name_has_to_be_chosen() {
        let dir = tempfile::tempdir().unwrap();
        // A file is in the way of the directory.
        fs::write(dir.path().join(".docent"), "").unwrap();
        let refused =
            Project::of(None, dir.path(), &dir.path().join(".docent")).keep().unwrap_err();
        assert!(refused.hint.unwrap().contains("DOCENT_PROJECT"));
    }
}
