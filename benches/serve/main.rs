//! What `docent serve` takes, compared with the limits of the machine, measured in the same run:
//!
//! ```sh
//! cargo bench --bench serve                     # all rows; some six minutes on two cores
//! cargo bench --bench serve -- streams idle     # these rows
//! cargo bench --bench serve -- --full           # 100,000 chunks, and a minute of those who leave
//! cargo bench --bench serve -- --quick          # a tenth of the connections
//! ```
//!
//! The server, its model and the load generator are three processes on one machine. Each row is a ratio
//! with its goal; a row that was met before and is now missed by more than half ends the run with exit
//! code 1. Linux only: memory is read from `/proc`. The number of connections is what the limit on open
//! files allows (`ulimit -Hn`), 10,000 at most.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod answers;
mod beside;
mod client;
#[expect(dead_code, reason = "shared with the benchmark `pipeline`, which needs more of it")]
#[path = "../pipeline/corpus.rs"]
mod corpus;
mod model;
mod overload;
#[expect(dead_code, reason = "shared with the benchmark `pipeline`, which needs more of it")]
#[path = "../pipeline/process.rs"]
mod process;
mod retrieval;
mod server;
mod streams;
mod table;
#[expect(dead_code, reason = "shared with the benchmark `pipeline`, which needs more of it")]
#[path = "../pipeline/warm.rs"]
mod warm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use table::Table;

const QUESTION: &str = "which files are stored when a run was cut off";

/// What the rows are measured on.
pub(crate) struct Scene {
    /// A project with a collection.
    dir: PathBuf,
    chunks: usize,
    /// Connections at a time.
    connections: usize,
    full: bool,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.iter().any(|arg| arg == model::FLAG) {
        model::run();
        return ExitCode::SUCCESS;
    }
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let rows: Vec<&str> =
        args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| rows.is_empty() || rows.contains(&name);
    let allowed = allow_connections();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let full = flag("--full");
    let connections = if flag("--quick") { 1_000 } else { 10_000 };
    let scene = Scene::new(dir.path(), full, connections.min(allowed));
    let runtime = warm::runtime();
    let mut table = Table::begin();
    if wanted("retrieval") {
        retrieval::rows(&scene, &runtime, &mut table);
    }
    if wanted("first") {
        runtime.block_on(answers::first_token(&scene, &mut table));
    }
    if wanted("streams") {
        runtime.block_on(streams::answers(&scene, &mut table));
    }
    if wanted("idle") {
        runtime.block_on(streams::idle(&scene, &mut table));
    }
    if wanted("overload") {
        runtime.block_on(overload::rows(&scene, &mut table));
    }
    if wanted("leavers") {
        runtime.block_on(overload::leavers(&scene, &mut table));
    }
    if wanted("beside") {
        beside::rows(&scene, &runtime, &mut table);
    }
    table.end()
}

impl Scene {
    fn new(dir: &Path, full: bool, connections: usize) -> Self {
        let chunks = if full { 100_000 } else { 10_000 };
        corpus::markdown(&dir.join("docs"), chunks).expect("a corpus");
        process::run(&mut process::docent(dir, &["ingest", "docs"]));
        Self { dir: dir.to_owned(), chunks, connections, full }
    }
}

/// How many connections this process and the server may have, which needs two for each answer.
fn allow_connections() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    const OTHERS: u64 = 200;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let files = limit.maximum.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(OTHERS) / 2).unwrap_or(usize::MAX)
}
