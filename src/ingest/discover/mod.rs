//! Turns the inputs, as typed, into the files to ingest and the entries that were skipped, with the reasons.
//!
//! Each visited directory is listed once, for both files and skipped entries. An ignored, hidden or excluded
//! directory is one entry and is never entered. `.gitignore` and `.docentignore` apply inside and outside of
//! a git repository. Symlinks found in a directory are never followed: a target inside the root is found
//! under its own name. Files whose kind holds keys or passwords (`.env`, `*.pem`) are taken only if they are
//! named. The content of files is not read here.

mod error;
mod ignore_rules;
mod names;
mod narrow;
mod scope;
mod sensitive;
mod tree;
mod walk;
mod watch_scope;

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

pub use error::DiscoverError;
use names::NameRules;
pub use narrow::narrowed;
use scope::InputTarget;
pub(super) use scope::Root;
pub use scope::{Patterns, SourceScope};
use walk::Walk;
pub(super) use walk::reason;
pub use watch_scope::{ChangeFilter, WatchScope};

use crate::ingest::expiry::Expiry;
use crate::rooted_fs::{self, EntryKind, FileStamp, RootDir};
use crate::types::{ContentHash, WebOrigin};

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct DiscoverOptions {
    /// Absolute project root; sources are relative to it.
    pub root: PathBuf,
    /// Inputs as typed: files, directories and globs, relative to `cwd`.
    pub inputs: Vec<String>,
    pub cwd: PathBuf,
    /// Patterns in the syntax of `.gitignore`, relative to the root. Empty includes everything.
    pub include: Vec<String>,
    /// The same syntax; wins over `include`. Both apply to explicitly named files too, because a shell may
    /// have expanded the names.
    pub exclude: Vec<String>,
    /// In bytes.
    pub max_file_size: u64,
    /// Whether names that begin with a dot are taken.
    pub hidden: bool,
    /// Sources of the stored documents: some may have come from an input that is gone.
    pub known: Vec<String>,
    /// Inputs of earlier runs, as sources: a file among them counts as named.
    pub named: Vec<String>,
    /// Whether the documents of an input that is gone are to be deleted.
    pub allow_gone: bool,
    /// Whether the inputs come from earlier runs and were not typed now; some of them may be gone.
    pub remembered: bool,
    /// Absolute paths and globs outside of the root that the user has named in this project. Inputs of
    /// earlier runs outside of the root are read only if they are listed here: the collection may have come
    /// with somebody else's project.
    pub outside: Vec<PathBuf>,
    /// Absolute directories of docent's own data, which are never entered.
    pub own: Vec<PathBuf>,
    /// Limit on the age of files; older files are skipped. `None`: no limit.
    pub expiry: Option<Expiry>,
}

/// A file to ingest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundFile {
    /// Path relative to the root, `/`-separated; absolute where the file is outside the root.
    pub source: String,
    /// In bytes.
    pub size: u64,
    /// Modification time in nanoseconds since the Unix epoch; 0 only for a page.
    pub mtime: i64,
    /// Set for a page that was fetched.
    pub page: Option<Box<FetchedPage>>,
    /// It is an input itself, and not just below an input directory.
    pub named: bool,
}

/// Fields of a page: the file it was fetched into, and where it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedPage {
    pub path: PathBuf,
    pub origin: WebOrigin,
}

impl FoundFile {
    /// The file of a source, if there is one. A link does not count.
    pub fn at(root: &Path, source: &str) -> Option<Self> {
        let seen = RootDir::open(root).and_then(|root| root.look(Path::new(source))).ok()?;
        let FileStamp { size, mtime } = seen.stamp;
        let file = Self { source: source.to_owned(), size, mtime, page: None, named: false };
        (seen.kind == EntryKind::File).then_some(file)
    }

    /// Where its content is, unless it came from standard input.
    pub fn path(&self, root: &Path) -> PathBuf {
        match &self.page {
            Some(page) => page.path.clone(),
            None => root.join(&self.source),
        }
    }

    /// Opens it for reading. A link that has replaced it, or a directory on the way to it, is not followed.
    pub(super) fn open(&self, root: &Path) -> io::Result<File> {
        match &self.page {
            Some(page) => rooted_fs::open_file(&page.path),
            None => RootDir::open(root)?.file(Path::new(&self.source)),
        }
    }

