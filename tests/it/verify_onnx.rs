//! `--verify onnx:DIR`: a model for natural language inference in this process.

use serde_json::{Value, json};

use crate::env::{Run, TestEnv, copy_tree};
use crate::onnx::model;
use crate::openai::ScriptedServer;
use crate::served::{Served, asks};

const QUESTION: &str = "How long are ledger backups kept?";
/// No rule decides these. The second has a word that no passage has.
const ANSWER: &[&str] = &[
    "For ledger backups 400 days is",
    " how long they are kept [1].",
    " Trust is for backups [1].",
];

/// Two documents, a model that answers, and a copy of one that checks.
fn library(name: &str) -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write(
        "docs/backups.md",
        "# Backups\n\nLedger backups are kept for 400 days. This is how long they are kept.\n",
    );
    env.write("docs/restore.md", "# Restore\n\nA restore needs the approval of two operators.\n");
    copy_tree(&model(name), &env.path("models/checker"));
    let chat = ScriptedServer::start();
    chat.answer(ANSWER);
    env.set("OPENAI_BASE_URL", &chat.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    env.set("DOCENT_VERIFY", "onnx:models/checker");
    (env, chat)
}

fn query(env: &TestEnv, more: &[&str]) -> Run {
    env.run(&[&["query", QUESTION, "--format", "json"], more].concat())
}

fn supported(verification: &Value) -> Vec<&Value> {
    let verdicts = verification["verdicts"].as_array().expect("verdicts");
    verdicts.iter().map(|verdict| &verdict["supported"]).collect()
}

#[test]
fn each_claim_has_a_score_and_a_verdict() {
    for name in ["nli", "nli-roberta", "nli-deberta"] {
        let (env, _chat) = library(name);
        let answer = query(&env, &[]).expect(0).json();
        let checked = &answer["verification"];
        assert_eq!(supported(checked), [&json!(true), &json!(false)], "{name}: {checked:#}");
        let verdict = &checked["verdicts"][1];
        assert_eq!(verdict["sentence"], "Trust is for backups.");
        assert_eq!(verdict["citations"], json!([1]));
        assert!(verdict["score"].as_f64().is_some_and(|score| score < 0.5), "{verdict}");
        assert_eq!((&checked["claims"], &checked["unsupported"]), (&json!(2), &json!(1)));
        assert!(checked["elapsed_ms"].is_u64() && checked["failure"].is_null(), "{checked}");
        assert_eq!(
            (&checked["usage"]["prompt_tokens"], &checked["model"]),
            (&Value::Null, &json!("onnx:checker"))
        );
        let finding = &answer["findings"][0];
        assert_eq!(
            (&finding["check"], &finding["sentence"]),
            (&json!("model"), &verdict["sentence"])
        );
        assert_eq!(finding["claimed"], verdict["reason"]);
        assert_eq!(answer["citations"][0]["verified"], false);
        let strict = env.run(&["query", QUESTION, "--require-citations"]).expect(1);
        assert!(strict.stderr.contains("model: the passages do not say it (score 0.0"), "{strict}");
    }
}

#[test]
fn what_contradicts_a_claim_is_shown() {
    let (env, chat) = library("nli");
    chat.answer(&["This is not how long ledger backups are kept for [1]."]);
    let answer = query(&env, &[]).expect(0).json();
    let findings = answer["findings"].as_array().expect("findings");
    let by_model = findings.iter().find(|finding| finding["check"] == "model");
    let by_model = by_model.unwrap_or_else(|| panic!("{answer:#}"));
    assert!(
        by_model["claimed"].as_str().expect("a text").starts_with("the passages contradict it")
    );
    assert_eq!(by_model["instead"], "This is how long they are kept.");
}

#[test]
fn the_threshold_is_a_setting() {
    let (mut env, _chat) = library("nli");
    for (threshold, expected) in
        [("0", [true, true]), ("0.5", [true, false]), ("1", [false, false])]
    {
        env.set("DOCENT_VERIFY_THRESHOLD", threshold);
        let answer = query(&env, &[]).expect(0).json();
        let expected = expected.map(Value::from);
        assert_eq!(
            supported(&answer["verification"]),
            expected.iter().collect::<Vec<_>>(),
            "{threshold}"
        );
    }
    env.set("DOCENT_VERIFY_THRESHOLD", "1.5");
    let wrong = query(&env, &[]).expect(3);
    assert!(
        wrong.stderr.contains("DOCENT_VERIFY_THRESHOLD") && wrong.stderr.contains("0 to 1"),
        "{wrong}"
    );
}

