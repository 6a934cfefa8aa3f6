//! `docent ingest`: brings a collection in line with its sources.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::{on_interrupt, watch};
use crate::cancel::{self, Cancel, Canceller, Stop};
use crate::cli::{IngestArgs, IngestFlags, WebFlags};
use crate::embed::Embedder;
use crate::embed::sparse::{self, TermCounter};
use crate::error::{Exit, Failure};
use crate::ingest::budget::Budget;
use crate::ingest::chunk::ChunkOptions;
use crate::ingest::discover::{DiscoverError, DiscoverOptions, Patterns};
use crate::ingest::extract::{ExtractOptions, Extractor};
use crate::ingest::inline::Inline;
use crate::ingest::plan::PruneLimit;
use crate::ingest::web::{Start, WebOptions};
use crate::ingest::{self, Backends, Build, IngestError, IngestOptions, IngestReport, preview};
use crate::settings::Settings;
use crate::settings::parse::without_credentials;
use crate::store::VectorStore;
use crate::store::edge::EdgeStore;
use crate::types::{Manifest, Reach};
use crate::ui::Ui;
use crate::ui::progress::IngestProgress;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: IngestArgs) -> Result<Exit, Failure> {
    if args.watch {
        return watch::run(ui, context, args).await;
    }
    let (stdin, paths): (Vec<String>, Vec<String>) =
        args.paths.into_iter().partition(|path| path == "-");
    let mut inputs = Inputs::parse(paths, &args.web)?;
    if !stdin.is_empty() {
        inputs.inline = Some(Inline::bytes(args.source, read_stdin(context)?));
    }
    let flags = &args.ingest;
    if args.dry_run || args.check {
        let outlook = Outlook { dry_run: args.dry_run, check: args.check };
        return look(ui, context, inputs, flags, outlook).await;
    }
    let store = connect::store(ui, context, StoreAccess::Write)?;
    let cancel = on_interrupt();
    let (report, store) = sync(ui, context, inputs, flags, store, &cancel).await?;
    if report.changed_nothing() {
        store.leave().await;
    } else {
        store.release().await?;
    }
    ui.ingest_report(&report)?;
    exit(report)
}

/// What is to be brought in.
#[derive(Clone)]
pub(super) struct Inputs {
    /// Files, directories and globs, as typed.
    pub(super) paths: Vec<String>,
    pub(super) starts: Vec<Start>,
    /// The paths are those of earlier runs.
    pub(super) remembered: bool,
    inline: Option<Inline>,
}

impl Inputs {
    /// Tells paths from URLs.
    pub(super) fn parse(typed: Vec<String>, web: &WebFlags) -> Result<Self, Failure> {
        let (urls, paths): (Vec<String>, Vec<String>) =
            typed.into_iter().partition(|input| Start::is_url(input));
        let reach = Reach { depth: web.depth, whole_host: web.whole_host };
        let parse = |url: &String| {
            Start::parse(url, reach)
                .map_err(|error| Failure::usage(format!("{}: {error}", without_credentials(url))))
        };
        let starts = urls.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { paths, starts, remembered: false, inline: None })
    }

    /// Documents that are no files.
    pub(super) fn inline(inline: Inline) -> Self {
        let (paths, starts) = (Vec::new(), Vec::new());
        Self { paths, starts, remembered: false, inline: Some(inline) }
    }

    /// For people; without credentials.
    pub(super) fn names(&self) -> String {
        let urls = self.starts.iter().map(Start::source);
        self.paths.iter().map(String::as_str).chain(urls).collect::<Vec<_>>().join(" ")
    }
}

/// Brings `store` in line with `inputs`. Returns the store to go on with: after a rebuild it is
/// another.
pub(super) async fn sync(
    ui: &mut Ui,
    context: &Context,
    inputs: Inputs,
    flags: &IngestFlags,
    store: Arc<dyn VectorStore>,
    cancel: &Cancel,
) -> Result<(IngestReport, Arc<dyn VectorStore>), Failure> {
    tokio::select! {
        locked = store.lock() => locked?,
        () = cancel.cancelled() => return Err(Failure::interrupted()),
    }
    let stores = Stores { store: Arc::clone(&store), model: None };
    let synced = sync_alone(ui, context, inputs, flags, stores, cancel).await;
    // Whatever came of it: on a server, a lease that is not given back has to run out.
    store.unlock().await;
    synced
}

