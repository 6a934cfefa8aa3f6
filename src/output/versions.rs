//! The JSON that `docent index` prints about the versions of a collection.

use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::versions::{VersionDiff, VersionReport};
use crate::types::{EmbedderId, Manifest, VersionEvent, VersionState};

/// The versions of a collection, by number.
#[derive(Serialize, JsonSchema)]
pub struct VersionList {
    pub collection: String,
    pub store: String,
    pub versions: Vec<VersionJson>,
}

/// A version of a collection.
#[derive(Serialize, JsonSchema)]
pub struct VersionJson {
    /// The number N of `NAME@vN`.
    pub version: u32,
    pub state: VersionState,
    /// When its build began, RFC 3339, UTC; null where that can't be read.
    pub made_at: Option<String>,
    /// For a former version: when another one replaced it, RFC 3339, UTC.
    pub live_until: Option<String>,
    /// Null where the version is not complete.
    pub documents: Option<usize>,
    /// Null where the version is not complete.
    pub chunks: Option<u64>,
    pub embedder: Option<EmbedderId>,
}

/// A version, with its manifest.
#[derive(Serialize, JsonSchema)]
pub struct VersionShown {
    pub collection: String,
    #[serde(flatten)]
    pub version: VersionJson,
    /// The manifest; null where it can't be read, or was not written yet.
    pub manifest: Option<Manifest>,
}

/// The log of the versions of a collection.
#[derive(Serialize, JsonSchema)]
pub struct VersionLog {
    pub collection: String,
    /// Events, newest first.
    pub events: Vec<VersionEvent>,
}

/// The differences between two versions of a collection.
#[derive(Serialize, JsonSchema)]
pub struct VersionDiffed {
    pub collection: String,
    #[serde(flatten)]
    pub diff: VersionDiff,
}

/// The version that is live now.
#[derive(Serialize, JsonSchema)]
pub struct SwitchedVersion {
    pub collection: String,
    /// Number of the version.
    pub live: u32,
    /// Number of the version that was live before; the same if there was nothing to do.
    pub former: u32,
}

/// Versions that were removed.
#[derive(Serialize, JsonSchema)]
pub struct RemovedVersions {
    pub collection: String,
    /// Numbers of the removed versions.
    pub removed: Vec<u32>,
}

pub fn version_json(report: &VersionReport) -> VersionJson {
    let VersionReport { entry, contents } = report;
    let until =
        entry.live_until.and_then(|until| DateTime::from_timestamp_millis(until.try_into().ok()?));
    VersionJson {
        version: entry.number,
        state: entry.state,
        made_at: entry.manifest.as_ref().map(|manifest| manifest.created_at.clone()),
        live_until: until.map(|until| until.to_rfc3339_opts(SecondsFormat::Secs, true)),
        documents: contents.map(|contents| contents.documents),
        chunks: contents.map(|contents| contents.chunks),
        embedder: entry.manifest.as_ref().map(|manifest| manifest.embedder.clone()),
    }
}
