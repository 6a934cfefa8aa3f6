//! Turns `OpenAI`'s filters into document filters. No part of a filter is ignored: unsupported ones are
//! refused by name.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Number;

use crate::serve::refusal::RequestRefusal;
use crate::service::condition::DocumentCondition;
use crate::service::retrieval::DocumentFilter;
use crate::types::DocumentKind;

/// Most comparisons of one filter.
const MOST: usize = 256;

/// Prefix of tags in attributes: `tag.team` has the value `ledger` if the tag is `team=ledger`, and is true
/// if the tag is the word `team`.
pub(super) const TAG: &str = "tag.";

const KEYS: &str = "the attributes are `kind`, `source`, and `tag.NAME` for each tag NAME=VALUE (or true, for a \
                    tag that is a word)";

/// Which documents are searched.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schemars(rename = "Filter")]
pub(super) enum AttributeFilter {
    Eq(AttributeComparison),
    Ne(AttributeComparison),
    In(Membership),
    Nin(Membership),
    And { filters: Vec<Self> },
    Or { filters: Vec<Self> },
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Comparison")]
pub(super) struct AttributeComparison {
    /// `kind`, `source` (or `filename`), `tag.NAME`.
    #[schemars(regex = "KEY")]
    key: String,
    value: Scalar,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Membership {
    /// `kind`, `source` (or `filename`), `tag.NAME`.
    #[schemars(regex = "KEY")]
    key: String,
    #[schemars(length(max = "MOST"))]
    value: Vec<Scalar>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "FilterValue")]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(Number),
    Truth(bool),
}

const KEY: &str = r"^(kind|source|filename|tag\..+)$";

/// `at`: the place of the filter in the request.
///
/// # Errors
/// The filter contains something that docent does not support.
pub(super) fn read(filter: AttributeFilter, at: &str) -> Result<DocumentFilter, RequestRefusal> {
    let mut left = MOST;
    let condition = condition(filter, at, &mut left)?;
    let mut read = DocumentFilter::default();
    add(condition, &mut read);
    Ok(read)
}

/// Conditions that the store supports are passed to it; the others are checked for each document.
fn add(condition: DocumentCondition, filter: &mut DocumentFilter) {
    let rest = match condition {
        DocumentCondition::All(conditions) => {
            for condition in conditions {
                add(condition, filter);
            }
            return;
        }
        DocumentCondition::Tag(tag) => {
            filter.tags.push(tag);
            return;
        }
        DocumentCondition::Kind(kind) if filter.kinds.is_empty() => {
            filter.kinds.push(kind.name().to_owned());
            return;
        }
        rest => rest,
    };
    filter.condition = Some(match filter.condition.take() {
        Some(DocumentCondition::All(mut conditions)) => {
            conditions.push(rest);
            DocumentCondition::All(conditions)
        }
        Some(other) => DocumentCondition::All(vec![other, rest]),
        None => rest,
    });
}

fn condition(
    filter: AttributeFilter,
    at: &str,
    left: &mut usize,
) -> Result<DocumentCondition, RequestRefusal> {
    let mut all = |filters: Vec<AttributeFilter>| {
        let one = |(number, filter)| condition(filter, &format!("{at}.filters[{number}]"), left);
        filters.into_iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()
    };
    let (negated, key, values) = match filter {
        AttributeFilter::And { filters } => return Ok(DocumentCondition::All(all(filters)?)),
        AttributeFilter::Or { filters } => return Ok(DocumentCondition::Any(all(filters)?)),
        AttributeFilter::Eq(AttributeComparison { key, value }) => (false, key, vec![value]),
        AttributeFilter::Ne(AttributeComparison { key, value }) => (true, key, vec![value]),
        AttributeFilter::In(Membership { key, value }) => (false, key, value),
        AttributeFilter::Nin(Membership { key, value }) => (true, key, value),
    };
    *left = left.checked_sub(values.len().max(1)).ok_or_else(|| {
        RequestRefusal::invalid(at, format!("a filter has more than {MOST} comparisons"))
            .hint("ask in several requests, or tag the documents")
    })?;
    check_key(&key, at)?;
    let is_one = |value| is(&key, value, at);
    let mut conditions = values.into_iter().map(is_one).collect::<Result<Vec<_>, _>>()?;
    let found = match conditions.len() {
        1 => conditions.remove(0),
        _ => DocumentCondition::Any(conditions),
    };
    Ok(if negated { DocumentCondition::Not(Box::new(found)) } else { found })
}

