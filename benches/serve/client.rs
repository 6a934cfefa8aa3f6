//! A minimal client over HTTP/1.1 or a WebSocket: connections are kept, and only the bodies of
//! responses are read.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Cheap to clone; clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    address: Arc<str>,
    kept: Arc<Mutex<Vec<Connection>>>,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Time to the first token: the first part of the body that has one.
    pub(crate) first_token: Option<Duration>,
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.into(), kept: Arc::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> io::Result<Response> {
        self.ask(&self.request("GET", path, b"")).await
    }

    /// The bytes of a request.
    pub(crate) fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// Sends on a kept connection, or on a new one.
    pub(crate) async fn ask(&self, request: &[u8]) -> io::Result<Response> {
        let kept = self.kept.lock().expect("a lock").pop();
        let (connection, response) = match kept {
            Some(mut connection) => match connection.ask(request).await {
                Ok(response) => (connection, response),
                // The server had closed it.
                Err(_) => self.anew(request).await?,
            },
            None => self.anew(request).await?,
        };
        self.kept.lock().expect("a lock").push(connection);
        Ok(response)
    }

    async fn anew(&self, request: &[u8]) -> io::Result<(Connection, Response)> {
        let mut connection = self.connect().await?;
        let response = connection.ask(request).await?;
        Ok((connection, response))
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(&*self.address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::with_capacity(4 << 10, stream) })
    }
}

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Sends, and reads the response to its end.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Response> {
        let asked = Instant::now();
        self.send(request).await?;
        let (status, length) = self.head().await?;
        let mut response =
            Response { status, body: Vec::new(), first_token: None, took: Duration::ZERO };
        match length {
            Some(length) => {
                response.body.resize(length, 0);
                self.stream.read_exact(&mut response.body).await?;
            }
            None => {
                while let Some(chunk) = self.chunk().await? {
                    if response.first_token.is_none() && has_token(&chunk) {
                        response.first_token = Some(asked.elapsed());
                    }
                    response.body.extend(chunk);
                }
            }
        }
        response.took = asked.elapsed();
        Ok(response)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes).await
    }

    /// Sends a request for a stream, and reads as far as its first token.
    pub(crate) async fn begin(&mut self, request: &[u8]) -> io::Result<u16> {
        self.send(request).await?;
        let (status, length) = self.head().await?;
        if length.is_none() {
            while let Some(chunk) = self.chunk().await? {
                if has_token(&chunk) {
                    break;
                }
            }
        }
        Ok(status)
    }

    /// Upgrades the connection to a WebSocket.
    pub(crate) async fn upgrade(&mut self, host: &str, path: &str) -> io::Result<u16> {
        // Any key will do, since the server's response to it is not checked.
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.send(head.as_bytes()).await?;
        Ok(self.head().await?.0)
    }

    /// Sends a text over a WebSocket.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        const TEXT: u8 = 0x81;
        const MASKED: u8 = 0x80;
        const LONG: u8 = 126;
        let mut frame = vec![TEXT];
        match u8::try_from(text.len()) {
            Ok(length) if length < LONG => frame.push(MASKED | length),
            _ => {
                frame.push(MASKED | LONG);
                frame.extend(u16::try_from(text.len()).map_err(io::Error::other)?.to_be_bytes());
            }
        }
        // A mask of zeros changes nothing.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.send(&frame).await
    }

    /// The next message of a WebSocket.
    pub(crate) async fn hear(&mut self) -> io::Result<Vec<u8>> {
        const LAST: u8 = 0x80;
        let mut message = Vec::new();
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).await?;
            let length = match head[1] {
                126 => u64::from(self.stream.read_u16().await?),
                127 => self.stream.read_u64().await?,
                length => u64::from(length),
            };
            let part = (&mut self.stream).take(length).read_to_end(&mut message).await?;
            if part as u64 != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head[0] & LAST != 0 {
                return Ok(message);
            }
        }
    }

    /// Status, and the length of the body, if the head has it.
    async fn head(&mut self) -> io::Result<(u16, Option<usize>)> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status in {first:?}")))?;
        let mut length = None;
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
    }

    /// `None` at the end.
    async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line().await?;
        let size = usize::from_str_radix(&line, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).await?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// Whether a part of a stream has some text of an answer.
fn has_token(chunk: &[u8]) -> bool {
    const BEFORE: &[u8] = br#""content":""#;
    let mut windows = chunk.windows(BEFORE.len() + 1);
    windows.any(|window| window.starts_with(BEFORE) && window.last() != Some(&b'"'))
}
