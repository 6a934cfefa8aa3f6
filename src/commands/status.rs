//! `docent status`: shows what is stored, how it was built, and whether it is stale.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Context, open};
use crate::cli::{Format, StatusArgs};
use crate::error::{Exit, Failure};
use crate::ingest::WarnedSource;
use crate::ingest::quality::{self, SuspectDocument};
use crate::output::humanize::{counted, grouped, over};
use crate::output::{ServerJson, StaleFiles, Status};
use crate::service::deployment::concerns;
use crate::service::expiring::Expiring;
use crate::service::freshness::{Freshness, check_counts, length_drift, mean_terms, nameless};
use crate::types::{Deployment, DocumentRecord, FailureRecord, Manifest, SparseId};
use crate::ui::Ui;
use crate::ui::deployment::deployment_rows;
use crate::ui::sanitize::sanitize_line;

pub(super) async fn run(ui: &mut Ui, context: Context, args: StatusArgs) -> Result<Exit, Failure> {
    let engine = open(ui, context)?;
    let context = &engine.context;
    let reader = engine.reader().await?;
    let (manifest, store) = (&**reader.manifest(), reader.store());
    let documents = store.documents().await?;
    let chunks = store.count_chunks().await?;
    let failures = store.failures().await?;
    let deployment = engine.deployment().await?;
    let concerns = deployment.as_ref().map(concerns).unwrap_or_default();
    // The files of other projects are not on this machine.
    let is_own = |record: &&DocumentRecord| match &context.project {
        Some(project) if !manifest.owner.guests.is_empty() => {
            manifest.owner.is_of(&project.name, record.project.as_deref())
        }
        _ => true,
    };
    let own: Vec<DocumentRecord> = documents.iter().filter(is_own).cloned().collect();
    let freshness = Freshness::of(&context.root, &own);
    let doubtful =
        if args.quality { Some(quality::doubtful(&**store, &documents).await?) } else { None };
    let awaited = match &manifest.unfinished {
        Some(run) => engine.awaited(run, manifest, &documents),
        None => Vec::new(),
    };
    let now = chrono::Utc::now().timestamp_nanos_opt().unwrap_or(i64::MAX);
    let ttl = context.settings.ingest.ttl;
    let expiring = ttl.map(|ttl| Expiring::of(&own, ttl, now));
    if ui.format == Format::Text {
        if let Some(doubtful) = &doubtful {
            ui.data(&looks_broken(ui, doubtful))?;
        } else {
            let sources = describe(&freshness, manifest, awaited.len());
            let text = text(ui, context, store.endpoint(), manifest, &documents, chunks, sources);
            ui.data(&text)?;
            if let Some(expiring) = &expiring {
                ui.data(&labelled(ui, &[("ttl", expiring_words(expiring))]))?;
            }
            if let Some(deployment) = &deployment {
                ui.data(&on_server(ui, deployment))?;
            }
            ui.data(&failed(ui, &failures))?;
            ui.data(&partly_read(ui, documents.iter().filter_map(WarnedSource::of)))?;
        }
        if args.documents {
            for record in &documents {
                let source = sanitize_line(&record.source);
                let chunks = counted(record.chunks as usize, "chunk");
                ui.data(&format!("{source}  {}  {chunks}\n", record.kind))?;
            }
        }
    } else {
        ui.json(Status {
            collection: context.settings.collection.clone(),
            store: store.endpoint().to_owned(),
            documents: documents.len(),
            chunks,
            manifest: manifest.clone(),
            mean_terms: mean_terms(&documents),
            stale: StaleFiles { changed: freshness.changed, missing: freshness.missing, awaited },
            failures,
            warned: documents.iter().filter_map(WarnedSource::of).collect(),
            pages: freshness.pages,
            expiring,
            server: deployment.map(|deployment| ServerJson::of(deployment, &concerns)),
            doubtful,
            records: args.documents.then(|| documents.clone()),
        })?;
    }
    for concern in &concerns {
        ui.warn(&format!("{}; {}", concern.message, concern.hint));
    }
    check_counts(&**engine.collection(), &reader, &documents, chunks).await?;
    if let Some(warning) = length_drift(manifest, &documents) {
        ui.warn(&warning);
    }
    if let Some(note) = nameless(manifest) {
        ui.note(note);
    }
    Ok(Exit::Done)
}

