//! The request of `POST /v1/responses`. The server keeps nothing, so callers send the earlier turns along.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::calls;
use crate::serve::openai::file_search::RequestTool;
use crate::serve::openai::messages::{MOST_MESSAGES, RequestMessage};
use crate::serve::openai::split;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::{typed, typed_at};

/// Values that clients send without meaning anything by them, or that are the only ones supported.
fn is_neutral(name: &str, value: &Value) -> bool {
    match name {
        "user"
        | "service_tier"
        | "safety_identifier"
        | "prompt_cache_key"
        | "prompt_cache_retention"
        | "stream_options" => true,
        "truncation" => value == "disabled",
        "text" => value.get("format").is_none_or(|format| format["type"] == "text"),
        _ => false,
    }
}

/// The members with an effect, or that are refused: these are checked, all others are named in the answer.
#[derive(Deserialize, JsonSchema)]
pub(super) struct ResponsesRequest {
    /// `docent/COLLECTION`, or `docent` for the default collection.
    pub(super) model: String,
    input: Input,
    /// Put before docent's own rules in the prompt.
    pub(super) instructions: Option<String>,
    stream: Option<bool>,
    /// `file_search_call.results`: send the search results with the answer.
    include: Option<Vec<String>>,
    #[schemars(with = "Option<Vec<RequestTool>>")]
    pub(super) tools: Option<Vec<Value>>,
    /// Which function is called, or whether any is. The documents are always searched.
    pub(super) tool_choice: Option<Value>,
    /// Needs functions.
    pub(super) parallel_tool_calls: Option<bool>,
    /// Sent back unchanged.
    pub(super) metadata: Option<Map<String, Value>>,
    /// Needs a chat model.
    #[schemars(range(min = 0, max = 2))]
    pub(super) temperature: Option<f32>,
    /// Needs a chat model.
    #[schemars(range(min = 1, max = "u32::MAX"))]
    pub(super) max_output_tokens: Option<u32>,
    /// Refused if true: nothing is kept.
    store: Option<bool>,
    /// Refused if true.
    background: Option<bool>,
    /// Refused: nothing is kept.
    previous_response_id: Option<String>,
    /// Refused: nothing is kept.
    conversation: Option<Value>,
}

/// The question, or the items of a conversation that ends with it.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResponsesInput")]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(#[schemars(length(min = 1, max = "MOST_MESSAGES"))] Vec<Map<String, Value>>),
}

/// The value of `include` that asks for the results of the search.
const RESULTS: &str = "file_search_call.results";

impl ResponsesRequest {
    /// Also returns the parameters without effect.
    ///
    /// # Errors
    /// A member has an invalid value, or asks for something that is not kept.
    pub(super) fn read(members: Map<String, Value>) -> Result<(Self, Vec<String>), RequestRefusal> {
        let neutral: Vec<String> = members
            .iter()
            .filter(|(name, value)| is_neutral(name, value))
            .map(|(name, _)| name.clone())
            .collect();
        let (members, mut ignored) = split::<Self>(members);
        ignored.retain(|name| !neutral.contains(name));
        let request: Self = typed(members)?;
        request.check_stateless()?;
        let has_functions = request.tools.iter().flatten().any(|tool| tool["type"] == "function");
        if request.tool_choice.as_ref().filter(|_| !has_functions).is_some_and(|choice| {
            !(choice == "auto" || choice == "required" || choice["type"] == "file_search")
        }) {
            // The documents are always searched.
            ignored.push("tool_choice".to_owned());
        }
        let included = request.include.iter().flatten();
        let others = included.filter(|included| *included != RESULTS);
        ignored.extend(others.map(|other| format!("include {other}")));
        Ok((request, ignored))
    }

