//! Passages and a question → a streamed answer.

pub mod data;
pub mod extractive;
pub mod openai;
mod relayed;
pub mod reply;
pub mod thinking;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use relayed::Relayed;

use crate::error::BackendError;
use crate::types::{Passage, Usage};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    System,
    User,
    Assistant,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    pub speaker: Speaker,
    pub text: String,
}

/// What a model is asked. Generating models read `messages`, which already contain the question
/// and the fenced passages; the extractive model reads `question` and `passages`.
#[derive(Clone, PartialEq, Debug)]
pub struct ChatRequest {
    pub messages: Vec<Message>,
    pub question: String,
    pub passages: Arc<[Passage]>,
    pub sampling: Sampling,
    /// For generating models alone.
    pub relayed: Relayed,
}

/// What a question asks of a generating model in place of what is configured.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sampling {
    pub temperature: Option<f32>,
    /// Of the answer.
    pub max_tokens: Option<u32>,
}

impl ChatRequest {
    /// For a generating model alone: what to do, and the data to do it with.
    pub fn task(rules: String, data: String) -> Self {
        Self {
            messages: vec![
                Message { speaker: Speaker::System, text: rules },
                Message { speaker: Speaker::User, text: data },
            ],
            question: String::new(),
            passages: Arc::default(),
            sampling: Sampling::default(),
            relayed: Relayed::default(),
        }
    }
}

/// What comes back, in order: any number of thoughts and deltas, at most one retraction, then one `Done`. A stream that ends without
/// `Done`, or yields an error, was cut: what came before it stands, and is incomplete.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatEvent {
    /// What the model thinks before it answers, as it arrived. It is no part of the answer.
    Thinking(String),
    /// Text of the answer, as it arrived.
    Delta(String),
    /// Pieces of calls of functions, as they arrived: each has an `index`, and the first of each a name.
    Calls(Vec<serde_json::Value>),
    /// All that came so far was thinking: the model showed it by a closing tag alone.
    Retracted,
    Done {
        /// As the endpoint said it: `stop`, `length`, `content_filter`, [`CALLS`].
        finish_reason: String,
        /// The model that answered, which need not be the one that was asked.
        model: String,
        usage: Usage,
    },
}

/// The finish reason of a model that found nothing to say in the passages; no delta came.
pub const NO_ANSWER: &str = "no_answer";

/// The finish reason of a model that calls functions.
pub const CALLS: &str = "tool_calls";

/// [`ChatModel::name`] of the one that only quotes.
pub const EXTRACTIVE: &str = "extractive";

/// A stream of an answer.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, BackendError>>;

/// A model that answers from passages.
///
/// No method has a body here: what wraps a model must forward each, or say that it does not.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// As in `--model`; `extractive` for the one that only quotes.
    fn name(&self) -> &str;

    /// Number of tokens of `text`: exact where the model's tokenizer is known, otherwise an estimate
    /// on the high side. Models of one [name](Self::name) count alike.
    fn count_tokens(&self, text: &str) -> usize;

    /// Whether [`Self::count_tokens`] is exact.
    fn counts_exactly(&self) -> bool;

    /// The body of the request that [`Self::stream`] would send first, as JSON; `None` where nothing
    /// leaves the process.
    fn payload(&self, request: &ChatRequest) -> Option<serde_json::Value>;

    /// Starts an answer. Failures before the first event are retried here where that is worth it,
    /// and returned as the error of this call; later ones come through the stream.
    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, BackendError>;
}
