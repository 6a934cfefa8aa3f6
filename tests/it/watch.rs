//! `docent ingest --watch`: keeps running, and ingests again whenever something changed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::assert_run;
use crate::env::{TestEnv, interrupt};
use crate::openai::{Fault, ScriptedServer, response};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that stays. Killed when dropped.
struct Watching {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Watching {
    fn start(env: &TestEnv, args: &[&str]) -> Self {
        let args = [&["ingest", "--watch"], args].concat();
        let mut child = env.command(&args).spawn().expect("docent starts");
        let stdout = Lines::of(child.stdout.take().expect("stdout is piped"));
        let stderr = Lines::of(child.stderr.take().expect("stderr is piped"));
        Self { child, stdout, stderr }
    }

    /// After the first report, and when it says that it watches.
    fn ready(env: &TestEnv, args: &[&str]) -> Self {
        let mut watching = Self::start(env, args);
        watching.stderr.until("watching ");
        watching.stdout.until("added ");
        watching
    }

    /// The next report.
    #[track_caller]
    fn synced(&mut self, report: &str) {
        let line = self.stdout.until("added ");
        assert!(line.starts_with(report), "{line}");
    }

    fn interrupt(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        interrupt(&self.child);
        self.end()
    }

    /// What it says until it ends by itself.
    fn end(&mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        (self.child.wait().expect("docent ends"), stdout, stderr)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of a stream, as they come.
struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, coming) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                if sender.send(line.expect("output is UTF-8")).is_err() {
                    return;
                }
            }
        });
        Self { coming, seen: Vec::new() }
    }

    /// The next line that starts so.
    #[track_caller]
    fn until(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.starts_with(start) {
                        return line;
                    }
                }
                Err(why) => panic!("no line {start:?} ({why}) after {:#?}", self.seen),
            }
        }
    }

    /// All lines, also those that were waited for.
    #[track_caller]
    fn rest(&mut self) -> Vec<String> {
        loop {
            match self.coming.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return std::mem::take(&mut self.seen),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:#?}", self.seen),
            }
        }
    }
}

/// In one step, as editors save: a single change.
fn save(env: &TestEnv, name: &str, text: &str) {
    let draft = env.home().join("draft");
    fs::write(&draft, text).expect("a file");
    let path = env.path(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::rename(draft, path).expect("a rename");
}

fn found(env: &TestEnv, question: &str) -> String {
    let run = env.run(&["search", question, "--mode", "sparse", "--format", "json"]);
    let hits = run.json()["hits"].as_array().expect("hits").clone();
    hits.iter().map(|hit| hit["text"].as_str().expect("a text")).collect()
}

fn ferry() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env
}

#[test]
fn edits_new_directories_and_deletions_are_synced() {
    let env = ferry();
    let mut watching = Watching::start(&env, &["docs"]);
    watching.synced("added 1, changed 0");
    assert_eq!(watching.stderr.until("watching"), "watching docs (1 directory); Ctrl-C ends it");

    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    watching.synced("added 0, changed 1");
    assert!(found(&env, "ferry").contains("at ten"), "nothing is held between two syncs");

    save(&env, "docs/far/away/train.md", "# Train\n\nThe train leaves at noon.\n");
    watching.synced("added 1, changed 0");
    save(&env, "docs/far/away/bus.md", "# Bus\n\nThe bus leaves at one.\n");
    watching.synced("added 1, changed 0");
    save(&env, "docs/far/away/bus.md", "# Bus\n\nThe bus leaves at two.\n");
    watching.synced("added 0, changed 1");
    fs::rename(env.path("docs/far"), env.path("docs/near")).expect("a rename");
    watching.synced("added 0, changed 0, moved 2");
    save(&env, "docs/near/away/bus.md", "# Bus\n\nThe bus leaves at three.\n");
    watching.synced("added 0, changed 1");

    fs::remove_file(env.path("docs/ferry.md")).expect("a deletion");
    watching.synced("added 0, changed 0, moved 0, deleted 1");
    let (status, _, stderr) = watching.interrupt();
    assert_eq!(status.code(), Some(130), "{stderr:#?}");
    assert_eq!(stderr.len(), 1, "{stderr:#?}");
}

