//! `docent serve`: callers that leave while they wait, or do not read, and missing resources of the
//! server: what the client gets, what the log says, and that the next request is answered.

use std::io::Read as _;
use std::time::Duration;

use serde_json::json;

use crate::openai::{Fault, ScriptedServer};
use crate::served::{QUESTION, Reply, Served, asks, ingested, key, read, streams, with_model};

/// How many questions are in a state.
fn questions(served: &Served, state: &str) -> u64 {
    let metrics = served.get("/metrics").expect(200).body;
    let name = format!("docent_questions{{state=\"{state}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name)).expect("it is told");
    line.parse().expect("a number")
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let came = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        is_so()
    });
    assert!(came, "{what}");
}

#[test]
fn who_leaves_the_queue_frees_its_place() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let limits = ["--max-questions", "1", "--queue", "1", "--queue-wait", "10m"];
    let served = Served::start(&env, &limits);
    server.push(Fault::Stall);
    let body = asks(QUESTION).to_string();
    let first = served.send("POST", "/v1/chat/completions", &[], &body);
    server.wait_for_requests(1);
    for _ in 0..3 {
        let waiting = served.send("POST", "/v1/chat/completions", &[], &body);
        wait_until("it waits", || questions(&served, "waiting") == 1);
        // Probes and metrics are answered all the same, and no other caller gets a place.
        served.get("/livez").expect(200);
        served.post("/v1/chat/completions", &asks(QUESTION)).expect(503);
        drop(waiting);
        wait_until("its place is free", || questions(&served, "waiting") == 0);
    }
    let line = served.logged(r#""status":499"#);
    assert!(line.contains("/v1/chat/completions"), "{line}");
    assert_eq!(server.requests().len(), 1, "the model was asked for nobody of them");
    server.answer(&["Backups are kept for 400 days [1]."]);
    server.release();
    assert_eq!(read(first).status, 200);
    served.post("/v1/chat/completions", &asks(QUESTION)).expect(200);
}

#[test]
fn who_leaves_while_passages_are_retrieved_ends_it() {
    let server = ScriptedServer::start();
    let mut env = crate::env::TestEnv::with_samples();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "k");
    env.set("DOCENT_EMBEDDER", "openai:scripted-embedding");
    env.run(&["ingest", "sample-docs"]).expect(0);
    let served = Served::start(&env, &["--max-questions", "1"]);
    for path in ["/v1/docent/search", "/v1/docent/query"] {
        let before = server.requests().len();
        server.push(Fault::Stall);
        let body = json!({ "question": format!("{QUESTION} {path}") }).to_string();
        let asked = served.send("POST", path, &[], &body);
        server.wait_for_requests(before + 1);
        drop(asked);
        server.wait_for_hangup();
        let line = served.logged(&format!(r#""path":"{path}""#));
        assert!(line.contains(r#""status":499"#), "{line}");
    }
    served.post("/v1/docent/search", &json!({ "question": QUESTION })).expect(200);
}

#[test]
fn who_reads_no_events_holds_the_model_up_and_is_left() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &["--slow-client", "1s", "--max-questions", "1"]);
    let event = format!(
        "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}},\"finish_reason\":null}}]}}\n\n",
        "word ".repeat(2_000)
    );
    server.push(Fault::Flood("text/event-stream", event.leak().as_bytes()));
    let mut reader =
        served.send("POST", "/v1/chat/completions", &[], &streams(QUESTION).to_string());
    reader.read_exact(&mut [0; 1]).expect("the answer begins");
    // It reads nothing more: the flood has nowhere to go, and ends with the connection.
    let line = served.logged(r#""status":499"#);
    assert!(line.contains("/v1/chat/completions"), "{line}");
    server.answer(&["Backups are kept for 400 days [1]."]);
    served.post("/v1/chat/completions", &asks(QUESTION)).expect(200);
}

#[test]
fn a_model_that_does_not_begin_in_time_is_unavailable() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_ATTEMPTS", "1").set("DOCENT_CHAT_TIMEOUT", "300ms");
    let served = Served::start(&env, &[]);
    server.answer(&["Backups are kept for 400 days [1]."]);
    server.push(Fault::Stall);
    let reply = served.post("/v1/chat/completions", &asks(QUESTION)).expect(503);
    assert_eq!(
        (&*reply.code(), reply.header("x-should-retry")),
        ("upstream_unavailable", Some("true"))
    );
    let wait = reply.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=60).contains(&wait)), "{reply:?}");
    assert_eq!(reply.json()["error"]["docent"]["retry_after"], json!(wait));
    served.logged("upstream_unavailable");
    served.post("/v1/chat/completions", &asks(QUESTION)).expect(200);
}

