//! What `docent mcp` takes, compared with the limits of the machine, measured in the same run:
//!
//! ```sh
//! cargo bench --bench mcp
//! ```
//!
//! The collection is made of `sample-docs`. A goal that is missed ends the run with exit code 1. Linux only:
//! memory is read from `/proc`.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use docent::hub::Hub;
use docent::openai::tokens::TokenCounter;
use docent::query::rewrite::Queries;
use docent::record::Recording;
use docent::service::retrieval::{DocumentFilter, RetrievalOverrides};
use docent::service::{Context, Engine};
use docent::settings::{self, Layers};
use serde_json::{Value, json};

const QUESTION: &str = "How long are ledger backups kept?";
const STARTS: usize = 21;
/// Warm searches of each kind, in blocks: if they alternated, both would load the collection again for
/// each search.
const BLOCKS: usize = 6;
const SEARCHES: usize = 50;

/// Clients that search one collection in turn.
const AGENTS: usize = 5;

fn main() -> ExitCode {
    let project = tempfile::tempdir().expect("a directory");
    let dir = project.path();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-docs");
    let ingested = docent(dir, &["ingest", &samples.to_string_lossy()]).output();
    assert!(ingested.expect("docent starts").status.success());

    let (mut versions, mut firsts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        versions.push(timed(|| drop(docent(dir, &["--version"]).output())));
        let began = Instant::now();
        let mut agent = Agent::start(dir);
        agent.request("tools/list", json!({}));
        firsts.push(began.elapsed());
        ends.push(timed(|| agent.end()));
    }
    let mut agent = Agent::start(dir);
    let list = agent.request("tools/list", json!({}));
    let (resident, own) = (agent.memory("VmRSS:"), agent.memory("RssAnon:"));
    let (mut asked, mut bare) = (Vec::new(), Vec::new());
    let (runtime, engine) = (runtime(), engine(dir));
    let params = json!({"name": "search", "arguments": {"query": QUESTION}});
    let found = agent.request("tools/call", params.clone());
    for _ in 0..BLOCKS {
        let mut ask = || drop(agent.request("tools/call", params.clone()));
        ask();
        asked.extend((0..SEARCHES).map(|_| timed(&mut ask)));
        let retrieve = || runtime.block_on(retrieve(&engine));
        retrieve();
        bare.extend((0..SEARCHES).map(|_| timed(retrieve)));
    }
    let mut agents: Vec<Agent> = (0..AGENTS).map(|_| Agent::start(dir)).collect();
    // Another question each time: a serve keeps what it has retrieved.
    let mut by_turns = |kind: &str| -> Vec<Duration> {
        let calls = (0..SEARCHES).flat_map(|round| (0..AGENTS).map(move |at| (round, at)));
        let search = |(round, at): (usize, usize)| {
            let question = format!("{QUESTION} {kind} {round} {at}");
            let params = json!({"name": "search", "arguments": {"query": question}});
            timed(|| drop(agents[at].request("tools/call", params)))
        };
        calls.map(search).collect()
    };
    let mut alone = by_turns("alone");
    let server = Server::start(dir);
    let mut beside = by_turns("beside");
    drop(server);
    let tokens = |value: &Value| TokenCounter::of("gpt-4o").count(&value.to_string()) as f64;
    let met = [
        row("first answer of tools/list, of --version", ratio(&mut firsts, &mut versions), 3.0),
        row("end after the input, seconds", median(&mut ends), 1.0),
        row("a warm search, of the library's", ratio(&mut asked, &mut bare), 1.3),
        row("the difference, in milliseconds", 1e3 * (median(&mut asked) - median(&mut bare)), 1.0),
        row(
            "a search of one of five agents beside a serve, of one without",
            ratio(&mut beside, &mut alone),
            1.0,
        ),
        row("memory before the first search, MB", resident, 40.0),
        row("of it its own, MB", own, 40.0),
        row("tokens of the list of tools", tokens(&list), 700.0),
        row("tokens of a search", tokens(&found["structuredContent"]), 4_000.0),
    ];
    ExitCode::from(u8::from(met.contains(&false)))
}

fn row(what: &str, value: f64, goal: f64) -> bool {
    println!("{what:60} {value:10.3}  at most {goal}");
    value <= goal
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn ratio(times: &mut [Duration], of: &mut [Duration]) -> f64 {
    median(times) / median(of)
}

fn docent(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
    command.args(args).current_dir(dir).env_clear().env("HOME", dir);
    command
}

/// A `docent mcp` and its client.
struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Agent {
    fn start(dir: &Path) -> Self {
        let mut command = docent(dir, &["mcp"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("docent starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { input: child.stdin.take(), child, output }
    }

    fn request(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{message}\n").as_bytes()).expect("docent reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("docent writes");
        let mut answer: Value = serde_json::from_str(&line).expect("JSON");
        answer["result"].take()
    }

    /// Memory in megabytes.
    fn memory(&self, field: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
    }

    fn end(mut self) {
        drop(self.input.take());
        self.child.wait().expect("docent ends");
    }
}

/// A `docent serve` that listens. Killed when dropped.
struct Server(Child);

impl Server {
    fn start(dir: &Path) -> Self {
        let mut command = docent(dir, &["serve", "--listen", "127.0.0.1:0"]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("docent starts");
        let mut listening = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut listening).expect("it listens");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

fn engine(dir: &Path) -> Engine {
    let context = Context {
        settings: settings::resolve(&Layers(Vec::new()), true).expect("settings"),
        cwd: dir.to_owned(),
        root: dir.to_owned(),
        data_dir: dir.join(".docent"),
        outside: Vec::new(),
        sites: None,
        project: None,
        user: None,
        tape: Arc::new(Recording::default()),
        hub: Hub::default(),
    };
    Engine::open(context, Arc::new(|_| ())).expect("an engine")
}

/// Searches as the tool does.
async fn retrieve(engine: &Engine) {
    let retriever = engine.retriever().await.expect("a collection");
    let options = engine.retrieve_options(&DocumentFilter::default(), &retriever).await;
    let overrides = RetrievalOverrides { k: Some(7), ..RetrievalOverrides::default() };
    let options = overrides.applied(options.expect("options"));
    let found = retriever.retrieve(&Queries::of(QUESTION), &options).await;
    assert_eq!(found.expect("passages").hits.len(), 7);
}
