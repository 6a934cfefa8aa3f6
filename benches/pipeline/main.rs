//! What docent takes, compared with the limits of the machine, measured in the same run:
//!
//! ```sh
//! cargo bench --bench pipeline                    # all rows; some ten minutes on two cores
//! cargo bench --bench pipeline -- search version  # these rows
//! cargo bench --bench pipeline -- memory --full   # with a gigabyte of text
//! DOCENT_TEST_QDRANT_URL=http://localhost:6334 cargo bench --bench pipeline -- warm upload  # on a server, too
//! ```
//!
//! Each row of the table is a ratio with its goal. Corpora are generated, always the same; the network
//! is not used. Close other programs: ratios tolerate a slow machine, not a busy one. Linux only:
//! memory is read from `/proc`.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod corpus;
mod engine;
mod http;
mod process;
mod server;
mod upload;
mod warm;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::Endpoint;
use process::{Run, docent, in_turn, median, run};

const QUESTION: &str = "which files are stored when a run was cut off";

/// Sizes at which growth is measured, in chunks.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Concurrent questions to a running process.
const AT_ONCE: [usize; 3] = [1, 8, 64];

/// The largest file that is read without `--full`, in MB.
const LARGEST_FILE: u64 = 64;

/// What an endpoint takes for a request of up to 128 texts.
const ENDPOINT_DELAY: Duration = Duration::from_millis(100);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, shard] = args.as_slice()
        && flag == "--engine-ask"
    {
        return engine::ask(Path::new(shard));
    }
    let full = args.iter().any(|arg| arg == "--full");
    let rows: Vec<&str> =
        args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| rows.is_empty() || rows.contains(&name);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let bench = Bench { dir: dir.path().to_owned(), full };
    println!("| what | takes | limit | ratio | goal | |\n| --- | --- | --- | --- | --- | --- |");
    if wanted("version") {
        bench.version();
    }
    if wanted("ingest") || wanted("search") {
        bench.ingest_and_search(wanted("ingest"), wanted("search"));
    }
    if wanted("endpoint") {
        bench.endpoint();
    }
    if wanted("query") {
        bench.query();
    }
    if wanted("warm") {
        bench.warm();
    }
    if wanted("upload") {
        bench.upload();
    }
    if wanted("beside") {
        bench.beside();
    }
    if wanted("unchanged") {
        bench.unchanged();
    }
    if wanted("memory") {
        bench.memory();
    }
    if wanted("pdf") {
        bench.pdf();
    }
}

struct Bench {
    dir: PathBuf,
    full: bool,
}

