//! A scripted OpenAI-compatible server on the loopback interface, for unit tests and for tests
//! that run the binary.
//!
//! ```ignore
//! let server = ScriptedServer::start();
//! server.push(Fault::Answer(capture("litellm-up-429-full.http")));  // the next request fails,
//! server.answer(&["Backups are kept for 400 days [", "1", "]."]);     // later ones are answered
//! run_docent(&[("OPENAI_BASE_URL", &server.base_url())]);
//! assert_eq!(server.requests().len(), 2);
//! ```
//!
//! Embeddings are a signed bag of hashed words: deterministic, and texts that share words are near
//! each other. It speaks HTTP/1.1 by hand over plain sockets, one request per connection, so that
//! it can also answer wrongly: captured bytes, cut streams, silence, a reset. Dropping it closes
//! every connection and ends its threads.
#![allow(dead_code, reason = "each of its users needs a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// Dimensions of the vectors where the request does not say.
pub(crate) const DIMENSIONS: usize = 64;
/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens to one request instead of the proper answer, or to that answer on its way. An
/// answer consists of parts: the head, then the body; in a chat stream one part per event.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// These bytes, from the status line on, then the connection is closed. See [`capture`] and
    /// [`response`].
    Answer(Vec<u8>),
    /// The proper answer up to this many bytes, then the connection is closed.
    CutAfterBytes(usize),
    /// The head and this many parts, then the connection is closed.
    CutAfter(usize),
    /// The head and this many parts, then a proper end of the body.
    EndAfter(usize),
    /// The head and this many parts, then nothing until [`ScriptedServer::release`] (the rest
    /// follows) or until the client hangs up.
    StallAfter(usize),
    /// Nothing, not even a head, until [`ScriptedServer::release`] or until the client hangs up.
    Stall,
    /// The connection is reset (RST) without an answer.
    Reset,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query: `/v1/embeddings`.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// `Null` where there is none.
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether the request carried this key, and no other.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.header("authorization") == Some(&format!("Bearer {key}"))
    }

    /// The inputs of an embeddings request.
    pub(crate) fn inputs(&self) -> Vec<String> {
        match &self.body["input"] {
            Value::Array(texts) => {
                texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Value::String(text) => vec![text.clone()],
            _ => Vec::new(),
        }
    }
}

/// The running server. Every method takes effect on the requests that come after it.
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// A panic of another thread is that thread's failure to report.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    key: Option<String>,
    models: Vec<String>,
    /// Reported instead of the model that was asked.
    answers_as: Option<String>,
    deltas: Vec<String>,
    always_floats: bool,
    longest_input: usize,
    faults: VecDeque<Fault>,
    requests: Vec<Request>,
    hangups: usize,
    releases: usize,
    stalled: usize,
    most_stalled: usize,
    /// By the client's address; a socket is closed only when it is in here no more.
    connections: HashMap<SocketAddr, TcpStream>,
    stopped: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            key: None,
            models: vec!["scripted-chat".to_owned(), "scripted-embedding".to_owned()],
            answers_as: None,
            deltas: ["The first ", "passage says so [", "1", "]."].map(str::to_owned).to_vec(),
            always_floats: false,
            longest_input: usize::MAX,
            faults: VecDeque::new(),
            requests: Vec::new(),
            hangups: 0,
            releases: 0,
            stalled: 0,
            most_stalled: 0,
            connections: HashMap::new(),
            stopped: false,
        }
    }
}

