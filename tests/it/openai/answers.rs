//! What the scripted server says: proper answers, captured ones, and the pieces to make others.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use serde_json::{Value, json};

use super::rerank::{Dialect, rerank};

/// Dimensions of the vectors where the request does not say.
pub(crate) const DIMENSIONS: usize = 64;

/// What proper answers contain.
pub(crate) struct Script {
    pub(crate) key: Option<String>,
    pub(crate) models: Vec<String>,
    /// Reported instead of the model that was asked.
    pub(crate) answers_as: Option<String>,
    /// The pieces of a chat answer.
    pub(crate) deltas: Vec<String>,
    /// A model that answers something else, and what.
    pub(crate) other: Option<(String, String)>,
    pub(crate) always_floats: bool,
    /// In words; longer ones are refused.
    pub(crate) longest_input: usize,
    /// What is done to inputs that contain a word.
    pub(crate) spoiled: Option<(String, Spoil)>,
    pub(crate) dialect: Dialect,
    /// A word that the reranker likes.
    pub(crate) preferred: Option<String>,
}

/// What is wrong with an embeddings answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Spoil {
    /// 400 for the whole request.
    Refuse,
    /// The vector begins with this: NaN and infinity are sent as they are in base64, and as `null`
    /// in floats.
    Value(f32),
    /// The vector is cut to this length.
    Dimensions(usize),
    /// There is no vector.
    Leave,
    /// The vector is `null`.
    Null,
    /// 500 for the whole request, as servers that fail on a text.
    Crash,
    /// The vector has a `NaN`, as Python writes it, which is not JSON.
    PythonNan,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            key: None,
            models: vec!["scripted-chat".to_owned(), "scripted-embedding".to_owned()],
            answers_as: None,
            deltas: ["The first ", "passage says so [", "1", "]."].map(str::to_owned).to_vec(),
            other: None,
            always_floats: false,
            longest_input: usize::MAX,
            spoiled: None,
            dialect: Dialect::default(),
            preferred: None,
        }
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query: `/v1/embeddings`.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// `Null` where there is none.
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether the request carried this key, and no other.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.header("authorization") == Some(&format!("Bearer {key}"))
    }

    /// The inputs of an embeddings request.
    pub(crate) fn inputs(&self) -> Vec<String> {
        match &self.body["input"] {
            Value::Array(texts) => {
                texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Value::String(text) => vec![text.clone()],
            _ => Vec::new(),
        }
    }
}

/// The bytes of a captured answer in `tests/fixtures/endpoints`. Its framing is made again: a
/// content length, or none where the capture notes that the connection broke.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/endpoints", name].iter().collect();
    let text = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().trim_start_matches("HTTP/1.1 ");
    let headers: Vec<(&str, &str)> = lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| {
            !["content-length", "transfer-encoding", "connection"]
                .contains(&name.to_lowercase().as_str())
        })
        .collect();
    match body.split_once("<<client exception") {
        Some((body, _)) => {
            let mut bytes = head_of(status, &headers, "transfer-encoding: chunked");
            bytes.extend(chunk(body.as_bytes()));
            bytes
        }
        None => response(status, &headers, body.trim_end_matches('\n')),
    }
}

/// A complete answer: `status` as in `429 Too Many Requests`.
pub(crate) fn response(status: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut bytes = head_of(status, headers, &format!("content-length: {}", body.len()));
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// An answer with more headers.
pub(crate) fn with_headers(answer: &[u8], headers: &[(&str, &str)]) -> Vec<u8> {
    let end = answer.windows(2).position(|bytes| bytes == b"\r\n").unwrap() + 2;
    let more = lines(headers);
    [&answer[..end], more.as_bytes(), &answer[end..]].concat()
}

/// A chat stream of these events, ended by `[DONE]` only if it is among them.
pub(crate) fn event_stream(events: &[&str]) -> Vec<u8> {
    let body = events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat();
    response("200 OK", &[("content-type", "text/event-stream")], &body)
}

/// The vector that the server gives to a text: of unit length, or zero for a text without words.
pub(crate) fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a, then xorshift: four places and signs for each word.
        let mut hash = word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        for _ in 0..4 {
            hash ^= hash << 13;
            hash ^= hash >> 7;
            hash ^= hash << 17;
            let place = (hash >> 8) as usize % dimensions;
            vector[place] += if hash & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        for value in &mut vector {
            *value /= norm;
        }
    }
    vector
}

/// The proper answer: the head, the parts of the body, and what ends the body.
pub(crate) fn answer(script: &Script, request: &Request) -> Vec<Vec<u8>> {
    let path = request.path.split('?').next().unwrap_or_default();
    if script.key.as_ref().is_some_and(|key| !request.has_key(key)) {
        return error(401, "Incorrect API key provided", "invalid_request_error");
    }
    match (request.method.as_str(), path) {
        ("GET", "/v1/models") => {
            let row = |id: &String| json!({"id": id, "object": "model", "owned_by": "test"});
            let rows: Vec<Value> = script.models.iter().map(row).collect();
            whole(200, &json!({"object": "list", "data": rows}))
        }
        ("POST", "/v1/embeddings") => embeddings(script, request),
        ("POST", "/v1/chat/completions") => chat(script, request),
        ("POST", "/v1/rerank") => rerank(script, request),
        _ => error(404, "Not Found", "invalid_request_error"),
    }
}

