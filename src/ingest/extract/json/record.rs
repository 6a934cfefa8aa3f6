//! A JSON value as the lines that a person would write: `name: Ann`, `address.city: Oslo`.

use super::tree::{JsonNode, JsonValue};
use crate::ingest::extract::blobs::is_blob;
use crate::ingest::extract::table::is_among;

/// Longest list of values that is written on one line.
const SHORT_LIST: usize = 120;

/// Fields that name a record, the best first.
const NAMES: &[&str] =
    &["title", "name", "subject", "question", "headline", "label", "id", "key", "code"];

/// Longest name of a record, in characters.
const LONGEST_NAME: usize = 100;

/// A field with a value of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct JsonLeaf {
    /// The path to it: `author.name`, `items[0].price`.
    pub(super) path: String,
    pub(super) text: String,
    /// Its first and last line in the source.
    pub(super) first: u32,
    pub(super) last: u32,
}

/// The name of a record, if it has one.
pub(super) fn name(record: &JsonValue) -> Option<String> {
    let names = NAMES.iter().filter_map(|name| record.scalar(name));
    let mut names = names.map(str::trim).filter(|name| name.chars().count() <= LONGEST_NAME);
    names.find(|name| !name.is_empty()).map(str::to_owned)
}

/// The fields of a value, in order, without empty ones.
pub(super) fn leaves(node: &JsonNode) -> Vec<JsonLeaf> {
    let mut leaves = Vec::new();
    collect(node, "", &mut leaves);
    leaves
}

fn collect(node: &JsonNode, path: &str, leaves: &mut Vec<JsonLeaf>) {
    match &node.value {
        JsonValue::Null => {}
        // Empty values, and pictures and files embedded as base64.
        JsonValue::Scalar(text) if text.trim().is_empty() || is_blob(text.trim()) => {}
        JsonValue::Scalar(text) => leaves.push(JsonLeaf {
            path: path.to_owned(),
            text: text.trim().to_owned(),
            first: node.first,
            last: node.last,
        }),
        JsonValue::List(items) => match short_list(items) {
            Some(text) => leaves.push(JsonLeaf {
                path: path.to_owned(),
                text,
                first: items.first().map_or(node.first, |item| item.first),
                last: items.last().map_or(node.last, |item| item.last),
            }),
            None => {
                for (index, item) in items.iter().enumerate() {
                    let indexed = matches!(item.value, JsonValue::List(_) | JsonValue::Map(_));
                    let step = if indexed { format!("{path}[{index}]") } else { path.to_owned() };
                    collect(item, &step, leaves);
                }
            }
        },
        JsonValue::Map(fields) => {
            for (name, field) in fields {
                let step = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(field, &step, leaves);
            }
        }
    }
}

/// The scalars of a list on one line, if they are short.
fn short_list(items: &[JsonNode]) -> Option<String> {
    let texts: Option<Vec<&str>> = items
        .iter()
        .map(|item| match &item.value {
            JsonValue::Scalar(text) if !text.contains('\n') => Some(text.trim()),
            _ => None,
        })
        .collect();
    let line = texts.filter(|texts| !texts.is_empty())?.join(", ");
    (line.len() <= SHORT_LIST).then_some(line)
}

impl JsonLeaf {
    /// Whether this is one of these fields, or inside one. Indexes of lists do not count: `items[0].price` is
    /// `items.price`.
    pub(super) fn is_in(&self, fields: &[String]) -> bool {
        let path = self.plain_path();
        let steps = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        let mut ways = steps.map(|end| &path[..end]);
        ways.any(|way| is_among(way, fields))
    }

    /// Its path without indexes of lists.
    pub(super) fn plain_path(&self) -> String {
        let mut parts = self.path.split('[');
        let mut path = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once(']') {
                Some((index, rest)) if index.chars().all(|c| c.is_ascii_digit()) => {
                    path.push_str(rest);
                }
                _ => path.extend(["[", part]),
            }
        }
        path
    }

    /// `path: text`; a text of several lines follows its path.
    pub(super) fn line(&self, labelled: bool) -> String {
        match (labelled && !self.path.is_empty(), self.text.contains('\n')) {
            (false, _) => self.text.clone(),
            (true, false) => format!("{}: {}", self.path, self.text),
            (true, true) => format!("{}:\n{}", self.path, self.text),
        }
    }
}

/// The lines of a record, only those of `fields` if any are given. The name of the field is left out if only
/// one is requested.
pub(super) fn text(leaves: &[JsonLeaf], fields: &[String]) -> String {
    let mut text = String::new();
    let mut tight = true;
    for leaf in leaves.iter().filter(|leaf| fields.is_empty() || leaf.is_in(fields)) {
        let paragraph = leaf.text.contains('\n');
        if !text.is_empty() {
            text.push_str(if tight && !paragraph { "\n" } else { "\n\n" });
        }
        text.push_str(&leaf.line(fields.len() != 1));
        tight = !paragraph;
    }
    text
}
