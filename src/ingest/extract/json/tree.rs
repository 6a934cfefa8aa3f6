//! JSON with the line of every value.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value, and the line (from 1) on which it ends if it is a scalar, and begins if it is not.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) value: Value,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Null,
    /// A string, a number or a boolean, as text.
    Scalar(String),
    List(Vec<Node>),
    /// Fields in the order in which they are written.
    Map(Vec<(String, Node)>),
}

impl Value {
    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }

    /// The scalar fields of a map.
    pub(super) fn scalar(&self, name: &str) -> Option<&str> {
        let Self::Map(fields) = self else { return None };
        let found = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        match found {
            Some((_, Node { value: Self::Scalar(text), .. })) => Some(text),
            _ => None,
        }
    }
}

/// Reads a text that is one JSON value.
pub(super) fn parse(text: &str) -> Result<Node, serde_json::Error> {
    let lines = Cell::new(Lines { before: 1, ended: false });
    let reader = Counting { rest: text.as_bytes(), lines: &lines };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let node = Seed(&lines).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(node)
}

/// Lines read so far. The line break itself does not count until something follows it: a parser
/// looks one byte ahead to know where a number ends.
#[derive(Clone, Copy)]
struct Lines {
    before: u32,
    ended: bool,
}

/// Counts the lines that pass by. serde tells no positions, but it reads byte by byte.
struct Counting<'a> {
    rest: &'a [u8],
    lines: &'a Cell<Lines>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (Some((byte, rest)), Some(place)) = (self.rest.split_first(), buffer.first_mut())
        else {
            return Ok(0);
        };
        let lines = self.lines.get();
        self.lines
            .set(Lines { before: lines.before + u32::from(lines.ended), ended: *byte == b'\n' });
        (*place, self.rest) = (*byte, rest);
        Ok(1)
    }
}

#[derive(Clone, Copy)]
struct Seed<'a>(&'a Cell<Lines>);

impl Seed<'_> {
    fn node(self, value: Value) -> Node {
        Node { line: self.0.get().before, value }
    }

    fn scalar(self, value: &(impl ToString + ?Sized)) -> Node {
        self.node(Value::Scalar(value.to_string()))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(self.node(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(self.scalar(&value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(self.scalar(&value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(self.scalar(&value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(self.scalar(&value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(self.scalar(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let node = self.node(Value::Null);
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node { value: Value::List(list), ..node })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let node = self.node(Value::Null);
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            map.push((key, entries.next_value_seed(self)?));
        }
        Ok(Node { value: Value::Map(map), ..node })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The scalars with their lines.
    fn scalars(node: &Node, found: &mut Vec<(u32, String)>) {
        match &node.value {
            Value::Null => {}
            Value::Scalar(text) => found.push((node.line, text.clone())),
            Value::List(items) => items.iter().for_each(|item| scalars(item, found)),
            Value::Map(fields) => fields.iter().for_each(|(_, item)| scalars(item, found)),
        }
    }

    #[test]
    fn values_know_their_lines() {
        let text = "{\n \"a\": 1\n,\"b\": [true,\n\"x\\ny\", null,\n-2.5\n\n]}\n";
        let mut found = Vec::new();
        scalars(&parse(text).unwrap(), &mut found);
        let expected = [(2, "1"), (3, "true"), (4, "x\ny"), (5, "-2.5")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn nesting_has_a_limit() {
        let deep = "[".repeat(10_000);
        assert!(parse(&deep).unwrap_err().to_string().starts_with("recursion limit exceeded"));
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
            let mut found = Vec::new();
            scalars(&parse(&text).unwrap(), &mut found);
            let lines: Vec<&str> = text.lines().collect();
            for (line, value) in &found {
                prop_assert!(lines[*line as usize - 1].contains(value.as_str()));
            }
            prop_assert_eq!(found.len(), values.len() * 2);
        }
    }
}
