//! A scripted hub on the loopback interface, with the redirects, headers and answers of the real one: for unit tests and for tests that run the binary.
//!
//! Small files are behind a relative redirect to another path of the hub. Large files, which are in
//! LFS, are on another host, here another port: the redirect has their hash and size, and a request
//! with a token is refused, as by a signed URL.
#![allow(dead_code, reason = "each of its users needs a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use sha2::{Digest as _, Sha256};

/// What happens to a request whose path matches.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// `429 Too Many Requests`, and headers.
    Status(&'static str, Vec<(&'static str, String)>),
    /// This many bytes of the body, then the end of the connection.
    CutAfter(usize),
    /// Other bytes, of the same length.
    Corrupt,
    /// The body from its beginning, whatever range was asked for, with at most this many bytes.
    NoRange(usize),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// Whether it is the hub's own host, and not the one with the large files.
    pub(crate) of_hub: bool,
    /// `GET /org/model/resolve/...`.
    pub(crate) what: String,
    pub(crate) token: Option<String>,
    pub(crate) range: Option<String>,
}

#[derive(Clone)]
struct Stored {
    bytes: Vec<u8>,
    is_large: bool,
}

#[derive(Default)]
struct Repository {
    /// The commits of branches and tags.
    refs: HashMap<String, String>,
    commits: HashMap<String, BTreeMap<String, Stored>>,
    /// The token that may read it; `None`: everybody may.
    token: Option<String>,
    gated: bool,
}

#[derive(Default)]
struct State {
    repositories: HashMap<String, Repository>,
    troubles: Vec<(String, Trouble)>,
    asked: Vec<Asked>,
    connections: HashMap<SocketAddr, TcpStream>,
    large_files: String,
    stopped: bool,
}

/// The running hub.
pub(crate) struct ScriptedHub {
    addresses: Vec<SocketAddr>,
    state: Arc<Mutex<State>>,
    acceptors: Vec<JoinHandle<()>>,
}

impl ScriptedHub {
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let (mut addresses, mut acceptors) = (Vec::new(), Vec::new());
        for of_hub in [true, false] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            addresses.push(address);
            let state = Arc::clone(&state);
            acceptors.push(std::thread::spawn(move || accept(&listener, &state, of_hub)));
        }
        lock(&state).large_files = format!("http://{}", addresses[1]);
        Self { addresses, state, acceptors }
    }

    /// For `HF_ENDPOINT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// Makes a commit of these files, and points a branch or a tag to it. `large` files go to LFS.
    pub(crate) fn commit(
        &self,
        name: &str,
        branch: &str,
        commit: &str,
        files: &[(&str, &[u8])],
        large: &[&str],
    ) {
        let stored = files.iter().map(|(path, bytes)| {
            let is_large = large.contains(path);
            ((*path).to_owned(), Stored { bytes: bytes.to_vec(), is_large })
        });
        let mut state = lock(&self.state);
        let repository = state.repositories.entry(name.to_owned()).or_default();
        repository.commits.insert(commit.to_owned(), stored.collect());
        repository.refs.insert(branch.to_owned(), commit.to_owned());
    }

    /// Makes a commit of the files in a directory; graphs and weights go to LFS.
    pub(crate) fn commit_directory(&self, name: &str, commit: &str, dir: &Path) {
        let mut files = Vec::new();
        gather(dir, "", &mut files);
        let paths = files.iter().map(|(path, _)| &**path);
        let large: Vec<&str> = paths.filter(|path| path.contains(".onnx")).collect();
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(path, bytes)| (&**path, &**bytes)).collect();
        self.commit(name, "main", commit, &files, &large);
    }

    /// Only requests with the token may read it.
    pub(crate) fn keep_private(&self, name: &str, token: &str) {
        let mut state = lock(&self.state);
        state.repositories.entry(name.to_owned()).or_default().token = Some(token.to_owned());
    }

    /// Nobody has accepted its terms.
    pub(crate) fn gate(&self, name: &str) {
        lock(&self.state).repositories.entry(name.to_owned()).or_default().gated = true;
    }

    /// What happens to the next request whose method and path contain `part`. Those for the same part
    /// are used in the order in which they were added.
    pub(crate) fn once(&self, part: &str, trouble: Trouble) {
        lock(&self.state).troubles.push((part.to_owned(), trouble));
    }

    /// All requests since the last call, in the order in which they came.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.state).asked)
    }
}