/// The store lies in the tree that is watched, and so does a data directory of another name.
#[test]
fn what_a_sync_writes_leads_to_no_other() {
    for data in [".docent", "data"] {
        let mut env = ferry();
        env.set("DOCENT_DATA_DIR", data);
        // One that is there before does not ignore itself.
        fs::create_dir(env.path("data")).expect("a directory");
        let mut watching = Watching::ready(&env, &[".", "--verbose"]);
        for n in 0..3 {
            save(&env, "docs/ferry.md", &format!("# Ferry\n\nThe ferry leaves at {n}.\n"));
            watching.synced("added 0, changed 1");
            // Each writes into the store too, and takes its time.
            env.run(&["search", "ferry"]).expect(0);
            env.run(&["ingest", "."]).expect(0);
            env.run(&["search", "ferry"]).expect(0);
        }
        fs::remove_file(env.path("docs/ferry.md")).expect("a deletion");
        watching.synced("added 0, changed 0, moved 0, deleted 1");
        let (_, _, stderr) = watching.interrupt();
        let runs = stderr.iter().filter(|line| line.starts_with("store ")).count();
        assert_eq!(runs, 1 + 3 + 1, "{stderr:#?}");
    }
}

#[test]
fn what_is_ignored_leads_to_no_sync() {
    let env = ferry();
    env.write(".gitignore", "target/\n*.log\n");
    env.write(".git/HEAD", "ref: refs/heads/main\n");
    let mut watching = Watching::ready(&env, &[".", "--verbose"]);
    for name in ["target/debug/build.md", "docs/run.log", "docs/.ferry.md.swp", ".git/index"] {
        env.write(name, "text");
    }
    // Takes longer than what would be waited for.
    env.run(&["search", "ferry"]).expect(0);
    env.run(&["search", "ferry"]).expect(0);
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    watching.synced("added 0, changed 1");
    // Until the rules change.
    save(&env, ".gitignore", "*.log\n");
    watching.synced("added 1, changed 0");
    save(&env, "target/debug/build.md", "# Build\n\nIt was built.\n");
    watching.synced("added 0, changed 1");
    let (_, _, stderr) = watching.interrupt();
    let runs = stderr.iter().filter(|line| line.starts_with("store ")).count();
    assert_eq!(runs, 4, "{stderr:#?}");
}

#[test]
fn roots_that_are_replaced_are_watched_on() {
    let env = ferry();
    env.write("notes.txt", "The harbour is closed on Sundays.\n");
    env.write("v1/a.md", "# A\n\nThe first edition.\n");
    env.write("v2/a.md", "# A\n\nThe second edition.\n");
    symlink("v1", env.path("current")).expect("a link");
    let mut watching = Watching::ready(&env, &["docs", "notes.txt", "current", "--allow-prune"]);

    save(&env, "notes.txt", "The harbour is closed on Mondays.\n");
    watching.synced("added 0, changed 1");
    save(&env, "notes.txt", "The harbour is closed on Tuesdays.\n");
    watching.synced("added 0, changed 1");

    // As a checkout does it.
    fs::rename(env.path("docs"), env.home().join("former")).expect("a rename");
    watching.synced("added 0, changed 0, moved 0, deleted 1");
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    watching.synced("added 1, changed 0");
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at eleven.\n");
    watching.synced("added 0, changed 1");

    fs::remove_file(env.path("current")).expect("a deletion");
    symlink("v2", env.path("current")).expect("a link");
    watching.synced("added 1, changed 0");
    save(&env, "v2/a.md", "# A\n\nThe third edition.\n");
    watching.synced("added 0, changed 1");
}

