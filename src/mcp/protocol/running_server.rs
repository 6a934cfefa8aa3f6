//! Calls that a `docent serve` of the same project answers. The server keeps the collection loaded, while
//! processes that read it in turns load it again for every call.

use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::headers::{CAPABILITIES_FIELD, METHOD, NAME, VERSION, VERSION_FIELD};
use crate::error::{Exit, Failure};
use crate::http::{SocketError, SocketResponse, post_through_socket};
use crate::mcp::access::CallCost;
use crate::mcp::tools::{ToolOutcome, ToolRow};

/// Digest of the settings that decide what is found and answered: a server with other settings refuses the
/// call.
pub const SETTINGS: HeaderName = HeaderName::from_static("docent-settings");

/// Tokens of a result, unless the call asks for another number.
pub const RESULT_TOKENS: HeaderName = HeaderName::from_static("docent-result-tokens");

/// How long a server may take to begin its response. It reports progress, so this covers retrieval only.
const TO_BEGIN: Duration = Duration::from_secs(10);

/// How long a server may be silent within a response: longer than a model may be.
const TO_GO_ON: Duration = Duration::from_mins(5);

/// Longest message, in bytes.
const LONGEST_LINE: usize = 4 << 20;

/// A server of this project that may be running.
pub struct RunningServer {
    /// The socket on which it listens when it runs.
    socket: PathBuf,
    settings: HeaderValue,
    result_tokens: HeaderValue,
}

impl RunningServer {
    /// `settings`: the digest of this process's settings. `None` if it cannot be sent in a header.
    pub fn new(socket: PathBuf, settings: &str, result_tokens: u16) -> Option<Self> {
        let settings = HeaderValue::from_str(settings).ok()?;
        Some(Self { socket, settings, result_tokens: result_tokens.into() })
    }

    /// Lets the server answer a call. `None` if no server runs, if it has other settings or lacks the tool,
    /// or if it takes no call now; nothing has been done then. Dropping the future ends the call.
    pub(in crate::mcp) async fn call(
        &self,
        tool: &ToolRow,
        arguments: &Map<String, Value>,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Option<ToolOutcome> {
        let message = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": tool.name,
                "arguments": arguments,
                "_meta": {
                    VERSION_FIELD: ProtocolVersion::LATEST.as_str(),
                    CAPABILITIES_FIELD: {},
                    "progressToken": 1,
                },
            },
        });
        let headers = self.headers(tool);
        let sent = post_through_socket(&self.socket, "/mcp", headers, message.to_string());
        let answer = match timeout(TO_BEGIN, sent).await {
            // A server that takes too long is suspended or stuck.
            Err(_) | Ok(Err(SocketError::NoServer(_))) => return None,
            Ok(Ok(response)) if response.status != StatusCode::OK => return None,
            Ok(Ok(response)) => last_message(response, progress).await,
            Ok(Err(_)) => None,
        };
        match answer {
            Some(answer) => outcome(answer),
            // Reads can be repeated. An answer may have been paid for.
            None if tool.work != CallCost::Answer => None,
            None => {
                let problem = "the `docent serve` of this project ended while it answered";
                Some(ToolOutcome::failed(&Failure::new(Exit::Backend, problem).hint("ask again")))
            }
        }
    }

    fn headers(&self, tool: &ToolRow) -> HeaderMap {
        let latest = HeaderValue::from_static(ProtocolVersion::LATEST.as_str());
        let fixed = HeaderValue::from_static;
        HeaderMap::from_iter([
            (HOST, fixed("localhost")),
            (CONTENT_TYPE, fixed("application/json")),
            (ACCEPT, fixed("application/json, text/event-stream")),
            (HeaderName::from_static(VERSION), latest),
            (HeaderName::from_static(METHOD), fixed("tools/call")),
            (HeaderName::from_static(NAME), fixed(tool.name)),
            (SETTINGS, self.settings.clone()),
            (RESULT_TOKENS, self.result_tokens.clone()),
        ])
    }
}

/// Reports progress messages, and returns the response; `None` if it does not come. The body is one
/// message, or events with one message on one line each.
async fn last_message(
    mut response: SocketResponse,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Option<Value> {
    let mut unread = Vec::new();
    loop {
        let piece = timeout(TO_GO_ON, response.piece()).await.ok()?.ok()?;
        let is_end = piece.is_none();
        unread.extend_from_slice(&piece.unwrap_or_default());
        while let Some(length) = line_length(&unread, is_end) {
            let line: Vec<u8> = unread.drain(..length).collect();
            let line = line.strip_prefix(b"data:").unwrap_or(&line);
            let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
            if message.get("id").is_some() {
                return Some(message);
            }
            if let Some(told) = message["params"]["message"].as_str() {
                progress(told);
            }
        }
        if is_end || unread.len() > LONGEST_LINE {
            return None;
        }
    }
}

/// Length of the first line with its end; `is_end` marks the last line, which has none.
fn line_length(unread: &[u8], is_end: bool) -> Option<usize> {
    let end = unread.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
    end.or_else(|| (is_end && !unread.is_empty()).then_some(unread.len()))
}

fn outcome(mut answer: Value) -> Option<ToolOutcome> {
    let result = answer.get_mut("result")?;
    Some(ToolOutcome {
        text: result["content"][0]["text"].as_str()?.to_owned(),
        is_error: result["isError"] == true,
        data: result["structuredContent"].take(),
    })
}
