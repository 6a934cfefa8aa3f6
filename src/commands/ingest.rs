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
use crate::ingest::discover::DiscoverOptions;
use crate::ingest::extract::{ExtractOptions, Extractor};
use crate::ingest::{self, Backends, IngestError, IngestOptions, IngestReport};
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
    let options = options(context, paths, inline, flags, parallel);
    let manifest = store.manifest().await?;
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
    let backends = Backends { embedder, store, extractor, terms };
    let mut progress = IngestProgress::new(ui, cancel);
    let mut emit = |event| progress.on(ui, &event);
    let result = ingest::ingest(&options, &backends, manifest, cancel, &mut emit).await;
    drop(progress);
    result.map_err(|error| match error {
        IngestError::Discover(error) => {
            Failure { hint: error.hint(), ..Failure::usage(error.to_string()) }
        }
        IngestError::Backend(error) => error.into(),
    })
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
        },
        inline,
        chunk: ChunkOptions {
            max_tokens: context.settings.chunk_tokens,
            overlap_tokens: context.settings.chunk_overlap,
        },
        tags: (!tags.is_empty()).then_some(tags),
        text_fields: text_fields(flags),
        checksum: flags.checksum,
        parallel,
    }
}

/// `*` is all of them, as where nothing was ever chosen.
fn text_fields(flags: &IngestFlags) -> Option<Vec<String>> {
    let all = flags.text_fields.iter().any(|field| field == "*");
    let fields = if all { Vec::new() } else { flags.text_fields.clone() };
    (!flags.text_fields.is_empty()).then_some(fields)
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
