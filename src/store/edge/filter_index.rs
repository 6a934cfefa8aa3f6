//! How points are found other than by their vectors: the values of all [`INDEXED_FIELDS`] in one field, each
//! as `field=value`, with one index over that field.
//!
//! The engine keeps an index in files of its own for each segment. They are created and synced with the
//! segment, and mapped and scanned when it is loaded. With five indexes, that took two fifths of the time of
//! a search and a quarter of that of an ingest.

use std::collections::{BTreeSet, HashSet};

use qdrant_edge::{
    Condition, CreateIndex, FieldCondition, Filter, HasIdCondition, JsonPath, KeywordIndexParams,
    Match, PayloadFieldSchema, PayloadSchemaParams, PointId, ValueVariants,
};
use serde_json::Value;
use uuid::Uuid;

use crate::store::INDEXED_FIELDS;
use crate::store::payload::Payload;
use crate::types;

const KEYS: &str = "keys";

pub(super) fn field() -> JsonPath {
    path(KEYS)
}

/// A field of a payload as the engine names it.
pub(super) fn path(field: &str) -> JsonPath {
    JsonPath { first_key: field.to_owned(), rest: Vec::new() }
}

/// On disk it is mapped; in memory each process would build it before its first search.
pub(super) fn index() -> CreateIndex {
    let keyword = KeywordIndexParams { on_disk: Some(true), ..KeywordIndexParams::default() };
    let schema = PayloadSchemaParams::Keyword(keyword);
    CreateIndex { field_name: field(), field_schema: Some(PayloadFieldSchema::FieldParams(schema)) }
}

/// Adds the key field to a payload.
pub(super) fn add(payload: &mut Payload) {
    let mut keys = Vec::new();
    for field in INDEXED_FIELDS {
        let values = match payload.get(field) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        let values = values.iter().filter_map(Value::as_str);
        keys.extend(values.map(|value| Value::String(keyed(field, value))));
    }
    payload.insert(KEYS.to_owned(), Value::Array(keys));
}

/// Removes the key field that [`add`] has added.
pub(super) fn without(mut payload: Payload) -> Payload {
    payload.remove(KEYS);
    payload
}

fn keyed(field: &str, value: &str) -> String {
    format!("{field}={value}")
}

/// A filter that requires all conditions; `None` where there are none.
pub(super) fn all(conditions: Vec<Condition>) -> Option<Filter> {
    (!conditions.is_empty()).then(|| must(conditions))
}

/// The filter, excluding these points.
pub(super) fn without_points(filter: Option<Filter>, points: &HashSet<Uuid>) -> Option<Filter> {
    if points.is_empty() {
        return filter;
    }
    let points: HasIdCondition = points.iter().copied().map(PointId::Uuid).collect();
    let filter = filter.unwrap_or_default();
    Some(Filter { must_not: Some(vec![Condition::HasId(points)]), ..filter })
}

/// The filter, excluding these documents.
pub(super) fn without_sources(
    filter: Option<Filter>,
    sources: &BTreeSet<String>,
) -> Option<Filter> {
    if sources.is_empty() {
        return filter;
    }
    let filter = filter.unwrap_or_default();
    Some(Filter { must_not: Some(vec![any("source", sources)]), ..filter })
}

/// The conditions of a filter.
pub(super) fn conditions(filter: &types::Filter) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(sources) = &filter.sources {
        conditions.push(any("source", sources));
    }
    if !filter.kinds.is_empty() {
        conditions.push(any("kind", filter.kinds.iter().map(|kind| kind.name())));
    }
    conditions.extend(filter.tags.iter().map(|tag| is("tags", tag)));
    conditions
}

pub(super) fn must(conditions: Vec<Condition>) -> Filter {
    Filter { must: Some(conditions), ..Filter::new() }
}

/// The field has this value, or has it among others.
pub(super) fn is(field: &str, value: &str) -> Condition {
    matches(Match::new_value(ValueVariants::String(keyed(field, value))))
}

/// The field has one of these values.
pub(super) fn any(field: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Condition {
    let keys = values.into_iter().map(|value| keyed(field, value.as_ref()));
    matches(Match::from(keys.collect::<Vec<_>>()))
}

fn matches(value: Match) -> Condition {
    Condition::Field(FieldCondition::new_match(field(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payload_is_found_by_what_it_says() {
        for (payload, expected) in [
            (json!({}), json!([])),
            (json!({"text": "x", "ordinal": 1, "source": 7, "tags": null}), json!([])),
            (
                json!({"source": "a=b.md", "kind": "markdown", "record": "chunk", "tags": ["x", "source=y"]}),
                json!([
                    "source=a=b.md",
                    "kind=markdown",
                    "tags=x",
                    "tags=source=y",
                    "record=chunk"
                ]),
            ),
            (json!({"chunk_hash": "0f"}), json!(["chunk_hash=0f"])),
        ] {
            let before: Payload = payload.as_object().cloned().unwrap_or_default();
            let mut found = before.clone();
            add(&mut found);
            assert_eq!(found.get(KEYS), Some(&expected), "{payload}");
            assert_eq!(without(found), before);
        }
    }
}