/// A row whose ratio has to be `goal` at most; infinity means that there is no goal.
fn row(what: &str, takes: &str, limit: &str, ratio: f64, goal: f64) {
    let judged = if goal.is_infinite() {
        "|".to_owned()
    } else {
        format!("<= {goal} | {}", if ratio <= goal { "met" } else { "**missed**" })
    };
    println!("| {what} | {takes} | {limit} | {ratio:.2} | {judged} |");
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

/// Questions a second, and what one of them took.
fn warm_rows(what: &str, rate: &warm::Rate, limit: &warm::Rate) {
    let (ours, theirs) = (rate.per_second, limit.per_second);
    row(what, &format!("{ours:.0}"), &format!("{theirs:.0}"), theirs / ours, f64::INFINITY);
    let times = |rate: &warm::Rate| format!("{}, {}", seconds(rate.p50), seconds(rate.p99));
    println!("| the same: p50 and p99 of one | {} | {} | | | |", times(rate), times(limit));
}

/// Number of questions to ask in total.
fn total(at_once: usize) -> usize {
    if at_once == 1 { 1_000 } else { 4_000 }
}

/// How the second value grows with the first: 1 is proportional.
fn growth(what: &str, points: &[(f64, f64)]) {
    let pairs = points.windows(2).map(|pair| {
        let ((n, a), (m, b)) = (pair[0], pair[1]);
        format!("{:.2}", (b / a).log(m / n))
    });
    println!(
        "| {what}: growth from each size to the next | {} | | | | |",
        pairs.collect::<Vec<_>>().join(", ")
    );
}

impl Bench {
    /// An empty directory.
    fn fresh(&self, name: &str) -> PathBuf {
        let dir = self.dir.join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).expect("a directory to remove");
        }
        std::fs::create_dir_all(&dir).expect("a directory");
        dir
    }

    fn version(&self) {
        let dir = self.fresh("version");
        std::fs::write(dir.join("empty.rs"), "fn main() {}").expect("a file");
        let compiled = Command::new("rustc").args(["-O", "empty.rs"]).current_dir(&dir).status();
        assert!(compiled.is_ok_and(|status| status.success()), "rustc");
        for flag in ["--version", "--help"] {
            let of_docent = || run(&mut docent(&dir, &[flag])).seconds();
            let (ours, empty) =
                in_turn(101, of_docent, || run(&mut Command::new(dir.join("empty"))).seconds());
            row(
                &format!("`docent {flag}`, against an empty program"),
                &seconds(ours),
                &seconds(empty),
                ours / empty,
                3.0,
            );
        }
    }

    fn ingest_and_search(&self, ingest: bool, search: bool) {
        let (mut of_ingest, mut of_search) = (Vec::new(), Vec::new());
        for size in SIZES {
            let dir = self.fresh("ingest");
            corpus::markdown(&dir.join("docs"), size).expect("a corpus");
            let rounds = if size > 20_000 { 1 } else { 3 };
            let data = dir.join(".docent");
            let takes = || {
                let _ = std::fs::remove_dir_all(&data);
                run(&mut docent(&dir, &["ingest", "docs"])).seconds()
            };
            if ingest {
                let took = self.ingest(&dir, size, rounds, takes);
                of_ingest.push((size as f64, took));
            } else {
                run(&mut docent(&dir, &["ingest", "docs"]));
            }
            if search {
                of_search.push((size as f64, search_of(&dir, size)));
            }
        }
        if ingest {
            growth("ingest", &of_ingest);
        }
        if search {
            growth("search", &of_search);
        }
    }

    fn ingest(
        &self,
        dir: &Path,
        size: usize,
        rounds: usize,
        mut takes: impl FnMut() -> f64,
    ) -> f64 {
        takes();
        let shard = engine::shard_of(&dir.join(".docent"));
        let (config, points) = engine::points(&shard);
        let spare = self.dir.join("engine");
        let limit = || {
            let plain = engine::upsert(&spare, &config, &points, false);
            plain.min(engine::upsert(&spare, &config, &points, true))
        };
        let (took, limit) = in_turn(rounds, takes, limit);
        let what =
            format!("ingest of {size} chunks, against the engine's upsert of the same points");
        row(&what, &seconds(took), &seconds(limit), took / limit, 1.5);
        took
    }

    fn endpoint(&self) {
        for (chunks, delay, rounds) in
            [(10_000, ENDPOINT_DELAY, 3), (40_000, ENDPOINT_DELAY, 1), (10_000, Duration::ZERO, 3)]
        {
            let dir = self.fresh("endpoint");
            corpus::markdown(&dir.join("docs"), chunks).expect("a corpus");
            let endpoint = Endpoint::start(delay);
            let args = ["ingest", "docs", "--embedder", "openai:fake", "--base-url", &endpoint.url];
            let took = median(
                (0..rounds)
                    .map(|_| {
                        let _ = std::fs::remove_dir_all(dir.join(".docent"));
                        endpoint.take();
                        run(&mut docent(&dir, &args)).seconds()
                    })
                    .collect(),
            );
            let bodies = endpoint.take();
            let limit = http::load(&endpoint.url, "/embeddings", &bodies, 4);
            let requests = bodies.len();
            let delay = delay.as_millis();
            let what = format!(
                "{chunks} chunks through an endpoint that takes {delay} ms, {requests} requests, 4 at a time, against a load generator"
            );
            let goal = if delay == 0 { f64::INFINITY } else { 1.0 / 0.9 };
            row(&what, &seconds(took), &seconds(limit), took / limit, goal);
        }
    }

    fn query(&self) {
        let dir = self.fresh("query");
        corpus::markdown(&dir.join("docs"), 10_000).expect("a corpus");
        run(&mut docent(&dir, &["ingest", "docs"]));
        let endpoint = Endpoint::start(Duration::ZERO);
        let query = ["query", QUESTION, "--model", "fake", "--base-url", &endpoint.url];
        run(&mut docent(&dir, &query));
        let bodies = endpoint.take();
        let answer = || run(&mut docent(&dir, &query)).first_byte.as_secs_f64();
        let (asked, found) =
            in_turn(31, answer, || run(&mut docent(&dir, &["search", QUESTION])).seconds());
        let curl = median(
            (0..31).map(|_| http::load(&endpoint.url, "/chat/completions", &bodies, 1)).collect(),
        );
        let added = asked - found - curl;
        let what = "added before the first token of an answer, beside search and the bare request";
        row(what, &seconds(added.max(0.0)), "10 ms", added.max(0.0) / 0.010, 1.0);
    }

    /// Questions through one engine, compared with the engine's own search of the same vectors:
    /// embedded, and on a server if there is one.
    fn warm(&self) {
        const CHUNKS: usize = 100_000;
        let dir = self.fresh("warm");
        corpus::markdown(&dir.join("docs"), CHUNKS).expect("a corpus");
        run(&mut docent(&dir, &["ingest", "docs"]));
        let questions = Arc::new(warm::questions());
        let asks: Arc<Vec<engine::Ask>> =
            Arc::new(questions.iter().map(|question| engine::Ask::of(question)).collect());
        let runtime = warm::runtime();
        let of_docent = |engine: &_, at_once| {
            let done = move |n| n >= total(at_once);
            runtime.block_on(warm::ask(engine, &questions, at_once, 20, done))
        };

        let engine = warm::engine(&dir, &[]);
        let rates = AT_ONCE.map(|at_once| of_docent(&engine, at_once));
        drop(engine);
        let shard = engine::Open::load(&engine::shard_of(&dir.join(".docent")));
        for (at_once, rate) in AT_ONCE.into_iter().zip(rates) {
            let limit = warm::of_threads(&asks, at_once, total(at_once), |ask| shard.ask(ask));
            let what =
                format!("warm questions over {CHUNKS} chunks, {at_once} at a time, a second");
            warm_rows(&what, &rate, &limit);
        }
        drop(shard);

        let Ok(url) = std::env::var(server::URL) else {
            println!(
                "| the same on a Qdrant server: left out, since {} names none | | | | | |",
                server::URL
            );
            return;
        };
        let name = server::name();
        run(&mut docent(&dir, &["ingest", "docs", "--qdrant-url", &url, "--collection", &name]));
        let engine = warm::engine(&dir, &[("qdrant.url", &url), ("collection", &name)]);
        let client = server::Client::new(&url, &name);
        runtime.block_on(client.settled());
        for at_once in AT_ONCE {
            let rate = of_docent(&engine, at_once);
            let (client, asks) = (client.clone(), Arc::clone(&asks));
            let ask = move |number: usize| {
                let (client, asks) = (client.clone(), Arc::clone(&asks));
                async move { client.ask(&asks[number % asks.len()]).await }
            };
            let done = move |n| n >= total(at_once);
            let limit = runtime.block_on(warm::of_tasks(at_once, done, ask));
            let what =
                format!("the same on a Qdrant server, {at_once} at a time, against its client");
            warm_rows(&what, &rate, &limit);
        }
        runtime.block_on(client.remove());
    }

    /// Ingests into the named server.
    fn upload(&self) {
        const CHUNKS: usize = 20_000;
        const ROUNDS: usize = 3;
        let Ok(url) = std::env::var(server::URL) else {
            println!("| upload: left out, since {} names no server | | | | | |", server::URL);
            return;
        };
        let dir = self.fresh("upload");
        corpus::markdown(&dir.join("docs"), CHUNKS).expect("a corpus");
        let runtime = warm::runtime();
        let name = server::name();
        let each = (0..ROUNDS)
            .map(|round| runtime.block_on(upload::both(&url, &format!("{name}-{round}"), &dir)));
        let each: Vec<upload::Took> = each.collect();
        let of = |took: fn(&upload::Took) -> f64| median(each.iter().map(took).collect());
        let (ours, theirs) = (of(|took| took.docent), of(|took| took.client));
        let what = format!(
            "an ingest of {} points into a Qdrant server, against their upload by its client",
            each[0].points
        );
        row(&what, &seconds(ours), &seconds(theirs), ours / theirs, 1.0);
    }

    /// An ingest of ten changed files, alone and beside a process that asks all the time.
    fn beside(&self) {
        let dir = self.fresh("beside");
        corpus::markdown(&dir.join("docs"), 100_000).expect("a corpus");
        run(&mut docent(&dir, &["ingest", "docs"]));
        let mut round = 0;
        let mut ingest = || {
            round += 1;
            for file in 0..10 {
                let text = format!("# Round {round}\n\nFile {file} of round {round}.\n");
                std::fs::write(dir.join(format!("docs/0/{file}.md")), text).expect("a file");
            }
            run(&mut docent(&dir, &["ingest", "docs"])).seconds()
        };
        let alone = median((0..7).map(|_| ingest()).collect());
        let asker = warm::Asker::start(&dir);
        let beside = median((0..7).map(|_| ingest()).collect());
        let asked = asker.stop();
        println!("| questions asked beside it, a second | {:.0} | | | | |", asked.per_second);
        let what =
            "ingest of ten changed files beside a process that asks all the time, against alone";
        row(what, &seconds(beside), &seconds(alone), beside / alone, 2.0);
        let what = "the longest that one of its questions waited, against a second";
        row(what, &seconds(asked.longest), "1 s", asked.longest, 1.0);
    }

    fn unchanged(&self) {
        let dir = self.fresh("unchanged");
        corpus::small_files(&dir.join("docs"), 10_000).expect("a corpus");
        let git = |args: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=b", "-c", "user.email=b@b"]).args(args);
            run(command.current_dir(&dir).env("GIT_CONFIG_GLOBAL", "/dev/null")).seconds()
        };
        for args in [&["init", "-q"][..], &["add", "docs"], &["commit", "-qm", "all"]] {
            git(args);
        }
        run(&mut docent(&dir, &["ingest", "docs"]));
        let again = || run(&mut docent(&dir, &["ingest", "docs"])).seconds();
        let (took, limit) = in_turn(9, again, || git(&["status"]));
        row(
            "10,000 files, nothing changed, against `git status`",
            &seconds(took),
            &seconds(limit),
            took / limit,
            2.0,
        );
    }

    /// As a corpus grows in files of 1 MB, and as one file grows, which is held whole.
    fn memory(&self) {
        let corpora = [100, if self.full { 1_000 } else { 200 }];
        for (label, files, sizes, goal) in [
            ("files of 1 MB", true, corpora, 1.2),
            ("one file", false, [10, LARGEST_FILE], f64::INFINITY),
        ] {
            let runs = sizes.map(|size| self.peak(size << 20, files));
            let [smaller, larger] = &runs;
            let ratio = larger.anonymous as f64 / smaller.anonymous as f64;
            let what = format!(
                "memory of an ingest of {} MB of text in {label}, against {} MB",
                sizes[1], sizes[0]
            );
            row(&what, &megabytes(larger.anonymous), &megabytes(smaller.anonymous), ratio, goal);
            let all: Vec<String> = runs
                .iter()
                .zip(sizes)
                .map(|(run, size)| {
                    format!("{size} MB: {} in {}", megabytes(run.resident), seconds(run.seconds()))
                })
                .collect();
            println!("| the same with mapped files | {} | | | | |", all.join(", "));
        }
    }

    fn peak(&self, size: u64, files: bool) -> Run {
        let dir = self.fresh("memory");
        let docs = dir.join("docs");
        std::fs::create_dir_all(&docs).expect("a directory");
        if files {
            for file in 0..size >> 20 {
                corpus::text(&docs.join(format!("{file}.txt")), 1 << 20, file).expect("a corpus");
            }
        } else {
            corpus::text(&docs.join("all.txt"), size, 1).expect("a corpus");
        }
        // The corpus is up to a paragraph larger than asked for.
        let limit = format!("{}MB", LARGEST_FILE + 1);
        run(&mut docent(&dir, &["ingest", "docs", "--max-file-size", &limit]))
    }

    fn pdf(&self) {
        let dir = self.fresh("pdf");
        corpus::pdfs(&dir.join("docs"), 500).expect("a corpus");
        let took = run(&mut docent(&dir, &["ingest", "docs"])).seconds();
        println!("| 500 PDFs of 4 pages | {} | | | | |", seconds(took));
    }
}

fn search_of(dir: &Path, size: usize) -> f64 {
    let shard = engine::shard_of(&dir.join(".docent"));
    let this = std::env::current_exe().expect("this program");
    let search = || run(&mut docent(dir, &["search", QUESTION, "-k", "1"])).seconds();
    let ask = || {
        let run = run(Command::new(&this).arg("--engine-ask").arg(&shard));
        run.stdout.trim().parse().expect("seconds")
    };
    let (took, limit) = in_turn(15, search, ask);
    let what = format!("search in {size} chunks, a whole process, against opening and one query");
    row(&what, &seconds(took), &seconds(limit), took / limit, 1.3);
    took
}
