//! A vector as JSON, in answers of endpoints and in recordings.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Standard base64 (RFC 4648, section 4). Servers send it with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Written as base64 of little-endian `f32`, which is exact and a third of the bytes. Read from that or from
/// a list of numbers, whichever the server sends; `null` in the list is NaN.
#[derive(Clone, PartialEq, Debug)]
pub struct Vector(pub Vec<f32>);

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|value| value.to_le_bytes()).collect();
        serializer.serialize_str(&BASE64.encode(bytes))
    }
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
        let wrong = || E::custom("a vector is not base64 of 32-bit floats");
        let bytes = BASE64.decode(text).map_err(|_| wrong())?;
        let (floats, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(wrong());
        }
        Ok(Vector(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vector, A::Error> {
        let mut floats = Vec::with_capacity(items.size_hint().unwrap_or(1024));
        while let Some(value) = items.next_element::<Option<f32>>()? {
            floats.push(value.unwrap_or(f32::NAN));
        }
        Ok(Vector(floats))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vectors_of_either_form() {
        let parse = |json| serde_json::from_str::<Vector>(json).map(|v| v.0).map_err(|_| ());
        assert_eq!(parse("[0.5, -2, 1e-3]"), Ok(vec![0.5, -2.0, 1e-3]));
        assert_eq!(parse("\"AAAAPwAAAMA=\""), Ok(vec![0.5, -2.0]));
        assert_eq!(parse("\"AAAAPwAAAMA\""), Ok(vec![0.5, -2.0]), "without padding");
        assert_eq!(parse("\"\""), Ok(vec![]));
        for wrong in ["\"AAAAPwAA\"", "\"AAAAP\"", "\"AAAAPw\\n==\"", "\"AAAA_w==\"", "\"?\"", "7"]
        {
            assert_eq!(parse(wrong), Err(()), "{wrong}");
        }
        assert!(parse("[null]").is_ok_and(|v| v[0].is_nan()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(floats: Vec<f32>) {
            let json = serde_json::to_string(&Vector(floats.clone())).unwrap();
            let Vector(read) = serde_json::from_str(&json).unwrap();
            let bits = |floats: &[f32]| floats.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read), bits(&floats));
        }
    }
}
