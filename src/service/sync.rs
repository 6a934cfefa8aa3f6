//! Ingests sources into the collection, for `ingest` and `query --from`.

mod checks;
mod options;
mod secrets;

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(super) use options::PRUNE;
pub use options::{SyncInputs, SyncOptions, discover_failure, discover_options};
use tokio::sync::mpsc;

use super::changes::{ChangeCommand, ChangeRequest, ChangeScope};
use super::context::Context;
use super::engine::Engine;
use super::freshness::check_counts;
use super::ownership::OwnedCollection;
use super::uploads::kept;
use super::{backends, compatibility};
use crate::cancel::{self, Cancel, Canceller, Stop};
use crate::embed::Embedder;
use crate::error::{Exit, Failure};
use crate::http::ThrottleStats;
use crate::ingest::budget::{Limit, RunBudget};
use crate::ingest::extract::{Extractor, PageOcr};
use crate::ingest::preview::{self, IngestPreview};
use crate::ingest::{
    self, Backends, Build, IngestDestination, IngestError, IngestEvent, IngestOptions,
    IngestReport, OnCompletion, StoredCollection,
};
use crate::ocr::dry_run;
use crate::settings::Settings;
use crate::store::{CollectionReader, CollectionWriter};
use crate::types::{CrawlReach, EmbedderId, Usage};
use checks::{check_build, check_chunks, check_inline, fit_chunks, spare_foreign_points};
use options::{extract_options, ingest_options};

/// Events of a sync, in order.
pub enum SyncEvent {
    /// The embedder has answered.
    Connected(EmbedderId),
    Ingest(IngestEvent),
    /// A note about the run.
    Note(String),
    /// The run is over, and the embedding endpoint limited its rate.
    Throttled(ThrottleStats),
}

/// Called with each event.
pub type OnSync<'a> = &'a mut (dyn FnMut(SyncEvent) + Send);

impl Engine {
    /// Updates the collection from `inputs`, as its only writer.
    ///
    /// # Errors
    /// Nothing could be ingested: an input does not exist, another process writes the collection, or it
    /// was built with other settings. A source or a backend that fails on the way is part of the
    /// report.
    pub async fn sync(
        &self,
        inputs: SyncInputs,
        options: &SyncOptions,
        cancel: &Cancel,
        on: OnSync<'_>,
    ) -> Result<IngestReport, Failure> {
        self.check_partition(options)?;
        let command = options.command();
        let right = options.partition.map_or(ChangeScope::All, ChangeScope::Part);
        let request = ChangeRequest { command, right, keys: &options.keys, cancel: Some(cancel) };
        let synced = self.change(request, async |writer, note| {
            let owned = self.own(&writer, &inputs, options).await?;
            let report = self.sync_as(owned, None, inputs, options, cancel, &mut *on).await?;
            note.made_by(report.run_id);
            note.come_to().of_run(&report);
            if let Some(note) = self.log_run(&*writer, &report, options).await {
                on(SyncEvent::Note(note));
            }
            Ok(report)
        });
        let report = synced.await?;
        if let Some(note) = self.secrets_left(&report).await {
            on(SyncEvent::Note(note));
        }
        Ok(report)
    }

    /// Builds the collection from what `model` was built from, and reuses the vectors of texts that
    /// they have in common. A former collection of that name is dropped.
    pub async fn copy(
        &self,
        inputs: SyncInputs,
        model: CollectionReader,
        cancel: &Cancel,
        on: OnSync<'_>,
    ) -> Result<IngestReport, Failure> {
        let options = SyncOptions { allow_prune: true, ..SyncOptions::default() };
        self.change(ChangeCommand::EvalSweep, async |writer, note| {
            self.own(&writer, &inputs, &options).await?.writer.drop_collection().await?;
            let owned = self.own(&writer, &inputs, &options).await?;
            let report = self.sync_as(owned, Some(model), inputs, &options, cancel, on).await?;
            note.made_by(report.run_id);
            note.come_to().of_run(&report);
            Ok(report)
        })
        .await
    }

    /// Drops the collection of a [copy](Self::copy).
    pub async fn drop_collection(&self) -> Result<(), Failure> {
        self.change(ChangeCommand::EvalSweep, async |writer, _| {
            let nothing = SyncInputs::parse(Vec::new(), CrawlReach::default())?;
            let owned = self.own(&writer, &nothing, &SyncOptions::default()).await?;
            Ok(owned.writer.drop_collection().await?)
        })
        .await
    }

