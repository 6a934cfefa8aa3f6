//! The chat request, and the chunks of a streamed answer as far as docent reads them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::chat::{ChatRequest, MessageRole};
use crate::types::Usage;

#[derive(Serialize)]
pub(super) struct ChatCompletionRequest<'a> {
    pub(super) model: &'a str,
    pub(super) messages: &'a [WireTurn<'a>],
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<WireStreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u32>,
    #[serde(flatten)]
    pub(super) relayed: &'a Map<String, Value>,
}

#[derive(Serialize)]
pub(super) struct WireStreamOptions {
    pub(super) include_usage: bool,
}

#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
}

/// A message of docent's, or a relayed one.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireTurn<'a> {
    Text(WireMessage<'a>),
    Parts { role: &'static str, content: Vec<Value> },
    Relayed(&'a Value),
}

pub(super) fn messages(request: &ChatRequest) -> Vec<WireTurn<'_>> {
    let role = |speaker| match speaker {
        MessageRole::System => "system",
        MessageRole::User => "user",
        MessageRole::Assistant => "assistant",
    };
    let relayed = &request.relayed;
    let texts =
        request.messages.iter().map(|m| WireMessage { role: role(m.speaker), content: &m.text });
    let mut said: Vec<WireTurn<'_>> = texts.map(WireTurn::Text).collect();
    if let Some(WireTurn::Text(WireMessage { role, content })) = said.last()
        && !relayed.parts.is_empty()
    {
        let text = json!({ "type": "text", "text": content });
        let content = std::iter::once(text).chain(relayed.parts.iter().cloned()).collect();
        let last = WireTurn::Parts { role, content };
        said.pop();
        said.push(last);
    }
    said.extend(relayed.after.iter().map(WireTurn::Relayed));
    said
}

/// One event. Fields that servers omit, or set to `null`, are optional.
#[derive(Deserialize)]
pub(super) struct StreamChunk {
    /// Empty in the event with the token counts.
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) model: Option<String>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    pub(super) delta: Option<StreamDelta>,
    /// The message of an answer that arrives as a whole although a stream was requested.
    pub(super) message: Option<StreamDelta>,
    pub(super) finish_reason: Option<String>,
}

/// Servers only agree on `content`.
#[derive(Deserialize)]
pub(super) struct StreamDelta {
    #[serde(default)]
    content: Value,
    /// vLLM, llama.cpp, `DeepSeek`, LM Studio.
    #[serde(default)]
    reasoning_content: Value,
    /// Ollama, `OpenRouter`, Groq.
    #[serde(default)]
    reasoning: Value,
    /// Ollama's own name, which gateways pass on.
    #[serde(default)]
    thinking: Value,
    #[serde(default)]
    tool_calls: Value,
}

impl StreamDelta {
    /// Text of the answer; if the content is in parts (Mistral), the parts of type `text`.
    pub(super) fn answer(&self) -> Option<String> {
        match &self.content {
            Value::Array(parts) => some(joined(parts, "text")),
            content => content.as_str().and_then(|text| some(text.to_owned())),
        }
    }

    /// Pieces of function calls. Some servers omit the index of a call that comes as a whole.
    pub(super) fn calls(self) -> Vec<Value> {
        let Value::Array(mut calls) = self.tool_calls else { return Vec::new() };
        calls.retain(Value::is_object);
        for (number, call) in calls.iter_mut().enumerate() {
            if !call["index"].is_u64() {
                call["index"] = number.into();
            }
        }
        calls
    }

    /// The model's thinking, in whichever field it comes. Some servers send the same text in two fields.
    pub(super) fn thinking(&self) -> Option<String> {
        let fields = [&self.reasoning_content, &self.reasoning, &self.thinking];
        let field = fields.into_iter().filter_map(Value::as_str).find(|text| !text.is_empty());
        field.map(str::to_owned).or_else(|| some(joined(self.content.as_array()?, "thinking")))
    }
}

