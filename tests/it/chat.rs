//! `docent chat` from a pipe: quoting, and against a scripted chat model.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::{Run, TestEnv, interrupt};
use crate::openai::{Fault, ScriptedServer, capture};
use crate::rewrite::says;

const QUESTION: &str = "How long are ledger backups kept?";

/// Documents about backups, and a scripted model that answers about them.
fn generating() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write(
        "docs/backups.md",
        "# Backups\n\n## Retention\n\nLedger backups are kept for 400 days. Staging keeps 14.\n",
    );
    let server = ScriptedServer::start();
    server.answer(&["They are kept for 400 days [1]."]);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

/// Runs a conversation of these lines.
fn chat(env: &TestEnv, flags: &[&str], lines: &[&str]) -> Run {
    let args = [&["chat"], flags].concat();
    env.run_with_input(&args, lines.join("\n") + "\n")
}

/// The messages of a request to the model.
fn told(server: &ScriptedServer, request: usize) -> Vec<(String, String)> {
    let body = &server.requests()[request].body;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let messages = body["messages"].as_array().expect("messages").iter();
    messages.map(|message| (text(&message["role"]), text(&message["content"]))).collect()
}

#[test]
fn quoted_turn_by_turn() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let lines = [QUESTION, "", "Who may restore one?", "zymurgy xylophone?", "/open 1"];
    assert_run!(chat(&env, &[], &lines).expect(1), @r"
    $ docent chat
    exit 1
    --- stdout
    Ledger backups are kept for 400 days [3].
    A restore needs the approval of two operators from the on-call list, and is logged [1].
    [PROJECT]/sample-docs/policies/restore.pdf#page=4
    --- stderr
    note: quoted, not generated: no chat model is configured; `docent doctor` shows how to set one

    [3] sample-docs/handbook/backups.md:L12-L21    Backups > Retention
        “Ledger backups are kept for 400 days”
    7 passages from 4 sources, retrieved in [TIME], first token after [TIME], done after [TIME]

    [1] sample-docs/policies/restore.pdf#page=3    Restore Policy > 4 Approval
        “A restore needs the approval of two operators from the on-call list, and is logged”
    8 passages from 3 sources, retrieved in [TIME], first token after [TIME], done after [TIME]
    8 passages from 4 sources, retrieved in [TIME]
    note: the documents do not answer this
      nearest: sample-docs/policies/restore.pdf#page=4    Restore Policy
      nearest: sample-docs/policies/restore.pdf#page=3    Restore Policy > 4 Approval
      nearest: sample-docs/ops/runbook.rst:L71-L86        Ledger runbook > Restore from a backup
    ");
}

#[test]
fn a_follow_up_without_a_model_is_asked_alone_and_with_the_question_before() {
    let env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine. It carries bicycles.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let lines = [QUESTION, "When does the ferry leave?"];
    let turns = chat(&env, &["--format", "json"], &lines).expect(0).jsonl();
    assert_eq!(turns[0]["queries"], json!([QUESTION]));
    let both = format!("{QUESTION} {}", lines[1]);
    assert_eq!(turns[1]["queries"], json!([lines[1], both]));
    assert_eq!(turns[1]["citations"][0]["source"], "docs/ferry.md");
}

#[test]
fn a_follow_up_is_made_to_stand_alone_and_answered_with_its_history() {
    let (env, server) = generating();
    let first = env.run(&["query", QUESTION]).expect(0);
    let alone = told(&server, 0);
    server.push(says("They are kept for 400 days [1][2], see `a[1]`."));
    server.push(says("how long are staging backups kept"));
    let run = chat(&env, &["-v"], &[QUESTION, "And for staging?"]).expect(0);
    assert!(run.stderr.contains("asking: how long are staging backups kept"), "{run}");
    assert!(run.stdout.ends_with(&first.stdout), "{run}");
    assert_eq!(server.requests().len(), 4);
    assert_eq!(told(&server, 1).len(), alone.len(), "the first turn has no history");

    let rewriting = told(&server, 2);
    assert!(rewriting[1].1.contains(QUESTION) && rewriting[1].1.contains("And for staging?"));
    assert!(rewriting[1].1.contains("They are kept for 400 days, see"), "{rewriting:?}");

    let answering = told(&server, 3);
    let roles: Vec<&str> = answering.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(answering[1].1, QUESTION);
    assert_eq!(answering[2].1, "They are kept for 400 days, see `a[1]`.");
    assert!(answering[3].1.ends_with("Question: And for staging?"), "{answering:?}");
    assert!(answering[3].1.contains("Staging keeps 14."));
}

