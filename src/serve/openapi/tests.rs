//! Each row of the table is described, and each description belongs to a row.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::document;
use crate::serve::routes::ROUTES;

/// Visits every object in a value, at any depth.
fn objects<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|value| objects(value, visit));
        }
        Value::Array(all) => all.iter().for_each(|value| objects(value, visit)),
        _ => {}
    }
}

#[test]
fn each_row_is_an_operation_and_each_operation_a_row() {
    let document = document(true);
    let paths = document["paths"].as_object().expect("paths");
    let operations: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .into_iter()
                .flatten()
                .map(|(method, _)| (path.clone(), method.to_uppercase()))
        })
        .collect();
    let rows = ROUTES.iter().map(|row| (super::template(row), row.method.to_string())).collect();
    assert_eq!(operations, rows);
    let mut ids = HashSet::new();
    for row in ROUTES {
        let operation = &paths[&super::template(row)][row.method.as_str().to_ascii_lowercase()];
        let id = operation["operationId"].as_str().unwrap_or_else(|| {
            panic!(
                "{} {} is not described: write a function `described` beside its handler, and name it in ROUTES",
                row.method, row.path
            )
        });
        assert!(ids.insert(id), "{id}");
        let answers = operation["responses"].as_object().expect("responses");
        assert!(
            answers.contains_key("200")
                || answers.contains_key("101")
                || answers.contains_key("405"),
            "{id}"
        );
        assert_eq!(
            operation["security"].as_array().is_some_and(Vec::is_empty),
            row.right.is_none(),
            "{id}"
        );
        if row.method == http::Method::POST && answers.contains_key("200") {
            assert!(operation["requestBody"].is_object(), "{id} has no body");
        }
    }
}

#[test]
fn every_reference_resolves() {
    let document = document(true);
    let mut seen = 0;
    objects(&document, &mut |members| {
        let Some(to) = members.get("$ref").and_then(Value::as_str) else { return };
        assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to}");
        seen += 1;
    });
    assert!(seen > 100, "{seen}");
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(
            !name.ends_with(|last: char| last.is_ascii_digit()),
            "{name}: two types have one name; `#[schemars(rename)]` gives one another"
        );
    }
}

/// Requests of docent's own wire are strict at every depth.
#[test]
fn own_requests_deny_what_they_do_not_know() {
    let document = document(true);
    let schemas = &document["components"]["schemas"];
    for name in ["SearchRequest", "QueryRequest", "ExplainRequest", "EarlierTurn"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    let status = &document["paths"]["/v1/docent/status"]["get"]["parameters"];
    assert_eq!(status[0]["schema"]["type"], "string");
}
