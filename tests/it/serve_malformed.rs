//! `docent serve` over HTTP/1.1: malformed requests, repeated fields, and requests that are refused
//! while they are still being sent. The caller gets the reason, and the next request is answered.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::json;

use crate::serve_tls::{FLAGS, Pair};
use crate::served::{QUESTION, Reply, Served, ingested, key, read, reply_of};

/// The response to these bytes.
fn told(served: &Served, bytes: &[u8]) -> Reply {
    let mut connection = served.connect();
    // The server may have closed the connection already.
    let _ = connection.write_all(bytes);
    read(connection)
}

#[track_caller]
fn is_told(reply: &Reply, status: u16, code: &str, about: &str) {
    assert_eq!(reply.status, status, "{about}: {reply:?}");
    let error = &reply.json()["error"];
    assert_eq!(error["code"], code, "{about}: {error}");
    for member in ["message", "type", "param"] {
        assert!(error[member].is_string(), "{about}: {error}");
    }
    let docent = &error["docent"];
    assert!(docent["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{about}: {error}");
    assert_eq!(docent["request_id"].as_str(), reply.header("x-request-id"), "{about}");
    assert_eq!(reply.header("x-should-retry"), Some("false"), "{about}");
    assert_eq!(reply.header("content-type"), Some("application/json"), "{about}");
}

#[test]
fn what_is_no_request_is_told_why() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let host = "host: localhost\r\n";
    let many = (0..120).map(|number| format!("x{number}: y")).collect::<Vec<_>>().join("\r\n");
    let many = format!("{many}\r\n");
    let long = "y".repeat(200_000);
    let bomb = "y".repeat(8_000_000);
    for (request, status, code) in [
        ("GARBAGE\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("\0\u{1}\u{2}\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("get /livez http/1.1\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /livez HTTP/3.7\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /livez\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_owned(), 400, "malformed_request"),
        (format!("GET /a\0b HTTP/1.1\r\n{host}\r\n"), 400, "malformed_request"),
        (format!("GET /livez HTTP/1.1\r\n{host}x: a\0b\r\n\r\n"), 400, "malformed_request"),
        (format!("GET /livez HTTP/1.1\r\n{host}x : a\r\n\r\n"), 400, "malformed_request"),
        (format!("GET /livez HTTP/1.1\r\n{host}x: a\r\n b\r\n\r\n"), 400, "malformed_request"),
        (
            format!(
                "POST /rerank HTTP/1.1\r\n{host}content-length: 3\r\ncontent-length: 4\r\n\r\n"
            ),
            400,
            "malformed_request",
        ),
        (
            format!("POST /rerank HTTP/1.1\r\n{host}content-length: -3\r\n\r\n"),
            400,
            "malformed_request",
        ),
        (
            format!("POST /rerank HTTP/1.1\r\n{host}transfer-encoding: gzip\r\n\r\n"),
            400,
            "malformed_request",
        ),
        (format!("GET /livez HTTP/1.1\r\n{host}{many}\r\n"), 431, "head_too_large"),
        (format!("GET /livez HTTP/1.1\r\n{host}x: {long}\r\n\r\n"), 431, "head_too_large"),
        (format!("GET /livez HTTP/1.1\r\n{host}x: {bomb}\r\n\r\n"), 431, "head_too_large"),
        (format!("GET /{long} HTTP/1.1\r\n{host}\r\n"), 431, "head_too_large"),
        ("\r\n".repeat(50_000), 431, "head_too_large"),
        // These can be read, and are more than is taken.
        (
            format!(
                "GET /livez HTTP/1.1\r\n{host}connection: close\r\nx: {}\r\n\r\n",
                &long[..40_000]
            ),
            431,
            "head_too_large",
        ),
        (
            format!("GET /{} HTTP/1.1\r\n{host}connection: close\r\n\r\n", &long[..40_000]),
            431,
            "head_too_large",
        ),
    ] {
        let about = &request[..request.len().min(70)];
        is_told(&told(&served, request.as_bytes()), status, code, about);
        served.get("/livez").expect(200);
    }
}

/// Behind a request that was answered, on the same connection.
#[test]
fn what_follows_a_request_and_is_none_is_told_why() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let request = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let reply = told(&served, format!("{request}{request}NONSENSE\r\n\r\n").as_bytes()).body;
    let (_, rest) = reply.split_once("HTTP/1.1 200 OK").expect("two answers");
    let (_, rest) = rest.split_once("HTTP/1.1 400 Bad Request").expect("and a third");
    assert!(rest.contains("malformed_request"), "{reply}");
}

#[test]
fn what_decides_who_asks_whom_is_said_once() {
    let env = ingested();
    let (one, other) = (key(&env, "one", &[]), key(&env, "other", &[]));
    let served = Served::start(&env, &[]);
    let (one, other) = (&*format!("Bearer {one}"), &*format!("Bearer {other}"));
    let twice = [("authorization", one), ("authorization", other)];
    is_told(&served.ask("GET", "/v1/models", &twice, ""), 400, "invalid_value", "two keys");
    served.ask("GET", "/v1/models", &twice[..1], "").expect(200);
    // Beside the one that is always there.
    let host = [("host", "evil.example"), ("authorization", one)];
    is_told(&served.ask("GET", "/v1/models", &host, ""), 400, "invalid_value", "two hosts");
}

#[test]
fn a_body_that_breaks_off_or_is_not_as_it_says_is_told_why() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let chunked = [("transfer-encoding", "chunked")];
    let ask = |body: &str| {
        let mut connection = served.send("POST", "/v1/docent/search", &chunked, "");
        connection.write_all(body.as_bytes()).expect("taken");
        read(connection)
    };
    for (body, cause) in [
        ("zz\r\n", "chunk size"),
        ("ffffffffffffffff1\r\n", "chunk size"),
        ("2\r\n{}x\r\n", "chunk"),
    ] {
        let reply = ask(body);
        is_told(&reply, 400, "invalid_value", body);
        let causes = reply.json()["error"]["docent"]["causes"].to_string();
        assert!(causes.contains(cause), "{body}: {causes}");
    }
    // As clients with trailers send it.
    let fine = json!({ "question": QUESTION }).to_string();
    ask(&format!("{:x}\r\n{fine}\r\n0\r\nx: y\r\n\r\n", fine.len())).expect(200);
}

