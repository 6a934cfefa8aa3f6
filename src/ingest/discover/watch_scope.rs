//! Where changes on disk may concern a run, and which changes do.
//!
//! A run reads directories, and depends on what leads to them: an input may be deleted, replaced by a rename,
//! or be a link whose target changes. [`WatchScope`] derives both from the same walk that a run makes; [`ChangeFilter`]
//! ignores what the walk ignores.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use globset::GlobMatcher;

use super::ignore_rules::{IGNORE_FILES, IgnoreRules};
use super::names::{self, NameRules};
use super::scope::InputTarget;
use super::walk::{self, Walk};
use super::{DiscoverError, DiscoverOptions, lexical, resolve, split_glob, unreadable};
use crate::rooted_fs::RootDir;

/// The files and directories that the inputs of a run lead to at the moment.
pub struct WatchScope {
    root: PathBuf,
    rules: Arc<NameRules>,
    targets: Vec<InputTarget>,
    /// Each part of the path to each input, and the ignore files beside these parts. Links are resolved,
    /// except for the last part.
    ways: HashSet<PathBuf>,
}

impl WatchScope {
    /// Inputs that do not exist, yet or any longer, are watched for too.
    pub fn new(options: &DiscoverOptions) -> Result<Self, DiscoverError> {
        let root = fs::canonicalize(&options.root)
            .map_err(|error| unreadable(&options.root.display().to_string(), &error))?;
        options.forbid_outside()?;
        let resolved = |input: &String| resolve(input, &root, &options.cwd).ok();
        let targets: Vec<InputTarget> = options.inputs.iter().filter_map(resolved).collect();
        let typed = options.inputs.iter().map(|input| {
            let path = options.cwd.join(input);
            let glob = if path.exists() { None } else { split_glob(input) };
            lexical(&glob.map_or(path, |(base, _)| options.cwd.join(base)))
        });
        let meant = targets.iter().map(|target| root.join(target.base()));
        let mut ways = HashSet::new();
        for path in typed.chain(meant) {
            ways.extend(path.ancestors().take_while(|part| *part != root).filter_map(names::entry));
        }
        let beside = ways.iter().filter_map(|way| way.parent());
        let ignoring: Vec<PathBuf> =
            beside.flat_map(|place| IGNORE_FILES.map(|name| place.join(name))).collect();
        ways.extend(ignoring);
        Ok(Self { rules: Arc::new(NameRules::new(options)?), root, targets, ways })
    }

    /// Directories to watch for changes of what leads to the inputs.
    pub fn ways(&self) -> BTreeSet<&Path> {
        self.ways.iter().filter_map(|way| way.parent()).collect()
    }

    /// Calls `entering` with each directory that a run lists, before it is listed here: a caller that watches
    /// the directory from then on misses nothing below it.
    pub fn enter(&self, entering: &mut (dyn FnMut(&Path) + Send)) {
        let entering = Mutex::new(entering);
        let entering = |directory: &Path| {
            entering.lock().unwrap_or_else(PoisonError::into_inner)(directory);
        };
        let Ok(held) = RootDir::open(&self.root) else { return };
        let mut walk = Walk::new(&self.root, &held, &self.rules, u64::MAX, &entering);
        for target in &self.targets {
            walk.visit(target);
        }
    }

    pub fn judge(&self) -> ChangeFilter {
        let ground = |target: &InputTarget| {
            let only = match target {
                InputTarget::File(_) => return None,
                InputTarget::Directory(_) => None,
                InputTarget::Glob { matcher, .. } => Some(matcher.clone()),
            };
            let (base, top) = (target.base().to_owned(), self.root.join(target.base()));
            let rules = Arc::clone(&self.rules);
            Some(WatchRoot { rules, base, top, only, ignored: HashMap::new() })
        };
        let grounds = self.targets.iter().filter_map(ground).collect();
        ChangeFilter { ways: self.ways.clone(), grounds }
    }
}

/// Decides which changes concern a run. The rules of an ignore file are read once, when they are first
/// needed: a change of such a file concerns the run, and requires a new judge.
pub struct ChangeFilter {
    ways: HashSet<PathBuf>,
    grounds: Vec<WatchRoot>,
}

impl ChangeFilter {
    /// Whether a run might find something different now that `path` was created, changed, moved or deleted.
    pub fn concerns(&mut self, path: &Path) -> bool {
        self.ways.contains(path) || self.grounds.iter_mut().any(|ground| ground.concerns(path))
    }
}

/// Everything below one input.
struct WatchRoot {
    top: PathBuf,
    /// The top as a source.
    base: String,
    only: Option<GlobMatcher>,
    rules: Arc<NameRules>,
    /// Rules by directory.
    ignored: HashMap<PathBuf, IgnoreRules>,
}

impl WatchRoot {
    fn concerns(&mut self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.top) else { return false };
        // Some systems report everything below a directory, including directories that a run never enters.
        let above = relative.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty());
        let above: Vec<&Path> = above.collect();
        if !above.into_iter().rev().all(|directory| self.admits(directory, true)) {
            return false;
        }
        let Some(name) = relative.file_name() else { return true };
        if IGNORE_FILES.iter().any(|file| name == *file) {
            return true;
        }
        match fs::symlink_metadata(path) {
            Ok(metadata) => self.admits(relative, metadata.is_dir()),
            // The entry is gone; it may have been either.
            Err(_) => self.admits(relative, true) || self.admits(relative, false),
        }
    }

    fn admits(&mut self, relative: &Path, is_dir: bool) -> bool {
        let name = relative.file_name().unwrap_or_default();
        let source = walk::join(&self.base, relative);
        let wanted = is_dir || self.only.as_ref().is_none_or(|glob| glob.is_match(&source));
        let path = self.top.join(relative);
        wanted && !self.rules.is_internal(name, &path) && {
            let ignored = self.ignored_in(path.parent().unwrap_or(&path));
            self.rules.skip(&ignored, &path, &source, is_dir).is_none()
        }
    }

    /// The rules for the entries of a directory.
    fn ignored_in(&mut self, directory: &Path) -> IgnoreRules {
        if let Some(known) = self.ignored.get(directory) {
            return known.clone();
        }
        let above = match directory.parent() {
            Some(parent) if directory.starts_with(&self.top) && directory != self.top => {
                self.ignored_in(parent)
            }
            _ => IgnoreRules::above(directory).0,
        };
        // A directory that is gone has no rules of its own.
        let held = RootDir::open(&self.top).and_then(|top| {
            top.directory(directory.strip_prefix(&self.top).unwrap_or(Path::new("")))
        });
        let ignored = held.map_or(above.clone(), |held| above.below(directory, &held).0);
        self.ignored.insert(directory.to_owned(), ignored.clone());
        ignored
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
