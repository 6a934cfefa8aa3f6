//! Versions of a collection, as shown to users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Manifest;

/// State of a version of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// The one in use: it is searched, and an ingest updates it.
    Live,
    /// It was live before, and is kept.
    Former,
    /// It is complete, and has not been live yet.
    Built,
    /// It is complete, and was built to be measured: it was not measured, or missed the gate. It is removed
    /// when the next one is built.
    Candidate,
    /// It is being built, or was left by a run that was cut off: the next run removes it.
    Unfinished,
}

impl VersionState {
    /// Whether it can be made live.
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
    /// For a former version: when another one replaced it, in milliseconds since the Unix epoch. Greater for
    /// the one that was live later, whatever the clocks said.
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
    /// Number of the version that was live before, or that stays live because this one was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<u32>,
    /// Number of its documents, if a run has built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// Number of its chunks, if a run has built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<u64>,
    /// How it was measured, if that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<VersionTrial>,
    /// Version of docent that made the change.
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

/// What caused a version to change its state.
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
    /// The process was killed before it could say so; the stored state shows that the change was made.
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

/// How a version was measured, and what it had to reach.
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
    /// The minimum that is accepted.
    pub limit: f64,
    /// Former value of the metric, if the gate is that it must not drop.
    pub baseline: Option<f64>,
    pub passed: bool,
}
