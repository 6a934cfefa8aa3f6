//! Listens, accepts and shuts down: docent's own loop over hyper, since axum's limits neither connections
//! nor the time for the head of a request.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::browser::{FromOwner, ThroughSocket};
use super::drain::DrainedBody;
use super::malformed::ExplainedConnection;
use super::slow::SlowClient;
use super::socket::{SocketListener, SocketStream};
use super::stalled::{StalledBodies, WatchedBody};
use super::tls::Tls;
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::settings::{ListenAddress, ServeSettings};

/// Most bytes of a head that are read. A larger head is answered without becoming a request; docent accepts
/// less than this.
const LARGEST_READ: u32 = 64 << 10;

/// Connections at a time from processes of the owner.
const OWNERS_CONNECTIONS: u32 = 256;

/// Requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 256;

/// How long to wait if the system cannot accept another connection: it has no file descriptors left, and
/// retrying at once would use a whole core.
const PAUSE: Duration = Duration::from_millis(50);

/// The addresses on which the server listens.
pub(super) struct Listeners {
    listeners: Vec<Listener>,
    /// For addresses that other machines may reach; `None`: they speak plain HTTP.
    tls: Option<Arc<Tls>>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(SocketListener, PathBuf),
    /// In the data directory.
    Owner(SocketListener, PathBuf),
}

/// The kind of listener that a connection came through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Tcp,
    Socket,
    OwnersSocket,
}

impl Listeners {
    /// # Errors
    /// An address is taken, or does not belong to this machine.
    pub(super) async fn bind(
        addresses: &[ListenAddress],
        tls: Option<Arc<Tls>>,
    ) -> Result<Self, Failure> {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(match address {
                ListenAddress::Tcp(address) => Listener::Tcp(
                    TcpListener::bind(address)
                        .await
                        .map_err(|error| cannot_listen(&address.to_string(), &error))?,
                ),
                ListenAddress::Unix(path) => Listener::Unix(
                    SocketListener::bind(path)
                        .map_err(|error| cannot_listen(&path.display().to_string(), &error))?,
                    path.clone(),
                ),
            });
        }
        Ok(Self { listeners, tls })
    }

    /// Also listens on a socket in the data directory, for other processes of its owner.
    ///
    /// # Errors
    /// Another server listens there, or the system has no sockets with such a path.
    pub(super) fn add_owners(&mut self, path: PathBuf) -> io::Result<()> {
        let listener = SocketListener::bind(&path)?;
        self.listeners.push(Listener::Owner(listener, path));
        Ok(())
    }

    /// The URLs that callers use: `http://127.0.0.1:7400`, `unix:/run/docent.sock`.
    pub(super) fn urls(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let url = |listener: &Listener| match listener {
            Listener::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("{scheme}://{address}"),
                Err(error) => format!("{scheme}://? ({error})"),
            },
            Listener::Unix(_, path) | Listener::Owner(_, path) => {
                format!("unix:{}", path.display())
            }
        };
        let told = self.listeners.iter().filter(|it| !matches!(it, Listener::Owner(..)));
        told.map(url).collect()
    }

    /// Serves until `stop` says to end. Then it accepts no more connections, and lets requests in progress
    /// end within the time that the settings give. What is left after that is ended through `give_up`, and
    /// gets a moment to tell its caller.
    pub(super) async fn serve(
        self,
        router: Router,
        settings: &ServeSettings,
        stop: &Cancel,
        give_up: &dyn Fn(),
    ) -> Exit {
        const FAREWELL: Duration = Duration::from_millis(250);
        let connections = Arc::new(Semaphore::new(settings.max_connections));
        // A listener holds a permit before a caller comes, so sharing one semaphore would leave callers one
        // less.
        let owners = Arc::new(Semaphore::new(OWNERS_CONNECTIONS as usize));
        let (ending, ends) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            let loops = Accepting {
                router: router.clone(),
                builder: builder(settings.header_timeout),
                connections: Arc::clone(match &listener {
                    Listener::Owner(..) => &owners,
                    Listener::Tcp(_) | Listener::Unix(..) => &connections,
                }),
                tls: self.tls.clone(),
                slow_client: settings.slow_client,
                header_timeout: settings.header_timeout,
                ends: ends.clone(),
            };
            tasks.spawn(loops.run(listener));
        }
        stop.cancelled().await;
        let _ = ending.send(true);
        let all = u32::try_from(settings.max_connections).unwrap_or(u32::MAX);
        let drained = async {
            while tasks.join_next().await.is_some() {}
            let _ = connections.acquire_many(all).await;
            let _ = owners.acquire_many(OWNERS_CONNECTIONS).await;
        };
        tokio::pin!(drained);
        if tokio::time::timeout(settings.drain, &mut drained).await.is_ok() {
            return Exit::Done;
        }
        give_up();
        let _ = tokio::time::timeout(FAREWELL, drained).await;
        Exit::Done
    }
}

