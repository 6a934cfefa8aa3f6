//! JSON as some programs write it: with numbers and characters that JSON does not have.

use crate::types::{ReadingWarning, WarningCode};

/// A text that was made JSON, line for line, and counts of what was changed.
#[derive(Debug)]
pub(in crate::ingest::extract) struct RepairedJson {
    pub(in crate::ingest::extract) text: String,
    /// How many `NaN` and `Infinity` values.
    numbers: usize,
    /// How many halves of characters (lone surrogates): `\ud83d` alone.
    halves: usize,
}

impl RepairedJson {
    pub(in crate::ingest::extract) fn warning(&self) -> ReadingWarning {
        let mut parts = Vec::new();
        if self.numbers > 0 {
            parts.push(format!("{}× NaN or Infinity, read as words", self.numbers));
        }
        if self.halves > 0 {
            let halves = self.halves;
            parts.push(format!("{halves}× half a character (lone surrogate), read as \u{FFFD}"));
        }
        let message = format!("contains what JSON does not allow: {}", parts.join("; "));
        ReadingWarning { code: WarningCode::NotWellFormed, message, pages: Vec::new() }
    }
}

/// `None` if there was nothing to change.
pub(in crate::ingest::extract) fn repaired(json: &str) -> Option<RepairedJson> {
    let mut mended =
        RepairedJson { text: String::with_capacity(json.len() + 64), numbers: 0, halves: 0 };
    let bytes = json.as_bytes();
    let (mut at, mut kept) = (0, 0);
    let mut in_string = false;
    while at < bytes.len() {
        let rest = &json[at..];
        match bytes[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                let length = escape(rest.as_bytes(), &mut mended, &json[kept..at]);
                match length {
                    // A complete pair, or not a surrogate.
                    Ok(length) => at += length,
                    Err(length) => {
                        at += length;
                        kept = at;
                    }
                }
                continue;
            }
            b'N' | b'I' | b'-' if !in_string => {
                let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| {
                    let after = rest.as_bytes().get(word.len());
                    rest.starts_with(word) && !after.is_some_and(u8::is_ascii_alphanumeric)
                });
                let before = at.checked_sub(1).is_some_and(|at| bytes[at].is_ascii_alphanumeric());
                if let Some(word) = word.filter(|_| !before) {
                    mended.numbers += 1;
                    mended.text.push_str(&json[kept..at]);
                    mended.text.push_str(&format!("\"{word}\""));
                    at += word.len();
                    kept = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
        while !json.is_char_boundary(at) {
            at += 1;
        }
    }
    mended.text.push_str(&json[kept..]);
    (mended.numbers + mended.halves > 0).then_some(mended)
}

/// The length of the escape that `rest` starts with; `Err` for half a character, which was replaced.
fn escape(rest: &[u8], mended: &mut RepairedJson, before: &str) -> Result<usize, usize> {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => Ok(12),
        (Some(0xD800..=0xDFFF), _) => {
            mended.halves += 1;
            mended.text.push_str(before);
            mended.text.push_str("\\ufffd");
            Err(6)
        }
        (Some(_), _) => Ok(6),
        // The character after it may be longer than a byte and is passed over on its own.
        (None, _) => Ok(1 + usize::from(rest.get(1).is_some_and(u8::is_ascii))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_json_does_not_have_is_read_and_said() {
        let text = "{\"a\": NaN,\n \"b\": [-Infinity, Infinity], \"c\": \"NaN \\ud83d x \\ud83d\\ude00 \\\\ud83d é\"}";
        let mended = repaired(text).unwrap();
        let value: serde_json::Value = serde_json::from_str(&mended.text).unwrap();
        let c = "NaN \u{FFFD} x 😀 \\ud83d é";
        assert_eq!(value, serde_json::json!({"a": "NaN", "b": ["-Infinity", "Infinity"], "c": c}));
        let message = "contains what JSON does not allow: 3× NaN or Infinity, read as words; 1× half a character (lone surrogate), read as \u{FFFD}";
        assert_eq!(mended.warning().message, message);
        for whole in ["{\"a\": -1, \"NaN\": \"Infinity\"}", "", "\"\\", "\"\\u12", "[INF]", "NaNs"]
        {
            assert!(super::repaired(whole).is_none(), "{whole}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text in any::<String>(), odd in "[\"\\\\u0-9dDNaI, é]{0,40}") {
            repaired(&text);
            repaired(&odd);
        }
    }
}
