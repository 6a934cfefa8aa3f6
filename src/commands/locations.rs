//! Where a command runs: the project, its file and its data, as far as they belong to the user.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::context::user_file;
use super::trust;
use crate::error::Failure;
use crate::service::SOCKET;
use crate::ui::Ui;

pub(super) const PROJECT_FILE: &str = "docent.toml";
const DATA_DIR: &str = ".docent";

/// Something that has the name of the user's settings file, but is not a file.
fn no_user_file() -> Option<PathBuf> {
    user_file().filter(|path| is_no_file(path))
}

/// Whether this is not a regular file. A link to `/dev/null` counts as an empty file.
fn is_no_file(path: &Path) -> bool {
    path.exists()
        && !path.is_file()
        && path.canonicalize().is_ok_and(|path| path != Path::new("/dev/null"))
}

/// The directories and files of a command.
pub(super) struct CommandLocations {
    pub(super) cwd: PathBuf,
    pub(super) root: PathBuf,
    /// The nearest project file, which may be above the root.
    pub(super) project_file: Option<PathBuf>,
    /// Project files and data directories above the working directory that were ignored: they belong to
    /// another user, who would decide for everybody below.
    foreign: Vec<PathBuf>,
    /// Entries that have the name of a project file, but are not files.
    no_files: Vec<PathBuf>,
    user: User,
}

impl CommandLocations {
    pub(super) fn find() -> Result<Self, Failure> {
        let cwd = env::current_dir().and_then(|dir| dir.canonicalize()).map_err(|error| {
            Failure::usage(format!("the working directory cannot be used: {error}"))
        })?;
        Ok(Self::of(cwd, User::current()))
    }

    fn of(cwd: PathBuf, user: User) -> Self {
        let (mut root, mut project_file) = (None, None);
        let (mut foreign, mut no_files) = (Vec::new(), Vec::new());
        for dir in cwd.ancestors() {
            let own = |path: &Path| dir == cwd || user.owns(path);
            let (file, data) = (dir.join(PROJECT_FILE), dir.join(DATA_DIR));
            let named = file.is_file() && {
                let known = own(&file) || trust::is_trusted_now(&file);
                if known {
                    true
                } else {
                    foreign.push(file.clone());
                    false
                }
            };
            if is_no_file(&file) {
                no_files.push(file.clone());
            }
            let stored = data.is_dir() && {
                let known = own(&data) || (named && trust::is_trusted_now(&file));
                // Next to a file of the user's own, the directory is refused when it is used.
                if !known && !named && root.is_none() {
                    foreign.push(data);
                }
                known
            };
            if (named || stored) && root.is_none() {
                root = Some(dir.to_owned());
            }
            if named {
                project_file = Some(file);
                break;
            }
        }
        Self {
            root: root.unwrap_or_else(|| cwd.clone()),
            cwd,
            project_file,
            foreign,
            no_files,
            user,
        }
    }

    /// Warns about what was ignored.
    pub(super) fn say_foreign(&self, ui: &mut Ui) {
        for path in self.no_files.iter().chain(&no_user_file()) {
            let what = if path.is_dir() { "a directory" } else { "not a regular file" };
            ui.warn(&format!("{} is {what}: no settings are read from it", path.display()));
        }
        for path in &self.foreign {
            let way = if path.ends_with(PROJECT_FILE) {
                "docent config trust"
            } else {
                "name it with --data-dir"
            };
            ui.warn(&format!(
                "{} belongs to another user and is not used; if you trust it: {way}",
                path.display()
            ));
        }
    }

    /// The file for `docent config trust`: the nearest one, whoever owns it.
    pub(super) fn nearest_file(&self) -> Option<&Path> {
        let foreign = self.foreign.iter().find(|path| path.ends_with(PROJECT_FILE));
        foreign.or(self.project_file.as_ref()).map(PathBuf::as_path)
    }

    /// The default directory of collections.
    pub(super) fn data_dir(&self, trusted: bool) -> Result<PathBuf, Failure> {
        let dir = self.root.join(DATA_DIR);
        let Ok(metadata) = fs::symlink_metadata(&dir) else { return Ok(dir) };
        if self.root != self.cwd && !trusted && !self.user.owns(&dir) {
            return Err(Failure::config(format!("{} belongs to another user", dir.display()))
                .hint("use a directory of your own with --data-dir DIR; or name this one with --data-dir if you trust it"));
        }
        if metadata.is_symlink() {
            forbid_link_out(&dir, &self.root)?;
        }
        Ok(dir)
    }
}

