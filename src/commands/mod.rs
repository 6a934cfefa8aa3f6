//! One file per subcommand, all of the same shape: `run(ui, context, args)` parses, calls the
//! [service](crate::service), shows the result, and returns the exit code or the failure that ends the
//! command.

mod audit;
mod batch;
mod chat;
mod completions;
mod config;
mod context;
mod doctor;
mod eval;
mod explain;
mod index;
mod ingest;
mod keys;
mod locations;
mod mcp;
mod models;
mod purge;
mod query;
mod schema;
mod search;
mod serve;
mod show;
mod status;
mod trace;
mod trust;
mod watch;

use std::env;
use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Read};
use std::num::{ParseFloatError, ParseIntError};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{CommandFactory, FromArgMatches};

use crate::cancel::{self, Cancel, Stop};
use crate::cli::{self, Cli, Command, Format, RetrievalFlags, WebFlags};
use crate::error::{Exit, Failure};
use crate::heap;
use crate::ingest::extract;
use crate::query::Retriever;
use crate::service::provenance::TraceSink;
use crate::service::retrieval::DocumentFilter;
use crate::service::{Context, Engine};
use crate::settings::Layer;
use crate::types::{CrawlReach, EmbedderId, RerankerId};
use crate::ui::{self, Ui};

/// Parses, dispatches, and turns the outcome into an exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|command| command == extract::SUBCOMMAND) {
        return worker();
    }
    if completions::answered(&args) {
        return ExitCode::SUCCESS;
    }
    heap::end_without_memory();
    let (cli, flags) = match parse(args) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version go to stdout with exit code 0, mistakes to stderr with 2.
            if error.use_stderr() {
                ui::no_command_line(&usage_error(&error));
            } else {
                let _ = error.print();
            }
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let mut ui = Ui::new(&cli.global);
    let exit = dispatch(&mut ui, cli, flags).unwrap_or_else(|failure| {
        ui.failure(&failure);
        failure.exit
    });
    ExitCode::from(exit as u8)
}

/// Parses what was typed, and the settings in it.
fn parse(args: Vec<OsString>) -> Result<(Cli, Layer), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    Ok((cli, cli::typed_settings(&matches)))
}

/// What is wrong with what was typed. For text that is not a number, the standard library says "invalid digit
/// found in string" or "invalid float literal", which is meant for programmers.
fn usage_error(error: &clap::Error) -> String {
    let said = error.render().to_string();
    let Some(source) = error.source() else { return said };
    let expected = if source.is::<ParseIntError>() {
        "expected a whole number of 0 or more"
    } else if source.is::<ParseFloatError>() {
        "expected a number, such as 0.05"
    } else {
        return said;
    };
    said.replacen(&source.to_string(), expected, 1)
}

/// Runs as a worker of the ingest that started this process, until that ends.
fn worker() -> ExitCode {
    let memory_mb = env::var(extract::MEMORY_VARIABLE).ok().and_then(|text| text.parse().ok());
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let served = extract::run_worker(&mut input, &mut output, memory_mb.unwrap_or_default());
    ExitCode::from(u8::from(served.is_err()))
}

fn dispatch(ui: &mut Ui, cli: Cli, flags: Layer) -> Result<Exit, Failure> {
    let format = cli.global.format;
    if let (Format::Junit | Format::Markdown, false) =
        (format, matches!(cli.command, Command::Eval(_)))
    {
        return Err(Failure::usage("--format junit and markdown are for `docent eval`")
            .hint("use text, json or jsonl"));
    }
    match cli.command {
        Command::Ingest(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            block_on(ingest::run(ui, context, args))
        }
        Command::Search(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            block_on(search::run(ui, context, args))
        }
        Command::Query(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            block_on(query::run(ui, context, args))
        }
        Command::Chat(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            block_on(chat::run(ui, context, args))
        }
        Command::Explain(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            block_on(explain::run(ui, context, args))
        }
        Command::Eval(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            block_on(eval::run(ui, &context, *args, format))
        }
        Command::Serve(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            serve::run(ui, context, args)
        }
        Command::Mcp(args) => {
            let context = context::with_tape(context::load(ui, flags)?, ui)?;
            mcp::run(ui, context, args)
        }
        Command::Keys(args) => {
            let context = context::load(ui, flags)?;
            block_on(keys::run(ui, &context, args))
        }
        Command::Audit(args) => audit::run(ui, flags, &args),
        Command::Trace(args) => {
            let context = context::load(ui, flags)?;
            trace::run(ui, &context, args)
        }
        Command::Show(args) => {
            let context = context::load(ui, flags)?;
            block_on(show::run(ui, context, args))
        }
        Command::Status(args) => {
            let context = context::load(ui, flags)?;
            block_on(status::run(ui, context, args))
        }
        Command::Doctor(args) => {
            let context = context::load(ui, flags)?;
            block_on(doctor::run(ui, context, args))
        }
        Command::Index(args) => {
            let context = context::load(ui, flags)?;
            block_on(index::run(ui, context, args))
        }
        Command::Models(args) => {
            let context = context::load(ui, flags)?;
            block_on(models::run(ui, context, args))
        }
        Command::Purge(args) => {
            let context = context::load(ui, flags)?;
            block_on(purge::run(ui, context, args))
        }
        Command::Config(args) => config::run(ui, flags, args),
        Command::Schema(args) => schema::run(ui, &args),
        Command::Completions(args) => completions::run(ui, args),
    }
}