    async fn sync_as(
        &self,
        owned: OwnedCollection,
        model: Option<CollectionReader>,
        inputs: SyncInputs,
        options: &SyncOptions,
        cancel: &Cancel,
        on: OnSync<'_>,
    ) -> Result<IngestReport, Failure> {
        let (context, settings) = (&self.context, &self.context.settings);
        let (stop, cancel) = &limited(cancel, settings.ingest.deadline);
        let budget = RunBudget::new(limit(settings), stop.clone());
        let names = inputs.names();
        let mut ingest_options = ingest_options(context, inputs, options, budget)?;
        ingest_options.taken = owned.taken;
        check_inline(&ingest_options)?;
        let destination = self.destination(&owned.writer, model, options).await?;
        let manifest = destination.manifest.as_ref();
        for note in self.layout_notes(manifest.is_some()).await {
            on(SyncEvent::Note(note));
        }
        let former = match &destination.build {
            Build::Rebuild(former, _) | Build::Copy(former) => Some(&**former.manifest()),
            Build::Sync => None,
        };
        if let (Build::Rebuild(former, _), false) = (&destination.build, options.allow_prune) {
            spare_foreign_points(former).await?;
        }
        if let Build::Rebuild(former, _) | Build::Copy(former) = &destination.build {
            ingest_options.kept = kept(context, &former.documents().await?);
        }
        let language = compatibility::words_of_new(settings.language.as_deref(), manifest, former);
        // An endpoint may be slow to answer the probe.
        let embedder = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(stopped_early(cancel)),
            embedder = backends::embedder_until(context, manifest, cancel.clone()) => embedder?,
        };
        on(SyncEvent::Connected(embedder.id().clone()));
        fit_chunks(context, &mut ingest_options.chunk, &*embedder)?;
        check_build(context, &ingest_options, manifest)?;
        let (on_page, mut pages) = mpsc::unbounded_channel();
        let ocr = backends::ocr(context, &ingest_options.budget, Some(on_page))?;
        let backends = ingest_backends(context, &ingest_options, embedder, &language, ocr)?;
        let heard = Mutex::new(&mut *on);
        let hear =
            |event| heard.lock().unwrap_or_else(PoisonError::into_inner)(SyncEvent::Ingest(event));
        let mut emit = |event| hear(event);
        let ingest = ingest::ingest(&ingest_options, &backends, &destination, cancel, &mut emit);
        let result = {
            let mut ingest = pin!(ingest);
            loop {
                tokio::select! {
                    biased;
                    result = &mut ingest => break result,
                    Some(page) = pages.recv() => hear(IngestEvent::Recognized(page)),
                }
            }
        };
        if let Some(throttled) = backends.embedder.throttled() {
            on(SyncEvent::Throttled(throttled));
        }
        let mut report = result.map_err(failure)?;
        report.cost = cost(settings, report.tokens, &ingest_options.budget.ocr_usage());
        report.elapsed_ms = context.tape.value("ingest time", &names, report.elapsed_ms)?;
        Ok(report)
    }

    /// The collection, or its next version if it is to be rebuilt.
    async fn destination(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        model: Option<CollectionReader>,
        options: &SyncOptions,
    ) -> Result<IngestDestination, Failure> {
        let manifest = writer.manifest().await?;
        let former = if options.builds_anew() { writer.reader().await? } else { None };
        Ok(match former {
            Some(former) => IngestDestination {
                writer: writer.successor().await?,
                manifest: None,
                build: Build::Rebuild(
                    former,
                    OnCompletion {
                        aside: options.stays_aside(),
                        keep: self.context.settings.index_keep,
                    },
                ),
            },
            None => IngestDestination {
                writer: Arc::clone(writer),
                manifest,
                build: model.map_or(Build::Sync, Build::Copy),
            },
        })
    }

    /// Reports what [`Self::sync`] would do. Nothing is written, no endpoint is asked to embed or to
    /// read a page, and no model is fetched. With `in_full`, documents are read, too, to estimate what
    /// embedding them and reading their pages would take.
    pub async fn preview(
        &self,
        inputs: SyncInputs,
        options: &SyncOptions,
        in_full: bool,
        cancel: &Cancel,
    ) -> Result<IngestPreview, Failure> {
        let (context, settings) = (&self.context, &self.context.settings);
        self.check_partition(options)?;
        let reader = self.collection().read().await?;
        if let Some(reader) = reader.as_ref().filter(|_| !options.builds_anew()) {
            let (documents, chunks) = (reader.documents().await?, reader.count_chunks().await?);
            check_counts(&**self.collection(), reader, &documents, chunks).await?;
            if options.checksum {
                reader.verify().await?;
                check_chunks(&**reader.store(), &documents).await?;
            }
        }
        let (reader, taken) = self.own_reader(reader, &inputs, options).await?;
        let manifest = reader.as_ref().map(|reader| &**reader.manifest());
        let unlimited = RunBudget::new(None, cancel::pair().0);
        let mut ingest_options = ingest_options(context, inputs, options, unlimited)?;
        ingest_options.taken = taken;
        let rebuild = options.builds_anew() && manifest.is_some();
        let who = if in_full { "a dry run" } else { "a check" };
        let mut embedder = backends::tokenizer(context, manifest, who).await;
        if rebuild && embedder.is_err() {
            // A rebuild may use another embedder.
            embedder = backends::tokenizer(context, None, who).await;
        }
        let embedder = embedder?;
        fit_chunks(context, &mut ingest_options.chunk, &*embedder)?;
        check_build(context, &ingest_options, manifest.filter(|_| !rebuild))?;
        let preview = if in_full {
            let stored = manifest.filter(|_| !rebuild);
            let language =
                compatibility::words_of_new(settings.language.as_deref(), stored, manifest);
            let ocr = backends::ocr(context, &ingest_options.budget, None)?;
            let ocr = ocr.map(|ocr| PageOcr { model: dry_run::unasked(ocr.model), ..ocr });
            let backends = ingest_backends(context, &ingest_options, embedder, &language, ocr)?;
            let stored = reader.as_ref();
            preview::preview(&ingest_options, &backends, stored, rebuild, cancel).await
        } else {
            preview::check(&ingest_options, reader.as_ref().map(StoredCollection::of), cancel).await
        };
        if cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let mut preview = preview.map_err(failure)?;
        if let Some(work) = &mut preview.work {
            let read = ingest_options.budget.ocr_usage();
            work.ocr_pages = dry_run::pages(&read);
            work.cost = cost(settings, work.tokens as u64, &read);
        }
        Ok(preview)
    }
}

