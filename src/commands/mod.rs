//! One file per subcommand, all of one shape: `run(ui, context, args)` returns the exit code, or
//! the failure that ends the command. [`connect`] alone chooses backends.

mod batch;
mod chat;
mod completions;
mod config;
mod connect;
mod context;
mod desk;
mod doctor;
mod eval;
mod explain;
mod ingest;
mod query;
mod search;
mod show;
mod status;
mod trace;
mod tracer;
mod watch;

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::cancel::{self, Cancel, Stop};
use crate::cli::{self, Cli, Command, Format};
use crate::error::{Exit, Failure};
use crate::ingest::extract;
use crate::settings::Layer;
use crate::ui::{self, Ui};
use context::Context;

/// Parses, dispatches, and turns the outcome into an exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|command| command == extract::SUBCOMMAND) {
        return worker();
    }
    let (cli, flags) = match parse(args) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version go to stdout with success, mistakes to stderr with 2.
            let _ = error.print();
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

/// What was typed, and the settings among it.
fn parse(args: Vec<OsString>) -> Result<(Cli, Layer), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    Ok((cli, cli::typed_settings(&matches)))
}

/// Serves the ingest that started this process, until that ends.
fn worker() -> ExitCode {
    let memory_mb = std::env::var(extract::MEMORY_VARIABLE).ok().and_then(|text| text.parse().ok());
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
            let context = Context::load(ui, flags)?.with_tape(ui)?;
            block_on(ingest::run(ui, &context, args))
        }
        Command::Search(args) => {
            let context = Context::load(ui, flags)?.with_tape(ui)?;
            block_on(search::run(ui, &context, args))
        }
        Command::Query(args) => {
            let context = Context::load(ui, flags)?.with_tape(ui)?;
            block_on(query::run(ui, &context, args))
        }
        Command::Chat(args) => {
            let context = Context::load(ui, flags)?.with_tape(ui)?;
            block_on(chat::run(ui, context, args))
        }
        Command::Explain(args) => {
            let context = Context::load(ui, flags)?.with_tape(ui)?;
            block_on(explain::run(ui, &context, args))
        }
        Command::Eval(args) => {
            let context = Context::load(ui, flags)?.with_tape(ui)?;
            block_on(eval::run(ui, &context, args, format))
        }
        Command::Trace(args) => {
            let context = Context::load(ui, flags)?;
            trace::run(ui, &context, args)
        }
        Command::Show(args) => {
            let context = Context::load(ui, flags)?;
            block_on(show::run(ui, &context, &args))
        }
        Command::Status(args) => {
            let context = Context::load(ui, flags)?;
            block_on(status::run(ui, &context, args))
        }
        Command::Doctor(_) => {
            let context = Context::load(ui, flags)?;
            block_on(doctor::run(ui, &context))
        }
        Command::Config(args) => config::run(ui, flags, args),
        Command::Schema(args) => {
            ui.data(&format!("{}\n", ui::json::schema(args.output)))?;
            Ok(Exit::Done)
        }
        Command::Completions(args) => completions::run(ui, args),
    }
}

/// One thread drives a command; what blocks or computes goes to the blocking pool.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Backend, format!("cannot start: {error}")))?;
    let result = runtime.block_on(future);
    // A parser or a name look-up that hangs may not hold up the end.
    runtime.shutdown_background();
    result
}

/// The question of `search` and `query`: what was typed, or standard input.
fn question(typed: &[String]) -> Result<String, Failure> {
    let joined = typed.join(" ");
    let from_stdin = joined.is_empty() || joined == "-";
    if joined.is_empty() && io::IsTerminal::is_terminal(&io::stdin()) {
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

/// Ctrl-C asks the flow to stop; a second one leaves at once, which loses nothing that was
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
        // Kept alive for those who wait on it.
        std::future::pending::<()>().await;
    });
    (cancel, listening)
}
