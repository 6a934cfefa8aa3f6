//! Parts of a request that a caller wrote, in the shapes of `OpenAI`'s wire: functions that may be called,
//! results of calls, pictures. They are passed on unread.

use serde_json::{Map, Value};

/// The relayed parts of a request (see the module).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Passthrough {
    /// Members of the request: `tools`, `tool_choice` and others.
    pub parameters: Map<String, Value>,
    /// Parts of the last message that are not text.
    pub parts: Vec<Value>,
    /// Messages after the last.
    pub after: Vec<Value>,
}

impl Passthrough {
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.parts.is_empty() && self.after.is_empty()
    }

    /// Whether the model may call functions.
    pub fn has_functions(&self) -> bool {
        self.parameters.contains_key("tools")
    }

    /// All of it, to tell requests apart; empty if there is nothing.
    pub fn text(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        serde_json::json!([self.parameters, self.parts, self.after]).to_string()
    }
}
