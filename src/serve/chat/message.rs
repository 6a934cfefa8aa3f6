//! The messages of a client: one JSON object each, checked strictly.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::serve::native::query::QuestionFields;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::{SCHEMA, nearest, object, reject_repeated_members, typed};

/// Longest id that a client may give a question, in bytes.
const LONGEST_ID: usize = 128;

pub(super) enum Heard {
    /// End the answer in progress.
    Cancel,
    /// Forget earlier turns.
    Clear,
    /// Admitted and counted like a request.
    Request {
        /// The client's own id for it.
        id: Option<String>,
        wish: ClientMessage,
    },
}

pub(super) enum ClientMessage {
    Question(Box<QuestionFields>),
    /// Send the events of an answer again, and continue it.
    Resume(Uuid),
}

/// The values of `type`.
const TYPES: [&str; 4] = ["question", "cancel", "clear", "resume"];

/// A question, as `POST /v1/docent/query` takes it.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct QuestionMessage {
    #[schemars(length(max = "LONGEST_ID"))]
    id: Option<String>,
    #[serde(flatten)]
    asked: QuestionFields,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ResumeMessage {
    #[schemars(length(max = "LONGEST_ID"))]
    id: Option<String>,
    /// As in the events of the answer.
    answer_id: String,
}

/// A message without other members than its type.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BareMessage {}

/// Why a message is not valid, and the client's id for it, as far as it has one.
#[derive(Debug)]
pub(super) struct InvalidMessage {
    pub(super) id: Option<String>,
    pub(super) refusal: Box<RequestRefusal>,
}

/// # Errors
/// The message is not a JSON object, has an unknown type, or a member that is unknown, appears twice or is
/// of the wrong type.
pub(super) fn read(text: &str) -> Result<Heard, InvalidMessage> {
    let misheard = |id, refusal: RequestRefusal| {
        let message = refusal.message.replace("the body of the request", "the message");
        let hint = refusal.hint.map(|hint| hint.replace(SCHEMA, MESSAGES));
        InvalidMessage { id, refusal: Box::new(RequestRefusal { message, hint, ..refusal }) }
    };
    let members = object(text.as_bytes()).map_err(|refusal| misheard(None, refusal))?;
    let id = members.get("id").and_then(Value::as_str);
    let id = id.filter(|id| id.len() <= LONGEST_ID).map(str::to_owned);
    let once = reject_repeated_members(text.as_bytes());
    once.and_then(|()| understood(members)).map_err(|refusal| misheard(id, refusal))
}

/// The hint that names where messages are described.
const MESSAGES: &str = "docs/serve-chat.md lists the messages";

fn understood(mut members: Map<String, Value>) -> Result<Heard, RequestRefusal> {
    let kind = members.remove("type");
    match kind.as_ref().and_then(Value::as_str) {
        Some("question") => {
            let QuestionMessage { id, asked } = typed(members)?;
            Ok(Heard::Request { id: checked(id)?, wish: ClientMessage::Question(Box::new(asked)) })
        }
        Some("resume") => {
            let ResumeMessage { id, answer_id } = typed(members)?;
            let answer_id = answer_id.parse().map_err(|_| {
                RequestRefusal::invalid(
                    "answer_id",
                    format!("`{answer_id}` is not an id of an answer"),
                )
                .hint("send the `answer_id` of an event of that answer")
            })?;
            Ok(Heard::Request { id: checked(id)?, wish: ClientMessage::Resume(answer_id) })
        }
        Some("cancel") => typed(members).map(|BareMessage {}| Heard::Cancel),
        Some("clear") => typed(members).map(|BareMessage {}| Heard::Clear),
        Some(unknown) => {
            let message = format!("there is no message of the type `{unknown}`");
            Err(RequestRefusal::invalid("type", message)
                .hint(nearest(unknown, TYPES.iter().copied())))
        }
        None => {
            let hint = r#"such as {"type": "question", "question": "..."}"#;
            Err(RequestRefusal::invalid("type", "the message has no `type`").hint(hint))
        }
    }
}

fn checked(id: Option<String>) -> Result<Option<String>, RequestRefusal> {
    match id {
        Some(id) if id.len() > LONGEST_ID => {
            Err(RequestRefusal::invalid("id", format!("`id` has more than {LONGEST_ID} bytes"))
                .hint("send a shorter one: it only tells answers apart"))
        }
        id => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_said_is_read() {
        let id = "01938c1e-0000-7000-8000-000000000000";
        for (text, expected) in [
            (
                r#"{"type":"question","question":"a","id":"1","k":3,"mode":"dense"}"#.to_owned(),
                "question",
            ),
            (r#"{"type":"cancel"}"#.to_owned(), "cancel"),
            (r#"{"type":"clear"}"#.to_owned(), "clear"),
            (format!(r#"{{"type":"resume","answer_id":"{id}"}}"#), "resume"),
        ] {
            let heard = match read(&text).unwrap() {
                Heard::Cancel => "cancel",
                Heard::Clear => "clear",
                Heard::Request { id, wish: ClientMessage::Question(_) } => {
                    assert_eq!(id.as_deref(), Some("1"));
                    "question"
                }
                Heard::Request { wish: ClientMessage::Resume(answer_id), .. } => {
                    assert_eq!(answer_id.to_string(), id);
                    "resume"
                }
            };
            assert_eq!(heard, expected);
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_the_nearest_that_is_right() {
        let long = format!(r#"{{"type":"question","question":"a","id":"{}"}}"#, "x".repeat(129));
        for (text, code, param, hint) in [
            (
                r#"{"type":"question","questoin":"a"}"#,
                "unknown_parameter",
                "questoin",
                "did you mean `question`?",
            ),
            (
                r#"{"type":"question","question":"a","stream":true}"#,
                "unknown_parameter",
                "stream",
                "the known names are: id",
            ),
            (
                r#"{"type":"quesion","question":"a"}"#,
                "invalid_value",
                "type",
                "did you mean `question`?",
            ),
            (r#"{"type":"cancel","id":"1"}"#, "unknown_parameter", "id", "there are no parameters"),
            (r#"{"type":"resume"}"#, "invalid_value", "answer_id", "docs/serve-chat.md lists"),
            (
                r#"{"type":"question","id":"1","question":"a","question":"b"}"#,
                "invalid_value",
                "question",
                "send it once",
            ),
            (r#"{"type":"question","id":"1"}"#, "invalid_value", "question", "docs/serve-chat.md"),
            (r#"{"type":"resume","answer_id":"x"}"#, "invalid_value", "answer_id", ""),
            (r#"{"question":"a"}"#, "invalid_value", "type", "such as"),
            (&*long, "invalid_value", "id", ""),
            ("[]", "invalid_value", "", ""),
            ("{", "invalid_value", "", ""),
        ] {
            let InvalidMessage { id, refusal } = read(text).err().unwrap();
            assert_eq!(id.is_some(), text.contains(r#""id":"1""#), "{text}");
            assert_eq!((refusal.code.name(), &*refusal.param), (code, param), "{text}");
            let said = refusal.what_next().to_owned();
            assert!(said.starts_with(hint), "{text}: {said}");
        }
    }
}
