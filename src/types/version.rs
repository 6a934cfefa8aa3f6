//! Versions of a collection, as they are told of.

use schemars::JsonSchema;
use serde::Serialize;

use super::Manifest;

/// What a version of a collection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// The one in use: what is searched, and what an ingest brings in line.
    Live,
    /// It was live before, and stays.
    Former,
    /// It is complete, and was not live yet.
    Built,
    /// It is being built, or what a run was cut off with: the next run removes that.
    Unfinished,
}

impl VersionState {
    /// Whether it can be made the live one.
    pub fn is_complete(self) -> bool {
        self != Self::Unfinished
    }
}

/// A version of a collection.
#[derive(Clone, PartialEq, Debug)]
pub struct VersionEntry {
    /// The number N of `NAME@vN`.
    pub number: u32,
    pub state: VersionState,
    /// What it was built with; `None` where that can't be read, or was not written yet.
    pub manifest: Option<Manifest>,
    /// Of a former one: when another took its place, in milliseconds since the Unix epoch. Later for the one that was
    /// live later, whatever the clocks said.
    pub live_until: Option<u64>,
}
