//! Converts functions from the shapes of `/v1/responses` to those of `/v1/chat/completions`, which chat
//! models speak.

use serde_json::{Map, Value, json};

use crate::serve::openai::messages::RequestMessage;

/// Converts a tool of type `function`: chat models expect its members one level deeper.
pub(super) fn function(tool: &Value) -> Value {
    let members = tool.as_object().into_iter().flatten();
    let members = members.filter(|(name, value)| *name != "type" && !value.is_null());
    let function: Map<String, Value> =
        members.map(|(name, value)| (name.clone(), value.clone())).collect();
    json!({ "type": "function", "function": function })
}

/// Which function is called, or whether any is. The documents are always searched.
pub(super) fn choice(choice: &Value) -> Value {
    match choice["type"].as_str() {
        Some("function") => json!({ "type": "function", "function": { "name": choice["name"] } }),
        Some(_) => "auto".into(),
        None => choice.clone(),
    }
}

/// Adds a call of an earlier response.
pub(super) fn add_call(messages: &mut Vec<RequestMessage>, item: &Map<String, Value>) {
    let function = json!({ "name": item.get("name"), "arguments": item.get("arguments") });
    let call = json!({ "id": item.get("call_id"), "type": "function", "function": function });
    RequestMessage::add_call(messages, call);
}

/// The result of a call as a message.
pub(super) fn output(item: &Map<String, Value>) -> RequestMessage {
    let member = |name: &str| item.get(name).cloned().unwrap_or_default();
    let output = match member("output") {
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n").into()
        }
        output => output,
    };
    RequestMessage::returned(member("call_id"), output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lie_one_deeper() {
        let tool = json!({ "type": "function", "name": "add", "parameters": {}, "strict": null });
        let expected =
            json!({ "type": "function", "function": { "name": "add", "parameters": {} } });
        assert_eq!(function(&tool), expected);
        let named = json!({ "type": "function", "function": { "name": "add" } });
        assert_eq!(choice(&json!({ "type": "function", "name": "add" })), named);
        assert_eq!(choice(&json!({ "type": "file_search" })), "auto");
        assert_eq!(choice(&json!("required")), "required");
    }
}
