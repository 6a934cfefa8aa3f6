//! The object `response` at each of its stages, with every member that `OpenAI` or Open Responses require,
//! since strict clients refuse an object that lacks one.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::items::OutputItem;
use crate::chat::SamplingOptions;
use crate::serve::answering::{AnswerDetails, Answered};
use crate::serve::openai::unix_now;
use crate::serve::refusal::RequestRefusal;
use crate::types::Usage;

/// The members that all stages have in common.
pub(super) struct ResponseHead {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) model: String,
    pub(super) sampling: SamplingOptions,
    pub(super) instructions: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) tools: Vec<Value>,
    pub(super) tool_choice: Value,
}

/// An answer. Members that docent has no use for have their defaults.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Response")]
pub(super) struct ResponseObject {
    id: String,
    /// `response`.
    object: &'static str,
    /// Seconds since 1970.
    created_at: i64,
    completed_at: Option<i64>,
    /// `in_progress`, `completed`, `incomplete` or `failed`.
    pub(super) status: &'static str,
    background: bool,
    error: Option<ResponseError>,
    incomplete_details: Option<IncompleteDetails>,
    instructions: Option<String>,
    max_output_tokens: Option<u32>,
    max_tool_calls: (),
    /// As it was sent.
    metadata: Map<String, Value>,
    model: String,
    output: Vec<OutputItem>,
    parallel_tool_calls: bool,
    previous_response_id: (),
    presence_penalty: f32,
    frequency_penalty: f32,
    prompt_cache_key: (),
    reasoning: (),
    safety_identifier: (),
    service_tier: &'static str,
    store: bool,
    temperature: f32,
    text: TextOptions,
    /// As it was sent.
    tool_choice: Value,
    /// As they were sent.
    tools: Vec<Value>,
    top_logprobs: u32,
    top_p: f32,
    truncation: &'static str,
    usage: Option<ResponseUsage>,
    /// Once the answer has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    docent: Option<AnswerDetails>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ResponseIncompleteDetails")]
struct IncompleteDetails {
    /// `max_output_tokens` or `content_filter`.
    reason: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ResponseTextOptions")]
struct TextOptions {
    format: TextFormat,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ResponseTextFormat")]
struct TextFormat {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Why the response failed.
#[derive(Serialize, JsonSchema)]
struct ResponseError {
    message: String,
    #[serde(rename = "type")]
    kind: String,
    param: String,
    /// From `OpenAI`'s list: `rate_limit_exceeded` or `server_error`.
    code: &'static str,
    docent: ResponseErrorHints,
}

#[derive(Serialize, JsonSchema)]
struct ResponseErrorHints {
    hint: String,
    causes: Vec<String>,
    request_id: String,
    /// The code that the same error has without a stream.
    code: &'static str,
}

/// Numbers only, because some clients do not accept null. What the endpoint did not report is 0.
#[derive(Serialize, JsonSchema)]
struct ResponseUsage {
    input_tokens: u64,
    input_tokens_details: InputTokens,
    output_tokens: u64,
    output_tokens_details: OutputTokens,
    total_tokens: u64,
}

#[derive(Serialize, JsonSchema)]
struct InputTokens {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize, JsonSchema)]
struct OutputTokens {
    reasoning_tokens: u64,
}

impl ResponseHead {
    /// The response before it has any output.
    pub(super) fn begun(&self) -> ResponseObject {
        self.object("in_progress", &[])
    }

    pub(super) fn ended(
        &self,
        answered: &Answered,
        output: &[OutputItem],
        details: AnswerDetails,
    ) -> ResponseObject {
        let reason = match answered.finish_reason() {
            "length" => Some("max_output_tokens"),
            "content_filter" => Some("content_filter"),
            _ => None,
        };
        let status = if reason.is_some() { "incomplete" } else { "completed" };
        ResponseObject {
            incomplete_details: reason.map(|reason| IncompleteDetails { reason }),
            completed_at: reason.is_none().then(unix_now),
            usage: Some(usage(&answered.answer.usage)),
            docent: Some(details),
            ..self.object(status, output)
        }
    }

    pub(super) fn failed(
        &self,
        refusal: &RequestRefusal,
        request_id: &str,
        output: &[OutputItem],
    ) -> ResponseObject {
        let error = ResponseError {
            message: refusal.message.clone(),
            kind: refusal.kind().to_owned(),
            param: refusal.param.to_string(),
            // `OpenAI` has a list of codes, and this is the one that fits.
            code: if refusal.status == 429 { "rate_limit_exceeded" } else { "server_error" },
            docent: ResponseErrorHints {
                hint: refusal.what_next().to_owned(),
                causes: refusal.causes.clone(),
                request_id: request_id.to_owned(),
                code: refusal.code.name(),
            },
        };
        ResponseObject { error: Some(error), ..self.object("failed", output) }
    }

    fn object(&self, status: &'static str, output: &[OutputItem]) -> ResponseObject {
        ResponseObject {
            id: self.id.clone(),
            object: "response",
            created_at: self.created,
            completed_at: None,
            status,
            background: false,
            error: None,
            incomplete_details: None,
            instructions: self.instructions.clone(),
            max_output_tokens: self.sampling.max_tokens,
            max_tool_calls: (),
            metadata: self.metadata.clone(),
            model: self.model.clone(),
            output: output.to_vec(),
            parallel_tool_calls: true,
            previous_response_id: (),
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            prompt_cache_key: (),
            reasoning: (),
            safety_identifier: (),
            service_tier: "default",
            store: false,
            temperature: self.sampling.temperature.unwrap_or(1.0),
            text: TextOptions { format: TextFormat { kind: "text" } },
            tool_choice: self.tool_choice.clone(),
            tools: self.tools.clone(),
            top_logprobs: 0,
            top_p: 1.0,
            truncation: "disabled",
            usage: None,
            docent: None,
        }
    }
}

fn usage(used: &Usage) -> ResponseUsage {
    let (prompt, completion) =
        (used.prompt_tokens.unwrap_or(0), used.completion_tokens.unwrap_or(0));
    ResponseUsage {
        input_tokens: prompt,
        input_tokens_details: InputTokens {
            cached_tokens: used.cached_tokens.unwrap_or(0),
            cache_write_tokens: 0,
        },
        output_tokens: completion,
        output_tokens_details: OutputTokens {
            reasoning_tokens: used.reasoning_tokens.unwrap_or(0),
        },
        total_tokens: prompt + completion,
    }
}
