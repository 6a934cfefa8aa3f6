//! Documents that are older than `ingest.ttl`: they are not ingested, and deleted if they are stored.
//!
//! The age of a document comes from its date: a file's modification time, the `Last-Modified` of a page, and
//! the time of ingestion for everything else. A document without a date does not expire.

use std::collections::HashSet;
use std::time::Duration;

use chrono::DateTime;

use super::discover::{Discovery, FoundFile, Skipped};
use super::options::IngestOptions;
use super::pages::PlannedPages;
use super::plan::Plan;
use crate::types::{DocumentRecord, WebOrigin, upload_of};

/// Why a file or a page is skipped.
pub(super) const TOO_OLD: &str = "older than ingest.ttl";

/// Archives and build systems that keep no times write the first moments of 1970.
const NO_DATE_BEFORE: i64 = 86_400 * NANOSECONDS;

const NANOSECONDS: i64 = 1_000_000_000;

/// How old documents may become. Times are in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expiry {
    ttl: i64,
    now: i64,
}

impl Expiry {
    pub fn new(ttl: Duration, now: i64) -> Self {
        Self { ttl: i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX), now }
    }

    /// Measures from the system's current time.
    pub fn from_now(ttl: Duration) -> Self {
        Self::new(ttl, chrono::Utc::now().timestamp_nanos_opt().unwrap_or(i64::MAX))
    }

    /// Nanoseconds until something with this date is too old; negative if it is already. A date in the future
    /// is treated like any other. `None`: never.
    pub fn left(self, date: Option<i64>) -> Option<i64> {
        Some(date?.saturating_add(self.ttl).saturating_sub(self.now))
    }

    fn is_over(self, date: Option<i64>) -> bool {
        self.left(date).is_some_and(|left| left < 0)
    }

    /// Skips files and pages that are too old.
    pub(super) fn pass_over(self, discovery: &mut Discovery) {
        let is_over = |file: &mut FoundFile| self.is_over(date_of_file(file));
        let over = discovery.files.extract_if(.., is_over);
        let skipped = over.map(|file| Skipped { source: file.source, reason: TOO_OLD });
        discovery.skipped.extend(skipped);
    }
}

fn date_of_file(file: &FoundFile) -> Option<i64> {
    match &file.page {
        Some(page) => date_of_page(&page.origin),
        None => date(file.mtime),
    }
}

/// The date of a stored document. An upload has none: it is deleted on request only.
pub fn date_of(record: &DocumentRecord) -> Option<i64> {
    match &record.web {
        Some(web) => date_of_page(web),
        None if record.is_file() => date(record.mtime),
        None if upload_of(&record.source).is_some() => None,
        None => {
            date(DateTime::parse_from_rfc3339(&record.ingested_at).ok()?.timestamp_nanos_opt()?)
        }
    }
}

fn date_of_page(origin: &WebOrigin) -> Option<i64> {
    let stated = origin.validators.last_modified.as_deref()?;
    date(DateTime::parse_from_rfc2822(stated.trim()).ok()?.timestamp_nanos_opt()?)
}

fn date(nanoseconds: i64) -> Option<i64> {
    Some(nanoseconds).filter(|time| *time >= NO_DATE_BEFORE)
}

/// Sources of the documents that are deleted because they are too old.
#[derive(Default)]
pub(super) struct Expired(HashSet<String>);

impl Expired {
    /// Compares `records` with what was found. A file with a recent date again stays, and so does what the
    /// run itself ingests.
    pub(super) fn of(
        options: &IngestOptions,
        records: &[DocumentRecord],
        discovery: &Discovery,
        pages: &mut PlannedPages,
    ) -> Self {
        let Some(expiry) = options.discover.expiry else { return Self::default() };
        let passed_over = discovery.skipped.iter().filter(|skipped| skipped.reason == TOO_OLD);
        let passed_over: HashSet<&str> = passed_over.map(|it| it.source.as_str()).collect();
        let there: HashSet<&str> = discovery.files.iter().map(|it| it.source.as_str()).collect();
        let inline = options.inline_sources();
        let is_over = |record: &&DocumentRecord| {
            let source = record.source.as_str();
            if passed_over.contains(source) {
                return true;
            }
            if there.contains(source) || inline.contains(source) {
                return false;
            }
            let date = match pages.origin(source) {
                Some(origin) => date_of_page(origin),
                None => date_of(record),
            };
            expiry.is_over(date) && !is_new_again(options, expiry, record)
        };
        let over = records.iter().filter(is_over).map(|record| record.source.clone());
        let expired = Self(over.collect());
        pages.leave_out(&expired.0);
        expired
    }

    pub(super) fn contains(&self, source: &str) -> bool {
        self.0.contains(source)
    }