#[test]
fn a_failed_sync_is_told_and_the_next_change_tries_again() {
    let mut env = ferry();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.set("DOCENT_ATTEMPTS", "1");
    let mut watching = Watching::ready(&env, &["docs"]);
    server.keep(Fault::Answer(response("503 Service Unavailable", &[], "down")));
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    assert_eq!(watching.stderr.until("error: "), "error: the embedding endpoint failed");
    let note = watching.stderr.until("note: ");
    assert_eq!(note, "note: still watching: the next change starts another try");
    server.recover();
    save(&env, "docs/train.md", "# Train\n\nThe train leaves at noon.\n");
    watching.synced("added 1, changed 1");
    assert!(found(&env, "ferry").contains("at ten"));

    // A deletion that needs confirmation, until the files are back.
    fs::rename(env.path("docs"), env.path("elsewhere")).expect("a rename");
    assert!(watching.stderr.until("error: ").starts_with("error: docs is gone"));
    watching.stderr.until("note: ");
    fs::rename(env.path("elsewhere"), env.path("docs")).expect("a rename");
    save(&env, "docs/bus.md", "# Bus\n\nThe bus leaves at one.\n");
    watching.synced("added 1, changed 0");

    // A key that is refused is refused again.
    server.require_key("another");
    save(&env, "docs/bus.md", "# Bus\n\nThe bus leaves at two.\n");
    let (status, _, stderr) = watching.end();
    assert_eq!(status.code(), Some(3), "{stderr:#?}");
}

#[test]
fn a_bad_file_is_told_once_and_does_not_end_it() {
    let env = ferry();
    env.write("docs/scan.pdf", "not a PDF");
    let mut watching = Watching::ready(&env, &["docs"]);
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    watching.synced("added 0, changed 1");
    fs::remove_file(env.path("docs/scan.pdf")).expect("a deletion");
    watching.synced("added 0, changed 0, moved 0, deleted 0, unchanged 1, skipped 0, failed 0");
    drop(watching);

    let mut strict = Watching::ready(&env, &["docs", "--fail-fast"]);
    env.write("docs/scan.pdf", "not a PDF");
    let (status, _, stderr) = strict.end();
    assert_eq!(status.code(), Some(5), "{stderr:#?}");
}

/// One object a line and sync, and none for a sync that found nothing to do.
#[test]
fn a_program_reads_a_report_for_each_sync() {
    let env = ferry();
    let mut watching = Watching::start(&env, &["docs", "--format", "jsonl"]);
    let first: serde_json::Value =
        serde_json::from_str(&watching.stdout.until("{")).expect("an object");
    assert_eq!((&first["added"], &first["documents_total"]), (&1.into(), &1.into()));
    // Nothing to do: another time, the same content.
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["search", "ferry"]).expect(0);
    env.run(&["search", "ferry"]).expect(0);
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    let second: serde_json::Value =
        serde_json::from_str(&watching.stdout.until("{")).expect("an object");
    assert_eq!((&second["changed"], &second["schema_version"]), (&1.into(), &1.into()));
    let (status, stdout, stderr) = watching.interrupt();
    assert_eq!((status.code(), stdout.len()), (Some(130), 2), "{stdout:#?}");
    assert_eq!(stderr, Vec::<String>::new());
}

#[test]
fn an_interrupted_sync_stores_what_is_in_flight() {
    let mut env = ferry();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    let watching = Watching::ready(&env, &["docs"]);
    server.push(Fault::Stall);
    let asked = server.requests().len();
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    server.wait_for_requests(asked + 1);
    interrupt(&watching.child);
    server.release();
    let mut watching = watching;
    let (status, _, stderr) = watching.end();
    assert_eq!(status.code(), Some(130), "{stderr:#?}");
    drop(watching);
    env.run(&["ingest", "docs"]).expect(0);
    assert!(found(&env, "ferry").contains("at ten"));
}

/// Without a PATH: what earlier runs ingested.
#[test]
fn the_roots_of_earlier_runs_are_watched() {
    let env = ferry();
    env.write("more/bus.md", "# Bus\n\nThe bus leaves at one.\n");
    env.run(&["ingest", "docs", "more/*.md"]).expect(0);
    fs::create_dir(env.path("sub")).expect("a directory");
    let mut command = env.command(&["ingest", "--watch"]);
    let mut child = command.current_dir(env.path("sub")).spawn().expect("docent starts");
    let stdout = Lines::of(child.stdout.take().expect("stdout is piped"));
    let stderr = Lines::of(child.stderr.take().expect("stderr is piped"));
    let mut watching = Watching { child, stdout, stderr };
    let says = watching.stderr.until("watching ");
    assert_eq!(says, "watching docs more/*.md (2 directories); Ctrl-C ends it");
    watching.synced("added 0, changed 0, moved 0, deleted 0, unchanged 2");
    save(&env, "more/bus.md", "# Bus\n\nThe bus leaves at two.\n");
    watching.synced("added 0, changed 1");
}

