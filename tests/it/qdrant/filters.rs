//! Which points a filter lets through.

use std::collections::HashMap;

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{Condition, Filter, PointId, Value};

type Payload = HashMap<String, Value>;

pub(super) fn passes(filter: &Filter, id: &str, payload: &Payload) -> bool {
    let holds = |condition: &Condition| holds(condition, id, payload);
    filter.must.iter().all(holds)
        && !filter.must_not.iter().any(holds)
        && (filter.should.is_empty() || filter.should.iter().any(holds))
}

fn holds(condition: &Condition, id_of_point: &str, payload: &Payload) -> bool {
    match &condition.condition_one_of {
        Some(ConditionOneOf::HasId(ids)) => {
            ids.has_id.iter().any(|other| id(other.clone()) == id_of_point)
        }
        Some(ConditionOneOf::Field(field)) if field.range.is_some() => {
            let number = payload.get(&field.key).and_then(Value::as_integer);
            let over = field.range.and_then(|range| range.gt).expect("no other range is played");
            number.is_some_and(|number| number as f64 > over)
        }
        Some(ConditionOneOf::Field(field)) => {
            let wanted: Vec<&str> =
                match field.r#match.as_ref().and_then(|m| m.match_value.as_ref()) {
                    Some(MatchValue::Keyword(word)) => vec![word],
                    Some(MatchValue::Keywords(words)) => {
                        words.strings.iter().map(String::as_str).collect()
                    }
                    other => panic!("{other:?} is not played"),
                };
            payload.get(&field.key).is_some_and(|value| has(value, &wanted))
        }
        Some(ConditionOneOf::Filter(filter)) => passes(filter, id_of_point, payload),
        other => panic!("{other:?} is not played"),
    }
}

/// A list matches if one of its elements does.
pub(super) fn has(value: &Value, wanted: &[&str]) -> bool {
    match &value.kind {
        Some(Kind::StringValue(text)) => wanted.contains(&text.as_str()),
        Some(Kind::ListValue(list)) => list.values.iter().any(|value| has(value, wanted)),
        _ => false,
    }
}

pub(super) fn id(id: PointId) -> String {
    match id.point_id_options {
        Some(PointIdOptions::Uuid(uuid)) => uuid,
        Some(PointIdOptions::Num(number)) => format!("{NUMBER}{number}"),
        None => panic!("a point has an id"),
    }
}

/// Prefix of an id that is a number, not a UUID.
pub(super) const NUMBER: char = '#';

pub(super) fn point_id(id: &str) -> PointId {
    let number = id.strip_prefix(NUMBER).and_then(|number| number.parse().ok());
    let id = number.map_or_else(|| PointIdOptions::Uuid(id.to_owned()), PointIdOptions::Num);
    PointId { point_id_options: Some(id) }
}
