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

const FILE: &str = "handbook.index";
const EXPORT: &[&str] = &["index", "export", FILE];
const IMPORT: &[&str] = &["index", "import", FILE];
const REPLACE: &[&str] = &["index", "import", FILE, "--replace"];

/// A machine that has built a collection of the samples, and exported it.
fn built() -> TestEnv {
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

fn on_server(mut env: TestEnv, server: &ScriptedQdrant) -> TestEnv {
    env.set("QDRANT_URL", &server.url())
        .set("DOCENT_ATTEMPTS", "1")
        .set("DOCENT_QDRANT_RETRY_FOR", "1s");
    env
}

/// Score and place of what is found, in every mode.
fn found(env: &TestEnv) -> Vec<(String, f64)> {
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
            let hits = json["hits"].as_array().expect("hits");
            assert!(!hits.is_empty(), "{question}");
            found.extend(hits.iter().map(|hit| {
                let place = format!("{mode} {question} {}", hit["citation"]);
                (place, hit["score"].as_f64().expect("a score"))
            }));
        }
    }
    found
}

/// What is stored of documents and failures, but for whose it is.
fn records(env: &TestEnv) -> (Value, Value, Value) {
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

/// In the same order, but for what a server makes of a vector, which it makes of unit length again.
fn assert_found_alike(one: &[(String, f64)], other: &[(String, f64)]) {
    let places =
        |found: &[(String, f64)]| found.iter().map(|(place, _)| place.clone()).collect::<Vec<_>>();
    assert_eq!(places(one), places(other));
    for ((place, a), (_, b)) in one.iter().zip(other) {
        assert!((a - b).abs() < 1e-5, "{place}: {a} and {b}");
    }
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

    assert_eq!(found(&machine), found(&ci));
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
    assert!(refused.stderr.contains("there already"), "{refused}");
    assert!(refused.stderr.contains("--replace"), "{refused}");
    assert!(machine.run(&["search", "ferry", "-k", "1"]).expect(0).stdout.contains("nine"));
    machine.run(&[IMPORT, &["--collection", "beside"]].concat()).expect(0);
    machine.run(REPLACE).expect(0);
    assert_eq!(found(&machine), found(&ci));
    let verified = machine.run(&["index", "verify"]).expect(0);
    assert!(verified.stdout.starts_with("docent@v2 is whole"), "{verified}");
    // It goes on as any collection does.
    let there = TestEnv::with_samples();
    fs::copy(ci.path(FILE), there.path(FILE)).expect("a copy");
    there.run(IMPORT).expect(0);
    there.write("sample-docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let args = ["ingest", "sample-docs", "--checksum", "--allow-prune", "--format", "json"];
    let report = there.run(&args).expect(0).json();
    assert_eq!([&report["added"], &report["changed"], &report["embedded"]], [1, 0, 1]);
}

/// What is wrong with a file, and what is said of it.
fn damages(file: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let mut flipped = file.to_vec();
    flipped[file.len() / 2] ^= 0x10;
    let mut summed = file.to_vec();
    let last = summed.len() - 10;
    summed[last] = if summed[last] == b'0' { b'1' } else { b'0' };
    vec![
        (file[..file.len() / 2].to_vec(), "cut off"),
        (file[..file.len() - 1].to_vec(), "cut off"),
        (Vec::new(), "cut off"),
        (flipped, "can't be imported"),
        (summed, "checksum"),
        ([file, b"more"].concat(), "follows its end"),
        (b"# A document\n".to_vec(), "is no index that docent has exported"),
        ([b"docent-index 2\n", &file[15..]].concat(), "format 2"),
    ]
}

#[test]
fn what_is_not_as_it_was_exported_changes_nothing() {
    let ci = built();
    let file = fs::read(ci.path(FILE)).expect("a file");
    let (empty, filled) = (TestEnv::new(), TestEnv::new());
    filled.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    filled.run(&["ingest", "docs"]).expect(0);
    let stream = &["index", "import", "-", "--replace"];
    for (damaged, why) in damages(&file) {
        for env in [&empty, &filled] {
            env.write(FILE, &damaged);
            for run in [env.run(REPLACE), env.run_with_input(stream, &damaged)] {
                let run = run.expect(3);
                assert!(run.stderr.contains(why), "{why}: {run}");
                assert!(run.stderr.contains("nothing was changed"), "{run}");
                assert!(run.stderr.contains("hint: "), "{run}");
            }
        }
        assert!(!empty.path(".docent").exists(), "{why}");
        assert!(filled.run(&["search", "ferry"]).expect(0).stdout.contains("nine"), "{why}");
    }
    let whole = filled.run(&["index", "verify"]).expect(0);
    assert!(whole.stdout.starts_with("docent@v1 is whole"), "{whole}");

    let missing = empty.run(&["index", "import", "no/such.index"]).expect(2);
    assert!(missing.stderr.contains("no/such.index"), "{missing}");
    let directory = empty.run(&["index", "import", "."]).expect(4);
    assert!(directory.stderr.contains("it is no file"), "{directory}");
    let name = empty.run(&[IMPORT, &["--collection", "../docs"]].concat()).expect(2);
    assert!(name.stderr.contains("collection"), "{name}");
}

#[test]
fn what_cannot_be_exported_writes_nothing() {
    let env = TestEnv::new();
    let nothing = env.run(EXPORT).expect(3);
    assert!(nothing.stderr.contains("docent ingest"), "{nothing}");
    assert!(!env.path(FILE).exists());
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    for place in ["docs", "no/such/place.index"] {
        let refused = env.run(&["index", "export", place]).expect(4);
        assert!(refused.stderr.contains(place) && refused.stderr.contains("hint: "), "{refused}");
    }
    // A file that is there stays until the new one is whole, and then goes.
    env.write(FILE, "before");
    env.run(EXPORT).expect(0);
    let written = fs::read(env.path(FILE)).expect("a file");
    assert!(written.starts_with(b"docent-index 1\n"));
}

#[test]
fn a_run_that_was_cut_off_is_not_exported() {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let env = on_server(TestEnv::new(), &server);
    let ingest = ["ingest", "docs", "--collection", "team"];
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&ingest).expect(0);
    env.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    server.script.memory.lock().expect("a memory").refuse_points("team@v1");
    env.run(&ingest).expect(4);
    let refused = env.run(&[EXPORT, &["--collection", "team"]].concat()).expect(1);
    assert!(refused.stderr.contains("was cut off"), "{refused}");
    assert!(!env.path(FILE).exists());
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
    assert_eq!(found(&machine), found(&ci));
    // Who reads has gone: that is no error.
    let mut child = ci.command(&["index", "export", "-"]).spawn().expect("docent starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("an end").success());
}

#[test]
fn what_is_imported_is_the_importers() {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let project = |name: &str, of: TestEnv| {
        let mut env = on_server(of, &server);
        env.set("DOCENT_PROJECT", name).set("DOCENT_COLLECTION", "team");
        env
    };
    let (one, other) = (project("one", TestEnv::new()), project("other", TestEnv::new()));
    one.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    one.run(&["ingest", "docs"]).expect(0);
    one.run(EXPORT).expect(0);
    let file = fs::read(one.path(FILE)).expect("a file");
    other.write(FILE, &file);
    let contents = || server.script.memory.lock().expect("a memory").contents("team");
    let before = contents();
    for args in [IMPORT, REPLACE] {
        let refused = other.run(args).expect(3);
        assert!(refused.stderr.contains("hint: "), "{refused}");
    }
    let refused = other.run(REPLACE).expect(3);
    assert!(refused.stderr.contains("belongs to the project `one`"), "{refused}");
    assert_eq!(contents(), before);

    // Its own, under another name.
    let own = ["--collection", "own"];
    other.run(&[IMPORT, &own].concat()).expect(0);
    let status = other.run(&["status", "--documents", "--format", "json", "--collection", "own"]);
    let status = status.expect(0).json();
    assert_eq!(status["manifest"]["owner"]["project"], "other");
    assert_eq!(status["records"][0]["project"], "other");
    one.run(&[REPLACE, &own].concat()).expect(3);

    // Where others have brought something in, it stays.
    other.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    other.run(&["ingest", "docs", "--share"]).expect(0);
    let refused = one.run(REPLACE).expect(3);
    assert!(refused.stderr.contains("1 documents --replace would leave out"), "{refused}");

    // One of before there were owners is taken up first.
    server.script.memory.lock().expect("a memory").forget_owner("own");
    let refused = other.run(&[REPLACE, &own].concat()).expect(3);
    assert!(refused.stderr.contains("docs/sharing.md"), "{refused}");
    other.run(&[&["index", "adopt"][..], &own].concat()).expect(0);
    other.run(&[REPLACE, &own].concat()).expect(0);
    let names = server.script.memory.lock().expect("a memory").names();
    assert!(names.contains(&"own@v2".to_owned()) && !names.contains(&"own@v1".to_owned()));
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
    while !version.exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
    interrupt(&child);
    let status = child.wait().expect("an end");
    drop(stdin);
    assert_eq!(status.code(), Some(130));
    assert!(!machine.path(".docent").exists());
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
            Some(0) => assert_eq!(found(&machine), expected, "round {round}"),
            _ => assert!(is_missing(&verified) && !replaces, "round {round}: {verified}"),
        }
        let started = Instant::now();
        machine.run(REPLACE).expect(0);
        whole = started.elapsed();
        assert_eq!(found(&machine), expected, "round {round}");
        let collections = fs::read_dir(machine.path(".docent/collections")).expect("collections");
        let names = collections.flatten().map(|entry| entry.file_name());
        let versions = names.filter(|name| name.to_string_lossy().contains("@v")).count();
        assert_eq!(versions, 1, "round {round}");
    }
}

fn is_missing(run: &Run) -> bool {
    run.code == Some(3) && run.stderr.contains("there is no collection")
}
