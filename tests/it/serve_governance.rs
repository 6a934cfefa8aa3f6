//! `docent serve`: the audit log, feedback on answers, and drift.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer};
use crate::served::{QUESTION, Served, asks, ingested, key, streams, with_model};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// An answer for this key, from the default collection.
fn answer_id(served: &Served, key: &str) -> String {
    let answered = served.post_as(key, "/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    answered["docent"]["answer_id"].as_str().expect("an id").to_owned()
}

#[test]
fn an_audit_that_goes_away_is_missed() {
    let env = ingested();
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    served.get("/v1/models").expect(200);
    served.logged("/v1/models");
    std::fs::rename(env.path("audit.jsonl"), env.path("taken.jsonl")).expect("a file");
    served.get("/v1/docent/status").expect(200);
    let warning = served.logged("removed, moved or replaced");
    assert!(warning.contains("audit.jsonl"), "{warning}");
    let kept = lines(&env.path("audit.jsonl"));
    assert!(kept[0]["notice"].as_str().is_some_and(|it| it.contains("after 1 lines")), "{kept:?}");
    assert_eq!((&kept[0]["number"], &kept[1]["path"]), (&json!(2), &json!("/v1/docent/status")));
    // The chain is intact, and says itself that lines are missing.
    let found = env.run(&["audit", "verify", "audit.jsonl"]).expect(1);
    assert!(found.stdout.contains("those before 2 are not here"), "{found}");
    assert!(found.stdout.contains("NOTICE  the file was removed"), "{found}");
    assert!(found.stderr.contains("1 notice"), "{found}");
    assert!(found.stderr.contains("verify --known-until 2 audit.jsonl"), "{found}");
    let json = ["audit", "verify", "audit.jsonl", "--format", "json"];
    let report = env.run(&json).expect(1).json();
    assert_eq!((&report["ok"], &report["notices"][0]["number"]), (&json!(false), &json!(2)));
    let known = ["audit", "verify", "--known-until", "2", "audit.jsonl"];
    assert!(env.run(&known).expect(0).stdout.contains("NOTICE"), "it is shown all the same");
    env.run(&["serve", "--listen", "127.0.0.1:0", "--audit", "audit.jsonl"]).expect(3);
    drop(served);

    let text = std::fs::read_to_string(env.path("audit.jsonl")).expect("the audit");
    let (first, _) = text.split_once('\n').expect("lines");
    std::fs::write(env.path("audit.jsonl"), format!("{first}\n")).expect("a file");
    let broken = env.run(&["audit", "verify", "audit.jsonl"]).expect(1);
    assert!(broken.stderr.contains("the end is missing"), "{broken}");
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    served.get("/v1/models").expect(200);
    served.logged("lines are missing before this one");
    env.run(&["audit", "verify", "audit.jsonl"]).expect(1);
    drop(served);

    // A new notice was not looked into yet.
    std::fs::remove_file(env.path("audit.jsonl")).expect("the audit");
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    served.get("/v1/models").expect(200);
    served.logged("lines are missing before this one");
    let found = env.run(&known).expect(1);
    assert!(found.stderr.contains("--known-until 6"), "{found}");
}

#[test]
fn an_audit_is_listed_with_its_notices() {
    let env = ingested();
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    served.get("/v1/models").expect(200);
    served.logged("/v1/models");
    std::fs::remove_file(env.path("audit.jsonl")).expect("the audit");
    served.post("/v1/docent/search", &json!({ "question": QUESTION })).expect(200);
    served.logged("/v1/docent/search");
    served.get("/v1/docent/status").expect(200);
    served.logged("/v1/docent/status");
    let list = |more: &[&str]| env.run(&[&["audit", "list", "audit.jsonl"], more].concat());
    let all = list(&[]).expect(0).stdout;
    let rows: Vec<&str> = all.lines().collect();
    assert_eq!(rows.len(), 3, "{all}");
    assert!(rows[0].starts_with("2  ") && rows[0].contains("NOTICE  the file was"), "{all}");
    let search =
        "answered  200  -  POST /v1/docent/search  docent: sample-docs/handbook/backups.md";
    assert!(rows[1].contains(search), "{all}");
    assert_eq!(list(&["--last", "1"]).expect(0).stdout, format!("{}\n", rows[2]));
    assert_eq!(list(&["--notices"]).expect(0).stdout, format!("{}\n", rows[0]));
    let kept = std::fs::read_to_string(env.path("audit.jsonl")).expect("the audit");
    assert_eq!(list(&["--format", "jsonl"]).expect(0).stdout, kept, "as they stand there");
    std::fs::write(env.path("other.jsonl"), "nothing\n").expect("a file");
    let refused = env.run(&["audit", "list", "other.jsonl"]).expect(2);
    assert!(refused.stderr.contains("line 1: it is not a line"), "{refused}");
}

#[test]
fn who_takes_the_last_key_away_is_told_and_so_is_the_log() {
    let env = ingested();
    let (a, _) = (key(&env, "a", &[]), key(&env, "b", &[]));
    let served = Served::start(&env, &[]);
    served.get_as(&a, "/v1/models").expect(200);
    let revoked = env.run(&["keys", "revoke", "b"]).expect(0);
    assert!(!revoked.stderr.contains("last key"), "{revoked}");
    let revoked = env.run(&["keys", "revoke", "a"]).expect(0);
    assert!(revoked.stderr.contains("it was the last key"), "{revoked}");
    assert!(revoked.stderr.contains("docent keys create NAME"), "{revoked}");
    // Without a request.
    let line = served.logged("keys.toml has no keys");
    assert!(line.contains("lets nobody in"), "{line}");
    served.get("/v1/models").expect(401);
    drop(served);
    Served::start(&env, &[]).logged("keys.toml has no keys");
}

#[test]
fn what_a_new_key_can_not_do_is_said() {
    let env = ingested();
    let create = |flags: &[&str]| env.run(&[&["keys", "create", "a"], flags].concat());
    for (flags, word) in [
        (&["--expires", "2020-01-31"][..], "is in the past"),
        (&["--source", "docs/open/../secret"], "without `..`"),
        (&["--source", ""], "neither a path nor a glob"),
        (&["--only", "no such name"], "--only"),
    ] {
        let refused = create(flags).expect(2);
        assert!(refused.stderr.contains(word), "{refused}");
    }
    let made = create(&["--only", "nowhere", "--cost-per-day", "1"]).expect(0);
    assert!(made.stderr.contains("there is no collection `nowhere`"), "{made}");
    assert!(made.stderr.contains("chat.price_in"), "{made}");
    let made = env.run(&["keys", "create", "b", "--only", "docent"]).expect(0);
    assert!(!made.stderr.contains("warning"), "{made}");

    for source in ["docs/[a", "{a"] {
        let refused = env.run(&["keys", "create", "z", "--source", source]).expect(2);
        assert!(refused.stderr.contains("is not a glob"), "{refused}");
    }
    let ingest = |name: &str, source: &str| {
        env.run(&["keys", "create", name, "--right", "ingest", "--source", source]).expect(0).stderr
    };
    assert!(ingest("c", "docs/*.md").contains("`docs/*.md` does not match every name"));
    assert!(!ingest("d", "docs/**").contains("warning"));
    let reads = env.run(&["keys", "create", "e", "--source", "docs/*.md"]).expect(0);
    assert!(!reads.stderr.contains("warning"), "it brings nothing in: {reads}");

    let file = env.home().join(".config/docent/keys.toml");
    let text = std::fs::read_to_string(&file).expect("the keys");
    let text = text.replacen("collections = [\"docent\"]", "sources = [\"a/../b\"]", 1);
    std::fs::write(&file, text).expect("a file");
    let refused = env.run(&["keys", "list"]).expect(3);
    assert!(refused.stderr.contains("`a/../b` of the key `b`"), "{refused}");
}

#[test]
fn a_collection_that_is_not_there_is_said_and_not_listed_until_it_is() {
    let env = ingested();
    let served = Served::start(&env, &["--collections", "docent,later"]);
    served.logged("there is no collection `later`");
    let listed = || {
        let models = served.get("/v1/models").expect(200).json();
        let models = models["data"].as_array().cloned().unwrap_or_default();
        models
            .iter()
            .map(|model| model["id"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(), ["docent/docent"]);
    env.run(&["ingest", "--collection", "later", "sample-docs/handbook"]).expect(0);
    assert_eq!(listed(), ["docent/docent", "docent/later"]);
}

#[test]
fn a_link_ends_with_its_key() {
    let env = ingested();
    let reader = key(&env, "reader", &[]);
    let served = Served::start(&env, &[]);
    let answered = served.post_as(&reader, "/v1/chat/completions", &asks(QUESTION)).expect(200);
    let url = answered.json()["docent"]["citations"][0]["url"].as_str().expect("a link").to_owned();
    let path = url.split_once(served.address()).expect("of this server").1;
    let path = path.split('#').next().expect("a path");
    served.get(path).expect(200);
    env.run(&["keys", "revoke", "reader"]).expect(0);
    let over = (0..100).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        served.get(path).status == 403
    });
    assert!(over.is_some(), "the link opens nothing any more");
}

#[test]
fn servers_that_share_keys_share_what_was_used() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_CHAT_PRICE_IN", "1000").set("DOCENT_CHAT_PRICE_OUT", "1000");
    let caller = key(&env, "caller", &["--cost-per-day", "0.01"]);
    let (one, other) = (Served::start(&env, &[]), Served::start(&env, &[]));
    one.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(200);
    let over = (0..100).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        other.post_as(&caller, "/v1/docent/search", &json!({ "question": QUESTION })).status == 429
    });
    assert!(over.is_some(), "the other one sees it");
}