    /// The hash of its current content.
    pub fn hash(&self, root: &Path) -> io::Result<ContentHash> {
        ContentHash::of_reader(self.open(root)?)
    }
}

/// An entry that was skipped on purpose. A directory stands for everything below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    pub source: String,
    pub reason: &'static str,
}

/// An entry that could not be read or used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedInput {
    pub source: String,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct Discovery {
    /// Sorted by source, without duplicates.
    pub files: Vec<FoundFile>,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<FailedInput>,
    pub scope: SourceScope,
    /// Remembered inputs that are gone and have no documents left.
    pub lost: Vec<String>,
    /// Failed inputs that are not files at all: a device, a pipe.
    pub no_files: Vec<String>,
}

impl DiscoverOptions {
    /// Whether an input that an earlier run recorded may be read.
    pub(in crate::ingest) fn may_read(&self, input: &str) -> bool {
        let path = lexical(&self.root.join(input));
        path.starts_with(&self.root) || self.outside.iter().any(|named| path.starts_with(named))
    }

    fn forbid_outside(&self) -> Result<(), DiscoverError> {
        match self.inputs.iter().find(|input| self.remembered && !self.may_read(input)) {
            Some(input) => Err(DiscoverError::Outside { input: input.clone() }),
            None => Ok(()),
        }
    }
}

/// The absolute path or glob that an input leads to, if that is outside of the root.
pub fn outside(input: &str, root: &Path, cwd: &Path) -> Option<PathBuf> {
    let path = PathBuf::from(resolve(input, root, cwd).ok()?.name());
    path.is_absolute().then_some(path)
}

/// Finds the files that `options.inputs` lead to.
pub fn discover(options: &DiscoverOptions) -> Result<Discovery, DiscoverError> {
    let root = fs::canonicalize(&options.root)
        .map_err(|error| unreadable(&options.root.display().to_string(), &error))?;
    options.forbid_outside()?;
    let rules = NameRules::new(options)?;
    let base = RootDir::open(&root)
        .map_err(|error| unreadable(&options.root.display().to_string(), &error))?;
    let mut walk = Walk::new(&root, &base, &rules, options.max_file_size, &|_| ());
    let mut targets = Vec::with_capacity(options.inputs.len());
    let mut lost = Vec::new();
    for input in &options.inputs {
        let target = match resolve(input, &root, &options.cwd) {
            Err(DiscoverError::NotFound { .. }) if held(input, &root, options) > 0 => {
                targets.push(gone(input, &root, options)?);
                continue;
            }
            Err(DiscoverError::NotFound { .. }) if options.remembered => {
                lost.push(input.clone());
                continue;
            }
            Err(DiscoverError::NotFound { input, suggestion }) => {
                let link = broken_link(&options.cwd.join(&input));
                return Err(match link {
                    Some(target) => DiscoverError::BrokenLink { input, target },
                    None => DiscoverError::NotFound { input, suggestion },
                });
            }
            resolved => resolved?,
        };
        let (taken, skipped) = walk.visit(&target);
        let must_match = matches!(target, InputTarget::Glob { .. }) && !options.remembered;
        if must_match && taken == 0 {
            return Err(DiscoverError::NoMatch { input: input.clone(), skipped });
        }
        targets.push(target);
    }
    let mut discovery = walk.finish(targets);
    discovery.scope.named.extend(options.named.iter().cloned());
    if let Some(expiry) = options.expiry {
        expiry.pass_over(&mut discovery);
    }
    Ok(Discovery { lost, ..discovery })
}

/// The source that an input had when it existed.
pub(super) fn former_source(input: &str, root: &Path, options: &DiscoverOptions) -> Option<String> {
    let path = lexical(&options.cwd.join(input));
    match path.strip_prefix(root) {
        Ok(relative) => walk::source_of(relative),
        Err(_) => path.to_str().map(str::to_owned),
    }
}

/// Number of stored documents that came from an input that is gone.
fn held(input: &str, root: &Path, options: &DiscoverOptions) -> usize {
    let Some(source) = former_source(input, root, options) else { return 0 };
    options.known.iter().filter(|known| scope::is_under(known, &source)).count()
}

/// The target of an input that is gone, if its documents may be deleted.
fn gone(input: &str, root: &Path, options: &DiscoverOptions) -> Result<InputTarget, DiscoverError> {
    match former_source(input, root, options) {
        Some(source) if options.allow_gone => Ok(InputTarget::Directory(source)),
        _ => {
            let documents = held(input, root, options);
            Err(DiscoverError::Gone { input: input.to_owned(), documents })
        }
    }
}