/// Runs a command on one thread; blocking work and computation go to the blocking pool.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Backend, format!("cannot start: {error}")))?;
    let result = runtime.block_on(future);
    // A parser or a name look-up that hangs must not delay the end.
    runtime.shutdown_background();
    result
}

/// The engine of a command. It lives until the process ends: unloading a shard syncs every file of it,
/// even if nothing was written.
fn open(ui: &Ui, context: Context) -> Result<Arc<Engine>, Failure> {
    Ok(until_the_end(engine(ui, context)?))
}

/// The same, with records of answers if they are configured.
fn open_traced(ui: &mut Ui, context: Context) -> Result<Arc<Engine>, Failure> {
    let (traces, warning) = TraceSink::open(&context, &|name| env::var(name).ok())?;
    if let Some(warning) = warning {
        ui.warn(&warning);
    }
    Ok(until_the_end(engine(ui, context)?.traced(traces)))
}

fn engine(ui: &Ui, context: Context) -> Result<Engine, Failure> {
    let (note, told) = (ui.announcer(), Mutex::new(String::new()));
    let on_wait = move |whom: &str| {
        // Two long readers take turns many times: each holder is announced once.
        let holder = whom.split(" since ").next().unwrap_or(whom);
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != holder {
            holder.clone_into(&mut told);
            note(&format!("waiting: {whom}"));
        }
    };
    Engine::open(context, Arc::new(on_wait))
}

fn until_the_end(engine: Engine) -> Arc<Engine> {
    let engine = Arc::new(engine);
    std::mem::forget(Arc::clone(&engine));
    engine
}

/// Notes that a run is unfinished and, with `--verbose`, what retrieval uses.
fn describe_retriever(ui: &mut Ui, retriever: &Retriever) {
    if retriever.reader.manifest().unfinished.is_some() {
        ui.note(
            "the last ingest is not finished: documents that it has not reached yet are found as they were before; `docent ingest` completes it",
        );
    }
    describe(ui, retriever);
    if let Some(reranker) = &retriever.reranker {
        let RerankerId { name, revision, endpoint } = reranker.id();
        let place = revision.as_ref().or(endpoint.as_ref()).filter(|place| *place != name);
        ui.detail(&format!(
            "reranker {name}{}",
            place.map(|place| format!(" ({place})")).unwrap_or_default()
        ));
    }
}

/// Prints the models and the collection, with `--verbose`.
fn describe(ui: &mut Ui, retriever: &Retriever) {
    describe_embedder(ui, retriever.reader.endpoint(), retriever.embedder.id());
}

fn describe_embedder(ui: &mut Ui, endpoint: &str, embedder: &EmbedderId) {
    let EmbedderId { name, revision, dimensions, .. } = embedder;
    ui.detail(&format!("store {endpoint}"));
    ui.detail(&format!("embedder {name} ({revision}), {dimensions} dimensions"));
}

impl RetrievalFlags {
    fn filter(&self) -> DocumentFilter {
        let (sources, kinds) = (self.sources.clone(), self.kinds.clone());
        DocumentFilter { sources, kinds, tags: self.tags.clone(), ..DocumentFilter::default() }
    }
}

impl WebFlags {
    fn reach(&self) -> CrawlReach {
        CrawlReach { depth: self.depth, whole_host: self.whole_host }
    }
}

/// The question of `search` and `query`: what was typed, or standard input.
fn question(typed: &[String]) -> Result<String, Failure> {
    let joined = typed.join(" ");
    // A blank argument, as of a variable without a value, is not a question.
    let from_stdin = typed.is_empty() || joined == "-";
    if typed.is_empty() && io::IsTerminal::is_terminal(&io::stdin()) {
        return Err(
            Failure::usage("no question").hint("docent query \"How long are backups kept?\"")
        );
    }
    let question = if from_stdin {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        text
    } else {
        joined
    };
    let question = question.trim();
    if question.is_empty() {
        return Err(Failure::usage("the question is empty")
            .hint("docent query \"How long are backups kept?\""));
    }
    Ok(question.to_owned())
}

/// Ctrl-C asks the flow to stop; a second one ends the process at once, which loses nothing that was
/// committed.
fn on_interrupt() -> Cancel {
    interruptible().0
}

/// The same, until the task is aborted.
fn interruptible() -> (Cancel, tokio::task::JoinHandle<()>) {
    let (canceller, cancel) = cancel::pair();
    let listening = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            canceller.cancel(Stop::Interrupt);
            if tokio::signal::ctrl_c().await.is_ok() {
                #[expect(clippy::exit, reason = "the user asked twice")]
                std::process::exit(Exit::Interrupted as i32);
            }
        }
        // Keeps the canceller alive for tasks that wait on it.
        std::future::pending::<()>().await;
    });
    (cancel, listening)
}
