//! `docent serve`: conversations over one connection, as clients see them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message, WebSocket};

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer};
use crate::served::{QUESTION, Reply, Served, ingested, key, read, with_model};

const PATH: &str = "/v1/docent/chat";

/// What asks for a conversation.
const UPGRADE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// One side of a conversation.
struct Client(WebSocket<TcpStream>);

/// The connection behind the head of the response, or what was answered instead.
fn open(served: &Served, headers: &[(&str, &str)]) -> Result<(TcpStream, String), Reply> {
    let mut stream = served.connect();
    let mut head = format!("GET {PATH} HTTP/1.1\r\nhost: {}\r\n", served.address());
    for (name, value) in UPGRADE.iter().chain(headers) {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("the request is taken");
    let mut answered = String::new();
    while !answered.ends_with("\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a response");
        answered.push(char::from(byte[0]));
    }
    if answered.starts_with("HTTP/1.1 101") {
        return Ok((stream, answered.to_ascii_lowercase()));
    }
    let length = answered.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).expect("a length")];
    stream.read_exact(&mut body).expect("a body");
    let status = answered.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = String::from_utf8(body).expect("text");
    Err(Reply { status: status.unwrap_or(0), headers: Vec::new(), body })
}

impl Client {
    fn open(served: &Served) -> Self {
        Self::open_with(served, &[])
    }

    fn open_as(served: &Served, key: &str) -> Self {
        Self::open_with(served, &[("authorization", &format!("Bearer {key}"))])
    }

    fn open_with(served: &Served, headers: &[(&str, &str)]) -> Self {
        let (stream, _) = open(served, headers).unwrap_or_else(|reply| panic!("{reply:?}"));
        Self(WebSocket::from_raw_socket(stream, Role::Client, None))
    }

    fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string()));
    }

    fn send(&mut self, message: Message) {
        self.0.send(message).expect("it is taken");
    }

    fn ask(&mut self, question: &str) {
        self.say(&json!({ "type": "question", "question": question }));
    }

    /// The next event; the error is the code that the connection was closed with.
    fn hear(&mut self) -> Result<Value, u16> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => {
                    return Ok(serde_json::from_str(&text).expect("an event"));
                }
                Ok(Message::Close(frame)) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Ok(_) => {}
                Err(error) => panic!("no end of a WebSocket: {error}"),
            }
        }
    }

    /// All events up to the first of this name.
    #[track_caller]
    fn until(&mut self, name: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.hear().unwrap_or_else(|code| panic!("{code} after {events:#?}")));
            let last = &events[events.len() - 1];
            if last["event"] == name {
                return events;
            }
            assert!(last["event"] != "error" && last["event"] != "done", "{events:#?}");
        }
    }

    /// The code of the error that comes next.
    #[track_caller]
    fn refused(&mut self) -> String {
        let event = self.until("error").pop().unwrap_or_default();
        event["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The code of the end that comes next.
    #[track_caller]
    fn closed(&mut self) -> u16 {
        match self.hear() {
            Err(code) => code,
            Ok(event) => panic!("{event}"),
        }
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    names.dedup();
    names
}

/// The pieces of the answer, together.
fn text(events: &[Value]) -> String {
    let deltas = events.iter().filter(|event| event["event"] == "delta");
    deltas.filter_map(|event| event["text"].as_str()).collect()
}

const ANSWER: [&str; 3] = ["Backups are ", "kept for ", "400 days [1]."];

fn answering() -> (ScriptedServer, TestEnv) {
    let server = ScriptedServer::start();
    server.answer(&ANSWER);
    let env = with_model(&server);
    (server, env)
}

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
            "there is docent",
        ),
        (r#"{"type":"ask","question":"?"}"#, "invalid_value", "there is question"),
        (r#"{"type":"resume","answer_id":"x"}"#, "invalid_value", ""),
        ("[", "invalid_value", ""),
    ] {
        client.send(Message::text(message));
        let event = client.hear().expect("an event");
        assert_eq!(event["error"]["code"], code, "{message}: {event}");
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
        assert_eq!(event["id"], busy["id"]);
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
    assert_eq!(shut_out.expect("the file is read again")["error"]["code"], "invalid_api_key");
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

#[test]
fn who_cancels_or_leaves_hangs_up_the_model() {
    let (server, env) = answering();
    let served = Served::start(&env, &["--max-questions", "1"]);
    let mut client = Client::open(&served);
    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    let begun = client.until("delta").remove(0);
    client.say(&json!({ "type": "cancel" }));
    let cancelled = client.until("cancelled").pop().expect("an event");
    assert_eq!(cancelled["answer_id"], begun["answer_id"]);
    server.wait_for_hangup();
    served.logged(r#""status":499"#);
    client.ask("And the logs?");
    client.until("done");
    let shown = server.requests().last().expect("one").body.to_string();
    assert!(shown.contains("Backups are"), "what was told of it is remembered, as in docent chat");

    for (fault, leaves_properly) in [
        (Fault::StallAfter(1), false),
        (Fault::StallAfter(1), true),
        (Fault::Stall, false),
        (Fault::Stall, true),
    ] {
        let before = server.requests().len();
        server.push(fault);
        let mut client = Client::open(&served);
        client.ask(QUESTION);
        server.wait_for_requests(before + 1);
        if leaves_properly {
            client.0.close(None).expect("it is taken");
            while client.0.read().is_ok() {}
        }
        drop(client);
        server.wait_for_hangup();
        // The only turn is free again.
        let mut next = Client::open(&served);
        next.ask(QUESTION);
        next.until("done");
    }
}

#[test]
fn a_turn_is_told_again_to_its_own_key_and_to_no_other() {
    let (server, env) = answering();
    let own = key(&env, "own", &[]);
    let other = key(&env, "other", &[]);
    let served = Served::start(&env, &[]);
    let mut client = Client::open_as(&served, &own);
    client.ask(QUESTION);
    let told = client.until("done");
    drop(client);
    let resume = json!({ "type": "resume", "id": "again", "answer_id": told[0]["answer_id"] });

    let mut stranger = Client::open_as(&served, &other);
    stranger.say(&resume);
    assert_eq!(stranger.refused(), "turn_not_kept");

    let mut client = Client::open_as(&served, &own);
    client.say(&resume);
    let again = client.until("done");
    assert_eq!((&again[0]["id"], &again[0]["resumed"]), (&json!("again"), &json!(true)));
    assert_eq!(names(&again), names(&told));
    assert_eq!(text(&again), text(&told));
    assert_eq!(again.last(), told.last());
    assert!(again.len() < told.len(), "pieces of the text are told as one");
    // It is the conversation of before.
    client.ask("And the logs?");
    client.until("done");
    let shown = server.requests().last().expect("one").body.to_string();
    assert!(shown.contains("Backups are kept for 400 days."));
}

#[test]
fn what_a_lost_connection_had_cut_off_is_told_as_far_as_it_came() {
    let (server, env) = answering();
    let served = Served::start(&env, &[]);
    let mut client = Client::open(&served);
    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    let begun = client.until("delta").remove(0);
    drop(client);
    server.wait_for_hangup();
    served.logged(r#""status":499"#);
    let mut client = Client::open(&served);
    client.say(&json!({ "type": "resume", "answer_id": begun["answer_id"] }));
    let told = client.until("error");
    assert!(text(&told).starts_with("Backups are"), "{told:#?}");
    assert_eq!(told.last().expect("an event")["error"]["code"], "answer_cut_off");
}

#[test]
fn an_answer_goes_on_where_it_is_resumed_while_it_is_under_way() {
    let (server, env) = answering();
    let served = Served::start(&env, &[]);
    let mut client = Client::open(&served);
    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    let begun = client.until("delta").remove(0);
    // The server does not know yet that its connection is of no use any more.
    let mut other = Client::open(&served);
    other.say(&json!({ "type": "resume", "answer_id": begun["answer_id"] }));
    let mut told = other.until("delta");
    let closed = loop {
        if let Err(code) = client.hear() {
            break code;
        }
    };
    assert_eq!(closed, 4409);
    drop(client);
    server.release();
    told.extend(other.until("done"));
    assert_eq!(text(&told), ANSWER.concat());
    other.ask("And the logs?");
    other.until("done");
    let shown = server.requests().last().expect("one").body.to_string();
    assert!(shown.contains("Backups are kept for 400 days."));
    assert!(!served.log().iter().any(|line| line.contains("499")), "{:#?}", served.log());
}

#[test]
fn who_breaks_the_protocol_is_told_how() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let mut binary = Client::open(&served);
    binary.send(Message::Binary(Bytes::from_static(b"{}")));
    assert_eq!(binary.closed(), 1003);
    let mut large = Client::open(&served);
    large.send(Message::text("x".repeat(300 << 10)));
    assert_eq!(large.closed(), 1009);
    for (frame, code) in [
        // Text that is no UTF-8, masked with zeros; and a text without a mask.
        (&b"\x81\x81\x00\x00\x00\x00\xff"[..], 1007),
        (b"\x81\x02{}", 1002),
        (b"\x83\x80\x00\x00\x00\x00", 1002),
    ] {
        let (mut stream, _) = open(&served, &[]).expect("a conversation");
        stream.write_all(frame).expect("taken");
        let mut client = Client(WebSocket::from_raw_socket(stream, Role::Client, None));
        assert_eq!(client.closed(), code, "{frame:?}");
    }
    let mut pinging = Client::open(&served);
    pinging.send(Message::Ping(Bytes::from_static(b"there?")));
    assert!(matches!(pinging.0.read(), Ok(Message::Pong(word)) if word == "there?"));
    pinging.ask(QUESTION);
    pinging.until("done");
}

#[test]
fn who_answers_no_ping_is_gone_and_who_asks_nothing_is_closed() {
    let mut env = ingested();
    env.set("DOCENT_SERVE_CHAT_PING", "50ms");
    let served = Served::start(&env, &[]);
    let (mut silent, _) = open(&served, &[]).expect("a conversation");
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).expect("it ends");
    assert_eq!(rest, b"\x89\x00", "one ping, and no more");
    // Its client answers pings where it reads.
    let mut alive = Client::open(&served);
    for _ in 0..5 {
        assert!(matches!(alive.0.read(), Ok(Message::Ping(_))));
    }
    alive.ask(QUESTION);
    alive.until("done");

    let served = Served::start(&env, &["--chat-idle", "300ms"]);
    let mut idle = Client::open(&served);
    idle.ask(QUESTION);
    idle.until("done");
    assert_eq!(idle.closed(), 4408);
}

#[test]
fn a_slow_reader_holds_the_model_up_and_one_who_takes_nothing_is_left() {
    let (server, env) = answering();
    let served = Served::start(&env, &["--slow-client", "1s"]);
    let event = format!(
        "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{}\"}},\"finish_reason\":null}}]}}\n\n",
        "word ".repeat(2_000)
    );
    server.push(Fault::Flood("text/event-stream", event.leak().as_bytes()));
    let mut client = Client::open(&served);
    client.ask(QUESTION);
    client.until("delta");
    // It reads nothing more: the flood has nowhere to go, and ends with the connection.
    served.logged(r#""status":499"#);
    let mut next = Client::open(&served);
    next.ask(QUESTION);
    next.until("done");
}

#[cfg(unix)]
#[test]
fn told_to_end_it_finishes_the_answer_and_closes_what_is_idle() {
    let (server, env) = answering();
    let served = Served::start(&env, &[]);
    let mut idle = Client::open(&served);
    let mut client = Client::open(&served);
    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    client.until("delta");
    served.terminate();
    assert_eq!(idle.closed(), 1001);
    server.release();
    client.until("done");
    assert_eq!(client.closed(), 1001);
    drop((idle, client));
    assert_eq!(served.ended(), Some(0));

    let served = Served::start(&env, &["--drain", "200ms"]);
    let mut client = Client::open(&served);
    server.push(Fault::StallAfter(2));
    client.ask(QUESTION);
    client.until("delta");
    served.terminate();
    assert_eq!(client.refused(), "shutting_down");
    assert_eq!(client.closed(), 1001);
    assert_eq!(served.ended(), Some(0));
}

#[test]
fn a_conversation_counts_among_the_connections() {
    let env = ingested();
    let served = Served::start(&env, &["--max-connections", "1"]);
    let mut client = Client::open(&served);
    client.ask(QUESTION);
    client.until("done");
    let mut waiting = served.send("GET", "/livez", &[], "");
    waiting.set_nonblocking(true).expect("a socket");
    client.ask(QUESTION);
    client.until("done");
    let unanswered = waiting.read(&mut [0]).expect_err("nothing yet");
    assert_eq!(unanswered.kind(), std::io::ErrorKind::WouldBlock);
    waiting.set_nonblocking(false).expect("a socket");
    drop(client);
    assert_eq!(read(waiting).status, 200);
}
