//! Several processes and one collection.

use std::fs::File;
use std::process::Child;

use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer};

/// A collection with one document, and an endpoint that embeds it.
fn documents() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

/// An ingest that waits for the endpoint to answer.
fn stalled(env: &TestEnv, server: &ScriptedServer) -> Child {
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let child = env.command(&["ingest", "docs"]).spawn().expect("docent starts");
    server.wait_for_requests(asked + 1);
    child
}

fn end(env: &TestEnv, child: Child) -> Run {
    env.outcome(&["ingest", "docs"], child.wait_with_output().expect("docent ends"))
}

fn found(env: &TestEnv, question: &str) -> String {
    let run = env.run(&["search", question, "--mode", "sparse", "--format", "json"]);
    let hits = run.json()["hits"].as_array().expect("hits").clone();
    hits.iter().map(|hit| hit["text"].as_str().expect("a text")).collect()
}

#[test]
fn a_search_is_answered_while_an_ingest_goes_on() {
    let (env, server) = documents();
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at half past eight.\n");
    env.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    let child = stalled(&env, &server);
    for _ in 0..3 {
        assert!(found(&env, "ferry").contains("at nine"), "as it was before");
    }
    assert_eq!(found(&env, "train"), "");
    let answer = env.run(&["query", "When does the ferry leave?"]).expect(0);
    assert!(answer.stdout.contains("nine"), "{answer}");
    server.release();
    end(&env, child).expect(0);
    let ferry = found(&env, "ferry");
    assert!(ferry.contains("half past eight") && !ferry.contains("nine"), "{ferry}");
    assert!(found(&env, "train").contains("at ten"));
}

#[test]
fn a_second_ingest_is_told_who_is_at_it() {
    let (env, server) = documents();
    env.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    let child = stalled(&env, &server);
    let refused = env.run(&["ingest", "docs", "--wait", "0"]).expect(4);
    let holder = format!(
        "error: collection `docent` is being written by process {} (docent ingest) on host ",
        child.id()
    );
    assert!(refused.stderr.starts_with(&holder), "{refused}");
    assert!(refused.stderr.contains("hint: wait longer with --wait"), "{refused}");
    server.release();
    end(&env, child).expect(0);
}

#[test]
fn a_second_ingest_waits_its_turn() {
    let mut env = TestEnv::new();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.set("DOCENT_WAIT", "1m");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    // Neither has a collection to begin with.
    let first = stalled(&env, &server);
    let mut second = env.command(&["ingest", "docs"]).spawn().expect("docent starts");
    let said = first_line(&mut second);
    let waits = format!(
        "note: waiting: collection `docent` is being written by process {} (docent ingest)",
        first.id()
    );
    assert!(said.starts_with(&waits), "{said}");
    server.release();
    end(&env, first).expect(0);
    let second = end(&env, second).expect(0);
    assert!(second.stdout.starts_with("added 0, changed 0"), "{second}");
}

/// What a process says on stderr first, when it says it.
fn first_line(child: &mut Child) -> String {
    use std::io::Read as _;
    let stderr = child.stderr.as_mut().expect("stderr is piped");
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') && stderr.read(&mut byte).expect("stderr can be read") > 0 {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("output is UTF-8")
}

#[test]
fn an_ingest_that_was_killed_holds_nobody_up() {
    let (env, server) = documents();
    env.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    let mut child = stalled(&env, &server);
    child.kill().expect("a signal");
    child.wait().expect("an end");
    assert!(found(&env, "ferry").contains("at nine"));
    env.run(&["ingest", "docs", "--wait", "0"]).expect(0);
    assert!(found(&env, "train").contains("at ten"));
}

