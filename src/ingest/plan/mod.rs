//! Compares files with records to decide what to do. Pure: contents are seen only as hashes.
//!
//! Size and modification time decide first, as in git's index; a hash is computed only where these leave a
//! doubt ([`to_hash`]). A file that failed before is not tried again until it changes.

mod audit;
mod prune;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use itertools::{EitherOrBoth, Itertools as _};

pub use self::audit::{PlanAudit, audit};
pub use self::prune::{Prune, PruneLimit, deletion_hash};
use super::discover::{FoundFile, SourceScope};
use super::secrets;
use crate::types::{ContentHash, DocumentRecord, FailureRecord, OcrPolicy, OnSecret};

/// The inputs of a comparison, besides files and records.
#[derive(Clone, Copy)]
pub struct PlanInputs<'a> {
    pub scope: &'a SourceScope,
    pub failures: &'a [FailureRecord],
    /// Documents whose stored chunks do not match their records; they count as changed.
    pub damaged: &'a [String],
    pub wanted: RequestedAttributes<'a>,
    /// Hash every file.
    pub checksum: bool,
    /// Consider only files that failed before, and try each of them again.
    pub retry_failed: bool,
}

/// What an ingest has to do. Every list is sorted by source; every file is in exactly one of
/// `added`, `changed`, `moved`, `unchanged`, `touched` and `failed`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    pub added: Vec<FoundFile>,
    pub changed: Vec<FoundFile>,
    pub moved: Vec<MovedDocument>,
    pub deleted: Vec<String>,
    pub unchanged: Vec<FoundFile>,
    /// Same content, new modification time: only the record is rewritten. Counted as unchanged.
    pub touched: Vec<FoundFile>,
    /// Failed before, and nothing has changed since.
    pub failed: Vec<FailureRecord>,
    /// Failures to be forgotten: the file is gone, or matches the stored document again.
    pub forgotten: Vec<String>,
}

/// A document whose file has a new name and the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MovedDocument {
    pub from: String,
    pub to: FoundFile,
}

/// The files whose content hash [`plan`] needs: files of the same size with another modification time, or
/// with one that may hide an edit, and new files that may be a vanished document under a new name.
pub fn to_hash<'a>(compared: &PlanInputs<'_>, pairs: &'a [Pair<'_>]) -> Vec<&'a FoundFile> {
    let vanished: HashSet<u64> = vanished(compared, pairs).map(|record| record.size).collect();
    let in_doubt = |pair: &Pair<'_>| match pair {
        Pair::Both(file, record) => is_in_doubt(file, record),
        Pair::Left(file) => vanished.contains(&file.size),
        Pair::Right(_) => false,
    };
    let needed = pairs.iter().filter(|pair| compared.checksum || in_doubt(pair));
    needed.filter_map(|pair| pair.as_ref().left()).collect()
}

/// A file, the record of its source, or both.
pub type Pair<'a> = EitherOrBoth<FoundFile, &'a DocumentRecord>;

/// Pairs files with records for [`to_hash`] and [`plan`], ordered by source. Records of documents that are
/// neither files nor pages are left out.
pub fn pairs(mut files: Vec<FoundFile>, records: &[DocumentRecord]) -> Vec<Pair<'_>> {
    let comparable = |record: &&DocumentRecord| record.is_file() || record.web.is_some();
    let mut records: Vec<_> = records.iter().filter(comparable).collect();
    // Both are almost sorted already, so this takes about one comparison per item.
    files.sort_by(|a, b| a.source.cmp(&b.source));
    records.sort_by(|a, b| a.source.cmp(&b.source));
    files
        .into_iter()
        .merge_join_by(records, |file, record| file.source.cmp(&record.source))
        .collect()
}

