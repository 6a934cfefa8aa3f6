//! `--beir`: ingests the documents of a corpus into a collection of their own.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::super::{Context, ingest, open};
use crate::cancel::Cancel;
use crate::embed::sparse;
use crate::error::{Exit, Failure};
use crate::eval::beir::{self, CorpusDocument};
use crate::ingest::IngestReport;
use crate::ingest::chunk;
use crate::ingest::document::{Document, Section, SourceMap, Syntax};
use crate::ingest::inline::{InlineContent, InlineDocument, InlineDocuments};
use crate::ingest::secrets::Secrets;
use crate::output::humanize::counted;
use crate::service::changes::ChangeCommand;
use crate::service::sync::{SyncInputs, SyncOptions};
use crate::service::{Engine, backends, compatibility};
use crate::settings::SettingOrigin;
use crate::store::CollectionReader;
use crate::types::{ChunkerId, Manifest, OnSecret};
use crate::ui::Ui;

/// Ingests the corpus into its collection, and returns the context to measure it.
pub(super) async fn bring_in(
    ui: &mut Ui,
    context: &Context,
    dir: &Path,
    cancel: &Cancel,
) -> Result<Arc<Engine>, Failure> {
    let mut context = context.clone();
    let own = own_collection(&context, dir);
    if let Some(own) = &own {
        context.settings.collection.clone_from(own);
        // Former versions are not needed: everything is in the corpus.
        context.settings.index_keep = 0;
    }
    // The corpus is measured as it is, unless the setting says otherwise.
    if context.is_default("ingest.on_secret") {
        context.settings.ingest.on_secret = OnSecret::Warn;
    }
    let (corpus, name) = (corpus(&context, dir)?, dir.display().to_string());
    let engine = open(ui, context)?;
    let context = &engine.context;
    let reader = engine.collection().read().await?;
    if let (None, Some(reader)) = (&own, &reader) {
        spare(context, &corpus, reader).await?;
    }
    // A rebuild loses nothing, since everything is in the corpus.
    let rebuild = match &reader {
        Some(reader) => outdated(context, reader.manifest()).await?,
        None => false,
    };
    drop(reader);
    let asked_with = Some(ChangeCommand::EvalBeir);
    let options = SyncOptions { rebuild, allow_prune: true, asked_with, ..SyncOptions::default() };
    let inputs = SyncInputs::inline(corpus);
    let report = ingest::sync(ui, &engine, inputs, &options, cancel).await?;
    complete(ui, &name, report, FailedDocuments::Refuse)?;
    Ok(engine)
}

/// Refuses a named collection that has other documents: they would be deleted, or measured.
async fn spare(
    context: &Context,
    corpus: &InlineDocuments,
    reader: &CollectionReader,
) -> Result<(), Failure> {
    let ids: HashSet<&str> =
        corpus.documents.iter().map(|document| document.source.as_str()).collect();
    let stored = reader.documents().await?;
    match stored.iter().find(|record| !ids.contains(record.source.as_str())) {
        None => Ok(()),
        Some(other) => Err(Failure::usage(format!(
            "the collection `{}` has documents that are not of {}, such as {}",
            context.settings.collection, corpus.name, other.source
        ))
        .hint("name another collection for the corpus with --collection")),
    }
}

/// The documents of a corpus.
pub(super) fn corpus(context: &Context, dir: &Path) -> Result<InlineDocuments, Failure> {
    let documents = beir::corpus(&context.cwd.join(dir)).map_err(super::beir_failure)?;
    let documents = documents.into_iter().filter_map(document).collect();
    let name = dir.display().to_string();
    Ok(InlineDocuments { name, documents, complete: true, gone: Vec::new() })
}

/// What documents that could not be ingested mean for a measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FailedDocuments {
    /// A part of a published corpus is not that corpus.
    Refuse,
    /// The collection that is compared with lacks them, too.
    LeaveOut,
}

/// Fails unless all that is to be measured was ingested.
pub(super) fn complete(
    ui: &mut Ui,
    name: &str,
    mut report: IngestReport,
    failed_documents: FailedDocuments,
) -> Result<(), Failure> {
    // Secrets in a corpus are not reported: it is measured, not shown.
    report.secrets = Secrets::default();
    ui.synced(name, &report);
    let failed = report.failed.len();
    match ingest::exit(report)? {
        Exit::Done => Ok(()),
        Exit::Partial if failed > 0 => {
            let failed = counted(failed, "document");
            match failed_documents {
                FailedDocuments::Refuse => Err(Failure::new(
                    Exit::Partial,
                    format!("{failed} of {name} could not be ingested"),
                )),
                FailedDocuments::LeaveOut => {
                    ui.warn(&format!(
                        "{failed}, whose text counts as not found, could not be ingested"
                    ));
                    Ok(())
                }
            }
        }
        Exit::Interrupted => {
            ui.note("interrupted: run the same command again to go on");
            Err(Failure::interrupted())
        }
        exit => Err(Failure::new(exit, format!("{name} is not complete"))
            .hint("run the same command again to go on")),
    }
}

/// A collection that is named after the directory and what builds it, so that models can be compared
/// without embedding anything twice. `None` if a collection is set.
fn own_collection(context: &Context, dir: &Path) -> Option<String> {
    let settings = &context.settings;
    let set = |row: &crate::settings::Resolved| {
        row.key.name == "collection" && row.origin != SettingOrigin::Default
    };
    if settings.resolved.iter().any(set) {
        return None;
    }
    let absolute = context.cwd.join(dir);
    let name =
        absolute.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let model = settings.embedding.model.name();
    let full = format!("beir-{name}-{model}-{}-{}", settings.chunk_tokens, settings.chunk_overlap);
    let kept = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    Some(settings.of_tenant(&full.chars().map(kept).collect::<String>()))
}

/// Whether the collection was built with other settings than now.
async fn outdated(context: &Context, manifest: &Manifest) -> Result<bool, Failure> {
    let settings = &context.settings;
    let chunker = ChunkerId {
        max_tokens: settings.chunk_tokens,
        overlap_tokens: settings.chunk_overlap,
        revision: chunk::REVISION,
    };
    if manifest.sparse.revision != sparse::REVISION {
        return Ok(true);
    }
    if manifest.chunker != chunker || compatibility::check_analyzer(settings, manifest).is_err() {
        return Ok(true);
    }
    match backends::embedder(context, Some(manifest)).await {
        Ok(_) => Ok(false),
        Err(failure) if failure.exit == Exit::Config => Ok(true),
        Err(failure) => Err(failure),
    }
}

/// A document as plain text under its title; `None` if it has neither.
fn document(document: CorpusDocument) -> Option<InlineDocument> {
    let CorpusDocument { id, mut title, mut text } = document;
    if text.trim().is_empty() {
        text = std::mem::take(&mut title);
    }
    if text.trim().is_empty() {
        return None;
    }
    let sections = match title.as_str() {
        "" => Vec::new(),
        title => vec![Section { offset: 0, headings: vec![title.to_owned()], syntax: None }],
    };
    let (syntax, places) = (Syntax::Plain, SourceMap::Verbatim);
    let content = InlineContent::Document(Arc::new(Document {
        title,
        text,
        syntax,
        places,
        sections,
        ..Document::default()
    }));
    Some(InlineDocument { source: id, content })
}
