//! `docent purge` deletes documents everywhere, and verifies that they are gone.
//!
//! `DOCENT_TEST_KILLS=200 cargo test --release --test it purge` kills more often. Where
//! `DOCENT_TEST_QDRANT_URL` names a server, the same is asked of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::env::{Run, TestEnv};
use crate::kill::{Dice, number};
use crate::openai::ScriptedServer;
use crate::pty::Terminal;
use crate::qdrant::{Script, ScriptedQdrant};

/// Kills of the run that CI makes.
const FEW: u64 = 5;

/// Name of a person who wants to be forgotten.
const SECRET: &str = "Zebediah Quarrelsome-Hutchinson";

fn person(number: u32) -> String {
    format!("# Person {number}\n\n{SECRET} number {number} has the telephone 0{number}71-55512.\n")
}

/// Two versions of a collection with a person in each, and other documents.
fn with_two_versions(env: &TestEnv) {
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry to Elba leaves at seven from the pier.\n");
    env.write("docs/people/1.md", person(1));
    env.run(&["ingest", "docs"]).expect(0);
    env.write("docs/people/2.md", person(2));
    env.write("docs/harbour.md", "# Harbour\n\nThe harbour has two piers and a crane.\n");
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    env.run(&["index", "use", "2"]).expect(0);
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
}

fn purge(env: &TestEnv, args: &[&str]) -> Run {
    env.run(&[&["purge"], args].concat())
}

fn sources(env: &TestEnv, version: &str) -> Vec<String> {
    env.run(&["index", "use", version]).expect(0);
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let rows = status["records"].as_array().expect("documents").iter();
    rows.map(|row| row["source"].as_str().expect("a source").to_owned()).collect()
}

/// Files below a directory that have these bytes.
fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else {
            let bytes = fs::read(&path).expect("a file");
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

fn on_scripted_server() -> (TestEnv, ScriptedQdrant) {
    let mut env = TestEnv::new();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "docent");
    (env, server)
}

#[test]
fn documents_go_from_every_version_and_every_file() {
    let env = TestEnv::new();
    with_two_versions(&env);
    let collections = env.path(".docent/collections");
    assert!(!files_with(&collections, SECRET).is_empty(), "else nothing is shown below");
    let report = everywhere(&env);
    assert_eq!(files_with(&collections, SECRET), Vec::<PathBuf>::new());
    let search = &report["search"];
    assert!(search["samples"].as_u64() > Some(0), "{report}");
    assert!(search["found_before"].as_u64() > Some(0), "{report}");
    assert!(search["bytes"].as_u64() > Some(100_000), "{report}");
}

#[test]
fn the_same_on_a_scripted_server() {
    let (env, server) = on_scripted_server();
    with_two_versions(&env);
    let report = everywhere(&env);
    assert!(report["search"].is_null(), "{report}");
    assert!(report["left"].to_string().contains("the server's own files"), "{report}");
    drop(server);
}

#[test]
fn the_same_on_a_server() {
    let Ok(url) = std::env::var("DOCENT_TEST_QDRANT_URL") else { return };
    let mut env = TestEnv::new();
    let project = format!("purge-{}", std::process::id());
    env.set("QDRANT_URL", &url).set("DOCENT_PROJECT", &project);
    with_two_versions(&env);
    everywhere(&env);
}

fn everywhere(env: &TestEnv) -> Value {
    let plan = purge(env, &["--source", "docs/people", "--dry-run", "--format", "json"]);
    let plan = plan.expect(0).json();
    assert_eq!((&plan["documents"], &plan["dry_run"]), (&json!(2), &json!(true)), "{plan}");
    let rows = plan["versions"].as_array().expect("versions").iter();
    let rows: Vec<_> = rows.map(|row| (row["version"].clone(), row["documents"].clone())).collect();
    assert_eq!(rows, [(json!(1), json!(1)), (json!(2), json!(2)), (json!(3), json!(2))]);
    assert!(env.run(&["search", SECRET]).expect(0).stdout.contains(SECRET));

    let report = purge(env, &["--source", "docs/people", "--yes", "--format", "json"]);
    let report = report.expect(0).json();
    assert_eq!(report["sources"], json!(["docs/people/1.md", "docs/people/2.md"]));
    assert_eq!(report["may_return"], 2, "{report}");
    for (version, left) in [
        ("1", &["docs/ferry.md"][..]),
        ("2", &["docs/ferry.md", "docs/harbour.md"]),
        ("3", &["docs/ferry.md", "docs/harbour.md"]),
    ] {
        assert_eq!(sources(env, version), left, "{version}");
        assert!(!env.run(&["search", SECRET]).stdout.contains(SECRET), "{version}");
        env.run(&["index", "verify"]).expect(0);
    }
    let log = ".docent/changes.jsonl";
    env.run(&["audit", "verify", log]).expect(0);
    let text = fs::read_to_string(env.path(log)).expect("a log");
    assert!(!text.contains(SECRET) && !text.contains("1.md"), "{text}");
    let number = report["noted"].as_u64().expect("a line") as usize;
    let line: Value =
        serde_json::from_str(text.lines().nth(number - 1).expect("it")).expect("JSON");
    assert_eq!((&line["command"], &line["phase"]), (&json!("purge"), &json!("ended")), "{line}");
    assert_eq!((&line["purge"]["documents"], &line["versions"]), (&json!(2), &json!([1, 2, 3])));
    report
}

