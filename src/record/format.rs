//! Format of a recording: a header, then one exchange per line, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{ChatEvent, ChatMessage};
use crate::embed::Vector;
use crate::error::BackendError;
use crate::ocr::OcrLine;
use crate::types::{ContentHash, EmbedderId, Usage};

/// Incremented when older recordings can no longer be read.
pub(super) const VERSION: u64 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordingHeader {
    pub docent_recording: u64,
    /// Version of docent that began the recording.
    pub docent: String,
}

/// Any other line. Either `answer` or `error` is present.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum RecordingEntry {
    /// A request to an endpoint for its model.
    Embedder {
        request: EmbedderRequest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<EmbedderAnswer>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<BackendError>,
    },
    Embed {
        request: EmbedRequest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<EmbedAnswer>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<BackendError>,
    },
    /// `events` are split as they came. With an `error`, they are what came before it; without an error and
    /// without `done`, the stream just ended.
    Chat {
        request: AskedChat,
        events: Vec<ChatEvent>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<BackendError>,
    },
    Rerank {
        request: AskedReranker,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scores: Option<Vec<f32>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<BackendError>,
    },
    /// `usage` is what was billed, even for an error.
    Ocr {
        request: AskedOcr,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<Vec<OcrLine>>,
        #[serde(default)]
        usage: Usage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<BackendError>,
    },
    /// See [`Recording::value`](super::Recording::value).
    Value { name: String, about: String, value: Value },
}

/// The request that identifies the embedder to connect to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EmbedderRequest {
    /// As in `--embedder`.
    pub model: String,
    /// Dimensions requested from the model, if any.
    pub dimensions: Option<usize>,
    pub document_prefix: String,
    pub query_prefix: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct EmbedderAnswer {
    pub embedder: EmbedderId,
    /// Billed for that request.
    pub tokens: u64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EmbedRequest {
    pub model: String,
    pub dimensions: usize,
    /// With their prefix.
    pub inputs: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct EmbedAnswer {
    /// One for each input.
    pub vectors: Vec<Option<Vector>>,
    pub tokens: u64,
}

/// A request to a chat model, as far as it determines the answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedChat {
    pub model: String,
    /// For people who read the file; the messages contain it.
    pub question: String,
    pub messages: Vec<ChatMessage>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedReranker {
    pub model: String,
    pub question: String,
    pub texts: Vec<String>,
}

/// A page to be recognized. The picture is represented by its hash: it may be megabytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedOcr {
    pub model: String,
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// Hash of its pixels.
    pub picture: ContentHash,
}

/// The key of an exchange: a hash of its whole request.
pub(super) fn key(kind: &str, request: &impl Serialize) -> ContentHash {
    let request = serde_json::to_string(request).unwrap_or_default();
    ContentHash::of(format!("{kind}\n{request}").as_bytes())
}
