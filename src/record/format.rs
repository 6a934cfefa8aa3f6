//! What the lines of a recording are: a header, then one exchange a line, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::chat::{ChatEvent, Message};
use crate::error::BackendError;
use crate::types::{ContentHash, EmbedderId};

/// Raised when older recordings can no longer be read.
pub(super) const VERSION: u64 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub docent_recording: u64,
    /// Version of docent that began it.
    pub docent: String,
}

/// Any other line. Of `answer` and `error`, one is there.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Entry {
    /// An endpoint was asked what its model is.
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
    /// `events` in the pieces in which they came. With an `error` they are what came before it;
    /// without one, and without `done`, the stream just ended.
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
    /// See [`Tape::value`](super::Tape::value).
    Value { name: String, about: String, value: Value },
}

/// What decides which embedder is connected to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EmbedderRequest {
    /// As in `--embedder`.
    pub model: String,
    /// What the model is asked for, if anything.
    pub dimensions: Option<usize>,
    pub document_prefix: String,
    pub query_prefix: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct EmbedderAnswer {
    pub embedder: EmbedderId,
    /// Billed for asking.
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

/// What a chat model is asked, as far as it decides the answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedChat {
    pub model: String,
    /// For whoever reads the file; the messages contain it.
    pub question: String,
    pub messages: Vec<Message>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedReranker {
    pub model: String,
    pub question: String,
    pub texts: Vec<String>,
}

/// Base64 of little-endian `f32`: exact, and a quarter of the digits.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Vector(pub(super) Vec<f32>);

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|value| value.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        let (floats, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("a vector is no base64 of 32-bit floats"));
        }
        Ok(Self(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

/// What an exchange is found by: a hash of all of its request.
pub(super) fn key(kind: &str, request: &impl Serialize) -> ContentHash {
    let request = serde_json::to_string(request).unwrap_or_default();
    ContentHash::of(format!("{kind}\n{request}").as_bytes())
}
