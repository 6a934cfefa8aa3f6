//! The objects that are sent: chunks of a stream, and the whole completion.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::query::cite::Citation;
use crate::serve::answering::{AnswerDetails, Answered};
use crate::serve::links::Links;
use crate::serve::openai::direct;
use crate::serve::openai::draft::{Draft, DraftMark, DraftPiece};
use crate::serve::sse::Frame;
use crate::types::Usage;

/// The first members of every object about an answer, without its type.
pub(in crate::serve::openai) struct CompletionHead {
    pub(in crate::serve::openai) id: String,
    pub(in crate::serve::openai) created: i64,
    pub(in crate::serve::openai) model: String,
}

/// The first members of every object about an answer.
#[derive(Serialize, JsonSchema)]
struct ObjectHead {
    id: String,
    /// `chat.completion` or `chat.completion.chunk`.
    object: &'static str,
    /// Seconds since 1970.
    created: i64,
    model: String,
}

/// A piece of an answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChunk")]
pub(in crate::serve::openai) struct CompletionChunk {
    #[serde(flatten)]
    head: ObjectHead,
    /// One choice; none in the chunk with the usage.
    choices: Vec<ChunkChoice>,
    /// In the last chunk, if `stream_options.include_usage` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageObject>,
    /// In the last chunk with a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    docent: Option<CompletionDetails>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChunkChoice")]
struct ChunkChoice {
    index: u32,
    delta: CompletionDelta,
    logprobs: (),
    /// `stop`, `length`, `content_filter` or `tool_calls`; null until the last chunk.
    finish_reason: Option<String>,
}

/// The new part of the message.
#[derive(Serialize, JsonSchema, Default)]
#[schemars(rename = "ChatCompletionDelta")]
pub(in crate::serve::openai) struct CompletionDelta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::serve::openai) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::serve::openai) content: Option<String>,
    /// The model's thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::serve::openai) reasoning_content: Option<String>,
    /// Pieces of function calls, as the model sends them: each has the `index` of its call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(in crate::serve::openai) tool_calls: Vec<Value>,
    /// Sent when the text is complete, because citations are checked then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(in crate::serve::openai) annotations: Vec<ChatAnnotation>,
}

impl CompletionDelta {
    /// The first delta.
    pub(in crate::serve::openai) fn begin() -> Self {
        Self { role: Some("assistant"), ..Self::text(String::new()) }
    }

    pub(super) fn text(text: String) -> Self {
        Self { content: Some(text), ..Self::default() }
    }

    pub(in crate::serve::openai) fn of(piece: DraftPiece) -> Self {
        match piece {
            DraftPiece::Text(text) => Self::text(text),
            DraftPiece::Thinking(text) => Self { reasoning_content: Some(text), ..Self::default() },
            DraftPiece::Calls(tool_calls) => Self { tool_calls, ..Self::default() },
        }
    }
}

/// docent's details of its own answer, or of one by the chat model alone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionDetails")]
#[serde(untagged)]
pub(in crate::serve::openai) enum CompletionDetails {
    Answer(Box<AnswerDetails>),
    Bare(direct::DirectDetails),
}

impl CompletionHead {
    pub(in crate::serve::openai) fn chunk(
        &self,
        delta: CompletionDelta,
        finish_reason: Option<&str>,
    ) -> Frame {
        Frame::data(&self.chunk_of(delta, finish_reason))
    }

    fn chunk_of(&self, delta: CompletionDelta, finish_reason: Option<&str>) -> CompletionChunk {
        let finish_reason = finish_reason.map(str::to_owned);
        let choice = ChunkChoice { index: 0, delta, logprobs: (), finish_reason };
        let head = self.object("chat.completion.chunk");
        CompletionChunk { head, choices: vec![choice], usage: None, docent: None }
    }

    pub(in crate::serve::openai) fn last(
        &self,
        finish_reason: &str,
        details: CompletionDetails,
    ) -> Frame {
        let chunk = self.chunk_of(CompletionDelta::default(), Some(finish_reason));
        Frame::data(&CompletionChunk { docent: Some(details), ..chunk })
    }