/// Refuses links in a data directory. One that came with a project may have links to the collections of
/// another, which would be shown and replaced. docent itself never makes links there.
///
/// # Errors
/// There is a link below `dir` that points outside of it, or a named pipe or device.
pub(super) fn forbid_links_out(dir: &Path) -> Result<(), Failure> {
    let Ok(within) = dir.canonicalize() else { return Ok(()) };
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        // A version may be removed meanwhile, and what cannot be read cannot be used either.
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_symlink() {
                forbid_link_out(&entry.path(), &within)?;
            } else if !kind.is_file() && entry.path() != dir.join(SOCKET) {
                return Err(Failure::config(format!("{} is not a file", entry.path().display()))
                    .hint("remove it: docent keeps only files and directories there"));
            }
        }
    }
    Ok(())
}

fn forbid_link_out(link: &Path, within: &Path) -> Result<(), Failure> {
    match link.canonicalize() {
        Ok(target) if target.starts_with(within) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !link.is_symlink() => {
            return Ok(());
        }
        _ => {}
    }
    let target = fs::read_link(link).unwrap_or_default();
    Err(Failure::config(format!(
        "{} is a link that points outside, to {}",
        link.display(),
        target.display()
    ))
    .hint("remove it; to keep collections elsewhere, use --data-dir or DOCENT_DATA_DIR"))
}

/// The user whose files are used.
struct User {
    #[cfg(unix)]
    id: u32,
    /// The user who called `sudo`: as in git, that user's files count as root's own.
    #[cfg(unix)]
    caller: Option<u32>,
}

#[cfg(unix)]
impl User {
    fn current() -> Self {
        let user = rustix::process::geteuid();
        let caller = env::var("SUDO_UID").ok().filter(|_| user.is_root());
        Self { id: user.as_raw(), caller: caller.and_then(|id| id.parse().ok()) }
    }

    /// Whether the user owns a path; of a link, both the link and its target.
    fn owns(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let own = |metadata: io::Result<fs::Metadata>| {
            metadata.is_ok_and(|metadata| {
                metadata.uid() == self.id || Some(metadata.uid()) == self.caller
            })
        };
        own(fs::symlink_metadata(path)) && own(fs::metadata(path))
    }
}

#[cfg(not(unix))]
impl User {
    fn current() -> Self {
        Self {}
    }

    fn owns(&self, _: &Path) -> bool {
        true
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    /// A project of the user who runs the tests, and a directory in it.
    fn project(names: &[&str]) -> (tempfile::TempDir, PathBuf, u32) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("project");
        fs::create_dir_all(root.join("below")).unwrap();
        for name in names {
            if *name == DATA_DIR {
                fs::create_dir(root.join(name)).unwrap();
            } else {
                fs::write(root.join(name), "").unwrap();
            }
        }
        let owner = fs::metadata(&root).unwrap().uid();
        (dir, root, owner)
    }

    /// To any other user, the files of the user who runs the tests are another user's.
    #[test]
    fn what_another_user_owns_above_the_working_directory_is_passed_over() {
        for names in [&[PROJECT_FILE][..], &[DATA_DIR], &[PROJECT_FILE, DATA_DIR]] {
            let (_dir, root, owner) = project(names);
            let found =
                |cwd: &Path, id, caller| CommandLocations::of(cwd.to_owned(), User { id, caller });
            let below = root.join("below");
            for place in [found(&below, owner, None), found(&below, owner + 1, Some(owner))] {
                assert_eq!((&place.root, &*place.foreign), (&root, &[][..]), "{names:?}");
                assert_eq!(place.project_file.is_some(), names.contains(&PROJECT_FILE));
            }
            let place = found(&below, owner + 1, None);
            let paths: Vec<_> = names.iter().map(|name| root.join(name)).collect();
            assert_eq!((&place.root, &place.foreign), (&below, &paths), "passed over, and said");
            assert_eq!(place.project_file, None);
            // The working directory is the user's own choice.
            let place = found(&root, owner + 1, None);
            assert_eq!((&place.root, &*place.foreign), (&root, &[][..]), "{names:?}");
        }
    }

    #[test]
    fn a_collection_of_another_user_beside_a_file_of_ones_own_is_refused() {
        let (_dir, root, owner) = project(&[PROJECT_FILE, DATA_DIR]);
        let mut place = CommandLocations::of(root.join("below"), User { id: owner, caller: None });
        assert_eq!(place.data_dir(false).unwrap(), root.join(DATA_DIR));
        place.user.id += 1;
        let refused = place.data_dir(false).unwrap_err();
        assert!(refused.message.contains("belongs to another user"), "{}", refused.message);
        assert_eq!(place.data_dir(true).unwrap(), root.join(DATA_DIR));
    }
}
