//! `docent serve` over HTTP/2: requests that are refused while they are still being sent, and callers
//! that abuse features of HTTP/2.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::env::TestEnv;
use crate::serve_tls::{FLAGS, Pair};
use crate::served::{QUESTION, Served, ingested};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

type Client = SendRequest<Bytes>;

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    #[track_caller]
    fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.body));
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Runs something asynchronous to its end, which has to come soon.
fn within<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("it ends") })
}

async fn open_over<T>(connection: T) -> Client
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = h2::client::handshake(connection).await.expect("HTTP/2");
    tokio::spawn(async move {
        let _ = connection.await;
    });
    client.ready().await.expect("a connection")
}

async fn open(served: &Served) -> Client {
    let stream = tokio::net::TcpStream::connect(served.address()).await.expect("a connection");
    open_over(stream).await
}

async fn open_tls(served: &Served, pair: &Pair) -> Client {
    let stream = tokio::net::TcpStream::connect(served.address()).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(pair.client(&["h2"])).connect(name, stream).await;
    open_over(stream.expect("a handshake")).await
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let request = Request::builder().method(method).uri(format!("http://localhost{path}"));
    let add = |request: http::request::Builder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    headers.iter().fold(request, add).body(()).expect("a request")
}

/// Sends all of its body before it looks for the response, as curl does. A stream that is reset meanwhile
/// fails the test: curl gives up then, and never sees the response.
async fn ask(client: &mut Client, request: Request<()>, mut body: Bytes) -> Reply {
    let whole = body.len();
    let (response, mut stream) = client.send_request(request, body.is_empty()).expect("sent");
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let capacity = poll_fn(|context| stream.poll_capacity(context)).await;
        let Some(Ok(capacity)) = capacity else {
            panic!("with {} of {whole} bytes left to send: {capacity:?}", body.len());
        };
        let piece = body.split_to(capacity);
        stream.send_data(piece, body.is_empty()).expect("it is taken");
    }
    let (head, mut stream) = response.await.expect("a response").into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece.expect("the whole body");
        stream.flow_control().release_capacity(piece.len()).expect("it is open");
        body.extend_from_slice(&piece);
    }
    Reply { status: head.status.as_u16(), headers: head.headers, body: body.into() }
}

/// A form with a file of this many bytes.
fn form(size: usize) -> Bytes {
    let head = "--frontier\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n\
        --frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"large.md\"\r\n\r\n";
    format!("{head}{}\r\n--frontier--\r\n", "x".repeat(size)).into()
}

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=frontier");

/// Far more than any window of HTTP/2 and any buffer of the system.
const LARGE: usize = 24 << 20;

async fn check_uploads(mut client: Client) {
    let body = form(LARGE);
    let length = body.len().to_string();
    let told = ("content-length", &*length);
    for headers in [&[FORM][..], &[FORM, told]] {
        let reply = ask(&mut client, request("POST", "/v1/files", headers), body.clone()).await;
        assert_eq!((reply.status, &*reply.code()), (413, "request_too_large"), "{headers:?}");
        assert_eq!(reply.headers["x-should-retry"], "false");
    }
    for (path, status, code) in [
        ("/v1/docent/search", 413, "request_too_large"),
        ("/v1/nothing", 404, "unknown_url"),
        ("/livez", 405, "method_not_allowed"),
    ] {
        let reply = ask(&mut client, request("POST", path, &[]), body.clone()).await;
        assert_eq!((reply.status, &*reply.code()), (status, code), "{path}");
    }
    // The connection is the same all the time.
    let live = ask(&mut client, request("GET", "/livez", &[]), Bytes::new()).await;
    assert_eq!(live.status, 200);
}

fn served_for_uploads(env: &TestEnv, more: &[&str]) -> Served {
    Served::start(env, &[&["--ingest", "--upload-limit", "1MB"], more].concat())
}

