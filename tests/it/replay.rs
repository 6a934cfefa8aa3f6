//! `--record` and `--replay`: answers of endpoints are recorded, and replayed without them.

use std::path::PathBuf;

use serde_json::Value;

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer, Spoil, event_stream, response};

const QUESTION: &str = "How long are ledger backups kept?";
const KEY: &str = "sk-recorded-0123456789";

/// A project with two documents, and no settings except for the models.
fn project() -> TestEnv {
    let mut env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.set("DOCENT_EMBEDDER", "openai:scripted-embedding").set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    env
}

/// The same with an endpoint that wants a key, and the key.
fn connected() -> (TestEnv, ScriptedServer) {
    let mut env = project();
    let server = ScriptedServer::start();
    server.require_key(KEY);
    server.answer(&["They are kept for 400", " days [", "1", "]."]);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", KEY);
    (env, server)
}

/// Another machine: no key, no endpoint, nothing listens where one would be; and the recording.
fn elsewhere(recorded: &TestEnv) -> TestEnv {
    let mut env = project();
    env.set("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    std::fs::copy(tape(recorded), tape(&env)).expect("a recording");
    env
}

fn tape(env: &TestEnv) -> PathBuf {
    env.path("tape.jsonl")
}

fn kept(env: &TestEnv) -> String {
    std::fs::read_to_string(tape(env)).expect("a recording")
}

/// Runs each command, writing the recording.
fn record(env: &TestEnv, commands: &[&[&str]]) -> Vec<Run> {
    commands.iter().map(|args| env.run(&[args, &["--record", "tape.jsonl"][..]].concat())).collect()
}

fn replay(env: &TestEnv, commands: &[&[&str]]) -> Vec<Run> {
    commands.iter().map(|args| env.run(&[args, &["--replay", "tape.jsonl"][..]].concat())).collect()
}

#[test]
fn a_pipeline_gives_the_same_bytes_without_key_and_endpoint() {
    let commands: &[&[&str]] = &[
        &["ingest", "docs", "--format", "json"],
        &["search", QUESTION, "--format", "json"],
        &["query", QUESTION],
        &["query", QUESTION, "--format", "json"],
        &["query", "When does the ferry leave?", "--format", "jsonl"],
    ];
    let (env, server) = connected();
    let recorded = record(&env, commands);
    drop(server);
    let other = elsewhere(&env);
    for replayed in [replay(&other, commands), replay(&elsewhere(&env), commands)] {
        for (recorded, replayed) in recorded.iter().zip(&replayed) {
            assert_eq!((recorded.code, replayed.code), (Some(0), Some(0)), "{recorded}{replayed}");
            // The second query's times and prompt are its own; it is replayed as the first was.
            if !recorded.args.starts_with("query How long are ledger backups kept? --format json") {
                assert_eq!(recorded.stdout, replayed.stdout);
            }
        }
    }
    let [first, second] = [replay(&other, commands), replay(&other, commands)];
    let printed = |runs: &[Run]| runs[1..].iter().map(|run| run.stdout.clone()).collect::<Vec<_>>();
    assert_eq!(printed(&first), printed(&second), "a replay changes nothing");
}

#[test]
fn a_recording_is_lines_of_json_without_keys() {
    let (env, server) = connected();
    record(&env, &[&["ingest", "docs"], &["query", QUESTION]]);
    // What an endpoint says when it refuses, and what a model may be made to say.
    let echo = format!(r#"{{"error":{{"message":"you sent Bearer {KEY}","code":"500"}}}}"#);
    server.push(Fault::With(Vec::new()));
    server.push(Fault::Answer(response("500 Internal Server Error", &[], &echo)));
    record(&env, &[&["query", "Which key?"]]);
    server.answer(&[KEY, " [1]."]);
    record(&env, &[&["query", "Which key, then?"]]);

    let text = kept(&env);
    assert!(!text.contains(KEY) && !text.contains("0123456789"), "{text}");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["docent_recording"], 1);
    let kinds = lines[1..].iter().filter_map(|line| line["kind"].as_str());
    let exchanges: Vec<&str> = kinds.filter(|kind| *kind != "value").collect();
    assert_eq!(exchanges, ["embedder", "embed", "embed", "chat", "embed", "chat", "embed", "chat"]);
    let chat = lines.iter().find(|line| line["kind"] == "chat").expect("a chat");
    assert_eq!(chat["events"][1]["delta"], " days [");
    assert!(chat["request"]["messages"][1]["text"].as_str().expect("a text").contains(QUESTION));
}

#[test]
fn failures_are_replayed_as_well() {
    let (env, server) = connected();
    server.spoil("ferry", Spoil::Refuse);
    let commands: &[&[&str]] = &[
        &["ingest", "docs"],
        &["query", "What is cut?"],
        &["query", "What is refused?"],
        &["query", "Who has the wrong key?"],
    ];
    let ingested = record(&env, &commands[..1]);
    let event = r#"{"choices":[{"index":0,"delta":{"content":"They are kept"}}]}"#;
    let embedded = || server.push(Fault::With(Vec::new()));
    embedded();
    server.push(Fault::Answer(event_stream(&[event])));
    let cut = record(&env, &commands[1..2]);
    embedded();
    server.push(Fault::Answer(response("400 Bad Request", &[], r#"{"error":"too hot"}"#)));
    let refused = record(&env, &commands[2..3]);
    server.require_key("sk-another");
    let unauthorized = record(&env, &commands[3..]);
    drop(server);

    let recorded = [ingested, cut, refused, unauthorized].concat();
    let codes: Vec<_> = recorded.iter().map(|run| run.code).collect();
    assert_eq!(codes, [Some(5), Some(4), Some(4), Some(3)], "{recorded:#?}");
    for (recorded, replayed) in recorded.iter().zip(replay(&elsewhere(&env), commands)) {
        assert_eq!((recorded.code, &recorded.stdout), (replayed.code, &replayed.stdout));
        let error = |run: &Run| run.stderr.lines().last().map(str::to_owned);
        assert_eq!(error(recorded), error(&replayed), "{recorded}{replayed}");
    }
}

#[test]
fn what_was_not_recorded_is_named() {
    let (env, _server) = connected();
    record(&env, &[&["ingest", "docs"], &["query", QUESTION]]);
    let other = elsewhere(&env);
    replay(&other, &[&["ingest", "docs"]]);
    assert_run!(other.run(&["query", "Who, then?", "--replay", "tape.jsonl"]).expect(3), @r#"
    $ docent query Who, then? --replay tape.jsonl
    exit 3
    --- stdout
    --- stderr
    error: the recording has no answer to this
      caused by: [PROJECT]/tape.jsonl: no vector of openai:scripted-embedding for "Who, then?"
    hint: record what is missing: run the same command with --record [PROJECT]/tape.jsonl instead of --replay [PROJECT]/tape.jsonl
    "#);
    // The same question, and another prompt around it.
    assert_run!(other.run(&["query", QUESTION, "-k", "1", "--replay", "tape.jsonl"]).expect(3), @r#"
    $ docent query How long are ledger backups kept? -k 1 --replay tape.jsonl
    exit 3
    --- stdout
    --- stderr
    error: the recording has no answer to this
      caused by: [PROJECT]/tape.jsonl: scripted-chat was not asked "How long are ledger backups kept?" with this prompt: the documents, the settings or docent have changed
    hint: record what is missing: run the same command with --record [PROJECT]/tape.jsonl instead of --replay [PROJECT]/tape.jsonl
    "#);
    other.write("docs/new.md", "# New\n\nNobody has seen this.\n");
    assert_run!(other.run(&["ingest", "docs", "--replay", "tape.jsonl"]).expect(3), @r#"
    $ docent ingest docs --replay tape.jsonl
    exit 3
    --- stdout
    --- stderr
    error: the recording has no answer to this
      caused by: [PROJECT]/tape.jsonl: no vector of openai:scripted-embedding for "New # New Nobody has seen this."
    hint: record what is missing: run the same command with --record [PROJECT]/tape.jsonl instead of --replay [PROJECT]/tape.jsonl
    "#);
}

#[test]
fn recordings_that_cannot_be_used() {
    let env = project();
    assert_run!(env.run(&["search", "x", "--replay", "none.jsonl"]).expect(3), @r"
    $ docent search x --replay none.jsonl
    exit 3
    --- stdout
    --- stderr
    error: there is no recording [PROJECT]/none.jsonl
    hint: make one: run the same command with --record FILE instead of --replay FILE
    ");
    env.write("notes.txt", "my notes");
    assert_run!(env.run(&["search", "x", "--record", "notes.txt"]).expect(3), @r"
    $ docent search x --record notes.txt
    exit 3
    --- stdout
    --- stderr
    error: [PROJECT]/notes.txt is not a docent recording
    hint: name a file that --record made
    ");
    assert_eq!(std::fs::read_to_string(env.path("notes.txt")).expect("notes"), "my notes");
    env.run(&["search", "x", "--record", "a", "--replay", "b"]).expect(2);
    assert_run!(env.run(&["search", "x", "--record", "none/tape.jsonl"]).expect(3), @r"
    $ docent search x --record none/tape.jsonl
    exit 3
    --- stdout
    --- stderr
    error: [PROJECT]/none/tape.jsonl cannot be used as a recording: No such file or directory (os error 2)
    hint: name a file that can be read and written
    ");
}

#[test]
fn a_killed_run_leaves_a_recording_to_go_on_with() {
    let (env, _server) = connected();
    record(&env, &[&["ingest", "docs"], &["search", QUESTION]]);
    let torn = format!("{}{{\"kind\":\"emb", kept(&env));
    std::fs::write(tape(&env), &torn).expect("a recording");
    let other = elsewhere(&env);
    let replayed = other.run(&["ingest", "docs", "--replay", "tape.jsonl"]).expect(0);
    assert!(replayed.stderr.contains("was cut off"), "{replayed}");
    let recorded = env.run(&["search", "The ferry?", "--record", "tape.jsonl"]).expect(0);
    assert!(recorded.stderr.contains("was cut off"), "{recorded}");
    assert!(kept(&env).lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn the_environment_may_name_it_and_the_project_may_not() {
    let (mut env, server) = connected();
    env.write("docent.toml", "record = \"tape.jsonl\"\n");
    let run = env.run(&["ingest", "docs"]).expect(3);
    assert!(run.stderr.contains("record = tape.jsonl"), "{run}");
    assert!(!tape(&env).exists());
    env.write("docent.toml", "");
    env.run(&["ingest", "docs"]).expect(0);
    env.set("DOCENT_RECORD", "tape.jsonl");
    env.run(&["search", QUESTION]).expect(0);
    drop(server);
    // Flags win over settings.
    env.run(&["search", QUESTION, "--replay", "tape.jsonl"]).expect(0);
    env.set("DOCENT_REPLAY", "tape.jsonl");
    let both = env.run(&["search", QUESTION]).expect(3);
    assert!(both.stderr.contains("record and replay are both set"), "{both}");
}

#[test]
fn models_in_this_process_need_no_recording() {
    let env = TestEnv::new();
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let question = ["query", "--from", "docs", "When does the ferry leave?"];
    let recorded = env.run(&[&question[..], &["--record", "tape.jsonl"]].concat()).expect(0);
    let text = kept(&env);
    assert!(!text.contains("\"embed\"") && !text.contains("\"chat\""), "{text}");
    let replayed = env.run(&[&question[..], &["--replay", "tape.jsonl"]].concat()).expect(0);
    assert_eq!(recorded.stdout, replayed.stdout);
}