/// Resolves an input. An existing path is a path even if it looks like a glob. Symlinks are resolved: the
/// source is the target's own name.
fn resolve(input: &str, root: &Path, cwd: &Path) -> Result<InputTarget, DiscoverError> {
    match fs::canonicalize(cwd.join(input)) {
        Ok(path) => {
            // A link that came with the project, perhaps named by a shell's `*`, must not lead outside.
            if !path.starts_with(root) && lexical(&cwd.join(input)).starts_with(root) {
                let target = path.display().to_string();
                return Err(DiscoverError::Escapes { input: input.to_owned(), target });
            }
            let source = source_in(&path, input, root)?;
            Ok(if path.is_dir() {
                InputTarget::Directory(source)
            } else {
                InputTarget::File(source)
            })
        }
        // The target has no name: the pipe of `<(...)`, or a deleted file.
        Err(error) if is_missing(&error) && fs::metadata(cwd.join(input)).is_ok() => {
            let reason = walk::not_a_file("it has no name on a disk");
            Err(DiscoverError::Unreadable { input: input.to_owned(), reason })
        }
        Err(error) if is_missing(&error) => match split_glob(input) {
            Some((base, rest)) => resolve_glob(input, base, rest, root, cwd),
            None => Err(not_found(input, cwd)),
        },
        Err(error) => Err(unreadable(input, &error)),
    }
}

/// The directory before the first wildcard, and the rest.
fn split_glob(input: &str) -> Option<(&str, &str)> {
    let first = input.find(['*', '?', '[', '{'])?;
    Some(input.split_at(input[..first].rfind('/').map_or(0, |slash| slash + 1)))
}

/// The walk starts from `base`: it counts as named, even if it is hidden or ignored.
fn resolve_glob(
    input: &str,
    base: &str,
    rest: &str,
    root: &Path,
    cwd: &Path,
) -> Result<InputTarget, DiscoverError> {
    let path = fs::canonicalize(cwd.join(base)).map_err(|error| {
        if is_missing(&error) { not_found(base, cwd) } else { unreadable(base, &error) }
    })?;
    let base = source_in(&path, input, root)?;
    InputTarget::glob(base, rest, input)
}

/// The path relative to the root, or an absolute path if it is outside.
fn source_in(path: &Path, input: &str, root: &Path) -> Result<String, DiscoverError> {
    let source = match path.strip_prefix(root) {
        Ok(relative) => walk::source_of(relative),
        Err(_) => path.to_str().map(str::to_owned),
    };
    source.ok_or_else(|| DiscoverError::Unreadable {
        input: input.to_owned(),
        reason: "its name is not UTF-8".to_owned(),
    })
}

/// The path as typed, without `.` and `..`.
pub fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
}

/// The target of a broken link at `path` or on the way to it.
pub fn broken_link(path: &Path) -> Option<String> {
    let is_link = |part: &&Path| part.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let link = path.ancestors().filter(is_link).find(|link| link.metadata().is_err())?;
    Some(fs::read_link(link).ok()?.display().to_string())
}

fn unreadable(input: &str, error: &io::Error) -> DiscoverError {
    DiscoverError::Unreadable { input: input.to_owned(), reason: error.to_string() }
}

/// Suggests the name that is most similar to the first missing part of the path.
fn not_found(input: &str, cwd: &Path) -> DiscoverError {
    let typed = Path::new(input);
    let suggestion = typed.ancestors().find_map(|part| {
        let parent = part.parent()?;
        let names = fs::read_dir(cwd.join(parent)).ok()?;
        let wanted = part.file_name()?.to_str()?;
        let nearest = names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .map(|name| (strsim::levenshtein(&name.to_lowercase(), &wanted.to_lowercase()), name))
            .filter(|(distance, name)| distance * 2 <= name.chars().count())
            .min()?;
        let rest = typed.strip_prefix(part).ok()?;
        let suggested = if rest.as_os_str().is_empty() {
            parent.join(nearest.1)
        } else {
            parent.join(nearest.1).join(rest)
        };
        cwd.join(&suggested).exists().then(|| suggested.display().to_string())
    });
    DiscoverError::NotFound { input: input.to_owned(), suggestion }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
