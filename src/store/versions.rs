//! Which versions of a collection are kept.
//!
//! A version is built beside the live one. Once complete, it replaces the live one or is set aside. Every
//! version that is kept beside the live one has a [`RetentionMark`]; a version without a mark is unfinished or due for
//! removal, and the next writer removes it. The live version is live whatever its mark says. Therefore it is
//! marked before another one replaces it: a process that is cut off in between leaves both versions as they
//! were.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::types::{VersionEntry, VersionState};

/// Why a version is kept although it is not live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum RetentionMark {
    /// It is complete and has not been live yet.
    Built,
    /// It is complete, and was built to be measured.
    Candidate,
    /// It was live until this time: see [`VersionEntry::live_until`].
    Former { until: u64 },
}

impl RetentionMark {
    /// The mark for the version that is being replaced now.
    pub(crate) fn former_from_now(versions: &[VersionEntry]) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_millis() as u64);
        let latest = versions.iter().filter_map(|version| version.live_until).max();
        Self::Former { until: latest.map_or(now, |latest| now.max(latest.saturating_add(1))) }
    }

    /// Parses a mark. A mark that can't be read keeps its version all the same.
    pub(crate) fn read(json: &[u8]) -> Self {
        serde_json::from_slice(json).unwrap_or(Self::Built)
    }

    pub(crate) fn state(mark: Option<Self>) -> VersionState {
        match mark {
            Some(Self::Built) => VersionState::Built,
            Some(Self::Candidate) => VersionState::Candidate,
            Some(Self::Former { .. }) => VersionState::Former,
            None => VersionState::Unfinished,
        }
    }

    pub(crate) fn until(mark: Option<Self>) -> Option<u64> {
        match mark {
            Some(Self::Former { until }) => Some(until),
            _ => None,
        }
    }

    /// How likely a version with this mark was the live one, where nothing else tells; greater is likelier.
    pub(crate) fn rank(mark: Option<Self>) -> (u8, u64) {
        match mark {
            Some(Self::Candidate) => (0, 0),
            Some(Self::Built) => (1, 0),
            Some(Self::Former { until }) => (2, until),
            None => (3, 0),
        }
    }
}

/// What happens to a version that is set aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormerVersion {
    /// It stays until somebody removes it.
    Built,
    /// It stays until the next version is built.
    Candidate,
}

impl From<FormerVersion> for RetentionMark {
    fn from(aside: FormerVersion) -> Self {
        match aside {
            FormerVersion::Built => Self::Built,
            FormerVersion::Candidate => Self::Candidate,
        }
    }
}

/// Former versions except the last `keep` that were live, and candidates except `spared`.
pub(crate) fn beyond(versions: &[VersionEntry], keep: usize, spared: Option<u32>) -> Vec<u32> {
    let candidates = versions.iter().filter(|it| it.state == VersionState::Candidate);
    let candidates = candidates.map(|it| it.number).filter(|number| Some(*number) != spared);
    former(versions).into_iter().skip(keep).chain(candidates).collect()
}

/// The version that was live before the current one.
pub(crate) fn latest_former(versions: &[VersionEntry]) -> Option<u32> {
    former(versions).into_iter().next()
}

/// Latest first.
fn former(versions: &[VersionEntry]) -> Vec<u32> {
    let former = versions.iter().filter(|version| version.state == VersionState::Former);
    let mut former: Vec<_> = former.map(|it| (it.live_until, it.number)).collect();
    former.sort_unstable();
    former.into_iter().rev().map(|(_, number)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32, mark: Option<RetentionMark>) -> VersionEntry {
        let (state, live_until) = (RetentionMark::state(mark), RetentionMark::until(mark));
        VersionEntry { number, state, manifest: None, live_until }
    }

    #[test]
    fn those_that_were_live_last_stay() {
        let at = |number, until| entry(number, Some(RetentionMark::Former { until }));
        // Version 2 became live again after version 3.
        let versions =
            [at(1, 10), at(2, 30), at(3, 20), entry(4, Some(RetentionMark::Built)), entry(5, None)];
        assert_eq!(latest_former(&versions), Some(2));
        assert_eq!(beyond(&versions, 1, None), [3, 1]);
        assert_eq!(beyond(&versions, 0, None), [2, 3, 1]);
        assert!(beyond(&versions, 3, None).is_empty());
        assert_eq!(latest_former(&versions[3..]), None);
    }

    #[test]
    fn candidates_are_removed_except_the_one_being_built() {
        let candidate = |number| entry(number, Some(RetentionMark::from(FormerVersion::Candidate)));
        let versions =
            [candidate(2), candidate(3), entry(4, Some(RetentionMark::from(FormerVersion::Built)))];
        assert_eq!(beyond(&versions, 1, Some(3)), [2]);
        assert_eq!(beyond(&versions, 1, None), [2, 3]);
        assert_eq!(latest_former(&versions), None);
    }

    #[test]
    fn a_version_replaced_later_was_live_later_whatever_the_clock_says() {
        let ahead = u64::MAX - 7;
        let versions = [entry(1, Some(RetentionMark::Former { until: ahead }))];
        assert_eq!(
            RetentionMark::former_from_now(&versions),
            RetentionMark::Former { until: ahead + 1 }
        );
        assert!(
            RetentionMark::until(Some(RetentionMark::former_from_now(&[])))
                .is_some_and(|now| now > 1 << 40)
        );
    }

    #[test]
    fn a_damaged_mark_keeps_its_version() {
        assert_eq!(
            RetentionMark::read(br#"{"state":"former","until":7}"#),
            RetentionMark::Former { until: 7 }
        );
        for damaged in [&b""[..], b"{", br#"{"state":"other"}"#] {
            assert_eq!(RetentionMark::read(damaged), RetentionMark::Built);
        }
    }
}
