//! A Qdrant server on the loopback interface, for unit tests and for tests that run the binary: it
//! keeps what it is given in memory, and fails as it is told to, which a real one does not do on
//! demand.
//!
//! ```ignore
//! let server = ScriptedQdrant::start(Script::new("1.18.3", []));
//! run_docent(&[("QDRANT_URL", &server.url())]);
//! let script = server.stop();  // every connection is cut; what was stored is in the script
//! ```
#![allow(dead_code, reason = "each of its users needs a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "qdrant/filters.rs"]
mod filters;
#[path = "qdrant/layout.rs"]
mod layout;
#[path = "qdrant/memory.rs"]
mod memory;
#[path = "qdrant/rights.rs"]
pub(crate) mod rights;
#[path = "qdrant/services.rs"]
mod services;
#[path = "qdrant/strict.rs"]
mod strict;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::QdrantServer;
use qdrant_client::qdrant::{BatchResult, ScoredPoint, Value};
use tokio::sync::{Semaphore, oneshot};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Status};

use self::memory::Memory;
use self::rights::{Judged, Needs, Rights};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// How one request is answered.
pub(crate) enum Step {
    /// As it should be.
    Pass,
    Fail(Code, &'static str),
    RetryAfter(&'static str),
    Hang,
    /// Hits with this payload.
    Hits(HashMap<String, Value>),
    /// Fewer lists than were asked for.
    NoLists,
}

/// Method and API key of a request.
pub(crate) type Entry = (&'static str, Option<String>);

/// The steps to come, and the requests that came. Past the last step all goes well. Clones share
/// everything.
#[derive(Clone)]
pub(crate) struct Script {
    version: &'static str,
    /// Asked for by all methods but the health check, as Qdrant does.
    key: Option<&'static str>,
    pub(crate) steps: Arc<Mutex<VecDeque<Step>>>,
    pub(crate) log: Arc<Mutex<Vec<Entry>>>,
    arrival: Arc<Condvar>,
    /// Methods whose next request is carried out, and its answer lost.
    pub(crate) lost: Arc<Mutex<Vec<&'static str>>>,
    /// Methods that fail from now on, whatever the steps.
    pub(crate) refused: Arc<Mutex<Vec<&'static str>>>,
    /// A method and a collection, whose next request is not carried out until it is released.
    held: Arc<Mutex<Option<(&'static str, &'static str)>>>,
    /// One permit when the request has arrived, and one when it was released.
    is_held: Arc<Semaphore>,
    is_let_go: Arc<Semaphore>,
    /// From this request on, the server is gone.
    pub(crate) gone_after: Arc<Mutex<usize>>,
    pub(crate) memory: Arc<Mutex<Memory>>,
}

impl Script {
    pub(crate) fn new(version: &'static str, steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            version,
            key: None,
            steps: Arc::new(Mutex::new(steps.into_iter().collect())),
            log: Arc::default(),
            arrival: Arc::default(),
            lost: Arc::default(),
            refused: Arc::default(),
            held: Arc::default(),
            is_held: Arc::new(Semaphore::new(0)),
            is_let_go: Arc::new(Semaphore::new(0)),
            gone_after: Arc::new(Mutex::new(usize::MAX)),
            memory: Arc::default(),
        }
    }

    pub(crate) fn require_key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Another node of the same cluster: it has the same data, and steps and a log of its own.
    pub(crate) fn another_node(&self) -> Self {
        let node = Self { key: self.key, ..Self::new(self.version, []) };
        Self { memory: Arc::clone(&self.memory), ..node }
    }

    /// Adds steps to come.
    pub(crate) fn then(&self, steps: impl IntoIterator<Item = Step>) {
        self.steps.lock().unwrap().extend(steps);
    }

    pub(crate) fn requests(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// Methods that were asked since request number `start`.
    pub(crate) fn asked_since(&self, start: usize) -> Vec<&'static str> {
        self.log.lock().unwrap()[start..].iter().map(|(method, _)| *method).collect()
    }

    /// Blocks until `count` requests have arrived.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let (log, timeout) = self
            .arrival
            .wait_timeout_while(self.log.lock().unwrap(), PATIENCE, |log| log.len() < count)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "did not happen; requests: {log:?}");
    }

    /// Holds the next request of a method on a collection.
    pub(crate) fn hold(&self, method: &'static str, collection: &'static str) {
        *self.held.lock().unwrap() = Some((method, collection));
    }

