#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::parts::tests::units;

fn read(source: &str, text: &str) -> Document {
    document(source, &[], text.as_bytes()).unwrap()
}

fn chosen(text: &str, fields: &[&str]) -> Result<String, String> {
    let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    let outcome = document("a.json", &fields, text.as_bytes());
    outcome.map(|document| document.text).map_err(|error| error.to_string())
}

fn headings(document: &Document) -> Vec<String> {
    document.sections.iter().map(|section| section.headings.join(" > ")).collect()
}

const PEOPLE: &str = r#"[
  {"id": 7, "name": "Ann", "tags": ["a", "b"], "note": null, "about": "First.\nSecond."},
  {"id": 8, "address": {"town": "Oslo", "geo": [[1.5, 2], [3, 4]]}, "ok": true, "empty": ""},
  {"id": 9, "orders": [{"sum": 10}, {"sum": 12.5}]}
]"#;

#[test]
fn records_are_cut_apart() {
    let document = read("people.json", PEOPLE);
    let expected = [
        (1, 1, "id: 7\nname: Ann\ntags: a, b\n\nabout:\nFirst.\nSecond."),
        (2, 2, "id: 8\naddress.town: Oslo\naddress.geo[0]: 1.5, 2\naddress.geo[1]: 3, 4\nok: true"),
        (3, 3, "id: 9\norders[0].sum: 10\norders[1].sum: 12.5"),
    ];
    assert_eq!(units(&document), expected);
    assert_eq!(headings(&document), ["Ann", "8", "9"]);
}

#[test]
fn an_object_with_one_list_is_a_list_with_something_around() {
    let text = format!(r#"{{"title": "People", "pages": 1, "items": {PEOPLE}}}"#);
    let document = read("a.json", &text);
    assert_eq!(document.title, "People");
    let numbers: Vec<u32> = units(&document).iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert_eq!(units(&document)[0].2, "title: People\npages: 1");
    assert_eq!(headings(&document), ["", "Ann", "8", "9"]);
}

#[test]
fn other_values_are_documents_with_lines() {
    let text = "{\n \"name\": \"docent\",\n \"scripts\": {\n  \"test\": \"cargo test\",\n  \"all\": [\n   \"a\",\n   \"b\"]\n },\n \"authors\": [{\"name\": \"Ann\"}],\n \"version\": 2\n}";
    let document = read("package.json", text);
    assert_eq!(document.title, "docent");
    let expected = [
        (2, 2, "name: docent"),
        (4, 4, "scripts.test: cargo test"),
        (6, 7, "scripts.all: a, b"),
        (9, 9, "authors[0].name: Ann"),
        (10, 10, "version: 2"),
    ];
    assert_eq!(units(&document), expected);
    assert_eq!(units(&read("a.json", "[\"x\",\n\"y\"]")), [(1, 2, "x, y")]);
    assert_eq!(units(&read("a.json", "\"alone\"")), [(1, 1, "alone")]);
}

#[test]
fn lines_of_json_cite_their_lines() {
    let text =
        "{\"id\": 1, \"text\": \"one\"}\r\n\n{\"text\": \"two\"}\n\"three\"\n{\"text\": \"cut o";
    let document = read("log.jsonl", text);
    let expected = [(1, 1, "id: 1\ntext: one"), (3, 3, "text: two"), (4, 4, "three")];
    assert_eq!(units(&document), expected);
    assert_eq!(headings(&document), ["1", "", ""]);
    let SourceMap::Marked(LocatorUnit::Line, _) = &document.places else { panic!("no lines") };
    // Also under the wrong name.
    assert_eq!(units(&read("log.json", "{\"a\": 1}\n{\"a\": 2}\n")).len(), 2);
}

#[test]
fn errors_have_a_reason() {
    let reason =
        |source: &str, text: &str| document(source, &[], text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        reason("a.jsonl", "{\"a\": 1}\n{\"a\" 2}\n{\"a\": 3}\n"),
        "line 2: not JSON: expected colon after the string or word in object property (column 6)"
    );
    // A cut-off line is an error if it is not the last, or is complete.
    assert!(reason("a.jsonl", "{\"a\": 1\n{\"a\": 2}\n").starts_with("line 1: not JSON"));
    assert!(reason("a.jsonl", "{\"a\": 1}\n{\"a\": 2\n").starts_with("line 2: not JSON"));
    assert!(reason("a.jsonl", "{\"a\": ").starts_with("line 1: not JSON"));
    assert_eq!(
        reason("a.json", "{\"a\":\n "),
        "not readable as JSON: expected value after colon in object property at line 2 column 2"
    );
    assert!(reason("a.json", &"[".repeat(10_000)).contains("maximum nesting depth exceeded"));
    assert_eq!(reason("a.json", "%PDF-1.7"), "named as json, but it is a PDF file: name it .pdf");
}

#[test]
fn settings_with_comments_are_read() {
    let text = "// first\n{\n  /* two\n lines */ \"a\": \"http://x, /* y */\", // no \"quote\n  \"b\": [1, 2, ],\n}\n";
    let expected = [(4, 4, "a: http://x, /* y */"), (5, 5, "b: 1, 2")];
    assert_eq!(units(&read("tsconfig.json", text)), expected);
    assert!(document("a.json", &[], b"{\"a\": 1 // x\n \"b\": }").is_err());
}

#[test]
fn chosen_fields_are_the_text() {
    assert_eq!(chosen(PEOPLE, &["about"]).unwrap(), "First.\nSecond.");
    assert_eq!(
        chosen(PEOPLE, &["address.town", "Name"]).unwrap(),
        "name: Ann\n\naddress.town: Oslo"
    );
    assert_eq!(chosen(PEOPLE, &["orders.sum"]).unwrap(), "10\n12.5");
    assert_eq!(chosen(PEOPLE, &["address"]).unwrap(), "Oslo\n1.5, 2\n3, 4");
    assert_eq!(
        chosen("[{\"a\": 1, \"b\": 2}]", &["body", "text"]).unwrap_err(),
        "no field `body`, `text` in it; it has a, b (choose with --text-field)"
    );
}
