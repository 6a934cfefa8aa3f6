//! The engine over HTTP, for many callers: `OpenAI`'s wire with checked citations, docent's own wire, and
//! what a service needs around them.
//!
//! A request comes in through [`connections`], and [`dispatch`] turns it into a [`call::AdmittedRequest`]: its host
//! and origin are checked, [`access`] admits its caller, [`admission`] queues it, and its body is read.
//! Then its handler runs, one from the table in [`routes`]. An error on the way is a [`refusal::RequestRefusal`];
//! the result of each request goes to [`log`] when the last byte is sent.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`routes`] | the table: which path needs which right, and which handler answers it |
//! | [`openai`] | the wire of `OpenAI`'s clients |
//! | [`native`] | docent's own requests, strict |
//! | [`agents`] | the tools of `mcp`, for callers with a key |
//! | [`mod@openapi`] | the description of all requests, for programs |
//! | [`page`] | pages for browsers: the page for asking, and the cited documents |
//! | [`links`], [`signature`] | URLs of cited places, which open without a key |
//! | [`health`] | whether the server is alive and ready |
//! | [`observers`], [`log`], [`metrics`], [`usage`], [`audit`] | what is logged, counted and kept of each request |
//! | [`drift`], [`feedback`] | whether questions and answers have changed, and how readers rate answers |
//! | [`access`], [`keys`], [`credentials`], [`bucket`] | who is asking, and what they may see |
//! | [`admission`], [`breaker`] | how many questions run at a time, and none for a model that is down |
//! | [`retrieval`] | a search, shared by every wire |
//! | [`answering`], [`abandoned`] | from a question to events and an answer, shared by every wire |
//! | [`sse`], [`progress_stream`] | events on the wire, driven by their reader |
//! | [`request`], [`refusal`] | bodies in, errors out |
//! | [`uploads`] | documents that are uploaded by request, and the runs that add them to a collection |
//! | [`watching`] | collections that are kept in line with their files |
//! | [`browser`] | which hosts and which web pages may ask |
//! | [`chat`] | conversations over one connection: questions in, events out |
//! | [`connections`], [`tls`], [`slow`], [`stalled`] | connections, their limits and their end |
//! | [`malformed`], [`drain`] | explanations for malformed requests, and the unread rest of request bodies |
//! | [`file_stamp`] | whether a file has changed |

mod abandoned;
mod access;
mod admission;
mod agents;
mod answering;
pub mod audit;
mod breaker;
mod browser;
mod bucket;
mod call;
mod chat;
mod connections;
mod credentials;
mod dispatch;
mod drain;
pub mod drift;
mod feedback;
mod file_stamp;
mod health;
#[cfg(test)]
mod isolation;
pub mod keys;
mod links;
mod log;
mod malformed;
mod metrics;
mod native;
mod observers;
mod openai;
mod openapi;
mod page;
mod progress_stream;
mod refusal;
mod request;
mod retrieval;
mod routes;
mod signature;
mod slow;
mod socket;
mod sse;
mod stalled;
mod tls;
mod uploads;
mod usage;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::{self, Cancel, Stop};
use crate::error::{Exit, Failure};
use crate::query::cache::RetrievalCache;
use crate::service::Engine;
use crate::settings::{ServeSettings, Settings, VerifyModel, VerifySettings};
use crate::task::{Task, off_thread};
use access::Access;
use admission::Admission;
use audit::RequestAudit;
use breaker::Breaker;
use call::Server;
use chat::RecentTurns;
use connections::Listeners;
use drift::DriftMonitor;
use feedback::RecentAnswers;
use keys::{KeyFile, WatchedKeys};
pub use log::{LogEntry, LogSink};
use metrics::Metrics;
use observers::Observers;
pub use openapi::document as openapi;
use signature::Signer;
use tls::Tls;
use uploads::Uploads;
use usage::UsageBook;
pub use usage::UsageResponse;
use watching::WatchedCollection;

