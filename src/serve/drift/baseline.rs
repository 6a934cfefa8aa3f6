//! The baseline of the signals: from a file, or from the first samples.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{QuestionSample, Signal};
use crate::types::{ContentHash, DocumentRecord, SCHEMA_VERSION};

/// Largest file that is read.
const LARGEST: u64 = 64 << 20;

/// Most samples of a signal in a file.
const MOST: usize = 100_000;

/// Most documents that are remembered; of a larger collection, a sample.
const MOST_DOCUMENTS: usize = 1 << 16;

/// The signals of questions, retrieval and answers, as `docent eval --write-drift-baseline` writes them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftBaseline {
    pub schema_version: u32,
    /// Version of docent that wrote the file.
    pub docent: String,
    /// RFC 3339, UTC.
    pub written_at: String,
    pub collection: String,
    pub samples: BTreeMap<Signal, Vec<f32>>,
    pub documents: Documents,
}

/// The documents of the collection, and how many chunks each has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// One in this many documents is included.
    one_in: u64,
    /// By the first half of a hash of name and content.
    chunks: BTreeMap<String, u32>,
}

impl DriftBaseline {
    pub fn new(
        collection: &str,
        observed: &[QuestionSample],
        documents: &[DocumentRecord],
    ) -> Self {
        let mut samples = BTreeMap::<Signal, Vec<f32>>::new();
        for (signal, value) in observed.iter().flat_map(QuestionSample::values) {
            samples.entry(signal).or_default().push(value);
        }
        Self {
            schema_version: SCHEMA_VERSION,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
            written_at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            collection: collection.to_owned(),
            samples,
            documents: Documents::of(documents),
        }
    }

    /// # Errors
    /// The file cannot be read, or is not a baseline.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut text = String::new();
        crate::rooted_fs::open_file(path)?.take(LARGEST).read_to_string(&mut text)?;
        let read: Self = serde_json::from_str(&text)?;
        let sane =
            |values: &Vec<f32>| values.len() <= MOST && values.iter().all(|it| it.is_finite());
        match read.schema_version {
            SCHEMA_VERSION if read.documents.one_in > 0 && read.samples.values().all(sane) => {
                Ok(read)
            }
            SCHEMA_VERSION => {
                Err(io::Error::other("its samples are not numbers, or there are too many"))
            }
            other => Err(io::Error::other(format!(
                "it has the schema version {other}, not {SCHEMA_VERSION}"
            ))),
        }
    }

    /// Replaces the file atomically.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut file, self)?;
        file.write_all(b"\n")?;
        file.persist(path)?;
        Ok(())
    }
}

impl Documents {
    pub(super) fn of(records: &[DocumentRecord]) -> Self {
        Self::bounded(records, MOST_DOCUMENTS)
    }

    fn bounded(records: &[DocumentRecord], most: usize) -> Self {
        let mut one_in = 1;
        loop {
            let chunks = sketch(records, one_in);
            if chunks.len() <= most {
                return Self { one_in, chunks };
            }
            one_in *= 2;
        }
    }

    /// Share of chunks that only one of the two states has, among the chunks of both, with documents
    /// compared as a whole: from 0 to 1 (Jaccard distance).
    pub(super) fn share_changed(&self, now: &[DocumentRecord]) -> f64 {
        let now = sketch(now, self.one_in);
        let sum =
            |chunks: &BTreeMap<String, u32>| chunks.values().map(|it| u64::from(*it)).sum::<u64>();
        let kept = self.chunks.iter().filter(|(id, _)| now.contains_key(*id));
        let kept: u64 = kept.map(|(_, chunks)| u64::from(*chunks)).sum();
        let all = (sum(&self.chunks) + sum(&now)).saturating_sub(kept);
        if all == 0 { 0.0 } else { (1.0 - kept as f64 / all as f64).max(0.0) }
    }
}

/// A sample of one in `one_in` documents, the same ones each time.
fn sketch(records: &[DocumentRecord], one_in: u64) -> BTreeMap<String, u32> {
    let rows = records.iter().filter_map(|record| {
        let id = format!("{}\0{}", record.source, record.document_hash.0);
        let id = ContentHash::of(id.as_bytes()).0[..16].to_owned();
        let number = u64::from_str_radix(&id, 16).ok()?;
        number.is_multiple_of(one_in).then_some((id, record.chunks))
    });
    rows.collect()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    pub(in super::super) fn records(
        range: std::ops::Range<usize>,
        text: &str,
    ) -> Vec<DocumentRecord> {
        let hash = ContentHash::of(text.as_bytes());
        let record = |at: usize| {
            let record = serde_json::json!({
                "source": format!("docs/{at}.md"), "document_hash": hash, "size": 1, "mtime": 0,
                "kind": "markdown", "chunks": 4, "terms": 9, "tags": [],
                "ingested_at": "2030-01-01T00:00:00Z", "run_id": uuid::Uuid::nil(),
            });
            serde_json::from_value(record).unwrap()
        };
        range.map(record).collect()
    }

    #[test]
    fn what_share_of_the_chunks_changed() {
        let base = Documents::of(&records(0..10, "a"));
        for (now, share) in [
            (records(0..10, "a"), 0.0),
            (records(0..10, "b"), 1.0),
            (records(0..5, "a"), 0.5),
            (records(0..20, "a"), 0.5),
            (records(5..15, "a"), 2.0 / 3.0),
            (Vec::new(), 1.0),
        ] {
            assert!((base.share_changed(&now) - share).abs() < 1e-9, "{share}");
        }
        assert_eq!(Documents::of(&[]).share_changed(&[]).to_bits(), 0);
    }

    #[test]
    fn a_sample_represents_many_documents() {
        let base = Documents::bounded(&records(0..4_000, "a"), 1_000);
        assert!(base.chunks.len() <= 1_000 && base.chunks.len() > 300, "{}", base.chunks.len());
        assert!(base.share_changed(&records(0..4_000, "a")) < 1e-9);
        let half = base.share_changed(&records(2_000..4_000, "a"));
        assert!((half - 0.5).abs() < 0.1, "{half}");
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("baseline.json");
        let observed = [QuestionSample { unknown_words: 0.25, ..QuestionSample::default() }];
        let baseline = DriftBaseline::new("docs", &observed, &records(0..3, "a"));
        baseline.write(&path).unwrap();
        assert_eq!(DriftBaseline::read(&path).unwrap(), baseline);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("\"schema_version\":1", "\"schema_version\":9"),
            ("\"one_in\":1", "\"one_in\":0"),
            ("0.25", "1e99"),
            ("\"collection\"", "\"colection\""),
            ("unknown_words", "nothing"),
        ] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert!(DriftBaseline::read(&path).is_err(), "{to}");
        }
    }
}
