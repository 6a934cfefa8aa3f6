//! Visits targets and sorts every entry met into taken, skipped or failed.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use globset::GlobMatcher;

use super::names::{Names, Rules};
use super::scope::{Scope, Target};
use super::sensitive::is_sensitive;
use super::{Discovery, Failed, FoundFile, Skipped};

/// The state of a discovery. Inputs may overlap: what was met twice is there twice until the end.
pub(super) struct Walk<'a> {
    root: &'a Path,
    rules: &'a Rules,
    max_file_size: u64,
    /// Is told each directory before it is listed.
    entering: &'a mut dyn FnMut(&Path),
    files: Vec<FoundFile>,
    skipped: BTreeMap<String, &'static str>,
    failed: BTreeMap<String, String>,
}

/// What to do with an entry of a directory.
enum Verdict {
    File,
    Directory,
    Skip(&'static str),
}

impl<'a> Walk<'a> {
    /// `root` is canonical.
    pub(super) fn new(
        root: &'a Path,
        rules: &'a Rules,
        max_file_size: u64,
        entering: &'a mut dyn FnMut(&Path),
    ) -> Self {
        Self {
            root,
            rules,
            max_file_size,
            entering,
            files: Vec::new(),
            skipped: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Returns how many files the target led to (failed ones included), and how many entries it
    /// skipped.
    pub(super) fn visit(&mut self, target: &Target) -> (usize, usize) {
        match target {
            Target::File(source) => (self.visit_named(source), 0),
            Target::Directory(base) => self.visit_directory(base, None),
            Target::Glob { base, matcher, .. } => self.visit_directory(base, Some(matcher)),
        }
    }

    pub(super) fn finish(self, targets: Vec<Target>) -> Discovery {
        let Self { mut files, mut skipped, failed, .. } = self;
        files.sort_unstable_by(|a, b| a.source.cmp(&b.source));
        files.dedup_by(|a, b| a.source == b.source);
        let is_taken = |source: &String| files.binary_search_by(|f| f.source.cmp(source)).is_ok();
        skipped.retain(|source, _| !is_taken(source));
        let scope = Scope {
            targets,
            patterns: self.rules.patterns.clone(),
            hidden: self.rules.hidden,
            failed: failed.keys().cloned().collect(),
            named: HashSet::new(),
            gone: HashSet::new(),
        };
        Discovery {
            lost: Vec::new(),
            files,
            skipped: skipped
                .into_iter()
                .map(|(source, reason)| Skipped { source, reason })
                .collect(),
            failed: failed.into_iter().map(|(source, reason)| Failed { source, reason }).collect(),
            scope,
        }
    }

    /// A file named explicitly is taken even if it is ignored or hidden.
    fn visit_named(&mut self, source: &str) -> usize {
        let path = self.root.join(source);
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => {
                self.skipped.insert(source.to_owned(), "not a file");
            }
            Ok(_) if !self.rules.patterns.admit(source) => {
                self.skipped.insert(source.to_owned(), "excluded");
            }
            result => self.take(source.to_owned(), path, result),
        }
        1
    }

    fn visit_directory(&mut self, base: &str, only: Option<&GlobMatcher>) -> (usize, usize) {
        let top = self.root.join(base);
        let Some(mut names) = self.rules.below(&top) else { return (0, 0) };
        let (mut taken, mut skipped) = (0, 0);
        // Below the top, and as sources.
        let mut pending = vec![(PathBuf::new(), base.to_owned())];
        while let Some((directory, place)) = pending.pop() {
            (self.entering)(&top.join(&directory));
            let entries = match fs::read_dir(top.join(&directory)) {
                Ok(entries) => entries,
                Err(error) => {
                    self.failed.insert(place, reason(&error));
                    continue;
                }
            };
            for entry in entries {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        self.failed.insert(place.clone(), reason(&error));
                        continue;
                    }
                };
                let name = entry.file_name();
                let relative = directory.join(&name);
                let Some(source) = name.to_str().map(|name| join_names(&place, name)) else {
                    let name = join_names(base, &shown(&relative));
                    self.failed.insert(name, "its name is not UTF-8".to_owned());
                    continue;
                };
                if names.is_internal(&name, || entry.path()) {
                    continue;
                }
                let wanted = only.is_none_or(|glob| glob.is_match(&source));
                match self.judge(&entry, &top, &relative, &source, &mut names) {
                    Verdict::Directory => pending.push((relative, source)),
                    _ if !wanted => {}
                    Verdict::Skip(why) => {
                        skipped += 1;
                        self.skipped.insert(source, why);
                    }
                    Verdict::File => {
                        taken += 1;
                        self.take(source, entry.path(), entry.metadata());
                    }
                }
            }
        }
        (taken, skipped)
    }

    fn judge(
        &self,
        entry: &DirEntry,
        top: &Path,
        relative: &Path,
        source: &str,
        names: &mut Names,
    ) -> Verdict {
        // An entry that vanished since the listing is taken as a file and fails there.
        let Ok(kind) = entry.file_type() else { return Verdict::File };
        if let Some(why) = names.skip(relative, source, kind.is_dir()) {
            return Verdict::Skip(why);
        }
        if kind.is_dir() {
            return Verdict::Directory;
        }
        if kind.is_symlink() {
            return Verdict::Skip(match fs::canonicalize(entry.path()) {
                Ok(target) if target.starts_with(self.root) || target.starts_with(top) => "symlink",
                Ok(_) => "symlink outside the root",
                Err(_) => "broken symlink",
            });
        }
        if !kind.is_file() {
            return Verdict::Skip("not a file");
        }
        if is_sensitive(source) { Verdict::Skip("key or credentials file") } else { Verdict::File }
    }

    fn take(&mut self, source: String, path: PathBuf, metadata: io::Result<Metadata>) {
        match metadata {
            Err(error) => {
                self.failed.insert(source, reason(&error));
            }
            Ok(metadata) if metadata.len() > self.max_file_size => {
                let (size, limit) = (bytes(metadata.len()), bytes(self.max_file_size));
                let reason =
                    format!("{size} is over the limit of {limit} (raise it with --max-file-size)");
                self.failed.insert(source, reason);
            }
            Ok(metadata) => {
                let (size, mtime) = (metadata.len(), mtime(&metadata));
                self.files.push(FoundFile { source, path, size, mtime, web: None });
            }
        }
    }
}

/// `relative` with `/` between its parts; `None` where it is not UTF-8.
pub(super) fn source_of(relative: &Path) -> Option<String> {
    let parts = relative.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// With `\xFF` for what is not UTF-8.
fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
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

fn join_names(base: &str, name: &str) -> String {
    match (base, name) {
        (base, "") => base.to_owned(),
        ("", name) => name.to_owned(),
        (base, name) => format!("{base}/{name}"),
    }
}

/// Why an entry could not be read, for a row of the report.
pub(in crate::ingest) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "vanished while it was being read".to_owned(),
        _ => error.to_string(),
    }
}

/// Never 0, which means a document that is no file: reproducible archives unpack with that time.
pub(super) fn mtime(metadata: &Metadata) -> i64 {
    const NEXT_TO_EPOCH: i64 = 1;
    let Ok(modified) = metadata.modified() else { return NEXT_TO_EPOCH };
    let nanoseconds = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    };
    if nanoseconds == 0 { NEXT_TO_EPOCH } else { nanoseconds }
}

/// `64 MB`, `1.2 GB`: powers of 1024, one decimal where it says something.
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
