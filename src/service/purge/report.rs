//! The report of a purge: what was purged, and what could not be checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::conditions::{PurgeConditions, PurgeTarget, Selection};
use super::other_copies::CleanedFile;
use crate::types::{VersionEntry, VersionState};

/// What was purged, or would be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct PurgeReport {
    pub collection: String,
    /// Directory or URL.
    pub store: String,
    /// Whether this was a dry run, in which nothing was changed.
    pub dry_run: bool,
    /// Whether a purge that was cut off was completed with this one: what it was to delete is counted,
    /// too.
    pub resumed: bool,
    pub conditions: PurgeConditions,
    /// Sources with a record or a chunk, each counted once.
    pub documents: usize,
    /// In all versions together.
    pub chunks: u64,
    /// Sources that could not be ingested, whose failures are forgotten.
    pub failures: usize,
    /// All versions, as far as the key can see them.
    pub versions: Vec<PurgedVersion>,
    /// Numbers of versions that may exist but that the key cannot see: nothing was deleted from them.
    pub hidden_versions: Vec<u32>,
    /// Names of the sources, sorted.
    pub sources: Vec<String>,
    /// How many of the sources are files that still exist, or pages of the web: the next ingest that
    /// names them adds them again.
    pub may_return: usize,
    /// Null where nothing was searched: on a server, and in a dry run.
    pub search: Option<PurgeFileSearch>,
    /// Recordings and records of answers that contained purged text.
    pub elsewhere: Vec<CleanedFile>,
    /// Files of uploads that were removed.
    pub uploads: usize,
    /// What docent cannot or could not reach, and a person should check.
    pub left: Vec<String>,
    /// The file in which the purge is logged.
    pub log: String,
    /// The number of its line in that file.
    pub noted: Option<u64>,
}

/// What was deleted from a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct PurgedVersion {
    /// The number N of `NAME@vN`.
    pub version: u32,
    pub state: VersionState,
    pub documents: usize,
    pub chunks: u64,
    pub failures: usize,
}

/// Result of the search of the collection's files for samples of purged text, of 16 bytes each. None
/// was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "FileSearch")]
pub struct PurgeFileSearch {
    /// In all versions together.
    pub files: usize,
    pub bytes: u64,
    /// Samples that were searched for.
    pub samples: usize,
    /// Samples that were not searched for, since text that is not purged contains them.
    pub shared: usize,
    /// How many of the samples the same search found before anything was deleted.
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

    /// Whether no document meets the conditions.
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
        for PurgeTarget { source, is_document, failed, is_kept_in_line, .. } in
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

    /// Lists the places that docent does not know.
    pub(super) fn say_what_is_left(&mut self, on_server: bool) {
        let hidden = &self.hidden_versions;
        if !hidden.is_empty() {
            let numbers: Vec<String> = hidden.iter().map(u32::to_string).collect();
            let numbers = numbers.join(", ");
            self.left.push(format!(
                "versions that this token cannot see, if they still exist: {numbers}; purge again with a key that manages the server, or a token that covers them"
            ));
        }
        let mut left = vec![
            "exports and copies: files of docent index export, and collections that docent index push or pull made",
        ];
        if on_server {
            left.push("the server's own files: its optimizer removes deleted data some time later, and its snapshots keep it until they are deleted");
            left.push("collections that the key cannot see");
        }
        left.push("recordings (--record) and records of answers (--trace) that were not named to this command, and what answers, logs and collectors outside of docent have kept");
        left.push("blocks on the disk from which files were removed, and backups of the disk");
        self.left.extend(left.into_iter().map(str::to_owned));
    }
}
