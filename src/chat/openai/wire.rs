//! The chat request, and the chunks of a streamed answer as far as docent reads them.

use serde::{Deserialize, Serialize};

use crate::chat::Speaker;
use crate::types::Usage;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) messages: &'a [Message<'a>],
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: bool,
}

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

pub(super) fn messages(messages: &[crate::chat::Message]) -> Vec<Message<'_>> {
    let role = |speaker| match speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    messages.iter().map(|m| Message { role: role(m.speaker), content: &m.text }).collect()
}

/// One event. Fields that servers leave out, or set to `null`, are optional.
#[derive(Deserialize)]
pub(super) struct Chunk {
    /// Empty in the event that carries the token counts.
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
}