/// More than any buffer of the system between the two.
const LARGE: usize = 24 << 20;

/// Sends all of it before it looks for the response, as many clients do.
fn upload(mut connection: impl Read + Write, path: &str, framed: &str, body: &[u8]) -> Reply {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
        content-type: multipart/form-data; boundary=frontier\r\n{framed}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).expect("the head is taken");
    connection.write_all(body).expect("all of the body is taken");
    let mut reply = Vec::new();
    let ended = connection.read_to_end(&mut reply);
    assert!(ended.is_ok(), "{ended:?} after {}", String::from_utf8_lossy(&reply));
    reply_of(&reply)
}

fn check_uploads<T: Read + Write>(connect: impl Fn() -> T) {
    let file =
        "--frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\r\n";
    let form = format!("{file}{}\r\n--frontier--\r\n", "x".repeat(LARGE));
    let length = format!("content-length: {}", form.len());
    let chunked = "transfer-encoding: chunked";
    let in_chunks = format!("{:x}\r\n{form}\r\n0\r\n\r\n", form.len());
    for (path, framed, body, status, code) in [
        ("/v1/files", &*length, &form, 413, "request_too_large"),
        ("/v1/files", chunked, &in_chunks, 413, "request_too_large"),
        ("/v1/docent/search", &*length, &form, 413, "request_too_large"),
        ("/v1/docent/search", chunked, &in_chunks, 413, "request_too_large"),
        ("/v1/nothing", &*length, &form, 404, "unknown_url"),
    ] {
        let reply = upload(connect(), path, framed, body.as_bytes());
        is_told(&reply, status, code, &format!("{path}, {framed}"));
    }
}

#[test]
fn who_sends_too_much_is_told_so_when_all_is_sent() {
    let env = ingested();
    let limits = ["--ingest", "--upload-limit", "1MB"];
    let served = Served::start(&env, &limits);
    check_uploads(|| served.connect());
    drop(served);

    let pair = Pair::until(4000);
    pair.put(&env);
    let served = Served::start(&env, &[&limits[..], &FLAGS].concat());
    check_uploads(|| {
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(pair.client(&[]), name).expect("a client");
        StreamOwned::new(client, served.connect())
    });
}

/// Up to the end of its body, whose length it has.
fn one_reply(connection: &mut TcpStream) -> Reply {
    let mut reply = Vec::new();
    loop {
        let mut byte = [0];
        connection.read_exact(&mut byte).expect("a response");
        reply.push(byte[0]);
        if !reply.ends_with(b"\r\n\r\n") {
            continue;
        }
        let head = reply_of(&reply);
        if head.status >= 200 {
            let length = head.header("content-length").and_then(|length| length.parse().ok());
            let mut body = vec![0; length.expect("a length")];
            connection.read_exact(&mut body).expect("a body");
            reply.extend(body);
        }
        return reply_of(&reply);
    }
}

#[test]
fn who_waits_for_a_word_before_it_sends_is_not_made_to_send_what_is_refused() {
    let env = ingested();
    let served = Served::start(&env, &["--body-limit", "64KB"]);
    let begin = |path: &str, length: usize| {
        let mut connection = served.connect();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).expect("taken");
        connection
    };
    for (path, length, status) in [("/v1/docent/search", 70_000, 413), ("/v1/nothing", 10, 404)] {
        let mut connection = begin(path, length);
        let reply = one_reply(&mut connection).expect(status);
        assert_eq!(reply.header("connection"), Some("close"), "{reply:?}");
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).expect("it ends");
        assert!(rest.is_empty());
    }
    let body = json!({ "question": QUESTION }).to_string();
    let mut connection = begin("/v1/docent/search", body.len());
    one_reply(&mut connection).expect(100);
    connection.write_all(body.as_bytes()).expect("taken");
    one_reply(&mut connection).expect(200);
    // The body of a refused request does not disturb the next request.
    let refused = "POST /v1/nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n";
    let request = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let both = format!("{refused}{}{request}", "x".repeat(100_000));
    connection.write_all(both.as_bytes()).expect("taken");
    one_reply(&mut connection).expect(404);
    one_reply(&mut connection).expect(200);
}

#[test]
fn a_member_that_is_there_twice_is_named() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    for (path, body, param) in [
        ("search", r#"{"question":"a","question":"b"}"#, "question"),
        ("search", r#"{"question":"a","k":1,"k":1}"#, "k"),
        (
            "query",
            r#"{"question":"a","history":[{"question":"b","answer":"c","answer":"d"}]}"#,
            "history[0].answer",
        ),
        ("explain", r#"{"question":"a","expect":"b","expect":"c"}"#, "expect"),
        ("feedback", r#"{"answer_id":"a","score":1,"score":0}"#, "score"),
    ] {
        let reply = served.ask("POST", &format!("/v1/docent/{path}"), &[], body);
        is_told(&reply, 400, "invalid_value", body);
        let error = &reply.json()["error"];
        assert_eq!(error["param"], param, "{body}");
        assert_eq!(error["message"], format!("`{param}` appears more than once"), "{body}");
    }
}
