//! The golden corpus: `sample-docs` ingested for real, questions with known answers asked of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::env::TestEnv;

fn questions() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.jsonl");
    let text = std::fs::read_to_string(path).expect("the questions");
    text.lines().map(|line| serde_json::from_str(line).expect("a question")).collect()
}

/// Text as it is compared: single spaces, no Markdown emphasis or code marks.
fn plain(text: &str) -> String {
    text.replace(['`', '*'], "").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hits(env: &TestEnv, question: &str, k: &str) -> Vec<Value> {
    let run = env.run(&["search", question, "-k", k, "--format", "json"]).expect(0);
    run.json()["hits"].as_array().expect("hits").clone()
}

/// What the defaults reach today; raise them when ranking gets better.
#[test]
fn the_expected_passages_are_found() {
    let env = TestEnv::with_cases();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let gates =
        ["--min", "recall@3=0.88", "--min", "recall@8=0.95", "--min", "ndcg@10=0.88", "--verbose"];
    env.run(&[&["eval", "cases.jsonl"], &gates[..]].concat()).expect(0);
}

/// Reading the cited lines from the file gives the text of the passage, line by line.
#[test]
fn locators_lead_to_the_text() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let mut kinds = BTreeMap::new();
    for question in questions() {
        for hit in hits(&env, question["question"].as_str().expect("a question"), "8") {
            let kind = hit["kind"].as_str().expect("a kind").to_owned();
            *kinds.entry(kind.clone()).or_insert(0) += 1;
            if !["markdown", "rst", "code", "text"].contains(&kind.as_str()) {
                continue;
            }
            let bytes = std::fs::read(env.path(hit["source"].as_str().expect("a source")));
            // Latin-1 where it is not UTF-8, as one of the notes is.
            let file = String::from_utf8(bytes.expect("the source"))
                .unwrap_or_else(|error| error.as_bytes().iter().map(|&b| char::from(b)).collect());
            let lines = hit["lines"].as_array().expect("lines");
            let [first, last] = [0, 1].map(|i| lines[i].as_u64().expect("a line") as usize);
            let cited: Vec<&str> = file.lines().skip(first - 1).take(last - first + 1).collect();
            let text = hit["text"].as_str().expect("text");
            // Rows of tables carry the names of their columns.
            let value =
                |cell: &str| cell.split_once(": ").map_or(cell, |(_, value)| value).to_owned();
            let is_cited = |line: &str| {
                let is_row = || {
                    line.split(" | ").all(|cell| cited.iter().any(|it| it.contains(&value(cell))))
                };
                cited.contains(&line) || is_row()
            };
            assert!(text.lines().all(is_cited), "{} is not {text:?}", hit["citation"]);
        }
    }
    for kind in ["markdown", "text", "rst", "html", "pdf", "docx", "code"] {
        assert!(kinds.contains_key(kind), "no hit of kind {kind} among {kinds:?}");
    }
}

/// Every quoted sentence is in the passage it cites, and most answers hold the facts.
#[test]
fn quoted_answers_are_verified_and_mostly_right() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let (mut facts, mut right, mut wrong) = (0, 0, Vec::new());
    for question in questions() {
        let text = question["question"].as_str().expect("a question");
        let answer = env.run(&["query", text, "--format", "json"]).json();
        for citation in answer["citations"].as_array().expect("citations") {
            assert_eq!(citation["verified"], true, "{text}: {answer:#}");
        }
        assert_eq!(answer["invalid_citations"], serde_json::json!([]));
        let said = plain(answer["answer"].as_str().expect("an answer"));
        for fact in question["facts"].as_array().expect("facts") {
            facts += 1;
            if said.contains(&plain(fact.as_str().expect("a fact"))) {
                right += 1;
            } else {
                wrong.push(format!("{text} -> {said} (lacks {fact})"));
            }
        }
    }
    let share = f64::from(right) / f64::from(facts);
    assert!(share >= FACTS_QUOTED, "{share:.3} of the facts are quoted; not: {wrong:#?}");
}

/// What quoting reaches today.
const FACTS_QUOTED: f64 = 0.8;