    /// Adds the expired documents to the plan's deletions and returns them, sorted. A document stays if the
    /// plan moves it: its file has a new name and a new date.
    pub(super) fn taken_out_by(self, plan: &mut Plan) -> Vec<String> {
        let moved: HashSet<&str> = plan.moved.iter().map(|step| step.from.as_str()).collect();
        let goes = |source: &String| !moved.contains(source.as_str());
        let mut sources: Vec<String> = self.0.into_iter().filter(goes).collect();
        sources.sort();
        let known: HashSet<&str> = plan.deleted.iter().map(String::as_str).collect();
        let more: Vec<String> =
            sources.iter().filter(|source| !known.contains(source.as_str())).cloned().collect();
        plan.deleted.extend(more);
        sources
    }
}

/// Whether a file that the run was not asked about has been written since.
fn is_new_again(options: &IngestOptions, expiry: Expiry, record: &DocumentRecord) -> bool {
    let source = &record.source;
    record.is_file()
        && options.discover.may_read(source)
        && FoundFile::at(&options.discover.root, source)
            .is_some_and(|file| !expiry.is_over(date_of_file(&file)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::contract::document;
    use crate::types::Validators;

    const DAY: i64 = 86_400 * NANOSECONDS;
    /// 2026-01-01.
    const NOW: i64 = 1_767_225_600 * NANOSECONDS;

    fn days(days: u64) -> Expiry {
        Expiry::new(Duration::from_hours(24 * days), NOW)
    }

    fn page(last_modified: Option<&str>) -> DocumentRecord {
        let last_modified = last_modified.map(str::to_owned);
        let validators = Validators { last_modified, ..Validators::default() };
        let web = WebOrigin { root: "https://example.org/".to_owned(), depth: 0, validators };
        DocumentRecord { mtime: 0, web: Some(Box::new(web)), ..document("https://example.org/", 1) }
    }

    #[test]
    fn each_kind_of_document_has_its_date() {
        let file = |mtime| DocumentRecord { mtime, web: None, ..document("a.md", 1) };
        let piped = |at: &str| DocumentRecord { ingested_at: at.to_owned(), ..file(0) };
        let uploaded =
            format!("docs/{}/{}/a.md", crate::types::UPLOADS, crate::types::upload_id(7));
        let uploaded = DocumentRecord { source: uploaded, ..piped("2020-01-01T00:00:00Z") };
        for (what, record, date, goes) in [
            ("a file", file(NOW - 91 * DAY), Some(NOW - 91 * DAY), true),
            ("at the limit", file(NOW - 90 * DAY), Some(NOW - 90 * DAY), false),
            ("just beyond it", file(NOW - 90 * DAY - 1), Some(NOW - 90 * DAY - 1), true),
            ("of the future", file(NOW + DAY), Some(NOW + DAY), false),
            ("of the end of time", file(i64::MAX), Some(i64::MAX), false),
            ("a time that is not one", file(1), None, false),
            ("before 1970", file(-NOW), None, false),
            ("a page", page(Some("Wed, 01 Jan 2025 00:00:00 GMT")), Some(NOW - 365 * DAY), true),
            ("a new page", page(Some("Thu, 01 Jan 2026 00:00:00 GMT")), Some(NOW), false),
            ("a page without a date", page(None), None, false),
            ("a page with another", page(Some("yesterday")), None, false),
            ("piped in", piped("2025-01-01T00:00:00Z"), Some(NOW - 365 * DAY), true),
            ("piped in at a time that is not one", piped("long ago"), None, false),
            ("an upload", uploaded, None, false),
        ] {
            assert_eq!(date_of(&record), date, "{what}");
            assert_eq!(days(90).is_over(date), goes, "{what}");
        }
    }

    proptest! {
        /// Only time makes a document old, and a clock that goes back makes it young again; nothing
        /// overflows.
        #[test]
        fn what_is_too_old_stays_so_while_time_passes(
            date in any::<i64>(), now in any::<i64>(), later in any::<i64>(),
            ttl in any::<u64>(), longer in any::<u64>(),
        ) {
            let (now, later) = (now.min(later), now.max(later));
            let (ttl, longer) = (ttl.min(longer), ttl.max(longer));
            let is_over = |ttl, now| Expiry::new(Duration::from_nanos(ttl), now).is_over(Some(date));
            prop_assert!(!is_over(ttl, now) || is_over(ttl, later));
            prop_assert!(!is_over(longer, now) || is_over(ttl, now));
            prop_assert!(!is_over(ttl, date), "what is of now");
            prop_assert!(!Expiry::new(Duration::from_nanos(ttl), now).is_over(None));
        }
    }
}
