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
    assert_run!(env.run(&["query", "--batch", "questions.jsonl"]).expect(2), @r##"
    $ docent query --batch questions.jsonl
    exit 2
    --- stdout
    {"schema_version":1,"id":1,"exit_code":0,"error":null,"answer_id":"[UUID]","question":"When does the ferry leave?","queries":["When does the ferry leave?"],"hypothetical":null,"answer":"The ferry leaves at nine [1].","thinking":null,"no_answer":false,"no_answer_reason":null,"model":"extractive","citations":[{"passage":1,"source":"docs/a.md","citation":"docs/a.md:L1-L3","lines":[1,3],"quote":"The ferry leaves at nine","verified":true,"checks":["quoted","numbers"],"unsupported":[]}],"invalid_citations":[],"uncited_sentences":[],"findings":[],"verification":null,"passages":[{"passage":1,"source":"docs/a.md","citation":"docs/a.md:L1-L3","title":"Ferry","headings":["Ferry"],"text":"# Ferry\n\nThe ferry leaves at nine. It carries bicycles.","score":1.0,"document_hash":"ac2f5aa5b7bd583521f47e2f61c9ddf8b0d0cdc00b511783c9be0b7a7e7a4161","lines":[1,3]}],"nearest":[],"finish_reason":"stop","incomplete":false,"usage":{"prompt_tokens":null,"completion_tokens":null,"cached_tokens":null,"reasoning_tokens":null,"cost":null},"retrieved_ms": [TIME],"first_token_ms": [TIME],"elapsed_ms": [TIME]}
    {"schema_version":1,"id":{"n":2},"exit_code":1,"error":null,"answer_id":"[UUID]","question":"zymurgy xylophone?","queries":["zymurgy xylophone?"],"hypothetical":null,"answer":"","thinking":null,"no_answer":true,"no_answer_reason":"refused","model":"extractive","citations":[],"invalid_citations":[],"uncited_sentences":[],"findings":[],"verification":null,"passages":[{"passage":1,"source":"docs/a.md","citation":"docs/a.md:L1-L3","title":"Ferry","headings":["Ferry"],"text":"# Ferry\n\nThe ferry leaves at nine. It carries bicycles.","score":0.2928571,"document_hash":"ac2f5aa5b7bd583521f47e2f61c9ddf8b0d0cdc00b511783c9be0b7a7e7a4161","lines":[1,3]}],"nearest":[{"source":"docs/a.md","citation":"docs/a.md:L1-L3","title":"Ferry","headings":["Ferry"],"text":"# Ferry\n\nThe ferry leaves at nine. It carries bicycles.","score":0.2928571,"document_hash":"ac2f5aa5b7bd583521f47e2f61c9ddf8b0d0cdc00b511783c9be0b7a7e7a4161","lines":[1,3]}],"finish_reason":"no_answer","incomplete":false,"usage":{"prompt_tokens":null,"completion_tokens":null,"cached_tokens":null,"reasoning_tokens":null,"cost":null},"retrieved_ms": [TIME],"first_token_ms":null,"elapsed_ms": [TIME]}
    {"schema_version":1,"id":4,"exit_code":2,"error":{"message":"line 4 is not JSON: expected ident at line 1 column 2","causes":[],"hint":"write one a line: \"How long?\", or {\"id\": \"q1\", \"question\": \"How long?\"}","exit_code":2}}
    --- stderr
    1 of 3 questions answered
    note: quoted, not generated: no chat model is configured; `docent doctor` shows how to set one
    "##);
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
