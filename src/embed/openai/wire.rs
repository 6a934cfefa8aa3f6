//! The embeddings request and answer, as tolerant as the servers are different.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

#[derive(serde::Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a [String],
    pub(super) encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<usize>,
}

#[derive(serde::Deserialize)]
pub(super) struct Answer {
    pub(super) data: Vec<Item>,
    pub(super) model: Option<String>,
    #[serde(default)]
    usage: Value,
}

impl Answer {
    /// Tokens that were billed, where the server says so: some leave it out, some say 0.
    pub(super) fn tokens(&self) -> Option<u64> {
        let count = |name: &str| self.usage.get(name).and_then(Value::as_u64);
        count("prompt_tokens").or_else(|| count("total_tokens")).filter(|tokens| *tokens > 0)
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Item {
    pub(super) index: Option<usize>,
    pub(super) embedding: Vector,
}

/// Floats, or base64 of little-endian `f32`, whichever the server chose to send. `null` is NaN.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Vector(pub(super) Vec<f32>);

/// The vectors by `index` (by position where there is none), one for each of `expected` inputs.
/// The error is a sentence.
pub(super) fn in_order(items: Vec<Item>, expected: usize) -> Result<Vec<Vec<f32>>, String> {
    if items.len() != expected {
        let s = |count| if count == 1 { "" } else { "s" };
        let (came, asked) = (s(items.len()), s(expected));
        return Err(format!("{} vector{came} came for {expected} text{asked}", items.len()));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; expected];
    for (position, item) in items.into_iter().enumerate() {
        let index = item.index.unwrap_or(position);
        match vectors.get_mut(index) {
            Some(slot @ None) => *slot = Some(item.embedding.0),
            Some(Some(_)) => return Err(format!("two vectors came for text {index}")),
            None => return Err(format!("a vector came for text {index} of {expected}")),
        }
    }
    Ok(vectors.into_iter().flatten().collect())
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VectorVisitor)
    }
}

struct VectorVisitor;

impl<'de> Visitor<'de> for VectorVisitor {
    type Value = Vector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers or a base64 text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vector, E> {
        let bytes = base64(text).filter(|bytes| bytes.len() % 4 == 0);
        let bytes = bytes.ok_or_else(|| E::custom("a vector is no base64 of 32-bit floats"))?;
        let floats = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Ok(Vector(floats.collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vector, A::Error> {
        let mut floats = Vec::with_capacity(items.size_hint().unwrap_or(1024));
        while let Some(value) = items.next_element::<Option<f32>>()? {
            floats.push(value.unwrap_or(f32::NAN));
        }
        Ok(Vector(floats))
    }
}

/// Standard base64 (RFC 4648 section 4), padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for symbol in group {
            let value = match symbol {
                b'A'..=b'Z' => symbol - b'A',
                b'a'..=b'z' => symbol - b'a' + 26,
                b'0'..=b'9' => symbol - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        let whole = match group.len() {
            1 => return None,
            length => length - 1,
        };
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..=whole]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn base64_of_rfc_4648() {
        let table = [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9v", Some("foo")),
            ("Zm9vYg==", Some("foob")),
            ("Zm9vYmE", Some("fooba")),
            ("Zm9vYmFy", Some("foobar")),
            ("Z", None),
            ("Zm9v\n", None),
            ("Zm-_", None),
        ];
        for (text, expected) in table {
            assert_eq!(base64(text).as_deref(), expected.map(str::as_bytes), "{text}");
        }
        assert_eq!(base64("+/8A"), Some(vec![0xfb, 0xff, 0x00]));
    }

    #[test]
    fn vectors_of_either_form() {
        let parse = |json| serde_json::from_str::<Vector>(json).map(|v| v.0).map_err(|_| ());
        assert_eq!(parse("[0.5, -2, 1e-3]"), Ok(vec![0.5, -2.0, 1e-3]));
        assert_eq!(parse("\"AAAAPwAAAMA=\""), Ok(vec![0.5, -2.0]));
        assert_eq!(parse("\"AAAAPwAA\""), Err(()));
        assert_eq!(parse("\"?\""), Err(()));
        assert_eq!(parse("7"), Err(()));
        assert!(parse("[null]").is_ok_and(|v| v[0].is_nan()));
    }

    #[test]
    fn usage_is_what_is_billed() {
        for (usage, expected) in [
            (r#","usage":{"prompt_tokens":7,"total_tokens":9}"#, Some(7)),
            (r#","usage":{"total_tokens":9}"#, Some(9)),
            (r#","usage":{"prompt_tokens":0}"#, None),
            (r#","usage":{"prompt_tokens":"7"}"#, None),
            (r#","usage":null"#, None),
            ("", None),
        ] {
            let answer: Answer = serde_json::from_str(&format!(r#"{{"data":[]{usage}}}"#)).unwrap();
            assert_eq!(answer.tokens(), expected, "{usage}");
        }
    }

    #[test]
    fn order_is_by_index() {
        let items = |indexes: &[Option<usize>]| {
            let item = |(value, index): (usize, &Option<usize>)| Item {
                index: *index,
                embedding: Vector(vec![value as f32]),
            };
            indexes.iter().enumerate().map(item).collect::<Vec<_>>()
        };
        let order = |indexes: &[Option<usize>], expected| in_order(items(indexes), expected);
        assert_eq!(order(&[Some(1), Some(0)], 2), Ok(vec![vec![1.0], vec![0.0]]));
        assert_eq!(order(&[None, None], 2), Ok(vec![vec![0.0], vec![1.0]]));
        assert_eq!(order(&[Some(0), Some(0)], 2), Err("two vectors came for text 0".to_owned()));
        assert_eq!(order(&[Some(2)], 1), Err("a vector came for text 2 of 1".to_owned()));
        assert_eq!(order(&[Some(0)], 3), Err("1 vector came for 3 texts".to_owned()));
    }
}