fn cannot_listen(address: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Backend, format!("cannot listen at {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure
            .hint("another server listens there: stop it, or choose another address with --listen"),
        io::ErrorKind::PermissionDenied => {
            failure.hint("ports below 1024 are for root: choose a higher one with --listen")
        }
        io::ErrorKind::Unsupported => {
            failure.hint("this system has no Unix sockets: use --listen 127.0.0.1:7400")
        }
        _ => failure.hint("--listen takes an address of this machine, such as 127.0.0.1:7400"),
    }
}

fn builder(header_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(LARGEST_READ as usize)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(LARGEST_READ);
    builder
}

/// The accept loop of one listener.
struct Accepting {
    router: Router,
    builder: Builder<TokioExecutor>,
    connections: Arc<Semaphore>,
    tls: Option<Arc<Tls>>,
    slow_client: Duration,
    header_timeout: Duration,
    ends: watch::Receiver<bool>,
}

impl Accepting {
    async fn run(mut self, listener: Listener) {
        loop {
            // At the limit nothing is accepted: new connections wait in the system's own queue.
            let permit = tokio::select! {
                permit = Arc::clone(&self.connections).acquire_owned() => permit,
                _ = self.ends.wait_for(|ends| *ends) => break,
            };
            let Ok(permit) = permit else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.ends.wait_for(|ends| *ends) => break,
            };
            match accepted {
                Ok(accepted) => self.serve(accepted, permit),
                // The caller has left already.
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        if let Listener::Unix(_, path) | Listener::Owner(_, path) = listener {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Serves on a task of its own, so that a slow caller does not delay the others.
    fn serve(&self, accepted: Accepted, permit: OwnedSemaphorePermit) {
        let patience = self.slow_client;
        let mut connection = Connection {
            router: self.router.clone(),
            builder: self.builder.clone(),
            header_timeout: self.header_timeout,
            slow_client: patience,
            ends: self.ends.clone(),
            permit: Arc::new(permit),
        };
        match (accepted, self.tls.clone()) {
            (Accepted::Unix(stream, way), _) => {
                tokio::spawn(connection.serve(SlowClient::new(stream, patience), way));
            }
            (Accepted::Tcp(stream), None) => {
                tokio::spawn(async move {
                    let told = speaks_http1(&stream);
                    let told = tokio::time::timeout(connection.header_timeout, told);
                    let mut ends = connection.ends.clone();
                    let told = tokio::select! {
                        told = told => told,
                        _ = ends.wait_for(|ends| *ends) => return,
                    };
                    match told {
                        Ok(true) => connection.builder = connection.builder.http1_only(),
                        Ok(false) => {}
                        Err(_) => return,
                    }
                    connection.serve(SlowClient::new(stream, patience), Way::Tcp).await;
                });
            }
            (Accepted::Tcp(stream), Some(tls)) => {
                tokio::spawn(async move {
                    let taken_up = tls.accept(stream, patience);
                    let taken_up = tokio::time::timeout(connection.header_timeout, taken_up);
                    let mut ends = connection.ends.clone();
                    let taken_up = tokio::select! {
                        taken_up = taken_up => taken_up,
                        _ = ends.wait_for(|ends| *ends) => return,
                    };
                    if let Ok(Some(stream)) = taken_up {
                        connection.serve(stream, Way::Tcp).await;
                    }
                });
            }
        }
    }
}

/// Whether a caller speaks HTTP/1, judged by its first bytes; `false` if they do not decide it yet.
///
/// hyper's own detection reads those bytes and gives them back as the first piece of the first head. To
/// read on behind that piece, a connection would keep a buffer of twice the size for as long as it is open.
async fn speaks_http1(stream: &tokio::net::TcpStream) -> bool {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut first = [0; PREFACE.len()];
    let length = stream.peek(&mut first).await;
    length.is_ok_and(|length| !PREFACE.starts_with(&first[..length]))
}

/// An accepted connection.
struct Connection {
    router: Router,
    builder: Builder<TokioExecutor>,
    header_timeout: Duration,
    slow_client: Duration,
    ends: watch::Receiver<bool>,
    /// Counts the connection for as long as anything happens on it.
    permit: Arc<OwnedSemaphorePermit>,
}

impl Connection {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, way: Way) {
        let Self { router, builder, header_timeout, slow_client, mut ends, permit } = self;
        let untaken = StalledBodies::default();
        let watches = untaken.clone();
        let begun = Arc::new(AtomicBool::new(false));
        let (begins, unread) = (Arc::clone(&begun), ends.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            begins.store(true, Ordering::Relaxed);
            let waits = request.headers().contains_key(EXPECT);
            let is_http1 = request.version() < Version::HTTP_2;
            let (mut head, body) = request.into_parts();
            let body = DrainedBody::new(Body::new(body), waits, unread.clone());
            let asked_for = body.asked_for();
            if way != Way::Tcp {
                head.extensions.insert(ThroughSocket);
            }
            if way == Way::OwnersSocket {
                head.extensions.insert(FromOwner);
            }
            if let Some(upgraded) = head.extensions.remove::<OnUpgrade>() {
                head.extensions.insert(Upgrade { upgraded, permit: Arc::clone(&permit) });
            }
            let answering = router.clone().oneshot(Request::from_parts(head, Body::new(body)));
            let untaken = watches.clone();
            async move {
                let mut response = answering.await?;
                // The body may still come before the next request, and there is no way to know.
                if is_http1 && !asked_for.is_so() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                // Over HTTP/1.1 the connection itself is watched, not each response.
                let taken = |body| {
                    if is_http1 { WatchedBody::unwatched(body) } else { untaken.watch(body) }
                };
                Ok::<_, Infallible>(response.map(taken))
            }
        });
        let stream = TokioIo::new(ExplainedConnection::new(stream));
        let connection = builder.serve_connection_with_upgrades(stream, service);
        tokio::pin!(connection);
        // The limit on a head starts with its first byte, or after the preface of HTTP/2: a client that
        // sends none would keep the connection for ever.
        let silence = async {
            tokio::time::sleep(header_timeout).await;
            if begun.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        // Errors of a single connection concern nobody else.
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            _ = ends.wait_for(|ends| *ends) => None,
            () = silence => return,
            () = untaken.too_long(slow_client) => return,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                _ = connection => {}
                () = untaken.too_long(slow_client) => {}
            }
        }
    }
}

/// A connection that no longer speaks HTTP.
pub(super) type RawConnection = TokioIo<Upgraded>;

/// A request to use its connection for another protocol than HTTP.
#[derive(Clone)]
pub(super) struct Upgrade {
    upgraded: OnUpgrade,
    permit: Arc<OwnedSemaphorePermit>,
}

impl Upgrade {
    /// The connection, once the response that hands it over has been sent, together with the permit that
    /// counts it; `None` if the caller has left.
    pub(super) async fn given(self) -> Option<(RawConnection, Arc<OwnedSemaphorePermit>)> {
        let connection = self.upgraded.await.ok()?;
        Some((TokioIo::new(connection), self.permit))
    }
}

enum Accepted {
    Tcp(tokio::net::TcpStream),
    Unix(SocketStream, Way),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A piece of an answer is sent at once, not when a packet is full.
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream))
            }
            Self::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?, Way::Socket)),
            Self::Owner(listener, _) => {
                Ok(Accepted::Unix(listener.accept().await?, Way::OwnersSocket))
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
