//! A scripted chat model, in a process of its own. Its name says how many tokens it sends, and the time
//! between two of them.

use std::io::{BufRead as _, BufReader as Lines};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;

/// The flag with which this benchmark runs as the model.
pub(crate) const FLAG: &str = "--scripted-model";

/// The model process, which ends with this process.
pub(crate) struct Model {
    child: Child,
    address: String,
}

/// The current load of a model.
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Answers that have not ended.
    pub(crate) answers: usize,
}

/// The name of a model that sends the first token at once, and another one after each gap.
pub(crate) fn name(tokens: usize, gap: Duration) -> String {
    format!("tokens-{tokens}-gap-{}", gap.as_millis())
}

impl Model {
    pub(crate) fn start() -> Self {
        let this = std::env::current_exe().expect("this program");
        let mut command = Command::new(this);
        let mut child =
            command.arg(FLAG).stdout(Stdio::piped()).spawn().expect("this program starts");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("piped");
        Lines::new(stdout).read_line(&mut address).expect("its address");
        Self { child, address: address.trim().to_owned() }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// The last request for an answer.
    pub(crate) async fn last(&self) -> Vec<u8> {
        self.client().get("/last").await.expect("the model").body
    }

    pub(crate) async fn load(&self) -> Load {
        let body = self.client().get("/load").await.expect("the model").body;
        let text = String::from_utf8_lossy(&body).into_owned();
        let mut numbers = text.split(' ').filter_map(|number| number.parse().ok());
        let mut next = || numbers.next().expect("a number");
        // The connection of this request does not count.
        Load { connections: next() - 1, answers: next() }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Default)]
struct State {
    connections: AtomicUsize,
    answers: AtomicUsize,
    last: Mutex<Vec<u8>>,
}

/// Adds to a counter as long as it exists.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Runs as the model, until it is killed.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        let state = Arc::<State>::default();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                let _connection = Counted::new(&state.connections);
                let _ = serve(stream, &state).await;
            });
        }
    });
}

async fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut reader = BufReader::new(read);
    loop {
        let Some((path, body)) = request(&mut reader).await? else { return Ok(()) };
        if path == "/load" {
            let (connections, answers) =
                (state.connections.load(Relaxed), state.answers.load(Relaxed));
            write.write_all(&whole(format!("{connections} {answers}").as_bytes())).await?;
        } else if path == "/last" {
            let last = state.last.lock().expect("a lock").clone();
            write.write_all(&whole(&last)).await?;
        } else {
            let _answer = Counted::new(&state.answers);
            let (tokens, gap) = script(&body);
            *state.last.lock().expect("a lock") = body;
            let mut gone = [0];
            tokio::select! {
                answered = answer(&mut write, tokens, gap) => answered?,
                // The client has hung up.
                _ = reader.read(&mut gone) => return Ok(()),
            }
        }
    }
}

/// Path and body; `None` at the end.
async fn request(
    reader: &mut BufReader<tokio::net::tcp::OwnedReadHalf>,
) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut first, mut length) = (String::new(), 0);
    if reader.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(Some((first.split(' ').nth(1).unwrap_or_default().to_owned(), body)))
}

fn whole(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Parses tokens and gap from a [`name`].
fn script(body: &[u8]) -> (usize, Duration) {
    let body = String::from_utf8_lossy(body);
    let name = body.split("tokens-").nth(1).unwrap_or_default();
    let mut numbers = name.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut next = || numbers.next().and_then(|number| number.parse().ok()).expect("a number");
    (next() as usize, Duration::from_millis(next()))
}

async fn answer(
    write: &mut tokio::net::tcp::OwnedWriteHalf,
    tokens: usize,
    gap: Duration,
) -> std::io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    write.write_all(head.as_bytes()).await?;
    for number in 0..tokens {
        if number > 0 && !gap.is_zero() {
            tokio::time::sleep(gap).await;
        }
        write
            .write_all(chunk(&event(r#"{"content":"So it is [1]. "}"#, "null")).as_bytes())
            .await?;
    }
    let end = event("{}", r#""stop""#) + "data: [DONE]\n\n";
    write.write_all((chunk(&end) + "0\r\n\r\n").as_bytes()).await
}

fn event(delta: &str, reason: &str) -> String {
    format!(
        "data: {{\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
    )
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