    fn check_stateless(&self) -> Result<(), RequestRefusal> {
        let unsupported = |param: &'static str, message: &str, hint: &str| {
            Err(RequestRefusal {
                param: param.into(),
                ..RequestRefusal::new(
                    StatusCode::BAD_REQUEST,
                    ErrorCode::UnsupportedParameter,
                    message,
                )
            }
            .hint(hint))
        };
        let again = "send the earlier messages in `input`: a list of messages, the question last";
        if self.previous_response_id.is_some() {
            let message = "responses are not kept, so none can be continued";
            return unsupported("previous_response_id", message, again);
        }
        if self.conversation.is_some() {
            return unsupported("conversation", "conversations are not kept", again);
        }
        if self.background == Some(true) {
            let message = "nothing is answered in the background";
            return unsupported(
                "background",
                message,
                "use `stream`: true, and read the answer as it arrives",
            );
        }
        if self.store == Some(true) {
            let message = "responses are not kept";
            return unsupported("store", message, "send `store`: false, and keep the response");
        }
        Ok(())
    }

    pub(super) fn is_streamed(&self) -> bool {
        self.stream == Some(true)
    }

    pub(super) fn wants_results(&self) -> bool {
        self.include.iter().flatten().any(|included| included == RESULTS)
    }

    /// Instructions and input as messages.
    ///
    /// # Errors
    /// An item is not valid, or refers to one that was not kept.
    pub(super) fn messages(
        &self,
        ignored: &mut Vec<String>,
    ) -> Result<Vec<RequestMessage>, RequestRefusal> {
        let mut messages = Vec::new();
        if let Some(instructions) = &self.instructions {
            messages.push(RequestMessage::new("developer", instructions.as_str().into()));
        }
        let items = match &self.input {
            Input::Text(text) => {
                messages.push(RequestMessage::new("user", text.as_str().into()));
                return Ok(messages);
            }
            Input::Items(items) => items,
        };
        for (number, item) in items.iter().enumerate() {
            let member = |name: &str| item.get(name).and_then(Value::as_str);
            match member("type").unwrap_or("message") {
                "message" => {
                    let at = format!("input[{number}]");
                    messages.push(typed_at(Value::Object(item.clone()), &at)?);
                }
                "item_reference" => {
                    let at = format!("input[{number}]");
                    return Err(RequestRefusal {
                        code: ErrorCode::UnsupportedParameter,
                        ..RequestRefusal::invalid(
                            at,
                            "items are not kept, so none can be referred to",
                        )
                    }
                    .hint("send the item itself; the AI SDK does so with `store`: false"));
                }
                "function_call" => calls::add_call(&mut messages, item),
                "function_call_output" => messages.push(calls::output(item)),
                // Sources of earlier answers.
                "file_search_call" | "reasoning" => {}
                kind => {
                    let named = format!("items of type {kind}");
                    if !ignored.contains(&named) {
                        ignored.push(named);
                    }
                }
            }
        }
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::serve::openai::messages;

    fn read(request: Value) -> Result<(ResponsesRequest, Vec<String>), RequestRefusal> {
        let Value::Object(members) = request else { panic!("an object") };
        ResponsesRequest::read(members)
    }

    #[test]
    fn what_is_not_kept_is_refused_with_what_to_do() {
        for (name, value) in [
            ("previous_response_id", json!("resp_1")),
            ("conversation", json!({ "id": "conv_1" })),
            ("background", json!(true)),
            ("store", json!(true)),
        ] {
            let mut request = json!({ "model": "docent", "input": "?" });
            request[name] = value;
            let refusal = read(request).err().unwrap();
            assert_eq!((refusal.code.name(), &*refusal.param), ("unsupported_parameter", name));
            assert_ne!(refusal.what_next(), refusal.code.usual_hint(), "{name}");
            assert_eq!(refusal.status, 400, "{name}");
        }
        let request = json!({ "model": "docent", "input": "?", "store": false, "background": false,
            "previous_response_id": null });
        assert_eq!(read(request).unwrap().1, Vec::<String>::new());
    }

    #[test]
    fn what_has_no_effect_is_named() {
        let request = json!({ "model": "docent", "input": "?", "top_p": 1, "user": "me",
            "truncation": "auto", "text": { "format": { "type": "json_object" } }, "reasoning": null,
            "include": [RESULTS, "reasoning.encrypted_content"], "tool_choice": "none" });
        let (request, ignored) = read(request).unwrap();
        let expected =
            ["top_p", "text", "truncation", "tool_choice", "include reasoning.encrypted_content"];
        assert_eq!(ignored.len(), expected.len(), "{ignored:?}");
        assert!(expected.iter().all(|name| ignored.iter().any(|it| it == name)), "{ignored:?}");
        assert!(request.wants_results());
    }

    #[test]
    fn items_are_messages() {
        let items = json!([
            { "role": "user", "content": "Who?" },
            { "type": "file_search_call", "id": "fs_1", "queries": [] },
            { "type": "message", "role": "assistant", "content": [
                { "type": "output_text", "text": "Two [1].", "annotations": [] }] },
            { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" },
            { "role": "user", "content": [{ "type": "input_text", "text": "When?" }] },
        ]);
        let request = json!({ "model": "docent", "input": items, "instructions": "Be brief." });
        let (request, mut ignored) = read(request).unwrap();
        let found = messages::read(&request.messages(&mut ignored).unwrap(), "input").unwrap();
        assert_eq!(found.question, "When?");
        assert_eq!(found.history.len(), 1);
        assert_eq!(found.introduction.as_deref(), Some("Be brief."));
        assert!(ignored.is_empty(), "{ignored:?}");
        assert_eq!(found.ignored, ["calls for earlier questions"]);
        for (items, param) in [
            (json!([{ "content": "?" }]), "input[0].role"),
            (json!([{ "type": "item_reference", "id": "msg_1" }]), "input[0]"),
        ] {
            let request = read(json!({ "model": "docent", "input": items })).unwrap().0;
            assert_eq!(&*request.messages(&mut Vec::new()).err().unwrap().param, param);
        }
        let refusal = read(json!({ "model": "docent", "input": 3 })).err().unwrap();
        assert_eq!(&*refusal.param, "input");
    }
}