fn text(
    ui: &Ui,
    context: &Context,
    endpoint: &str,
    manifest: &Manifest,
    documents: &[DocumentRecord],
    chunks: u64,
    sources: String,
) -> String {
    let embedder = &manifest.embedder;
    let last = manifest.runs.last();
    let rows = [
        ("collection", format!("{} in {endpoint}", context.settings.collection)),
        ("documents", grouped(documents.len())),
        ("chunks", grouped(chunks as usize)),
        (
            "embedder",
            format!(
                "{}, {} dimensions ({})",
                embedder.name, embedder.dimensions, embedder.revision
            ),
        ),
        (
            "chunker",
            format!(
                "{} tokens, {} overlapping",
                manifest.chunker.max_tokens, manifest.chunker.overlap_tokens
            ),
        ),
        ("words", words(manifest, documents)),
        ("created", format!("{} by docent {}", manifest.created_at, manifest.docent)),
        (
            "last run",
            manifest.unfinished.as_ref().or(last).map_or("-".to_owned(), |run| {
                let cut = if manifest.unfinished.is_some() { ", not finished" } else { "" };
                format!("{}{}{cut}", run.started_at, over(&run.roots))
            }),
        ),
        ("sources", sources),
    ];
    labelled(ui, &rows)
}

/// `3 documents older than ingest.ttl, to be deleted by the next docent ingest; 2 more within 7 days`.
fn expiring_words(expiring: &Expiring) -> String {
    let Expiring { expired, within_7_days, within_30_days, undated, .. } = *expiring;
    let mut words = match expired {
        0 => "no document is older than ingest.ttl".to_owned(),
        _ => format!(
            "{} older than ingest.ttl, to be deleted by the next docent ingest",
            counted(expired, "document")
        ),
    };
    for (count, when) in [(within_7_days, "7 days"), (within_30_days, "30 days")] {
        if count > 0 {
            words += &format!("; {} more within {when}", grouped(count));
        }
    }
    if let Some(next) = &expiring.next {
        words += &format!("; the next on {next}");
    }
    if undated > 0 {
        words += &format!("; {} without a date", grouped(undated));
    }
    words
}

fn on_server(ui: &Ui, deployment: &Deployment) -> String {
    labelled(ui, &deployment_rows(deployment))
}

fn labelled(ui: &Ui, rows: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in rows {
        let name = ui.out_style.strong(&format!("{name:10}"));
        text += &format!("{name}  {}\n", sanitize_line(value));
    }
    text
}

/// The language in which the words of the documents are stemmed, and a hint if it does not fit them.
fn words(manifest: &Manifest, documents: &[DocumentRecord]) -> String {
    let built = &manifest.sparse.language;
    let follows = *built == SparseId::OF_DOCUMENT;
    if !follows && manifest.languages.is_empty() {
        return format!(
            "{built}; docent ingest --rebuild --language auto detects each document's language"
        );
    }
    let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
    for record in documents {
        *languages.entry(record.language.as_deref().unwrap_or("unknown")).or_default() += 1;
    }
    let mut languages: Vec<(&str, usize)> = languages.into_iter().collect();
    languages.sort_by_key(|(language, count)| (Reverse(*count), *language));
    let named = languages.iter().map(|(name, count)| format!("{name} {}", grouped(*count)));
    let named = named.collect::<Vec<_>>().join(", ");
    if follows {
        return format!("of each document's language: {named}");
    }
    match languages.first() {
        Some((most, _)) if most != built && *most != "unknown" => format!(
            "{built}, but the documents are in {named}: docent ingest --rebuild --language auto"
        ),
        _ => built.clone(),
    }
}

