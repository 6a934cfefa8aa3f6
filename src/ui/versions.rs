//! The versions of a collection, for people.

use super::Ui;
use super::columns::aligned;
use super::sanitize::sanitize_line;
use crate::output::humanize::{grouped, over};
use crate::output::{VersionJson, VersionList, VersionShown};
use crate::types::VersionState;

pub(super) fn state(state: VersionState) -> &'static str {
    match state {
        VersionState::Live => "live",
        VersionState::Former => "former",
        VersionState::Built => "built",
        VersionState::Candidate => "candidate",
        VersionState::Unfinished => "unfinished",
    }
}

/// The cells of a row; `-` for what is not known.
fn cells(version: &VersionJson) -> [String; 5] {
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    [
        state(version.state).to_owned(),
        or_dash(version.made_at.as_deref().map(sanitize_line)),
        or_dash(version.documents.map(grouped)),
        or_dash(version.chunks.map(|chunks| grouped(chunks as usize))),
        or_dash(version.embedder.as_ref().map(|embedder| sanitize_line(&embedder.name))),
    ]
}

/// A row for each version, under a header.
pub fn version_table(ui: &Ui, list: &VersionList) -> String {
    let header = ["version", "state", "made", "documents", "chunks", "embedder"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for version in &list.versions {
        let mut row = vec![version.version.to_string()];
        row.extend(cells(version));
        rows.push(row);
    }
    aligned(&rows, |column| matches!(column, 1 | 2 | 5), ui.out_style)
}

/// A row for each known fact about a version.
pub fn version_rows(ui: &Ui, shown: &VersionShown) -> String {
    let VersionShown { collection, version, manifest } = shown;
    let [state, made, documents, chunks, embedder] = cells(version);
    let state = match &version.live_until {
        Some(until) => format!("{state}, live until {until}"),
        None => state,
    };
    let mut rows = vec![
        ("version", format!("{}@v{}", sanitize_line(collection), version.version)),
        ("state", state),
        ("made", made),
        ("documents", documents),
        ("chunks", chunks),
        ("embedder", embedder),
    ];
    if let Some(manifest) = manifest {
        let (chunker, sparse) = (&manifest.chunker, &manifest.sparse);
        let (size, overlap) = (chunker.max_tokens, chunker.overlap_tokens);
        rows.push(("chunker", format!("{size} tokens, {overlap} overlapping")));
        rows.push(("words", sanitize_line(&sparse.language)));
        rows.push(("docent", sanitize_line(&manifest.docent)));
        let last = manifest.unfinished.as_ref().or(manifest.runs.last());
        let cut = if manifest.unfinished.is_some() { ", not finished" } else { "" };
        rows.extend(last.map(|run| {
            ("last run", sanitize_line(&format!("{}{}{cut}", run.started_at, over(&run.roots))))
        }));
    }
    let line = |(name, value): &(&str, String)| {
        format!("{} {value}\n", ui.out_style.strong(&format!("{name:10}")))
    };
    rows.iter().map(line).collect()
}
