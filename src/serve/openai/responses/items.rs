//! The events of `/v1/responses`, and the output items that they describe.

use schemars::JsonSchema;
use serde::Serialize;

use super::object::ResponseObject;
use crate::serve::openai::stores::search::FoundResult;

/// An event of an answer.
#[derive(Serialize, JsonSchema)]
pub(super) struct ResponseEvent {
    /// `response.created`, `response.output_text.delta`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// From 0, without a gap.
    pub(super) sequence_number: u64,
    #[serde(flatten)]
    pub(super) about: EventSubject,
}

/// The subject of the event.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "About")]
pub(super) enum EventSubject {
    /// `response.created`, `.in_progress`, `.completed`, `.incomplete`, `.failed`
    Response { response: Box<ResponseObject> },
    /// `response.output_item.added`, `.done`
    Item { output_index: usize, item: OutputItem },
    /// `response.file_search_call.in_progress`, `.searching`, `.completed`
    Search { output_index: usize, item_id: String },
    /// `response.content_part.added`, `.done`
    Part { item_id: String, output_index: usize, content_index: usize, part: TextPart },
    /// `response.output_text.delta`
    Delta {
        item_id: String,
        output_index: usize,
        content_index: usize,
        delta: String,
        logprobs: [(); 0],
    },
    /// `response.output_text.annotation.added`
    Annotation {
        item_id: String,
        output_index: usize,
        content_index: usize,
        annotation_index: usize,
        annotation: ResponseAnnotation,
    },
    /// `response.output_text.done`
    Text {
        item_id: String,
        output_index: usize,
        content_index: usize,
        text: String,
        logprobs: [(); 0],
    },
    /// `response.function_call_arguments.delta`: all arguments at once
    CallDelta { output_index: usize, item_id: String, delta: String },
    /// `response.function_call_arguments.done`
    Call { output_index: usize, item_id: String, arguments: String, name: String },
}

/// A part of an answer's output.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseItem")]
#[serde(untagged)]
pub(super) enum OutputItem {
    Search(SearchCall),
    Message(MessageItem),
    Call(FunctionCall),
}

/// The search and its results.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseFileSearchCall")]
pub(super) struct SearchCall {
    pub(super) id: String,
    /// `file_search_call`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// `in_progress` or `completed`.
    pub(super) status: &'static str,
    pub(super) queries: Vec<String>,
    /// If `include` asks for them.
    pub(super) results: Option<Vec<SearchCallResult>>,
}

#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseFileSearchResult")]
pub(super) struct SearchCallResult {
    #[serde(flatten)]
    pub(super) found: FoundResult,
    pub(super) text: String,
}

/// The answer.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseMessage")]
pub(super) struct MessageItem {
    pub(super) id: String,
    /// `message`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// `assistant`.
    pub(super) role: &'static str,
    /// `in_progress`, `completed` or `incomplete`.
    pub(super) status: &'static str,
    pub(super) content: Vec<TextPart>,
}

#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseText")]
pub(super) struct TextPart {
    /// `output_text`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) annotations: Vec<ResponseAnnotation>,
    pub(super) logprobs: [(); 0],
}

/// A call of a function of the caller's: its result comes with the next request.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseFunctionCall")]
pub(super) struct FunctionCall {
    pub(super) id: String,
    /// `function_call`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// `in_progress` or `completed`.
    pub(super) status: &'static str,
    pub(super) call_id: String,
    pub(super) name: String,
    /// As JSON.
    pub(super) arguments: String,
}

/// A citation mark, sent twice: with the file that it cites, and with the URL that opens it.
#[derive(Serialize, JsonSchema, Clone)]
#[schemars(rename = "ResponseAnnotation")]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ResponseAnnotation {
    FileCitation {
        file_id: String,
        filename: String,
        /// Position of the mark's first character in the text, in characters.
        index: usize,
    },
    UrlCitation {
        url: String,
        title: String,
        /// Position of the mark's first character in the text, in characters.
        start_index: usize,
        /// The position after its last character.
        end_index: usize,
    },
}
