//! `docent ingest`: brings a collection in line with its sources.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::on_interrupt;
use crate::cancel::{self, Cancel, Canceller, Stop};
use crate::cli::{IngestArgs, IngestFlags};
use crate::error::{Exit, Failure};
use crate::ingest::budget::Budget;
use crate::ingest::chunk::ChunkOptions;
use crate::ingest::discover::DiscoverOptions;
use crate::ingest::extract::{ExtractOptions, Extractor};
use crate::ingest::{self, Backends, IngestError, IngestOptions, IngestReport};
use crate::settings::Settings;
use crate::store::VectorStore;
use crate::ui::Ui;
use crate::ui::progress::IngestProgress;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: IngestArgs) -> Result<Exit, Failure> {
    let (stdin, paths): (Vec<String>, Vec<String>) =
        args.paths.into_iter().partition(|path| path == "-");
    let inline = if stdin.is_empty() { None } else { Some((args.source, read_stdin(context)?)) };
    let store = connect::store(context, StoreAccess::Write)?;
    let cancel = on_interrupt();
    let report = sync(ui, context, paths, inline, &args.ingest, store.clone(), &cancel).await?;
    if report.changed_nothing() {
        store.leave().await;
    } else {
        store.release().await?;
    }
    ui.ingest_report(&report)?;
    exit(report)
}

/// Brings `store` in line with `paths`.
pub(super) async fn sync(
    ui: &mut Ui,
    context: &Context,
    paths: Vec<String>,
    inline: Option<(String, Vec<u8>)>,
    flags: &IngestFlags,
    store: Arc<dyn VectorStore>,
    cancel: &Cancel,
) -> Result<IngestReport, Failure> {
    let settings = &context.settings;
    let parallel = std::thread::available_parallelism().map_or(2, usize::from);
    let (stop, cancel) = &limited(cancel, settings.ingest.deadline);
    let budget = Budget::new(token_budget(settings), stop.clone());
    let options = options(context, paths, inline, flags, parallel, budget);
    let manifest = store.manifest().await?;
    // An endpoint may be slow to say what it is.
    let embedder = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(stopped_early(cancel)),
        embedder = connect::embedder_until(settings, manifest.as_ref(), cancel.clone()) => embedder?,
    };
    connect::describe(ui, &*store, &*embedder);
    if let Some(manifest) = &manifest {
        connect::same_chunker(settings, &options.chunker_id(), manifest)?;
    }
    let limit = embedder.limits().input_tokens;
    if settings.chunk_tokens > limit {
        return Err(Failure::config(format!(
            "chunks of {} tokens are over the embedder's limit of {limit}",
            settings.chunk_tokens
        ))
        .hint("set --chunk-tokens lower"));
    }
    let extractor = Extractor::new(extract_options(context, parallel)?);
    let terms = Arc::new(connect::term_counter()?);
    let backends = Backends { embedder, store, extractor, terms };
    let mut progress = IngestProgress::new(ui, cancel);
    let mut emit = |event| progress.on(ui, &event);
    let result = ingest::ingest(&options, &backends, manifest, cancel, &mut emit).await;
    drop(progress);
    let mut report = result.map_err(|error| match error {
        IngestError::Discover(error) => {
            Failure { hint: error.hint(), ..Failure::usage(error.to_string()) }
        }
        IngestError::Backend(error) => error.into(),
    })?;
    report.cost = settings.embedding.cost(report.tokens);
    Ok(report)
}

/// What stops a sync, and only it: the user, the deadline, and whoever has the canceller.
fn limited(interrupt: &Cancel, deadline: Option<Duration>) -> (Canceller, Cancel) {
    let (stop, cancel) = cancel::pair();
    let (canceller, interrupt) = (stop.clone(), interrupt.clone());
    tokio::spawn(async move {
        if let Some(deadline) = deadline {
            tokio::select! {
                () = interrupt.cancelled() => {}
                () = tokio::time::sleep(deadline) => canceller.cancel(Stop::Deadline),
            }
        }
        interrupt.cancelled().await;
        canceller.cancel(Stop::Interrupt);
    });
    (stop, cancel)
}

/// The tokens that `ingest.max_cost` buys.
fn token_budget(settings: &Settings) -> Option<u64> {
    let price = settings.embedding.cost(1).filter(|price| *price > 0.0)?;
    Some((settings.ingest.max_cost? / price) as u64)
}

fn stopped_early(cancel: &Cancel) -> Failure {
    match cancel.reason() {
        Some(Stop::Deadline) => Failure::new(
            Exit::Partial,
            "the time of --deadline was over before the embedding endpoint answered",
        )
        .hint("the same command again, with more time"),
        _ => Failure::interrupted(),
    }
}

/// The exit code of a report; a backend that ended the run is the failure.
pub(super) fn exit(report: IngestReport) -> Result<Exit, Failure> {
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

fn options(
    context: &Context,
    inputs: Vec<String>,
    inline: Option<(String, Vec<u8>)>,
    flags: &IngestFlags,
    parallel: usize,
    budget: Budget,
) -> IngestOptions {
    let mut tags = flags.tags.clone();
    tags.sort();
    tags.dedup();
    IngestOptions {
        discover: DiscoverOptions {
            root: context.root.clone(),
            cwd: context.cwd.clone(),
            inputs,
            include: flags.include.clone(),
            exclude: flags.exclude.clone(),
            max_file_size: context.settings.ingest.max_file_size,
            hidden: flags.hidden,
        },
        inline,
        chunk: ChunkOptions {
            max_tokens: context.settings.chunk_tokens,
            overlap_tokens: context.settings.chunk_overlap,
        },
        tags: (!tags.is_empty()).then_some(tags),
        checksum: flags.checksum,
        parallel,
        budget: Arc::new(budget),
    }
}

fn extract_options(context: &Context, workers: usize) -> Result<ExtractOptions, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Backend, format!("cannot find docent's own program: {error}"))
    })?;
    let settings = &context.settings.ingest;
    Ok(ExtractOptions {
        workers,
        timeout: settings.extract_timeout,
        memory_mb: (settings.extract_memory >> 20).max(64),
        program,
    })
}

fn read_stdin(context: &Context) -> Result<Vec<u8>, Failure> {
    let limit = context.settings.ingest.max_file_size;
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::usage("standard input is over the size limit")
            .hint("raise it with --max-file-size"));
    }
    Ok(bytes)
}
