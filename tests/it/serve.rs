//! `docent serve`: who is let in, what is answered, and what happens when callers or models misbehave.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer};
use crate::served::{Served, read};

const QUESTION: &str = "How long are ledger backups kept?";

fn ingested() -> TestEnv {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    env
}

/// A collection that a scripted model answers from.
fn with_model(server: &ScriptedServer) -> TestEnv {
    let mut env = ingested();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "k");
    env.set("DOCENT_MODEL", "scripted");
    env
}

fn asks(question: &str) -> Value {
    json!({ "model": "docent", "messages": [{ "role": "user", "content": question }] })
}

fn streams(question: &str) -> Value {
    let mut body = asks(question);
    body["stream"] = json!(true);
    body
}

/// A key with these flags.
fn key(env: &TestEnv, name: &str, flags: &[&str]) -> String {
    let args = [&["keys", "create", name], flags].concat();
    env.run(&args).expect(0).stdout.trim().to_owned()
}

#[test]
fn a_question_is_answered_with_citations_that_lead_somewhere() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let whole = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    let message = &whole["choices"][0]["message"];
    let text = message["content"].as_str().expect("a text");
    assert!(text.contains("400 days ["), "{text}");
    let annotation = &message["annotations"][0]["url_citation"];
    let at = |name: &str| annotation[name].as_u64().expect("a number") as usize;
    assert_eq!(&text[at("start_index")..=at("start_index")], "[");
    assert_eq!(&text[at("end_index") - 1..at("end_index")], "]");
    let url = annotation["url"].as_str().expect("a URL");
    assert!(url.ends_with("/s/docent/sample-docs/handbook/backups.md#L12-L21"), "{url}");
    assert_eq!(whole["docent"]["citations"][0]["verified"], true);

    let mut body = streams(QUESTION);
    body["stream_options"] = json!({ "include_usage": true });
    let streamed = served.post("/v1/chat/completions", &body).expect(200);
    assert_eq!(streamed.header("x-accel-buffering"), Some("no"));
    assert!(streamed.body.ends_with("data: [DONE]\n\n"), "{}", streamed.body);
    let events = streamed.events();
    let deltas = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    assert_eq!(deltas.collect::<String>(), text);
    let last = &events[events.len() - 2];
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        last["docent"]["citations"][0]["passage"],
        whole["docent"]["citations"][0]["passage"]
    );
    assert_eq!(events[events.len() - 1]["choices"], json!([]));
}

#[test]
fn what_a_client_sends_and_docent_does_not_do_is_named() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let mut body = asks(QUESTION);
    body["temperature"] = json!(0.2);
    body["tools"] = json!([{ "type": "function", "function": { "name": "f" } }]);
    body["user"] = json!("me");
    let reply = served.post("/v1/chat/completions", &body).expect(200);
    assert_eq!(reply.json()["docent"]["ignored"], json!(["temperature", "tools of type function"]));
    assert_eq!(reply.header("docent-ignored"), Some("temperature, tools of type function"));
}