#[test]
fn nobody_is_asked_in_a_pipe() {
    let env = TestEnv::new();
    with_two_versions(&env);
    for (args, code, said) in [
        (&["--source", "docs/people"][..], 2, "confirm with --yes"),
        (&[], 2, "no condition says which documents"),
        (&["--older-than", "soon", "--yes"], 2, "neither an age nor a time"),
        (&["--source", "{a", "--yes"], 2, "nor a glob"),
    ] {
        let refused = purge(&env, args).expect(code);
        assert!(refused.stderr.contains(said), "{refused}");
    }
    let log = fs::read_to_string(env.path(".docent/changes.jsonl")).expect("a log");
    assert!(!log.contains("purge"), "{log}");
    let nothing = purge(&env, &["--source", "nowhere"]).expect(0);
    assert!(nothing.stdout.contains("no document of"), "{nothing}");
    let none = purge(&TestEnv::new(), &["--source", "docs", "--yes"]).expect(3);
    assert!(none.stderr.contains("there is no collection"), "{none}");
}

#[test]
#[cfg(unix)]
fn whoever_sits_there_is_asked() {
    let env = TestEnv::new();
    with_two_versions(&env);
    for (answer, then) in [("n\r", "nothing was purged"), ("y\r", "purged: 2 documents")] {
        let mut terminal = Terminal::run(&env.command(&["purge", "--source", "docs/people"]));
        terminal.expect("purge 2 documents");
        terminal.expect("[y/N]");
        terminal.send(answer);
        terminal.expect(then);
        terminal.end();
    }
    assert_eq!(sources(&env, "2"), ["docs/ferry.md", "docs/harbour.md"]);
}

#[test]
fn all_conditions_must_hold() {
    let env = TestEnv::new();
    env.write("a.md", "# One\n\nThe first of the pages is short.\n");
    env.write("b.md", "# Two\n\nThe second of the pages is long.\n");
    env.run(&["ingest", "a.md"]).expect(0);
    env.run(&["ingest", "a.md", "b.md", "--new-version", "--tag", "draft"]).expect(0);
    let doomed = |args: &[&str]| {
        let plan = [args, &["--dry-run", "--format", "json"]].concat();
        purge(&env, &plan).expect(0).json()["sources"].clone()
    };
    // A document with the tag in one version is deleted from all.
    assert_eq!(doomed(&["--tag", "draft"]), json!(["a.md", "b.md"]));
    assert_eq!(doomed(&["--tag", "draft", "--source", "b*"]), json!(["b.md"]));
    assert_eq!(doomed(&["--tag", "draft", "--tag", "other"]), json!([]));
    assert_eq!(doomed(&["--older-than", "1h"]), json!([]));
    assert_eq!(doomed(&["--older-than", "2999-01-01", "--source", "a.md"]), json!(["a.md"]));
    let report = purge(&env, &["--tag", "draft", "--source", "a.md", "--yes"]).expect(0);
    assert!(report.stdout.contains("purged: 1 document"), "{report}");
    assert_eq!(sources(&env, "2"), ["b.md"]);
    assert!(sources(&env, "1").is_empty());
    // The next ingest adds files that still exist.
    assert!(report.stdout.contains("1 document will be ingested again"), "{report}");
    env.run(&["ingest", "a.md"]).expect(0);
    assert_eq!(sources(&env, "1"), ["a.md"]);
}

