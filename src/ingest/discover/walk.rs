//! Visits targets, and collects what was found: taken, skipped or failed.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path};

use super::names::NameRules;
use super::scope::{InputTarget, SourceScope};
use super::tree::DirectoryTree;
use super::{Discovery, FailedInput, FoundFile, Skipped};
use crate::rooted_fs::{self, EntryKind, EntryStat, FileStamp, RootDir};

/// The state of a discovery. Inputs may overlap; duplicates are removed at the end.
pub(super) struct Walk<'a> {
    root: &'a Path,
    /// The root, held open.
    held: &'a RootDir,
    rules: &'a NameRules,
    max_file_size: u64,
    /// Called with each directory before it is listed.
    entering: &'a (dyn Fn(&Path) + Sync),
    met: Vec<WalkedEntry>,
}

/// The result for a named file, or for a part of a directory.
#[derive(Default)]
pub(super) struct WalkedEntry {
    /// Sorted by source at the end.
    files: Vec<FoundFile>,
    skipped: Vec<(String, &'static str)>,
    failed: Vec<(String, String)>,
    no_files: Vec<String>,
    /// Number of files, including failed ones, plus a target directory that failed.
    taken: usize,
}

impl<'a> Walk<'a> {
    /// `root` is canonical.
    pub(super) fn new(
        root: &'a Path,
        held: &'a RootDir,
        rules: &'a NameRules,
        max_file_size: u64,
        entering: &'a (dyn Fn(&Path) + Sync),
    ) -> Self {
        Self { root, held, rules, max_file_size, entering, met: Vec::new() }
    }

    /// Returns the number of files the target led to (including failed ones), and the number of skipped
    /// entries.
    pub(super) fn visit(&mut self, target: &InputTarget) -> (usize, usize) {
        let &mut Self { root, held, rules, max_file_size, entering, .. } = self;
        let below = |base, only| {
            DirectoryTree { root, held, base, only, rules, max_file_size, entering }.walk()
        };
        let met = match target {
            InputTarget::File(source) => return (self.visit_named(source), 0),
            InputTarget::Directory(base) => below(base, None),
            InputTarget::Glob { base, matcher, .. } => below(base, Some(matcher)),
        };
        let taken = met.iter().map(|met| met.taken).sum();
        let skipped = met.iter().map(|met| met.skipped.len()).sum();
        self.met.extend(met);
        (taken, skipped)
    }

    pub(super) fn finish(self, targets: Vec<InputTarget>) -> Discovery {
        let (mut parts, mut skipped, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut no_files = Vec::new();
        for met in self.met {
            parts.push(met.files);
            skipped.extend(met.skipped);
            failed.extend(met.failed);
            no_files.extend(met.no_files);
        }
        // Most parts do not overlap, so sorting by the first source nearly sorts everything.
        parts.sort_by(|a, b| first(a).cmp(&first(b)));
        let mut files: Vec<_> = parts.into_iter().flatten().collect();
        files.sort_by(|a, b| a.source.cmp(&b.source));
        files.dedup_by(|again, first| {
            let same = again.source == first.source;
            first.named |= same && again.named;
            same
        });
        let is_taken = |source: &String| files.binary_search_by(|f| f.source.cmp(source)).is_ok();
        let skipped: BTreeMap<_, _> =
            skipped.into_iter().filter(|(source, _)| !is_taken(source)).collect();
        let failed: BTreeMap<_, _> = failed.into_iter().collect();
        let scope = SourceScope {
            targets,
            patterns: self.rules.patterns.clone(),
            hidden: self.rules.hidden,
            failed: failed.keys().cloned().collect(),
            named: HashSet::new(),
            gone: HashSet::new(),
        };
        Discovery {
            lost: Vec::new(),
            no_files,
            files,
            skipped: skipped
                .into_iter()
                .map(|(source, reason)| Skipped { source, reason })
                .collect(),
            failed: failed
                .into_iter()
                .map(|(source, reason)| FailedInput { source, reason })
                .collect(),
            scope,
        }
    }

    /// A file named explicitly is taken even if it is ignored or hidden.
    fn visit_named(&mut self, source: &str) -> usize {
        let (seen, source) = (self.held.look(Path::new(source)), source.to_owned());
        let mut met = WalkedEntry::default();
        match seen {
            Ok(EntryStat { kind: EntryKind::Other(what), .. }) => {
                met.no_files.push(source.clone());
                met.fail(source, not_a_file(what));
            }
            Ok(_) if !self.rules.patterns.admit(&source) => met.skip(source, "excluded"),
            seen => met.take(source, seen, self.max_file_size),
        }
        met.files.iter_mut().for_each(|file| file.named = true);
        self.met.push(met);
        1
    }
}

impl WalkedEntry {
    pub(super) fn skip(&mut self, source: String, reason: &'static str) {
        self.skipped.push((source, reason));
    }

