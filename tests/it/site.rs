//! A scripted web site on the loopback interface, for unit tests and for tests that run the binary.
//!
//! ```ignore
//! let site = Site::start();
//! site.put("/guide/", Answer::html("<p>Words. <a href=next>next</a>").header("etag", "\"1\""));
//! site.once("/guide/next", Answer::status("503 Busy"));   // the next request; then 404
//! run_docent(&["ingest", &site.url("/guide/"), "--depth", "1", "--allow-private"]);
//! assert_eq!(site.asked(), ["/robots.txt", "/guide/", "/guide/next"]);
//! ```
//!
//! A request whose `If-None-Match` or `If-Modified-Since` is what the page's headers say gets 304.
//! Paths that were not put there get 404. One request per connection.
#![allow(dead_code, reason = "each of its users needs a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    end: End,
}

/// What follows the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Proper,
    /// The connection is closed although more was announced.
    Cut,
    /// Nothing, until the client hangs up.
    Silence,
    /// The body again and again, until the client hangs up.
    Repeat,
    /// A byte now and then, until the client hangs up.
    Trickle,
}

impl Answer {
    pub(crate) fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK".to_owned(),
            headers: Vec::new(),
            body: body.into(),
            end: End::Proper,
        }
        .header("content-type", content_type)
    }

    pub(crate) fn html(body: &str) -> Self {
        Self::new("text/html", body)
    }

    pub(crate) fn text(body: &str) -> Self {
        Self::new("text/plain", body)
    }

    /// `503 Busy`, with an empty body.
    pub(crate) fn status(status: &str) -> Self {
        Self { status: status.to_owned(), ..Self::text("") }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status("302 Found").header("location", to)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The connection closes before the announced end.
    pub(crate) fn cut(self) -> Self {
        Self { end: End::Cut, ..self }
    }

    /// After the body nothing comes, and no end.
    pub(crate) fn then_silence(self) -> Self {
        Self { end: End::Silence, ..self }
    }

    /// Not even a head.
    pub(crate) fn silence() -> Self {
        Self { status: String::new(), ..Self::text("").then_silence() }
    }

    /// The body repeats without an end.
    pub(crate) fn for_ever(self) -> Self {
        Self { end: End::Repeat, ..self }
    }

    /// After the body, a byte now and then, and no end.
    pub(crate) fn then_trickle(self) -> Self {
        Self { end: End::Trickle, ..self }
    }

    fn find(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn bytes(&self) -> Vec<u8> {
        if self.status.is_empty() {
            return Vec::new();
        }
        let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = match self.end {
            End::Proper => Some(self.body.len()),
            End::Cut => Some(self.body.len() + 100),
            End::Silence | End::Repeat | End::Trickle => None,
        };
        if let Some(length) = length {
            head += &format!("content-length: {length}\r\n");
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
}

/// The running site.
pub(crate) struct Site {
    address: SocketAddr,
    shared: Arc<Mutex<State>>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    pages: HashMap<String, Answer>,
    once: HashMap<String, VecDeque<Answer>>,
    requests: Vec<Request>,
    connections: HashMap<SocketAddr, TcpStream>,
    stopped: bool,
}

impl Site {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::default());
        let acceptor = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || accept(&listener, &shared))
        };
        Self { address, shared, acceptor: Some(acceptor) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:PORT` and `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn put(&self, path: &str, answer: Answer) {
        self.state().pages.insert(path.to_owned(), answer);
    }

    pub(crate) fn remove(&self, path: &str) {
        self.state().pages.remove(path);
    }

    /// For the next request of this path that has none queued before it.
    pub(crate) fn once(&self, path: &str, answer: Answer) {
        self.state().once.entry(path.to_owned()).or_default().push_back(answer);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Paths of all requests since the last call, in order of arrival.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests).into_iter().map(|r| r.path).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

/// A panic of another thread is that thread's failure to report.
fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Site {
    fn drop(&mut self) {
        let connections = {
            let mut state = self.state();
            state.stopped = true;
            std::mem::take(&mut state.connections)
        };
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

fn accept(listener: &TcpListener, shared: &Arc<Mutex<State>>) {
    for connection in listener.incoming() {
        let mut state = lock(shared);
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
            lock(&shared).connections.remove(&client);
        });
    }
}

fn serve(mut connection: &TcpStream, shared: &Mutex<State>) -> io::Result<()> {
    let request = read_request(connection)?;
    let answer = {
        let mut state = lock(shared);
        let once = state.once.get_mut(&request.path).and_then(VecDeque::pop_front);
        let answer = once.or_else(|| state.pages.get(&request.path).cloned());
        let answer = match answer {
            Some(answer) if is_known(&request, &answer) => Answer::status("304 Not Modified"),
            Some(answer) => answer,
            None => Answer::status("404 Not Found"),
        };
        state.requests.push(request);
        answer
    };
    connection.write_all(&answer.bytes())?;
    match answer.end {
        End::Proper | End::Cut => connection.shutdown(Shutdown::Write)?,
        End::Repeat => loop {
            connection.write_all(&answer.body)?;
        },
        End::Trickle => loop {
            std::thread::sleep(std::time::Duration::from_millis(20));
            connection.write_all(b"x")?;
        },
        End::Silence => {}
    }
    // Until the client hangs up.
    io::copy(&mut connection, &mut io::sink())?;
    Ok(())
}

fn is_known(request: &Request, answer: &Answer) -> bool {
    let same = |asked: &str, given: &str| {
        request.headers.get(asked).is_some_and(|value| answer.find(given) == Some(value))
    };
    if request.headers.contains_key("if-none-match") {
        return same("if-none-match", "etag");
    }
    same("if-modified-since", "last-modified")
}

fn read_request(mut connection: &TcpStream) -> io::Result<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Ok(Request { path, headers })
}
