//! `docent ingest`: brings a collection in line with its sources.

use std::io::Read;
use std::sync::Arc;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::on_interrupt;
use crate::cancel::Cancel;
use crate::cli::{IngestArgs, IngestFlags};
use crate::error::{Exit, Failure};
use crate::ingest::chunk::ChunkOptions;
use crate::ingest::discover::{DiscoverError, DiscoverOptions};
use crate::ingest::extract::{ExtractOptions, Extractor};
use crate::ingest::plan::PruneLimit;
use crate::ingest::{self, Backends, IngestError, IngestOptions, IngestReport, preview};
use crate::store::VectorStore;
use crate::ui::Ui;
use crate::ui::progress::IngestProgress;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: IngestArgs) -> Result<Exit, Failure> {
    let (stdin, paths): (Vec<String>, Vec<String>) =
        args.paths.into_iter().partition(|path| path == "-");
    let inline = if stdin.is_empty() { None } else { Some((args.source, read_stdin(context)?)) };
    if args.dry_run || args.check {
        let outlook = Outlook { dry_run: args.dry_run, check: args.check };
        return look(ui, context, paths, inline, &args.ingest, outlook).await;
    }
    let store = connect::store(ui, context, StoreAccess::Write)?;
    let cancel = on_interrupt();
    let (report, store) = sync(ui, context, paths, inline, &args.ingest, store, &cancel).await?;
    if report.changed_nothing() {
        store.leave().await;
    } else {
        store.release().await?;
    }
    ui.ingest_report(&report)?;
    exit(report)
}

/// Brings `store` in line with `paths`. Returns the store to go on with: after a rebuild it is
/// another.
pub(super) async fn sync(
    ui: &mut Ui,
    context: &Context,
    paths: Vec<String>,
    inline: Option<(String, Vec<u8>)>,
    flags: &IngestFlags,
    store: Arc<dyn VectorStore>,
    cancel: &Cancel,
) -> Result<(IngestReport, Arc<dyn VectorStore>), Failure> {
    let settings = &context.settings;
    let parallel = parallelism();
    let options = options(context, paths, inline, flags, parallel);
    tokio::select! {
        locked = store.lock() => locked?,
        () = cancel.cancelled() => return Err(Failure::interrupted()),
    }
    let existing = store.manifest().await?;
    let replaces = (flags.rebuild && existing.is_some()).then(|| Arc::clone(&store));
    let (store, manifest) = match &replaces {
        Some(former) => (former.successor().await?, None),
        None => (store, existing),
    };
    // An endpoint may be slow to say what it is.
    let embedder = tokio::select! {
        embedder = connect::embedder(settings, manifest.as_ref()) => embedder?,
        () = cancel.cancelled() => return Err(Failure::interrupted()),
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
    let backends = Backends { embedder, store: store.clone(), extractor, terms, replaces };
    let mut progress = IngestProgress::new(ui, cancel);
    let mut emit = |event| progress.on(ui, &event);
    let result = ingest::ingest(&options, &backends, manifest, cancel, &mut emit).await;
    drop(progress);
    store.unlock().await;
    Ok((result.map_err(failure)?, store))
}

/// What to say instead of doing it.
#[derive(Clone, Copy)]
struct Outlook {
    dry_run: bool,
    check: bool,
}

/// Prints the plan. Nothing is written, and no endpoint is asked for a vector.
async fn look(
    ui: &mut Ui,
    context: &Context,
    paths: Vec<String>,
    inline: Option<(String, Vec<u8>)>,
    flags: &IngestFlags,
    outlook: Outlook,
) -> Result<Exit, Failure> {
    let settings = &context.settings;
    let store = connect::store(ui, context, StoreAccess::Read)?;
    let manifest = store.manifest().await?;
    let parallel = parallelism();
    let options = options(context, paths, inline, flags, parallel);
    let embedder = connect::tokenizer(settings, manifest.as_ref()).await?;
    if let Some(manifest) = &manifest {
        connect::same_chunker(settings, &options.chunker_id(), manifest)?;
    }
    let preview = if outlook.dry_run {
        let cancel = on_interrupt();
        let extractor = Extractor::new(extract_options(context, parallel)?);
        let terms = Arc::new(connect::term_counter()?);
        let backends =
            Backends { embedder, store: store.clone(), extractor, terms, replaces: None };
        let preview = preview::preview(&options, &backends, manifest.as_ref(), &cancel).await;
        if cancel.is_cancelled() {
            return Err(Failure::interrupted());
        }
        preview
    } else {
        preview::check(&options, &*store, manifest.as_ref()).await
    };
    let preview = preview.map_err(failure)?;
    store.leave().await;
    ui.preview(&preview)?;
    Ok(if outlook.check && !preview.is_empty() { Exit::Negative } else { Exit::Done })
}

fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn failure(error: IngestError) -> Failure {
    match error {
        IngestError::Discover(error) => {
            let exit = match error {
                DiscoverError::Gone { .. } => Exit::Negative,
                _ => Exit::Usage,
            };
            Failure { hint: error.hint(), ..Failure::new(exit, error.to_string()) }
        }
        IngestError::Prune(error) => Failure::new(Exit::Negative, error.to_string()).hint(
            "see them with --dry-run, and delete them with --allow-prune; ingest.prune_share sets the limit",
        ),
        IngestError::Backend(error) => error.into(),
    }
}

/// The exit code of a report; a backend that ended the run is the failure.
pub(super) fn exit(report: IngestReport) -> Result<Exit, Failure> {
    if let Some(error) = report.aborted {
        return Err(error.into());
    }
    Ok(match report {
        IngestReport { interrupted: true, .. } => Exit::Interrupted,
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
            known: Vec::new(),
            allow_gone: flags.allow_prune,
        },
        inline,
        chunk: ChunkOptions {
            max_tokens: context.settings.chunk_tokens,
            overlap_tokens: context.settings.chunk_overlap,
        },
        tags: (!tags.is_empty()).then_some(tags),
        checksum: flags.checksum,
        retry_failed: flags.retry_failed,
        prune: PruneLimit { share: context.settings.ingest.prune_share, allow: flags.allow_prune },
        parallel,
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