/// Builds a collection with the settings of `context` from what `model` was built from, and with the
/// vectors of what they have in common. A former one of that name is given up; `model` stays as it
/// is.
pub(super) async fn copy(
    ui: &mut Ui,
    context: &Context,
    inputs: Inputs,
    store: Arc<dyn VectorStore>,
    model: Arc<dyn VectorStore>,
    cancel: &Cancel,
) -> Result<IngestReport, Failure> {
    store.drop_collection().await?;
    store.lock().await?;
    let stores = Stores { store: Arc::clone(&store), model: Some(model) };
    let flags = IngestFlags { allow_prune: true, ..IngestFlags::default() };
    let copied = sync_alone(ui, context, inputs, &flags, stores, cancel).await;
    store.unlock().await;
    Ok(copied?.0)
}

/// What is brought in line, and after which other collection, if any.
struct Stores {
    store: Arc<dyn VectorStore>,
    model: Option<Arc<dyn VectorStore>>,
}

/// As the only writer.
async fn sync_alone(
    ui: &mut Ui,
    context: &Context,
    inputs: Inputs,
    flags: &IngestFlags,
    stores: Stores,
    cancel: &Cancel,
) -> Result<(IngestReport, Arc<dyn VectorStore>), Failure> {
    let settings = &context.settings;
    let (stop, cancel) = &limited(cancel, settings.ingest.deadline);
    let budget = Budget::new(token_budget(settings), stop.clone());
    let names = inputs.names();
    let mut options = options(context, inputs, flags, budget)?;
    let Stores { store, model } = stores;
    let existing = store.manifest().await?;
    let language = language(context, existing.as_ref());
    let (store, manifest, build) = match model {
        _ if flags.rebuild && existing.is_some() => {
            (store.successor().await?, None, Build::Rebuild(store))
        }
        Some(model) => (store, existing, Build::Copy(model)),
        None => (store, existing, Build::Sync),
    };
    // An endpoint may be slow to say what it is.
    let embedder = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(stopped_early(cancel)),
        embedder = connect::embedder_until(context, manifest.as_ref(), cancel.clone()) => embedder?,
    };
    connect::describe(ui, &*store, &*embedder);
    fit_chunks(context, &mut options.chunk, &*embedder)?;
    if let Some(manifest) = &manifest {
        connect::same_chunker(settings, &options.chunker_id(), manifest)?;
        connect::same_words(settings, manifest)?;
    }
    let terms = connect::term_counter(&language)?;
    let backends = backends(context, &options, embedder, terms, Arc::clone(&store), build)?;
    let mut progress = IngestProgress::new(ui, cancel);
    let mut emit = |event| progress.on(ui, &event);
    let result = ingest::ingest(&options, &backends, manifest, cancel, &mut emit).await;
    drop(progress);
    connect::describe_throttling(ui, &*backends.embedder);
    let mut report = result.map_err(failure)?;
    report.cost = settings.embedding.cost(report.tokens);
    report.elapsed_ms = context.tape.value("ingest time", &names, report.elapsed_ms)?;
    Ok((report, store))
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
    inputs: Inputs,
    flags: &IngestFlags,
    outlook: Outlook,
) -> Result<Exit, Failure> {
    let settings = &context.settings;
    let store = connect::store(ui, context, StoreAccess::Read)?;
    let manifest = store.manifest().await?;
    let cancel = on_interrupt();
    let unlimited = Budget::new(None, cancel::pair().0);
    let mut options = options(context, inputs, flags, unlimited)?;
    let rebuilds = flags.rebuild && manifest.is_some();
    let mut embedder = connect::tokenizer(context, manifest.as_ref()).await;
    if rebuilds {
        // What it is built with from now on may be something else.
        if embedder.is_err() {
            embedder = connect::tokenizer(context, None).await;
        }
    }
    let embedder = embedder?;
    fit_chunks(context, &mut options.chunk, &*embedder)?;
    if let (false, Some(manifest)) = (rebuilds, &manifest) {
        connect::same_chunker(settings, &options.chunker_id(), manifest)?;
        connect::same_words(settings, manifest)?;
    }
    let preview = if outlook.dry_run {
        let terms = connect::term_counter(&language(context, manifest.as_ref()))?;
        let build = if rebuilds { Build::Rebuild(Arc::clone(&store)) } else { Build::Sync };
        let backends = backends(context, &options, embedder, terms, Arc::clone(&store), build)?;
        preview::preview(&options, &backends, manifest.as_ref(), &cancel).await
    } else {
        preview::check(&options, &*store, manifest.as_ref(), &cancel).await
    };
    if cancel.is_cancelled() {
        return Err(Failure::interrupted());
    }
    let mut preview = preview.map_err(failure)?;
    if let Some(work) = &mut preview.work {
        work.cost = settings.embedding.cost(work.tokens as u64);
    }
    store.leave().await;
    ui.preview(&preview)?;
    Ok(if outlook.check && !preview.is_empty() { Exit::Negative } else { Exit::Done })
}

