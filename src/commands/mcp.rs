//! `docent mcp`: offers the documents to agents, over standard input and output.

mod install;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use super::Context;
use crate::cli::{Format, McpArgs, McpCommand};
use crate::error::{Exit, Failure};
use crate::mcp::access::CallCost;
use crate::mcp::local::LocalAccess;
use crate::mcp::protocol::{self, RunningServer};
use crate::mcp::{ServerOffer, tools};
use crate::service::Engine;
use crate::ui::Ui;

/// Threads that answer, and most threads for blocking work and computation: clients start many
/// processes of this command, and forget them.
const THREADS: usize = 2;
const BLOCKING_THREADS: usize = 16;

pub(super) fn run(ui: &mut Ui, context: Context, args: McpArgs) -> Result<Exit, Failure> {
    if let Some(McpCommand::Install(args)) = &args.command {
        return install::run(ui, &context, args);
    }
    // A client reads stderr, if anyone does.
    if ui.format == Format::Text && !io::stderr().is_terminal() {
        ui.format = Format::Jsonl;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Backend, format!("cannot start: {error}")))?;
    let result = runtime.block_on(serve(ui, context, args));
    // The thread that reads standard input would delay the end.
    runtime.shutdown_background();
    result
}

async fn serve(ui: &mut Ui, context: Context, args: McpArgs) -> Result<Exit, Failure> {
    let mut offered = Vec::new();
    for name in &args.tools {
        let tool = tools::named(name.trim()).ok_or_else(|| unknown(name))?;
        if tool.name == tools::SYNC && !args.allow_ingest {
            let problem = "`sync` changes collections, so it is only offered with --allow-ingest";
            return Err(Failure::usage(problem).hint("docent mcp --allow-ingest"));
        }
        offered.push(tool);
    }
    offered.extend(args.allow_ingest.then(|| tools::named(tools::SYNC)).flatten());
    offered.sort_by_key(|tool| tools::TOOLS.iter().position(|known| known.name == tool.name));
    offered.dedup_by_key(|tool| tool.name);
    // An embedded collection is used through a running server: taking turns with it, this process would
    // load the collection for each call. Recordings are made in this process.
    let may_attach = context.settings.qdrant.url.is_none() && context.settings.tape.is_none();
    let server = may_attach.then(|| {
        let digest = context.reading_digest();
        RunningServer::new(context.socket(), &digest, args.result_tokens)
    });
    let engines = super::serve::engines(ui, &context, None)?;
    if offered.iter().any(|tool| tool.work == CallCost::Answer) {
        engines[0].1.check_answering()?;
    }
    let asked = engines.iter().map(|(_, engine)| Arc::clone(engine)).collect();
    tokio::spawn(fetch_models(asked, ui.announcer()));
    let announce = ui.announcer();
    let offer = ServerOffer {
        access: Arc::new(LocalAccess::new(engines, move |warning| announce(warning))),
        tools: offered,
        max_tokens: args.result_tokens.into(),
        server: server.flatten().map(Arc::new),
    };
    if io::stdin().is_terminal() {
        ui.note("waiting for messages of a client, as JSON lines; Ctrl-D ends it");
    }
    let (input, output) = Ui::channel();
    protocol::serve(offer, input, output).await;
    Ok(Exit::Done)
}

/// Fetches models in the background: clients give a server only seconds to answer their first message.
/// A question that needs a model waits for it.
async fn fetch_models(engines: Vec<Arc<Engine>>, announce: impl Fn(&str)) {
    for engine in engines {
        if let Err(failure) = engine.fetch_models().await {
            // A question that needs the model reports the details.
            announce(&failure.message);
        }
    }
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = tools::TOOLS.iter().map(|tool| tool.name).collect();
    Failure::usage(format!("there is no tool `{name}`"))
        .hint(format!("--tools takes {}", known.join(", ")))
}
