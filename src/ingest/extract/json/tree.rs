//! JSON with the lines of every value. The only user of `jsonc_parser` among the readers.
//!
//! The dialects of settings files are read too: comments, trailing commas, names without quotes, and the rest
//! of JSON5.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// A value, and its first and last line (from 1).
#[derive(Clone, PartialEq, Debug)]
pub(super) struct JsonNode {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) value: JsonValue,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum JsonValue {
    Null,
    /// A string, a boolean, or a number as written, as text.
    Scalar(String),
    List(Vec<JsonNode>),
    /// Fields in the order in which they are written.
    Map(Vec<(String, JsonNode)>),
}

impl JsonValue {
    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }

    /// The scalar fields of a map.
    pub(super) fn scalar(&self, name: &str) -> Option<&str> {
        let Self::Map(fields) = self else { return None };
        let found = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        match found {
            Some((_, JsonNode { value: Self::Scalar(text), .. })) => Some(text),
            _ => None,
        }
    }
}

/// Why a text is not one JSON value.
#[derive(Debug)]
pub(super) struct NotJson {
    pub(super) problem: String,
    pub(super) line: usize,
    pub(super) column: usize,
    /// Whether more text could make it one.
    pub(super) cut_off: bool,
}

impl NotJson {
    fn new(text: &str, error: &ParseError) -> Self {
        let mut problem = error.kind().to_string();
        problem[..1].make_ascii_lowercase();
        Self {
            problem,
            line: error.line_display(),
            column: error.column_display(),
            cut_off: is_cut_off(text, error),
        }
    }

    fn empty() -> Self {
        Self { problem: "no value".to_owned(), line: 1, column: 1, cut_off: true }
    }
}

/// Whether the parser failed because the text ended, and not because of what is there.
fn is_cut_off(text: &str, error: &ParseError) -> bool {
    let superfluous = matches!(
        error.kind(),
        ParseErrorKind::MultipleRootJsonValues
            | ParseErrorKind::UnexpectedCloseBrace
            | ParseErrorKind::UnexpectedCloseBracket
    );
    error.range().end == text.len() && !superfluous
}

/// Parses a text that is one JSON value.
pub(super) fn parse(text: &str) -> Result<JsonNode, NotJson> {
    let options = ParseOptions { allow_missing_commas: false, ..ParseOptions::default() };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    let value = parsed.map_err(|error| NotJson::new(text, &error))?.value;
    let line_feeds: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| line_feeds.partition_point(|feed| *feed < at) as u32 + 1;
    value.map(|value| node(value, &line)).ok_or_else(NotJson::empty)
}

