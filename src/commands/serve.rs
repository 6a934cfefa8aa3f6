//! `docent serve`: the engine over HTTP.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::watch::files_only;
use super::{Context, keys};
use crate::cancel::{self, Cancel, Stop};
use crate::cli::ServeArgs;
use crate::error::{Exit, Failure};
use crate::query::cache::RetrievalCache;
use crate::serve::ServeConfig;
use crate::service::Engine;
use crate::service::provenance::TraceSink;
use crate::settings::{ListenAddress, ServeSettings};
use crate::types::CrawlReach;
use crate::ui::Ui;

/// Most threads for blocking work and computation.
const BLOCKING_THREADS: usize = 64;

/// The first line on stdout.
#[derive(Serialize, JsonSchema)]
pub(super) struct Listening<'a> {
    /// URLs at which the server listens.
    listening: &'a [String],
    /// Collections that are served; the first is that of requests that name none.
    collections: &'a [String],
}

pub(super) fn run(ui: &mut Ui, context: Context, args: ServeArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Backend, format!("cannot start: {error}")))?;
    let result = runtime.block_on(serve(ui, context, args));
    // A name look-up that hangs must not delay the end.
    runtime.shutdown_background();
    result
}

async fn serve(ui: &mut Ui, mut context: Context, args: ServeArgs) -> Result<Exit, Failure> {
    allow_connections();
    if context.settings.serve.ingest || args.watch.is_some() {
        context.name_collection();
    }
    let settings = context.settings.serve.clone();
    let (keys, needs_keys) = keys_in_force(&settings, args.no_auth)?.unzip();
    let cache = (settings.cache > 0).then(|| Arc::new(RetrievalCache::new(settings.cache)));
    let engines = engines(ui, &context, cache.as_ref())?;
    engines[0].1.check_answering()?;
    for (_, engine) in &engines {
        engine.fetch_models().await?;
    }
    let watched = watched(&settings, args.watch)?;
    warn_of_missing(ui, &engines).await;
    let beside = || keys.as_ref().map(|keys| keys.with_file_name("usage.json"));
    let usage = settings.usage.clone().map(|path| context.cwd.join(path)).or_else(beside);
    let service = ServeConfig {
        engines,
        cache,
        usage,
        keys,
        needs_keys: needs_keys.unwrap_or_default(),
        watched,
        settings: settings.clone(),
        log: ui.request_log(),
    };
    let stop = on_end()?;
    let running = service.listen().await?;
    let urls = running.urls();
    ui.json_line(Listening { listening: &urls, collections: &settings.collections })?;
    if context.quotes() {
        ui.note("answers are quoted, not generated: no chat model is configured; `docent doctor` shows how to set one");
    }
    Ok(running.run(&stop).await)
}

/// Collections that are kept up to date with files; without a PATH, with those that they were made
/// from.
fn watched(
    settings: &ServeSettings,
    paths: Option<Vec<String>>,
) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let Some(paths) = paths else { return Ok(Vec::new()) };
    let paths = files_only(paths, CrawlReach::default())?.paths;
    let collections = settings.collections.iter();
    let watched = collections.take(if paths.is_empty() { usize::MAX } else { 1 });
    Ok(watched.map(|name| (name.clone(), paths.clone())).collect())
}

/// Raises the limit of open files: each connection is one, and a shell allows far fewer than the system
/// does.
#[cfg(unix)]
fn allow_connections() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With the old limit it also works, for fewer connections.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Nothing to raise: each connection is a handle, and a process may have as many as fit into memory.
#[cfg(not(unix))]
fn allow_connections() {}

/// The file of the keys that callers need, and whether it has to exist; `None` if no key is ever
/// needed.
fn keys_in_force(
    settings: &ServeSettings,
    no_auth: bool,
) -> Result<Option<(PathBuf, bool)>, Failure> {
    if no_auth {
        return Ok(None);
    }
    let named = settings.keys.is_some();
    let file = keys::file(settings)?;
    if named || file.is_file() {
        return Ok(Some((file, true)));
    }
    let open = settings.listen.iter().find(|address| !address.is_local());
    match open {
        // The first key that is created makes keys required, also while the server runs.
        None => Ok(Some((file, false))),
        Some(ListenAddress::Tcp(address)) => Err(Failure::config(format!(
            "{address} can be reached from other machines, and there are no keys: anyone who reaches it could do everything"
        ))
        .hint("create a key with docent keys create NAME; or use --no-auth if a proxy in front of docent authenticates callers")),
        // A socket can only be reached from this machine.
        Some(ListenAddress::Unix(_)) => Ok(Some((file, false))),
    }
}

/// Opens an engine for each collection that is served.
pub(super) fn engines(
    ui: &mut Ui,
    context: &Context,
    cache: Option<&Arc<RetrievalCache>>,
) -> Result<Vec<(String, Arc<Engine>)>, Failure> {
    let mut engines = Vec::new();
    for name in &context.settings.serve.collections {
        let mut context = context.clone();
        context.settings.take_collection(name);
        let (traces, warning) = TraceSink::open(&context, &|name| env::var(name).ok())?;
        if let Some(warning) = warning.filter(|_| engines.is_empty()) {
            ui.warn(&warning);
        }
        let mut engine = super::engine(ui, context)?.traced(traces);
        if let Some(cache) = cache {
            engine = engine.remembering(cache);
        }
        engines.push((name.clone(), super::until_the_end(engine)));
    }
    Ok(engines)
}

/// How long to wait for a store.
const PATIENCE: Duration = Duration::from_secs(3);

/// Warns about collections that do not exist. That is not an error, since they may be created later and
/// are served from then on.
async fn warn_of_missing(ui: &mut Ui, engines: &[(String, Arc<Engine>)]) {
    for (name, engine) in engines {
        let collection = engine.collection();
        let warning = match tokio::time::timeout(PATIENCE, collection.read()).await {
            Ok(Ok(Some(_))) => continue,
            Ok(Ok(None)) => format!(
                "there is no collection `{name}` in {} yet: create it with docent ingest --collection {name} PATH, and it will be served",
                collection.endpoint()
            ),
            Ok(Err(error)) => format!("the collection `{name}` can't be read: {error}"),
            Err(_) => {
                format!("{} does not answer, so `{name}` can't be read", collection.endpoint())
            }
        };
        ui.warn(&warning);
    }
}

/// Cancelled when the server is to end, by SIGTERM or Ctrl-C. The second signal ends the process at
/// once.
fn on_end() -> Result<Cancel, Failure> {
    let (canceller, cancel) = cancel::pair();
    let failed = |error| Failure::new(Exit::Backend, format!("cannot listen for signals: {error}"));
    let mut ends = Ends::listen().map_err(failed)?;
    tokio::spawn(async move {
        loop {
            ends.next().await;
            if canceller.is_cancelled() {
                #[expect(clippy::exit, reason = "the user asked twice")]
                std::process::exit(Exit::Interrupted as i32);
            }
            canceller.cancel(Stop::Interrupt);
        }
    });
    Ok(cancel)
}

/// The signals that tell a process to end.
#[cfg(unix)]
struct Ends {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Ends {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The events that tell a process to end: Ctrl-C, the console closes, or the machine shuts down.
#[cfg(windows)]
struct Ends {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Ends {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