#[test]
fn who_sends_too_much_is_told_so_when_all_is_sent() {
    let env = ingested();
    let served = served_for_uploads(&env, &[]);
    within(async { check_uploads(open(&served).await).await });
    let line = served.logged("request_too_large");
    assert!(line.contains(r#""status":413"#), "{line}");
}

#[test]
fn so_is_who_does_over_tls() {
    let env = ingested();
    let pair = Pair::until(4000);
    pair.put(&env);
    let served = served_for_uploads(&env, &FLAGS);
    within(async { check_uploads(open_tls(&served, &pair).await).await });
}

#[test]
fn a_head_that_is_too_large_is_said() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    within(async {
        let mut client = open(&served).await;
        for (bytes, has_body) in [(40_000, true), (100_000, false)] {
            let long = "y".repeat(bytes);
            let request = request("GET", "/livez", &[("x", &*long)]);
            let reply = ask(&mut client, request, Bytes::new()).await;
            assert_eq!(reply.status, 431, "{bytes}");
            assert_eq!(!reply.body.is_empty(), has_body, "{bytes}");
            if has_body {
                assert_eq!(reply.code(), "head_too_large");
            }
        }
        let fine = request("GET", "/livez", &[("x", &*"y".repeat(20_000))]);
        assert_eq!(ask(&mut client, fine, Bytes::new()).await.status, 200);
    });
}

#[test]
fn requests_that_are_taken_back_at_once_cost_others_nothing() {
    let env = ingested();
    let served = Served::start(&env, &["--max-questions", "1", "--queue", "4"]);
    let body = json!({ "question": QUESTION });
    within(async {
        let mut ended = 0;
        for _ in 0..4 {
            let hasty = open(&served).await;
            for _ in 0..1_000 {
                let Ok(mut hasty) = hasty.clone().ready().await else {
                    ended += 1;
                    break;
                };
                let asked = request("POST", "/v1/docent/search", &[]);
                let Ok((_, mut stream)) = hasty.send_request(asked, false) else { continue };
                stream.send_reset(Reason::CANCEL);
            }
            // Among them somebody who waits for an answer.
            let mut client = open(&served).await;
            let live = ask(&mut client, request("GET", "/livez", &[]), Bytes::new()).await;
            assert_eq!(live.status, 200, "{ended}");
        }
    });
    // Requests that were cancelled last may leave the queue a moment later.
    let started = std::time::Instant::now();
    while served.post("/v1/docent/search", &body).status == 503 {
        assert!(started.elapsed() < PATIENCE, "the queue stays full");
    }
    served.post("/v1/docent/search", &body).expect(200);
}

/// Nothing of its answer may be sent, while the connection goes on.
#[test]
fn who_takes_nothing_of_an_answer_does_not_keep_its_place() {
    let env = ingested();
    let limits = ["--max-questions", "1", "--queue-wait", "1m", "--slow-client", "1s"];
    let served = Served::start(&env, &limits);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let address = served.address().to_owned();
    let _held = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let handshake =
            h2::client::Builder::new().initial_window_size(0).handshake::<_, Bytes>(stream);
        let (client, connection) = handshake.await.expect("HTTP/2");
        tokio::spawn(async move {
            let _ = connection.await;
        });
        let mut client: Client = client.ready().await.expect("a connection");
        let asked = request("POST", "/v1/docent/query", &[]);
        let (response, mut body) = client.send_request(asked, false).expect("sent");
        let question = json!({ "question": QUESTION, "stream": true }).to_string();
        body.send_data(question.into(), true).expect("taken");
        (response.await.expect("a head"), client)
    });
    served.post("/v1/docent/search", &json!({ "question": QUESTION })).expect(200);
    let line = served.logged("/v1/docent/query");
    assert!(line.contains(r#""status":499"#), "{line}");
}

/// A head that does not end: the number of its continuation frames is limited.
#[test]
fn a_head_without_an_end_ends_the_connection() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    // ":method: GET", and then a literal field again and again.
    let field = [&[0x00, 0x01][..], b"x", &[0x7f, 0x81, 0x07], &[b'y'; 1_024]].concat();
    let mut connection = served.connect();
    let begin = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        &frame(4, 0, 0, &[])[..],
        &frame(1, 0, 1, &[0x82])[..],
    ];
    connection.write_all(&begin.concat()).expect("taken");
    let more = frame(9, 0, 1, &field.repeat(15));
    let taken = (0..10_000).take_while(|_| connection.write_all(&more).is_ok()).count();
    assert!(taken < 10_000, "it reads no 150 MB of one head");
    let _ = connection.read_to_end(&mut Vec::new());
    served.get("/livez").expect(200);
}