impl ScriptedServer {
    /// Listens on a free port. Answers at once, needs no key.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let acceptor = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || accept(&listener, &shared))
        };
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// `http://127.0.0.1:PORT/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on, requests without this key get 401.
    pub(crate) fn require_key(&self, key: &str) {
        self.state().key = Some(key.to_owned());
    }

    /// The pieces in which every chat answer is streamed.
    pub(crate) fn answer(&self, deltas: &[&str]) {
        self.state().deltas = deltas.iter().map(|&delta| delta.to_owned()).collect();
    }

    /// What `GET /models` lists.
    pub(crate) fn list_models(&self, models: &[&str]) {
        self.state().models = models.iter().map(|&model| model.to_owned()).collect();
    }

    /// Answers name this model instead of the one that was asked.
    pub(crate) fn answer_as(&self, model: &str) {
        self.state().answers_as = Some(model.to_owned());
    }

    /// Vectors come as floats even where base64 was asked for.
    pub(crate) fn always_floats(&self) {
        self.state().always_floats = true;
    }

    /// An embeddings request with an input of more words than this gets the 500 of llama-server.
    pub(crate) fn refuse_longer_than(&self, words: usize) {
        self.state().longest_input = words;
    }

    /// Puts a fault at the end of the queue; each request takes one from its front.
    pub(crate) fn push(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Lets every answer that is stalled now go on.
    pub(crate) fn release(&self) {
        self.state().releases += 1;
        self.shared.changed.notify_all();
    }

    /// All requests so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Blocks until `count` requests have arrived.
    pub(crate) fn wait_for_requests(&self, count: usize) -> Vec<Request> {
        self.wait(|state| state.requests.len() >= count);
        self.requests()
    }

    /// Blocks until a client has hung up on a stalled answer.
    pub(crate) fn wait_for_hangup(&self) {
        self.wait(|state| state.hangups > 0);
    }

    /// How many answers were stalled at the same time, at most.
    pub(crate) fn most_stalled(&self) -> usize {
        self.state().most_stalled
    }

    fn wait(&self, ready: impl Fn(&State) -> bool) {
        let (state, timeout) = self
            .shared
            .changed
            .wait_timeout_while(self.state(), PATIENCE, |state| !ready(state))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "did not happen; requests: {:#?}", state.requests);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        let connections = {
            let mut state = self.state();
            state.stopped = true;
            std::mem::take(&mut state.connections)
        };
        self.shared.changed.notify_all();
        for connection in connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// The bytes of a captured answer in `tests/fixtures/endpoints`. Its framing is made anew: a
/// content length, or none where the capture notes that the connection broke.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/endpoints", name].iter().collect();
    let text = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().trim_start_matches("HTTP/1.1 ");
    let headers: Vec<(&str, &str)> = lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| {
            !["content-length", "transfer-encoding", "connection"]
                .contains(&name.to_lowercase().as_str())
        })
        .collect();
    match body.split_once("<<client exception") {
        Some((body, _)) => {
            let mut bytes = head_of(status, &headers, "transfer-encoding: chunked");
            bytes.extend(chunk(body.as_bytes()));
            bytes
        }
        None => response(status, &headers, body.trim_end_matches('\n')),
    }
}

/// A complete answer: `status` as in `429 Too Many Requests`.
pub(crate) fn response(status: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut bytes = head_of(status, headers, &format!("content-length: {}", body.len()));
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// A chat stream of these events, ended by `[DONE]` only if it is among them.
pub(crate) fn event_stream(events: &[&str]) -> Vec<u8> {
    let body = events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat();
    response("200 OK", &[("content-type", "text/event-stream")], &body)
}

/// The vector that the server gives to a text: of unit length, or zero for a text without words.
pub(crate) fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a, then xorshift: four places and signs for each word.
        let mut hash = word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        for _ in 0..4 {
            hash ^= hash << 13;
            hash ^= hash >> 7;
            hash ^= hash << 17;
            let place = (hash >> 8) as usize % dimensions;
            vector[place] += if hash & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        for value in &mut vector {
            *value /= norm;
        }
    }
    vector
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        let mut state = shared.lock();
        if state.stopped {
            return;
        }
        let Ok(connection) = connection else { continue };
        let (Ok(client), Ok(clone)) = (connection.peer_addr(), connection.try_clone()) else {
            continue;
        };
        state.connections.insert(client, clone);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // An error is a client that went away, or the end of the test.
            let _ = serve(&connection, &shared);
            shared.lock().connections.remove(&client);
        });
    }
}

