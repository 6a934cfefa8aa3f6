//! The body of a request: read within limits, and as strictly as its route wants.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// # Errors
/// The body is larger than `limit`, does not arrive in time, or breaks off.
pub(super) async fn read_body(
    body: Body,
    limit: u64,
    patience: Duration,
) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            format!("the body of the request is larger than {limit} bytes"),
        )
        .hint("--body-limit sets what is taken")
    };
    let read = async {
        let mut pieces = body.into_data_stream();
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| {
                Refusal::invalid("", format!("the body of the request broke off: {error}"))
            })?;
            if whole.len() as u64 + piece.len() as u64 > limit {
                return Err(too_large());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(patience, read).await.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "the body of the request did not arrive in time",
        ))
    })
}

/// The members of a JSON object.
///
/// # Errors
/// It is none.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::invalid("", "the body of the request is no JSON object")),
        Err(error) => {
            Err(Refusal::invalid("", format!("the body of the request is no JSON: {error}")))
        }
    }
}

/// Reads a body whose every member is known.
///
/// # Errors
/// It is no JSON object, a member is not among `known` (which names the nearest that is), or has a
/// value of another type.
pub(super) fn strict<T: DeserializeOwned>(body: &[u8], known: &[&str]) -> Result<T, Refusal> {
    let members = object(body)?;
    if let Some(unknown) = members.keys().find(|name| !known.contains(&name.as_str())) {
        let refusal = Refusal {
            code: "unknown_parameter",
            ..Refusal::invalid(unknown.as_str(), format!("there is no parameter `{unknown}`"))
        };
        return Err(refusal.hint(nearest(unknown, known)));
    }
    typed(members)
}

/// What may have been meant by a name that does not exist.
pub(super) fn nearest(unknown: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (strsim::osa_distance(name, unknown), *name)).min();
    match near {
        Some((distance, near)) if distance * 2 <= near.len().max(unknown.len()) => {
            format!("did you mean `{near}`?")
        }
        _ => format!("there is {}", known.join(", ")),
    }
}

/// Reads members as a type.
///
/// # Errors
/// One of them has another type, or is missing.
pub(super) fn typed<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Refusal> {
    // One at a time, to tell which is wrong: the error of the whole does not always name it.
    let names: Vec<String> = members.keys().cloned().collect();
    T::deserialize(Value::Object(members.clone())).map_err(|error| {
        let is_wrong = |name: &&String| {
            let mut without = members.clone();
            without.remove(*name);
            // The rest can be read, or lacks just this.
            T::deserialize(Value::Object(without))
                .err()
                .is_none_or(|error| quoted(&error.to_string()).as_deref() == Some(name.as_str()))
        };
        let param = names.iter().find(is_wrong).cloned();
        let param = param.or_else(|| quoted(&error.to_string())).unwrap_or_default();
        Refusal::invalid(param, error.to_string())
    })
}

/// The name between the first backticks of "missing field `question`".
fn quoted(message: &str) -> Option<String> {
    message.split('`').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    struct Asked {
        question: String,
        #[serde(default)]
        k: Option<u32>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        let read = |body: &str| strict::<Asked>(body.as_bytes(), &["question", "k"]);
        assert!(read(r#"{"question":"?","k":3}"#).is_ok());
        for (body, code, param, hint) in [
            (r#"{"question":"?","kk":3}"#, "unknown_parameter", "kk", Some("did you mean `k`?")),
            (
                r#"{"questoin":"?"}"#,
                "unknown_parameter",
                "questoin",
                Some("did you mean `question`?"),
            ),
            (
                r#"{"question":"?","temperature":1}"#,
                "unknown_parameter",
                "temperature",
                Some("there is question, k"),
            ),
            (r#"{"question":"?","k":-3}"#, "invalid_value", "k", None),
            (r#"{"question":3}"#, "invalid_value", "question", None),
            (r#"{"k":3}"#, "invalid_value", "question", None),
            ("[1]", "invalid_value", "", None),
            ("{", "invalid_value", "", None),
        ] {
            let refusal = read(body).unwrap_err();
            assert_eq!((refusal.code, &*refusal.param), (code, param), "{body}");
            assert_eq!(refusal.hint.as_deref(), hint, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep).unwrap_err().status, 400);
    }

    #[tokio::test]
    async fn a_body_has_a_size_and_a_time() {
        let read = |body| read_body(body, 4, Duration::from_millis(200));
        assert_eq!(read(Body::from("1234")).await.unwrap(), "1234");
        assert_eq!(read(Body::from("12345")).await.unwrap_err().status, 413);
        let never = futures::stream::pending::<Result<Bytes, std::convert::Infallible>>();
        assert_eq!(read(Body::from_stream(never)).await.unwrap_err().status, 408);
    }
}
