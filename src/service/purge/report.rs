//! What was purged, and what could not be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::conditions::{Doomed, PurgeConditions, Selection};
use super::elsewhere::CleanedFile;
use crate::types::{VersionEntry, VersionState};

/// What was purged, or would be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct PurgeReport {
    pub collection: String,
    /// Directory or URL.
    pub store: String,
    /// Nothing was changed.
    pub dry_run: bool,
    /// A purge that was cut off is completed with it: what that one was to take out is counted, too.
    pub resumed: bool,
    pub conditions: PurgeConditions,
    /// Sources with a record or a chunk, each counted once.
    pub documents: usize,
    /// In all versions together.
    pub chunks: u64,
    /// Sources that could not be brought in, and are not remembered any more.
    pub failures: usize,
    /// All that there are, as far as the key is told of them.
    pub versions: Vec<PurgedVersion>,
    /// Numbers of versions that may be there, and that the key is not told of: nothing was taken out of them.
    pub hidden_versions: Vec<u32>,
    /// In their order.
    pub sources: Vec<String>,
    /// Of the sources, those whose file is still there, or that are pages of the web: the next ingest that is to
    /// bring them in does.
    pub may_return: usize,
    /// Null where nothing was searched: on a server, and before it is done.
    pub search: Option<FileSearch>,
    /// Recordings and records of answers that had some of it.
    pub elsewhere: Vec<CleanedFile>,
    /// Files of uploads that were removed.
    pub uploads: usize,
    /// What docent cannot reach, or could not: what to look at.
    pub left: Vec<String>,
    /// The file that the purge is noted in.
    pub log: String,
    /// The number of its line there.
    pub noted: Option<u64>,
}

/// What was taken out of a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct PurgedVersion {
    /// The number N of `NAME@vN`.
    pub version: u32,
    pub state: VersionState,
    pub documents: usize,
    pub chunks: u64,
    pub failures: usize,
}

/// The files of the collection were searched for samples of the text of purged chunks, of 16 bytes each, and none was
/// found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct FileSearch {
    /// In all versions together.
    pub files: usize,
    pub bytes: u64,
    /// That were searched for.
    pub samples: usize,
    /// That were not: what is not purged has the same text.
    pub shared: usize,
    /// How many of them the same search found before anything was taken out.
    pub found_before: usize,
}

impl PurgedVersion {
    pub(super) fn of(entry: &VersionEntry) -> Self {
        let (version, state) = (entry.number, entry.state);
        Self { version, state, documents: 0, chunks: 0, failures: 0 }
    }
}

impl PurgeReport {
    pub(super) fn new(collection: String, store: &str, conditions: PurgeConditions) -> Self {
        Self {
            collection,
            store: store.to_owned(),
            dry_run: false,
            resumed: false,
            conditions,
            documents: 0,
            chunks: 0,
            failures: 0,
            versions: Vec::new(),
            hidden_versions: Vec::new(),
            sources: Vec::new(),
            may_return: 0,
            search: None,
            elsewhere: Vec::new(),
            uploads: 0,
            left: Vec::new(),
            log: String::new(),
            noted: None,
        }
    }

    /// Nothing has the conditions.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(super) fn count(&mut self, selection: &Selection, root: &Path) {
        for version in &mut self.versions {
            let doomed = selection.get(&version.version).map_or(&[][..], Vec::as_slice);
            version.documents = doomed.iter().filter(|doomed| doomed.is_document).count();
            version.chunks = doomed.iter().map(|doomed| doomed.chunks).sum();
            version.failures = doomed.iter().filter(|doomed| doomed.failed).count();
        }
        let here: BTreeSet<u32> = self.versions.iter().map(|version| version.version).collect();
        let mut by_source: BTreeMap<&str, (bool, bool, bool)> = BTreeMap::new();
        let in_versions = selection.iter().filter(|(number, _)| here.contains(number));
        for Doomed { source, is_document, failed, is_kept_in_line, .. } in
            in_versions.flat_map(|(_, doomed)| doomed)
        {
            let all = by_source.entry(source).or_default();
            *all = (all.0 | is_document, all.1 | failed, all.2 | is_kept_in_line);
        }
        let is_there = |source: &str| crate::types::is_url(source) || root.join(source).is_file();
        self.documents = by_source.values().filter(|(is_document, ..)| *is_document).count();
        self.failures = by_source.values().filter(|(_, failed, _)| *failed).count();
        self.chunks = self.versions.iter().map(|version| version.chunks).sum();
        self.may_return = by_source
            .iter()
            .filter(|(source, (_, _, is_kept_in_line))| *is_kept_in_line && is_there(source))
            .count();
        self.sources = by_source.keys().map(|source| (*source).to_owned()).collect();
    }

    /// What docent does not know the places of.
    pub(super) fn say_what_is_left(&mut self, on_server: bool) {
        let hidden = &self.hidden_versions;
        if !hidden.is_empty() {
            let numbers: Vec<String> = hidden.iter().map(u32::to_string).collect();
            let numbers = numbers.join(", ");
            self.left.push(format!(
                "versions that this token is not told of, where they are still there: {numbers}; purge again with a key that manages the server, or a token for them, too"
            ));
        }
        let mut left = vec![
            "exports and copies: files that docent index export wrote, and collections that docent index push or pull made",
        ];
        if on_server {
            left.push("the server's own files: its optimizer removes what was deleted from them in its own time, and its snapshots keep it until they are deleted");
            left.push("collections that the key may not see");
        }
        left.push("recordings (--record) and records of answers (--trace) that this command was not told of, and what answers, logs and collectors outside of docent have kept");
        left.push("blocks of the disk that files were removed from, and backups of it");
        self.left.extend(left.into_iter().map(str::to_owned));
    }
}