#[test]
fn the_questions_of_a_batch_are_each_held_against_the_budget() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_CHAT_PRICE_IN", "1000").set("DOCENT_CHAT_PRICE_OUT", "1000");
    env.set("DOCENT_CHAT_CONCURRENCY", "1");
    let admin = key(&env, "admin", &["--right", "admin"]);
    let caller = key(&env, "caller", &["--cost-per-day", "0.01"]);
    let served = Served::start(&env, &[]);
    let headers = format!("Bearer {caller}");
    let headers = [("authorization", &*headers)];
    let reply =
        served.ask("POST", "/v1/docent/batch", &headers, "\"What is kept?\"\n\"How long?\"\n");
    let rows: Vec<Value> =
        reply.expect(200).body.lines().map(|it| serde_json::from_str(it).expect("a row")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows.iter().filter(|row| row["error"].is_object()).count(), 1, "{rows:?}");
    let used = served.get_as(&admin, "/v1/docent/usage").expect(200).json();
    let row = used["total"].as_array().expect("rows").iter().find(|row| row["key"] == "caller");
    assert_eq!(row.expect("the caller")["answers"], 1, "{used}");
}

#[test]
fn who_leaves_in_the_middle_has_cost_something() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_CHAT_PRICE_IN", "1000").set("DOCENT_CHAT_PRICE_OUT", "1000");
    let caller = key(&env, "caller", &["--cost-per-day", "0.01"]);
    let served = Served::start(&env, &[]);
    server.push(Fault::StallAfter(1));
    let before = server.requests().len();
    let headers = format!("Bearer {caller}");
    let headers = [("authorization", &*headers)];
    let stream =
        served.send("POST", "/v1/chat/completions", &headers, &streams(QUESTION).to_string());
    server.wait_for_requests(before + 1);
    drop(stream);
    server.wait_for_hangup();
    let left = served.logged(r#""status":499"#);
    assert!(left.contains("\"cost\":"), "{left}");
    let over = served.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(429);
    assert_eq!(over.code(), "insufficient_quota");
}

