//! Filters as `OpenAI` writes them → which documents are asked. Nothing of a filter is passed over: what
//! can't be done is refused, and named.

use serde_json::Value;

use crate::serve::refusal::Refusal;
use crate::service::condition::Condition;
use crate::service::retrieval::DocumentFilter;
use crate::types::Kind;

/// Comparisons of one filter, at most.
const MOST: usize = 256;

/// What tags are called in attributes: `tag.team` has the value `ledger` where the tag is `team=ledger`,
/// and is true where it is the word `team`.
pub(super) const TAG: &str = "tag.";

const KEYS: &str = "there is `kind`, `source`, and `tag.NAME` for each tag NAME=VALUE (or true, for a \
                    tag that is a word)";

/// # Errors
/// It is no filter, or says what docent can't do.
pub(super) fn read(filter: &Value, at: &str) -> Result<DocumentFilter, Refusal> {
    let mut left = MOST;
    let condition = condition(filter, at, &mut left)?;
    let mut read = DocumentFilter::default();
    add(condition, &mut read);
    Ok(read)
}

/// What the store can filter by goes there; the rest is asked of each document.
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

fn condition(filter: &Value, at: &str, left: &mut usize) -> Result<Condition, Refusal> {
    let member = |name: &str| filter.get(name).and_then(Value::as_str);
    let Some(kind) = member("type") else {
        return Err(
            Refusal::invalid(at, "a filter has a `type`").hint("there is eq, ne, in, nin, and, or")
        );
    };
    let inner = || -> Result<&Vec<Value>, Refusal> {
        filter.get("filters").and_then(Value::as_array).ok_or_else(|| {
            Refusal::invalid(format!("{at}.filters"), format!("`{kind}` has a list `filters`"))
        })
    };
    let mut all = |filters: &[Value]| {
        let one = |(number, filter)| condition(filter, &format!("{at}.filters[{number}]"), left);
        filters.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()
    };
    match kind {
        "and" => return Ok(Condition::All(all(inner()?)?)),
        "or" => return Ok(Condition::Any(all(inner()?)?)),
        "eq" | "ne" | "in" | "nin" => {}
        "gt" | "gte" | "lt" | "lte" => {
            return Err(Refusal::invalid(
                format!("{at}.type"),
                format!("`{kind}` can't be asked: the attributes of documents are no numbers"),
            )
            .hint("there is eq, ne, in, nin, and, or"));
        }
        _ => {
            return Err(Refusal::invalid(
                format!("{at}.type"),
                format!("there is no filter of type `{kind}`"),
            )
            .hint("there is eq, ne, in, nin, and, or"));
        }
    }
    let Some(key) = member("key") else {
        return Err(Refusal::invalid(format!("{at}.key"), "a comparison has a `key`").hint(KEYS));
    };
    let value = filter.get("value").unwrap_or(&Value::Null);
    let values = match (kind, value) {
        ("in" | "nin", Value::Array(values)) => values.as_slice(),
        ("in" | "nin", _) => {
            return Err(Refusal::invalid(
                format!("{at}.value"),
                format!("the value of `{kind}` is a list"),
            ));
        }
        _ => std::slice::from_ref(value),
    };
    *left = left.checked_sub(values.len().max(1)).ok_or_else(|| {
        Refusal::invalid(at, format!("a filter has more than {MOST} comparisons"))
    })?;
    let is_one = |value| is(key, value, at);
    let mut conditions = values.iter().map(is_one).collect::<Result<Vec<_>, _>>()?;
    let found = match conditions.len() {
        1 => conditions.remove(0),
        _ => Condition::Any(conditions),
    };
    Ok(if matches!(kind, "ne" | "nin") { Condition::Not(Box::new(found)) } else { found })
}

fn is(key: &str, value: &Value, at: &str) -> Result<Condition, Refusal> {
    let wrong = |problem: String| Refusal::invalid(format!("{at}.value"), problem);
    let text = || {
        value.as_str().ok_or_else(|| wrong(format!("the value of `{key}` is a text, not {value}")))
    };
    match key {
        "kind" => {
            let name = text()?;
            // One that does not exist is a mistake, and not a filter that nothing passes.
            let kind = Kind::from_name(name).ok_or_else(|| {
                let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                wrong(format!("`{name}` is not a kind of document"))
                    .hint(format!("there is {}", names.join(", ")))
            })?;
            Ok(Condition::Kind(kind))
        }
        "source" | "filename" => Ok(Condition::Source(text()?.to_owned())),
        _ => {
            let Some(name) = key.strip_prefix(TAG).filter(|name| !name.is_empty()) else {
                return Err(Refusal::invalid(
                    format!("{at}.key"),
                    format!("documents have no attribute `{key}`"),
                )
                .hint(KEYS));
            };
            match value {
                Value::Bool(true) => Ok(Condition::Tag(name.to_owned())),
                Value::Bool(false) => Ok(Condition::Not(Box::new(Condition::Tag(name.to_owned())))),
                Value::String(text) => Ok(Condition::Tag(format!("{name}={text}"))),
                // A tag is what was typed.
                Value::Number(number) => Ok(Condition::Tag(format!("{name}={number}"))),
                _ => {
                    Err(wrong(format!("the value of `{key}` is a text, a number or true or false")))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_store_can_filter_by_goes_there() {
        let eq = |key: &str, value: &str| json!({"type": "eq", "key": key, "value": value});
        let filter = json!({"type": "and", "filters": [
            eq("kind", "pdf"), eq("tag.team", "a"), {"type": "eq", "key": "tag.draft", "value": true},
            {"type": "and", "filters": [{"type": "ne", "key": "source", "value": "a.pdf"}]},
            {"type": "in", "key": "tag.year", "value": ["2024", 2025]},
        ]});
        let read = read(&filter, "filters").unwrap();
        assert_eq!(
            (read.kinds, read.tags),
            (vec!["pdf".to_owned()], vec!["team=a".to_owned(), "draft".to_owned()])
        );
        let tag = |tag: &str| Condition::Tag(tag.to_owned());
        assert_eq!(
            read.condition,
            Some(Condition::All(vec![
                Condition::Not(Box::new(Condition::Source("a.pdf".to_owned()))),
                Condition::Any(vec![tag("year=2024"), tag("year=2025")]),
            ]))
        );
        let two = json!({"type": "and", "filters": [eq("kind", "pdf"), eq("kind", "html")]});
        let two = super::read(&two, "filters").unwrap();
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
            (json!({"type": "eq", "key": "kind", "value": "papyrus"}), "f.value"),
            (json!({"type": "eq", "key": "source"}), "f.value"),
            (json!({"type": "in", "key": "source", "value": "a"}), "f.value"),
            (json!({"type": "nin", "key": "source", "value": many}), "f"),
            (json!({"type": "or"}), "f.filters"),
            (json!({"type": "or", "filters": [{"type": "eq"}]}), "f.filters[0].key"),
        ] {
            assert_eq!(&*read(&filter, "f").unwrap_err().param, param, "{filter}");
        }
    }
}