fn embeddings(script: &Script, request: &Request) -> Vec<Vec<u8>> {
    let inputs = request.inputs();
    if inputs.is_empty() {
        return error(400, "\"input\" must not be empty", "invalid_request_error");
    }
    let words = |text: &String| text.split_whitespace().count();
    let longest = inputs.iter().map(words).max().unwrap_or(0);
    if longest > script.longest_input {
        let limit = script.longest_input;
        let message = format!(
            "input ({longest} tokens) is too large to process. increase the physical batch size \
             (current batch size: {limit})"
        );
        return error(500, &message, "server_error");
    }
    let spoils = |text: &String| {
        script.spoiled.as_ref().filter(|(word, _)| text.contains(word)).map(|(_, how)| *how)
    };
    if inputs.iter().any(|text| spoils(text) == Some(Spoil::Refuse)) {
        return error(400, "this text is against the rules of this house", "invalid_request_error");
    }
    if inputs.iter().any(|text| spoils(text) == Some(Spoil::Crash)) {
        return error(500, "the model runner has stopped", "server_error");
    }
    let dimensions = request.body["dimensions"].as_u64().map_or(DIMENSIONS, |d| d as usize);
    let as_base64 = request.body["encoding_format"] == "base64" && !script.always_floats;
    let row = |(index, text): (usize, &String)| {
        let mut vector = embed(text, dimensions);
        match spoils(text) {
            Some(Spoil::Value(value)) => vector[0] = value,
            Some(Spoil::Dimensions(dimensions)) => vector.truncate(dimensions),
            Some(Spoil::Leave) => return None,
            Some(Spoil::Null) => return Some(json!({"index": index, "embedding": null})),
            Some(Spoil::PythonNan) => {
                return Some(json!({"index": index, "embedding": "A NUMBER THAT IS NONE"}));
            }
            Some(Spoil::Refuse | Spoil::Crash) | None => {}
        }
        let embedding = if as_base64 {
            json!(base64(&vector.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()))
        } else {
            json!(vector)
        };
        Some(json!({"object": "embedding", "index": index, "embedding": embedding}))
    };
    let rows: Vec<Value> = inputs.iter().enumerate().filter_map(row).collect();
    let tokens: usize = inputs.iter().map(words).sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let model = model(script, request);
    let mut parts =
        whole(200, &json!({"object": "list", "data": rows, "model": model, "usage": usage}));
    if inputs.iter().any(|text| spoils(text) == Some(Spoil::PythonNan)) {
        let body = String::from_utf8(parts[1].clone()).unwrap();
        // It has the same length, as the head says.
        parts[1] =
            body.replace("\"A NUMBER THAT IS NONE\"", "[0.1, NaN, 0.5, 0.25  ]").into_bytes();
    }
    parts
}

fn chat(script: &Script, request: &Request) -> Vec<Vec<u8>> {
    if request.body["stream"] != true {
        return error(400, "only streams are scripted", "invalid_request_error");
    }
    let model = model(script, request);
    let event = |choices: Value, usage: Value| {
        let event = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_237_976,
            "model": model, "choices": choices, "usage": usage,
        });
        chunk(format!("data: {event}\n\n").as_bytes())
    };
    let delta = |delta: Value, reason: Value| {
        event(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null)
    };
    let headers = [("content-type", "text/event-stream")];
    let mut parts = vec![head_of("200 OK", &headers, "transfer-encoding: chunked")];
    parts.push(delta(json!({"role": "assistant", "content": null}), Value::Null));
    let other = script.other.as_ref().filter(|(model, _)| request.body["model"] == model.as_str());
    let deltas = other.map_or(script.deltas.as_slice(), |(_, text)| std::slice::from_ref(text));
    parts.extend(deltas.iter().map(|text| delta(json!({"content": text}), Value::Null)));
    parts.push(delta(json!({}), json!("stop")));
    if request.body["stream_options"]["include_usage"] == true {
        let count = script.deltas.len();
        let usage =
            json!({"prompt_tokens": 11, "completion_tokens": count, "total_tokens": 11 + count});
        parts.push(event(json!([]), usage));
    }
    parts.push(chunk(b"data: [DONE]\n\n"));
    parts.push(b"0\r\n\r\n".to_vec());
    parts
}

fn model(script: &Script, request: &Request) -> Value {
    script.answers_as.as_ref().map_or_else(|| request.body["model"].clone(), |model| json!(model))
}

pub(super) fn error(status: u16, message: &str, kind: &str) -> Vec<Vec<u8>> {
    whole(status, &json!({"error": {"message": message, "type": kind, "code": status}}))
}

pub(super) fn whole(status: u16, body: &Value) -> Vec<Vec<u8>> {
    let body = body.to_string();
    let length = format!("content-length: {}", body.len());
    let headers = [("content-type", "application/json")];
    vec![head_of(&format!("{status} Scripted"), &headers, &length), body.into_bytes(), Vec::new()]
}

fn head_of(status: &str, headers: &[(&str, &str)], framing: &str) -> Vec<u8> {
    let headers = lines(headers);
    format!("HTTP/1.1 {status}\r\n{headers}{framing}\r\nconnection: close\r\n\r\n").into_bytes()
}

fn lines(headers: &[(&str, &str)]) -> String {
    headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect::<Vec<_>>().concat()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_u32, |bits, i| bits << 8 | u32::from(group.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let symbol = SYMBOLS[(bits >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}
