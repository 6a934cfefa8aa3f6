//! Entries that are skipped because of their names: docent's own data, hidden, ignored and excluded entries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::ignore_rules::IgnoreRules;
use super::{DiscoverError, DiscoverOptions, Patterns};

/// Never entered and never counted: docent's own data and git's.
const INTERNAL: [&str; 2] = [".docent", ".git"];

/// The entries that a run's flags exclude, and where docent keeps its own data.
pub(super) struct NameRules {
    pub(super) patterns: Patterns,
    pub(super) hidden: bool,
    own: Vec<PathBuf>,
}

impl NameRules {
    pub(super) fn new(options: &DiscoverOptions) -> Result<Self, DiscoverError> {
        let patterns = Patterns::new(&options.include, &options.exclude)?;
        let own = options.own.iter().filter_map(|own| entry(own)).collect();
        Ok(Self { patterns, hidden: options.hidden, own })
    }

    /// Whether the entry is docent's or git's. `path` is absolute.
    pub(super) fn is_internal(&self, name: &OsStr, path: &Path) -> bool {
        INTERNAL.iter().any(|internal| name == *internal) || self.own.iter().any(|own| own == path)
    }

    /// Why an entry is skipped, if it is. `ignored` has the rules of its directory, `path` is absolute,
    /// `source` relative to the root.
    pub(super) fn skip(
        &self,
        ignored: &IgnoreRules,
        path: &Path,
        source: &str,
        is_dir: bool,
    ) -> Option<&'static str> {
        let matched = ignored.matched(path, is_dir);
        let name = path.file_name().unwrap_or_default();
        let dotted = name.as_encoded_bytes().starts_with(b".");
        if dotted && !self.hidden && !matched.is_whitelist() {
            return Some("hidden");
        }
        if matched.is_ignore() {
            return Some("ignored");
        }
        let patterns = &self.patterns;
        let excluded = if is_dir { patterns.shut_out(source) } else { !patterns.admit(source) };
        excluded.then_some("excluded")
    }
}

/// The path of a directory's entry, with links on the way to it resolved. The entry itself need not exist.
pub(super) fn entry(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}
