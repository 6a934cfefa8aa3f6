//! What a run is responsible for: its inputs, without what its flags exclude.

use std::collections::HashSet;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::sensitive::is_sensitive;
use super::{DiscoverError, split_glob};
use crate::types::is_url;

/// One input, resolved. Paths are sources; the root directory itself is the empty source.
#[derive(Clone, Debug)]
pub(super) enum InputTarget {
    File(String),
    Directory(String),
    Glob {
        /// Directory before the first wildcard.
        base: String,
        /// The whole pattern, relative to the root.
        pattern: String,
        matcher: GlobMatcher,
    },
}

impl InputTarget {
    /// `rest` is the glob below the directory `base`.
    pub(super) fn glob(base: String, rest: &str, input: &str) -> Result<Self, DiscoverError> {
        let prefix = if base.is_empty() { String::new() } else { globset::escape(&base) + "/" };
        let glob = GlobBuilder::new(&format!("{prefix}{rest}"))
            .literal_separator(true)
            .build()
            .map_err(|error| DiscoverError::InvalidGlob {
                pattern: input.to_owned(),
                reason: error.kind().to_string(),
            })?;
        let pattern = if base.is_empty() { rest.to_owned() } else { format!("{base}/{rest}") };
        Ok(Self::Glob { base, pattern, matcher: glob.compile_matcher() })
    }

    /// The file, or the directory where the walk starts.
    pub(super) fn base(&self) -> &str {
        match self {
            Self::File(base) | Self::Directory(base) | Self::Glob { base, .. } => base,
        }
    }

    /// The directory where the walk starts, if a file of this name is asked for.
    fn reaches(&self, source: &str) -> Option<&str> {
        match self {
            // If a source below it was stored, it was a directory.
            Self::File(file) => is_under(source, file).then_some(file),
            Self::Directory(base) => is_under(source, base).then_some(base),
            Self::Glob { base, matcher, .. } => matcher.is_match(source).then_some(base),
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Directory(base) if base.is_empty() => ".".to_owned(),
            Self::File(name) | Self::Directory(name) | Self::Glob { pattern: name, .. } => {
                name.clone()
            }
        }
    }
}

/// An input of an earlier run, as the manifest names it.
pub(in crate::ingest) struct Root(InputTarget);

impl Root {
    /// `None` for a URL. `root` is the project's root.
    pub(in crate::ingest) fn named(name: &str, root: &Path) -> Option<Self> {
        if is_url(name) {
            return None;
        }
        if let Some((base, rest)) = split_glob(name).filter(|_| !root.join(name).exists()) {
            return InputTarget::glob(base.trim_end_matches('/').to_owned(), rest, name)
                .ok()
                .map(Self);
        }
        Some(Self(InputTarget::Directory(if name == "." {
            String::new()
        } else {
            name.to_owned()
        })))
    }

    /// Whether this input includes the document.
    pub(in crate::ingest) fn holds(&self, source: &str) -> bool {
        self.0.reaches(source).is_some()
    }
}

/// `--include` and `--exclude`.
#[derive(Clone, Debug)]
pub struct Patterns {
    include: Gitignore,
    exclude: Gitignore,
}

impl Patterns {
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, DiscoverError> {
        Ok(Self { include: compile(include)?, exclude: compile(exclude)? })
    }

    /// Whether the file `source` is admitted. A pattern that names a directory covers what is in it.
    pub fn admit(&self, source: &str) -> bool {
        (self.include.is_empty() || matches(&self.include, source)) && !self.exclude(source)
    }

    /// Whether `--exclude` names the file `source`.
    pub fn exclude(&self, source: &str) -> bool {
        matches(&self.exclude, source)
    }

    /// Whether everything below the directory `source` is excluded.
    pub fn shut_out(&self, source: &str) -> bool {
        self.exclude.matched(source.trim_start_matches('/'), true).is_ignore()
    }
}

fn matches(patterns: &Gitignore, source: &str) -> bool {
    let source = source.trim_start_matches('/');
    patterns.matched_path_or_any_parents(source, false).is_ignore()
}

fn compile(patterns: &[String]) -> Result<Gitignore, DiscoverError> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let invalid = |error: ignore::Error| DiscoverError::InvalidGlob {
            pattern: pattern.clone(),
            reason: error.to_string(),
        };
        let line = pattern.strip_prefix("./").unwrap_or(pattern);
        builder.add_line(None, line).map_err(invalid)?;
    }
    builder.build().map_err(|error| DiscoverError::InvalidGlob {
        pattern: patterns.join(" "),
        reason: error.to_string(),
    })
}

/// The sources that a run is responsible for. Documents outside of it are left alone.
#[derive(Clone, Debug)]
pub struct SourceScope {
    pub(super) targets: Vec<InputTarget>,
    pub(super) patterns: Patterns,
    pub(super) hidden: bool,
    /// Files and directories that could not be read: their documents do not count as deleted.
    pub(super) failed: Vec<String>,
    /// Inputs of earlier runs. A file that is taken only if it is named stays if it is among them.
    pub(super) named: HashSet<String>,
    /// Pages that are known to be gone.
    pub(super) gone: HashSet<String>,
}

impl SourceScope {
    /// Whether a document of this source has been deleted if it was not found.
    ///
    /// True for a source that is below an ingested directory, matches an ingested glob, or was named. False
    /// if the run's flags exclude it (`--include`, `--exclude`, no `--hidden`), if it could not be read, or
    /// if an earlier run named this very file and it is of a kind that is taken only if named. A page counts
    /// as deleted only if that was found out ([`Self::lose`]).
    pub fn covers(&self, source: &str) -> bool {
        self.gone.contains(source) || self.covers_file(source)
    }

    /// Records pages that are gone.
    pub fn lose(&mut self, pages: Vec<String>) {
        self.gone.extend(pages);
    }

    fn covers_file(&self, source: &str) -> bool {
        let is_file = !source.is_empty() && !source.contains("://");
        is_file
            && self.targets.iter().any(|target| {
                target.reaches(source).is_some_and(|base| self.hidden || !has_hidden(source, base))
            })
            && self.patterns.admit(source)
            && !(self.named.contains(source) && is_sensitive(source))
            && !self.failed.iter().any(|failed| is_under(source, failed))
    }

    /// Whether an earlier run named this very file or directory.
    pub(in crate::ingest) fn is_remembered(&self, source: &str) -> bool {
        self.named.contains(source)
    }

    /// Whether an input is this very file or directory.
    pub(in crate::ingest) fn is_input(&self, source: &str) -> bool {
        self.targets.iter().any(|target| match target {
            InputTarget::File(name) | InputTarget::Directory(name) => name == source,
            InputTarget::Glob { .. } => false,
        })
    }

    /// The inputs as sources and as patterns relative to the root, for the lineage.
    pub fn roots(&self) -> Vec<String> {
        self.targets.iter().map(InputTarget::name).collect()
    }
}

/// Whether `source` is `base` or below it.
pub(super) fn is_under(source: &str, base: &str) -> bool {
    source
        .strip_prefix(base)
        .is_some_and(|rest| base.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// Whether a part of `source` below `base` is hidden.
fn has_hidden(source: &str, base: &str) -> bool {
    source[base.len()..].split('/').any(|part| part.starts_with('.'))
}
