//! A collection in a file: from one machine to another, from one store to the other and back.
//!
//! | what is imported | where the collection is | exit |
//! | --- | --- | --- |
//! | what was exported | not there | 0 |
//! | | there | 3; with `--replace` in its place, 0 |
//! | | another project's, or shared | 3 |
//! | something else, or not as it was | anywhere | 3, and nothing is changed |
//! | no file | anywhere | 2 |

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::env::{Run, TestEnv, interrupt};
use crate::kill::{Dice, number};
use crate::openai::ScriptedServer;
use crate::qdrant::{Script, ScriptedQdrant};

pub(crate) const FILE: &str = "handbook.index";
pub(crate) const EXPORT: &[&str] = &["index", "export", FILE];
pub(crate) const IMPORT: &[&str] = &["index", "import", FILE];
pub(crate) const REPLACE: &[&str] = &["index", "import", FILE, "--replace"];

/// A machine that built a collection of the samples and exported it.
pub(crate) fn built() -> TestEnv {
    let env = TestEnv::with_samples();
    env.write("sample-docs/broken.pdf", "%PDF-1.4 not really");
    env.run(&["ingest", "sample-docs"]).expect(5);
    env.run(EXPORT).expect(0);
    env
}

/// Another one, which has the file and nothing else.
fn with_file_of(other: &TestEnv) -> TestEnv {
    let env = TestEnv::new();
    fs::copy(other.path(FILE), env.path(FILE)).expect("a copy");
    env
}

pub(crate) fn on_server(mut env: TestEnv, server: &ScriptedQdrant) -> TestEnv {
    env.set("QDRANT_URL", &server.url())
        .set("DOCENT_ATTEMPTS", "1")
        .set("DOCENT_QDRANT_RETRY_FOR", "1s");
    env
}

/// What was asked, and the place and score of each hit.
pub(crate) type Found = Vec<(String, Vec<(String, f64)>)>;

/// What is found in every mode.
pub(crate) fn found(env: &TestEnv) -> Found {
    let mut found = Vec::new();
    for mode in ["sparse", "dense", "hybrid"] {
        for question in [
            "How long are ledger backups kept?",
            "what does LGR-4012 mean",
            "who may restore a backup",
            "deploy",
        ] {
            let args = ["search", question, "--mode", mode, "-k", "8", "--format", "json"];
            let json = env.run(&args).expect(0).json();
            let hits = json["hits"].as_array().expect("hits").iter();
            let hits = hits.map(|hit| {
                let place = format!("{} {}", hit["citation"], hit["headings"]);
                (place, hit["score"].as_f64().expect("a score"))
            });
            found.push((format!("{mode}: {question}"), hits.collect()));
        }
    }
    found
}

/// The same hits with the same scores, and so in the same order. The engine adds up the terms of a
/// question in an order that depends on the order in which chunks were stored: the last digit may
/// differ, and which of those comes first that are equal; of those at the end, some may be left out.
#[track_caller]
pub(crate) fn assert_found_alike(one: &Found, other: &Found) {
    const CLOSE: f64 = 1e-5;
    for ((asked, one), (_, other)) in one.iter().zip(other) {
        assert!(!one.is_empty(), "{asked}");
        assert_eq!(one.len(), other.len(), "{asked}");
        let last = one.last().expect("a hit").1;
        for (index, (place, score)) in one.iter().enumerate() {
            assert!((score - other[index].1).abs() < CLOSE, "{asked}: {one:#?} {other:#?}");
            let same = |hit: &&(String, f64)| hit.0 == *place && (hit.1 - score).abs() < CLOSE;
            let is_there = other.iter().any(|hit| same(&hit)) || score - last < CLOSE;
            assert!(is_there, "{asked}: {place} {score}: {other:#?}");
        }
    }
}

/// Stored documents and failures, without their owners.
pub(crate) fn records(env: &TestEnv) -> (Value, Value, Value) {
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let without = |field: &str| {
        let mut records = status[field].clone();
        for record in records.as_array_mut().expect("a list") {
            record.as_object_mut().expect("an object").remove("project");
        }
        records
    };
    let mut manifest = status["manifest"].clone();
    manifest.as_object_mut().expect("a manifest").remove("owner");
    (without("records"), without("failures"), manifest)
}

