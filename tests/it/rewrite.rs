//! `--rewrite`, `--expand` and `--hyde`, end to end against a scripted chat model.

use serde_json::json;

use crate::assert_run;
use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer, event_stream, response};

const QUESTION: &str = "Could you tell me for how long the ledger is saved?";

/// A complete answer of the chat model, for the next request alone.
pub(crate) fn says(text: &str) -> Fault {
    let chunk = |choices, usage| {
        json!({
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted-chat",
            "choices": choices, "usage": usage,
        })
        .to_string()
    };
    let delta = |delta, reason| json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105});
    Fault::Answer(event_stream(&[
        &chunk(delta(json!({"role": "assistant", "content": text}), json!(null)), json!(null)),
        &chunk(delta(json!({}), json!("stop")), json!(null)),
        &chunk(json!([]), usage),
        "[DONE]",
    ]))
}

/// Two documents, and a scripted server that answers about the first.
fn asking() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let server = ScriptedServer::start();
    server.answer(&["For 400 days [1]."]);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

#[test]
fn the_question_is_rewritten_and_the_answer_is_to_the_question() {
    let (env, server) = asking();
    server.push(says("Query: \"retention of ledger backups\""));
    let run = env.run(&["query", "--rewrite", "-v", QUESTION]).expect(0);
    assert!(run.stderr.contains("asking: retention of ledger backups\n"), "{run}");
    assert!(run.stderr.contains("111 tokens in, 6 out"), "the usage of both requests\n{run}");
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let asked = |at: usize| requests[at].body["messages"].to_string();
    assert!(asked(0).contains(QUESTION) && asked(0).contains("do not answer"), "{}", asked(0));
    assert!(asked(1).contains(&format!("Question: {QUESTION}")), "{}", asked(1));

    server.push(says("retention of ledger backups"));
    let run = env.run(&["query", "--rewrite", QUESTION, "--format", "jsonl"]).expect(0);
    let events = run.jsonl();
    assert_eq!(events[0]["event"], "asking");
    assert_eq!(events[0]["queries"], json!(["retention of ledger backups"]));
    let done = &events[events.len() - 1];
    assert_eq!(done["queries"], events[0]["queries"]);
    assert_eq!((&done["question"], &done["hypothetical"]), (&json!(QUESTION), &json!(null)));
}

#[test]
fn other_wordings_find_what_the_question_does_not() {
    let (env, server) = asking();
    let args = ["search", "boat departure", "--mode", "sparse", "--format", "json"];
    assert_eq!(env.run(&args).expect(1).json()["hits"], json!([]));
    server.push(says("1. when does the ferry leave\n2. Ledger retention"));
    let found = env.run(&[&args[..], &["--expand", "2"]].concat()).expect(0).json();
    let queries = ["boat departure", "when does the ferry leave", "Ledger retention"];
    assert_eq!(found["queries"], json!(queries));
    assert_eq!(found["hits"][0]["source"], "docs/ferry.md");
}

#[test]
fn a_made_up_passage_is_what_the_dense_leg_asks_with() {
    let (mut env, server) = asking();
    env.set("DOCENT_EMBEDDER", "openai:scripted-embedding");
    env.set("DOCENT_EMBEDDING_QUERY_PREFIX", "Q: ").set("DOCENT_EMBEDDING_DOCUMENT_PREFIX", "D: ");
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    let before = server.requests().len();
    server.push(says("The ferry leaves\nat ten."));
    let args = ["search", "--hyde", "--mode", "dense", "boat", "--format", "json"];
    let found = env.run(&args).expect(0).json();
    assert_eq!(found["hypothetical"], "The ferry leaves at ten.");
    assert_eq!(found["hits"][0]["source"], "docs/ferry.md");
    assert_eq!(server.requests()[before + 1].inputs(), ["D: The ferry leaves at ten."]);
}

#[test]
fn a_model_that_fails_costs_a_warning() {
    let (env, server) = asking();
    server.push(Fault::Answer(response("500 Internal Server Error", &[], "out of order")));
    assert_run!(env.run(&["search", "--rewrite", "ledger backups", "-k", "1"]).expect(0), @r"
    $ docent search --rewrite ledger backups -k 1
    exit 0
    --- stdout
    1. docs/backups.md:L1-L3  1.000  Backups
       # Backups
       Ledger backups are kept for 400 days.

    --- stderr
    warning: the request to the chat model failed (chat endpoint http://127.0.0.1:[PORT]/v1: HTTP 500: out of order); searching for the question as it was typed
    ");
    server.push(says("Here are some:\n\n"));
    let run = env.run(&["query", "--expand", "3", "ledger backups"]).expect(0);
    assert!(run.stderr.contains("warning: the chat model gave no variants"), "{run}");
    server.push(Fault::Stall);
    let args = ["query", "--hyde", "ledger backups", "--timeout", "200ms", "--format", "json"];
    let run = env.run(&args).expect(0);
    assert!(run.stderr.contains("warning") && run.stderr.contains("hypothetical"), "{run}");
    assert_eq!(run.json()["hypothetical"], json!(null));
}

#[test]
fn a_wrong_key_is_for_the_user_to_mend() {
    let (env, server) = asking();
    server.require_key("sk-right");
    let run = env.run(&["search", "--rewrite", "ledger"]).expect(3);
    assert!(run.stderr.contains("refused the key"), "{run}");
}

#[test]
fn without_a_chat_model_it_says_how_to_name_one() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    assert_run!(env.run(&["search", "--rewrite", "--expand", "2", "ferry"]).expect(3), @r"
    $ docent search --rewrite --expand 2 ferry
    exit 3
    --- stdout
    --- stderr
    error: a chat model is needed for --rewrite, --expand, but none is configured
    hint: use --model MODEL with OPENAI_API_KEY, or with --base-url http://localhost:11434/v1 for Ollama; `docent doctor` lists the models that are there
    ");
}

#[test]
fn a_passage_is_nothing_to_the_sparse_leg() {
    assert_run!(TestEnv::new().run(&["search", "--hyde", "--mode", "sparse", "x"]).expect(2), @r"
    $ docent search --hyde --mode sparse x
    exit 2
    --- stdout
    --- stderr
    error: search.hyde needs dense retrieval, but search.mode is sparse
    hint: omit --hyde, or use --mode hybrid or dense
    ");
}