#[test]
fn recordings_records_and_failures_go_with_it() {
    let mut env = TestEnv::new();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_ATTEMPTS", "1");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry to Elba leaves at seven from the pier.\n");
    env.write("docs/people/1.md", person(1));
    env.write("docs/people/empty.md", "");
    env.run(&["ingest", "docs"]).expect(5);
    for (question, of, answer) in [
        ("Who has a telephone?", "docs", "Somebody [1]."),
        ("When does the ferry leave?", "docs/ferry.md", "At seven [1]."),
    ] {
        server.answer(&[answer]);
        let ask = ["query", question, "--source", of, "--model", "scripted-chat"];
        let kept = ["--record", "tape.jsonl", "--trace", "traces/"];
        env.run(&[&ask[..], &kept].concat());
    }
    let traces = || fs::read_dir(env.path("traces")).expect("a directory").count();
    assert_eq!((files_with(&env.project(), SECRET).is_empty(), traces()), (false, 2));
    let args = ["--source", "docs/people", "--yes", "--record", "tape.jsonl", "--trace", "traces/"];
    let report = purge(&env, &[&args[..], &["--format", "json"]].concat()).expect(0).json();
    assert_eq!((&report["documents"], &report["failures"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["elsewhere"][0], json!({ "path": "tape.jsonl", "removed": 1 }), "{report}");
    assert_eq!(report["elsewhere"][1]["removed"], 1, "{report}");
    assert_eq!(traces(), 1);
    fs::remove_dir_all(env.path("docs/people")).expect("removed");
    assert_eq!(files_with(&env.project(), SECRET), Vec::<PathBuf>::new());
    // The other exchange is still replayed.
    let question = "When does the ferry leave?";
    let ask = ["query", question, "--source", "docs/ferry.md", "--model", "scripted-chat"];
    let replayed = env.run(&[&ask[..], &["--replay", "tape.jsonl"]].concat()).expect(0);
    assert!(replayed.stdout.contains("At seven"), "{replayed}");
    env.run(&["ingest", "docs"]).expect(0);
}

#[test]
fn a_run_that_was_cut_off_is_completed_first() {
    let env = TestEnv::new();
    with_two_versions(&env);
    for number in 10..400 {
        env.write(
            &format!("docs/more/{number}.md"),
            format!("# More\n\nNumber {number} of more.\n"),
        );
    }
    let mut dice = Dice(7);
    loop {
        let mut child = env.command(&["ingest", "docs"]).spawn().expect("docent starts");
        std::thread::sleep(std::time::Duration::from_millis(20 + dice.below(400)));
        child.kill().expect("a signal");
        child.wait().expect("an end");
        let status = env.run(&["status", "--format", "json"]).expect(0).json();
        if !status["manifest"]["unfinished"].is_null() {
            break;
        }
        for number in 10..400 {
            env.write(
                &format!("docs/more/{number}.md"),
                format!("Another {}.\n", dice.below(9_999)),
            );
        }
    }
    let refused = purge(&env, &["--source", "docs/people", "--yes"]).expect(1);
    assert!(refused.stderr.contains("complete it with docent ingest"), "{refused}");
    env.run(&["ingest", "docs"]).expect(0);
    purge(&env, &["--source", "docs/people", "--yes"]).expect(0);
}

/// A purge keeps a journal until it is done.
fn has_begun(env: &TestEnv) -> bool {
    let is_it = |name: &str| name.starts_with("purge-") && name.strip_suffix(".json").is_some();
    let mut entries = fs::read_dir(env.path(".docent")).expect("a directory");
    entries.any(|entry| is_it(&entry.expect("an entry").file_name().to_string_lossy()))
}

/// Other documents lose nothing, and the same command completes the purge.
#[test]
fn a_purge_killed_at_any_moment_is_completed_by_the_same_command() {
    let env = TestEnv::new();
    with_two_versions(&env);
    let args = ["purge", "--source", "docs/people", "--yes"];
    let started = std::time::Instant::now();
    env.run(&args).expect(0);
    let whole = started.elapsed().as_micros() as u64;
    let mut dice = Dice(number("DOCENT_TEST_SEED").unwrap_or(1));
    let mut resumed = 0;
    for round in 0..number("DOCENT_TEST_KILLS").unwrap_or(FEW) {
        env.run(&["index", "use", "2"]).expect(0);
        env.run(&["ingest", "docs"]).expect(0);
        assert!(env.run(&["search", SECRET]).expect(0).stdout.contains(SECRET), "{round}");
        let mut child = env.command(&args).spawn().expect("docent starts");
        if round == 0 {
            // One kill comes right after the beginning, so that one purge certainly has to be
            // completed.
            while !has_begun(&env) {
                std::thread::yield_now();
            }
        } else {
            std::thread::sleep(std::time::Duration::from_micros(dice.below(whole)));
        }
        child.kill().expect("a signal");
        child.wait().expect("an end");
        // Questions are answered meanwhile.
        let ferry = env.run(&["search", "When does the ferry leave?", "--mode", "sparse"]);
        assert!(ferry.expect(0).stdout.contains("leaves at seven"), "{round}");
        let completed = env.run(&[&args[..], &["--format", "json"]].concat()).expect(0).json();
        resumed += u64::from(completed["resumed"] == true);
        let collections = env.path(".docent/collections");
        assert_eq!(files_with(&collections, SECRET), Vec::<PathBuf>::new(), "{round}");
        assert!(!has_begun(&env), "{round}");
        for version in ["1", "2", "3"] {
            let left = sources(&env, version);
            assert!(left.contains(&"docs/ferry.md".to_owned()), "{round}: {left:?}");
            assert!(!left.iter().any(|source| source.contains("people")), "{round}: {left:?}");
            env.run(&["index", "verify"]).expect(0);
        }
        env.run(&["audit", "verify", ".docent/changes.jsonl"]).expect(0);
    }
    assert!(resumed > 0, "the first is one that had begun");
}