#[test]
fn a_trace_goes_through_log_audit_record_answer_and_models() {
    let server = ScriptedServer::start();
    let mut env = TestEnv::with_samples();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "k");
    env.set("DOCENT_MODEL", "scripted").set("DOCENT_EMBEDDER", "openai:scripted-embedding");
    env.run(&["ingest", "sample-docs/handbook"]).expect(0);
    let served =
        Served::start(&env, &["--audit", "audit.jsonl", "--trace", "traces.jsonl", "--cache", "0"]);
    let sent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let before = server.requests().len();
    for body in [asks(QUESTION), streams(QUESTION)] {
        let headers = [("traceparent", &*sent)];
        let reply = served.ask("POST", "/v1/chat/completions", &headers, &body.to_string());
        let reply = reply.expect(200);
        assert!(reply.header("traceresponse").is_some_and(|it| it.contains(TRACE)), "{reply:?}");
        assert!(reply.body.contains(&format!("\"trace_id\":\"{TRACE}\"")), "{reply:?}");
    }
    let asked = server.requests().split_off(before);
    for path in ["/v1/embeddings", "/v1/chat/completions"] {
        let asked: Vec<_> = asked.iter().filter(|request| request.path == path).collect();
        assert_eq!(asked.len(), 2, "{path}");
        for request in asked {
            let parent = request.header("traceparent").expect("the trace");
            assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent != sent, "{parent}");
        }
    }
    assert!(served.logged("/v1/chat/completions").contains(TRACE));
    assert_eq!(lines(&env.path("audit.jsonl"))[0]["trace_id"], TRACE);
    for record in lines(&env.path("traces.jsonl")) {
        assert_eq!(record["context"]["trace_id"], TRACE);
        assert_eq!(record["context"]["parent_id"], "b7ad6b7169203331");
    }
    for invalid in ["00-0-0-00", &format!("{sent}-more"), &sent.to_uppercase()] {
        let reply = served.ask("GET", "/v1/models", &[("traceparent", invalid)], "");
        let own = reply.header("traceresponse").expect("a trace").to_owned();
        assert!(own.len() == 55 && !own.contains(&TRACE.to_uppercase()), "{own}");
        assert!(!own.contains(TRACE), "{own}");
    }
}

