//! What is passed over for its name alone: docent's own data, hidden, ignored and excluded entries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::{IncrementalIgnore, WalkBuilder};

use super::{DiscoverError, DiscoverOptions, Patterns};

/// Never entered and never counted: docent's own data and git's.
const INTERNAL: [&str; 2] = [".docent", ".git"];

const DOCENTIGNORE: &str = ".docentignore";

/// Files whose content decides what is ignored.
pub(super) const IGNORE_FILES: [&str; 2] = [".gitignore", DOCENTIGNORE];

/// What the flags of a run shut out, and where docent keeps its own data.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) patterns: Patterns,
    pub(super) hidden: bool,
    own: Option<PathBuf>,
}

impl Rules {
    pub(super) fn new(options: &DiscoverOptions) -> Result<Self, DiscoverError> {
        let patterns = Patterns::new(&options.include, &options.exclude)?;
        Ok(Self { patterns, hidden: options.hidden, own: options.own.as_deref().and_then(entry) })
    }

    /// Ignore files are read when they are first needed. `None` where `top` is no directory.
    pub(super) fn below(&self, top: &Path) -> Option<Names> {
        Some(Names { ignored: ignore_rules(top)?, rules: self.clone() })
    }
}

/// The path of a directory's entry, with links on the way to it resolved. The entry itself need not
/// be there.
pub(super) fn entry(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// Judges entries below one directory.
#[derive(Clone)]
pub(super) struct Names {
    ignored: IncrementalIgnore,
    rules: Rules,
}

impl Names {
    /// Whether the entry is docent's or git's.
    pub(super) fn is_internal(&self, name: &OsStr, path: impl FnOnce() -> PathBuf) -> bool {
        let own = self.rules.own.as_deref().filter(|own| own.file_name() == Some(name));
        INTERNAL.iter().any(|internal| name == *internal) || own.is_some_and(|own| own == path())
    }

    /// Why the entry is passed over, if it is. `relative` is its path below the top, `source` that
    /// below the root.
    pub(super) fn skip(
        &mut self,
        relative: &Path,
        source: &str,
        is_dir: bool,
    ) -> Option<&'static str> {
        let matched = self.ignored.matched(relative, is_dir);
        let name = relative.file_name().unwrap_or_default();
        let dotted = name.as_encoded_bytes().starts_with(b".");
        if dotted && !self.rules.hidden && !matched.is_whitelist() {
            return Some("hidden");
        }
        if matched.is_ignore() {
            return Some("ignored");
        }
        let patterns = &self.rules.patterns;
        let excluded = if is_dir { patterns.shut_out(source) } else { !patterns.admit(source) };
        excluded.then_some("excluded")
    }
}

/// The matcher of `.gitignore` and `.docentignore` for everything below `top`. Files of the machine
/// (a global gitignore) are left out: the same tree gives the same documents everywhere.
fn ignore_rules(top: &Path) -> Option<IncrementalIgnore> {
    WalkBuilder::new(top)
        .standard_filters(false)
        .parents(true)
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(DOCENTIGNORE)
        .build_matchers()
        .pop()
}
