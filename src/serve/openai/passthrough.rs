//! The parts of a request that go on to the chat model beside the question: functions, pictures, and the
//! results of calls.

use serde_json::{Map, Value};

use crate::chat::Passthrough;
use crate::serve::access::Scoped;
use crate::serve::refusal::{ErrorCode, RequestRefusal};

/// As it was sent, in the shapes of `/v1/chat/completions`.
#[derive(Default)]
pub(super) struct PassthroughFields {
    pub(super) functions: Vec<Value>,
    pub(super) choice: Option<Value>,
    pub(super) parallel: Option<bool>,
    pub(super) pictures: Vec<Value>,
    /// Function calls and their results.
    pub(super) after: Vec<Value>,
}

impl PassthroughFields {
    /// Adds what has no effect to `ignored`.
    ///
    /// # Errors
    /// There is something to relay, and no chat model.
    pub(super) fn checked(
        self,
        scoped: &Scoped,
        ignored: &mut Vec<String>,
    ) -> Result<Passthrough, RequestRefusal> {
        let Self { functions, choice, parallel, pictures, after } = self;
        if scoped.engine().context.quotes() {
            for (what, is_sent, param) in [
                ("functions are called", !functions.is_empty(), "tools"),
                ("pictures are looked at", !pictures.is_empty(), "messages"),
                ("what functions returned is read", !after.is_empty(), "messages"),
            ] {
                if is_sent {
                    return Err(RequestRefusal {
                        code: ErrorCode::NoChatModel,
                        ..RequestRefusal::invalid(
                            param,
                            format!("{what} by a chat model, and none is configured"),
                        )
                    }
                    .hint("start the server with docent serve --model NAME; docent doctor checks the model"));
                }
            }
        }
        let mut parameters = Map::new();
        let choice = choice.filter(|choice| !choice.is_null());
        let parallel = parallel.map(Value::from);
        for (name, value) in [("tool_choice", choice), ("parallel_tool_calls", parallel)] {
            match value {
                Some(value) if !functions.is_empty() => {
                    parameters.insert(name.to_owned(), value);
                }
                Some(_) => ignored.push(name.to_owned()),
                None => {}
            }
        }
        if !functions.is_empty() {
            parameters.insert("tools".to_owned(), functions.into());
        }
        Ok(Passthrough { parameters, parts: pictures, after })
    }
}
