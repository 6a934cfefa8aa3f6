//! `docent serve`: which callers may do what, and what is logged of them.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::openai::ScriptedServer;
use crate::served::{QUESTION, Served, asks, ingested, key, read, streams, with_model};

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
    // A probe reveals nothing about what is served.
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
                // The question is part of the response.
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
        let reply = served.get_as(&limited, "/v1/models").expect(200);
        assert_eq!(reply.header("x-ratelimit-limit-requests"), Some("2"));
        assert_eq!(reply.header("x-ratelimit-limit-tokens"), None);
    }
    let refused = served.get_as(&limited, "/v1/models").expect(429);
    assert_eq!(refused.code(), "rate_limit_exceeded");
    let wait: u64 = refused.header("retry-after").and_then(|it| it.parse().ok()).expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-should-retry"), Some("true"));
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
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

    // A budget continues across a restart.
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
fn the_first_key_closes_the_door_of_a_server_that_runs() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    served.get("/v1/models").expect(200);
    served.get("/v1/models/docent").expect(200);
    let caller = key(&env, "caller", &["--source", "sample-docs/policies"]);
    let closed = (0..100).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        served.get("/v1/models").status == 401
    });
    assert!(closed.is_some(), "the file is looked for");
    served.get("/v1/docent/usage").expect(401);
    served.get_as(&caller, "/v1/models").expect(200);
    std::fs::remove_file(env.home().join(".config/docent/keys.toml")).expect("the keys");
    std::thread::sleep(Duration::from_millis(1_200));
    served.get("/v1/models").expect(401);
}
