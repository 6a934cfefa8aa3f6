//! Turns `OpenAI`'s filters into document filters. No part of a filter is ignored: unsupported ones are
//! refused by name.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Number;

use crate::serve::refusal::Refusal;
use crate::service::condition::Condition;
use crate::service::retrieval::DocumentFilter;
use crate::types::Kind;

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
pub(super) enum Filter {
    Eq(Comparison),
    Ne(Comparison),
    In(Membership),
    Nin(Membership),
    And { filters: Vec<Self> },
    Or { filters: Vec<Self> },
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Comparison {
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
pub(super) fn read(filter: Filter, at: &str) -> Result<DocumentFilter, Refusal> {
    let mut left = MOST;
    let condition = condition(filter, at, &mut left)?;
    let mut read = DocumentFilter::default();
    add(condition, &mut read);
    Ok(read)
}

/// Conditions that the store supports are passed to it; the others are checked for each document.
fn add(condition: Condition, filter: &mut DocumentFilter) {
    let rest = match condition {
        Condition::All(conditions) => {
            for condition in conditions {
                add(condition, filter);
            }
            return;
        }
        Condition::Tag(tag) => {
            filter.tags.push(tag);
            return;
        }
        Condition::Kind(kind) if filter.kinds.is_empty() => {
            filter.kinds.push(kind.name().to_owned());
            return;
        }
        rest => rest,
    };
    filter.condition = Some(match filter.condition.take() {
        Some(Condition::All(mut conditions)) => {
            conditions.push(rest);
            Condition::All(conditions)
        }
        Some(other) => Condition::All(vec![other, rest]),
        None => rest,
    });
}

fn condition(filter: Filter, at: &str, left: &mut usize) -> Result<Condition, Refusal> {
    let mut all = |filters: Vec<Filter>| {
        let one = |(number, filter)| condition(filter, &format!("{at}.filters[{number}]"), left);
        filters.into_iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()
    };
    let (negated, key, values) = match filter {
        Filter::And { filters } => return Ok(Condition::All(all(filters)?)),
        Filter::Or { filters } => return Ok(Condition::Any(all(filters)?)),
        Filter::Eq(Comparison { key, value }) => (false, key, vec![value]),
        Filter::Ne(Comparison { key, value }) => (true, key, vec![value]),
        Filter::In(Membership { key, value }) => (false, key, value),
        Filter::Nin(Membership { key, value }) => (true, key, value),
    };
    *left = left.checked_sub(values.len().max(1)).ok_or_else(|| {
        Refusal::invalid(at, format!("a filter has more than {MOST} comparisons"))
            .hint("ask in several requests, or tag the documents")
    })?;
    check_key(&key, at)?;
    let is_one = |value| is(&key, value, at);
    let mut conditions = values.into_iter().map(is_one).collect::<Result<Vec<_>, _>>()?;
    let found = match conditions.len() {
        1 => conditions.remove(0),
        _ => Condition::Any(conditions),
    };
    Ok(if negated { Condition::Not(Box::new(found)) } else { found })
}

/// # Errors
/// Documents have no attribute of this name.
fn check_key(key: &str, at: &str) -> Result<(), Refusal> {
    let is_tag = key.strip_prefix(TAG).is_some_and(|name| !name.is_empty());
    if is_tag || ["kind", "source", "filename"].contains(&key) {
        return Ok(());
    }
    let problem = format!("documents have no attribute `{key}`");
    Err(Refusal::invalid(format!("{at}.key"), problem).hint(KEYS))
}

fn is(key: &str, value: Scalar, at: &str) -> Result<Condition, Refusal> {
    let wrong = |problem: String| Refusal::invalid(format!("{at}.value"), problem);
    match (key, value) {
        ("kind", Scalar::Text(name)) => {
            // An unknown kind is an error, and not a filter that nothing passes.
            let kind = Kind::from_name(&name).ok_or_else(|| {
                let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                wrong(format!("`{name}` is not a kind of document"))
                    .hint(format!("the kinds are: {}", names.join(", ")))
            })?;
            Ok(Condition::Kind(kind))
        }
        ("source" | "filename", Scalar::Text(name)) => Ok(Condition::Source(name)),
        ("kind" | "source" | "filename", Scalar::Number(_) | Scalar::Truth(_)) => {
            Err(wrong(format!("the value of `{key}` must be a string")).hint(KEYS))
        }
        (_, value) => {
            let name = key.strip_prefix(TAG).unwrap_or(key);
            Ok(match value {
                Scalar::Truth(true) => Condition::Tag(name.to_owned()),
                Scalar::Truth(false) => Condition::Not(Box::new(Condition::Tag(name.to_owned()))),
                Scalar::Text(text) => Condition::Tag(format!("{name}={text}")),
                // A number becomes the tag as it was typed.
                Scalar::Number(number) => Condition::Tag(format!("{name}={number}")),
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

    fn read(filter: Value) -> Result<DocumentFilter, Refusal> {
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
        let tag = |tag: &str| Condition::Tag(tag.to_owned());
        assert_eq!(
            first.condition,
            Some(Condition::All(vec![
                Condition::Not(Box::new(Condition::Source("a.pdf".to_owned()))),
                Condition::Any(vec![tag("year=2024"), tag("year=2025")]),
            ]))
        );
        let two = json!({"type": "and", "filters": [eq("kind", "pdf"), eq("kind", "html")]});
        let two = read(two).unwrap();
        assert_eq!(two.condition, Some(Condition::Kind(Kind::Html)), "nothing is both");
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
