//! Requests through a Unix socket, to a server on this machine.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use thiserror::Error;

/// Why there is no response.
#[derive(Debug, Error)]
pub(crate) enum SocketError {
    /// No process listens there, so nothing was sent.
    #[error("no server listens there: {0}")]
    NoServer(io::Error),
    #[error("the server ended the connection: {0}")]
    CutOff(hyper::Error),
}

/// A response whose body is read in pieces. Dropping it closes the connection, which ends the request.
pub(crate) struct SocketResponse {
    pub(crate) status: StatusCode,
    body: Incoming,
}

impl SocketResponse {
    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, SocketError> {
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await;
            match frame.transpose().map_err(SocketError::CutOff)? {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

#[cfg(unix)]
async fn connect(socket: &Path) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(socket).await
}

/// This system has no Unix sockets.
#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "as where there are sockets")]
async fn connect(_: &Path) -> io::Result<tokio::net::TcpStream> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sends a request on its own connection.
pub(crate) async fn post_through_socket(
    socket: &Path,
    target: &'static str,
    headers: HeaderMap,
    body: String,
) -> Result<SocketResponse, SocketError> {
    let stream = connect(socket).await.map_err(SocketError::NoServer)?;
    let begun = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = begun.map_err(SocketError::CutOff)?;
    // The task ends when the response has been read or dropped.
    tokio::spawn(connection);
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(target);
    *request.headers_mut() = headers;
    let response = sender.send_request(request).await.map_err(SocketError::CutOff)?;
    Ok(SocketResponse { status: response.status(), body: response.into_body() })
}