fn serve(mut connection: &TcpStream, shared: &Shared) -> io::Result<()> {
    let (request, last_byte) = read_request(connection)?;
    let (fault, parts, releases) = {
        let mut state = shared.lock();
        let parts = answer(&state, &request);
        state.requests.push(request);
        let fault = state.faults.pop_front();
        if matches!(fault, Some(Fault::Stall | Fault::StallAfter(_))) {
            state.stalled += 1;
            state.most_stalled = state.most_stalled.max(state.stalled);
        }
        (fault, parts, state.releases)
    };
    shared.changed.notify_all();
    if matches!(fault, Some(Fault::Reset)) {
        // Closing a socket that has unread bytes resets the connection.
        return Ok(());
    }
    if last_byte {
        connection.read_exact(&mut [0])?;
    }
    send(connection, fault, &parts, || stall(connection, shared, releases))?;
    let _ = connection.shutdown(Shutdown::Write);
    // Whatever the client still sends is read, so that closing does not reset.
    io::copy(&mut connection, &mut io::sink())?;
    Ok(())
}

fn send(
    mut connection: &TcpStream,
    fault: Option<Fault>,
    parts: &[Vec<u8>],
    stall: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let (last, parts) = parts.split_last().unwrap();
    let upto = |count: usize| &parts[..parts.len().min(count + 1)];
    match fault {
        None => connection.write_all(&[parts.concat(), last.clone()].concat()),
        Some(Fault::Answer(bytes)) => connection.write_all(&bytes),
        Some(Fault::CutAfterBytes(count)) => {
            let all = [parts.concat(), last.clone()].concat();
            connection.write_all(&all[..count.min(all.len())])
        }
        Some(Fault::CutAfter(count)) => connection.write_all(&upto(count).concat()),
        Some(Fault::EndAfter(count)) => {
            connection.write_all(&upto(count).concat())?;
            connection.write_all(b"0\r\n\r\n")
        }
        Some(fault @ (Fault::StallAfter(_) | Fault::Stall)) => {
            let sent = match fault {
                Fault::StallAfter(count) => upto(count),
                _ => &[],
            };
            connection.write_all(&sent.concat())?;
            stall()?;
            connection.write_all(&parts[sent.len()..].concat())?;
            connection.write_all(last)
        }
        Some(Fault::Reset) => Ok(()),
    }
}

