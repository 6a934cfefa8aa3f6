//! JSON and JSON Lines → records, or a document of fields.
//!
//! An array of objects, alone or as the bulk of an object, is a list of records, and each record is cut on its
//! own. Any other value is one document with a line for each field, cited by the lines of the file.

mod record;
pub(super) mod repair;
mod tree;

use std::collections::BTreeSet;
use std::path::Path;

use self::record::{JsonLeaf, leaves};
use self::tree::{JsonNode, JsonValue, NotJson};
use super::encoding::Decoded;
use super::parts::PartsBuilder;
use super::table::SourceLines;
use super::{ExtractError, text};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax, single_spaced};
use crate::types::DocumentKind;

pub(super) fn document(
    source: &str,
    fields: &[String],
    bytes: &[u8],
) -> Result<Document, ExtractError> {
    let Decoded { text, mut warnings } = text::read(DocumentKind::Json, bytes)?;
    let extension = Path::new(source).extension().unwrap_or_default().to_string_lossy();
    let mut reading = Reading { fields, found: false, known: BTreeSet::new() };
    let is_lines = matches!(&*extension.to_ascii_lowercase(), "jsonl" | "ndjson");
    let mut document = reading.text(&text, is_lines).or_else(|error| {
        let mended = repair::repaired(&text).ok_or_else(|| error.clone())?;
        let document = reading.text(&mended.text, is_lines).map_err(|_| error)?;
        warnings.push(mended.warning());
        Ok(document)
    })?;
    document.warnings = warnings;
    if !fields.is_empty() && !reading.found {
        return Err(ExtractError::no_field(fields, &Vec::from_iter(reading.known)));
    }
    Ok(document)
}

fn reason(error: &NotJson) -> ExtractError {
    let NotJson { problem, line, column, .. } = error;
    ExtractError::new(&format!("not readable as JSON: {problem} at line {line} column {column}"))
}

struct Reading<'a> {
    fields: &'a [String],
    /// Whether any of the requested fields was found.
    found: bool,
    /// Names of the other fields, for the error message.
    known: BTreeSet<String>,
}

impl Reading<'_> {
    fn text(&mut self, text: &str, is_lines: bool) -> Result<Document, ExtractError> {
        if is_lines {
            return self.lines(text);
        }
        match tree::parse(text) {
            Ok(root) => Ok(self.value(&root)),
            // JSON Lines are often just called JSON.
            Err(error) => self.lines(text).map_err(|_| reason(&error)),
        }
    }

    /// Reads one value per line.
    fn lines(&mut self, text: &str) -> Result<Document, ExtractError> {
        let mut parts = PartsBuilder::new(LocatorUnit::Line);
        let count = text.lines().count();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            match tree::parse(line) {
                Ok(node) => self.record(&mut parts, number, &node),
                // A file that is still being written ends in the middle of a record.
                Err(error)
                    if error.cut_off
                        && number as usize == count
                        && !text.ends_with('\n')
                        && !parts.is_empty() => {}
                Err(NotJson { problem, column, .. }) => {
                    return Err(ExtractError::new(&format!(
                        "line {number}: not JSON: {problem} (column {column})"
                    )));
                }
            }
        }
        Ok(parts.finish(String::new(), Syntax::Plain))
    }

    fn value(&mut self, root: &JsonNode) -> Document {
        let title = ["title", "name"].iter().find_map(|name| root.value.scalar(name));
        let title = single_spaced(title.unwrap_or_default());
        match records(root) {
            Some((records, around)) => {
                let mut parts = PartsBuilder::new(LocatorUnit::Record);
                self.record(&mut parts, 0, &around);
                for (number, record) in (1..).zip(records) {
                    self.record(&mut parts, number, record);
                }
                parts.finish(title, Syntax::Plain)
            }
            None => self.fields(root, title),
        }
    }

    fn record(&mut self, parts: &mut PartsBuilder, number: u32, record: &JsonNode) {
        let leaves = leaves(record);
        self.look(&leaves);
        let headings = record::name(&record.value).filter(|_| number > 0).into_iter().collect();
        parts.push(number, headings, &record::text(&leaves, self.fields));
    }

    /// A document of one line for each field.
    fn fields(&mut self, root: &JsonNode, title: String) -> Document {
        let leaves = leaves(root);
        self.look(&leaves);
        let mut lines = SourceLines::default();
        for leaf in leaves.iter().filter(|l| self.fields.is_empty() || l.is_in(self.fields)) {
            lines.push(&leaf.line(self.fields.len() != 1), leaf.first, leaf.last);
        }
        Document {
            title,
            text: lines.text,
            syntax: Syntax::Rows,
            places: SourceMap::Marked(LocatorUnit::Line, lines.marks),
            ..Document::default()
        }
    }

    fn look(&mut self, leaves: &[JsonLeaf]) {
        /// Most names that help.
        const ENOUGH: usize = 50;
        if self.fields.is_empty() || self.found {
            return;
        }
        self.found = leaves.iter().any(|leaf| leaf.is_in(self.fields));
        if self.known.len() < ENOUGH {
            self.known.extend(leaves.iter().map(JsonLeaf::plain_path));
        }
    }
}

/// The records of a value, and the rest of the value; `None` if it is not a list of records.
fn records(root: &JsonNode) -> Option<(&[JsonNode], JsonNode)> {
    let around = |value| JsonNode { first: root.first, last: root.last, value };
    match &root.value {
        JsonValue::List(items) => {
            is_records(items).then(|| (items.as_slice(), around(JsonValue::Null)))
        }
        JsonValue::Map(fields) => {
            let mut lists = fields.iter().enumerate().filter_map(|(at, (_, field))| {
                let JsonValue::List(items) = &field.value else { return None };
                is_records(items).then_some((at, items))
            });
            let (at, items) = lists.next()?;
            let bulk: usize = items.iter().map(weight).sum();
            let is_bulk = bulk * 4 >= weight(root) * 3;
            if lists.next().is_some() || !is_bulk {
                return None;
            }
            let others = fields.iter().enumerate().filter(|(other, _)| *other != at);
            let others = others.map(|(_, field)| field.clone()).collect();
            Some((items, around(JsonValue::Map(others))))
        }
        _ => None,
    }
}

/// Whether all or most items are objects.
fn is_records(items: &[JsonNode]) -> bool {
    let maps = items.iter().filter(|item| item.value.is_map()).count();
    maps > 0 && maps * 2 >= items.len()
}

/// How many scalars a value contains.
fn weight(node: &JsonNode) -> usize {
    match &node.value {
        JsonValue::Null => 0,
        JsonValue::Scalar(_) => 1,
        JsonValue::List(items) => items.iter().map(weight).sum(),
        JsonValue::Map(fields) => fields.iter().map(|(_, field)| weight(field)).sum(),
    }
}

#[cfg(test)]
mod tests;