    pub(super) fn fail(&mut self, source: String, reason: String) {
        self.failed.push((source, reason));
    }

    /// Fails the target directory: whether it holds what is looked for is not known.
    pub(super) fn fail_whole(&mut self, source: String, reason: String) {
        self.taken += 1;
        self.fail(source, reason);
    }

    /// Takes a file. `max_file_size` is in bytes.
    pub(super) fn take(&mut self, source: String, seen: io::Result<EntryStat>, max_file_size: u64) {
        self.taken += 1;
        match seen {
            Err(error) => self.fail(source, reason(&error)),
            // It was a file when it was listed.
            Ok(EntryStat { kind, .. }) if kind != EntryKind::File => {
                self.fail(source, reason(&rooted_fs::not_a_file(kind)));
            }
            Ok(EntryStat { stamp, .. }) if stamp.size > max_file_size => {
                let (size, limit) = (bytes(stamp.size), bytes(max_file_size));
                let reason =
                    format!("{size} is over the limit of {limit} (raise it with --max-file-size)");
                self.fail(source, reason);
            }
            Ok(EntryStat { stamp: FileStamp { size, mtime }, .. }) => {
                self.files.push(FoundFile { source, size, mtime, page: None, named: false });
            }
        }
    }

    /// Puts the files in order.
    pub(super) fn sort(&mut self) {
        self.files.sort_unstable_by(|a, b| a.source.cmp(&b.source));
    }
}

fn first(files: &[FoundFile]) -> Option<&str> {
    files.first().map(|file| file.source.as_str())
}

/// `relative` with `/` between its parts; `None` if it is not UTF-8.
pub(super) fn source_of(relative: &Path) -> Option<String> {
    let parts = relative.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// The name, with `\xFF` for bytes that are not UTF-8.
pub(super) fn shown(name: &OsStr) -> String {
    let mut shown = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        shown += chunk.valid();
        for byte in chunk.invalid() {
            shown += &format!("\\x{byte:02X}");
        }
    }
    shown
}

pub(super) fn join(base: &str, relative: &Path) -> String {
    join_names(base, &relative.to_string_lossy())
}

pub(super) fn join_names(base: &str, name: &str) -> String {
    match (base, name) {
        (base, "") => base.to_owned(),
        ("", name) => name.to_owned(),
        (base, name) => [base, "/", name].concat(),
    }
}

/// Why an entry could not be read, for a row of the report.
pub(in crate::ingest) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "permission denied (make it readable, or leave it out with --exclude)".to_owned()
        }
        io::ErrorKind::NotFound => "vanished while it was being read".to_owned(),
        _ => error.to_string(),
    }
}

/// Why a named path that is not a file is not read.
pub(super) fn not_a_file(what: &str) -> String {
    format!("not a file ({what}): pipe it in with `docent ingest -`")
}

/// Formats as `64 MB`, `1.2 GB`: powers of 1024, with one decimal unless it is 0.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let rounded = format!("{value:.1}");
    format!("{} {}", rounded.strip_suffix(".0").unwrap_or(&rounded), UNITS[unit])
}
