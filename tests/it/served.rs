//! A running `docent serve`, and the smallest client for it: one request per connection.
#![allow(dead_code, reason = "each of its users needs a part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::described;
use crate::env::TestEnv;
use crate::openai::ScriptedServer;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const QUESTION: &str = "How long are ledger backups kept?";

pub(crate) fn ingested() -> TestEnv {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    env
}

/// A collection that a scripted model answers from.
pub(crate) fn with_model(server: &ScriptedServer) -> TestEnv {
    let mut env = ingested();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "k");
    env.set("DOCENT_MODEL", "scripted");
    env
}

pub(crate) fn asks(question: &str) -> Value {
    json!({ "model": "docent", "messages": [{ "role": "user", "content": question }] })
}

pub(crate) fn streams(question: &str) -> Value {
    let mut body = asks(question);
    body["stream"] = json!(true);
    body
}

/// A key with these flags.
pub(crate) fn key(env: &TestEnv, name: &str, flags: &[&str]) -> String {
    let args = [&["keys", "create", name], flags].concat();
    env.run(&args).expect(0).stdout.trim().to_owned()
}

/// Killed when dropped.
pub(crate) struct Served {
    child: Child,
    url: String,
    address: String,
    first_line: Value,
    log: Arc<(Mutex<Vec<String>>, Condvar)>,
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `error.code`.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The data of each event, without the mark of the end.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        let data = data.filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| panic!("{data}"))).collect()
    }
}

impl Served {
    /// Listens at a free port of this machine.
    pub(crate) fn start(env: &TestEnv, args: &[&str]) -> Self {
        let mut all = vec!["serve", "--format", "json"];
        if !args.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(args);
        let mut child = env.command(&all).spawn().expect("docent starts");
        let log = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let heard = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                heard.0.lock().expect("the log").push(line);
                heard.1.notify_all();
            }
        });
        let mut first = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut first).expect("a line");
        let listening: Value = serde_json::from_str(&first)
            .unwrap_or_else(|_| panic!("{first}, {:?}", log.0.lock().expect("the log")));
        let url = listening["listening"][0].as_str().expect("an address").to_owned();
        let (_, address) = url.split_once("://").expect("HTTP, or HTTPS");
        let address = address.to_owned();
        Self { child, url, address, first_line: listening, log }
    }

    /// What it said on stdout.
    pub(crate) fn first_line(&self) -> &Value {
        &self.first_line
    }

    /// As it says where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    }

    /// Sends a request and leaves the connection open, unread.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut stream = self.connect();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("content-length: {}\r\n", body.len());
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("the request is taken");
        stream
    }

    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let reply = read(self.send(method, path, headers, body));
        described::check(method, path, body, &reply);
        reply
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, &[("content-type", "application/json")], &body.to_string())
    }

    /// The same with a key.
    pub(crate) fn post_as(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, &[("authorization", &format!("Bearer {key}"))], &body.to_string())
    }

    pub(crate) fn get_as(&self, key: &str, path: &str) -> Reply {
        self.ask("GET", path, &[("authorization", &format!("Bearer {key}"))], "")
    }

    /// The first line of the log that has this text, waited for.
    pub(crate) fn logged(&self, text: &str) -> String {
        let lines = self.log.0.lock().expect("the log");
        let missing = |lines: &mut Vec<String>| !lines.iter().any(|line| line.contains(text));
        let (lines, waited) =
            self.log.1.wait_timeout_while(lines, PATIENCE, missing).expect("the log");
        assert!(!waited.timed_out(), "no `{text}` in {lines:#?}");
        lines.iter().find(|line| line.contains(text)).cloned().unwrap_or_default()
    }

    /// All that was logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.0.lock().expect("the log").clone()
    }

    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    /// The exit code, once it has ended.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a response to its end.
pub(crate) fn read(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    // A server that hangs up in the middle has sent what it has sent.
    let _ = stream.read_to_end(&mut bytes);
    reply_of(&bytes)
}

/// The response that these bytes are.
pub(crate) fn reply_of(bytes: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let chunked =
        headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Reply { status: status.unwrap_or(0), headers, body }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        let Some(piece) = rest.get(..size).filter(|piece| !piece.is_empty()) else { break };
        whole += piece;
        body = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}
