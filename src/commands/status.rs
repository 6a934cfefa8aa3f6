//! `docent status`: what is stored, what built it, and whether it is stale.

use super::{Context, open};
use crate::cli::{Format, StatusArgs};
use crate::error::{Exit, Failure};
use crate::ingest::WarnedSource;
use crate::ingest::quality::{self, Doubtful};
use crate::output::words::{counted, grouped};
use crate::output::{Stale, Status};
use crate::service::freshness::{Freshness, check_counts, length_drift, mean_terms};
use crate::types::{DocumentRecord, FailureRecord, Manifest};
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) async fn run(ui: &mut Ui, context: Context, args: StatusArgs) -> Result<Exit, Failure> {
    let engine = open(ui, context)?;
    let context = &engine.context;
    let reader = engine.reader().await?;
    let (manifest, store) = (&**reader.manifest(), reader.store());
    let documents = store.documents().await?;
    let chunks = store.count_chunks().await?;
    let failures = store.failures().await?;
    let freshness = Freshness::of(&context.root, &documents);
    let doubtful =
        if args.quality { Some(quality::doubtful(&**store, &documents).await?) } else { None };
    let awaited = match &manifest.unfinished {
        Some(run) => engine.awaited(run, manifest, &documents),
        None => Vec::new(),
    };
    if ui.format == Format::Text {
        if let Some(doubtful) = &doubtful {
            ui.data(&looks_broken(ui, doubtful))?;
        } else {
            let sources = describe(&freshness, manifest, awaited.len());
            let text = text(ui, context, store.endpoint(), manifest, &documents, chunks, sources);
            ui.data(&text)?;
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
            stale: Stale { changed: freshness.changed, missing: freshness.missing, awaited },
            failures,
            warned: documents.iter().filter_map(WarnedSource::of).collect(),
            pages: freshness.pages,
            doubtful,
            records: args.documents.then(|| documents.clone()),
        })?;
    }
    check_counts(&**engine.collection(), &reader, &documents, chunks).await?;
    if let Some(warning) = length_drift(manifest, &documents) {
        ui.warn(&warning);
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
        ("created", format!("{} by docent {}", manifest.created_at, manifest.docent)),
        (
            "last run",
            manifest.unfinished.as_ref().or(last).map_or("-".to_owned(), |run| {
                let cut = if manifest.unfinished.is_some() { ", not finished" } else { "" };
                format!("{} over {}{cut}", run.started_at, run.roots.join(" "))
            }),
        ),
        ("sources", sources),
    ];
    let mut text = String::new();
    for (name, value) in &rows {
        let name = ui.out_style.strong(&format!("{name:10}"));
        text += &format!("{name}  {}\n", sanitize_line(value));
    }
    text
}

/// One row for each source that could not be brought in.
fn failed(ui: &Ui, failures: &[FailureRecord]) -> String {
    let mut text = String::new();
    for failure in failures {
        let label = ui.out_style.strong("failed    ");
        let (source, reason) = (sanitize_line(&failure.source), sanitize_line(&failure.reason));
        text += &format!("{label}  {source}  {reason}\n");
    }
    if !failures.is_empty() {
        text += "            docent ingest --retry-failed takes them up again\n";
    }
    text
}

/// One row for each thing that was not read or was guessed.
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

/// One row for each reason to look at what was read.
fn looks_broken(ui: &Ui, doubtful: &[Doubtful]) -> String {
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

/// `awaited`: how many files that the last run was to bring in are not stored, where it did not finish.
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
            count => format!(", and {} not in yet", counted(count, "file")),
        };
        files =
            format!("{files}; the last run did not finish{missing}: docent ingest completes it");
    }
    match freshness.pages {
        0 => files,
        pages => format!("{files}; {} of the web not checked", counted(pages, "page")),
    }
}
