//! The rules of `.gitignore` and `.docentignore`.
//!
//! This module reads the files, and not the `ignore` crate, which knows their syntax: that crate opens
//! whatever is there, and would block for ever on a named pipe or a link to a device.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::walk;
use crate::rooted_fs::{self, DirHandle};

const GITIGNORE: &str = ".gitignore";
const DOCENTIGNORE: &str = ".docentignore";

/// Files whose content decides what is ignored.
pub(super) const IGNORE_FILES: [&str; 2] = [GITIGNORE, DOCENTIGNORE];

/// Limit on the size of an ignore file, in bytes: more than anybody writes by hand.
const LONGEST: u64 = 1 << 20;

/// The rules for the entries of a directory: those of its own ignore files and of the directories above.
#[derive(Clone, Default)]
pub(super) struct IgnoreRules(Option<Arc<Level>>);

/// A directory that has rules.
struct Level {
    docent: Gitignore,
    git: Gitignore,
    above: IgnoreRules,
}

/// An ignore file that could not be read: its rules are not applied.
pub(super) struct UnreadableIgnoreFile {
    pub(super) path: PathBuf,
    pub(super) reason: String,
}

impl IgnoreRules {
    /// The rules of all directories above `top`, also outside of a git repository. Files of the machine (a
    /// global gitignore) do not apply: the same tree gives the same documents everywhere.
    pub(super) fn above(top: &Path) -> (Self, Vec<UnreadableIgnoreFile>) {
        let (mut rules, mut unread) = (Self::default(), Vec::new());
        let above: Vec<&Path> = top.ancestors().skip(1).collect();
        for directory in above.into_iter().rev() {
            let open = |name: &OsStr| rooted_fs::open_file(&directory.join(name));
            rules = rules.extended(directory, open, &mut unread);
        }
        (rules, unread)
    }

    /// Adds the rules of a directory below. `path` is its absolute path.
    pub(super) fn below(&self, path: &Path, held: &DirHandle) -> (Self, Vec<UnreadableIgnoreFile>) {
        let mut unread = Vec::new();
        (self.clone().extended(path, |name| held.linked_file(name), &mut unread), unread)
    }

    fn extended(
        self,
        directory: &Path,
        open: impl Fn(&OsStr) -> io::Result<File>,
        unread: &mut Vec<UnreadableIgnoreFile>,
    ) -> Self {
        let mut rules = |name: &str| match open(name.as_ref()).and_then(text) {
            Ok(text) => compile(directory, &text),
            // A link that leads nowhere has no rules either.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Gitignore::empty(),
            Err(error) => {
                let reason = walk::reason(&error);
                unread.push(UnreadableIgnoreFile { path: directory.join(name), reason });
                Gitignore::empty()
            }
        };
        let (docent, git) = (rules(DOCENTIGNORE), rules(GITIGNORE));
        if docent.is_empty() && git.is_empty() {
            return self;
        }
        Self(Some(Arc::new(Level { docent, git, above: self })))
    }

    /// What the rules say about an entry of the directory. The nearest rule decides; a rule of a
    /// `.docentignore` takes precedence over any of a `.gitignore`. `path` is absolute.
    pub(super) fn matched(&self, path: &Path, is_dir: bool) -> Match<()> {
        let levels = || std::iter::successors(self.0.as_deref(), |level| level.above.0.as_deref());
        let by = |rules: &dyn Fn(&Level) -> &Gitignore| {
            let mut found = levels().map(|level| rules(level).matched(path, is_dir).map(|_| ()));
            found.find(|found| !found.is_none()).unwrap_or(Match::None)
        };
        by(&|level| &level.docent).or(by(&|level| &level.git))
    }
}

fn text(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MB, the limit of an ignore file"));
    }
    Ok(bytes)
}

/// Lines that are not patterns are skipped, as in git.
fn compile(directory: &Path, text: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(directory);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in text.split(|byte| *byte == b'\n') {
        if let Ok(line) = str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)) {
            let _ = builder.add_line(None, line);
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
