//! Everything below a directory, by as many threads as the machine has cores: what a walk waits for
//! is the system's answer for each file, and it answers several at once.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use globset::GlobMatcher;
use rayon::Scope;

use super::names::{Names, Rules};
use super::sensitive::{is_presentation, is_sensitive};
use super::walk::{self, Met};

/// How many files of a directory one thread takes at a time.
const BATCH: usize = 256;

/// The directory, and what is asked of what is below it.
pub(super) struct Tree<'a> {
    pub(super) root: &'a Path,
    /// The directory as a source.
    pub(super) base: &'a str,
    pub(super) only: Option<&'a GlobMatcher>,
    pub(super) rules: &'a Rules,
    /// Bytes.
    pub(super) max_file_size: u64,
    /// Is told each directory before it is listed.
    pub(super) entering: &'a (dyn Fn(&Path) + Sync),
}

/// A walk on its way.
struct Walking<'a> {
    tree: &'a Tree<'a>,
    top: PathBuf,
    fresh: Names,
    /// Each remembers the ignore files that it has read: those that no thread is using.
    used: Mutex<Vec<Names>>,
    met: Mutex<Vec<Met>>,
}

/// What to do with an entry of a directory.
enum Verdict {
    File,
    Directory,
    Skip(&'static str),
}

impl Tree<'_> {
    /// What was met, in no order.
    pub(super) fn walk(&self) -> Vec<Met> {
        let top = self.root.join(self.base);
        let Some(fresh) = self.rules.below(&top) else { return Vec::new() };
        let walking =
            Walking { tree: self, top, fresh, used: Mutex::default(), met: Mutex::default() };
        rayon::scope(|scope| walking.list(scope, self.base.to_owned()));
        walking.met.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Walking<'_> {
    /// `place` is the source of a directory.
    fn list<'scope>(&'scope self, scope: &Scope<'scope>, place: String) {
        let directory = self.top.join(self.below_top(&place));
        (self.tree.entering)(&directory);
        let mut met = Met::default();
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                met.fail(place, walk::reason(&error));
                return self.met().push(met);
            }
        };
        let used = self.used().pop();
        let mut names = used.unwrap_or_else(|| self.fresh.clone());
        let mut files = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    met.fail(place.clone(), walk::reason(&error));
                    continue;
                }
            };
            let name = entry.file_name();
            let Some(source) = name.to_str().map(|name| walk::join_names(&place, name)) else {
                let name = walk::join_names(&place, &walk::shown(&name));
                met.fail(name, "its name is not UTF-8".to_owned());
                continue;
            };
            if names.is_internal(&name, || entry.path()) {
                continue;
            }
            let wanted = self.tree.only.is_none_or(|glob| glob.is_match(&source));
            match self.judge(&entry, &source, &mut names) {
                Verdict::Directory => scope.spawn(move |scope| self.list(scope, source)),
                _ if !wanted => {}
                Verdict::Skip(why) => met.skip(source, why),
                Verdict::File => files.push((source, entry)),
            }
            if files.len() == BATCH {
                let batch = std::mem::take(&mut files);
                scope.spawn(move |_| self.take(batch, Met::default()));
            }
        }
        self.used().push(names);
        self.take(files, met);
    }

    /// The path of a source below the top.
    fn below_top<'s>(&self, source: &'s str) -> &'s Path {
        let rest = source.strip_prefix(self.tree.base).unwrap_or(source);
        Path::new(rest.strip_prefix('/').unwrap_or(rest))
    }

    fn judge(&self, entry: &DirEntry, source: &str, names: &mut Names) -> Verdict {
        // An entry that vanished since the listing is taken as a file and fails there.
        let Ok(kind) = entry.file_type() else { return Verdict::File };
        if let Some(why) = names.skip(self.below_top(source), source, kind.is_dir()) {
            return Verdict::Skip(why);
        }
        if kind.is_dir() {
            return Verdict::Directory;
        }
        if kind.is_symlink() {
            let inside =
                |target: &Path| target.starts_with(self.tree.root) || target.starts_with(&self.top);
            return Verdict::Skip(match fs::canonicalize(entry.path()) {
                Ok(target) if inside(&target) => "symlink",
                Ok(_) => "symlink outside the root",
                Err(_) => "broken symlink",
            });
        }
        if !kind.is_file() {
            return Verdict::Skip("not a file");
        }
        if is_sensitive(source) && !is_presentation(&entry.path()) {
            return Verdict::Skip("key or credentials file");
        }
        Verdict::File
    }

    fn take(&self, files: Vec<(String, DirEntry)>, mut met: Met) {
        for (source, entry) in files {
            met.take(source, entry.metadata(), self.tree.max_file_size);
        }
        met.sort();
        self.met().push(met);
    }

    fn used(&self) -> MutexGuard<'_, Vec<Names>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn met(&self) -> MutexGuard<'_, Vec<Met>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
