//! The content of a request: its body, read within limits, and its query. Both are checked against the
//! schema of the type that they are read as.

mod repeated;
mod shape;
mod words;

pub(super) use repeated::reject_repeated_members;
pub(super) use shape::settings;

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::StatusCode;
use http_body::Body as _;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::shape::{ShapeError, ShapeProblem, ValueShape};
use self::words::either;
use super::refusal::{ErrorCode, RequestRefusal};

/// # Errors
/// The body is larger than `limit`, does not arrive in time, or ends too early.
pub(super) async fn read_body(
    body: Body,
    limit: u64,
    patience: Duration,
) -> Result<Bytes, RequestRefusal> {
    let too_large = || {
        RequestRefusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::RequestTooLarge,
            format!("the body of the request is larger than {limit} bytes"),
        )
        .hint("--body-limit sets the largest body")
    };
    if body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let read = async {
        let mut pieces = body.into_data_stream();
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| {
                RequestRefusal {
                    causes: causes(&error),
                    ..RequestRefusal::invalid("", "the body of the request ended too early")
                }
                .hint(
                    "send the whole body: as long as content-length says, or in chunks (RFC 9112)",
                )
            })?;
            if whole.len() as u64 + piece.len() as u64 > limit {
                return Err(too_large());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(patience, read).await.unwrap_or_else(|_| {
        Err(RequestRefusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::RequestTimeout,
            "the body of the request did not arrive in time",
        ))
    })
}

/// The causes of an error, the nearest first.
fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    causes.dedup();
    causes
}

/// The members of a JSON object.
///
/// # Errors
/// The body is not a JSON object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, RequestRefusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(RequestRefusal::invalid("", "the body of the request must be a JSON object")
            .hint(SCHEMA)),
        Err(error) => Err(RequestRefusal::invalid(
            "",
            format!("the body of the request is not JSON: {error}"),
        )
        .hint(SCHEMA)),
    }
}

/// Reads a body as a type.
///
/// # Errors
/// The body is not a JSON object, has a member twice, or does not fit the [schema](ValueShape) of the type. If
/// the type denies unknown fields, an unknown member is an error, too, and the nearest known one is named.
pub(super) fn read<T: DeserializeOwned + JsonSchema + 'static>(
    body: &[u8],
) -> Result<T, RequestRefusal> {
    let members = object(body)?;
    reject_repeated_members(body)?;
    typed(members)
}

/// Reads members as a type.
///
/// # Errors
/// The members do not fit its schema.
pub(super) fn typed<T>(members: Map<String, Value>) -> Result<T, RequestRefusal>
where
    T: DeserializeOwned + JsonSchema + 'static,
{
    typed_at(Value::Object(members), "")
}

/// Reads the value at a place of a request as a type.
///
/// # Errors
/// The value does not fit the schema of the type.
pub(super) fn typed_at<T>(mut value: Value, at: &str) -> Result<T, RequestRefusal>
where
    T: DeserializeOwned + JsonSchema + 'static,
{
    make_whole(&mut value);
    ValueShape::of::<T>().check(&value).map_err(|wrong| refused(&wrong, at))?;
    // The schema covers most errors; the rest is reported in the words of the deserializer.
    T::deserialize(value)
        .map_err(|error| RequestRefusal::invalid(at, error.to_string()).hint(SCHEMA))
}