/// One row for each source that could not be ingested.
fn failed(ui: &Ui, failures: &[FailureRecord]) -> String {
    let mut text = String::new();
    for failure in failures {
        let label = ui.out_style.strong("failed    ");
        let (source, reason) = (sanitize_line(&failure.source), sanitize_line(&failure.reason));
        text += &format!("{label}  {source}  {reason}\n");
    }
    if !failures.is_empty() {
        text += "            docent ingest --retry-failed tries them again\n";
    }
    text
}

/// One row for each warning that something was not read, or was guessed.
fn partly_read(ui: &Ui, warned: impl Iterator<Item = WarnedSource>) -> String {
    let mut text = String::new();
    for WarnedSource { source, warnings } in warned {
        for warning in warnings {
            let label = if warning.code.is_guess() { "guessed    " } else { "partly read" };
            let label = ui.out_style.strong(label);
            let (source, message) = (sanitize_line(&source), sanitize_line(&warning.message));
            text += &format!("{label}  {source}  {message}\n");
        }
    }
    text
}

/// One row for each document whose text looks broken, with the reason.
fn looks_broken(ui: &Ui, doubtful: &[SuspectDocument]) -> String {
    if doubtful.is_empty() {
        return "no document looks broken\n".to_owned();
    }
    let mut text = String::new();
    for document in doubtful {
        for reason in &document.reasons {
            let label = ui.out_style.strong("doubtful  ");
            let (source, reason) = (sanitize_line(&document.source), sanitize_line(reason));
            text += &format!("{label}  {source}  {reason}\n");
        }
    }
    text + "            docent show SOURCE prints what was read\n"
}

/// `awaited`: how many files of an unfinished run are not stored yet.
fn describe(freshness: &Freshness, manifest: &Manifest, awaited: usize) -> String {
    let mut files = if freshness.changed.is_empty() && freshness.missing.is_empty() {
        "as they were ingested".to_owned()
    } else {
        format!(
            "stale: {} changed, {} missing; docent ingest PATH brings the collection up to date",
            freshness.changed.len(),
            freshness.missing.len()
        )
    };
    if manifest.unfinished.is_some() {
        let missing = match awaited {
            0 => String::new(),
            count => format!(", and {} not ingested yet", counted(count, "file")),
        };
        files =
            format!("{files}; the last run did not finish{missing}: docent ingest completes it");
    }
    match freshness.pages {
        0 => files,
        pages => format!("{files}; {} of the web not checked", counted(pages, "page")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn words_say_by_which_language_and_what_to_do_about_it() {
        let manifest = |language: &str, languages: serde_json::Value| -> Manifest {
            let manifest = json!({
                "schema_version": 1,
                "embedder": {"name": "builtin", "revision": "1", "dimensions": 4},
                "chunker": {"max_tokens": 256, "overlap_tokens": 32, "revision": 1},
                "sparse": {"model": "bm25", "language": language, "k": 1.2, "b": 0.75, "avg_len": 40.0},
                "docent": "0.1.0",
                "created_at": "2026-01-01T00:00:00Z",
                "languages": languages,
            });
            serde_json::from_value(manifest).unwrap()
        };
        let record = |language: Option<&str>| -> DocumentRecord {
            let record = json!({
                "source": "a.md", "document_hash": "", "size": 1, "mtime": 1, "kind": "markdown",
                "chunks": 1, "terms": 1, "tags": [], "ingested_at": "2026-01-01T00:00:00Z",
                "run_id": uuid::Uuid::nil(), "language": language,
            });
            serde_json::from_value(record).unwrap()
        };
        let documents = [Some("german"), Some("german"), Some("english"), None].map(record);
        let rebuild = "docent ingest --rebuild --language auto";
        for (language, languages, expected) in [
            (
                "auto",
                json!({"german": 3}),
                "of each document's language: german 2, english 1, unknown 1".to_owned(),
            ),
            ("english", json!({}), format!("english; {rebuild} detects each document's language")),
            (
                "english",
                json!({"german": 2}),
                format!(
                    "english, but the documents are in german 2, english 1, unknown 1: {rebuild}"
                ),
            ),
            ("german", json!({"german": 2}), "german".to_owned()),
        ] {
            assert_eq!(words(&manifest(language, languages), &documents), expected);
        }
    }
}
