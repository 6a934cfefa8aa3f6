//! Which documents are purged.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PurgeRequest;
use crate::error::Failure;
use crate::service::retrieval::selected;
use crate::service::source::ProjectPlace;
use crate::store::VectorStore;
use crate::text::composed;

/// Conditions for a purge, all of which a document has to meet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PurgeConditions {
    /// Paths, directories or globs, one of which has to select the document; none selects all.
    pub sources: Vec<String>,
    /// Tags, all of which the document has, or had in some version.
    pub tags: Vec<String>,
    /// The document was ingested, or changed, before this time: RFC 3339, UTC.
    pub older_than: Option<String>,
}

/// What is to be deleted of a source, in one version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct PurgeTarget {
    pub(super) source: String,
    /// Stored chunks of the source.
    pub(super) chunks: u64,
    /// Whether the source has a record or chunks; otherwise only a failure is recorded of it.
    pub(super) is_document: bool,
    pub(super) failed: bool,
    /// Whether the source is a file or a page, which an ingest finds again.
    pub(super) is_kept_in_line: bool,
}

/// What is to be deleted, by version.
pub(super) type Selection = BTreeMap<u32, Vec<PurgeTarget>>;

/// What a version has of a source.
struct Row {
    doomed: PurgeTarget,
    tags: Vec<String>,
    /// When the document was ingested; `None` for chunks of a run that was cut off.
    since: Option<String>,
}

impl PurgeConditions {
    /// # Errors
    /// No condition is given, or `older_than` is not a time.
    pub(super) fn of(request: &PurgeRequest) -> Result<Self, Failure> {
        let PurgeRequest { sources, tags, older_than, .. } = request;
        if sources.is_empty() && tags.is_empty() && older_than.is_none() {
            return Err(Failure::usage("no condition says which documents to purge")
                .hint("use docent purge --source GLOB, --tag TAG or --older-than 90d; documents have to meet all that are given"));
        }
        let before = older_than.as_deref().map(|typed| time(typed, Utc::now())).transpose()?;
        let older_than = before.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
        Ok(Self { sources: sources.clone(), tags: tags.clone(), older_than })
    }

    /// Selects what is deleted from each version. A document that has the tags in one version is
    /// deleted from all of them, since a former version may have it without the tags. The age is that
    /// in each version.
    pub(super) async fn select(
        &self,
        stores: &[(u32, &dyn VectorStore)],
        at: ProjectPlace<'_>,
    ) -> Result<Selection, Failure> {
        let mut versions = Vec::new();
        for (number, store) in stores {
            versions.push((*number, rows(*store).await?));
        }
        let known: BTreeSet<&str> = versions
            .iter()
            .flat_map(|(_, rows)| rows.iter().map(|row| row.doomed.source.as_str()))
            .collect();
        let known: Vec<&str> = known.into_iter().collect();
        let named: BTreeSet<String> = if self.sources.is_empty() {
            known.iter().map(|source| (*source).to_owned()).collect()
        } else {
            selected(&self.sources, &known, at)?.into_iter().map(str::to_owned).collect()
        };
        let tags: Vec<String> = self.tags.iter().map(|tag| composed(tag).into_owned()).collect();
        let tagged: BTreeSet<String> = versions
            .iter()
            .flat_map(|(_, rows)| rows)
            .filter(|row| tags.iter().all(|tag| row.tags.contains(tag)))
            .map(|row| row.doomed.source.clone())
            .collect();
        let goes = |row: &Row| {
            let source = &row.doomed.source;
            named.contains(source) && tagged.contains(source) && self.is_old(row)
        };
        let of = |(number, rows): (u32, Vec<Row>)| {
            (number, rows.into_iter().filter(goes).map(|row| row.doomed).collect())
        };
        Ok(versions.into_iter().map(of).collect())
    }

    fn is_old(&self, row: &Row) -> bool {
        let Some(before) = &self.older_than else { return true };
        let time = |text: &str| DateTime::parse_from_rfc3339(text).ok();
        match (row.since.as_deref().and_then(time), time(before)) {
            (Some(since), Some(before)) => since < before,
            _ => false,
        }
    }
}

async fn rows(store: &dyn VectorStore) -> Result<Vec<Row>, Failure> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for record in store.documents().await? {
        let doomed = PurgeTarget {
            source: record.source.clone(),
            chunks: 0,
            is_document: true,
            failed: false,
            is_kept_in_line: record.is_file() || record.web.is_some(),
        };
        let (tags, since) = (record.tags, Some(record.ingested_at));
        rows.insert(record.source, Row { doomed, tags, since });
    }
    let empty = |source: String| PurgeTarget {
        source,
        chunks: 0,
        is_document: false,
        failed: false,
        is_kept_in_line: true,
    };
    for failure in store.failures().await? {
        let row = rows.entry(failure.source.clone()).or_insert_with(|| Row {
            doomed: empty(failure.source),
            tags: Vec::new(),
            since: Some(failure.failed_at),
        });
        row.doomed.failed = true;
    }
    for tally in store.tally().await? {
        let row = rows.entry(tally.source.clone()).or_insert_with(|| Row {
            doomed: empty(tally.source),
            tags: Vec::new(),
            since: None,
        });
        row.doomed.chunks += u64::from(tally.chunks);
        row.doomed.is_document = true;
    }
    Ok(rows.into_values().collect())
}

/// Parses `90d` before now, a date, or a time.
fn time(typed: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    let age = || {
        let unit = typed.chars().last()?;
        let number: i64 = typed[..typed.len() - unit.len_utf8()].parse().ok()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            'y' => 365 * 86_400,
            _ => return None,
        };
        let age = TimeDelta::try_seconds(number.checked_mul(seconds)?)?;
        now.checked_sub_signed(age).filter(|_| number >= 0)
    };
    let date = || Some(typed.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    let moment = || Some(DateTime::parse_from_rfc3339(typed).ok()?.to_utc());
    age().or_else(date).or_else(moment).ok_or_else(|| {
        Failure::usage(format!("--older-than: `{typed}` is neither an age nor a time")).hint(
            "use an age (90d, 12h, 6w, 1y), a date (2026-01-31) or a time (2026-01-31T12:00:00Z)",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_a_date_and_a_time_are_times() {
        let now = DateTime::parse_from_rfc3339("2026-03-31T12:00:00Z").expect("a time").to_utc();
        for (typed, meant) in [
            ("90s", "2026-03-31T11:58:30Z"),
            ("90m", "2026-03-31T10:30:00Z"),
            ("12h", "2026-03-31T00:00:00Z"),
            ("30d", "2026-03-01T12:00:00Z"),
            ("2w", "2026-03-17T12:00:00Z"),
            ("1y", "2025-03-31T12:00:00Z"),
            ("0d", "2026-03-31T12:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
        ] {
            let read = time(typed, now).expect("a time");
            assert_eq!(read.to_rfc3339_opts(SecondsFormat::Secs, true), meant, "{typed}");
        }
        for typed in ["", "d", "90", "-1d", "90 days", "2026-13-01", "9999999999999y", "1ü", "ü"]
        {
            assert!(time(typed, now).is_err(), "{typed}");
        }
    }
}