fn node(value: ast::Value<'_>, line: &impl Fn(usize) -> u32) -> JsonNode {
    let (first, last) = (line(value.start()), line(value.end()));
    let value = match value {
        ast::Value::NullKeyword(_) => JsonValue::Null,
        ast::Value::BooleanLit(boolean) => JsonValue::Scalar(boolean.value.to_string()),
        ast::Value::NumberLit(number) => JsonValue::Scalar(number.value.to_owned()),
        ast::Value::StringLit(string) => JsonValue::Scalar(string.value.into_owned()),
        ast::Value::Array(array) => {
            JsonValue::List(array.elements.into_iter().map(|item| node(item, line)).collect())
        }
        ast::Value::Object(object) => {
            let fields = object.properties.into_iter();
            JsonValue::Map(
                fields.map(|field| (field.name.into_string(), node(field.value, line))).collect(),
            )
        }
    };
    JsonNode { first, last, value }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The scalars with their lines.
    fn scalars(node: &JsonNode, found: &mut Vec<(u32, u32, String)>) {
        match &node.value {
            JsonValue::Null => {}
            JsonValue::Scalar(text) => found.push((node.first, node.last, text.clone())),
            JsonValue::List(items) => items.iter().for_each(|item| scalars(item, found)),
            JsonValue::Map(fields) => fields.iter().for_each(|(_, item)| scalars(item, found)),
        }
    }

    fn read(text: &str) -> Vec<(u32, u32, String)> {
        let mut found = Vec::new();
        scalars(&parse(text).unwrap(), &mut found);
        found
    }

    #[test]
    fn values_know_their_lines() {
        let text =
            "{\n \"a\": 1\n,\"b\": [true,\n\"x\\ny\", null,\n-2.5\n\n], \"c\":\r\n\"u\r\nv\"}\n";
        let expected =
            [(2, 2, "1"), (3, 3, "true"), (4, 4, "x\ny"), (5, 5, "-2.5"), (8, 9, "u\r\nv")];
        assert_eq!(read(text), expected.map(|(first, last, text)| (first, last, text.to_owned())));
        let root = parse(text).unwrap();
        assert_eq!((root.first, root.last), (1, 9));
        let JsonValue::Map(fields) = root.value else { panic!("no map") };
        assert_eq!((fields[1].1.first, fields[1].1.last), (3, 7));
    }

    #[test]
    fn values_are_as_they_are_written() {
        for (text, expected) in [
            ("12345678901234567890123", "12345678901234567890123"),
            ("1.50", "1.50"),
            ("1e400", "1e400"),
            ("\"\\u00e9\\ud83d\\ude00\\/\"", "é😀/"),
            // JSON5
            ("'it\\'s'", "it's"),
            ("[.5, // half\n]", ".5"),
            ("{a: /* hexadecimal */ 0xFF}", "0xFF"),
        ] {
            assert_eq!(read(text)[0].2, expected, "{text}");
        }
        let twice = parse("{\"a\": 1, \"a\": 2}").unwrap();
        assert!(matches!(twice.value, JsonValue::Map(fields) if fields.len() == 2));
        for text in
            ["", " ", "// nothing", "[1 2]", "[1,,2]", "{\"a\" 1}", "\"\\ud83d\"", "{} {}", "word"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        for deep in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
            assert_eq!(parse(&deep).unwrap_err().problem, "maximum nesting depth exceeded");
        }
        let deep = "[".repeat(500) + "1" + &"]".repeat(500);
        assert_eq!(read(&deep), [(1, 1, "1".to_owned())]);
    }

    /// What serde reads, without lines.
    fn value(json: &serde_json::Value) -> JsonValue {
        let node = |json| JsonNode { first: 0, last: 0, value: value(json) };
        match json {
            serde_json::Value::Null => JsonValue::Null,
            serde_json::Value::String(text) => JsonValue::Scalar(text.clone()),
            serde_json::Value::Array(items) => JsonValue::List(items.iter().map(node).collect()),
            serde_json::Value::Object(fields) => JsonValue::Map(
                fields.iter().map(|(name, field)| (name.clone(), node(field))).collect(),
            ),
            scalar => JsonValue::Scalar(scalar.to_string()),
        }
    }

    fn without_lines(value: JsonValue) -> JsonValue {
        let bare =
            |node: JsonNode| JsonNode { first: 0, last: 0, value: without_lines(node.value) };
        match value {
            JsonValue::List(items) => JsonValue::List(items.into_iter().map(bare).collect()),
            JsonValue::Map(fields) => JsonValue::Map(
                fields.into_iter().map(|(name, field)| (name, bare(field))).collect(),
            ),
            scalar => scalar,
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let scalar = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            any::<String>().prop_map(|value| json!(value)),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| json!(fields)),
            ]
        })
    }

    proptest! {
        /// Whatever the layout, a scalar is on the line it says it is on.
        #[test]
        fn lines_are_true(values in prop::collection::vec(any::<u16>(), 1..30), wide in any::<bool>()) {
            let items: Vec<_> = values.iter().map(|n| json!({"n": n, "s": format!("s{n}")})).collect();
            let text = if wide {
                serde_json::to_string(&items).unwrap()
            } else {
                serde_json::to_string_pretty(&items).unwrap()
            };
            let found = read(&text);
            let lines: Vec<&str> = text.lines().collect();
            for (first, last, value) in &found {
                prop_assert_eq!(first, last);
                prop_assert!(lines[*first as usize - 1].contains(value.as_str()));
            }
            prop_assert_eq!(found.len(), values.len() * 2);
        }

        #[test]
        fn json_is_read_as_serde_reads_it(json in any_json(), pretty in any::<bool>()) {
            let text = if pretty { format!("{json:#}") } else { json.to_string() };
            prop_assert_eq!(without_lines(parse(&text).unwrap().value), value(&json));
        }

        /// The end of a file that is still being written.
        #[test]
        fn the_beginning_of_a_record_is_cut_off(json in any_json()) {
            let text = json!({"a": json}).to_string();
            for (at, _) in text.char_indices() {
                prop_assert!(parse(&text[..at]).unwrap_err().cut_off, "{}", &text[..at]);
            }
        }

        #[test]
        fn anything_is_survived(text in r#"[\\\[\]{}:,"'/*a-fnrtux0-9é\n\r.+-]{0,60}"#) {
            let lines = text.split('\n').count() as u32;
            match parse(&text) {
                Ok(root) => prop_assert!(root.first <= root.last && root.last <= lines),
                Err(error) => prop_assert!(!error.problem.is_empty()),
            }
        }
    }
}