#[test]
fn another_machine_finds_the_same_without_the_sources() {
    let ci = built();
    let json = [EXPORT, &["--format", "json"]].concat();
    let exported = ci.run(&json).expect(0).json();
    let machine = with_file_of(&ci);
    let imported = machine.run(&[IMPORT, &["--format", "json"]].concat()).expect(0).json();
    assert_eq!(imported, exported);
    assert_eq!(imported["bytes"], fs::metadata(machine.path(FILE)).expect("a file").len());
    assert_eq!(imported["failures"], 1);
    let file = fs::read(machine.path(FILE)).expect("a file");
    let said = format!("sha256 {}\n", imported["digest"].as_str().expect("a digest"));
    assert!(file.ends_with(said.as_bytes()));

    assert_found_alike(&found(&machine), &found(&ci));
    assert_eq!(records(&machine), records(&ci));
    let question = ["query", "How long are ledger backups kept?", "--format", "json"];
    let answers = [&machine, &ci].map(|env| env.run(&question).expect(0).json()["answer"].clone());
    assert_eq!(answers[0], answers[1]);
    machine.run(&["index", "verify"]).expect(0);

    machine.run(&["index", "export", "again.index"]).expect(0);
    assert!(fs::read(machine.path("again.index")).expect("a file") == file, "byte by byte");
    let left: Vec<_> = fs::read_dir(machine.project()).expect("a directory").flatten().collect();
    assert_eq!(left.len(), 3, "the two files and .docent: {left:?}");
}

#[test]
fn through_a_server_and_back() {
    let laptop = built();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let team = on_server(with_file_of(&laptop), &server);
    let into_team = [IMPORT, &["--collection", "team"]].concat();
    team.run(&into_team).expect(0);
    let mut asked = on_server(TestEnv::new(), &server);
    asked.set("DOCENT_COLLECTION", "team");
    assert_found_alike(&found(&asked), &found(&laptop));
    assert_eq!(records(&asked), records(&laptop));

    asked.run(EXPORT).expect(0);
    let back = with_file_of(&asked);
    back.run(IMPORT).expect(0);
    assert_found_alike(&found(&back), &found(&laptop));
    assert_eq!(records(&back), records(&laptop));

    // From one server to another.
    let other = ScriptedQdrant::start(Script::new("1.18.3", []));
    let moved = on_server(with_file_of(&asked), &other);
    moved.run(&into_team).expect(0);
    let mut asked = on_server(TestEnv::new(), &other);
    asked.set("DOCENT_COLLECTION", "team");
    assert_found_alike(&found(&asked), &found(&laptop));
}

