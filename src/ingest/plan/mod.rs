//! Files × records → what there is to do. Pure: contents are seen only as hashes.
//!
//! Size and modification time decide first, as in git's index; a hash is asked for only where they
//! leave a doubt ([`to_hash`]).

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::discover::{FoundFile, Scope};
use crate::types::{ContentHash, DocumentRecord};

/// What an ingest has to do. Every list is sorted by source; every file is in exactly one of
/// `added`, `changed`, `moved`, `unchanged` and `touched`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    pub added: Vec<FoundFile>,
    pub changed: Vec<FoundFile>,
    pub moved: Vec<Move>,
    pub deleted: Vec<String>,
    pub unchanged: Vec<FoundFile>,
    /// Same content, new modification time: only the record is rewritten. Counted as unchanged.
    pub touched: Vec<FoundFile>,
}

/// A document whose file has a new name and the same content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    pub from: String,
    pub to: FoundFile,
}

impl Plan {
    /// Whether the collection is in line with its sources.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.changed.is_empty()
            && self.moved.is_empty()
            && self.deleted.is_empty()
    }
}

/// The files whose content hash [`plan`] needs: the same size with another modification time, and
/// new files that may be a vanished document under a new name. With `checksum`, all of them.
pub fn to_hash<'a>(
    files: &'a [FoundFile],
    records: &[DocumentRecord],
    scope: &Scope,
    checksum: bool,
) -> Vec<&'a FoundFile> {
    let known = by_source(records);
    let vanished: HashSet<u64> =
        vanished(files, records, scope).map(|record| record.size).collect();
    let in_doubt = |file: &FoundFile| match known.get(file.source.as_str()) {
        Some(record) => record.size == file.size && record.mtime != file.mtime,
        None => vanished.contains(&file.size),
    };
    files.iter().filter(|file| checksum || in_doubt(file)).collect()
}

/// What a run asks of the documents besides their content. `None` leaves known documents as they
/// are; one that differs from what is asked for counts as changed.
#[derive(Clone, Copy, Default, Debug)]
pub struct Wanted<'a> {
    pub tags: Option<&'a [String]>,
    /// Only documents whose records have fields are asked.
    pub text_fields: Option<&'a [String]>,
}

impl Wanted<'_> {
    /// Whether a document is as it is wanted.
    pub fn is_met_by(&self, record: &DocumentRecord) -> bool {
        let same = |wanted: Option<&[String]>, found: &[String]| {
            wanted.is_none_or(|wanted| sorted(wanted) == sorted(found))
        };
        same(self.tags, &record.tags)
            && (!record.kind.has_fields() || same(self.text_fields, &record.text_fields))
    }

    /// Tags and text fields: what is wanted, else what the document has.
    pub fn or_kept(&self, known: Option<&DocumentRecord>) -> (Vec<String>, Vec<String>) {
        let tags = self.tags.or(known.map(|record| record.tags.as_slice()));
        let fields = self.text_fields.or(known.map(|record| record.text_fields.as_slice()));
        (tags.unwrap_or_default().to_vec(), fields.unwrap_or_default().to_vec())
    }
}

/// Compares. `hashes` is by source; a file without a hash is judged by size and time alone.
#[expect(clippy::implicit_hasher, reason = "the pipeline builds the map itself")]
pub fn plan(
    files: &[FoundFile],
    records: &[DocumentRecord],
    scope: &Scope,
    hashes: &HashMap<String, ContentHash>,
    wanted: Wanted<'_>,
) -> Plan {
    let known = by_source(records);
    let mut files: Vec<&FoundFile> = files.iter().collect();
    files.sort_by(|a, b| a.source.cmp(&b.source));

    let mut plan = Plan::default();
    let mut fresh = Vec::new();
    for &file in &files {
        let Some(record) = known.get(file.source.as_str()) else {
            fresh.push(file);
            continue;
        };
        let list = match compare(file, record, hashes.get(&file.source)) {
            _ if !wanted.is_met_by(record) => &mut plan.changed,
            Difference::Content => &mut plan.changed,
            Difference::Time => &mut plan.touched,
            Difference::None => &mut plan.unchanged,
        };
        list.push(file.clone());
    }

    let mut gone: BTreeMap<&str, &DocumentRecord> =
        vanished(files.iter().copied(), records, scope).map(|r| (r.source.as_str(), r)).collect();
    let mut by_hash: HashMap<&ContentHash, VecDeque<&str>> = HashMap::new();
    for (source, record) in gone.iter().filter(|(_, record)| wanted.is_met_by(record)) {
        by_hash.entry(&record.document_hash).or_default().push_back(source);
    }
    for file in fresh {
        let from = hashes.get(&file.source).and_then(|hash| by_hash.get_mut(hash)?.pop_front());
        match from {
            Some(from) => {
                gone.remove(from);
                plan.moved.push(Move { from: from.to_owned(), to: file.clone() });
            }
            None => plan.added.push(file.clone()),
        }
    }
    plan.deleted = gone.into_keys().map(str::to_owned).collect();
    plan
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

fn by_source(records: &[DocumentRecord]) -> HashMap<&str, &DocumentRecord> {
    records.iter().map(|record| (record.source.as_str(), record)).collect()
}

/// Records in scope whose file is gone.
fn vanished<'a, 'f>(
    files: impl IntoIterator<Item = &'f FoundFile>,
    records: &'a [DocumentRecord],
    scope: &Scope,
) -> impl Iterator<Item = &'a DocumentRecord> {
    let present: HashSet<&str> = files.into_iter().map(|file| file.source.as_str()).collect();
    records
        .iter()
        .filter(move |record| !present.contains(record.source.as_str()))
        .filter(move |record| scope.covers(&record.source))
}

fn sorted(tags: &[String]) -> Vec<String> {
    let mut tags = tags.to_vec();
    tags.sort();
    tags
}

#[cfg(test)]
mod tests;
