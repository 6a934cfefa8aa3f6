//! `docent serve`: conversations over one connection, as clients see them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use crate::chatting::{ANSWER, Client, PATH, UPGRADE, answering, names, open, text};
use crate::openai::{Fault, ScriptedServer};
use crate::served::{QUESTION, Served, ingested, key, read};

#[test]
fn questions_follow_each_other_and_the_model_is_shown_the_earlier_ones() {
    let (server, env) = answering();
    let served = Served::start(&env, &[]);
    let streamed = json!({ "question": QUESTION, "stream": true });
    let sse = served.post("/v1/docent/query", &streamed).expect(200).events();
    let mut client = Client::open(&served);
    client.say(&json!({ "type": "question", "id": "first", "question": QUESTION }));
    let events = client.until("done");
    assert_eq!((&events[0]["id"], &events[0]["resumed"]), (&json!("first"), &json!(false)));
    assert_eq!(names(&events)[1..], names(&sse), "after `begin` as over SSE");
    assert_eq!(text(&events), ANSWER.concat());
    let (begin, done) = (&events[0], &events[events.len() - 1]);
    assert_eq!(begin["answer_id"], done["answer_id"]);
    assert_eq!((&done["answer"], &done["collection"]), (&json!(ANSWER.concat()), &json!("docent")));

    let shown = |server: &ScriptedServer| server.requests().last().expect("one").body.to_string();
    assert!(!shown(&server).contains("Backups are kept"));
    client.ask("And the logs?");
    client.until("done");
    assert!(shown(&server).contains("Backups are kept for 400 days."), "without its mark");
    client.say(&json!({ "type": "clear" }));
    assert_eq!(client.hear().expect("an event")["event"], "cleared");
    client.ask("And the logs?");
    client.until("done");
    assert!(!shown(&server).contains("Backups are kept for 400 days."));
    client.ask(QUESTION);
    client.until("done");
    // Another conversation has a history of its own.
    let mut other = Client::open(&served);
    other.ask("And the logs?");
    other.until("done");
    assert!(!shown(&server).contains("Backups are kept for 400 days."));
    let line = served.logged(r#""method":"WS""#);
    assert!(line.contains(r#""status":200"#) && line.contains(r#""answer_id""#), "{line}");
}

#[test]
fn a_message_that_is_wrong_is_said_and_the_conversation_goes_on() {
    let (server, env) = answering();
    let served = Served::start(&env, &[]);
    let mut client = Client::open(&served);
    for (message, code, hint) in [
        (r#"{"type":"question","questoin":"?"}"#, "unknown_parameter", "did you mean `question`?"),
        (r#"{"type":"question","question":" "}"#, "invalid_value", ""),
        (r#"{"type":"question","question":"?","k":0}"#, "invalid_value", ""),
        (
            r#"{"type":"question","question":"?","collection":"../x"}"#,
            "collection_not_found",
            "the collections are: docent",
        ),
        (r#"{"type":"ask","question":"?"}"#, "invalid_value", "the known names are: question"),
        (r#"{"type":"resume","answer_id":"x"}"#, "invalid_value", ""),
        ("[", "invalid_value", ""),
        (
            r#"{"type":"question","question":"a","id":"x","question":"b"}"#,
            "invalid_value",
            "send it once",
        ),
        (r#"{"type":"question","id":"x"}"#, "invalid_value", "docs/serve-chat.md"),
    ] {
        client.send(Message::text(message));
        let event = client.hear().expect("an event");
        assert_eq!(event["error"]["code"], code, "{message}: {event}");
        let id = &event["error"]["docent"]["request_id"];
        let id = if message.contains(r#""id":"x""#) { &json!("x") } else { id };
        assert_eq!((&event["id"], &event["answer_id"]), (id, &Value::Null), "{message}");
        let said = event["error"]["docent"]["hint"].as_str().expect("a hint");
        assert!(said.starts_with(hint), "{message}: {said}");
    }
    client.say(&json!({ "type": "cancel" }));
    let cancelled = client.hear().expect("an event");
    assert_eq!(cancelled, json!({ "event": "cancelled", "answer_id": null }));

    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    client.until("delta");
    for busy in [
        json!({ "type": "question", "question": "?", "id": "second" }),
        json!({ "type": "clear" }),
        json!({ "type": "resume", "answer_id": "01938c1e-0000-7000-8000-000000000000" }),
    ] {
        client.say(&busy);
        let event = client.hear().expect("an event");
        assert_eq!(event["error"]["code"], "answer_under_way");
        // The id is that of the message, not of the answer under way.
        let request_id = &event["error"]["docent"]["request_id"];
        assert_eq!(&event["id"], busy.get("id").unwrap_or(request_id));
        assert!(request_id.is_string() && event.get("answer_id").is_none(), "{event}");
    }
    server.release();
    assert_eq!(text(&client.until("done")), ANSWER[1..].concat());
}

#[test]
fn what_is_no_websocket_is_refused_as_a_request() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let plain = served.get(PATH).expect(426);
    assert_eq!(plain.code(), "upgrade_required");
    assert_eq!(
        (plain.header("upgrade"), plain.header("sec-websocket-version")),
        (Some("websocket"), Some("13"))
    );
    let refused = |changed: (&str, &str)| {
        let others = UPGRADE.iter().filter(|(name, _)| *name != changed.0).copied();
        let headers: Vec<(&str, &str)> = others.chain([changed]).collect();
        let reply = read(served.send("GET", PATH, &headers[..], ""));
        (reply.status, reply.code())
    };
    assert_eq!(refused(("sec-websocket-version", "8")), (426, "upgrade_required".to_owned()));
    assert_eq!(refused(("sec-websocket-key", "short")), (400, "invalid_value".to_owned()));
    assert_eq!(refused(("upgrade", "h2c")), (426, "upgrade_required".to_owned()));
    let unknown = [("sec-websocket-protocol", "chat, superchat")];
    assert_eq!(open(&served, &unknown).expect_err("no such protocol").status, 400);
    let page = [("origin", "https://evil.example")];
    assert_eq!(
        open(&served, &page).expect_err("a page of somebody else").code(),
        "origin_not_allowed"
    );
    let own = [("origin", &*format!("http://{}", served.address()))];
    assert!(open(&served, &own).is_ok());
    served.post(PATH, &json!({})).expect(405);
}

#[test]
fn each_question_needs_a_key_that_opens_and_counts_as_a_request() {
    let env = ingested();
    let asker = key(&env, "asker", &["--requests-per-minute", "3"]);
    let searcher = key(&env, "searcher", &["--right", "search"]);
    let stranger = key(&env, "stranger", &["--only", "elsewhere"]);
    let fleeting = key(&env, "fleeting", &[]);
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    assert_eq!(open(&served, &[]).expect_err("no key").code(), "missing_api_key");
    let bearer = format!("Bearer {searcher}");
    let right = open(&served, &[("authorization", &bearer)]).expect_err("no right");
    assert_eq!((right.status, &*right.code()), (403, "missing_right"));

    // A page can set no other header.
    let offered = format!("docent, docent.key.{fleeting}");
    let (stream, head) = open(&served, &[("sec-websocket-protocol", &offered)]).expect("let in");
    assert!(head.contains("sec-websocket-protocol: docent\r\n") && !head.contains("dk_"), "{head}");
    let mut page = Client(WebSocket::from_raw_socket(stream, Role::Client, None));
    page.ask(QUESTION);
    page.until("done");

    let mut nosy = Client::open_as(&served, &stranger);
    nosy.say(&json!({ "type": "question", "question": QUESTION, "collection": "docent" }));
    assert_eq!(nosy.refused(), "collection_not_found");

    let mut client = Client::open_as(&served, &asker);
    client.ask(QUESTION);
    client.until("done");
    client.send(Message::text("{"));
    assert_eq!(client.refused(), "invalid_value");
    client.ask(QUESTION);
    assert_eq!(client.refused(), "rate_limit_exceeded", "the connection, a question and a mistake");
    client.say(&json!({ "type": "clear" }));
    assert_eq!(client.hear().expect("it is still open")["event"], "cleared");

    env.run(&["keys", "revoke", "fleeting"]).expect(0);
    let shut_out = (0..200).find_map(|_| {
        page.ask(QUESTION);
        let last = loop {
            let event = page.hear().expect("an event");
            if event["event"] == "done" || event["event"] == "error" {
                break event;
            }
        };
        std::thread::sleep(Duration::from_millis(20));
        (last["event"] == "error").then_some(last)
    });
    let shut_out = shut_out.expect("the file is read again");
    assert_eq!(shut_out["error"]["code"], "revoked_api_key");
    // The same reason as for other requests.
    let refused = served.get_as(&fleeting, "/v1/models").expect(401).json();
    assert_eq!(shut_out["error"]["message"], refused["error"]["message"]);
    assert_eq!(page.closed(), 4401);

    let audit = std::fs::read_to_string(env.path("audit.jsonl")).expect("an audit");
    let lines: Vec<Value> =
        audit.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let of_asker: Vec<(&Value, &Value, &Value)> = lines
        .iter()
        .filter(|line| line["key"] == "asker")
        .map(|line| (&line["method"], &line["status"], &line["decision"]))
        .collect();
    let (get, ws) = (&json!("GET"), &json!("WS"));
    assert_eq!(
        of_asker,
        [
            (get, &json!(101), &json!("answered")),
            (ws, &json!(200), &json!("answered")),
            (ws, &json!(400), &json!("failed")),
            (ws, &json!(429), &json!("denied")),
        ]
    );
    assert!(lines.iter().any(|line| line["documents"][0].is_string()), "{audit}");
    env.run(&["audit", "verify", "audit.jsonl"]).expect(0);
    let log = served.log().join("\n");
    for secret in [&asker, &searcher, &stranger, &fleeting] {
        assert!(!log.contains(&secret[10..]), "no key is in the log");
    }
}

#[test]
fn questions_of_conversations_are_among_those_at_a_time() {
    let (server, env) = answering();
    let one = key(&env, "one", &["--questions-at-a-time", "1"]);
    let other = key(&env, "other", &[]);
    let limits = ["--max-questions", "1", "--queue", "1", "--queue-wait", "100ms"];
    let served = Served::start(&env, &limits);
    let mut client = Client::open_as(&served, &one);
    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    client.until("delta");
    let mut second = Client::open_as(&served, &one);
    second.ask(QUESTION);
    assert_eq!(second.refused(), "too_many_questions");
    let mut stranger = Client::open_as(&served, &other);
    stranger.ask(QUESTION);
    assert_eq!(stranger.refused(), "overloaded");
    client.say(&json!({ "type": "cancel" }));
    client.until("cancelled");
    for free in [&mut second, &mut stranger] {
        free.ask(QUESTION);
        free.until("done");
    }
}