fn gather(dir: &Path, prefix: &str, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{prefix}{name}/"), found);
        } else {
            found.push((format!("{prefix}{name}"), std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// A panic of another thread is that thread's failure to report.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for ScriptedHub {
    fn drop(&mut self) {
        let connections = {
            let mut state = lock(&self.state);
            state.stopped = true;
            std::mem::take(&mut state.connections)
        };
        for connection in connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        for address in &self.addresses {
            // Wakes the acceptor, which then sees that it is over.
            let _ = TcpStream::connect(address);
        }
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Mutex<State>>, of_hub: bool) {
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
            // An error: a client that went away.
            let _ = serve(&connection, &shared, of_hub);
            lock(&shared).connections.remove(&client);
        });
    }
}

struct Reply {
    status: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: &str) -> Self {
        Self { status: status.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn error(status: &str, code: &str, message: &str) -> Self {
        Self::new(status).header("X-Error-Code", code).header("X-Error-Message", message)
    }

    fn body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }
}

fn serve(mut connection: &TcpStream, shared: &Mutex<State>, of_hub: bool) -> io::Result<()> {
    let (what, headers) = read_request(connection)?;
    let header = |name: &str| headers.get(name).cloned();
    let token = header("authorization").map(|value| value.replace("Bearer ", ""));
    let asked = Asked { of_hub, what: what.clone(), token, range: header("range") };
    let (reply, trouble) = {
        let mut state = lock(shared);
        let at = state.troubles.iter().position(|(part, _)| what.contains(part));
        let trouble = at.map(|at| state.troubles.remove(at).1);
        let reply =
            if of_hub { hub(&state, &asked) } else { large_file(&state, &asked, trouble.as_ref()) };
        state.asked.push(asked);
        (reply, trouble)
    };
    let mut reply = match &trouble {
        Some(Trouble::Status(status, headers)) => {
            Reply { headers: headers.clone(), ..Reply::new(status) }
        }
        _ => reply,
    };
    let length = reply.body.len();
    match trouble {
        Some(Trouble::CutAfter(bytes) | Trouble::NoRange(bytes)) => reply.body.truncate(bytes),
        Some(Trouble::Corrupt) => reply.body.iter_mut().for_each(|byte| *byte ^= 1),
        _ => {}
    }
    let mut head =
        format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {length}\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    connection.write_all(head.as_bytes())?;
    if !what.starts_with("HEAD ") {
        connection.write_all(&reply.body)?;
    }
    connection.shutdown(Shutdown::Write)?;
    // Until the client hangs up.
    io::copy(&mut connection, &mut io::sink())?;
    Ok(())
}

fn hub(state: &State, asked: &Asked) -> Reply {
    let path = asked.what.split(' ').nth(1).unwrap_or_default();
    // A proxy is asked for a whole URL.
    let path = path.strip_prefix("http://hub.test").unwrap_or(path);
    if let Some(rest) = path.strip_prefix("/api/models/")
        && let Some((name, revision)) = rest.split_once("/revision/")
    {
        return listing(state, asked, name, &revision.replace("%2F", "/"));
    }
    if let Some(rest) = path.strip_prefix("/api/resolve-cache/models/") {
        let mut parts = rest.splitn(4, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (name, commit, path) = (format!("{}/{}", next(), next()), next(), next());
        return small_file(state, &name, commit, path);
    }
    let Some((name, rest)) = path.trim_start_matches('/').split_once("/resolve/") else {
        return Reply::new("404 Not Found");
    };
    let (commit, path) = rest.split_once('/').unwrap_or((rest, ""));
    file(state, asked, name, commit, path)
}

/// The repository, if the request may know of it.
fn repository<'a>(state: &'a State, asked: &Asked, name: &str) -> Result<&'a Repository, Reply> {
    let found = state.repositories.get(name);
    let found = found.filter(|it| it.token.is_none() || it.token == asked.token);
    // A missing repository looks like one that may not be seen.
    let status = if asked.token.is_none() { "401 Unauthorized" } else { "404 Not Found" };
    found.ok_or_else(|| Reply::error(status, "RepoNotFound", "Repository not found"))
}

