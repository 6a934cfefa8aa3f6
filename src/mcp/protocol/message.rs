//! Messages that cannot be read, and the responses to them, for every transport.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, ClientJsonRpcMessage, CompleteRequestParams, CustomRequest,
    GetPromptRequestParams, InitializeRequestParams, PaginatedRequestParams,
    ReadResourceRequestParams, RequestId, SubscribeRequestParams, SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// # Errors
/// The text is not JSON.
pub(super) fn json_of(text: &[u8]) -> Result<Value, ErrorData> {
    serde_json::from_slice(text)
        .map_err(|error| ErrorData::parse_error(format!("it is not JSON: {error}"), None))
}

/// # Errors
/// The value is not a message of JSON-RPC.
pub(super) fn message_of(message: Value) -> Result<ClientJsonRpcMessage, ErrorData> {
    serde_json::from_value(message)
        .map_err(|error| ErrorData::invalid_request(format!("it is not a request: {error}"), None))
}

/// The id of a request, valid or not.
pub(super) fn id_of(message: &Value) -> Option<RequestId> {
    message.get("id").and_then(|id| serde_json::from_value(id.clone()).ok())
}

/// Whether the message claims to be a response; those get no response.
pub(super) fn is_answer(message: &Value) -> bool {
    let has = |name| message.get(name).is_some();
    !has("method") && (has("result") || has("error"))
}

/// The response to a message that cannot be served.
pub(super) fn refusal(id: Option<RequestId>, error: ErrorData) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}

/// Why a request was not understood: its method is unknown, or its params are wrong.
pub(super) fn misunderstood(request: &CustomRequest) -> ErrorData {
    let params = request.params.clone().unwrap_or_else(|| json!({}));
    let is_as = match &*request.method {
        "initialize" => is_as::<InitializeRequestParams>,
        "tools/call" => is_as::<CallToolRequestParams>,
        "prompts/get" => is_as::<GetPromptRequestParams>,
        "completion/complete" => is_as::<CompleteRequestParams>,
        "resources/read" => is_as::<ReadResourceRequestParams>,
        "resources/subscribe" => is_as::<SubscribeRequestParams>,
        "resources/unsubscribe" => is_as::<UnsubscribeRequestParams>,
        "subscriptions/listen" => is_as::<SubscriptionsListenRequestParams>,
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            is_as::<PaginatedRequestParams>
        }
        "ping" | "server/discover" => is_as::<serde_json::Map<String, Value>>,
        method => {
            let method = method.chars().take(100).collect::<String>();
            return ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, method, None);
        }
    };
    let why = is_as(params)
        .err()
        .map_or_else(|| "they do not fit the method".to_owned(), |it| it.to_string());
    ErrorData::invalid_params(format!("the params of {}: {why}", request.method), None)
}

fn is_as<T: DeserializeOwned>(params: Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<T>(params).map(drop)
}