#[test]
fn keys_that_cannot_be_read_leave_those_of_before() {
    let env = ingested();
    let own = key(&env, "own", &[]);
    let served = Served::start(&env, &[]);
    served.get_as(&own, "/v1/models").expect(200);
    let path = env.home().join(".config/docent/keys.toml");
    let text = std::fs::read_to_string(&path).expect("the keys");
    std::fs::write(&path, "[[key]\nname = 3\n").expect("a file");
    wait_until("it is read", || {
        served.get_as(&own, "/v1/models").expect(200);
        served.log().iter().any(|line| line.contains("the previous keys stay in force"))
    });
    assert!(served.logged("previous keys stay in force").contains("keys.toml"));
    served.get("/v1/models").expect(401);
    std::fs::write(&path, text).expect("a file");
    served.get_as(&own, "/v1/models").expect(200);
    // The caller with the revoked key gets that reason, and no other caller does.
    env.run(&["keys", "revoke", "own"]).expect(0);
    wait_until("it is read", || served.get_as(&own, "/v1/models").status == 401);
    let refused = served.get_as(&own, "/v1/models").expect(401);
    assert_eq!(refused.code(), "revoked_api_key");
    let (id, _) = own.rsplit_once('_').expect("a key");
    let forged = served.get_as(&format!("{id}_00"), "/v1/models").expect(401);
    assert_eq!(forged.code(), "invalid_api_key");
}

#[test]
fn another_embedder_is_told_with_the_command_that_mends_it() {
    let server = ScriptedServer::start();
    let mut env = ingested();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "k");
    let served = Served::start(&env, &["--embedder", "openai:scripted-embedding"]);
    let body = json!({ "question": QUESTION });
    for reply in [
        served.get("/readyz"),
        served.post("/v1/docent/search", &body),
        served.post("/v1/chat/completions", &asks(QUESTION)),
    ] {
        let reply = reply.expect(503);
        assert_eq!((&*reply.code(), reply.header("x-should-retry")), ("not_ready", Some("false")));
        assert!(reply.body.contains("docent ingest --rebuild"), "{reply:?}");
    }
    served.logged("not_ready");
    env.run(&["ingest", "--rebuild", "--embedder", "openai:scripted-embedding", "sample-docs"])
        .expect(0);
    served.post("/v1/docent/search", &body).expect(200);
    served.get("/readyz").expect(200);
}

#[test]
fn what_must_be_written_down_and_cannot_be_is_not_answered() {
    let env = ingested();
    let own = key(&env, "own", &["--right", "search", "--right", "admin"]);
    std::fs::create_dir(env.path("kept")).expect("a directory");
    let served = Served::start(&env, &["--audit", "kept/audit.jsonl"]);
    served.get_as(&own, "/v1/models").expect(200);
    served.logged("/v1/models");
    std::fs::remove_dir_all(env.path("kept")).expect("it was there");
    let refused = |reply: &Reply| reply.status == 503;
    wait_until("it is missed", || refused(&served.get_as(&own, "/v1/models")));
    let reply = served.get_as(&own, "/v1/models").expect(503);
    assert_eq!(reply.code(), "audit_unwritable");
    assert!(!reply.body.contains("audit.jsonl"), "where it is is not for callers: {reply:?}");
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert!(served.logged("the audit cannot be written").contains("kept/audit.jsonl"));
    served.get("/livez").expect(200);
    std::fs::create_dir(env.path("kept")).expect("a directory");
    wait_until("it is written again", || !refused(&served.get_as(&own, "/v1/models")));
    let metrics = served.get_as(&own, "/metrics").expect(200).body;
    let failures =
        metrics.lines().find_map(|line| line.strip_prefix("docent_audit_failures_total "));
    assert_ne!(failures.expect("it is counted"), "0");
}