/// Makes whole numbers integers however they are written: `3.0` is 3 in JSON.
fn make_whole(value: &mut Value) {
    /// Up to this number a float is exact for integers.
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() <= LARGEST);
            if let Some(float) = float {
                *number = (float as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(members) => members.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// Reads the query of a URL as a type whose members are texts, numbers, lists or booleans.
///
/// # Errors
/// A value does not fit the schema, or appears twice.
pub(super) fn query<T>(query: &str) -> Result<T, RequestRefusal>
where
    T: DeserializeOwned + JsonSchema + 'static,
{
    let shape = ValueShape::of::<T>();
    let mut members = Map::new();
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        let kind = shape.member(&name).map(|schema| &schema["type"]);
        let is = |name: &str| {
            kind.is_some_and(|kind| {
                kind == name || kind.as_array().is_some_and(|all| all.iter().any(|it| it == name))
            })
        };
        let value = match text.parse::<u64>() {
            Ok(number) if is("integer") => number.into(),
            _ => Value::String(text.into_owned()),
        };
        if members.insert(name.clone().into_owned(), value).is_some() && kind.is_some() {
            let problem = format!("`{name}` appears more than once");
            return Err(RequestRefusal::invalid(&*name, problem).hint("send it once"));
        }
    }
    typed(members)
}

/// Names of the members that a request of this type may have.
pub(super) fn members_of<T: JsonSchema + 'static>() -> &'static [String] {
    ValueShape::of::<T>().members()
}

/// What a schema within `root` requires, in the words of error messages.
#[cfg(test)]
pub(super) fn in_words(root: &Value, schema: &Value) -> String {
    words::words(&ValueShape::over(root.clone()), schema)
}

/// The hint that names where a request is described.
pub(super) const SCHEMA: &str = "GET /openapi.json has the schema of this request";

fn refused(wrong: &ShapeError, within: &str) -> RequestRefusal {
    let place = wrong.place(within);
    let subject =
        if place.is_empty() { "the body of the request".to_owned() } else { format!("`{place}`") };
    match &wrong.problem {
        ShapeProblem::Other { wanted, got } => {
            let wanted = either(wanted.clone());
            RequestRefusal::invalid(place, format!("{subject} must be {wanted}, not {got}"))
                .hint(SCHEMA)
        }
        ShapeProblem::Missing { wanted } => {
            RequestRefusal::invalid(place, format!("{subject} is missing: it must be {wanted}"))
                .hint(SCHEMA)
        }
        ShapeProblem::Unknown { known } => unknown(&place, known),
    }
}

fn unknown(place: &str, known: &[String]) -> RequestRefusal {
    let name = place.rsplit('.').next().unwrap_or(place);
    let refusal = RequestRefusal {
        code: ErrorCode::UnknownParameter,
        ..RequestRefusal::invalid(place, format!("there is no parameter `{place}`"))
    };
    refusal.hint(nearest(name, known.iter().map(String::as_str)))
}

/// Suggests the known name that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = known.clone().map(|known| (strsim::osa_distance(known, name), known)).min();
    match near {
        Some((distance, near)) if distance * 2 <= near.len().max(name.len()) => {
            format!("did you mean `{near}`?")
        }
        Some(_) => format!("the known names are: {}", known.collect::<Vec<_>>().join(", ")),
        None => "there are no parameters here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema, Debug)]
    #[schemars(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    struct Asked {
        question: String,
        #[serde(default)]
        #[schemars(range(min = 1, max = 100))]
        k: Option<u32>,
        #[serde(default)]
        texts: Option<Texts>,
        #[serde(default)]
        filters: Vec<Filter>,
    }

    #[derive(Deserialize, JsonSchema, Debug)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    enum Texts {
        One(String),
        Several(#[schemars(length(min = 1, max = 8))] Vec<String>),
        Tokens(Vec<u32>),
    }

    #[derive(Deserialize, JsonSchema, Debug)]
    #[serde(tag = "type", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    enum Filter {
        Eq { key: String },
        Not { filter: Box<Filter> },
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_in_plain_words() {
        for (body, param, message) in [
            (
                json!({"question": "?", "k": "five"}),
                "k",
                "`k` must be a whole number from 1 to 100, not a string",
            ),
            (
                json!({"question": "?", "k": -3}),
                "k",
                "`k` must be a whole number from 1 to 100, not -3",
            ),
            (
                json!({"question": "?", "k": 1.5}),
                "k",
                "`k` must be a whole number from 1 to 100, not 1.5",
            ),
            (json!({"question": 3}), "question", "`question` must be a string, not 3"),
            (json!({"k": 3}), "question", "`question` is missing: it must be a string"),
            (
                json!({"question": "?", "texts": [1, 9_999_999_999_u64]}),
                "texts[1]",
                "`texts[1]` must be a whole number from 0 to 4294967295, not 9999999999",
            ),
            (
                json!({"question": "?", "texts": {}}),
                "texts",
                "`texts` must be a string or a list of 1 to 8 strings or a list of whole numbers from 0 to 4294967295, not an object",
            ),
            (
                json!({"question": "?", "texts": ["a", 1]}),
                "texts[1]",
                "`texts[1]` must be a string, not 1",
            ),
            (
                json!({"question": "?", "texts": ["1", "2", "3", "4", "5", "6", "7", "8", "9"]}),
                "texts",
                "`texts` must be a list of 1 to 8 strings, not a list of 9",
            ),
            (
                json!({"question": "?", "filters": [{"type": "eq"}]}),
                "filters[0].key",
                "`filters[0].key` is missing: it must be a string",
            ),
            (
                json!({"question": "?", "filters": [{"type": "not", "filter": {"type": "gt"}}]}),
                "filters[0].filter.type",
                "`filters[0].filter.type` must be one of `eq`, `not`, not `gt`",
            ),
            (
                json!({"question": "?", "filters": [{}]}),
                "filters[0].type",
                "`filters[0].type` is missing: it must be one of `eq`, `not`",
            ),
            (
                json!({"question": "?", "filters": [7]}),
                "filters[0]",
                "`filters[0]` must be an object, not 7",
            ),
        ] {
            let refusal = read::<Asked>(body.to_string().as_bytes()).unwrap_err();
            assert_eq!((&*refusal.param, &*refusal.message), (param, message), "{body}");
            assert!(refusal.what_next().contains("/openapi.json"), "{body}");
        }
        for body in [
            json!({"question": "?", "k": null, "texts": ["a"]}),
            json!({"question": "?", "k": 3.0, "texts": [1e3]}),
            json!({"question": "?", "filters": [{"type": "not", "filter": {"type": "eq", "key": "k"}}]}),
        ] {
            assert!(read::<Asked>(body.to_string().as_bytes()).is_ok(), "{body}");
        }
        for body in ["[1]", "{", &"[".repeat(100_000)] {
            let refusal = read::<Asked>(body.as_bytes()).unwrap_err();
            assert_eq!((refusal.status.as_u16(), &*refusal.param), (400, ""));
        }
    }

    #[test]
    fn what_is_not_known_names_the_nearest_that_is() {
        for (body, param, hint) in [
            (r#"{"question":"?","kk":3}"#, "kk", "did you mean `k`?"),
            (r#"{"questoin":"?"}"#, "questoin", "did you mean `question`?"),
            (
                r#"{"question":"?","temperature":1}"#,
                "temperature",
                "the known names are: question, k, texts, filters",
            ),
        ] {
            let refusal = read::<Asked>(body.as_bytes()).unwrap_err();
            assert_eq!(
                (refusal.code.name(), &*refusal.param),
                ("unknown_parameter", param),
                "{body}"
            );
            assert_eq!(refusal.what_next(), hint, "{body}");
        }
    }

    #[test]
    fn a_query_is_read_as_a_body_is() {
        let read =
            |text: &str| query::<Asked>(text).map(|_| ()).map_err(|it| it.param.into_string());
        assert_eq!(read("question=7&k=7"), Ok(()));
        for (text, param) in [
            ("question=a&question=b", "question"),
            ("question=a&k=x", "k"),
            ("question=a&j=1", "j"),
        ] {
            assert_eq!(read(text), Err(param.to_owned()), "{text}");
        }
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