#[test]
fn what_is_wrong_with_the_directory_is_said_before_anything_is_asked() {
    let (env, chat) = library("nli");
    let config = env.path("models/checker/config.json");
    let all = std::fs::read_to_string(&config).expect("a configuration");
    for (text, problem) in [
        (all.replace("ENTAILMENT", "LABEL_1"), "has the unknown label"),
        ("{\"model_type\": \"bert\"}".to_owned(), "does not say what the model's scores mean"),
        ("[".to_owned(), "is not what was expected"),
        (r#"{"id2label": {"0": "supported"}}"#.to_owned(), "gives 3 scores"),
    ] {
        std::fs::write(&config, text).expect("written");
        let run = query(&env, &[]).expect(3);
        assert!(run.stderr.contains("config.json") && run.stderr.contains(problem), "{run}");
        assert!(run.stderr.contains("\"hint\":\""), "{run}");
    }
    std::fs::write(&config, all).expect("written");
    for file in ["config.json", "tokenizer.json", "model.onnx"] {
        let path = env.path("models/checker").join(file);
        let content = std::fs::read(&path).expect("a file");
        std::fs::remove_file(&path).expect("removed");
        let run = query(&env, &[]).expect(3);
        assert!(run.stderr.contains(&format!("{file}: is not there")), "{run}");
        std::fs::write(&path, content).expect("written");
    }
    let none = query(&env, &["--verify", "onnx:nowhere"]).expect(3);
    assert!(none.stderr.contains("nowhere: is not a directory"), "{none}");
    assert!(chat.requests().is_empty());
    // Commands that do not need the model do not read it.
    env.run(&["search", QUESTION, "--format", "json"]).expect(0);
    let doctor = env.run(&["doctor"]);
    assert!(doctor.stdout.contains("onnx:checker"), "{doctor}");
}

#[test]
fn what_the_model_cannot_read_has_no_verdict() {
    let (env, chat) = library("nli");
    let long = format!(
        "They are kept {}for how long [1]. Ledger backups are 400 days kept [1].",
        "for long ".repeat(30)
    );
    chat.answer(&[&long]);
    let answer = query(&env, &[]).expect(0).json();
    let checked = &answer["verification"];
    assert_eq!(supported(checked), [&Value::Null, &json!(true)], "{checked:#}");
    assert_eq!(checked["verdicts"][0]["score"], Value::Null);
    let failure = checked["failure"].as_str().expect("a failure");
    assert!(failure.contains("was not checked: it has") && failure.contains("tokens"), "{failure}");
}

#[test]
fn the_answer_streams_as_without() {
    let (env, _chat) = library("nli");
    let events = |verify: &str| {
        let rows = env
            .run(&["query", QUESTION, "--format", "jsonl", "--verify", verify])
            .expect(0)
            .jsonl();
        rows.into_iter()
    };
    let streamed = |verify: &str| -> Vec<Value> {
        events(verify).filter(|event| event["event"] == "delta").collect()
    };
    assert_eq!(streamed("onnx:models/checker"), streamed(""));
    let names: Vec<Value> =
        events("onnx:models/checker").map(|event| event["event"].clone()).collect();
    let last = names.iter().rposition(|name| name == "delta").expect("deltas");
    assert!(
        names[last..].contains(&json!("citation")) && names.ends_with(&[json!("done")]),
        "{names:?}"
    );
    assert!(!names[..last].contains(&json!("citation")), "{names:?}");
}

#[test]
fn a_record_has_the_call_and_what_came_of_it() {
    let (env, _chat) = library("nli");
    query(&env, &["--trace", "trace.jsonl", "--trace-content"]).expect(0);
    let text = std::fs::read_to_string(env.path("trace.jsonl")).expect("a record");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    let call = record["calls"].as_array().expect("calls").last().expect("a call");
    assert_eq!((&call["operation"], &call["local"]), (&json!("verify"), &json!(true)));
    let checked = &record["verification"];
    assert_eq!(
        (&checked["model"], &checked["revision"]),
        (&json!("onnx:checker"), &call["answered_by"])
    );
    assert_eq!(
        (&checked["claims"], &checked["unsupported"], &checked["unchecked"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert_eq!(record["settings"]["verify.threshold"], "0.5");
    assert_eq!(record["content"]["verdicts"][1]["supported"], false);
    // The prompt of the record is that of the answer, and so is the model.
    assert_eq!(record["models"]["chat"]["revision"], "scripted-chat");
    let id = record["id"].as_str().expect("an id");
    let shown = env.run(&["trace", "show", id, "--trace", "trace.jsonl"]).expect(0);
    assert!(shown.stdout.contains("2 claims, 1 unsupported"), "{shown}");
}

#[test]
fn every_way_to_ask_uses_it() {
    let (env, _chat) = library("nli");
    env.write("questions.jsonl", format!("{}\n", json!({"question": QUESTION})));
    let rows = env.run(&["query", "--batch", "questions.jsonl"]).expect(0).jsonl();
    assert_eq!(rows[0]["verification"]["unsupported"], 1, "{rows:?}");

    let said = env.run_with_input(&["chat", "--format", "jsonl"], format!("{QUESTION}\n")).jsonl();
    let done = said.iter().find(|event| event["event"] == "done").expect("an end");
    assert_eq!(done["verification"]["unsupported"], 1, "{done}");

    let case =
        json!({"id": "a", "question": QUESTION, "expected": [{"source": "docs/backups.md"}]});
    env.write("cases.jsonl", format!("{case}\n"));
    let run = env.run(&["eval", "cases.jsonl", "--answers", "--format", "json"]).expect(0).json();
    let metrics = run["answers"]["metrics"].as_array().expect("metrics");
    let by_model = metrics.iter().find(|row| row["metric"] == "citation-precision-model");
    assert_eq!(by_model.map(|row| &row["mean"]), Some(&json!(0.0)), "{run:#}");

    let server = Served::start(&env, &[]);
    let reply = server.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    assert_eq!(reply["docent"]["citations"][0]["verified"], false, "{reply:#}");
}
