//! Splits the messages of a conversation into the question and what came before it.

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::query::history::HistoryTurn;
use crate::serve::answering::checked_question;
use crate::serve::refusal::RequestRefusal;

/// Most messages of one request.
pub(super) const MOST_MESSAGES: usize = 256;

/// A message as a client sends it.
#[derive(Deserialize, JsonSchema, Clone, Debug)]
#[schemars(rename = "Message")]
pub(super) struct RequestMessage {
    #[schemars(schema_with = "roles")]
    role: String,
    /// A text, or a list of parts. Pictures in the question go to the chat model; other parts without text
    /// are named as without effect.
    #[serde(default)]
    #[schemars(schema_with = "contents")]
    content: Option<Value>,
    /// The members of function calls and their results.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Members of a message that are relayed to the chat model.
const RELAYED: [&str; 3] = ["tool_calls", "tool_call_id", "name"];

fn schema(schema: Value) -> Schema {
    serde_json::from_value(schema).unwrap_or(Schema::Bool(true))
}

fn roles(_: &mut SchemaGenerator) -> Schema {
    let roles = ["system", "developer", "user", "assistant", "tool", "function"];
    schema(json!({ "type": "string", "enum": roles }))
}

fn contents(_: &mut SchemaGenerator) -> Schema {
    let text = json!({ "type": ["string", "null"] });
    let part =
        json!({ "type": "object", "properties": { "type": { "type": "string" }, "text": text } });
    schema(json!({ "anyOf": [
        { "type": "string" },
        { "type": "array", "items": part },
        { "type": "null" },
    ] }))
}

impl RequestMessage {
    pub(super) fn new(role: &str, content: Value) -> Self {
        Self { role: role.to_owned(), content: Some(content), others: Map::new() }
    }

    /// The result of a function.
    pub(super) fn returned(call_id: Value, content: Value) -> Self {
        let others = Map::from_iter([("tool_call_id".to_owned(), call_id)]);
        Self { others, ..Self::new("tool", content) }
    }

    /// Adds a function call to those of the last message, if it has calls.
    pub(super) fn add_call(messages: &mut Vec<Self>, call: Value) {
        if !messages.last().is_some_and(Self::calls) {
            let others = Map::from_iter([("tool_calls".to_owned(), Value::Array(Vec::new()))]);
            messages.push(Self { others, ..Self::new("assistant", Value::Null) });
        }
        let last = messages.last_mut().and_then(|message| message.others.get_mut("tool_calls"));
        if let Some(calls) = last.and_then(Value::as_array_mut) {
            calls.push(call);
        }
    }

    /// Whether the message is about function calls.
    fn is_about_calls(&self) -> bool {
        match self.role.as_str() {
            "tool" => true,
            "assistant" => self.calls(),
            _ => false,
        }
    }

    fn calls(&self) -> bool {
        let calls = self.others.get("tool_calls").and_then(Value::as_array);
        calls.is_some_and(|calls| !calls.is_empty())
    }