#[test]
fn another_ingest_that_takes_its_time_is_waited_for() {
    let mut env = ferry();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    let mut watching = Watching::ready(&env, &["docs", "--wait", "0"]);
    env.write("more/bus.md", "# Bus\n\nThe bus leaves at one.\n");
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let mut other = env.command(&["ingest", "more"]).spawn().expect("docent starts");
    server.wait_for_requests(asked + 1);
    save(&env, "docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    let busy = watching.stderr.until("error: ");
    assert!(busy.contains("is being written by process"), "{busy}");
    // Seen though its directory came while nothing could be synced.
    save(&env, "docs/new/train.md", "# Train\n\nThe train leaves at noon.\n");
    watching.stderr.until("error: ");
    server.release();
    assert!(other.wait().expect("docent ends").success());
    save(&env, "docs/new/train.md", "# Train\n\nThe train leaves at two.\n");
    watching.synced("added 1, changed 1");
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let env = ferry();
    assert_run!(env.run(&["ingest", "--watch", "docs", "https://example.org/"]).expect(2), @r"
    $ docent ingest --watch docs https://example.org/
    exit 2
    --- stdout
    --- stderr
    error: --watch takes files, directories and globs, not a page of the web: https://example.org/
    hint: ingest it separately: docent ingest https://example.org/
    ");
    assert_run!(env.run(&["ingest", "--watch", "--check", "docs"]).expect(2), @r"
    $ docent ingest --watch --check docs
    exit 2
    --- stdout
    --- stderr
    error: the argument '--watch' cannot be used with '--check'

    Usage: docent ingest --watch <PATH|GLOB|URL|->...

    For more information, try '--help'.
    ");
    assert_run!(env.run(&["ingest", "--watch"]).expect(2), @r"
    $ docent ingest --watch
    exit 2
    --- stdout
    --- stderr
    error: no PATH was given, and no earlier run has named one
    hint: docent ingest PATH
    ");
    assert_run!(env.run(&["ingest", "--watch", "dogs"]).expect(2), @r"
    $ docent ingest --watch dogs
    exit 2
    --- stdout
    --- stderr
    error: dogs: no such file or directory
    hint: did you mean docs?
    ");
    let stdin = env.run_with_input(&["ingest", "--watch", "-"], "text").expect(2);
    assert!(stdin.stderr.contains("not standard input"), "{stdin}");
    for flag in ["--dry-run", "--rebuild", "--retry-failed"] {
        env.run(&["ingest", "--watch", flag, "docs"]).expect(2);
    }
    assert!(!env.path(".docent").exists());
}

/// The limits are those of a user namespace of its own, where the system lets users have one.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is not run is not a test that passes")]
fn a_limit_of_the_system_is_told_with_what_to_do() {
    let env = ferry();
    let args = ["ingest", "--watch", "docs"];
    let limited = |limit: &str| {
        let docent = env.command(&args);
        let script = format!("echo 0 > /proc/sys/user/{limit} && exec \"$@\"");
        Command::new("unshare")
            .args(["-Ur", "sh", "-c", &script, "sh"])
            .arg(docent.get_program())
            .args(docent.get_args())
            .current_dir(env.project())
            .env_clear()
            .envs(docent.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .output()
    };
    for limit in ["max_inotify_watches", "max_inotify_instances"] {
        match limited(limit) {
            Ok(output) if output.status.code() == Some(3) => {
                assert_run!(env.outcome(&args, output).expect(3));
            }
            refused => {
                let asked = format!("echo 0 > /proc/sys/user/{limit}");
                let granted = Command::new("unshare").args(["-Ur", "sh", "-c", &asked]).output();
                let granted = granted.is_ok_and(|output| output.status.success());
                assert!(!granted, "{refused:?}");
                eprintln!("NOT RUN: a_limit_of_the_system. No limit can be set here.");
            }
        }
    }
    assert!(!env.path(".docent").exists());
}
