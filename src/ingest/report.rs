//! What an ingest says at its end.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::secrets::Secrets;
use super::survey::Survey;
use crate::cancel::Stop;
use crate::error::BackendError;
use crate::types::{DocumentRecord, OnSecret, Partition, ReadingWarning};

/// A source that could not be brought in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct FailedSource {
    pub source: String,
    pub reason: String,
}

/// A file or directory that was passed over on purpose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct SkippedSource {
    pub source: String,
    pub reason: String,
}

/// A document of which something was not read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct WarnedSource {
    pub source: String,
    pub warnings: Vec<ReadingWarning>,
}

impl WarnedSource {
    /// `None` where all of it was read, but for what is only noted.
    pub fn of(record: &DocumentRecord) -> Option<Self> {
        let DocumentRecord { source, warnings, .. } = record;
        let warnings = warnings.iter().filter(|warning| !warning.code.is_note());
        let warnings: Vec<ReadingWarning> = warnings.cloned().collect();
        (!warnings.is_empty()).then(|| Self { source: source.clone(), warnings })
    }
}

/// A version of a collection that was built beside the one in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct BuiltVersion {
    /// The number N of `NAME@vN`.
    pub version: u32,
    /// It took the place of the one in use; else it stays beside it.
    pub live: bool,
}

/// What an ingest did. Counts are documents unless they say otherwise.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct IngestReport {
    /// The part of the sources that this is about, with `--partition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    pub added: usize,
    pub changed: usize,
    pub moved: usize,
    pub deleted: usize,
    pub unchanged: usize,
    /// Files and directories that were passed over, and why.
    pub skipped: usize,
    pub skipped_by_reason: BTreeMap<String, usize>,
    /// Each of them. A directory stands for everything below it.
    pub skipped_sources: Vec<SkippedSource>,
    /// Documents that were taken out because they are older than `ingest.ttl`; `deleted` counts them, too.
    pub expired: usize,
    pub expired_sources: Vec<String>,
    pub failed: Vec<FailedSource>,
    /// Of those, how many failed before, did not change, and were not tried again.
    pub untried: usize,
    /// Documents that were brought in, and of which something was not read.
    pub warned: Vec<WarnedSource>,
    /// Pages that were read as pictures.
    pub ocr_pages: usize,
    /// Chunks written.
    pub chunks: usize,
    /// Texts that were embedded for them.
    pub embedded: usize,
    /// Chunks that took their vector from a text embedded before.
    pub reused: usize,
    /// Tokens that were embedded, as they are billed.
    pub tokens: u64,
    /// Tokens that an endpoint was sent and generated to read pages, as they are billed.
    pub ocr_tokens: u64,
    /// What they cost, in the user's currency, where the price is known.
    pub cost: Option<f64>,
    /// What looks like a secret in the documents of this run.
    #[serde(flatten)]
    pub secrets: Secrets,
    /// What became of documents with secrets.
    pub on_secret: OnSecret,
    pub elapsed_ms: u64,
    /// Cancelled on the way; what was committed stays.
    pub interrupted: bool,
    /// The limit that ended the run before its end; what was committed stays.
    pub stopped: Option<Stop>,
    /// What the collection holds now, or the version that was built; of a part, the part.
    pub documents_total: usize,
    /// With `--rebuild` and `--new-version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built: Option<BuiltVersion>,
    /// As in the records that it has written.
    #[serde(skip)]
    pub run_id: Uuid,
    /// The run has made the collection, which was not there.
    #[serde(skip)]
    pub created: bool,
    /// The run keeps secrets out, and what it began with may have held some.
    #[serde(skip)]
    pub first_without_secrets: bool,
    /// The backend failure that ended the run early.
    #[serde(skip)]
    pub aborted: Option<BackendError>,
}

impl IngestReport {
    /// What is known before anything is done.
    pub(super) fn planned(survey: &Survey, on_secret: OnSecret) -> Self {
        let plan = &survey.plan;
        let mut report = Self {
            unchanged: plan.unchanged.len() + plan.touched.len() + survey.pages.unchanged(),
            documents_total: survey.records.len(),
            on_secret,
            ..Self::default()
        };
        for skipped in &survey.skipped {
            report.skip(&skipped.source, skipped.reason);
        }
        report
    }

    /// What was built beside the collection did not become the collection.
    pub(super) fn nothing_stored(&mut self, survey: &Survey) {
        (self.added, self.changed, self.moved, self.deleted, self.chunks) = (0, 0, 0, 0, 0);
        (self.ocr_pages, self.warned) = (0, Vec::new());
        self.first_without_secrets = false;
        self.documents_total = survey.former.as_ref().map_or(0, Vec::len);
    }

    /// The collection is as it was before the run.
    pub fn changed_nothing(&self) -> bool {
        let written = self.added + self.changed + self.moved + self.deleted;
        written == 0 && self.chunks == 0 && self.aborted.is_none()
    }

    /// These were taken out because they are too old.
    pub(super) fn expire(&mut self, sources: &[String]) {
        (self.expired, self.expired_sources) = (sources.len(), sources.to_vec());
    }

    pub(super) fn skip(&mut self, source: &str, reason: &str) {
        self.skipped += 1;
        let (source, why) = (source.to_owned(), reason.to_owned());
        self.skipped_sources.push(SkippedSource { source, reason: why });
        *self.skipped_by_reason.entry(reason.to_owned()).or_default() += 1;
    }

    /// How a document was read that is stored now.
    pub(super) fn read(&mut self, record: &DocumentRecord) {
        self.ocr_pages += record.ocr.as_ref().map_or(0, |ocr| ocr.pages.len());
        self.warned.extend(WarnedSource::of(record));
    }

    pub(super) fn fail(&mut self, source: &str, reason: &str) {
        self.failed.push(FailedSource { source: source.to_owned(), reason: reason.to_owned() });
    }
}
