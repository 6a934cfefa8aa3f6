//! An endpoint on this machine, and a client that only sends: the limit of requests to an endpoint.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Answers `/v1/embeddings` after a delay, and `/v1/chat/completions` at once.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// Bodies of the requests, in order.
    pub(crate) asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Endpoint {
    pub(crate) fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(stream, delay, &seen));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.asked.lock().expect("a lock"))
    }
}

fn serve(stream: TcpStream, delay: Duration, seen: &Mutex<Vec<Vec<u8>>>) {
    let _ = stream.set_nodelay(true);
    let mut out = stream.try_clone().expect("a socket");
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = message(&mut reader) {
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let answer = if path.contains("/embeddings") {
            std::thread::sleep(delay);
            embeddings(&asked)
        } else {
            chat()
        };
        seen.lock().expect("a lock").push(body);
        if out.write_all(&answer).is_err() {
            return;
        }
    }
}

/// The first line and the body of a request or an answer; `None` at the end.
fn message(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut first, mut length) = (String::new(), 0);
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

fn answer(kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A vector of 256 for each input: one place has a 1. In base64, as docent asks for it.
fn embeddings(asked: &Value) -> Vec<u8> {
    use base64::Engine;
    let inputs = asked["input"].as_array().map_or(1, Vec::len);
    let data: Vec<Value> = (0..inputs)
        .map(|index| {
            let place = asked["input"][index].as_str().map_or(0, str::len) % 256;
            let bytes: Vec<u8> = (0..256)
                .flat_map(|at| if at == place { 1f32.to_le_bytes() } else { [0; 4] })
                .collect();
            let vector = base64::engine::general_purpose::STANDARD.encode(bytes);
            json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .collect();
    let usage = json!({"prompt_tokens": inputs, "total_tokens": inputs});
    let body = json!({"object": "list", "model": "fake", "data": data, "usage": usage});
    answer("application/json", &body.to_string())
}

fn chat() -> Vec<u8> {
    let event = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let event = json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": [choice]});
        format!("data: {event}\n\n")
    };
    let body = event(json!({"role": "assistant", "content": "So it is [1]."}), Value::Null)
        + &event(json!({}), json!("stop"))
        + "data: [DONE]\n\n";
    answer("text/event-stream", &body)
}

/// Seconds that it takes to send these bodies, `concurrency` at a time, and to read the answers.
pub(crate) fn load(url: &str, path: &str, bodies: &[Vec<u8>], concurrency: usize) -> f64 {
    let host = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..concurrency {
            scope.spawn(|| {
                let stream = TcpStream::connect(&host).expect("the endpoint");
                let _ = stream.set_nodelay(true);
                let mut out = stream.try_clone().expect("a socket");
                let mut reader = BufReader::new(stream);
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let length = body.len();
                    let head = format!(
                        "POST /v1{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n"
                    );
                    out.write_all(&[head.as_bytes(), body].concat()).expect("a request");
                    message(&mut reader).expect("an answer");
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}
