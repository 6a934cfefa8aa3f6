//! The messages of a conversation → the question, and what came before it.

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::query::history::Turn;
use crate::serve::answering::checked_question;
use crate::serve::refusal::Refusal;

/// Messages of one request, at most.
pub(super) const MOST_MESSAGES: usize = 256;

/// As a client sends it: members that other roles and tools have are not read.
#[derive(Deserialize, JsonSchema, Clone, Debug)]
pub(super) struct Message {
    #[schemars(schema_with = "roles")]
    role: String,
    /// A text, or the parts of one; those that are no text are named as without effect.
    #[serde(default)]
    #[schemars(schema_with = "contents")]
    content: Option<Value>,
}

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

impl Message {
    pub(super) fn new(role: &str, content: Value) -> Self {
        Self { role: role.to_owned(), content: Some(content) }
    }
}

/// What the messages say.
#[derive(PartialEq, Debug)]
pub(super) struct Conversation {
    /// The last message, which the user's is.
    pub(super) question: String,
    /// Oldest first.
    pub(super) history: Vec<Turn>,
    /// What the client tells the model to be; `None` where it does not.
    pub(super) introduction: Option<String>,
    /// What of the messages is not read: by role or type.
    pub(super) ignored: Vec<String>,
}

/// `param`: what of the request they are.
///
/// # Errors
/// There is no question at the end, or a message is none.
pub(super) fn read(messages: &[Message], param: &str) -> Result<Conversation, Refusal> {
    let mut ignored: Vec<String> = Vec::new();
    let (mut introductions, mut said) = (Vec::new(), Vec::<(bool, String)>::new());
    for (number, message) in messages.iter().enumerate() {
        let at = format!("{param}[{number}]");
        let text = text_of(message.content.as_ref(), &at, &mut ignored)?;
        let is_users = match message.role.as_str() {
            "user" => true,
            "assistant" => false,
            "system" | "developer" => {
                introductions.push(text);
                continue;
            }
            "tool" | "function" => {
                note(&mut ignored, format!("messages of role {}", message.role));
                continue;
            }
            other => {
                return Err(Refusal::invalid(
                    format!("{at}.role"),
                    format!("there is no role `{other}`"),
                )
                .hint("there is system, developer, user, assistant and tool"));
            }
        };
        match said.last_mut() {
            // Two in a row are one: some clients send what was attached apart.
            Some((last, before)) if *last == is_users => *before = format!("{before}\n\n{text}"),
            _ => said.push((is_users, text)),
        }
    }
    let Some((true, question)) = said.pop() else {
        return Err(Refusal::invalid(param, "the last message is not the user's")
            .hint("the question is the last message, with the role `user`"));
    };
    let question = checked_question(&question, param)?;
    let mut history = Vec::new();
    let mut asked: Option<String> = None;
    for (is_users, text) in said {
        if is_users {
            asked = Some(text);
        } else {
            history.push(Turn::new(&asked.take().unwrap_or_default(), &text));
        }
    }
    introductions.retain(|text| !text.trim().is_empty());
    let introduction = (!introductions.is_empty()).then(|| introductions.join("\n\n"));
    Ok(Conversation { question, history, introduction, ignored })
}

/// A text, or the texts of parts.
fn text_of(
    content: Option<&Value>,
    at: &str,
    ignored: &mut Vec<String>,
) -> Result<String, Refusal> {
    match content {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let mut texts = Vec::new();
            for part in parts {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
                match (kind, part.get("text").and_then(Value::as_str)) {
                    ("text" | "input_text" | "output_text", Some(text)) => texts.push(text),
                    _ => note(ignored, format!("parts of type {kind}")),
                }
            }
            Ok(texts.join("\n"))
        }
        Some(_) => Err(Refusal::invalid(
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

    fn conversation(messages: Value) -> Result<Conversation, Refusal> {
        read(&serde_json::from_value::<Vec<Message>>(messages).unwrap(), "messages")
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
        assert_eq!(read.history, [Turn::new("Who?", "Two operators [1].")]);
        assert_eq!(read.ignored, ["messages of role tool", "parts of type image_url"]);
    }

    #[test]
    fn what_is_no_question_is_refused() {
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