#[test]
fn what_readers_say_joins_the_answer() {
    let env = ingested();
    let reader = key(&env, "reader", &[]);
    let other = key(&env, "other", &[]);
    let admin = key(&env, "admin", &["--right", "admin"]);
    let flags = ["--audit", "audit.jsonl", "--audit-content", "--trace", "traces"];
    std::fs::create_dir(env.path("traces")).expect("a directory");
    let served = Served::start(&env, &flags);
    let id = answer_id(&served, &reader);
    let say = |key: &str, body: &Value| served.post_as(key, "/v1/docent/feedback", body);
    let said = say(&reader, &json!({ "answer_id": id, "score": 0.2, "comment": "Too old." }));
    let said = said.expect(200).json();
    assert_eq!((&said["collection"], &said["comment_kept"]), (&json!("docent"), &json!(true)));
    say(&reader, &json!({ "answer_id": id, "score": 1 })).expect(200);

    let unknown = say(&other, &json!({ "answer_id": id, "score": 1 })).expect(404);
    assert_eq!(unknown.code(), "answer_not_found");
    assert!(unknown.body.contains("docent.answer_id"), "{unknown:?}");
    say(&reader, &json!({ "answer_id": "nothing", "score": 1 })).expect(404);
    for (body, param) in [
        (json!({ "answer_id": id, "score": 2 }), "score"),
        (json!({ "answer_id": id, "score": -0.1 }), "score"),
        (json!({ "answer_id": id, "scores": 1 }), "scores"),
        (json!({ "answer_id": id, "score": 1, "comment": "x".repeat(4_001) }), "comment"),
    ] {
        let refused = say(&reader, &body).expect(400).json();
        assert_eq!(refused["error"]["param"], param, "{refused}");
    }
    say(&reader, &json!({ "answer_id": id })).expect(400);
    say(&admin, &json!({ "answer_id": id, "score": 1 })).expect(403);

    let metrics = served.get_as(&admin, "/metrics").expect(200).body;
    let counted = "docent_feedback_total{collection=\"docent\",verdict=\"poor\"} 1";
    assert!(metrics.contains(counted) && !metrics.contains("verdict=\"good\""), "{metrics}");
    let audit = lines(&env.path("audit.jsonl"));
    let line = audit.iter().find(|line| line["feedback"] == json!(0.2)).expect("a line");
    assert_eq!((&line["answer_id"], &line["comment"]), (&json!(id), &json!("Too old.")));
    let shown = env.run(&["trace", "show", "--trace", "traces", &id]).expect(0);
    assert!(shown.stdout.contains("0.2 at"), "{shown}");
    assert!(!shown.stdout.contains("Too old."), "no words without --trace-content: {shown}");
    let json = env.run(&["trace", "show", "--trace", "traces", "--format", "json", &id]).expect(0);
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["feedback"].as_array().map(Vec::len), Some(2), "{json}");
}