#[test]
fn a_search_says_whom_it_waits_for_and_gives_up() {
    let (env, _server) = documents();
    let lock = env.path(".docent/collections/docent@lock");
    std::fs::write(&lock, "process 7 (docent ingest) on host alpha since 2026-01-01T00:00:00Z")
        .expect("a file");
    env.run(&["search", "ferry"]).expect(0);

    let holder = "process 7 (docent ingest) on host alpha since 2026-01-01T00:00:00Z";
    std::fs::write(&lock, holder).expect("a file");
    let held = File::open(&lock).expect("a file");
    held.lock().expect("a lock");
    let run = env.run(&["search", "ferry", "--wait", "500ms"]).expect(4);
    let busy = format!("collection `docent` is in use by {holder}");
    assert_eq!(run.stderr.lines().next(), Some(format!("note: waiting: {busy}").as_str()), "{run}");
    assert!(run.stderr.contains(&format!("error: {busy}\nhint: ")), "{run}");
    let quiet = env.run(&["search", "ferry", "--wait", "500ms", "--quiet"]).expect(4);
    assert!(quiet.stderr.starts_with("error: "), "{quiet}");
    let json = env.run(&["search", "ferry", "--wait", "500ms", "--format", "json"]).expect(4);
    assert!(json.stderr.starts_with(r#"{"schema_version":1,"note":"waiting: "#), "{json}");
    let soon = env.run(&["search", "ferry", "--wait", "0"]).expect(4);
    assert!(soon.stderr.starts_with("error: "), "{soon}");
    drop(held);
    env.run(&["search", "ferry", "--wait", "0"]).expect(0);
}

#[test]
fn an_ingest_that_never_began_leaves_nothing() {
    let env = TestEnv::new();
    env.run(&["ingest", "no/such/path"]).expect(2);
    assert!(!env.path(".docent").exists());
    env.write("docs/a.md", "# A\n\nText.\n");
    let args = ["ingest", "docs", "--embedder", "openai:m", "--base-url", "http://127.0.0.1:1/v1"];
    let mut unreachable = env.command(&args);
    let unreachable = unreachable.env("DOCENT_ATTEMPTS", "1").output().expect("docent runs");
    env.outcome(&args, unreachable).expect(4);
    assert!(!env.path(".docent").exists());
}

/// An ingest makes progress while others ask all the time.
#[test]
fn many_readers_and_a_writer_get_on() {
    let (env, server) = documents();
    for n in 0..30 {
        env.write(&format!("docs/{n}.md"), format!("# Note {n}\n\nThe ferry carries {n} cars.\n"));
    }
    let child = stalled(&env, &server);
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let args = ["search", "ferry", "--mode", "sparse", "--wait", "1m"];
            env.command(&args).spawn().expect("docent starts")
        })
        .collect();
    server.release();
    end(&env, child).expect(0);
    for reader in readers {
        env.outcome(&["search"], reader.wait_with_output().expect("docent ends")).expect(0);
    }
    assert!(env.run(&["ingest", "docs"]).expect(0).stdout.contains("unchanged 31"));
}

/// Both models make vectors of the same size, so that only the manifest distinguishes them.
#[test]
fn no_question_is_asked_of_the_vectors_of_another_model() {
    let (mut env, server) = documents();
    env.set("DOCENT_MODEL", "scripted-chat");
    server.answer(&["The ferry leaves at nine [1]."]);
    env.write("q.jsonl", "\"When does the ferry leave?\"\n\"Ferry?\"\n\"What leaves at nine?\"\n");
    let args = ["query", "--batch", "q.jsonl", "--concurrency", "1", "--trace", "traces.jsonl"];
    // The first question is on its way into a vector when the collection is rebuilt.
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let child = env.command(&args).spawn().expect("docent starts");
    server.wait_for_requests(asked + 1);
    env.run(&["ingest", "docs", "--rebuild", "--embedder", "openai:n"]).expect(0);
    server.release();
    let run = env.outcome(&args, child.wait_with_output().expect("docent ends")).expect(3);
    let built = "collection `docent` was built with the embedder `openai:n`, and the embedder is";
    assert!(run.stderr.contains(built), "{run}");
    let traces = std::fs::read_to_string(env.path("traces.jsonl")).unwrap_or_default();
    for line in traces.lines() {
        let trace: serde_json::Value = serde_json::from_str(line).expect("a record");
        let answered = trace["retrieved"].as_array().is_some_and(|hits| !hits.is_empty());
        assert!(!answered || trace["collection"]["version"] == 1, "{trace}");
        assert_eq!(trace["models"]["embedder"]["name"], "openai:m");
    }
}
