//! The log of the versions of a collection, and the differences between two versions, for people.

use serde_json::Value;

use super::Ui;
use super::columns::aligned;
use super::eval::gate_name;
use super::sanitize::sanitize_line;
use crate::output::humanize::{counted, grouped};
use crate::output::{VersionDiffed, VersionLog};
use crate::service::versions::{DiffedDocument, DiffedVersion};
use crate::types::{GateOutcome, VersionChange, VersionEvent};

/// A row for each event, newest first, under a header.
pub fn version_events(ui: &Ui, log: &VersionLog) -> String {
    if log.events.is_empty() {
        return "nothing is logged\n".to_owned();
    }
    let header = ["when", "version", "became", "by", ""];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for event in &log.events {
        rows.push(vec![
            sanitize_line(&event.at),
            event.version.to_string(),
            event.change.name().to_owned(),
            event.cause.command().to_owned(),
            details(event),
        ]);
    }
    aligned(&rows, |column| column != 1, ui.out_style)
}

/// Details and figures of an event.
fn details(event: &VersionEvent) -> String {
    let other = event.other.map(|other| match event.change {
        VersionChange::Refused => format!("{other} stays live"),
        _ => format!("replaced {other}"),
    });
    let documents = event.documents.map(|documents| counted(documents as usize, "document"));
    let chunks = event.chunks.map(|chunks| counted(chunks as usize, "chunk"));
    let gate = |gate: &GateOutcome| {
        let met = if gate.passed { "" } else { ", NOT MET" };
        sanitize_line(&format!("{}: {:.3}{met}", gate_name(gate), gate.value))
    };
    let gates = event.trial.iter().flat_map(|trial| trial.gates.iter().map(gate));
    let parts = [other, documents, chunks].into_iter().flatten().chain(gates);
    parts.collect::<Vec<_>>().join("; ")
}

/// Counts, then settings, then documents.
pub fn version_changes(ui: &Ui, diffed: &VersionDiffed) -> String {
    let (collection, diff) = (sanitize_line(&diffed.collection), &diffed.diff);
    let version = |it: DiffedVersion| format!("{collection}@v{}", it.version);
    let row = |name: &str, from: String, to: String| vec![name.to_owned(), from, to];
    let mut rows = vec![row("", version(diff.from), version(diff.to))];
    let documents = |it: DiffedVersion| grouped(it.documents);
    let chunks = |it: DiffedVersion| grouped(it.chunks as usize);
    rows.push(row("documents", documents(diff.from), documents(diff.to)));
    rows.push(row("chunks", chunks(diff.from), chunks(diff.to)));
    rows.extend(diff.settings.iter().map(|it| row(&it.name, value(&it.from), value(&it.to))));
    let mut text = aligned(&rows, |column| column == 0, ui.out_style);
    let kinds = [
        ("added", &diff.added),
        ("removed", &diff.removed),
        ("changed", &diff.changed),
        ("cut otherwise", &diff.cut_otherwise),
    ];
    let counts = kinds.map(|(kind, documents)| format!("{kind} {}", grouped(documents.len())));
    text += &format!("{}, unchanged {}\n", counts.join(", "), grouped(diff.unchanged));
    for (kind, documents) in kinds {
        for document in documents {
            let (source, chunks) = (sanitize_line(&document.source), of_document(document));
            text += &format!("{}  {source}  {chunks}\n", ui.out_style.strong(kind));
        }
    }
    text
}

fn of_document(document: &DiffedDocument) -> String {
    let counted = |chunks: u32| counted(chunks as usize, "chunk");
    match (document.chunks_from, document.chunks_to) {
        (Some(from), Some(to)) if from != to => format!("{} before, {to} now", counted(from)),
        (from, to) => to.or(from).map(counted).unwrap_or_default(),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => sanitize_line(text),
        other => sanitize_line(&other.to_string()),
    }
}
