//! Schemas and values in words: `a whole number from 1 to 50`, `a list of strings`.

use serde_json::Value;

use super::shape::ValueShape;

/// Most characters of a text that are quoted.
const LONGEST: usize = 40;

/// What a schema requires.
pub(super) fn words(shape: &ValueShape, schema: &Value) -> String {
    let schema = shape.resolved(schema);
    if let Some(values) = shape.listed(schema) {
        let values: Vec<String> = values.iter().filter(|it| !it.is_null()).map(said).collect();
        return match values.as_slice() {
            [one] => one.clone(),
            all => format!("one of {}", all.join(", ")),
        };
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(branches) = schema[several].as_array() {
            return either(branches.iter().map(|it| words(shape, it)).collect());
        }
    }
    let range = |low: &str, high: &str| range(schema[low].as_f64(), schema[high].as_f64());
    match kind(schema) {
        "string" => match schema["maxLength"].as_u64() {
            Some(most) => format!("a string of at most {most} characters"),
            None => "a string".to_owned(),
        },
        "integer" => format!("a whole number{}", range("minimum", "maximum")),
        "number" => format!("a number{}", range("minimum", "maximum")),
        "boolean" => "true or false".to_owned(),
        "array" => {
            let count = match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
                (Some(low), Some(high)) => format!("{low} to {high} "),
                (Some(low), None) => format!("{low} or more "),
                (None, Some(high)) => format!("up to {high} "),
                (None, None) => String::new(),
            };
            format!("a list of {count}{}", plural(&words(shape, &schema["items"])))
        }
        "object" => "an object".to_owned(),
        "null" => "null".to_owned(),
        _ => "a value".to_owned(),
    }
}

/// Joins alternatives. Null is left out, as it goes without saying.
pub(super) fn either(mut wanted: Vec<String>) -> String {
    wanted.retain(|words| words != "null");
    wanted.dedup();
    wanted.join(" or ")
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ => "",
    }
}

fn range(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!(" from {low} to {high}"),
        (Some(low), None) => format!(" of at least {low}"),
        (None, Some(high)) => format!(" of at most {high}"),
        (None, None) => String::new(),
    }
}

/// `a string` → `strings`.
fn plural(one: &str) -> String {
    let each = |one: &str| {
        let bare = one.trim_start_matches("a ").trim_start_matches("an ");
        let (noun, rest) = match bare.find(' ') {
            Some(_) if bare.starts_with("whole number") => bare.split_at("whole number".len()),
            Some(end) => bare.split_at(end),
            None => (bare, ""),
        };
        format!("{noun}s{rest}")
    };
    if one.starts_with("a ") || one.starts_with("an ") {
        one.split(" or ").map(each).collect::<Vec<_>>().join(" or ")
    } else {
        format!("values, each {one}")
    }
}

/// A value in words, where a schema requires something else.
pub(super) fn got(shape: &ValueShape, schema: &Value, value: &Value) -> String {
    match value {
        Value::String(_) if shape.listed(schema).is_some() => said(value),
        Value::String(_) if kind(schema) == "string" => "a longer one".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Number(number) if number.to_string().len() > LONGEST => "a number".to_owned(),
        Value::Array(items) if kind(schema) == "array" => format!("a list of {}", items.len()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn said(value: &Value) -> String {
    match value.as_str() {
        Some(text) if text.chars().count() > LONGEST => {
            format!("`{}…`", text.chars().take(LONGEST).collect::<String>())
        }
        Some(text) => format!("`{text}`"),
        None => value.to_string(),
    }
}