fn ingest_backends(
    context: &Context,
    options: &IngestOptions,
    embedder: Arc<dyn Embedder>,
    language: &str,
    ocr: Option<PageOcr>,
) -> Result<Backends, Failure> {
    let extractor = Extractor::new(extract_options(context, options.parallel)?, ocr);
    let terms = Arc::new(backends::term_counters(language)?);
    Ok(Backends { embedder, extractor, terms })
}

fn failure(error: IngestError) -> Failure {
    match error {
        IngestError::Discover(error) => discover_failure(&error),
        IngestError::Prune(error) => Failure::new(Exit::Negative, error.to_string()).hint(
            "see them with --dry-run, and delete them with --allow-prune; ingest.prune_share sets the limit",
        ).about(PRUNE),
        IngestError::Spool(error) => Failure::new(Exit::Backend, error.to_string())
            .hint("set TMPDIR to a directory with free space"),
        IngestError::Backend(error) => error.into(),
    }
}

/// Cancels this sync only: when the user interrupts, at the deadline, or through the canceller.
fn limited(interrupt: &Cancel, deadline: Option<Duration>) -> (Canceller, Cancel) {
    let (stop, cancel) = cancel::pair();
    let (canceller, interrupt) = (stop.clone(), interrupt.clone());
    let limits = async move {
        if let Some(deadline) = deadline {
            tokio::select! {
                () = interrupt.cancelled() => {}
                () = tokio::time::sleep(deadline) => canceller.cancel(Stop::Deadline),
            }
        }
        interrupt.cancelled().await;
        canceller.cancel(Stop::Interrupt);
    };
    let ended = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = limits => {}
            () = ended.unheard() => {}
        }
    });
    (stop, cancel)
}

/// The limit of `ingest.max_cost`, if anything has a price.
fn limit(settings: &Settings) -> Option<Limit> {
    let embedding = settings.embedding.cost(1).unwrap_or_default();
    let ocr = settings.ocr.endpoint_model().and(settings.ocr.price);
    let ocr = ocr.filter(|price| price.input + price.output > 0.0);
    let most = settings.ingest.max_cost?;
    (embedding > 0.0 || ocr.is_some()).then_some(Limit { most, embedding, ocr })
}

/// What was billed; `None` if a price is not known, or nothing is billed.
fn cost(settings: &Settings, tokens: u64, read: &Usage) -> Option<f64> {
    let embedding = settings.embedding.cost(tokens);
    match settings.ocr.endpoint_model().filter(|_| *read != Usage::default()) {
        None => embedding,
        Some(_) if settings.embedding.model.is_endpoint() => {
            Some(embedding? + settings.ocr.cost(read)?)
        }
        Some(_) => settings.ocr.cost(read),
    }
}

fn stopped_early(cancel: &Cancel) -> Failure {
    match cancel.reason() {
        Some(Stop::Deadline) => Failure::new(
            Exit::Partial,
            "--deadline was reached before the embedding endpoint answered",
        )
        .hint("run the same command again, with a longer --deadline"),
        _ => Failure::interrupted(),
    }
}

/// The exit code of a report; if a backend ended the run, its failure.
pub fn exit(report: IngestReport) -> Result<Exit, Failure> {
    if let Some(error) = report.aborted {
        return Err(error.into());
    }
    Ok(match report {
        IngestReport { interrupted: true, .. } => Exit::Interrupted,
        IngestReport { stopped: Some(_), .. } => Exit::Partial,
        IngestReport { failed, .. } if !failed.is_empty() => Exit::Partial,
        _ => Exit::Done,
    })
}