#[test]
fn history_stays_within_its_share_and_can_be_cleared() {
    let (env, server) = generating();
    server.push(says(&format!("{}[1].", "long ".repeat(500))));
    server.push(says("ledger backups"));
    server.push(says("Short [1]."));
    let lines = [QUESTION, "And then?", "/clear", "Ledger backups?"];
    chat(&env, &["--context-tokens", "1000"], &lines).expect(0);
    let answering = told(&server, 2);
    assert_eq!(answering.len(), 4, "{answering:?}");
    let words = answering[2].1.split_whitespace().count();
    assert!((50..150).contains(&words), "{words}");
    assert_eq!(told(&server, 3).len(), 2, "nothing is left after /clear");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn what_fails_in_one_turn_fails_in_that_turn() {
    let (env, server) = generating();
    server.push(Fault::Answer(capture("ls-ctx.http")));
    let lines = [QUESTION, QUESTION];
    let run = chat(&env, &["--format", "json"], &lines).expect(4);
    let turns = run.jsonl();
    assert_eq!((turns.len(), &turns[0]["turn"]), (1, &json!(2)));
    let error: Value =
        serde_json::from_str(run.stderr.lines().next().expect("an error")).expect("JSON");
    assert_eq!((&error["turn"], &error["error"]["exit_code"]), (&json!(1), &json!(4)));
    server.push(says(docent::query::prompt::REFUSAL));
    chat(&env, &[], &["What is the capital of France?", "/clear", QUESTION]).expect(1);
}

#[test]
fn a_rewriter_that_fails_leaves_the_follow_up_as_it_is() {
    let (env, server) = generating();
    server.push(says("400 days [1]."));
    server.push(Fault::Reset);
    let run = chat(&env, &["-v"], &[QUESTION, "And staging?"]).expect(0);
    assert!(run.stderr.contains("warning: the request to the chat model failed"), "{run}");
    assert!(run.stderr.contains(&format!("asking: {QUESTION} And staging?")), "{run}");
}

#[test]
fn every_event_carries_its_turn() {
    let (env, server) = generating();
    server.push(says("400 days [1]."));
    server.push(says("staging"));
    let lines = [QUESTION, "And staging?", "/sources"];
    let events = chat(&env, &["--format", "jsonl"], &lines).expect(0).jsonl();
    let turns: Vec<u64> = events.iter().filter_map(|event| event["turn"].as_u64()).collect();
    assert_eq!(turns.len(), events.len());
    assert!(turns.is_sorted() && turns.first() == Some(&1) && turns.last() == Some(&2));
    let names = |turn: u64| {
        let of = events.iter().filter(|event| event["turn"] == turn);
        of.filter_map(|event| event["event"].as_str()).collect::<Vec<_>>()
    };
    assert_eq!(names(1), ["retrieved", "delta", "delta", "delta", "citation", "done"]);
    assert_eq!(names(2)[..2], ["asking", "retrieved"]);
    assert_eq!(events[events.len() - 1]["sources"][0]["cited"], true);
}

#[test]
fn commands_from_a_pipe() {
    let (env, server) = generating();
    env.write("there.md", "mine");
    let lines = [
        "/sources",
        "/sorces",
        "/save there.md",
        QUESTION,
        "/save there.md",
        "/save chat.md",
        "/open 1",
        "/open 9",
        "/model other-chat",
        "/clear",
        QUESTION,
        "/model extractive",
        "/clear",
        QUESTION,
        "/quit",
        "never asked",
    ];
    assert_run!(chat(&env, &[], &lines).expect(2));
    assert_eq!(std::fs::read_to_string(env.path("there.md")).expect("a file"), "mine");
    insta::assert_snapshot!(
        "transcript",
        std::fs::read_to_string(env.path("chat.md")).expect("a file")
    );
    let models: Vec<Value> = server.requests().iter().map(|r| r.body["model"].clone()).collect();
    assert_eq!(models, ["scripted-chat", "other-chat"]);
    chat(&env, &[], &[QUESTION, "/save --force there.md"]).expect(0);
    let saved = std::fs::read_to_string(env.path("there.md")).expect("a file");
    assert!(saved.contains(QUESTION), "{saved}");
}

#[test]
fn no_collection_and_no_model_are_said_at_once() {
    let env = TestEnv::new();
    assert_run!(chat(&env, &[], &["anything"]).expect(3), @r"
    $ docent chat
    exit 3
    --- stdout
    --- stderr
    error: there is no collection `docent` in [PROJECT]/.docent/collections/docent
    hint: create it: docent ingest PATH
    ");
    chat(&env, &["--rewrite"], &["anything"]).expect(3);
}

#[test]
fn an_ingest_goes_on_between_two_turns_and_the_next_one_sees_it() {
    let env = TestEnv::new();
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let mut child =
        env.command(&["chat"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("docent");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut ask = |question: &str| {
        writeln!(stdin, "{question}").expect("docent reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("docent answers");
        line
    };
    assert!(ask("When does the ferry leave?").contains("nine"));
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at noon.\n");
    env.run(&["ingest", "docs"]).expect(0);
    assert!(ask("When does the ferry leave?").contains("noon"));
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at midnight.\n");
    env.run(&["ingest", "docs", "--rebuild", "--chunk-tokens", "100"]).expect(0);
    assert!(ask("When does the ferry leave?").contains("midnight"));
    drop(stdin);
    assert_eq!(child.wait().expect("docent ends").code(), Some(0));
}

#[test]
fn ctrl_c_ends_a_conversation_from_a_pipe() {
    let (env, server) = generating();
    let before = server.requests().len();
    server.push(Fault::Stall);
    let mut child = env.command(&["chat"]).stdin(Stdio::piped()).spawn().expect("docent starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    writeln!(stdin, "{QUESTION}").expect("docent reads");
    server.wait_for_requests(before + 1);
    interrupt(&child);
    assert_eq!(child.wait().expect("docent ends").code(), Some(130));
}
