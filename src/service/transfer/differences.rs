//! Finds the documents that have to be sent, by comparing records. Pure.

use std::collections::{HashMap, HashSet};

use crate::types::{ChunkTally, DocumentRecord};

/// What one collection has that another one has not.
pub(super) struct Differences<'a> {
    /// Documents whose chunks are sent.
    pub(super) sent: Vec<&'a DocumentRecord>,
    /// Records that changed while their chunks did not.
    pub(super) touched: Vec<DocumentRecord>,
    /// Sources that no longer exist.
    pub(super) gone: Vec<String>,
    /// Sources of which something is stored already, with or without a record.
    pub(super) there: HashSet<String>,
    /// Sources with a record.
    recorded: HashSet<String>,
}

impl<'a> Differences<'a> {
    /// `stored`: the chunks that are stored, if they may differ from those of `before`.
    pub(super) fn of(
        records: &'a [DocumentRecord],
        before: &[DocumentRecord],
        stored: Option<&[ChunkTally]>,
    ) -> Self {
        let known: HashMap<&str, &DocumentRecord> =
            before.iter().map(|record| (record.source.as_str(), record)).collect();
        let mut chunks: HashMap<&str, Vec<&ChunkTally>> = HashMap::new();
        for row in stored.into_iter().flatten() {
            chunks.entry(&row.source).or_default().push(row);
        }
        let is_whole = |record: &DocumentRecord| {
            stored.is_none()
                || matches!(
                    chunks.get(record.source.as_str()).map(Vec::as_slice),
                    Some([row]) if (&row.document_hash, row.chunks) == (&record.document_hash, record.chunks)
                )
        };
        let (mut sent, mut touched) = (Vec::new(), Vec::new());
        for record in records {
            match known.get(record.source.as_str()) {
                Some(known) if has_same_chunks(record, known) && is_whole(known) => {
                    if *known != record {
                        touched.push(record.clone());
                    }
                }
                _ => sent.push(record),
            }
        }
        let recorded: HashSet<String> = known.keys().map(|source| (*source).to_owned()).collect();
        let there: HashSet<String> = recorded
            .iter()
            .cloned()
            .chain(chunks.keys().map(|source| (*source).to_owned()))
            .collect();
        let wanted: HashSet<&str> = records.iter().map(|record| record.source.as_str()).collect();
        let mut gone: Vec<String> =
            there.iter().filter(|source| !wanted.contains(source.as_str())).cloned().collect();
        gone.sort_unstable();
        Self { sent, touched, gone, there, recorded }
    }

    /// Whether the document was there before.
    pub(super) fn had(&self, source: &str) -> bool {
        self.recorded.contains(source)
    }

    /// Number of chunks that are sent.
    pub(super) fn chunks(&self) -> u64 {
        self.sent.iter().map(|record| u64::from(record.chunks)).sum()
    }

    /// The documents that are sent, in batches of limited documents and chunks, or of one document.
    pub(super) fn batches(
        &self,
        documents: usize,
        chunks: u64,
    ) -> impl Iterator<Item = &[&'a DocumentRecord]> {
        let mut rest = &self.sent[..];
        std::iter::from_fn(move || {
            let mut sum = 0;
            let fits = rest.iter().take(documents).take_while(|record| {
                sum += u64::from(record.chunks);
                sum <= chunks
            });
            let count = fits.count().max(1).min(rest.len());
            let (batch, others) = rest.split_at(count);
            rest = others;
            (!batch.is_empty()).then_some(batch)
        })
    }
}

/// Whether both have the same chunks with the same vectors: of the same text, cut and counted in the
/// same way.
fn has_same_chunks(one: &DocumentRecord, other: &DocumentRecord) -> bool {
    let of = |it: &DocumentRecord| (it.chunks, it.terms, it.language.clone());
    one.content_hash.is_some() && one.content_hash == other.content_hash && of(one) == of(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::document;
    use crate::types::ContentHash;

    fn sources(records: &[&DocumentRecord]) -> Vec<String> {
        records.iter().map(|record| record.source.clone()).collect()
    }

    #[test]
    fn only_what_differs_goes_over() {
        let same = document("same.md", 2);
        let records = [
            same.clone(),
            document("new.md", 1),
            DocumentRecord {
                content_hash: Some(ContentHash::of(b"new")),
                ..document("changed.md", 3)
            },
            DocumentRecord { mtime: 7, ..document("touched.md", 1) },
            DocumentRecord { content_hash: None, ..document("unknown.md", 1) },
        ];
        let before = [
            same,
            document("changed.md", 3),
            document("touched.md", 1),
            document("unknown.md", 1),
            document("gone.md", 1),
        ];
        let differences = Differences::of(&records, &before, None);
        assert_eq!(sources(&differences.sent), ["new.md", "changed.md", "unknown.md"]);
        assert_eq!(differences.touched, [records[3].clone()]);
        assert_eq!(differences.gone, ["gone.md"]);
        assert_eq!(differences.chunks(), 5);
        assert!(differences.had("changed.md") && !differences.had("new.md"));
    }

    #[test]
    fn after_a_run_that_was_cut_off_what_is_stored_counts() {
        let row = |source: &str, chunks| ChunkTally {
            source: source.to_owned(),
            document_hash: ContentHash::of(source.as_bytes()),
            chunks,
        };
        let records = [document("whole.md", 2), document("half.md", 2), document("lost.md", 1)];
        let stored = [row("whole.md", 2), row("half.md", 1), row("orphan.md", 1)];
        let differences = Differences::of(&records, &records, Some(&stored));
        assert_eq!(sources(&differences.sent), ["half.md", "lost.md"]);
        assert_eq!(differences.gone, ["orphan.md"]);
        assert!(differences.there.contains("orphan.md") && !differences.had("orphan.md"));
    }

    #[test]
    fn batches_are_of_so_many_documents_and_chunks_or_of_one_document() {
        let records: Vec<DocumentRecord> = [3, 3, 9, 1, 1, 1]
            .iter()
            .enumerate()
            .map(|(number, chunks)| document(&number.to_string(), *chunks))
            .collect();
        let differences = Differences::of(&records, &[], None);
        let batches = differences.batches(2, 6).map(|batch| sources(batch).join(""));
        assert_eq!(batches.collect::<Vec<_>>(), ["01", "2", "34", "5"]);
        let nothing: [DocumentRecord; 0] = [];
        assert_eq!(Differences::of(&nothing, &[], None).batches(2, 6).count(), 0);
    }
}