fn listing(state: &State, asked: &Asked, name: &str, revision: &str) -> Reply {
    let repository = match repository(state, asked, name) {
        Ok(repository) => repository,
        Err(reply) => return reply,
    };
    let commit = repository.refs.get(revision).map_or(revision, String::as_str);
    let Some(files) = repository.commits.get(commit) else {
        return Reply::error("404 Not Found", "RevisionNotFound", "Invalid rev id");
    };
    let siblings: Vec<_> =
        files.keys().map(|path| serde_json::json!({ "rfilename": path })).collect();
    let body = serde_json::json!({ "id": name, "sha": commit, "siblings": siblings });
    Reply::new("200 OK").body(body.to_string().into_bytes())
}

fn file(state: &State, asked: &Asked, name: &str, commit: &str, path: &str) -> Reply {
    let repository = match repository(state, asked, name) {
        Ok(repository) => repository,
        Err(reply) => return reply,
    };
    if repository.gated {
        return Reply::error("403 Forbidden", "GatedRepo", "Access to this model is restricted");
    }
    let Some(stored) = repository.commits.get(commit).and_then(|files| files.get(path)) else {
        return Reply::error("404 Not Found", "EntryNotFound", "Entry not found")
            .header("X-Repo-Commit", commit);
    };
    if stored.is_large {
        let hash = sha256(&stored.bytes);
        return Reply::new("302 Found")
            .header("X-Repo-Commit", commit)
            .header("X-Linked-Size", stored.bytes.len().to_string())
            .header("X-Linked-Etag", format!("\"{hash}\""))
            .header("ETag", "\"of the redirect\"")
            .header("Location", format!("{}/{hash}?Signature=secret", state.large_files));
    }
    Reply::new("307 Temporary Redirect")
        .header("X-Repo-Commit", commit)
        .header("Location", format!("/api/resolve-cache/models/{name}/{commit}/{path}"))
}

fn small_file(state: &State, name: &str, commit: &str, path: &str) -> Reply {
    let found = state.repositories.get(name).and_then(|it| it.commits.get(commit)?.get(path));
    let Some(stored) = found else { return Reply::new("404 Not Found") };
    Reply::new("200 OK")
        .header("X-Repo-Commit", commit)
        .header("ETag", format!("\"{}\"", git_hash(&stored.bytes)))
        .body(stored.bytes.clone())
}

fn large_file(state: &State, asked: &Asked, trouble: Option<&Trouble>) -> Reply {
    if asked.token.is_some() {
        return Reply::new("400 Bad Request");
    }
    let path = asked.what.split(' ').nth(1).unwrap_or_default();
    let hash = path.trim_start_matches('/').split('?').next().unwrap_or_default();
    let mut files = state.repositories.values().flat_map(|it| it.commits.values()).flatten();
    let Some((_, stored)) =
        files.find(|(_, stored)| stored.is_large && sha256(&stored.bytes) == hash)
    else {
        return Reply::new("403 Forbidden");
    };
    let bytes = &stored.bytes;
    let range = asked.range.as_deref().and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-'));
    let from = range.and_then(|from| from.parse::<usize>().ok());
    match from.filter(|_| !matches!(trouble, Some(Trouble::NoRange(_)))) {
        Some(from) if from >= bytes.len() => Reply::new("416 Range Not Satisfiable"),
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Reply::new("206 Partial Content")
                .header("Content-Range", range)
                .body(bytes[from..].to_vec())
        }
        None => Reply::new("200 OK").body(bytes.clone()),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

pub(crate) fn git_hash(bytes: &[u8]) -> String {
    let mut sha1 = sha1_smol::Sha1::from(format!("blob {}\0", bytes.len()));
    sha1.update(bytes);
    sha1.digest().to_string()
}

fn read_request(mut connection: &TcpStream) -> io::Result<(String, HashMap<String, String>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let what = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Ok((what, headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect()))
}
