//! `docent serve`: how answers in conversations, and conversations themselves, end and go on elsewhere.

use std::io::{Read as _, Write as _};

use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message, WebSocket};

use crate::chatting::{ANSWER, Client, answering, names, open, text};
use crate::openai::Fault;
use crate::served::{QUESTION, Served, ingested, key, read};

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
    let last = told.last().expect("an event");
    assert_eq!(last["error"]["code"], "answer_cut_off");
    assert_eq!(last["answer_id"], begun["answer_id"]);
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
    let cut = r#""status":499"#;
    assert!(!served.log().iter().any(|line| line.contains(cut)), "{:#?}", served.log());
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
        // Text that is not UTF-8, masked with zeros; and a text without a mask.
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