/// # Errors
/// Documents have no attribute of this name.
fn check_key(key: &str, at: &str) -> Result<(), RequestRefusal> {
    let is_tag = key.strip_prefix(TAG).is_some_and(|name| !name.is_empty());
    if is_tag || ["kind", "source", "filename"].contains(&key) {
        return Ok(());
    }
    let problem = format!("documents have no attribute `{key}`");
    Err(RequestRefusal::invalid(format!("{at}.key"), problem).hint(KEYS))
}

fn is(key: &str, value: Scalar, at: &str) -> Result<DocumentCondition, RequestRefusal> {
    let wrong = |problem: String| RequestRefusal::invalid(format!("{at}.value"), problem);
    match (key, value) {
        ("kind", Scalar::Text(name)) => {
            // An unknown kind is an error, and not a filter that nothing passes.
            let kind = DocumentKind::from_name(&name).ok_or_else(|| {
                let names: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.name()).collect();
                wrong(format!("`{name}` is not a kind of document"))
                    .hint(format!("the kinds are: {}", names.join(", ")))
            })?;
            Ok(DocumentCondition::Kind(kind))
        }
        ("source" | "filename", Scalar::Text(name)) => Ok(DocumentCondition::Source(name)),
        ("kind" | "source" | "filename", Scalar::Number(_) | Scalar::Truth(_)) => {
            Err(wrong(format!("the value of `{key}` must be a string")).hint(KEYS))
        }
        (_, value) => {
            let name = key.strip_prefix(TAG).unwrap_or(key);
            Ok(match value {
                Scalar::Truth(true) => DocumentCondition::Tag(name.to_owned()),
                Scalar::Truth(false) => {
                    DocumentCondition::Not(Box::new(DocumentCondition::Tag(name.to_owned())))
                }
                Scalar::Text(text) => DocumentCondition::Tag(format!("{name}={text}")),
                // A number becomes the tag as it was typed.
                Scalar::Number(number) => DocumentCondition::Tag(format!("{name}={number}")),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::serve::request::typed_at;

    fn read(filter: Value) -> Result<DocumentFilter, RequestRefusal> {
        super::read(typed_at(filter, "f")?, "f")
    }

    #[test]
    fn what_the_store_can_filter_by_goes_there() {
        let eq = |key: &str, value: &str| json!({"type": "eq", "key": key, "value": value});
        let filter = json!({"type": "and", "filters": [
            eq("kind", "pdf"), eq("tag.team", "a"), {"type": "eq", "key": "tag.draft", "value": true},
            {"type": "and", "filters": [{"type": "ne", "key": "source", "value": "a.pdf"}]},
            {"type": "in", "key": "tag.year", "value": ["2024", 2025]},
        ]});
        let first = read(filter).unwrap();
        assert_eq!(
            (first.kinds, first.tags),
            (vec!["pdf".to_owned()], vec!["team=a".to_owned(), "draft".to_owned()])
        );
        let tag = |tag: &str| DocumentCondition::Tag(tag.to_owned());
        assert_eq!(
            first.condition,
            Some(DocumentCondition::All(vec![
                DocumentCondition::Not(Box::new(DocumentCondition::Source("a.pdf".to_owned()))),
                DocumentCondition::Any(vec![tag("year=2024"), tag("year=2025")]),
            ]))
        );
        let two = json!({"type": "and", "filters": [eq("kind", "pdf"), eq("kind", "html")]});
        let two = read(two).unwrap();
        assert_eq!(
            two.condition,
            Some(DocumentCondition::Kind(DocumentKind::Html)),
            "nothing is both"
        );
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        let many: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        for (filter, param) in [
            (json!([]), "f"),
            (json!({"type": "gt", "key": "kind", "value": 3}), "f.type"),
            (json!({"type": "like", "key": "kind", "value": "x"}), "f.type"),
            (json!({"type": "eq", "value": "x"}), "f.key"),
            (json!({"type": "eq", "key": "author", "value": "x"}), "f.key"),
            (json!({"type": "eq", "key": "tag.", "value": "x"}), "f.key"),
            (json!({"type": "in", "key": "author", "value": []}), "f.key"),
            (json!({"type": "eq", "key": "kind", "value": "papyrus"}), "f.value"),
            (json!({"type": "eq", "key": "source"}), "f.value"),
            (json!({"type": "in", "key": "source", "value": "a"}), "f.value"),
            (json!({"type": "nin", "key": "source", "value": many}), "f.value"),
            (json!({"type": "eq", "key": "kind", "value": 3}), "f.value"),
            (json!({"type": "or"}), "f.filters"),
            (json!({"type": "or", "filters": [{"type": "eq"}]}), "f.filters[0].key"),
        ] {
            assert_eq!(&*read(filter.clone()).unwrap_err().param, param, "{filter}");
        }
    }
}