#[test]
fn what_is_there_is_replaced_when_that_is_asked_for() {
    let ci = built();
    let machine = with_file_of(&ci);
    machine.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    machine.run(&["ingest", "docs"]).expect(0);
    let refused = machine.run(IMPORT).expect(3);
    assert!(refused.stderr.contains("already exists"), "{refused}");
    assert!(refused.stderr.contains("--replace"), "{refused}");
    assert!(machine.run(&["search", "ferry", "-k", "1"]).expect(0).stdout.contains("nine"));
    machine.run(&[IMPORT, &["--collection", "beside"]].concat()).expect(0);
    machine.run(REPLACE).expect(0);
    assert_found_alike(&found(&machine), &found(&ci));
    let verified = machine.run(&["index", "verify"]).expect(0);
    assert!(verified.stdout.starts_with("docent@v2 is whole"), "{verified}");
    // It is updated like any collection.
    let there = TestEnv::with_samples();
    fs::copy(ci.path(FILE), there.path(FILE)).expect("a copy");
    there.run(IMPORT).expect(0);
    there.write("sample-docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let args = ["ingest", "sample-docs", "--checksum", "--allow-prune", "--format", "json"];
    let report = there.run(&args).expect(0).json();
    assert_eq!([&report["added"], &report["changed"], &report["embedded"]], [1, 0, 1]);
}

#[test]
fn a_pipe_carries_it() {
    let ci = built();
    let args = ["index", "export", "-"];
    let output = ci.command(&args).output().expect("docent runs");
    assert!(output.status.success());
    assert!(output.stdout == fs::read(ci.path(FILE)).expect("a file"), "nothing but the file");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("exported docent: "), "{said}");
    let machine = TestEnv::new();
    let args = ["index", "import", "-", "--format", "json"];
    let imported = machine.run_with_input(&args, &output.stdout).expect(0).json();
    assert_eq!(imported["file"], Value::Null);
    assert_found_alike(&found(&machine), &found(&ci));
    // The reader is gone, which is not an error.
    let mut child = ci.command(&["index", "export", "-"]).spawn().expect("docent starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("an end").success());
}

/// The words of a question need no model; its vector needs the one that built the collection.
#[test]
fn without_a_key_its_words_are_found() {
    let model = ScriptedServer::start();
    let mut ci = TestEnv::new();
    ci.set("OPENAI_BASE_URL", &model.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    ci.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    ci.run(&["ingest", "docs"]).expect(0);
    ci.run(EXPORT).expect(0);
    let asked = model.requests().len();
    let machine = with_file_of(&ci);
    let imported = machine.run(IMPORT).expect(0);
    assert!(imported.stderr.contains("--embedder openai:m"), "{imported}");
    let args = ["search", "ferry", "--mode", "sparse", "--embedder", "openai:m"];
    let found = machine.run(&args).expect(0);
    assert!(found.stdout.contains("nine"), "{found}");
    assert_eq!(model.requests().len(), asked, "no model was asked");
}

#[test]
fn an_import_that_is_interrupted_leaves_nothing() {
    let ci = built();
    let file = fs::read(ci.path(FILE)).expect("a file");
    let machine = TestEnv::new();
    let args = ["index", "import", "-"];
    let mut child = machine.command(&args).stdin(Stdio::piped()).spawn().expect("docent starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // More than the pipe holds: what is written was read, but for that.
    stdin.write_all(&file[..file.len() - 100]).expect("a pipe");
    let version = machine.path(".docent/collections/docent@v1");
    let started = Instant::now();
    while !version.exists() && started.elapsed() < Duration::from_mins(1) {
        std::thread::yield_now();
    }
    interrupt(&child);
    let status = child.wait().expect("an end");
    drop(stdin);
    assert_eq!(status.code(), Some(130));
    assert!(!machine.path(".docent/collections").exists());
    machine.write(FILE, &file);
    machine.run(IMPORT).expect(0);
}

/// `DOCENT_TEST_KILLS` as in [`crate::kill`].
#[test]
fn an_import_that_is_killed_leaves_what_was_there_and_begins_anew() {
    let kills = number("DOCENT_TEST_KILLS").unwrap_or(8);
    let mut dice = Dice(number("DOCENT_TEST_SEED").unwrap_or(1));
    let ci = built();
    let expected = found(&ci);
    let machine = with_file_of(&ci);
    let mut whole = Duration::from_millis(400);
    for round in 0..kills {
        let replaces = round % 2 == 1;
        if !replaces {
            let _ = fs::remove_dir_all(machine.path(".docent"));
        }
        let micros = whole.as_micros() as u64;
        let mut child = machine.command(REPLACE).spawn().expect("docent starts");
        std::thread::sleep(Duration::from_micros(dice.below(micros.max(1))));
        child.kill().expect("a kill");
        child.wait().expect("an end");
        let verified = machine.run(&["index", "verify"]);
        match verified.code {
            Some(0) => assert_found_alike(&found(&machine), &expected),
            _ => assert!(is_missing(&verified) && !replaces, "round {round}: {verified}"),
        }
        let started = Instant::now();
        machine.run(REPLACE).expect(0);
        whole = started.elapsed();
        assert_found_alike(&found(&machine), &expected);
        let collections = fs::read_dir(machine.path(".docent/collections")).expect("collections");
        let names = collections.flatten().map(|entry| entry.file_name());
        let versions = names.filter(|name| name.to_string_lossy().contains("@v")).count();
        // The former collection stays, if there was one.
        assert!((1..=2).contains(&versions), "round {round}: {versions}");
    }
}

fn is_missing(run: &Run) -> bool {
    run.code == Some(3) && run.stderr.contains("there is no collection")
}
