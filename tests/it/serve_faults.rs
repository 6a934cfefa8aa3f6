//! `docent serve`: what happens when callers or models misbehave, and at its end.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::openai::{Fault, ScriptedServer, response};
use crate::served::{QUESTION, Served, asks, ingested, read, streams, with_model};

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
        (response("401 Unauthorized", &[], "{}"), 502, "upstream_auth", "false"),
        (
            response("429 Too Many Requests", &[("retry-after", "7")], "{}"),
            503,
            "upstream_unavailable",
            "true",
        ),
        (response("500 Oh", &[], "{}"), 503, "upstream_unavailable", "true"),
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
    for silent in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut connection = served.connect();
        connection.write_all(silent).expect("taken");
        let mut rest = Vec::new();
        let ended = connection.read_to_end(&mut rest);
        assert!(ended.is_ok(), "{ended:?}");
    }
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

/// Who asked twice does not want to wait.
#[cfg(unix)]
#[test]
fn told_twice_it_ends_at_once() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &["--drain", "10m"]);
    server.push(Fault::StallAfter(1));
    let stream = served.send("POST", "/v1/chat/completions", &[], &streams(QUESTION).to_string());
    server.wait_for_requests(1);
    served.terminate();
    while std::net::TcpStream::connect(served.address()).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    served.terminate();
    assert_eq!(served.ended(), Some(130));
    drop(stream);
}

#[test]
fn a_model_that_is_down_is_left_alone_and_passages_are_quoted_meanwhile() {
    let server = ScriptedServer::start();
    let mut env = with_model(&server);
    env.set("DOCENT_ATTEMPTS", "1");
    let served = Served::start(&env, &["--fallback", "extractive"]);
    server.keep(Fault::Answer(response("503 Down", &[], "{}")));
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
    assert!(refused.body.contains("gets no requests"), "{refused:?}");
    let wait: u64 = refused.header("retry-after").and_then(|it| it.parse().ok()).expect("seconds");
    assert!((1..=20).contains(&wait), "{wait}");
    served.get("/readyz").expect(200);
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