#[test]
fn nothing_that_is_sent_makes_the_server_fail() {
    let env = ingested();
    let served = Served::start(&env, &["--body-limit", "64KB"]);
    let deep = "[".repeat(60_000);
    let long = json!({ "question": "word ".repeat(8_000) }).to_string();
    for (path, body, status, code) in [
        ("/v1/chat/completions", "{", 400, "invalid_value"),
        ("/v1/chat/completions", "[]", 400, "invalid_value"),
        ("/v1/chat/completions", "{}", 400, "invalid_value"),
        ("/v1/chat/completions", &*deep, 400, "invalid_value"),
        ("/v1/chat/completions", r#"{"model":"docent","messages":[]}"#, 400, "invalid_value"),
        ("/v1/chat/completions", r#"{"model":"docent","messages":3}"#, 400, "invalid_value"),
        (
            "/v1/chat/completions",
            r#"{"model":"gpt-4o","messages":[{"role":"user","content":"?"}]}"#,
            404,
            "model_not_found",
        ),
        (
            "/v1/chat/completions",
            r#"{"model":"docent/../x","messages":[{"role":"user","content":"?"}]}"#,
            404,
            "model_not_found",
        ),
        ("/v1/docent/search", r#"{"question":"a","questoin":"b"}"#, 400, "unknown_parameter"),
        ("/v1/docent/search", r#"{"question":" "}"#, 400, "invalid_value"),
        ("/v1/docent/search", &*long, 400, "invalid_value"),
        ("/v1/docent/search", r#"{"question":"a","k":99999999}"#, 400, "invalid_value"),
        ("/v1/docent/search", r#"{"question":"a","mode":"best"}"#, 400, "invalid_value"),
        ("/v1/docent/search", r#"{"question":"a","kinds":["nothing"]}"#, 400, "invalid_value"),
        ("/v1/docent/search", r#"{"question":"a","sources":["{"]}"#, 400, "invalid_value"),
        (
            "/v1/docent/search",
            r#"{"question":"a","collection":"../b"}"#,
            404,
            "collection_not_found",
        ),
        ("/v1/docent/search", r#"{"question":"a","collections":[]}"#, 400, "invalid_value"),
        ("/v1/nothing", "{}", 404, "unknown_url"),
    ] {
        let reply = served.ask("POST", path, &[], body).expect(status);
        let shown = &body[..body.len().min(80)];
        assert_eq!(reply.code(), code, "{path} {shown}");
        assert_eq!(reply.header("x-should-retry"), Some("false"), "{path} {shown}");
        for member in ["message", "type", "param", "code"] {
            assert!(reply.json()["error"][member].is_string(), "{path} {shown}: {member}");
        }
    }
    let large = served.ask("POST", "/v1/docent/search", &[], &"x".repeat(70_000));
    assert_eq!((large.status, &*large.code()), (413, "request_too_large"));
    assert_eq!(served.get("/v1/docent/search").expect(405).code(), "method_not_allowed");
    served.get("/readyz").expect(200);
}

#[test]
fn a_key_opens_what_it_may_and_nothing_else() {
    let env = ingested();
    let searcher = key(&env, "searcher", &["--right", "search"]);
    let reader = key(&env, "reader", &["--source", "sample-docs/policies"]);
    let stranger = key(&env, "stranger", &["--only", "elsewhere"]);
    let served = Served::start(&env, &[]);

    assert_eq!(
        served.post("/v1/chat/completions", &asks(QUESTION)).expect(401).code(),
        "missing_api_key"
    );
    let wrong = served.post_as("dk_00_00", "/v1/chat/completions", &asks(QUESTION)).expect(401);
    assert_eq!(wrong.code(), "invalid_api_key");
    let refused = served.post_as(&searcher, "/v1/chat/completions", &asks(QUESTION)).expect(403);
    assert_eq!(refused.code(), "missing_right");
    served.post_as(&searcher, "/v1/docent/search", &json!({ "question": QUESTION })).expect(200);

    let all = served.get_as(&searcher, "/v1/docent/status").expect(200).json();
    let some = served.get_as(&reader, "/v1/docent/status").expect(200).json();
    let documents = |status: &Value| status["collections"][0]["documents"].as_u64();
    assert!(documents(&some) < documents(&all), "{some}");
    let narrowed = json!({ "question": QUESTION, "sources": ["sample-docs/handbook"] });
    let found = served.post_as(&reader, "/v1/docent/search", &narrowed).expect(200).json();
    assert_eq!(found["hits"], json!([]), "a request widens nothing");

    assert_eq!(served.get_as(&stranger, "/v1/models").expect(200).json()["data"], json!([]));
    let none = served.post_as(&stranger, "/v1/docent/search", &json!({ "question": "?" }));
    assert_eq!(none.expect(404).code(), "collection_not_found");
    // A probe says nothing of what is served.
    served.get("/readyz").expect(200);

    env.run(&["keys", "revoke", "reader"]).expect(0);
    let revoked = (0..100).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        served.get_as(&reader, "/v1/models").status == 401
    });
    assert!(revoked.is_some(), "the file is read again");
    let log = served.log().join("\n");
    assert!(log.contains(r#""key":"searcher""#), "{log}");
    for secret in [&searcher, &reader, &stranger] {
        assert!(!log.contains(&secret[10..]), "no key is in the log");
    }
}

#[test]
fn no_document_outside_a_keys_scope_is_in_any_answer() {
    let env = ingested();
    let reader = key(&env, "reader", &["--source", "sample-docs/policies"]);
    let served = Served::start(&env, &[]);
    let questions = [QUESTION, "Priya Raman", "handbook", "retry", "ferry", "sample-docs/handbook"];
    for question in questions {
        for (path, body) in [
            ("/v1/chat/completions", asks(question)),
            ("/v1/chat/completions", streams(question)),
            ("/v1/docent/search", json!({ "question": question, "k": 100 })),
            ("/v1/docent/search", json!({ "question": question, "collections": ["docent"] })),
            ("/v1/docent/query", json!({ "question": question, "kinds": [] })),
            ("/v1/docent/query", json!({ "question": question, "stream": true })),
            (
                "/v1/docent/search",
                json!({ "question": question, "sources": ["**"], "mode": "sparse" }),
            ),
        ] {
            let reply = served.post_as(&reader, path, &body);
            assert_eq!(reply.status, 200, "{reply:?}");
            let foreign = reply.body.match_indices("sample-docs/").find(|(at, _)| {
                let rest = &reply.body[*at..];
                // What was asked is said again.
                !rest.starts_with("sample-docs/policies")
                    && !rest.starts_with(&format!("{question}\""))
            });
            assert_eq!(foreign, None, "{path} {body}: {}", reply.body);
        }
    }
}

#[test]
fn a_key_asks_as_often_as_it_may() {
    let env = ingested();
    let limited = key(&env, "limited", &["--requests-per-minute", "2"]);
    let served = Served::start(&env, &[]);
    for _ in 0..2 {
        served.get_as(&limited, "/v1/models").expect(200);
    }
    let refused = served.get_as(&limited, "/v1/models").expect(429);
    assert_eq!(refused.code(), "rate_limit_exceeded");
    let wait: u64 = refused.header("retry-after").and_then(|it| it.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-should-retry"), Some("true"));
}

#[test]
fn without_keys_it_listens_on_this_machine_only() {
    let env = ingested();
    let refused = env.run(&["serve", "--listen", "0.0.0.0:0"]).expect(3);
    assert!(refused.stderr.contains("docent keys create"), "{refused}");
    let served = Served::start(&env, &[]);
    for (header, value, code) in [
        ("host", "evil.example", "host_not_allowed"),
        ("origin", "https://evil.example", "origin_not_allowed"),
    ] {
        let mut stream = served.connect();
        let host = if header == "host" { String::new() } else { "host: localhost\r\n".to_owned() };
        let request = format!(
            "GET /v1/models HTTP/1.1\r\n{host}{header}: {value}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("taken");
        assert_eq!(read(stream).expect(403).code(), code);
    }
}

#[test]
fn a_caller_who_leaves_hangs_up_the_model() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &[]);
    for (body, fault) in [
        (streams(QUESTION), Fault::StallAfter(1)),
        (streams(QUESTION), Fault::Stall),
        (asks(QUESTION), Fault::StallAfter(1)),
        (asks(QUESTION), Fault::Stall),
    ] {
        let before = server.requests().len();
        server.push(fault);
        let stream = served.send("POST", "/v1/chat/completions", &[], &body.to_string());
        server.wait_for_requests(before + 1);
        drop(stream);
        server.wait_for_hangup();
        served.logged(r#""status":499"#);
    }
    server.answer(&["Backups are kept for 400 days [1]."]);
    served.post("/v1/chat/completions", &asks(QUESTION)).expect(200);
}

#[test]
fn a_model_that_fails_is_no_fault_of_the_caller() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_ATTEMPTS", "1");
    let served = Served::start(&env, &[]);
    for (fault, status, code, retry) in [
        (crate::openai::response("401 Unauthorized", &[], "{}"), 502, "upstream_auth", "false"),
        (
            crate::openai::response("429 Too Many Requests", &[("retry-after", "7")], "{}"),
            503,
            "upstream_unavailable",
            "true",
        ),
        (crate::openai::response("500 Oh", &[], "{}"), 503, "upstream_unavailable", "true"),
    ] {
        server.push(Fault::Answer(fault));
        let reply = served.post("/v1/chat/completions", &asks(QUESTION)).expect(status);
        assert_eq!((&*reply.code(), reply.header("x-should-retry")), (code, Some(retry)));
    }
    server.answer(&["Backups are ", "kept for ", "400 days [1]."]);
    server.push(Fault::CutAfter(2));
    let cut = served.post("/v1/chat/completions", &streams(QUESTION)).expect(200);
    let events = cut.events();
    assert!(events.iter().any(|event| event["choices"][0]["delta"]["content"] == "Backups are "));
    assert!(events.last().expect("an event")["error"]["code"].is_string(), "{}", cut.body);
    assert!(!cut.body.contains("[DONE]"), "{}", cut.body);
    served.post("/v1/chat/completions", &streams(QUESTION)).expect(200);
}

#[test]
fn what_is_too_much_is_refused_before_its_body_is_read() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let limits = ["--max-questions", "1", "--queue", "1", "--queue-wait", "100ms"];
    let served = Served::start(&env, &limits);
    server.push(Fault::Stall);
    let first = served.send("POST", "/v1/chat/completions", &[], &asks(QUESTION).to_string());
    server.wait_for_requests(1);
    // Its body never comes.
    let head = [("content-length", "1000")];
    let waited = read(served.send("POST", "/v1/chat/completions", &head, ""));
    assert_eq!((waited.status, &*waited.code()), (503, "overloaded"));
    assert_eq!(waited.header("retry-after"), Some("1"));
    served.get("/livez").expect(200);
    server.answer(&["Backups are kept for 400 days [1]."]);
    server.release();
    assert_eq!(read(first).status, 200);
}

#[test]
fn a_head_or_a_body_that_does_not_come_ends_the_connection() {
    let env = ingested();
    let served = Served::start(&env, &["--header-timeout", "200ms"]);
    let mut slow = served.connect();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost: local").expect("taken");
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    let body = served.send("POST", "/v1/docent/search", &[("content-length", "10")], "");
    assert_eq!(read(body).status, 408);
    let mut bomb = served.connect();
    let header =
        format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let _ = bomb.write_all(header.as_bytes());
    assert!(read(bomb).status != 200);
    served.get("/livez").expect(200);
}

#[cfg(unix)]
#[test]
fn told_to_end_it_cuts_no_answer_off() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    server.answer(&["Backups are ", "kept for ", "400 days [1]."]);
    let served = Served::start(&env, &[]);
    server.push(Fault::StallAfter(2));
    let mut stream =
        served.send("POST", "/v1/chat/completions", &[], &streams(QUESTION).to_string());
    let mut first = [0; 1];
    stream.read_exact(&mut first).expect("the answer begins");
    server.wait_for_requests(1);
    served.terminate();
    while std::net::TcpStream::connect(served.address()).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    server.release();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the whole answer");
    assert!(rest.contains("[DONE]"), "{rest}");
    assert_eq!(served.ended(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_answer_that_does_not_end_is_told_so() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &["--drain", "200ms"]);
    server.push(Fault::StallAfter(1));
    let stream = served.send("POST", "/v1/chat/completions", &[], &streams(QUESTION).to_string());
    server.wait_for_requests(1);
    let started = Instant::now();
    served.terminate();
    let reply = read(stream);
    assert!(reply.body.contains("shutting_down"), "{reply:?}");
    assert_eq!(served.ended(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn several_collections_are_asked_at_once_and_what_fails_is_named() {
    let env = ingested();
    env.write("other/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "--collection", "other", "other"]).expect(0);
    let served = Served::start(&env, &["--collections", "docent,other,missing"]);
    let models = served.get("/v1/models").expect(200).json();
    assert_eq!(models["data"].as_array().map(Vec::len), Some(3));
    let body = json!({ "question": "When does the ferry leave?", "collections": ["docent", "other", "missing"] });
    let found = served.post("/v1/docent/search", &body).expect(200).json();
    assert!(found["hits"].as_array().expect("hits").iter().any(|hit| hit["collection"] == "other"));
    assert_eq!(found["collections"].as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(found["failed"][0]["collection"], "missing");
    assert_eq!(served.get("/readyz").expect(503).code(), "not_ready");
    let body = json!({ "question": "When does the ferry leave?", "collection": "other" });
    let answer = served.post("/v1/docent/query", &body).expect(200).json();
    assert!(answer["answer"].as_str().expect("a text").contains("nine"), "{answer}");
}

#[test]
fn an_ingest_goes_on_beside_it_and_the_next_question_sees_it() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let generation = |reply: &Value| reply["docent"]["generation"].clone();
    let before = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    env.write("sample-docs/ferry.md", "# Ferry\n\nThe ferry to Lyon leaves at nine.\n");
    env.run(&["ingest", "sample-docs"]).expect(0);
    let after = served.post("/v1/chat/completions", &asks("When does the ferry to Lyon leave?"));
    let after = after.expect(200).json();
    let text = after["choices"][0]["message"]["content"].as_str().expect("a text");
    assert!(text.contains("nine"), "{text}");
    assert_ne!(generation(&before), generation(&after));
    env.run(&["ingest", "--rebuild", "sample-docs"]).expect(0);
    let rebuilt = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    assert_eq!(rebuilt["docent"]["version"], 2);
}

#[test]
fn what_was_done_is_counted_and_kept() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_CHAT_PRICE_IN", "1000").set("DOCENT_CHAT_PRICE_OUT", "1000");
    let admin = key(&env, "admin", &["--right", "admin"]);
    let caller = key(&env, "caller", &["--cost-per-day", "0.01"]);
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    server.answer(&["Backups are kept for 400 days [1]."]);
    served.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(200);
    served.post_as(&caller, "/v1/docent/search", &json!({ "question": QUESTION })).expect(429);
    let over = served.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(429);
    assert_eq!(
        (&*over.code(), over.header("x-should-retry")),
        ("insufficient_quota", Some("false"))
    );
    served.get("/livez").expect(200);

    assert_eq!(served.get_as(&caller, "/metrics").expect(403).code(), "missing_right");
    let metrics = served.get_as(&admin, "/metrics").expect(200).body;
    for line in [
        "docent_requests_total{route=\"/v1/chat/completions\",status=\"200\",key=\"caller\"} 1",
        "docent_refusals_total{code=\"insufficient_quota\"} 2",
        "docent_answers_total 1",
        "docent_first_token_seconds_count 1",
        "docent_questions{state=\"answered\"} 0",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let usage = served.get_as(&admin, "/v1/docent/usage").expect(200).json();
    let row = usage["total"].as_array().expect("rows").iter().find(|row| row["key"] == "caller");
    let row = row.expect("the caller");
    assert_eq!((&row["requests"], &row["answers"]), (&json!(4), &json!(1)), "{usage}");
    assert!(row["cost"].as_f64() > Some(0.01), "{usage}");

    let lines = std::fs::read_to_string(env.path("audit.jsonl")).expect("the audit");
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let shown: Vec<_> = lines.iter().map(|line| (&line["key"], &line["decision"])).collect();
    let expected = [
        ("caller", "answered"),
        ("caller", "denied"),
        ("caller", "denied"),
        ("caller", "denied"),
        ("admin", "answered"),
        ("admin", "answered"),
    ];
    let expected = expected.map(|(key, decision)| (json!(key), json!(decision)));
    assert_eq!(shown, expected.iter().map(|(key, decision)| (key, decision)).collect::<Vec<_>>());
    assert!(lines[0]["documents"].as_array().is_some_and(|documents| !documents.is_empty()));
    assert!(lines.iter().all(|line| line["question"].is_null()), "not asked for");
    assert_eq!(lines[1]["previous"], lines[0]["hash"]);
    let verified = env.run(&["audit", "verify", "audit.jsonl"]).expect(0);
    assert!(verified.stdout.contains("6 lines"), "{verified}");

    // A budget is one across a restart.
    #[cfg(unix)]
    {
        served.terminate();
        assert_eq!(served.ended(), Some(0));
        let served = Served::start(&env, &[]);
        let over = served.post_as(&caller, "/v1/chat/completions", &asks(QUESTION)).expect(429);
        assert_eq!(over.code(), "insufficient_quota");
    }
}

#[test]
fn an_audit_that_was_changed_is_told() {
    let env = ingested();
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    served.get("/v1/models").expect(200);
    served.get("/v1/models").expect(200);
    served.logged("/v1/models");
    let path = env.path("audit.jsonl");
    let text = std::fs::read_to_string(&path).expect("the audit");
    std::fs::write(&path, text.replacen("GET", "PUT", 1)).expect("a file");
    let broken = env.run(&["audit", "verify", "audit.jsonl"]).expect(1);
    assert!(broken.stderr.contains("line 1"), "{broken}");
    env.run(&["audit", "verify", "nowhere.jsonl"]).expect(2);
    env.write("notes.md", "# No audit\n");
    env.run(&["serve", "--audit", "notes.md"]).expect(3);
}

#[test]
fn a_budget_needs_prices() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    key(&env, "caller", &["--cost-per-day", "0.01"]);
    let refused = env.run(&["serve", "--listen", "127.0.0.1:0"]).expect(3);
    assert!(refused.stderr.contains("chat.price_in"), "{refused}");
}

#[test]
fn a_model_that_is_down_is_left_alone_and_passages_are_quoted_meanwhile() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_ATTEMPTS", "1");
    let served = Served::start(&env, &["--fallback", "extractive"]);
    server.keep(Fault::Answer(crate::openai::response("503 Down", &[], "{}")));
    for _ in 0..8 {
        let answer = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
        assert_eq!(answer["docent"]["model"], "extractive");
    }
    assert_eq!(server.requests().len(), 5, "it is not asked while it is down");
    let served = Served::start(&env, &[]);
    for _ in 0..5 {
        served.post("/v1/chat/completions", &asks(QUESTION)).expect(503);
    }
    let refused = served.post("/v1/chat/completions", &asks(QUESTION)).expect(503);
    assert!(refused.body.contains("left alone"), "{refused:?}");
    let wait: u64 = refused.header("retry-after").and_then(|it| it.parse().ok()).expect("seconds");
    assert!((1..=20).contains(&wait), "{wait}");
    served.get("/readyz").expect(200);
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let body =
        format!("\"{QUESTION}\"\n{{\"id\": \"b\", \"question\": \"Who is Priya Raman?\"}}\n7\n");
    let reply = served.ask("POST", "/v1/docent/batch", &[], &body).expect(200);
    let mut rows: Vec<Value> =
        reply.body.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    rows.sort_by_key(|row| row["id"].to_string());
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["id"], &rows[0]["exit_code"]), (&json!("b"), &json!(0)));
    assert!(rows[1]["answer"].as_str().expect("an answer").contains("400 days"), "{}", rows[1]);
    assert_eq!((&rows[2]["id"], &rows[2]["exit_code"]), (&json!(3), &json!(2)));
    served.ask("POST", "/v1/docent/batch", &[], "\n").expect(400);
}

#[test]
fn why_a_document_was_found_is_explained_to_who_may_see_all() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let body = json!({ "question": QUESTION, "expect": "sample-docs/handbook/backups.md" });
    let explained = served.post("/v1/docent/explain", &body).expect(200).json();
    assert_eq!(explained["expected"]["verdict"], "found");
    assert!(explained["hits"].as_array().is_some_and(|hits| hits.len() > 3));
    let reader = key(&env, "reader", &["--source", "sample-docs/policies"]);
    let served = Served::start(&env, &[]);
    assert_eq!(
        served.post_as(&reader, "/v1/docent/explain", &body).expect(403).code(),
        "missing_right"
    );
}

#[cfg(unix)]
#[test]
fn a_socket_is_its_owners_and_goes_with_the_server() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream;
    let env = ingested();
    let path = env.path("docent.sock");
    let address = format!("127.0.0.1:0,unix:{}", path.display());
    let served = Served::start(&env, &["--listen", &address]);
    let mode = std::fs::metadata(&path).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o077, 0);
    let ask = || {
        let mut stream = UnixStream::connect(&path).expect("a connection");
        let request = b"GET /v1/models HTTP/1.1\r\nhost: docent\r\nconnection: close\r\n\r\n";
        stream.write_all(request).expect("taken");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        reply
    };
    assert!(ask().starts_with("HTTP/1.1 200"));
    let taken = env.run(&["serve", "--listen", &format!("unix:{}", path.display())]).expect(4);
    assert!(taken.stderr.contains("--listen"), "{taken}");
    drop(served);
    // What was killed leaves its socket behind: the next one takes its place.
    let served = Served::start(&env, &["--listen", &address]);
    assert!(ask().starts_with("HTTP/1.1 200"));
    served.terminate();
    assert_eq!(served.ended(), Some(0));
    assert!(!path.exists());
}

#[test]
fn an_answer_has_its_time() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &["--request-timeout", "500ms"]);
    server.keep(Fault::StallAfter(1));
    let whole = served.post("/v1/chat/completions", &asks(QUESTION)).expect(504);
    assert_eq!(whole.code(), "request_timeout");
    let streamed = served.post("/v1/chat/completions", &streams(QUESTION)).expect(200);
    assert_eq!(streamed.events().last().expect("an event")["error"]["code"], "request_timeout");
}
