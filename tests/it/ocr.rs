//! Scanned pages and pictures, end to end: read, found, cited by their part of the page, or named.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer, response};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures").join(name)
}

/// A project with these fixtures in `docs`.
fn project(names: &[&str]) -> TestEnv {
    let env = TestEnv::new();
    for name in names {
        let bytes = std::fs::read(fixture(name)).expect("a fixture");
        env.write(&format!("docs/{name}"), bytes);
    }
    env
}

fn best(env: &TestEnv, question: &str) -> Value {
    let found = env.run(&["search", question, "-k", "1", "--format", "json"]).expect(0).json();
    found["hits"][0].clone()
}

/// The text of a document, without what ends its lines.
fn text(env: &TestEnv, source: &str) -> String {
    let shown = env.run(&["show", source, "--format", "json"]).expect(0).json();
    let chunks = shown["chunks"].as_array().expect("chunks").iter();
    let texts: Vec<&str> = chunks.map(|chunk| chunk["text"].as_str().expect("a text")).collect();
    texts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn scanned_pages_are_read_and_cited_by_their_part_of_the_page() {
    let names = ["scanned.pdf", "fax.pdf", "outlines.pdf"];
    let env = project(&names);
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!((&report["added"], &report["warned"]), (&json!(3), &json!([])), "{report:#}");
    for name in names {
        let source = format!("docs/{name}");
        let read = text(&env, &source);
        assert!(read.contains("12.50 crowns for each night"), "{name}: {read}");
    }
    let hit = best(&env, "what do ships pay for each night");
    assert_eq!(hit["page"], 1, "{hit:#}");
    let area: Vec<u64> =
        hit["area"].as_array().expect("an area").iter().filter_map(Value::as_u64).collect();
    // The text begins half an inch from the left of a page of 298 by 420 points.
    assert!((28..44).contains(&area[0]) && area[2] > 150 && area[3] < 200, "{area:?}");
    let citation = hit["citation"].as_str().expect("a citation");
    assert!(citation.contains("#page=1&viewrect="), "{citation}");
    let shown = env.run(&["show", "docs/scanned.pdf", "--format", "json"]).expect(0).json();
    assert_eq!(shown["record"]["ocr"], json!({"model": "pp-ocrv6-tiny", "pages": [1]}));
    assert!(shown["chunks"][0]["recognition"]["confidence"].as_u64() > Some(80), "{shown:#}");
    // A citation leads back to its chunk.
    env.run(&["show", citation]).expect(0);
}

#[test]
fn what_is_left_unread_is_said_and_read_later() {
    let env = project(&["mixed.pdf", "scanned.pdf"]);
    let run = env.run(&["ingest", "docs", "--ocr", "off"]).expect(5);
    let said = |run: &Run, words: &str| assert!(run.to_string().contains(words), "{run}");
    said(&run, "failed  docs/scanned.pdf  no text found: page 1 is a picture");
    said(&run, "partly read  docs/mixed.pdf  page 2 is a picture, and its text is not read");
    for command in [&["status"][..], &["show", "docs/mixed.pdf"]] {
        said(&env.run(command).expect(0), "page 2 is a picture");
    }
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["warned"][0]["warnings"][0]["code"], "scanned_pages", "{status:#}");
    assert_eq!(status["warned"][0]["warnings"][0]["pages"], json!([2]));

    let report = env.run(&["ingest", "--format", "json"]).expect(0).json();
    let done = (&report["added"], &report["changed"], &report["ocr_pages"]);
    assert_eq!(done, (&json!(1), &json!(1), &json!(2)), "{report:#}");
    let again = env.run(&["ingest", "--format", "json"]).expect(0).json();
    assert_eq!(again["unchanged"], 2, "{again:#}");
}

#[test]
fn pictures_are_read_where_they_are_named_or_always() {
    let names = ["clear.png", "sideways.jpg", "page.webp", "two-pages.tiff"];
    let env = project(&names);
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!((&report["added"], &report["skipped"]), (&json!(0), &json!(4)), "{report:#}");
    env.run(&["ingest", "docs/two-pages.tiff"]).expect(0);
    let read = text(&env, "docs/two-pages.tiff");
    assert!(read.contains("northern quay"), "{read}");
    // It was named, and stays.
    let report = env.run(&["ingest", "--ocr", "always", "--format", "json"]).expect(0).json();
    assert_eq!((&report["added"], &report["unchanged"]), (&json!(3), &json!(1)), "{report:#}");
    for name in names {
        let read = text(&env, &format!("docs/{name}"));
        assert!(read.contains("12.50 crowns"), "{name}: {read}");
    }
    assert_eq!(best(&env, "ships dues crowns")["kind"], "image");
}

#[test]
fn a_table_of_numbers_is_turned_by_its_words() {
    let env = project(&["figures.png"]);
    env.run(&["ingest", "docs/figures.png"]).expect(0);
    let read = text(&env, "docs/figures.png");
    for line in ["Ships that came to the northern quay", "North 1061 2760 4459 6158 7857"] {
        assert!(read.contains(line), "{read}");
    }
}

#[test]
fn a_vision_model_reads_pages() {
    let env = project(&["scanned.pdf"]);
    let server = ScriptedServer::start();
    let answer = json!({"choices": [{
        "message": {"role": "assistant", "content": "Harbour dues\n\nShips pay 99 crowns."},
        "finish_reason": "stop",
    }]});
    let json = [("content-type", "application/json")];
    server.push(Fault::Answer(response("200 OK", &json, &answer.to_string())));
    let ingest = ["ingest", "docs", "--ocr", "openai:gpt-vision", "--base-url", &server.base_url()];
    env.run(&ingest).expect(0);
    let request = &server.requests()[0];
    assert_eq!(
        (request.path.as_str(), &request.body["model"]),
        ("/v1/chat/completions", &json!("gpt-vision"))
    );
    let content = request.body["messages"][0]["content"].as_array().expect("parts");
    let picture = content[1]["image_url"]["url"].as_str().expect("a picture");
    assert!(picture.starts_with("data:image/png;base64,iVBORw0KGgo"), "{picture:.60}");
    assert_eq!(text(&env, "docs/scanned.pdf"), "Harbour dues Ships pay 99 crowns.");
    let shown = env.run(&["show", "docs/scanned.pdf", "--format", "json"]).expect(0).json();
    assert_eq!(shown["record"]["ocr"]["model"], "openai:gpt-vision");
    assert_eq!(shown["chunks"][0]["page"], 1);
}

#[test]
fn a_vision_model_that_fails_fails_the_document_and_is_asked_again() {
    let env = project(&["scanned.pdf"]);
    let server = ScriptedServer::start();
    let json = [("content-type", "application/json")];
    let refused = r#"{"error": {"message": "no such key"}}"#;
    server.push(Fault::Answer(response("401 Unauthorized", &json, refused)));
    let url = server.base_url();
    let ingest = ["ingest", "docs", "--ocr", "openai:gpt-vision", "--base-url", &url];
    let run = env.run(&ingest).expect(5);
    assert!(
        run.stderr.contains("page 1: OCR model") && run.stderr.contains("no such key"),
        "{run}"
    );
    let cut = json!({"choices": [{"message": {"content": "Half of"}, "finish_reason": "length"}]});
    server.push(Fault::Answer(response("200 OK", &json, &cut.to_string())));
    let run = env.run(&ingest).expect(5);
    assert!(run.stderr.contains("the transcription was cut off"), "{run}");
    assert_eq!(server.requests().len(), 2);
}
