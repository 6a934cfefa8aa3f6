//! Counts documents that are too old, or will be soon, by their records.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ingest::expiry::{Expiry, date_of};
use crate::types::DocumentRecord;

/// How many documents are older than `ingest.ttl`, now and soon. The date is that of the record, even
/// if the file was written since.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
pub struct Expiring {
    /// Maximum age of documents, in seconds.
    pub ttl: u64,
    /// Documents that are older: the next ingest deletes them.
    pub expired: usize,
    /// Documents that will be older within 7 days.
    pub within_7_days: usize,
    /// Documents that will be older within 30 days, including those within 7 days.
    pub within_30_days: usize,
    /// When the next document will be older, RFC 3339, UTC; null where none will.
    pub next: Option<String>,
    /// Documents without a date, which never expire.
    pub undated: usize,
}

impl Expiring {
    /// `now`: nanoseconds since the Unix epoch.
    pub fn of(documents: &[DocumentRecord], ttl: Duration, now: i64) -> Self {
        const DAY: i64 = 86_400_000_000_000;
        let expiry = Expiry::new(ttl, now);
        let mut expiring = Self { ttl: ttl.as_secs(), ..Self::default() };
        let mut next: Option<i64> = None;
        for record in documents {
            match expiry.left(date_of(record)) {
                None => expiring.undated += 1,
                Some(left) if left < 0 => expiring.expired += 1,
                Some(left) => {
                    expiring.within_7_days += usize::from(left < 7 * DAY);
                    expiring.within_30_days += usize::from(left < 30 * DAY);
                    next = Some(next.map_or(left, |next| next.min(left)));
                }
            }
        }
        let next = next.map(|left| DateTime::from_timestamp_nanos(now.saturating_add(left)));
        expiring.next = next.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
        expiring
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::document;

    #[test]
    fn documents_are_counted_by_when_they_are_too_old() {
        const DAY: i64 = 86_400_000_000_000;
        const NOW: i64 = 1_767_225_600_000_000_000;
        let dated = |mtime| DocumentRecord { mtime, web: None, ..document("a.md", 1) };
        let documents = [91, 90, 85, 61, 10].map(|days| dated(NOW - days * DAY));
        let documents = [&documents[..], &[dated(1), dated(i64::MAX)]].concat();
        let expiring = Expiring::of(&documents, Duration::from_hours(90 * 24), NOW);
        let expected = Expiring {
            ttl: 90 * 86_400,
            expired: 1,
            within_7_days: 2,
            within_30_days: 3,
            next: Some("2026-01-01T00:00:00Z".to_owned()),
            undated: 1,
        };
        assert_eq!(expiring, expected);
        let none = Expiring::of(&[], Duration::from_secs(1), NOW);
        assert_eq!((none.next, none.ttl), (None, 1));
    }
}
