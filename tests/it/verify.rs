//! `--verify`: a second model that checks the claims of an answer against their passages.

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer, response};
use crate::served::{Served, asks, key};

const QUESTION: &str = "How long are ledger backups kept?";
const CHECKER: &str = "scripted-checker";

/// Two documents, a model that answers, and an endpoint of its own for the one that checks.
fn library() -> (TestEnv, ScriptedServer, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write("docs/restore.md", "# Restore\n\nA restore needs the approval of two operators.\n");
    let (chat, checker) = (ScriptedServer::start(), ScriptedServer::start());
    env.set("OPENAI_BASE_URL", &chat.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_VERIFY", &format!("openai:{CHECKER}"));
    env.set("DOCENT_VERIFY_BASE_URL", &checker.base_url());
    env.set("DOCENT_VERIFY_API_KEY", "checkers-key").set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, chat, checker)
}

fn verdicts(verdicts: &[(bool, &str)]) -> String {
    let verdicts = (1..).zip(verdicts).map(|(claim, (supported, reason))| {
        json!({"claim": claim, "supported": supported, "reason": reason})
    });
    json!({"verdicts": verdicts.collect::<Vec<Value>>()}).to_string()
}

/// Two claims that no rule decides.
const ANSWER: &str =
    "Old backups help the auditors of the ledger [1]. Restoring is a matter of trust [2].";

#[test]
fn what_a_model_objects_to_is_a_finding() {
    let (mut env, chat, checker) = library();
    env.set("DOCENT_VERIFY_PRICE_IN", "2").set("DOCENT_VERIFY_PRICE_OUT", "8");
    chat.answer(&[ANSWER]);
    checker.answer_of(CHECKER, &verdicts(&[(false, "no auditors are named"), (true, "")]));
    let answer = env.run(&["query", QUESTION, "--format", "json"]).expect(0).json();
    let verified: Vec<&Value> =
        answer["citations"].as_array().expect("a list").iter().map(|c| &c["verified"]).collect();
    assert_eq!(verified, [&json!(false), &json!(true)]);
    for citation in answer["citations"].as_array().expect("a list") {
        let checks = citation["checks"].as_array().expect("a list");
        assert!(checks.contains(&json!("model")), "{citation}");
    }
    assert_eq!(answer["findings"][0]["check"], "model");
    assert_eq!(answer["findings"][0]["claimed"], "no auditors are named");
    let asked = &answer["verification"];
    assert_eq!((&asked["model"], &asked["failure"]), (&json!(CHECKER), &Value::Null));
    assert_eq!((&asked["claims"], &asked["unsupported"]), (&json!(2), &json!(1)));
    assert!(asked["usage"]["cost"].as_f64().is_some_and(|cost| cost > 0.0), "{asked}");
    let requests = checker.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].has_key("checkers-key"));
    let sent = requests[0].body["messages"].to_string();
    assert!(sent.contains("Restoring is a matter of trust") && sent.contains("400 days"), "{sent}");
    let strict = env.run(&["query", QUESTION, "--require-citations"]).expect(1);
    assert!(strict.stderr.contains("model: no auditors are named"), "{}", strict.stderr);
}

