//! Each exit code, provoked from the binary. They are part of the contract.

use crate::env::{TestEnv, interrupt};
use crate::openai::{Fault, ScriptedServer};

fn documents() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nThe ferry leaves at nine.\n");
    env
}

#[test]
fn done() {
    let env = documents();
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["search", "ferry"]).expect(0);
    env.run(&["query", "When does the ferry leave?"]).expect(0);
}

#[test]
fn negative() {
    let env = documents();
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["search", "zymurgy", "--mode", "sparse"]).expect(1);
    env.run(&["query", "zymurgy"]).expect(1);
}

#[test]
fn usage() {
    let env = documents();
    env.run(&["ingest"]).expect(2);
    env.run(&["ingest", "absent"]).expect(2);
    env.run(&["search", " "]).expect(2);
    env.run(&["search", "x", "-k", "none"]).expect(2);
    env.run(&["frobnicate"]).expect(2);
}

#[test]
fn config() {
    let env = documents();
    env.run(&["search", "no collection"]).expect(3);
    env.write("docent.toml", "nonsense = 1\n");
    env.run(&["ingest", "docs"]).expect(3);
}

#[test]
fn backend() {
    let mut env = documents();
    env.set("DOCENT_ATTEMPTS", "1").set("DOCENT_QDRANT_RETRY_FOR", "0");
    env.run(&["ingest", "docs", "--qdrant-url", "http://127.0.0.1:1"]).expect(4);
    let args = ["ingest", "docs", "--embedder", "openai:m", "--base-url", "http://127.0.0.1:1/v1"];
    env.run(&args).expect(4);
}

#[test]
fn partial() {
    let env = documents();
    env.write("docs/bad.pdf", "no PDF");
    let run = env.run(&["ingest", "docs", "--quiet"]).expect(5);
    assert!(run.stderr.contains("docs/bad.pdf"), "{run}");
    env.run(&["query", "--from", "docs", "When does the ferry leave?"]).expect(5);
}

#[test]
fn interrupted() {
    let mut env = documents();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.run(&["ingest", "docs"]).expect(0);
    env.write("docs/b.md", "# B\n\nThe train leaves at ten.\n");
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let child = env.command(&["ingest", "docs"]).spawn().expect("docent starts");
    server.wait_for_requests(asked + 1);
    interrupt(&child);
    // What is in flight is finished, and committed.
    server.release();
    let output = child.wait_with_output().expect("docent ends");
    env.outcome(&["ingest", "docs"], output).expect(130);
    env.run(&["ingest", "docs"]).expect(0);
}

#[test]
fn numbers_that_are_none_or_too_small_are_said_to_be_so() {
    let env = TestEnv::new();
    for (args, said) in [
        (&["search", "x", "-k", "-1"][..], "--k: `-1` is not a whole number from 1 to"),
        (&["eval", "c.jsonl", "--baseline", "b", "--max-drop", "a"], "expected a number, such as"),
        (&["eval", "c.jsonl", "-k", "-3"], "expected a whole number of 0 or more"),
        (
            &["ingest", "https://a.example", "--depth", "NaN"],
            "expected a whole number from 0 to 100",
        ),
        (
            &["ingest", "https://a.example", "--depth", "-1"],
            "expected a whole number from 0 to 100",
        ),
    ] {
        let run = env.run(args).expect(2);
        assert!(run.stderr.contains(said) && !run.stderr.contains("tip:"), "{run}");
    }
}
