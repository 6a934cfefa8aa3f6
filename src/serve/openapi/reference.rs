//! `docs/serve-reference.md`, generated from the types that are read and written.

use std::fmt::Write as _;

use serde_json::Value;

use super::document;
use crate::serve::refusal::ErrorCode;
use crate::serve::request::in_words;
use crate::serve::{audit, metrics};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/serve-reference.md");

const HEAD: &str = "# Members of docent's own requests, of audit lines, errors, and metrics

Made from the types that are read and written: `UPDATE_DOCS=1 cargo test --release --lib reference` writes this page.
[serve.md](serve.md) says what they are for; `GET /openapi.json` (or `docent schema openapi`) has the answers, too.
";

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").trim_end_matches('.').to_owned()
}

/// The table of an object's members, required ones first.
fn members(root: &Value, schema: &Value) -> String {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_required = |name: &str| required.iter().any(|it| it == name);
    let mut members: Vec<(&String, &Value)> =
        schema["properties"].as_object().into_iter().flatten().collect();
    members.sort_by_key(|(name, _)| (!is_required(name), name.as_str()));
    let mut table = String::from("\n| member | is | |\n| --- | --- | --- |\n");
    for (name, schema) in members {
        let star = if is_required(name) { " (required)" } else { "" };
        let about = schema["description"].as_str().unwrap_or_default();
        writeln!(table, "| `{name}`{star} | {} | {} |", cell(&in_words(root, schema)), cell(about))
            .expect("writing to a string");
    }
    table
}

fn requests(document: &Value) -> String {
    let mut text = String::new();
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in paths.iter().filter(|(path, _)| path.starts_with("/v1/docent/")) {
        for (method, operation) in methods.as_object().expect("methods") {
            let summary = operation["summary"].as_str().unwrap_or_default();
            writeln!(text, "\n## `{} {path}`\n\n{summary}.", method.to_uppercase())
                .expect("writing to a string");
            if let Some(more) = operation["description"].as_str() {
                writeln!(text, "{more}").expect("writing to a string");
            }
            let asked: Vec<&Value> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .collect();
            if !asked.is_empty() {
                text.push_str("\n| in the URL | is | |\n| --- | --- | --- |\n");
            }
            for parameter in asked {
                writeln!(
                    text,
                    "| `{}` | {} | {} |",
                    parameter["name"].as_str().unwrap_or_default(),
                    cell(&in_words(document, &parameter["schema"])),
                    cell(parameter["description"].as_str().unwrap_or_default()),
                )
                .expect("writing to a string");
            }
            let body = &operation["requestBody"]["content"];
            let schema = &body["application/json"]["schema"];
            if let Some(to) = schema["$ref"].as_str() {
                let schema = document.pointer(to.trim_start_matches('#')).expect("a schema");
                text.push_str(&members(document, schema));
            }
            if !body["application/jsonl"].is_null() {
                text.push_str(
                    "\nA line of the body is a question, or an object with `question` and, if you like, `id`.\n",
                );
            }
        }
    }
    text
}

fn reference() -> String {
    let document = document(true);
    let mut text = format!("{HEAD}{}", requests(&document));
    let line = serde_json::to_value(audit::schema()).expect("a schema");
    for (about, lines) in
        ["a request", "the audit itself"].iter().zip(line["anyOf"].as_array().expect("lines"))
    {
        writeln!(text, "\n## A line of `--audit` about {about}").expect("writing to a string");
        text.push_str(&members(&line, lines));
    }
    text.push_str("\n## Errors\n\n| `error.code` | `error.docent.hint`, where nothing is known that is more to the point |\n| --- | --- |\n");
    for code in ErrorCode::ALL {
        writeln!(text, "| `{}` | {} |", code.name(), cell(code.usual_hint()))
            .expect("writing to a string");
    }
    text.push_str("\n## Metrics\n\n| metric | labels | |\n| --- | --- | --- |\n");
    for (name, labels, about) in metrics::tests::rows() {
        writeln!(text, "| {name} | {labels} | {} |", cell(&about)).expect("writing to a string");
    }
    text
}

#[test]
fn the_reference_is_that_of_the_types() {
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(DOCUMENT, wanted).expect("docs/serve-reference.md can be written");
    }
    let document = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        document == wanted,
        "docs/serve-reference.md is not what the types say; write it with:\n  \
         UPDATE_DOCS=1 cargo test --release --lib reference"
    );
}