#[test]
fn what_differs_from_the_baseline_has_drifted() {
    let env = TestEnv::with_cases();
    env.run(&["ingest", "sample-docs"]).expect(0);
    env.run(&["eval", "cases.jsonl", "--write-drift-baseline", "base.json"]).expect(2);
    let written = ["eval", "cases.jsonl", "--answers", "--write-drift-baseline", "base.json"];
    env.run(&written).expect(0);
    let text = std::fs::read_to_string(env.path("base.json")).expect("the baseline");
    assert!(!text.contains("ledger") && !text.contains("sample-docs"), "no text of anybody");
    let served = Served::start(&env, &["--drift-baseline", "base.json"]);
    let drift = || served.get("/v1/docent/drift").expect(200).json()["collections"][0].clone();
    let signal = |report: &Value, name: &str| {
        let signals = report["signals"].as_array().cloned().unwrap_or_default();
        signals.into_iter().find(|signal| signal["signal"] == name).expect("the signal")
    };
    let report = drift();
    assert_eq!((&report["baseline"]["from"], &report["drifted"]), (&json!("file"), &json!(false)));
    assert_eq!(signal(&report, "top_score")["state"], "too_few");
    assert_eq!(signal(&report, "changed_chunks")["state"], "steady");
    for number in 0..40 {
        let question = format!("Сколько стоит билет на паром номер {number}?");
        served.post("/v1/docent/search", &json!({ "question": question })).expect(200);
    }
    let report = drift();
    assert_eq!(report["drifted"], true, "{report:#}");
    let unknown = signal(&report, "unknown_words");
    assert_eq!((&unknown["state"], &unknown["samples"]), (&json!("drifted"), &json!(40)));
    assert!(unknown["value"].as_f64() > unknown["threshold"].as_f64(), "{unknown}");
    assert_eq!(signal(&report, "no_answer")["samples"], 0, "none was sought");

    std::fs::remove_dir_all(env.path("sample-docs/releases")).expect("a directory");
    env.run(&["ingest", "--allow-prune"]).expect(0);
    let changed = signal(&drift(), "changed_chunks");
    assert!(changed["value"].as_f64() > Some(0.0), "{changed}");
    let metrics = served.get("/metrics").expect(200).body;
    for line in [
        "docent_drifted{collection=\"docent\",signal=\"unknown_words\"} 1",
        "docent_drift{collection=\"docent\",signal=\"changed_chunks\"} 0.",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let other = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--collections",
        "other",
        "--drift-baseline",
        "base.json",
    ];
    let refused = env.run(&other).expect(3);
    assert!(refused.stderr.contains("which is not served"), "{refused}");
    env.write("no.json", "{}");
    let refused = env.run(&["serve", "--listen", "127.0.0.1:0", "--drift-baseline", "no.json"]);
    assert!(refused.expect(3).stderr.contains("--write-drift-baseline"));
}