/// Chunks of the default size are made as small as the embedder needs them. A size that was asked
/// for stays what it is.
fn fit_chunks(
    context: &Context,
    chunk: &mut ChunkOptions,
    embedder: &dyn Embedder,
) -> Result<(), Failure> {
    let limit = embedder.limits().input_tokens;
    if chunk.max_tokens <= limit {
        return Ok(());
    }
    if !context.is_default("chunk.tokens") {
        let size = chunk.max_tokens;
        let message = format!("chunks of {size} tokens are over the embedder's limit of {limit}");
        return Err(Failure::config(message).hint("set --chunk-tokens lower"));
    }
    chunk.max_tokens = limit;
    chunk.overlap_tokens = chunk.overlap_tokens.min(limit / 2);
    Ok(())
}

fn backends(
    context: &Context,
    options: &IngestOptions,
    embedder: Arc<dyn Embedder>,
    terms: TermCounter,
    store: Arc<dyn VectorStore>,
    build: Build,
) -> Result<Backends, Failure> {
    let extractor = Extractor::new(extract_options(context, options.parallel)?);
    let terms = Arc::new(terms);
    Ok(Backends { embedder, store, extractor, terms, build })
}

/// Of the words of a collection: the one that is set, or else that of the former version.
fn language(context: &Context, former: Option<&Manifest>) -> String {
    let set = context.settings.language.as_deref();
    let former = former.map(|former| former.sparse.language.as_str());
    set.or(former).unwrap_or(sparse::LANGUAGE).to_owned()
}

fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

pub(super) fn discover_failure(error: &DiscoverError) -> Failure {
    let exit = match error {
        DiscoverError::Gone { .. } => Exit::Negative,
        _ => Exit::Usage,
    };
    Failure { hint: error.hint(), ..Failure::new(exit, error.to_string()) }
}

fn failure(error: IngestError) -> Failure {
    match error {
        IngestError::Discover(error) => discover_failure(&error),
        IngestError::Prune(error) => Failure::new(Exit::Negative, error.to_string()).hint(
            "see them with --dry-run, and delete them with --allow-prune; ingest.prune_share sets the limit",
        ),
        IngestError::Spool(error) => Failure::new(Exit::Backend, error.to_string())
            .hint("set TMPDIR to a directory with free space"),
        IngestError::Backend(error) => error.into(),
    }
}

/// What stops a sync, and only it: the user, the deadline, and whoever has the canceller.
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
    inputs: Inputs,
    flags: &IngestFlags,
    budget: Budget,
) -> Result<IngestOptions, Failure> {
    let mut tags = flags.tags.clone();
    tags.sort();
    tags.dedup();
    Ok(IngestOptions {
        discover: discover_options(context, &inputs, flags),
        starts: inputs.starts,
        web: web_options(context, flags)?,
        inline: inputs.inline,
        chunk: ChunkOptions {
            max_tokens: context.settings.chunk_tokens,
            overlap_tokens: context.settings.chunk_overlap,
        },
        tags: (!tags.is_empty()).then_some(tags),
        text_fields: text_fields(flags),
        on_secret: context.settings.ingest.on_secret,
        checksum: flags.checksum,
        retry_failed: flags.retry_failed,
        prune: PruneLimit { share: context.settings.ingest.prune_share, allow: flags.allow_prune },
        parallel: parallelism(),
        fail_fast: flags.fail_fast.then(|| budget.canceller()),
        budget: Arc::new(budget),
    })
}

pub(super) fn discover_options(
    context: &Context,
    inputs: &Inputs,
    flags: &IngestFlags,
) -> DiscoverOptions {
    DiscoverOptions {
        root: context.root.clone(),
        cwd: context.cwd.clone(),
        inputs: inputs.paths.clone(),
        include: flags.include.clone(),
        exclude: flags.exclude.clone(),
        max_file_size: context.settings.ingest.max_file_size,
        hidden: flags.hidden,
        known: Vec::new(),
        named: Vec::new(),
        allow_gone: flags.allow_prune,
        remembered: inputs.remembered,
        own: Some(EdgeStore::home(&context.data_dir)),
    }
}

fn web_options(context: &Context, flags: &IngestFlags) -> Result<WebOptions, Failure> {
    let settings = &context.settings;
    let patterns = Patterns::new(&flags.include, &flags.exclude);
    Ok(WebOptions {
        max_pages: settings.web.max_pages,
        allow_private: settings.web.allow_private,
        patterns: patterns.map_err(|error| discover_failure(&error))?,
        max_size: settings.ingest.max_file_size,
        timeout: settings.web.timeout,
        retry: connect::retry_policy(settings),
    })
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