/// The texts of the parts of one type. A part may itself have parts.
fn joined(parts: &[Value], kind: &str) -> String {
    let of_kind = parts.iter().filter(|part| part["type"] == kind);
    let text = |part: &Value| match &part[kind] {
        Value::Array(parts) => joined(parts, "text"),
        text => text.as_str().unwrap_or_default().to_owned(),
    };
    of_kind.map(text).collect()
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl StreamChunk {
    /// Token counts, under any of the names that servers use.
    pub(super) fn usage(&self) -> Option<Usage> {
        let usage = self.usage.as_object()?;
        let count = |paths: &[&[&str]]| {
            paths.iter().find_map(|path| {
                let (first, rest) = path.split_first()?;
                rest.iter().try_fold(usage.get(*first)?, |value, name| value.get(*name))?.as_u64()
            })
        };
        Some(Usage {
            prompt_tokens: count(&[&["prompt_tokens"], &["input_tokens"]]),
            completion_tokens: count(&[&["completion_tokens"], &["output_tokens"]]),
            cached_tokens: count(&[
                &["prompt_tokens_details", "cached_tokens"],
                &["input_tokens_details", "cached_tokens"],
                &["prompt_cache_hit_tokens"],
                &["cache_read_input_tokens"],
                &["cached_tokens"],
            ]),
            reasoning_tokens: count(&[
                &["completion_tokens_details", "reasoning_tokens"],
                &["output_tokens_details", "reasoning_tokens"],
                &["reasoning_tokens"],
            ]),
            cost: None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn counts_have_many_names() {
        let usage = |json: &str| {
            let chunk: StreamChunk =
                serde_json::from_str(&format!(r#"{{"usage":{json}}}"#)).unwrap();
            chunk.usage().map(|u| {
                [u.prompt_tokens, u.completion_tokens, u.cached_tokens, u.reasoning_tokens]
            })
        };
        for (json, expected) in [
            (
                r#"{"prompt_tokens":9,"completion_tokens":4,
                    "prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0},
                    "completion_tokens_details":{"reasoning_tokens":3}}"#,
                Some([Some(9), Some(4), Some(8), Some(3)]),
            ),
            (
                r#"{"input_tokens":9,"output_tokens":4,"input_tokens_details":{"cached_tokens":8},
                    "output_tokens_details":{"reasoning_tokens":3}}"#,
                Some([Some(9), Some(4), Some(8), Some(3)]),
            ),
            (
                r#"{"prompt_tokens":9,"completion_tokens":4,"prompt_cache_hit_tokens":8,
                    "completion_tokens_details":null,"reasoning_tokens":3}"#,
                Some([Some(9), Some(4), Some(8), Some(3)]),
            ),
            (r#"{"prompt_tokens":"9"}"#, Some([None; 4])),
            ("null", None),
        ] {
            assert_eq!(usage(json), expected, "{json}");
        }
    }

    #[test]
    fn thinking_has_many_places() {
        let both = |json: &str| {
            let delta: StreamDelta = serde_json::from_str(json).unwrap();
            (delta.thinking().unwrap_or_default(), delta.answer().unwrap_or_default())
        };
        for (json, thought, answer) in [
            (r#"{"content":"Yes"}"#, "", "Yes"),
            (r#"{"content":null,"reasoning_content":"hm"}"#, "hm", ""),
            (r#"{"content":"","reasoning":"hm","reasoning_details":[{}]}"#, "hm", ""),
            (r#"{"content":"Yes","thinking":"hm"}"#, "hm", "Yes"),
            (r#"{"reasoning_content":"hm","reasoning":"hm"}"#, "hm", ""),
            (r#"{"content":"Yes","reasoning":{"effort":"low"}}"#, "", "Yes"),
            (
                r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},
                               {"type":"text","text":"Yes"}]}"#,
                "hm",
                "Yes",
            ),
            ("{}", "", ""),
        ] {
            assert_eq!(both(json), (thought.to_owned(), answer.to_owned()), "{json}");
        }
    }
}
