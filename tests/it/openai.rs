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
#![allow(dead_code, unused_imports, reason = "each of its users needs a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

#[path = "openai/answers.rs"]
mod answers;
#[path = "openai/rerank.rs"]
mod rerank;

use answers::Script;
pub(crate) use answers::{DIMENSIONS, Request, Spoil, capture, embed, event_stream, response};
pub(crate) use rerank::Dialect;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens to one request instead of the proper answer, or to that answer on its way. An
/// answer consists of parts: the head, then the body; in a chat stream one part per event.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// These bytes, from the status line on, then the connection is closed. See [`capture`] and
    /// [`response`].
    Answer(Vec<u8>),
    /// The proper answer with these headers besides.
    With(Vec<(&'static str, &'static str)>),
    /// The proper answer up to this many bytes, then the connection is closed.
    CutAfterBytes(usize),
    /// The proper answer up to this many bytes, then the connection is reset (RST).
    ResetAfterBytes(usize),
    /// The head and this many parts, then the connection is closed.
    CutAfter(usize),
    /// The head and this many parts, then a proper end of the body.
    EndAfter(usize),
    /// The head and this many parts, then nothing until [`ScriptedServer::release`] (the rest
    /// follows) or until the client hangs up.
    StallAfter(usize),
    /// The head and this many parts, then these bytes of the body now and then, until the client hangs
    /// up.
    TrickleAfter(usize, &'static [u8]),
    /// A body of this type and these bytes, again and again as fast as they are taken, until the client
    /// hangs up.
    Flood(&'static str, &'static [u8]),
    /// A head that is a byte longer now and then, until the client hangs up.
    TrickleHead,
    /// Nothing, not even a head, until [`ScriptedServer::release`] or until the client hangs up.
    Stall,
    /// The connection is reset (RST) without an answer.
    Reset,
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

#[derive(Default)]
struct State {
    script: Script,
    faults: VecDeque<Fault>,
    /// The fault for every request for which no other is queued.
    lasting: Option<Fault>,
    requests: Vec<Request>,
    hangups: usize,
    releases: usize,
    stalled: usize,
    most_stalled: usize,
    /// Connections by the client's address; a socket is closed only after it was removed from here.
    connections: HashMap<SocketAddr, TcpStream>,
    stopped: bool,
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

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on, requests without this key get 401.
    pub(crate) fn require_key(&self, key: &str) {
        self.state().script.key = Some(key.to_owned());
    }

    /// The pieces in which every chat answer is streamed.
    pub(crate) fn answer(&self, deltas: &[&str]) {
        self.state().script.deltas = deltas.iter().map(|&delta| delta.to_owned()).collect();
    }

    /// What one model answers, unlike the others.
    pub(crate) fn answer_of(&self, model: &str, text: &str) {
        self.state().script.other = Some((model.to_owned(), text.to_owned()));
    }

    /// What `GET /models` lists.
    pub(crate) fn list_models(&self, models: &[&str]) {
        self.state().script.models = models.iter().map(|&model| model.to_owned()).collect();
    }

    /// How `/rerank` is spoken, and the word whose passages it puts first.
    pub(crate) fn rerank(&self, dialect: Dialect, preferred: &str) {
        let script = &mut self.state().script;
        (script.dialect, script.preferred) = (dialect, Some(preferred.to_owned()));
    }

    /// Answers name this model instead of the one that was asked.
    pub(crate) fn answer_as(&self, model: &str) {
        self.state().script.answers_as = Some(model.to_owned());
    }

    /// Vectors come as floats even where base64 was asked for.
    pub(crate) fn always_floats(&self) {
        self.state().script.always_floats = true;
    }

    /// An embeddings request with an input of more words than this gets the 500 of llama-server.
    pub(crate) fn refuse_longer_than(&self, words: usize) {
        self.state().script.longest_input = words;
    }

    /// Puts a fault at the end of the queue; each request takes one from its front.
    pub(crate) fn push(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// The same fault for every request from now on that finds no other.
    pub(crate) fn keep(&self, fault: Fault) {
        self.state().lasting = Some(fault);
    }

    /// From now on an embeddings request with an input that contains `word` is spoiled.
    pub(crate) fn spoil(&self, word: &str, how: Spoil) {
        self.state().script.spoiled = Some((word.to_owned(), how));
    }

    /// Everything works again.
    pub(crate) fn recover(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.lasting = None;
        state.script.spoiled = None;
        state.script.answers_as = None;
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
        let parts = answers::answer(&state.script, &request);
        state.requests.push(request);
        let fault = state.faults.pop_front().or_else(|| state.lasting.clone());
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
    if let Some(Fault::ResetAfterBytes(count)) = fault {
        let all = parts.concat();
        return connection.write_all(&all[..count.min(all.len())]);
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
        Some(Fault::With(headers)) => {
            let all = [parts.concat(), last.clone()].concat();
            connection.write_all(&answers::with_headers(&all, &headers))
        }
        Some(Fault::CutAfterBytes(count)) => {
            let all = [parts.concat(), last.clone()].concat();
            connection.write_all(&all[..count.min(all.len())])
        }
        Some(Fault::CutAfter(count)) => connection.write_all(&upto(count).concat()),
        Some(Fault::EndAfter(count)) => {
            connection.write_all(&upto(count).concat())?;
            connection.write_all(b"0\r\n\r\n")
        }
        Some(Fault::TrickleAfter(count, bytes)) => {
            // A chunk that is longer than it ever gets.
            connection.write_all(&[upto(count).concat(), b"fffffff\r\n".to_vec()].concat())?;
            trickle(connection, bytes)
        }
        Some(Fault::Flood(kind, bytes)) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\n");
            connection.write_all(head.as_bytes())?;
            while connection.write_all(bytes).is_ok() {}
            Ok(())
        }
        Some(Fault::TrickleHead) => {
            connection.write_all(b"HTTP/1.1 200 OK\r\nx: ")?;
            trickle(connection, b"x")
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
        Some(Fault::Reset | Fault::ResetAfterBytes(_)) => Ok(()),
    }
}

fn trickle(mut connection: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    loop {
        std::thread::sleep(Duration::from_millis(20));
        connection.write_all(bytes)?;
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
