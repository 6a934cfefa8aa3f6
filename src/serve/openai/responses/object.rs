//! The object `response`, at each of its stages: with all that `OpenAI` or Open Responses require, since
//! strict clients refuse what lacks any of it.

use serde_json::{Map, Value, json};

use crate::chat::Sampling;
use crate::serve::answering::{AnswerDetails, Answered};
use crate::serve::openai::unix_now;
use crate::serve::refusal::Refusal;
use crate::types::Usage;

/// What all stages have in common.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) model: String,
    pub(super) sampling: Sampling,
    pub(super) instructions: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) tools: Vec<Value>,
    pub(super) tool_choice: Value,
}

impl Head {
    /// Without an output yet.
    pub(super) fn begun(&self) -> Value {
        self.object("in_progress", &[])
    }

    pub(super) fn ended(
        &self,
        answered: &Answered,
        output: &[Value],
        details: &AnswerDetails,
    ) -> Value {
        let reason = match answered.finish_reason() {
            "length" => Some("max_output_tokens"),
            "content_filter" => Some("content_filter"),
            _ => None,
        };
        let status = if reason.is_some() { "incomplete" } else { "completed" };
        let mut response = self.object(status, output);
        response["incomplete_details"] = reason.map_or(Value::Null, |it| json!({ "reason": it }));
        if reason.is_none() {
            response["completed_at"] = unix_now().into();
        }
        response["usage"] = usage(&answered.answer.usage);
        response["docent"] = json!(details);
        response
    }

    pub(super) fn failed(&self, refusal: &Refusal, request_id: &str, output: &[Value]) -> Value {
        let mut response = self.object("failed", output);
        let mut error = json!(refusal.object(request_id));
        // `OpenAI` has a list of codes, and this is the one of it that fits.
        let known = if refusal.status == 429 { "rate_limit_exceeded" } else { "server_error" };
        error["docent"]["code"] = error["code"].take();
        error["code"] = known.into();
        response["error"] = error;
        response
    }

    fn object(&self, status: &str, output: &[Value]) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "completed_at": null,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": self.instructions,
            "max_output_tokens": self.sampling.max_tokens,
            "max_tool_calls": null,
            "metadata": self.metadata,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "prompt_cache_key": null,
            "reasoning": null,
            "safety_identifier": null,
            "service_tier": "default",
            "store": false,
            "temperature": self.sampling.temperature.unwrap_or(1.0),
            "text": { "format": { "type": "text" } },
            "tool_choice": self.tool_choice,
            "tools": self.tools,
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": null,
        })
    }
}

/// Numbers alone: some clients take no null. What the endpoint did not say is 0.
fn usage(used: &Usage) -> Value {
    let (prompt, completion) =
        (used.prompt_tokens.unwrap_or(0), used.completion_tokens.unwrap_or(0));
    json!({
        "input_tokens": prompt,
        "input_tokens_details":
            { "cached_tokens": used.cached_tokens.unwrap_or(0), "cache_write_tokens": 0 },
        "output_tokens": completion,
        "output_tokens_details": { "reasoning_tokens": used.reasoning_tokens.unwrap_or(0) },
        "total_tokens": prompt + completion,
    })
}