/// Whether a stored document matches its file. `hash` is called where size and time leave a doubt; it returns
/// `None` if the file cannot be read.
pub fn is_current(
    record: &DocumentRecord,
    file: &FoundFile,
    hash: impl FnOnce(&FoundFile) -> Option<ContentHash>,
) -> bool {
    let hash = if is_in_doubt(file, record) { hash(file) } else { None };
    !matches!(compare(file, record, hash.as_ref()), Difference::Content)
}

fn is_in_doubt(file: &FoundFile, record: &DocumentRecord) -> bool {
    record.size == file.size && (record.mtime != file.mtime || is_racy(record))
}

/// Whether an edit after the file was read could have the same modification time: the file was modified in
/// the second in which it was ingested, or later (git calls this "racy").
fn is_racy(record: &DocumentRecord) -> bool {
    chrono::DateTime::parse_from_rfc3339(&record.ingested_at)
        .is_ok_and(|ingested| record.mtime.div_euclid(1_000_000_000) >= ingested.timestamp())
}

/// What a run requires of documents besides their content. `None` leaves known documents as they are; a
/// document that does not match counts as changed.
#[derive(Clone, Copy, Default, Debug)]
pub struct RequestedAttributes<'a> {
    pub tags: Option<&'a [String]>,
    /// Applies only to documents whose kind has fields.
    pub text_fields: Option<&'a [String]>,
    /// A policy that keeps secrets out also rejects stored documents that may hold some; a policy that lets
    /// them in leaves documents without secrets as they are.
    pub on_secret: OnSecret,
    /// A policy that reads pages as pictures rejects stored documents of which pages were left out.
    pub ocr: OcrPolicy,
}

impl RequestedAttributes<'_> {
    /// Whether a document matches.
    pub fn is_met_by(&self, record: &DocumentRecord) -> bool {
        let same = |wanted: Option<&[String]>, found: &[String]| {
            wanted.is_none_or(|wanted| sorted(wanted) == sorted(found))
        };
        same(self.tags, &record.tags)
            && (!record.kind.has_fields() || same(self.text_fields, &record.text_fields))
            && !(self.on_secret.keeps_out() && secrets::may_hold_some(record))
            && !record.warnings.iter().any(|warning| warning.code.wants_ocr(self.ocr))
    }

    /// Tags and text fields to store: the required ones, or else those of the known document.
    pub fn or_kept(&self, known: Option<&DocumentRecord>) -> (Vec<String>, Vec<String>) {
        let tags = self.tags.or(known.map(|record| record.tags.as_slice()));
        let fields = self.text_fields.or(known.map(|record| record.text_fields.as_slice()));
        (tags.unwrap_or_default().to_vec(), fields.unwrap_or_default().to_vec())
    }
}

