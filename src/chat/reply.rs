//! Reads a reply that is only of use as a whole.

use std::time::Duration;

use futures::StreamExt;

use super::{ChatEvent, ChatModel, ChatRequest};
use crate::error::BackendError;
use crate::types::Usage;

/// Most bytes of a reply that are read: more than any useful reply has. The rest is not waited for.
const LONGEST: usize = 8_000;

/// What a model replied.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ChatReply {
    pub text: String,
    pub usage: Usage,
}

/// Asks, and reads the whole reply; `None` if that takes longer than `within`.
pub async fn reply(
    chat: &dyn ChatModel,
    request: ChatRequest,
    within: Duration,
) -> Result<Option<ChatReply>, BackendError> {
    tokio::time::timeout(within, read(chat, request)).await.ok().transpose()
}

async fn read(chat: &dyn ChatModel, request: ChatRequest) -> Result<ChatReply, BackendError> {
    let mut stream = chat.stream(request).await?;
    let mut reply = ChatReply::default();
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::Thinking(_) | ChatEvent::Calls(_) => {}
            ChatEvent::Retracted => reply.text.clear(),
            ChatEvent::Delta(text) => reply.text.push_str(&text),
            ChatEvent::Done { usage, .. } => reply.usage = usage,
        }
        if reply.text.len() > LONGEST {
            break;
        }
    }
    Ok(reply)
}