    /// Waits until the held request has arrived.
    pub(crate) async fn is_held(&self) {
        let arrived = tokio::time::timeout(PATIENCE, self.is_held.acquire()).await;
        arrived.unwrap().unwrap().forget();
    }

    /// Releases the held request.
    pub(crate) fn let_go(&self) {
        self.is_let_go.add_permits(1);
    }

    async fn keep_back(&self, method: &'static str, needs: &Needs<'_>) {
        let on = match needs {
            Needs::Read(name) | Needs::Write(name) | Needs::Extras(name) => *name,
            Needs::Nothing | Needs::Manage => return,
        };
        if self.held.lock().unwrap().take_if(|held| *held == (method, on)).is_some() {
            self.is_held.add_permits(1);
            self.is_let_go.acquire().await.unwrap().forget();
        }
    }

    /// Whether the answer to this request is to be lost.
    fn loses(&self, method: &'static str) -> bool {
        let mut lost = self.lost.lock().unwrap();
        let found = lost.iter().position(|other| *other == method);
        found.map(|index| lost.remove(index)).is_some()
    }

    /// What the script has for a search; for other requests only whether it succeeds matters.
    async fn play<T: Judged>(
        &self,
        method: &'static str,
        request: &Request<T>,
    ) -> Result<Option<Vec<BatchResult>>, Status> {
        let (key, rights) = (key_of(request), rights_of(request));
        let authorized = method == "health_check"
            || self.key.is_none()
            || key.as_deref() == self.key
            || rights.are_of_a_token();
        let number = {
            let mut log = self.log.lock().unwrap();
            log.push((method, key));
            log.len()
        };
        self.arrival.notify_all();
        if !authorized {
            return Err(Status::unauthenticated("Invalid API key or JWT"));
        }
        rights.judge(&request.get_ref().needs())?;
        self.keep_back(method, &request.get_ref().needs()).await;
        if number > *self.gone_after.lock().unwrap() {
            return Err(Status::unavailable("gone"));
        }
        if self.refused.lock().unwrap().contains(&method) {
            return Err(Status::invalid_argument("refused"));
        }
        let step = self.steps.lock().unwrap().pop_front();
        match step {
            None | Some(Step::Pass) => Ok(None),
            Some(Step::Fail(code, message)) => Err(Status::new(code, message)),
            Some(Step::RetryAfter(seconds)) => {
                let mut status = Status::resource_exhausted("too many requests");
                status.metadata_mut().insert("retry-after", seconds.parse().unwrap());
                Err(status)
            }
            Some(Step::Hang) => std::future::pending().await,
            Some(Step::Hits(payload)) => {
                let hit = ScoredPoint { payload, score: 0.5, ..ScoredPoint::default() };
                Ok(Some(vec![BatchResult { result: vec![hit] }]))
            }
            Some(Step::NoLists) => Ok(Some(Vec::new())),
        }
    }
}

fn key_of<T>(request: &Request<T>) -> Option<String> {
    request.metadata().get("api-key").map(|key| key.to_str().unwrap().to_owned())
}

/// All methods, for requests without a token.
fn rights_of<T>(request: &Request<T>) -> Rights {
    Rights::of(key_of(request).as_deref())
}

/// Steps that fail alike.
pub(crate) fn times(count: usize, code: Code, message: &'static str) -> impl Iterator<Item = Step> {
    (0..count).map(move |_| Step::Fail(code, message))
}

/// Serves the script on a free port, which is returned, in a task of the present runtime.
pub(crate) fn listen(script: &Script) -> u16 {
    // As Qdrant does: a small answer would wait 40 ms for a larger one.
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let incoming = incoming.with_nodelay(Some(true));
    let port = incoming.local_addr().unwrap().port();
    let server = Server::builder()
        .add_service(QdrantServer::new(script.clone()))
        .add_service(PointsServer::new(script.clone()))
        .add_service(CollectionsServer::new(script.clone()));
    tokio::spawn(server.serve_with_incoming(incoming));
    port
}

/// A server beside a test that has no runtime. Dropping it cuts every connection.
pub(crate) struct ScriptedQdrant {
    pub(crate) script: Script,
    port: u16,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl ScriptedQdrant {
    pub(crate) fn start(script: Script) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let port = {
            let _inside = runtime.enter();
            listen(&script)
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(stopped);
        });
        Self { script, port, running: Some((stop, thread)) }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it; another may be started with what this one had.
    pub(crate) fn stop(self) -> Script {
        self.script.clone()
    }
}

impl Drop for ScriptedQdrant {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}
