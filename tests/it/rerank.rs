//! Reranking through an endpoint.

use crate::env::TestEnv;
use crate::openai::{Dialect, Fault, ScriptedServer, response};

/// Six documents about ferries, of which the fourth also speaks of tides; and an endpoint.
fn harbour() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    for n in 1..=6 {
        let more = if n == 4 { "The tide turns at noon." } else { "Tickets are sold on board." };
        env.write(
            &format!("docs/{n}.md"),
            format!("# Ferry {n}\n\nThe ferry leaves at {n}. {more}\n"),
        );
    }
    env.run(&["ingest", "docs"]).expect(0);
    let server = ScriptedServer::start();
    server.rerank(Dialect::Jina, "tide");
    env.set("DOCENT_ATTEMPTS", "2");
    (env, server)
}

const QUESTION: &str = "When does the ferry leave?";

#[test]
fn the_best_by_its_scores_comes_first() {
    let (env, server) = harbour();
    for dialect in [Dialect::Jina, Dialect::Tei(4)] {
        server.rerank(dialect, "tide");
        let args = ["search", QUESTION, "--rerank", &server.base_url(), "--format", "json"];
        let found = env.run(&args).expect(0).json();
        assert_eq!(found["hits"][0]["source"], "docs/4.md", "{found:#}");
        assert_eq!(found["hits"][0]["rerank"]["rank"], 1);
        let without = env.run(&["search", QUESTION, "--format", "json"]).expect(0).json();
        assert!(without["hits"][0]["rerank"].is_null());
        assert_ne!(without["hits"][0]["source"], "docs/4.md");
    }
}

#[test]
fn an_answer_is_made_of_what_it_puts_first() {
    let (env, server) = harbour();
    let url = server.base_url();
    let args = ["query", QUESTION, "-k", "1", "--rerank", &url, "--trace", "t.jsonl"];
    let answer = env.run(&[&args[..], &["--format", "json"]].concat()).expect(0).json();
    assert_eq!(answer["passages"][0]["source"], "docs/4.md", "{answer:#}");
    let trace = std::fs::read_to_string(env.path("t.jsonl")).expect("a trace");
    let trace: serde_json::Value = serde_json::from_str(&trace).expect("JSON");
    assert_eq!(trace["models"]["reranker"]["endpoint"], format!("{url}/rerank"));
    assert_eq!(trace["retrieved"][0]["rerank"]["rank"], 1);
    let calls = trace["calls"].as_array().expect("calls");
    let call = calls.iter().find(|call| call["operation"] == "rerank").expect("a call");
    assert!(call["ended"].as_f64() > call["began"].as_f64(), "{call:#}");
}

#[test]
fn a_reranker_that_fails_is_never_passed_over() {
    let (env, server) = harbour();
    let url = server.base_url();
    let search = ["search", QUESTION, "--rerank", &url];
    let query = ["query", QUESTION, "--rerank", &url];
    for (status, code) in [
        ("500 Internal Server Error", 4),
        ("400 Bad Request", 4),
        ("401 Unauthorized", 3),
        ("404 Not Found", 3),
    ] {
        server.keep(Fault::Answer(response(status, &[], r#"{"error": {"message": "no"}}"#)));
        let run = env.run(&search).expect(code);
        assert!(run.stderr.contains("reranker") && run.stdout.is_empty(), "{run}");
        env.run(&query).expect(code);
    }
    server.keep(Fault::Reset);
    let run = env.run(&search).expect(4);
    assert!(run.stderr.contains("after 2 tries"), "{run}");
    let slow = {
        let mut env = env;
        server.keep(Fault::Stall);
        env.set("DOCENT_RERANK_TIMEOUT", "100ms");
        env.run(&search).expect(4)
    };
    assert!(slow.stderr.contains("no answer in 0.1 s"), "{slow}");
}

#[test]
fn its_key_is_its_own_and_is_not_shown() {
    let (mut env, server) = harbour();
    server.require_key("rr-0123456789");
    env.set("OPENAI_API_KEY", "sk-not-for-this").set("DOCENT_RERANK_API_KEY", "rr-0123456789");
    let args = ["search", QUESTION, "--rerank", &server.base_url(), "--verbose"];
    let run = env.run(&args).expect(0);
    assert!(!run.to_string().contains("0123456789"), "{run}");
    env.set("DOCENT_RERANK_API_KEY", "rr-wrong-0123456789");
    let run = env.run(&args).expect(3);
    assert!(run.stderr.contains("DOCENT_RERANK_API_KEY"), "{run}");
    assert!(!run.to_string().contains("0123456789"), "{run}");
}

#[test]
fn a_project_file_gets_no_text_for_a_host_of_its_choice() {
    let (mut env, server) = harbour();
    env.set("DOCENT_RERANK_API_KEY", "rr-0123456789");
    env.write("docent.toml", format!("[rerank]\nwith = \"{}\"\n", server.base_url()));
    let run = env.run(&["search", QUESTION]).expect(3);
    assert!(run.stderr.contains("rerank.with = ") && server.requests().is_empty(), "{run}");
    env.run(&["config", "trust"]).expect(0);
    env.run(&["search", QUESTION]).expect(0);
    assert!(server.requests().last().expect("a request").has_key("rr-0123456789"));
}

#[test]
fn a_recording_answers_for_it() {
    let (env, server) = harbour();
    let url = server.base_url();
    let args = ["search", QUESTION, "--rerank", &url, "--format", "json"];
    let recorded = env.run(&[&args[..], &["--record", "tape.jsonl"]].concat()).expect(0);
    let asked = server.requests().len();
    let replayed = env.run(&[&args[..], &["--replay", "tape.jsonl"]].concat()).expect(0);
    assert_eq!(replayed.stdout, recorded.stdout);
    assert_eq!(server.requests().len(), asked);
    let other = ["search", "tickets", "--rerank", &url, "--replay", "tape.jsonl"];
    let missing = env.run(&other).expect(3);
    assert!(missing.stderr.contains("was not asked about these passages"), "{missing}");
}

#[test]
fn doctor_asks_it() {
    let (mut env, server) = harbour();
    env.set("DOCENT_RERANK", &server.base_url()).set("DOCENT_RERANK_MODEL", "some-reranker");
    let run = env.run(&["doctor"]).expect(0);
    assert!(run.stdout.contains("some-reranker at http://"), "{run}");
    server.keep(Fault::Reset);
    let run = env.run(&["doctor"]).expect(4);
    assert!(run.stdout.contains("failed  reranker"), "{run}");
}
