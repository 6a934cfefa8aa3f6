//! Finds secrets that a run kept out, but that other versions may still contain.

use crate::ingest::{IngestReport, secrets};
use crate::service::Engine;
use crate::types::{VersionEntry, VersionState};

impl Engine {
    /// If this was the first run that kept secrets out: the other versions that may still contain them,
    /// and how to remove these.
    pub(super) async fn secrets_left(&self, report: &IngestReport) -> Option<String> {
        if !report.first_without_secrets || report.aborted.is_some() {
            return None;
        }
        let entries = self.collection().versions().await.ok()?;
        let live = entries.iter().find(|entry| entry.state == VersionState::Live)?.number;
        let written = report.built.map_or(live, |built| built.version);
        let mut left = Vec::new();
        for entry in entries.iter().filter(|it| it.number != written && it.state.is_complete()) {
            if self.may_hold_secrets(entry.number).await {
                left.push(entry);
            }
        }
        (!left.is_empty()).then(|| note(written, &left))
    }

    async fn may_hold_secrets(&self, version: u32) -> bool {
        let Ok(Some(reader)) = self.collection().read_version(version).await else { return true };
        reader.documents().await.is_ok_and(|them| them.iter().any(secrets::may_hold_some))
    }
}

fn note(written: u32, left: &[&VersionEntry]) -> String {
    let is = |state| left.iter().any(|entry| entry.state == state);
    let mut commands = Vec::new();
    if is(VersionState::Live) {
        commands.push(format!("docent index use {written}"));
    }
    if [VersionState::Live, VersionState::Former, VersionState::Candidate].into_iter().any(is) {
        commands.push("docent index prune --keep 0".to_owned());
    }
    let built = left.iter().filter(|entry| entry.state == VersionState::Built);
    commands.extend(built.map(|entry| format!("docent index drop {}", entry.number)));
    let numbers: Vec<_> = left.iter().map(|entry| entry.number.to_string()).collect();
    let versions = match left.len() {
        1 => "version",
        _ => "versions",
    };
    format!(
        "secrets that this run kept out may still be in {versions} {}; remove them with `{}`",
        numbers.join(" and "),
        commands.join(" && ")
    )
}