/// The collections to serve, and the settings.
pub struct ServeConfig {
    /// By collection, the default one first; never empty.
    pub engines: Vec<(String, Arc<Engine>)>,
    /// The cache in which the engines keep retrievals; `None`: no cache.
    pub cache: Option<Arc<RetrievalCache>>,
    /// The file of keys; `None`: anyone who reaches the server may do everything. Without a file the same
    /// holds, unless `needs_keys` is set.
    pub keys: Option<PathBuf>,
    pub needs_keys: bool,
    /// The file with the usage of the keys.
    pub usage: Option<PathBuf>,
    /// Collections that are kept in line with files, each with the named paths; without paths, with its
    /// sources.
    pub watched: Vec<(String, Vec<String>)>,
    pub settings: ServeSettings,
    pub log: LogSink,
}

/// A server that listens, and answers once it [runs](BoundServer::run).
pub struct BoundServer {
    listeners: Listeners,
    server: Arc<Server>,
    abandon: cancel::Canceller,
    tls: Option<Arc<Tls>>,
}

impl ServeConfig {
    /// # Errors
    /// The keys cannot be read, or an address cannot be listened on.
    pub async fn listen(self) -> Result<BoundServer, Failure> {
        let open = |path: &PathBuf| WatchedKeys::open(path, self.needs_keys);
        let keys = self.keys.as_ref().map(open).transpose().map_err(|error| {
            Failure::config(error.to_string())
                .hint("docent keys create NAME creates this file, and a key in it")
        })?;
        if let Some(keys) = keys.as_ref().and_then(WatchedKeys::keys) {
            check_prices(&self.engines, &keys)?;
        }
        let settings = &self.settings;
        let audit = settings.audit.as_deref();
        let audit =
            audit.map(|path| RequestAudit::open(path, settings.audit_content)).transpose()?;
        // Without keys there is no usage worth keeping.
        let usage = UsageBook::open(self.keys.as_ref().and(self.usage))?;
        let drift = DriftMonitor::open(
            settings.drift_baseline.as_deref(),
            self.engines.iter().map(|(name, _)| &**name),
        )?;
        let observers = Observers {
            log: self.log,
            metrics: Metrics::new(self.cache),
            usage,
            answers: RecentAnswers::default(),
            drift,
            audit,
        };
        let uploads = self.engines[0].1.context.uploads();
        let uploads = settings.ingest.then(|| Uploads::open(uploads)).transpose()?;
        let tls = self.settings.tls.as_ref().map(Tls::open).transpose()?.map(Arc::new);
        let mut listeners = Listeners::bind(&self.settings.listen, tls.clone()).await?;
        let context = &self.engines[0].1.context;
        if context.settings.qdrant.url.is_none()
            && let Err(error) = context.make_data_dir().and_then(|()| listeners.add_owners(context.socket()))
            // Another server of the project holds the socket.
            && error.kind() != std::io::ErrorKind::AddrInUse
        {
            let socket = context.socket();
            let problem = format!(
                "cannot listen at {}: {error}; `docent mcp` reads the collections itself, in turns with this server",
                socket.display()
            );
            (observers.log)(&LogEntry::warning(&problem));
        }
        let ServeSettings { max_questions, queue, queue_wait, .. } = self.settings;
        let signer = Signer::new(self.settings.link_expiry).map_err(|error| {
            Failure::new(
                Exit::Backend,
                format!("the system's random number generator failed: {error}"),
            )
        })?;
        let (abandon, abandoned) = cancel::pair();
        let server = Arc::new(Server {
            access: Arc::new(Access::new(self.engines, keys)),
            admission: Arc::new(Admission::new(max_questions, queue, queue_wait)),
            breaker: Breaker::default(),
            settings: self.settings,
            signer,
            started_at: chrono::Utc::now().timestamp(),
            abandoned,
            stopping: std::sync::OnceLock::new(),
            observers,
            turns: RecentTurns::default(),
            uploads,
            writing: tokio::sync::Mutex::new(()),
            watches: self.watched.into_iter().map(WatchedCollection::new).collect(),
        });
        Ok(BoundServer { listeners, server, abandon, tls })
    }
}

