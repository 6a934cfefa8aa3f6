//! Reads what a request asks and of which collection, for `/v1/chat/completions` and `/v1/responses`.

use serde_json::Value;

use super::file_search::FileSearchOptions;
use super::messages::{self, MessageHistory, RequestMessage};
use super::passthrough::PassthroughFields;
use super::{open_model, sampling};
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::CallerQuestion;
use crate::serve::refusal::RequestRefusal;

/// The parts of a request, in the shapes of `/v1/chat/completions`.
pub(super) struct RequestParts<'a> {
    pub(super) model: &'a str,
    pub(super) tools: &'a [Value],
    /// Converts a tool of type `function` to the form that chat models take.
    pub(super) function: fn(&Value) -> Value,
    pub(super) messages: &'a [RequestMessage],
    /// The member that holds the messages.
    pub(super) messages_in: &'static str,
    pub(super) tool_choice: Option<Value>,
    pub(super) parallel_tool_calls: Option<bool>,
    pub(super) temperature: Option<f32>,
    /// With the name of its member.
    pub(super) max_tokens: (&'static str, Option<u32>),
}

impl RequestParts<'_> {
    /// Adds what has no effect to `ignored`.
    ///
    /// # Errors
    /// The request asks for something that does not exist, or for something that only a chat model does,
    /// and none is configured.
    pub(super) fn read(
        self,
        caller: &Caller,
        ignored: &mut Vec<String>,
    ) -> Result<(Scoped, CallerQuestion), RequestRefusal> {
        let search = FileSearchOptions::read(self.tools, caller)?;
        let scoped = open_model(caller, self.model)?;
        let scoped = search.scoped.unwrap_or(scoped);
        ignored.extend(search.ignored);
        let conversation = messages::read(self.messages, self.messages_in)?;
        let MessageHistory { question, history, introduction, pictures, after, ignored: unread } =
            conversation;
        ignored.extend(unread);
        let relay = PassthroughFields {
            functions: search.functions.iter().map(self.function).collect(),
            choice: self.tool_choice,
            parallel: self.parallel_tool_calls,
            pictures,
            after,
        };
        let relayed = relay.checked(&scoped, ignored)?;
        let sampling = sampling(&scoped, self.temperature, self.max_tokens, ignored);
        let question = CallerQuestion {
            text: question,
            history,
            introduction,
            filter: search.filter,
            overrides: search.overrides,
            sampling,
            relayed,
            id: None,
        };
        Ok((scoped, question))
    }
}
