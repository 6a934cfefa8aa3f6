//! Versions of a collection, as they are told of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// It is complete, and was built to be measured: it was not, or did not reach what was asked for. It goes
    /// when the next one is built.
    Candidate,
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

/// What became of a version of a collection, and why.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VersionEvent {
    /// RFC 3339, UTC.
    pub at: String,
    /// The number N of `NAME@vN`.
    pub version: u32,
    pub change: VersionChange,
    pub cause: VersionCause,
    /// Number of the version that was live before, or that stays live in place of one that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<u32>,
    /// Documents in it, where a run has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// Chunks in it, where a run has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<u64>,
    /// What it was measured by, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<VersionTrial>,
    /// Version of docent that did it.
    pub docent: String,
}

/// What a version became.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionChange {
    Built,
    Live,
    Refused,
    Removed,
}

impl VersionChange {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Live => "live",
            Self::Refused => "refused",
            Self::Removed => "removed",
        }
    }
}

/// What was asked for when a version became something else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionCause {
    Ingest,
    NewVersion,
    Rebuild,
    PromoteIf,
    Use,
    Rollback,
    Import,
    Copy,
    Drop,
    Prune,
    /// Whatever did it was killed before it could say so: what there is says that it was done.
    Unknown,
}

impl VersionCause {
    /// The command, as it is typed after `docent`.
    pub fn command(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::NewVersion => "ingest --new-version",
            Self::Rebuild => "ingest --rebuild",
            Self::PromoteIf => "ingest --promote-if",
            Self::Use => "index use",
            Self::Rollback => "index rollback",
            Self::Import => "index import",
            Self::Copy => "index push, pull",
            Self::Drop => "index drop",
            Self::Prune => "index prune",
            Self::Unknown => "unknown",
        }
    }
}

/// What a version was measured by, and what it had to reach.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VersionTrial {
    /// File or directory of the cases, as typed.
    pub cases_from: String,
    pub cases: usize,
    pub gates: Vec<GateOutcome>,
}

/// A gate, and whether it is met.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GateOutcome {
    pub metric: String,
    pub value: f64,
    /// The least that is accepted.
    pub limit: f64,
    /// What the metric was, where the gate is that it must not drop.
    pub baseline: Option<f64>,
    pub passed: bool,
}