    pub(in crate::serve::openai) fn usage(&self, used: &Usage) -> Frame {
        let head = self.object("chat.completion.chunk");
        Frame::data(&CompletionChunk {
            head,
            choices: Vec::new(),
            usage: Some(usage(used)),
            docent: None,
        })
    }

    /// The answer in one piece.
    pub(in crate::serve::openai) fn completion(
        &self,
        message: AnsweredMessage,
        finish_reason: &str,
        used: &Usage,
        docent: CompletionDetails,
    ) -> ChatCompletion {
        let finish_reason = finish_reason.to_owned();
        ChatCompletion {
            head: self.object("chat.completion"),
            choices: [Choice { index: 0, message, logprobs: (), finish_reason }],
            usage: usage(used),
            docent,
        }
    }

    fn object(&self, object: &'static str) -> ObjectHead {
        let Self { id, created, model } = self;
        ObjectHead { id: id.clone(), object, created: *created, model: model.clone() }
    }
}

/// The answer in one piece.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletion")]
pub(in crate::serve::openai) struct ChatCompletion {
    #[serde(flatten)]
    head: ObjectHead,
    /// One choice.
    choices: [Choice; 1],
    usage: UsageObject,
    docent: CompletionDetails,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChoice")]
struct Choice {
    index: u32,
    message: AnsweredMessage,
    logprobs: (),
    /// `stop`, `length`, `content_filter` or `tool_calls`.
    finish_reason: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionMessage")]
pub(in crate::serve::openai) struct AnsweredMessage {
    /// `assistant`.
    pub(in crate::serve::openai) role: &'static str,
    /// Null if functions are called and there is no text.
    pub(in crate::serve::openai) content: Option<String>,
    pub(in crate::serve::openai) refusal: (),
    /// The chat model's thinking, if it answers under its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::serve::openai) reasoning_content: Option<String>,
    // Some clients take an empty list for calls.
    /// Function calls, as the model makes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub(in crate::serve::openai) tool_calls: Vec<Value>,
    pub(in crate::serve::openai) annotations: Vec<ChatAnnotation>,
}

impl AnsweredMessage {
    pub(in crate::serve::openai) fn of(text: &str, tool_calls: Vec<Value>) -> Self {
        let is_said = !text.is_empty() || tool_calls.is_empty();
        Self {
            role: "assistant",
            content: is_said.then(|| text.to_owned()),
            refusal: (),
            reasoning_content: None,
            tool_calls,
            annotations: Vec::new(),
        }
    }
}

/// Numbers only, because some clients do not accept null. What the endpoint did not report is 0.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionUsage")]
struct UsageObject {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTokens,
    completion_tokens_details: CompletionTokens,
}

#[derive(Serialize, JsonSchema)]
struct PromptTokens {
    cached_tokens: u64,
}

#[derive(Serialize, JsonSchema)]
struct CompletionTokens {
    reasoning_tokens: u64,
}

fn usage(used: &Usage) -> UsageObject {
    let (prompt, completion) =
        (used.prompt_tokens.unwrap_or(0), used.completion_tokens.unwrap_or(0));
    UsageObject {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        prompt_tokens_details: PromptTokens { cached_tokens: used.cached_tokens.unwrap_or(0) },
        completion_tokens_details: CompletionTokens {
            reasoning_tokens: used.reasoning_tokens.unwrap_or(0),
        },
    }
}

/// A citation mark in the text, and the URL that it opens.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionAnnotation")]
pub(in crate::serve::openai) struct ChatAnnotation {
    /// `url_citation`.
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation,
}

#[derive(Serialize, JsonSchema)]
struct UrlCitation {
    /// Position of the mark's first character in the text, in characters.
    start_index: usize,
    /// The position after its last character.
    end_index: usize,
    url: String,
    title: String,
}

/// One annotation for each mark that names a passage.
pub(super) fn annotations(
    draft: &Draft,
    answered: &Answered,
    links: &Links,
) -> Vec<ChatAnnotation> {
    let annotation = |(mark, citation): (DraftMark, &Citation)| ChatAnnotation {
        kind: "url_citation",
        url_citation: UrlCitation {
            start_index: mark.start,
            end_index: mark.end,
            url: links.to(&answered.asked.collection, &citation.source, citation.locator),
            title: citation.citation.clone(),
        },
    };
    draft.cited(answered).map(annotation).collect()
}