    fn relayed(&self) -> Value {
        let mut message = Map::new();
        message.insert("role".to_owned(), self.role.as_str().into());
        message.insert("content".to_owned(), self.content.clone().unwrap_or_default());
        let others = self.others.iter().filter(|(name, _)| RELAYED.contains(&name.as_str()));
        message.extend(others.map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(message)
    }
}

/// The messages after they were read.
#[derive(PartialEq, Debug)]
pub(super) struct MessageHistory {
    /// The last message, which must be the user's.
    pub(super) question: String,
    /// Oldest first.
    pub(super) history: Vec<HistoryTurn>,
    /// The client's own instructions to the model; `None` if there are none.
    pub(super) introduction: Option<String>,
    /// Pictures of the question, in the shape of `/v1/chat/completions`.
    pub(super) pictures: Vec<Value>,
    /// Function calls that followed the question, and their results.
    pub(super) after: Vec<Value>,
    /// Unread parts of the messages, by role or type.
    pub(super) ignored: Vec<String>,
}

/// `param`: the member of the request that holds the messages.
///
/// # Errors
/// There is no question at the end, or a message is not valid.
pub(super) fn read(
    messages: &[RequestMessage],
    param: &str,
) -> Result<MessageHistory, RequestRefusal> {
    // Results of functions follow the question that they were called for.
    let calls = messages.iter().rev().take_while(|message| message.is_about_calls()).count();
    let (messages, after) = messages.split_at(messages.len() - calls);
    let after = after.iter().map(RequestMessage::relayed).collect();
    let (mut ignored, mut pictures) = (Vec::<String>::new(), Vec::new());
    let (mut introductions, mut said) = (Vec::new(), Vec::<(bool, String)>::new());
    for (number, message) in messages.iter().enumerate() {
        let at = format!("{param}[{number}]");
        let is_last = !messages[number..].iter().any(|later| later.role == "assistant");
        let mut found = Vec::new();
        let text = text_of(message.content.as_ref(), &at, &mut found, &mut ignored)?;
        if message.role == "user" && is_last {
            pictures.append(&mut found);
        }
        for _ in found {
            note(&mut ignored, "pictures of earlier messages".to_owned());
        }
        if message.calls() {
            note(&mut ignored, "calls for earlier questions".to_owned());
        }
        let is_users = match message.role.as_str() {
            "user" => true,
            "assistant" => false,
            "system" | "developer" => {
                introductions.push(text);
                continue;
            }
            // The result belongs to an earlier question.
            "tool" | "function" => {
                note(&mut ignored, format!("messages of role {}", message.role));
                continue;
            }
            other => {
                return Err(RequestRefusal::invalid(
                    format!("{at}.role"),
                    format!("there is no role `{other}`"),
                )
                .hint("the roles are system, developer, user, assistant and tool"));
            }
        };
        match said.last_mut() {
            // Two messages of one role in a row become one: some clients send attachments separately.
            Some((last, before)) if *last == is_users => *before = format!("{before}\n\n{text}"),
            _ => said.push((is_users, text)),
        }
    }
    let Some((true, question)) = said.pop() else {
        return Err(RequestRefusal::invalid(param, "the last message is not the user's")
            .hint("the question is the last message, with the role `user`"));
    };
    let question = checked_question(&question, param)?;
    let mut history = Vec::new();
    let mut asked: Option<String> = None;
    for (is_users, text) in said {
        if is_users {
            asked = Some(text);
        } else {
            history.push(HistoryTurn::new(&asked.take().unwrap_or_default(), &text));
        }
    }
    introductions.retain(|text| !text.trim().is_empty());
    let introduction = (!introductions.is_empty()).then(|| introductions.join("\n\n"));
    Ok(MessageHistory { question, history, introduction, pictures, after, ignored })
}

/// A text, or the joined texts of its parts.
fn text_of(
    content: Option<&Value>,
    at: &str,
    pictures: &mut Vec<Value>,
    ignored: &mut Vec<String>,
) -> Result<String, RequestRefusal> {
    match content {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let mut texts = Vec::new();
            for part in parts {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
                match (kind, part.get("text").and_then(Value::as_str)) {
                    ("text" | "input_text" | "output_text", Some(text)) => texts.push(text),
                    ("image_url", _) => pictures.push(part.clone()),
                    ("input_image", _) => match &part["image_url"] {
                        Value::Null => note(ignored, format!("parts of type {kind}")),
                        url => {
                            let mut image = Map::new();
                            image.insert("url".to_owned(), url.clone());
                            let detail = part.get("detail").filter(|it| !it.is_null());
                            image.extend(detail.map(|it| ("detail".to_owned(), it.clone())));
                            pictures.push(json!({ "type": "image_url", "image_url": image }));
                        }
                    },
                    _ => note(ignored, format!("parts of type {kind}")),
                }
            }
            Ok(texts.join("\n"))
        }
        Some(_) => Err(RequestRefusal::invalid(
            format!("{at}.content"),
            "the content of a message is a text or a list of parts",
        )),
    }
}

fn note(ignored: &mut Vec<String>, what: String) {
    if !ignored.contains(&what) {
        ignored.push(what);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn conversation(messages: Value) -> Result<MessageHistory, RequestRefusal> {
        read(&serde_json::from_value::<Vec<RequestMessage>>(messages).unwrap(), "messages")
    }

    #[test]
    fn the_last_message_is_the_question_and_those_before_are_turns() {
        let read = conversation(json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": "Two operators [1].", "annotations": []},
            {"role": "assistant", "content": null, "tool_calls": []},
            {"role": "tool", "content": "42", "tool_call_id": "x"},
            {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "image_url", "image_url": {}}]},
            {"role": "user", "content": "when?"},
        ]))
        .unwrap();
        assert_eq!(read.question, "And\n\nwhen?");
        assert_eq!(read.introduction.as_deref(), Some("Be brief."));
        assert_eq!(read.history, [HistoryTurn::new("Who?", "Two operators [1].")]);
        assert_eq!(read.ignored, ["messages of role tool"]);
        assert_eq!(read.pictures, [json!({"type": "image_url", "image_url": {}})]);
        assert!(read.after.is_empty());
    }

    #[test]
    fn what_functions_returned_is_relayed_after_the_question() {
        let called = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "x"}]});
        let returned = json!({"role": "tool", "content": "42", "tool_call_id": "x"});
        let picture = json!({"type": "input_image", "image_url": "data:,", "detail": "low"});
        let read = conversation(json!([
            {"role": "user", "content": [picture]},
            {"role": "assistant", "content": "A lamp."},
            {"role": "user", "content": [{"type": "text", "text": "How many?"}, picture]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "x"}], "annotations": []},
            returned,
        ]))
        .unwrap();
        assert_eq!((read.question.as_str(), read.history.len()), ("How many?", 1));
        assert_eq!(read.after, [called, returned]);
        let image = json!({"url": "data:,", "detail": "low"});
        assert_eq!(read.pictures, [json!({"type": "image_url", "image_url": image})]);
        assert_eq!(read.ignored, ["pictures of earlier messages"]);
    }

    #[test]
    fn messages_without_a_question_are_refused() {
        for (messages, param) in [
            (json!([]), "messages"),
            (json!([{"role": "assistant", "content": "Hello."}]), "messages"),
            (json!([{"role": "user", "content": " "}]), "messages"),
            (json!([{"role": "human", "content": "Hi"}]), "messages[0].role"),
            (json!([{"role": "user", "content": 3}]), "messages[0].content"),
        ] {
            assert_eq!(&*conversation(messages.clone()).unwrap_err().param, param, "{messages}");
        }
    }
}
