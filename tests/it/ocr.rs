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
fn pictures_that_are_a_part_of_their_page() {
    const BESIDE: &str =
        "pictures beside the text of page 1 are not read (--ocr always reads them)";
    let env = project(&["beside-text.pdf"]);
    let source = "docs/beside-text.pdf";
    let warned = |run: &Run| {
        let report = run.json();
        let warnings = report["warned"][0]["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().map(|warning| warning["pages"].clone()).collect::<Vec<_>>()
    };
    let run = env.run(&["ingest", "docs", "--ocr", "off", "--format", "json"]).expect(0);
    assert_eq!(warned(&run), [json!([2]), json!([3])], "{run}");
    let run = env.run(&["show", source]).expect(0);
    for said in ["page 2 is a picture", "most of page 3 is a picture", BESIDE] {
        assert!(run.stdout.contains(said), "{run}");
    }
    let says = |expected: [bool; 3]| {
        let read = text(&env, source);
        let words = ["office of the pilots", "key of the crane", "kept for the lifeboat"];
        assert_eq!(words.map(|words| read.contains(words)), expected, "{read}");
        for once in ["northern quay", "Plan of the harbour"] {
            assert_eq!(read.matches(once).count(), 1, "{read}");
        }
    };
    says([false, false, false]);
    let run = env.run(&["ingest", "--format", "json"]).expect(0);
    assert_eq!((warned(&run), &run.json()["ocr_pages"]), (vec![], &json!(2)), "{run}");
    says([false, true, true]);
    let run = env.run(&["show", source]).expect(0);
    assert!(run.stdout.contains(BESIDE) && !run.stdout.contains("page 2"), "{run}");
    assert!(!env.run(&["status"]).expect(0).stdout.contains("partly read"));
    let again = env.run(&["ingest", "--format", "json"]).expect(0).json();
    assert_eq!(again["unchanged"], 1, "{again:#}");
    let run = env.run(&["ingest", "--ocr", "always", "--format", "json"]).expect(0);
    assert_eq!((warned(&run), &run.json()["ocr_pages"]), (vec![], &json!(3)), "{run}");
    says([true, true, true]);
    assert!(!env.run(&["show", source]).expect(0).stdout.contains("beside the text"));
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
fn a_dry_run_asks_no_vision_model_and_says_what_it_would_take() {
    let mut env = project(&["scanned.pdf"]);
    let server = ScriptedServer::start();
    let url = server.base_url();
    let plan = ["ingest", "docs", "--dry-run", "--ocr", "openai:gpt-vision", "--base-url", &url];
    env.set("DOCENT_OCR_PRICE_IN", "1000").set("DOCENT_OCR_PRICE_OUT", "2000");
    let run = env.run(&plan).expect(0);
    assert!(run.stdout.contains("1 page for a vision model, which was not called"), "{run}");
    let work = env.run(&[&plan[..], &["--format", "json"]].concat()).expect(0).json();
    let work = &work["work"];
    // 1,200 tokens that are sent, 800 that are generated.
    assert_eq!((&work["ocr_pages"], &work["cost"]), (&json!(1), &json!(2.8)), "{work:#}");
    assert_eq!(server.requests().len(), 0);
}

/// What a vision model answers for a page.
fn transcription(text: &str) -> Fault {
    let answer = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    });
    let json = [("content-type", "application/json")];
    Fault::Answer(response("200 OK", &json, &answer.to_string()))
}

#[test]
fn what_a_vision_model_bills_counts_against_the_limit_and_in_the_cost() {
    let mut env = TestEnv::new();
    let page = std::fs::read(fixture("scanned.pdf")).expect("a fixture");
    // Comments at the end make other documents of it.
    for number in 1..=4 {
        env.write(
            &format!("docs/{number}.pdf"),
            [&page[..], format!("%{number}\n").as_bytes()].concat(),
        );
    }
    let server = ScriptedServer::start();
    let url = server.base_url();
    let ingest = |limit| {
        let cost = ["--max-cost", limit, "--format", "json"];
        [&["ingest", "docs", "--ocr", "openai:gpt-vision", "--base-url", &url][..], &cost].concat()
    };
    let run = env.run(&ingest("5")).expect(2);
    assert!(run.stderr.contains("--max-cost needs the price of openai:gpt-vision"), "{run}");
    // A page is 1,000 tokens for 2 and 100 for 0.5.
    env.set("DOCENT_OCR_PRICE_IN", "2000").set("DOCENT_OCR_PRICE_OUT", "5000");
    for pages in ["one", "two"] {
        server.push(transcription(&format!("Ships pay {pages} crowns.")));
    }
    let report = env.run(&ingest("6")).expect(5).json();
    let done = (&report["added"], &report["stopped"], &report["failed"]);
    assert_eq!(done, (&json!(2), &json!("max-cost"), &json!([])), "{report:#}");
    let billed = (&report["cost"], &report["ocr_tokens"]);
    assert_eq!(billed, (&json!(5.0), &json!(2200)), "{report:#}");
    assert_eq!(server.requests().len(), 2);
    let report = env.run(&ingest("0")).expect(5).json();
    assert_eq!((&report["added"], server.requests().len()), (&json!(0), 2), "{report:#}");
    for pages in ["three", "four"] {
        server.push(transcription(&format!("Ships pay {pages} crowns.")));
    }
    let report = env.run(&ingest("5")).expect(0).json();
    assert_eq!((&report["added"], &report["unchanged"]), (&json!(2), &json!(2)), "{report:#}");
}

#[test]
fn pages_of_a_vision_model_are_recorded_and_replayed() {
    let mut env = project(&["scanned.pdf"]);
    env.set("DOCENT_OCR_PRICE_IN", "2000").set("DOCENT_OCR_PRICE_OUT", "5000");
    let server = ScriptedServer::start();
    server.push(transcription("Ships pay 99 crowns."));
    let ingest = ["ingest", "docs", "--ocr", "openai:gpt-vision", "--format", "json"];
    let url = server.base_url();
    let record = [&ingest[..], &["--base-url", &url, "--record", "tape"]].concat();
    let recorded = env.run(&record).expect(0);
    assert_eq!(recorded.json()["cost"], 2.5, "{recorded}");
    let tape = std::fs::read_to_string(env.path("tape")).expect("a recording");
    let mut pages = tape.lines().filter(|line| line.contains(r#""kind":"ocr""#));
    let page: Value = serde_json::from_str(pages.next().expect("a page")).expect("JSON");
    assert_eq!(page["request"]["model"], "openai:gpt-vision", "{page:#}");
    assert!(!tape.contains("base64"), "the picture itself is on the tape");
    drop(server);

    let mut other = project(&["scanned.pdf"]);
    other.set("DOCENT_OCR_PRICE_IN", "2000").set("DOCENT_OCR_PRICE_OUT", "5000");
    other.set("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    std::fs::copy(env.path("tape"), other.path("tape")).expect("a recording");
    let replay = [&ingest[..], &["--replay", "tape"]].concat();
    assert_eq!(other.run(&replay).expect(0).stdout, recorded.stdout);
    assert_eq!(text(&other, "docs/scanned.pdf"), "Ships pay 99 crowns.");
    // Another page was never asked about.
    let page = std::fs::read(fixture("fax.pdf")).expect("a fixture");
    other.write("docs/fax.pdf", page);
    let run = other.run(&replay).expect(5);
    assert!(run.to_string().contains("openai:gpt-vision was not asked to read this page"), "{run}");
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