/// Waits for the release after number `releases`; an error when the client has hung up before.
fn stall(connection: &TcpStream, shared: &Shared, releases: usize) -> io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_millis(10)))?;
    loop {
        let mut state = shared.lock();
        if state.stopped || state.releases > releases {
            state.stalled -= 1;
            return connection.set_read_timeout(None);
        }
        drop(state);
        let gone = match connection.peek(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => {
                !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
            }
        };
        if gone {
            let mut state = shared.lock();
            state.stalled -= 1;
            state.hangups += 1;
            drop(state);
            shared.changed.notify_all();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
}

/// Reads a request but for the last byte of its body; the flag says whether there is one.
fn read_request(mut connection: &TcpStream) -> io::Result<(Request, bool)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        if head.is_empty() && !byte[0].is_ascii_uppercase() {
            // Not HTTP: a TLS handshake, most likely.
            connection.write_all(&response("400 Bad Request", &[], ""))?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut start = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if let Some(last) = length.checked_sub(1) {
        connection.read_exact(&mut body[..last])?;
        if connection.peek(&mut body[last..])? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok((Request { method, path, headers, body }, length > 0))
}

/// The proper answer: the head, the parts of the body, and what ends the body.
fn answer(state: &State, request: &Request) -> Vec<Vec<u8>> {
    let path = request.path.split('?').next().unwrap_or_default();
    if state.key.as_ref().is_some_and(|key| !request.has_key(key)) {
        return error(401, "Incorrect API key provided", "invalid_request_error");
    }
    match (request.method.as_str(), path) {
        ("GET", "/v1/models") => {
            let row = |id: &String| json!({"id": id, "object": "model", "owned_by": "test"});
            let rows: Vec<Value> = state.models.iter().map(row).collect();
            whole(200, &json!({"object": "list", "data": rows}))
        }
        ("POST", "/v1/embeddings") => embeddings(state, request),
        ("POST", "/v1/chat/completions") => chat(state, request),
        _ => error(404, "Not Found", "invalid_request_error"),
    }
}

fn embeddings(state: &State, request: &Request) -> Vec<Vec<u8>> {
    let inputs = request.inputs();
    if inputs.is_empty() {
        return error(400, "\"input\" must not be empty", "invalid_request_error");
    }
    let words = |text: &String| text.split_whitespace().count();
    let longest = inputs.iter().map(words).max().unwrap_or(0);
    if longest > state.longest_input {
        let limit = state.longest_input;
        let message = format!(
            "input ({longest} tokens) is too large to process. increase the physical batch size \
             (current batch size: {limit})"
        );
        return error(500, &message, "server_error");
    }
    let dimensions = request.body["dimensions"].as_u64().map_or(DIMENSIONS, |d| d as usize);
    let as_base64 = request.body["encoding_format"] == "base64" && !state.always_floats;
    let row = |(index, text): (usize, &String)| {
        let vector = embed(text, dimensions);
        let embedding = if as_base64 {
            json!(base64(&vector.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let rows: Vec<Value> = inputs.iter().enumerate().map(row).collect();
    let tokens: usize = inputs.iter().map(words).sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let model = model(state, request);
    whole(200, &json!({"object": "list", "data": rows, "model": model, "usage": usage}))
}

fn chat(state: &State, request: &Request) -> Vec<Vec<u8>> {
    if request.body["stream"] != true {
        return error(400, "only streams are scripted", "invalid_request_error");
    }
    let model = model(state, request);
    let event = |choices: Value, usage: Value| {
        let event = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_237_976,
            "model": model, "choices": choices, "usage": usage,
        });
        chunk(format!("data: {event}\n\n").as_bytes())
    };
    let delta = |delta: Value, reason: Value| {
        event(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null)
    };
    let headers = [("content-type", "text/event-stream")];
    let mut parts = vec![head_of("200 OK", &headers, "transfer-encoding: chunked")];
    parts.push(delta(json!({"role": "assistant", "content": null}), Value::Null));
    parts.extend(state.deltas.iter().map(|text| delta(json!({"content": text}), Value::Null)));
    parts.push(delta(json!({}), json!("stop")));
    if request.body["stream_options"]["include_usage"] == true {
        let count = state.deltas.len();
        let usage =
            json!({"prompt_tokens": 11, "completion_tokens": count, "total_tokens": 11 + count});
        parts.push(event(json!([]), usage));
    }
    parts.push(chunk(b"data: [DONE]\n\n"));
    parts.push(b"0\r\n\r\n".to_vec());
    parts
}

fn model(state: &State, request: &Request) -> Value {
    state.answers_as.as_ref().map_or_else(|| request.body["model"].clone(), |model| json!(model))
}

fn error(status: u16, message: &str, kind: &str) -> Vec<Vec<u8>> {
    whole(status, &json!({"error": {"message": message, "type": kind, "code": status}}))
}

fn whole(status: u16, body: &Value) -> Vec<Vec<u8>> {
    let body = body.to_string();
    let length = format!("content-length: {}", body.len());
    let headers = [("content-type", "application/json")];
    vec![head_of(&format!("{status} Scripted"), &headers, &length), body.into_bytes(), Vec::new()]
}

fn head_of(status: &str, headers: &[(&str, &str)], framing: &str) -> Vec<u8> {
    let headers = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect::<Vec<_>>().concat();
    format!("HTTP/1.1 {status}\r\n{headers}{framing}\r\nconnection: close\r\n\r\n").into_bytes()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_u32, |bits, i| bits << 8 | u32::from(group.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let symbol = SYMBOLS[(bits >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}
