//! Files → points: `discover → plan → extract → chunk → embed → store → commit record`. Pages of the
//! web are fetched into files first ([`web`]), and then go the same way.
//!
//! [`execution`] is one bounded stream. Documents are read, extracted, checked for [`secrets`] and chunked a
//! few at a time ([`prepare`]). One task gathers their chunks into batches and embeds them ([`batch`]),
//! another stores them in order ([`commit`]), with a short queue between the two: memory does not grow with
//! the corpus, and a slow store slows the reading of files.
//!
//! Per document: new chunks in, record written, stale chunks out. The record is the commit mark: wherever a
//! run is cut off, the next run finds what is left to do ([`source_scan`]). The manifest says from a run's first
//! change to its last that the run is going on ([`manifest_writer`]); a manifest that still says so belongs to a run
//! that was cut off, and the next run looks at what that run left.

pub mod absence;
mod batch;
pub mod budget;
pub mod chunk;
mod commit;
pub mod discover;
pub mod document;
mod error;
mod events;
mod execution;
pub mod expiry;
pub mod extract;
mod file_snapshot;
mod forget;
pub mod inline;
mod lazy_chunks;
mod manifest_writer;
mod options;
mod pages;
pub mod plan;
mod prepare;
pub mod preview;
pub mod quality;
mod removal;
pub mod report;
pub mod secrets;
mod source_scan;
mod unsupported;
pub mod web;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use uuid::Uuid;

pub use error::IngestError;
pub use events::IngestEvent;
pub use options::{Backends, Build, IngestDestination, IngestOptions, OnCompletion};
pub use pages::SpoolError;
pub use removal::{removal_run, take_out};
pub use report::{BuiltVersion, FailedSource, IngestReport, SkippedSource, WarnedSource};
pub use source_scan::StoredCollection;

use crate::cancel::{Cancel, Stop};
use crate::store::VectorStore;
use crate::types::IngestRun;
use commit::Committer;
use execution::Execution;
use manifest_writer::{ManifestWriter, TrackedInputs, now};
use plan::Prune;
use source_scan::SourceScan;

/// Brings the collection in line with its sources.
///
/// `cancel` ends the run once the work in flight is committed, and so does [`IngestOptions::budget`] once it
/// is used up. A backend that fails ends the run too: the report says what was done until then, and carries
/// the error.
pub async fn ingest(
    options: &IngestOptions,
    backends: &Backends,
    destination: &IngestDestination,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    let IngestDestination { writer, manifest, build } = destination;
    let store: &dyn VectorStore = &**writer;
    let stored = manifest.as_ref().map(|manifest| StoredCollection { store, manifest });
    let survey =
        source_scan::scan_collection(options, build.former(), stored, cancel, emit).await?;
    emit(IngestEvent::Discovered { files: survey.files });
    may_prune(options, &survey)?;
    let kept = if options.retry_failed {
        TrackedInputs::default()
    } else {
        survey.kept(&options.discover.root)
    };
    let ledger = ManifestWriter::new(manifest.clone(), run(options, &survey), kept);
    let report = IngestReport::planned(&survey, options.on_secret);
    let mut committer =
        Committer::new(&**writer, report, ledger, &survey).fail_fast(options.fail_fast.clone());
    let (cut_short, published) = (AtomicBool::new(false), AtomicBool::new(false));
    let execution = Execution { options, backends, destination, cancel, cut_short, published };
    let outcome = execution.execute(&survey, &mut committer, emit).await;
    committer.count_what_is_stored().await;
    let created = committer.ledger.created && matches!(build, Build::Sync);
    let cut_short = committer.cut_short || execution.cut_short.into_inner();
    let run_id = committer.ledger.run.run_id;
    let mut report = committer.report;
    report.run_id = run_id;
    report.created = created;
    report.partition = options.partition;
    let before = survey.former.as_ref().unwrap_or(&survey.records);
    report.first_without_secrets =
        options.on_secret.keeps_out() && before.iter().any(secrets::may_hold_some);
    if matches!(build, Build::Rebuild(..)) && !execution.published.into_inner() {
        report.nothing_stored(&survey);
    }
    for failed in &mut report.failed {
        failed.reason += &survey.advice(&failed.source, options);
    }
    if outcome.is_ok() && !cut_short {
        report.expire(&survey.expired);
    }
    report.aborted = outcome.err();
    report.interrupted = cancel.reason() == Some(Stop::Interrupt);
    report.stopped = cancel.reason().filter(|_| cut_short && !report.interrupted);
    report.tokens = backends.embedder.tokens_embedded();
    let read = options.budget.ocr_usage();
    report.ocr_tokens = read.prompt_tokens.unwrap_or(0) + read.completion_tokens.unwrap_or(0);
    report.elapsed_ms = started.elapsed().as_millis() as u64;
    // Many small pieces: the caller need not wait for its report until they are freed.
    let pieces = (survey.records, survey.plan, survey.former);
    tokio::task::spawn_blocking(move || drop(pieces));
    Ok(report)
}

/// Checks the run's deletions against [`plan::PruneLimit`]. Documents that a rebuild leaves behind and that
/// are not files cannot be brought back by a later run.
fn may_prune(options: &IngestOptions, survey: &SourceScan) -> Result<(), Prune> {
    if let Some(agreed) = &options.agreed {
        let same = plan::deletion_hash(&survey.plan.deleted) == *agreed;
        return if same { Ok(()) } else { Err(Prune::Unagreed) };
    }
    let Some(former) = &survey.former else {
        let (deleted, documents) = (survey.plan.deleted.len(), survey.records.len());
        let checked = options.prune.check(deleted, documents);
        let checked = checked.map_err(|_| Prune::of(deleted, documents, survey.expired.len()));
        let forgets = |_| Prune::Forgets { deleted, documents };
        return if options.forget.is_empty() { checked } else { checked.map_err(forgets) };
    };
    let left_behind = survey.left_behind(options);
    let unique = left_behind.iter().filter(|record| !record.is_file());
    options.prune.check_unique(&unique.map(|record| record.source.as_str()).collect::<Vec<_>>())?;
    let (deleted, documents) = (left_behind.len(), former.len());
    let checked = options.prune.check(deleted, documents);
    checked.map_err(|_| Prune::of(deleted, documents, survey.expired.len()))
}

fn run(options: &IngestOptions, survey: &SourceScan) -> IngestRun {
    let mut roots = survey.scope.roots();
    roots.extend(survey.starts.iter().map(|start| start.source().to_owned()));
    roots.extend(options.inline.iter().map(|inline| inline.name.clone()));
    IngestRun {
        run_id: Uuid::now_v7(),
        started_at: now(),
        docent: env!("CARGO_PKG_VERSION").to_owned(),
        roots,
        partition: options.partition,
    }
}

#[cfg(test)]
mod tests;
