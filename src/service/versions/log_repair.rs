//! Reconstructs lines that are missing in the log of versions. Each line is written after the event,
//! and a process may be killed in between. The versions that exist show what the lines would have said.

use chrono::{DateTime, SecondsFormat};

use super::live;
use crate::store::latest_former;
use crate::types::{VersionCause, VersionChange, VersionEntry, VersionEvent, VersionState};

/// The events of `entries` that are missing in `events`. `now` was done just now, and is written next.
pub(super) fn missing(
    events: &[VersionEvent],
    entries: &[VersionEntry],
    now: Option<&VersionEvent>,
) -> Vec<VersionEvent> {
    let about = now.map(|event| event.version);
    let is_told =
        |number| Some(number) == about || events.iter().any(|event| event.version == number);
    let is_aside = |entry: &&VersionEntry| {
        matches!(entry.state, VersionState::Built | VersionState::Candidate)
    };
    let aside = entries.iter().filter(is_aside).filter(|entry| !is_told(entry.number));
    let mut found: Vec<VersionEvent> =
        aside.map(|entry| of(entry, VersionChange::Built, None)).collect();
    let before = match now.filter(|event| event.change == VersionChange::Live) {
        Some(event) => event.other.or_else(|| latest_former(entries)),
        None => live(entries).map(|entry| entry.number),
    };
    let mut lives = events.iter().rev().filter(|event| event.change == VersionChange::Live);
    let entry = entries.iter().find(|entry| Some(entry.number) == before);
    if let Some(entry) = entry.filter(|_| lives.next().map(|event| event.version) != before) {
        let others = entries.iter().filter(|it| it.number != entry.number);
        let others = others.filter(|it| Some(it.number) != about);
        let displaced = others.max_by_key(|it| it.live_until).filter(|it| it.live_until.is_some());
        found.push(of(entry, VersionChange::Live, displaced));
    }
    found
}

/// The event of a version that replaced `displaced`, which knows the time.
fn of(
    entry: &VersionEntry,
    change: VersionChange,
    displaced: Option<&VersionEntry>,
) -> VersionEvent {
    let mut event = VersionEvent::now(entry.number, change, VersionCause::Unknown);
    let until = displaced.and_then(|it| i64::try_from(it.live_until?).ok());
    let until = until.and_then(DateTime::from_timestamp_millis);
    let until = until.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let made = entry.manifest.as_ref().map(|manifest| manifest.created_at.clone());
    if let Some(at) = until.or(made) {
        event.at = at;
    }
    event.other = displaced.map(|it| it.number);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32, state: VersionState, live_until: Option<u64>) -> VersionEntry {
        VersionEntry { number, state, manifest: None, live_until }
    }

    fn told(version: u32, change: VersionChange) -> VersionEvent {
        VersionEvent::now(version, change, VersionCause::Use)
    }

    fn rows(found: &[VersionEvent]) -> Vec<(u32, VersionChange, Option<u32>)> {
        found.iter().map(|event| (event.version, event.change, event.other)).collect()
    }

    #[test]
    fn what_a_kill_has_left_out_is_told_by_what_there_is() {
        use VersionChange::{Built, Live};
        let entries = [
            entry(1, VersionState::Former, Some(1_000)),
            entry(2, VersionState::Former, Some(2_000)),
            entry(3, VersionState::Live, None),
            entry(4, VersionState::Built, None),
            entry(5, VersionState::Unfinished, None),
        ];
        let whole = [told(1, Live), told(2, Live), told(3, Live), told(4, Built)];
        assert!(missing(&whole, &entries, None).is_empty());
        // The switch to 3 is missing, and the building of 4.
        let found = missing(&whole[..2], &entries, None);
        assert_eq!(rows(&found), [(4, Built, None), (3, Live, Some(2))]);
        assert_eq!(found[1].at, "1970-01-01T00:00:02Z");
        assert!(found.iter().all(|event| event.cause == VersionCause::Unknown));
        // The event that is about to be written is not missing; the one before it may be.
        let now = VersionEvent { other: Some(2), ..told(3, Live) };
        assert_eq!(rows(&missing(&whole[..1], &entries[..3], Some(&now))), [(2, Live, Some(1))]);
        let rebuilt = VersionEvent { other: None, ..now };
        assert_eq!(
            rows(&missing(&whole[..1], &entries[..3], Some(&rebuilt))),
            [(2, Live, Some(1))]
        );
        assert!(missing(&whole[..2], &entries[..3], Some(&rebuilt)).is_empty());
        let built = told(4, Built);
        assert!(missing(&whole[..3], &entries, Some(&built)).is_empty());
        // The first version.
        let first = [entry(1, VersionState::Live, None)];
        assert!(missing(&[], &first, Some(&told(1, Live))).is_empty());
        assert_eq!(rows(&missing(&[], &first, None)), [(1, Live, None)]);
    }

    #[test]
    fn a_clock_that_can_not_be_is_not_told() {
        let entries =
            [entry(1, VersionState::Former, Some(u64::MAX)), entry(2, VersionState::Live, None)];
        let found = missing(&[], &entries, None);
        assert_eq!(rows(&found), [(2, VersionChange::Live, Some(1))]);
        assert!(found[0].at.starts_with("20"), "{}", found[0].at);
    }
}
