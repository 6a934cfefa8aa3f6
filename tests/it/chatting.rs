//! The smallest client of conversations with `docent serve`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use crate::env::TestEnv;
use crate::openai::ScriptedServer;
use crate::served::{Reply, Served, with_model};

pub(crate) const PATH: &str = "/v1/docent/chat";

/// The request that opens a conversation.
pub(crate) const UPGRADE: [(&str, &str); 4] = [
    ("connection", "upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// One side of a conversation.
pub(crate) struct Client(pub(crate) WebSocket<TcpStream>);

/// The connection after the head of the response, or the response that came instead.
pub(crate) fn open(
    served: &Served,
    headers: &[(&str, &str)],
) -> Result<(TcpStream, String), Reply> {
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
    pub(crate) fn open(served: &Served) -> Self {
        Self::open_with(served, &[])
    }

    pub(crate) fn open_as(served: &Served, key: &str) -> Self {
        Self::open_with(served, &[("authorization", &format!("Bearer {key}"))])
    }

    pub(crate) fn open_with(served: &Served, headers: &[(&str, &str)]) -> Self {
        let (stream, _) = open(served, headers).unwrap_or_else(|reply| panic!("{reply:?}"));
        Self(WebSocket::from_raw_socket(stream, Role::Client, None))
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string()));
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.0.send(message).expect("it is taken");
    }

    pub(crate) fn ask(&mut self, question: &str) {
        self.say(&json!({ "type": "question", "question": question }));
    }

    /// The next event; the error is the code that the connection was closed with.
    pub(crate) fn hear(&mut self) -> Result<Value, u16> {
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
    pub(crate) fn until(&mut self, name: &str) -> Vec<Value> {
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
    pub(crate) fn refused(&mut self) -> String {
        let event = self.until("error").pop().unwrap_or_default();
        event["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The code of the end that comes next.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> u16 {
        match self.hear() {
            Err(code) => code,
            Ok(event) => panic!("{event}"),
        }
    }
}

pub(crate) fn names(events: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    names.dedup();
    names
}

/// The pieces of the answer, together.
pub(crate) fn text(events: &[Value]) -> String {
    let deltas = events.iter().filter(|event| event["event"] == "delta");
    deltas.filter_map(|event| event["text"].as_str()).collect()
}

pub(crate) const ANSWER: [&str; 3] = ["Backups are ", "kept for ", "400 days [1]."];

pub(crate) fn answering() -> (ScriptedServer, TestEnv) {
    let server = ScriptedServer::start();
    server.answer(&ANSWER);
    let env = with_model(&server);
    (server, env)
}
