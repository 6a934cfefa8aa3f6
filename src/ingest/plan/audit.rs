//! Compares records with stored chunks, to find what a run that was cut off has left behind.

use std::collections::{BTreeSet, HashMap};

use crate::types::{ChunkTally, DocumentRecord};

/// Disagreements between records and chunks. Sorted by source.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlanAudit {
    /// Documents whose stored chunks are not exactly those of their record.
    pub damaged: Vec<String>,
    /// Sources that have chunks and no record.
    pub orphans: Vec<String>,
}

/// Compares the records with a count of what is stored.
pub fn audit(records: &[DocumentRecord], tally: &[ChunkTally]) -> PlanAudit {
    let mut versions: HashMap<&str, Vec<&ChunkTally>> = HashMap::new();
    for counted in tally {
        versions.entry(&counted.source).or_default().push(counted);
    }
    let mut damaged = BTreeSet::new();
    for record in records {
        let stored = versions.remove(record.source.as_str()).unwrap_or_default();
        let whole = |counted: &ChunkTally| {
            counted.document_hash == record.document_hash && counted.chunks == record.chunks
        };
        if !matches!(stored[..], [only] if whole(only)) {
            damaged.insert(record.source.clone());
        }
    }
    let orphans: BTreeSet<String> = versions.into_keys().map(str::to_owned).collect();
    PlanAudit { damaged: damaged.into_iter().collect(), orphans: orphans.into_iter().collect() }
}
