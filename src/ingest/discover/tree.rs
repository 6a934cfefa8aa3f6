//! Lists everything below a directory, with as many threads as there are cores: a walk waits for the system's
//! answer for each file, and the system answers several at once.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use globset::GlobMatcher;
use rayon::Scope;

use super::ignore_rules::{IgnoreRules, UnreadableIgnoreFile};
use super::names::NameRules;
use super::sensitive::{is_presentation, is_sensitive};
use super::walk::{self, WalkedEntry};
use crate::rooted_fs::{self, DirEntry, DirHandle, EntryKind, RootDir};

/// Number of files of a directory that one thread takes at a time.
const BATCH: usize = 256;

/// A directory to walk, and what to look for below it.
pub(super) struct DirectoryTree<'a> {
    pub(super) root: &'a Path,
    /// The root, held open.
    pub(super) held: &'a RootDir,
    /// The directory as a source.
    pub(super) base: &'a str,
    pub(super) only: Option<&'a GlobMatcher>,
    pub(super) rules: &'a NameRules,
    /// In bytes.
    pub(super) max_file_size: u64,
    /// Called with each directory before it is listed.
    pub(super) entering: &'a (dyn Fn(&Path) + Sync),
}

/// A walk in progress.
struct Walking<'a> {
    tree: &'a DirectoryTree<'a>,
    top: PathBuf,
    met: Mutex<Vec<WalkedEntry>>,
}

/// A directory that is being listed.
struct Listed {
    path: PathBuf,
    held: DirHandle,
    ignored: IgnoreRules,
}

/// What to do with an entry of a directory.
enum Verdict {
    File,
    Directory,
    Skip(&'static str),
}

impl DirectoryTree<'_> {
    /// Everything that was found, in no particular order.
    pub(super) fn walk(&self) -> Vec<WalkedEntry> {
        let top = self.root.join(self.base);
        let (above, unread) = IgnoreRules::above(&top);
        let walking = Walking { tree: self, top, met: Mutex::default() };
        let mut met = WalkedEntry::default();
        walking.fail_unread(unread, &mut met);
        walking.add(met);
        rayon::scope(|scope| walking.list(scope, self.base.to_owned(), &above));
        walking.met.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Walking<'_> {
    /// Lists a directory. `place` is its source; `above` has the rules for its siblings.
    fn list<'scope>(&'scope self, scope: &Scope<'scope>, place: String, above: &IgnoreRules) {
        let path = self.top.join(self.below_top(&place));
        (self.tree.entering)(&path);
        let mut met = WalkedEntry::default();
        let opened = self.tree.held.directory(Path::new(&place)).and_then(|held| {
            let entries = held.entries()?;
            Ok((held, entries))
        });
        let (held, entries) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                if place == self.tree.base {
                    met.fail_whole(place, walk::reason(&error));
                } else {
                    met.fail(place, walk::reason(&error));
                }
                return self.add(met);
            }
        };
        if held.is_pseudo() {
            if place == self.tree.base {
                met.fail_whole(place, walk::not_a_file(rooted_fs::PSEUDO));
            } else {
                met.skip(place, rooted_fs::PSEUDO);
            }
            return self.add(met);
        }
        let (ignored, unread) = above.below(&path, &held);
        self.fail_unread(unread, &mut met);
        let listed = Arc::new(Listed { path, held, ignored });
        let mut files = Vec::new();
        for entry in entries {
            let DirEntry { name, kind } = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    met.fail(place.clone(), walk::reason(&error));
                    continue;
                }
            };
            let Some(source) = name.to_str().map(|name| walk::join_names(&place, name)) else {
                let name = walk::join_names(&place, &walk::shown(&name));
                met.fail(name, "its name is not UTF-8".to_owned());
                continue;
            };
            let path = listed.path.join(&name);
            if self.tree.rules.is_internal(&name, &path) {
                continue;
            }
            let wanted = self.tree.only.is_none_or(|glob| glob.is_match(&source));
            match self.judge(&listed, &DirEntry { name: name.clone(), kind }, &path, &source) {
                Verdict::Directory => {
                    // Only the rules are kept, not the open directory: in a large tree, too many would be
                    // open.
                    let ignored = listed.ignored.clone();
                    scope.spawn(move |scope| self.list(scope, source, &ignored));
                }
                _ if !wanted => {}
                Verdict::Skip(why) => met.skip(source, why),
                Verdict::File => files.push((source, name)),
            }
            if files.len() == BATCH {
                let (batch, listed) = (std::mem::take(&mut files), Arc::clone(&listed));
                scope.spawn(move |_| self.take(batch, &listed, WalkedEntry::default()));
            }
        }
        self.take(files, &listed, met);
    }

    /// The path of a source below the top.
    fn below_top<'s>(&self, source: &'s str) -> &'s Path {
        let rest = source.strip_prefix(self.tree.base).unwrap_or(source);
        Path::new(rest.strip_prefix('/').unwrap_or(rest))
    }

    fn judge(&self, listed: &Listed, entry: &DirEntry, path: &Path, source: &str) -> Verdict {
        let kind = entry.kind.or_else(|| Some(listed.held.look(&entry.name).ok()?.kind));
        // An entry that has vanished since the listing is treated as a file and fails later.
        let Some(kind) = kind else { return Verdict::File };
        let is_dir = kind == EntryKind::Directory;
        if let Some(why) = self.tree.rules.skip(&listed.ignored, path, source, is_dir) {
            return Verdict::Skip(why);
        }
        match kind {
            EntryKind::Directory => Verdict::Directory,
            EntryKind::Link => {
                let inside = |target: &Path| {
                    target.starts_with(self.tree.root) || target.starts_with(&self.top)
                };
                Verdict::Skip(match fs::canonicalize(path) {
                    Ok(target) if inside(&target) => "symlink",
                    Ok(_) => "symlink outside the root",
                    Err(_) => "broken symlink",
                })
            }
            EntryKind::Other(what) => Verdict::Skip(what),
            EntryKind::File => {
                let open = || listed.held.file(&entry.name);
                if is_sensitive(source) && !is_presentation(source, open) {
                    return Verdict::Skip("key or credentials file");
                }
                Verdict::File
            }
        }
    }

    fn take(&self, files: Vec<(String, OsString)>, listed: &Listed, mut met: WalkedEntry) {
        for (source, name) in files {
            met.take(source, listed.held.look(&name), self.tree.max_file_size);
        }
        met.sort();
        self.add(met);
    }

    /// Reports ignore files of the project whose rules are not applied. Files above the project are not
    /// reported.
    fn fail_unread(&self, unread: Vec<UnreadableIgnoreFile>, met: &mut WalkedEntry) {
        for UnreadableIgnoreFile { path, reason } in unread {
            let source = match path.strip_prefix(self.tree.root) {
                Ok(relative) => walk::source_of(relative),
                Err(_) if path.starts_with(&self.top) => path.to_str().map(str::to_owned),
                Err(_) => None,
            };
            if let Some(source) = source {
                met.fail(source, format!("its rules are not applied: {reason}"));
            }
        }
    }

    fn add(&self, met: WalkedEntry) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).push(met);
    }
}
