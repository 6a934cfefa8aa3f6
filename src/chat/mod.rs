//! Passages and a question → a streamed answer.

pub mod data;
pub mod extractive;
pub mod openai;
mod passthrough;
pub mod reply;
pub mod thinking;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use passthrough::Passthrough;

use crate::error::BackendError;
use crate::types::{Passage, Usage};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Speaker")]
pub enum MessageRole {
    System,
    User,
    Assistant,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Message")]
pub struct ChatMessage {
    pub speaker: MessageRole,
    pub text: String,
}

/// A request to a chat model. Generating models read `messages`, which already contain the question and the
/// fenced passages; the extractive model reads `question` and `passages`.
#[derive(Clone, PartialEq, Debug)]
pub struct ChatRequest {
    pub messages: Vec<ChatMessage>,
    pub question: String,
    pub passages: Arc<[Passage]>,
    pub sampling: SamplingOptions,
    /// For generating models only.
    pub relayed: Passthrough,
}

/// Parameters that a request sets for a generating model, in place of the configured ones.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SamplingOptions {
    pub temperature: Option<f32>,
    /// Most tokens of the answer.
    pub max_tokens: Option<u32>,
}

impl ChatRequest {
    /// A request for a generating model only: the rules, and the data that they apply to.
    pub fn task(rules: String, data: String) -> Self {
        Self {
            messages: vec![
                ChatMessage { speaker: MessageRole::System, text: rules },
                ChatMessage { speaker: MessageRole::User, text: data },
            ],
            question: String::new(),
            passages: Arc::default(),
            sampling: SamplingOptions::default(),
            relayed: Passthrough::default(),
        }
    }
}

/// The events of an answer, in order: any number of thoughts and deltas, at most one retraction, then one
/// `Done`. A stream that ends without `Done`, or yields an error, was cut off: what came before is kept,
/// and is incomplete.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatEvent {
    /// Thinking of the model before it answers, as it arrives. Not part of the answer.
    Thinking(String),
    /// Text of the answer, as it arrives.
    Delta(String),
    /// Pieces of function calls, as they arrive: each has an `index`, and the first piece of each call has
    /// a name.
    Calls(Vec<serde_json::Value>),
    /// Everything so far was thinking: the model only wrote the closing tag.
    Retracted,
    Done {
        /// As the endpoint gives it: `stop`, `length`, `content_filter`, [`CALLS`].
        finish_reason: String,
        /// The model that answered, which may differ from the one that was asked.
        model: String,
        usage: Usage,
    },
}

/// The finish reason of a model that found no answer in the passages; no delta came.
pub const NO_ANSWER: &str = "no_answer";

/// The finish reason of a model that calls functions.
pub const CALLS: &str = "tool_calls";

/// [`ChatModel::name`] of the model that only quotes.
pub const EXTRACTIVE: &str = "extractive";

/// A stream of an answer.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, BackendError>>;

/// A model that answers from passages.
///
/// No method has a default body: a wrapper has to forward each one, or say that it does not.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// The name, as in `--model`; `extractive` for the model that only quotes.
    fn name(&self) -> &str;

    /// Number of tokens of `text`: exact if the model's tokenizer is known, otherwise an estimate on the
    /// high side. Models with the same [name](Self::name) count alike.
    fn count_tokens(&self, text: &str) -> usize;

    /// Whether [`Self::count_tokens`] is exact.
    fn counts_exactly(&self) -> bool;

    /// The body of the request that [`Self::stream`] would send first, as JSON; `None` if nothing leaves
    /// the process.
    fn payload(&self, request: &ChatRequest) -> Option<serde_json::Value>;

    /// Starts an answer. Failures before the first event are retried here if a retry may help, and returned
    /// as the error of this call; later failures come through the stream.
    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, BackendError>;
}