#[test]
fn a_record_has_its_requests_their_tokens_and_what_they_cost() {
    let (mut env, chat, checker) = library();
    env.set("DOCENT_VERIFY_PRICE_IN", "2").set("DOCENT_VERIFY_PRICE_OUT", "8");
    chat.answer(&[ANSWER]);
    checker.answer_of(CHECKER, &verdicts(&[(false, "no auditors are named"), (true, "")]));
    let asked = ["query", QUESTION, "--format", "json", "--trace", "trace.jsonl"];
    let answer = env.run(&asked).expect(0).json();
    let text = std::fs::read_to_string(env.path("trace.jsonl")).expect("a record");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    let call = record["calls"].as_array().expect("calls").last().expect("a call");
    assert_eq!((&call["operation"], &call["local"]), (&json!("verify"), &json!(false)));
    let (checked, said) = (&record["verification"], &answer["verification"]);
    assert_eq!((&checked["usage"], &checked["model"]), (&said["usage"], &json!(CHECKER)));
    assert_eq!(call["usage"]["prompt_tokens"], said["usage"]["prompt_tokens"]);
    assert!(said["usage"]["cost"].as_f64().is_some_and(|cost| cost > 0.0), "{said}");
    assert_eq!(record["usage"], answer["usage"]);
    assert_eq!((&checked["claims"], &checked["unsupported"]), (&json!(2), &json!(1)));
    // The model of the answer and its prompt are not those of the check.
    assert_eq!(record["models"]["chat"]["name"], "scripted-chat");
    assert_ne!(record["models"]["chat"]["revision"], CHECKER);
    assert!(!text.contains("no auditors are named") && !text.contains("checkers-key"), "{text}");
    let verdicts = said["verdicts"].as_array().expect("verdicts");
    assert_eq!(verdicts[0]["reason"], "no auditors are named");
    let of = |name: &str| verdicts.iter().map(|verdict| verdict[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("supported"), [json!(false), json!(true)]);
    assert_eq!(of("score"), [Value::Null, Value::Null]);
}

#[test]
fn a_model_is_not_asked_what_rules_have_decided() {
    let (env, chat, checker) = library();
    chat.answer(&["Ledger backups are kept for 400 days [1]. They are kept for 900 days [1]."]);
    let answer = env.run(&["query", QUESTION, "--format", "json"]).expect(0).json();
    assert_eq!(answer["findings"][0]["check"], "numbers");
    assert_eq!(answer["verification"], Value::Null);
    assert!(checker.requests().is_empty());
}

#[test]
fn a_model_that_fails_takes_nothing_away() {
    let said = format!("They are kept for 900 days [1]. {ANSWER}");
    let refused =
        || response("401 Unauthorized", &[], "{\"error\": {\"message\": \"no such key\"}}");
    for (fault, reply, problem) in [
        (Some(Fault::Answer(refused())), "", "401"),
        (Some(Fault::ResetAfterBytes(0)), "", ""),
        (None, "All is well.", "one verdict for each claim"),
        (
            None,
            "{\"verdicts\": [{\"claim\": 7, \"supported\": true}]}",
            "one verdict for each claim",
        ),
    ] {
        let (env, chat, checker) = library();
        chat.answer(&[&said]);
        checker.answer_of(CHECKER, reply);
        let fault_is_lasting = fault.is_none();
        if let Some(fault) = fault {
            checker.push(fault);
        }
        let run = env.run(&["query", QUESTION, "--format", "json"]).expect(0);
        let answer = run.json();
        assert_eq!(answer["findings"].as_array().expect("a list").len(), 1, "{answer}");
        assert_eq!(answer["findings"][0]["check"], "numbers");
        assert_eq!(answer["verification"]["claims"], 2);
        let failure = answer["verification"]["failure"].as_str().expect("a failure");
        assert!(failure.contains(problem), "{failure}");
        if fault_is_lasting {
            let stderr = env.run(&["query", QUESTION]).expect(0).stderr;
            assert!(stderr.contains("did not check all claims"), "{stderr}");
        }
    }
}

#[test]
fn what_is_no_such_model_is_refused() {
    let (env, _chat, _checker) = library();
    for wrong in ["gpt-5", "onnx:", "openai:", "http://127.0.0.1/v1"] {
        let run = env.run(&["query", QUESTION, "--verify", wrong]).expect(2);
        assert!(run.stderr.contains("use openai:MODEL, hf:ORG/NAME or onnx:DIR"), "{}", run.stderr);
    }
}

#[test]
fn what_a_check_costs_counts_for_the_caller_of_a_server() {
    let (mut env, chat, checker) = library();
    env.set("DOCENT_CHAT_PRICE_IN", "0").set("DOCENT_CHAT_PRICE_OUT", "0");
    chat.answer(&[ANSWER]);
    checker.answer_of(CHECKER, &verdicts(&[(true, ""), (true, "")]));
    let caller = key(&env, "caller", &["--cost-per-day", "0.01"]);
    let unknown = env.run(&["serve", "--listen", "127.0.0.1:0"]).expect(3);
    assert!(unknown.stderr.contains("set verify.price_in"), "{unknown}");
    env.set("DOCENT_VERIFY_PRICE_IN", "1000").set("DOCENT_VERIFY_PRICE_OUT", "1000");
    let served = Served::start(&env, &[]);
    served.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(200);
    let over = served.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(429);
    assert_eq!(over.code(), "insufficient_quota");
}