impl BoundServer {
    /// The URLs that callers use.
    pub fn urls(&self) -> Vec<String> {
        self.listeners.urls()
    }

    /// Answers until `stop`, and then lets requests in progress end.
    pub async fn run(self, stop: &Cancel) -> Exit {
        let Self { listeners, server, abandon, tls } = self;
        let _ = server.stopping.set(stop.clone());
        let router = routes::router(&server);
        let settings = server.settings.clone();
        let keeping = Task::spawn(keep_usage(Arc::clone(&server)));
        let log = Arc::clone(&server.observers.log);
        let certificates = tls.map(|tls| Task::spawn(tls.watch(log)));
        let looking = Task::spawn(watch_documents(Arc::clone(&server)));
        watching::begin(&server, stop);
        let working = Task::spawn(uploads::work(Arc::clone(&server), stop.clone()));
        let give_up = || abandon.cancel(Stop::Deadline);
        let exit = listeners.serve(router, &settings, stop, &give_up).await;
        drop((keeping, looking, certificates));
        // Changes in progress are committed as far as they are done.
        let _ = tokio::time::timeout(settings.drain, working).await;
        if let Err(error) = server.observers.usage.keep() {
            (server.observers.log)(&LogEntry::warning(&unkept(&error)));
        }
        exit
    }
}

/// # Errors
/// A key has a budget, and the price of a model is not set.
fn check_prices(engines: &[(String, Arc<Engine>)], keys: &KeyFile) -> Result<(), Failure> {
    let Some(key) = keys.keys.iter().find(|key| key.has_budget()) else { return Ok(()) };
    let Some((table, model)) = unpriced(&engines[0].1.context.settings) else { return Ok(()) };
    let name = &key.name;
    let message = format!("the key `{name}` has a budget, but the price of {model} is not set");
    Err(Failure::config(message)
        .hint(format!("set {table}.price_in and {table}.price_out, the price of a million tokens")))
}

/// A model that answers or checks answers and has no price, with the table of its settings.
fn unpriced(settings: &Settings) -> Option<(&'static str, &str)> {
    let chat = settings.chat.model.as_deref().filter(|_| settings.chat.price.is_none());
    let verifier = match &settings.verify {
        Some(VerifySettings { model: VerifyModel::Chat { model, .. }, price: None, .. }) => {
            Some(&**model)
        }
        _ => None,
    };
    chat.map(|model| ("chat", model)).or(verifier.map(|model| ("verify", model)))
}

/// Regularly writes the usage of keys, reports news about the file of keys, and forgets turns that no
/// client came back for.
async fn keep_usage(server: Arc<Server>) {
    const PAUSE: Duration = Duration::from_secs(1);
    let mut was_said = false;
    loop {
        tokio::time::sleep(PAUSE).await;
        server.turns.forget_old();
        if let Some(news) = server.access.news_of_keys() {
            (server.observers.log)(&LogEntry::warning(&news));
        }
        let kept = off_thread({
            let server = Arc::clone(&server);
            move || server.observers.usage.keep()
        });
        match kept.await {
            Ok(()) => was_said = false,
            Err(error) if !was_said => {
                (server.observers.log)(&LogEntry::warning(&unkept(&error)));
                was_said = true;
            }
            Err(_) => {}
        }
    }
}

/// Regularly compares the documents with those of the baseline.
async fn watch_documents(server: Arc<Server>) {
    const PAUSE: Duration = Duration::from_mins(1);
    loop {
        server.observers.drift.look_at_all(server.access.engines()).await;
        tokio::time::sleep(PAUSE).await;
    }
}

fn unkept(error: &std::io::Error) -> String {
    format!("the usage of keys cannot be written, and is lost at a restart: {error}")
}