/// Makes the plan. `hashes` is by source; a file without a hash is judged by size and time alone.
#[expect(clippy::implicit_hasher, reason = "the pipeline builds the map itself")]
pub fn plan(
    compared: &PlanInputs<'_>,
    pairs: Vec<Pair<'_>>,
    hashes: &HashMap<String, ContentHash>,
) -> Plan {
    let failing: HashMap<&str, &FailureRecord> =
        compared.failures.iter().map(|failure| (failure.source.as_str(), failure)).collect();
    let damaged: HashSet<&str> = compared.damaged.iter().map(String::as_str).collect();
    let wanted = compared.wanted;
    let mut gone: BTreeMap<&str, &DocumentRecord> =
        vanished(compared, &pairs).map(|record| (record.source.as_str(), record)).collect();

    let mut plan = Plan::default();
    let mut fresh = Vec::new();
    // The files that failed before and still exist.
    let mut there = HashSet::new();
    for pair in pairs {
        let (file, record) = match pair {
            Pair::Both(file, record) => (file, Some(record)),
            Pair::Left(file) => (file, None),
            Pair::Right(_) => continue,
        };
        let failure = failing.get(file.source.as_str()).copied();
        if compared.retry_failed && failure.is_none() {
            continue;
        }
        let hash = hashes.get(&file.source);
        let hopeless =
            failure.filter(|failure| !compared.retry_failed && still(failure, &file, hash));
        there.extend(failure.map(|failure| failure.source.as_str()));
        let Some(record) = record else {
            match hopeless {
                Some(failure) => plan.failed.push(failure.clone()),
                None => fresh.push(file),
            }
            continue;
        };
        let list = match compare(&file, record, hash) {
            _ if damaged.contains(file.source.as_str()) => &mut plan.changed,
            Difference::Content if hopeless.is_some() => {
                plan.failed.extend(hopeless.cloned());
                continue;
            }
            _ if !wanted.is_met_by(record) => &mut plan.changed,
            Difference::Content => &mut plan.changed,
            Difference::Time => &mut plan.touched,
            Difference::None => &mut plan.unchanged,
        };
        list.push(file);
    }
    let mut by_hash: HashMap<&ContentHash, VecDeque<&str>> = HashMap::new();
    let whole = |record: &DocumentRecord| !damaged.contains(record.source.as_str());
    for (source, record) in gone.iter().filter(|(_, r)| wanted.is_met_by(r) && whole(r)) {
        by_hash.entry(&record.document_hash).or_default().push_back(source);
    }
    for file in fresh {
        let from = hashes.get(&file.source).and_then(|hash| by_hash.get_mut(hash)?.pop_front());
        match from {
            Some(from) => {
                gone.remove(from);
                plan.moved.push(MovedDocument { from: from.to_owned(), to: file });
            }
            None => plan.added.push(file),
        }
    }
    plan.deleted = gone.into_keys().map(str::to_owned).collect();
    plan.forgotten = forgotten(compared, &there, &plan);
    plan
}

/// Whether a failure still applies: the same file and the same version of docent. A page has no modification
/// time, but its hash is known.
fn still(failure: &FailureRecord, file: &FoundFile, hash: Option<&ContentHash>) -> bool {
    failure.document_hash.is_some()
        && (file.page.is_none() || failure.document_hash.as_ref() == hash)
        && (failure.size, failure.mtime) == (file.size, file.mtime)
        && failure.docent == env!("CARGO_PKG_VERSION")
}

/// Failures of files that are gone or match their records. `there`: existing files that failed before.
fn forgotten(compared: &PlanInputs<'_>, there: &HashSet<&str>, plan: &Plan) -> Vec<String> {
    let settled = plan.unchanged.iter().chain(&plan.touched).map(|file| file.source.as_str());
    let settled: HashSet<&str> = settled.filter(|source| there.contains(source)).collect();
    let outdated = |source: &str| {
        settled.contains(source) || (!there.contains(source) && compared.scope.covers(source))
    };
    let sources = compared.failures.iter().map(|failure| &failure.source);
    sources.filter(|source| outdated(source)).cloned().collect()
}

enum Difference {
    None,
    Time,
    Content,
}

fn compare(file: &FoundFile, record: &DocumentRecord, hash: Option<&ContentHash>) -> Difference {
    let same_time = file.mtime == record.mtime;
    let same_content =
        file.size == record.size && hash.map_or(same_time, |hash| *hash == record.document_hash);
    match (same_content, same_time) {
        (true, true) => Difference::None,
        (true, false) => Difference::Time,
        (false, _) => Difference::Content,
    }
}

/// Records in scope whose file is gone. A run over failed files alone does not look for them.
fn vanished<'a>(
    compared: &PlanInputs<'_>,
    pairs: &[Pair<'a>],
) -> impl Iterator<Item = &'a DocumentRecord> {
    let PlanInputs { scope, retry_failed, .. } = *compared;
    let alone = move |pair: &Pair<'a>| match *pair {
        Pair::Right(record) if !retry_failed => Some(record),
        _ => None,
    };
    pairs.iter().filter_map(alone).filter(|record| scope.covers(&record.source))
}

fn sorted(tags: &[String]) -> Vec<String> {
    let mut tags = tags.to_vec();
    tags.sort();
    tags
}

#[cfg(test)]
mod tests;
