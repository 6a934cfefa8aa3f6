//! Settings of answers: the chat model, what it is sent, and how its answer is checked.

use std::path::PathBuf;
use std::time::Duration;

use super::{Endpoint, LayerValues, SettingsError, keys, parse};
use crate::types::ChatPrice;

#[derive(Clone, PartialEq, Debug)]
pub struct ChatSettings {
    /// `None`: answers are quoted from the passages.
    pub model: Option<String>,
    pub endpoint: Endpoint,
    pub temperature: Option<f32>,
    pub max_tokens: Option<u32>,
    /// File with the system prompt.
    pub system: Option<PathBuf>,
    /// File with a template of the whole prompt.
    pub prompt: Option<PathBuf>,
    pub timeout: Duration,
    pub idle_timeout: Duration,
    pub context_tokens: usize,
    /// Questions of a batch that are asked at the same time.
    pub concurrency: usize,
    /// An answer that its citations do not fully support does not count.
    pub require_citations: bool,
    /// Prices of the chat model; `None` if they are not known.
    pub price: Option<ChatPrice>,
    /// Keep what is typed in a conversation in a history file.
    pub history: bool,
}

impl ChatSettings {
    pub(super) fn resolve(
        values: &LayerValues<'_>,
        shared: &Endpoint,
    ) -> Result<Self, SettingsError> {
        let chat = Self {
            model: values.text("model").filter(|model| model != "extractive"),
            endpoint: values.own_endpoint("chat", shared)?,
            temperature: values.number_if_set("chat.temperature")?.map(|value| value as f32),
            max_tokens: values.whole_if_set("chat.max_tokens")?,
            system: values.path("chat.system"),
            prompt: values.path("chat.prompt"),
            timeout: values.time("chat.timeout")?,
            idle_timeout: values.time("chat.idle_timeout")?,
            context_tokens: values.whole("chat.context_tokens")?,
            concurrency: values.whole("chat.concurrency")?,
            require_citations: values.parsed("chat.require_citations", parse::boolean)?,
            price: price(values, ["chat.price_in", "chat.price_cached", "chat.price_out"])?,
            history: values.parsed("chat.history", parse::boolean)?,
        };
        if chat.system.is_some() && chat.prompt.is_some() {
            return Err(values.at_odds(
                &["chat.system", "chat.prompt"],
                "chat.prompt and chat.system are both set, but a template has its own introduction"
                    .to_owned(),
                "omit one, or unset it with --system '' or --prompt ''",
            ));
        }
        Ok(chat)
    }
}

/// The prices of a model. Sent and generated tokens have a price each, and a cost needs both.
pub(super) fn price(
    values: &LayerValues<'_>,
    [input, cached, output]: [&'static str; 3],
) -> Result<Option<ChatPrice>, SettingsError> {
    let price = |name| values.number_if_set(name);
    match (price(input)?, price(cached)?, price(output)?) {
        (Some(input), cached, Some(output)) => {
            Ok(Some(ChatPrice { input, cached: cached.unwrap_or(input), output }))
        }
        (None, None, None) => Ok(None),
        (found, _, _) => Err(SettingsError {
            message: format!("a cost needs both {input} and {output}"),
            hint: Some(keys::key(if found.is_some() { output } else { input }).how_to_set()),
            usage: false,
        }),
    }
}
