//! `docent query --batch`, end to end.

use serde_json::Value;

use crate::assert_run;
use crate::env::{TestEnv, interrupt};
use crate::openai::{Fault, ScriptedServer, capture};

fn ferry() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine. It carries bicycles.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env
}

fn asking_a_model() -> (TestEnv, ScriptedServer) {
    let mut env = ferry();
    let server = ScriptedServer::start();
    server.answer(&["It leaves at nine [1]."]);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    (env, server)
}

/// `id exit_code` of each line.
fn outcomes(rows: &[Value]) -> String {
    let outcome = |row: &Value| format!("{} {}", row["id"], row["exit_code"]);
    rows.iter().map(outcome).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_line_for_each_question() {
    let env = ferry();
    env.write(
        "questions.jsonl",
        "\"When does the ferry leave?\"\n\n{\"id\": {\"n\": 2}, \"question\": \"zymurgy xylophone?\"}\nnonsense\n",
    );
    assert_run!(env.run(&["query", "--batch", "questions.jsonl"]).expect(2));
}

#[test]
fn each_line_is_what_the_question_alone_gives() {
    let env = ferry();
    let question = "When does the ferry leave?";
    let alone = env.run(&["query", question, "--format", "json"]).expect(0).json();
    let input = format!("{{\"id\": \"a\", \"question\": \"{question}\"}}");
    let run = env.run_with_input(&["query", "--batch", "-", "--quiet"], input).expect(0);
    assert_eq!(run.stderr, "");
    let row = &run.jsonl()[0];
    assert_eq!((&row["id"], &row["error"]), (&"a".into(), &Value::Null));
    for (name, value) in alone.as_object().expect("an object") {
        if !name.ends_with("_ms") && name != "answer_id" {
            assert_eq!(&row[name], value, "{name}");
        }
    }
}

#[test]
fn the_order_is_that_of_the_questions_however_long_each_takes() {
    let (env, server) = asking_a_model();
    server.push(Fault::Stall);
    let questions =
        "\"ferry one\"\n\"ferry two\"\n\"ferry three\"\n\"ferry four\"\n\"ferry five\"\n";
    env.write("q.jsonl", questions);
    let args = ["query", "--batch", "q.jsonl", "--concurrency", "3"];
    let child = env.command(&args).spawn().expect("docent starts");
    // The first is not answered before two others have been: they are asked at a time.
    server.wait_for_requests(3);
    server.release();
    let run = env.outcome(&args, child.wait_with_output().expect("docent ends")).expect(0);
    assert_eq!(outcomes(&run.jsonl()), "1 0, 2 0, 3 0, 4 0, 5 0", "{run}");
    assert!(run.stderr.contains("5 of 5 questions answered"), "{run}");
}

#[test]
fn the_worst_outcome_is_the_exit_code() {
    let (env, server) = asking_a_model();
    let ask =
        |input: &str| env.run_with_input(&["query", "--batch", "-", "--concurrency", "1"], input);
    server.push(Fault::Answer(capture("ls-ctx.http")));
    let run = ask("\"ferry\"\n\"ferry\"\n{\"id\": 7}\n").expect(4);
    let rows = run.jsonl();
    assert_eq!(outcomes(&rows), "1 4, 2 0, 7 2", "{run}");
    assert_eq!(rows[0]["error"]["exit_code"], 4);
    server.answer(&["NO_ANSWER"]);
    let run = ask("\"ferry\"\n").expect(1);
    assert_eq!(run.jsonl()[0]["no_answer"], true);
    server.answer(&["It leaves at ten [1]."]);
    env.run_with_input(&["query", "--batch", "-"], "\"ferry\"").expect(0);
    env.run_with_input(&["query", "--batch", "-", "--require-citations"], "\"ferry\"").expect(1);
}

#[test]
fn what_concerns_every_question_ends_it() {
    let (mut env, server) = asking_a_model();
    server.require_key("sk-right");
    env.set("OPENAI_API_KEY", "sk-wrong");
    let args = ["query", "--batch", "-", "--concurrency", "1"];
    let run = env.run_with_input(&args, "\"ferry\"\n".repeat(5)).expect(3);
    assert_eq!(server.requests().len(), 1, "{run}");
    assert_eq!(run.jsonl().len(), 1, "{run}");
    assert!(run.stderr.contains("refused the key"), "{run}");
}

#[test]
fn ctrl_c_keeps_what_is_done() {
    let (env, server) = asking_a_model();
    env.write("q.jsonl", "\"ferry one\"\n\"ferry two\"\n\"ferry three\"\n");
    let args = ["query", "--batch", "q.jsonl", "--concurrency", "1"];
    server.push(Fault::With(vec![]));
    server.push(Fault::Stall);
    let child = env.command(&args).spawn().expect("docent starts");
    server.wait_for_requests(2);
    interrupt(&child);
    let run = env.outcome(&args, child.wait_with_output().expect("docent ends")).expect(130);
    assert_eq!(outcomes(&run.jsonl()), "1 0", "{run}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn wrong_usage() {
    let env = ferry();
    let run = env.run(&["query", "--batch", "none.jsonl"]).expect(2);
    assert!(run.stderr.contains("none.jsonl"), "{run}");
    let run = env.run_with_input(&["query", "--batch", "-"], "\n").expect(2);
    assert!(run.stderr.contains("has no questions"), "{run}");
    env.run(&["query", "--batch", "-", "and a question"]).expect(2);
}
