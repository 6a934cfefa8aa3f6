//! What is not read is reported: named files, files in directories, standard input.

use crate::env::TestEnv;

const ICON: &[u8] = b"\0\0\x01\0\x01\0";

fn failed(json: &serde_json::Value) -> Vec<(String, String)> {
    let rows = json["failed"].as_array().expect("rows").iter();
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().expect("text").to_owned();
    rows.map(|row| (text(row, "source"), text(row, "reason"))).collect()
}

#[test]
fn a_named_file_that_is_not_read_has_failed() {
    let env = TestEnv::new();
    env.write("a.md", "The ferry leaves at 07:45.\n");
    env.write("logo.ico", ICON);
    env.write("sound", b"RIFF\0\0\0\0WAVE");
    let args = ["ingest", "a.md", "logo.ico", "sound", "--format", "json"];
    let report = env.run(&args).expect(5).json();
    let binary = "binary: leave it out with --exclude, or save it as text";
    let icon = "unsupported type: save it as PNG or JPEG";
    let rows = [("logo.ico", icon), ("sound", binary)];
    let mut found = failed(&report);
    found.sort();
    let row = |(source, reason): (&str, &str)| {
        let forget = format!("or forget it: docent ingest --forget {source}");
        (source.to_owned(), format!("{reason}; {forget}"))
    };
    assert_eq!(found, rows.map(row));
    assert_eq!((&report["added"], &report["skipped"]), (&1.into(), &0.into()));
    // It is still reported, and there is nothing to bring up to date.
    env.run(&["ingest"]).expect(5);
    env.run(&["ingest", "--check"]).expect(0);
    let preview = env.run(&["ingest", "--dry-run", "--format", "json"]).expect(0).json();
    assert_eq!(failed(&preview).len(), 2);
    // Until it is forgotten.
    env.run(&["ingest", "--forget", "logo.ico", "./sound"]).expect(0);
    env.run(&["ingest"]).expect(0);
    // A file that became one keeps what is stored of it.
    env.write("a.md", b"\x00\x00\x00");
    env.run(&["ingest", "a.md"]);
    env.run(&["search", "ferry", "-k", "1"]).expect(0);
}

#[test]
fn what_is_passed_over_is_listed_with_its_reason() {
    let env = TestEnv::new();
    env.write("docs/a.md", "The ferry leaves at 07:45.\n");
    env.write("docs/logo.ico", ICON);
    env.write("docs/.hidden", "x");
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    let listed = serde_json::json!([
        {"source": "docs/.hidden", "reason": "hidden"},
        {"source": "docs/logo.ico", "reason": "unsupported type"},
    ]);
    assert_eq!(report["skipped_sources"], listed);
    let run = env.run(&["ingest", "docs", "--verbose"]).expect(0);
    for row in ["skipped  docs/.hidden  hidden", "skipped  docs/logo.ico  unsupported type"] {
        assert!(run.stderr.contains(row), "{run}");
    }
    assert!(!env.run(&["ingest", "docs"]).expect(0).stderr.contains("logo.ico"));
    let preview = env.run(&["ingest", "docs", "--check", "--format", "json"]).expect(0).json();
    assert_eq!(preview["skipped_sources"], listed);
}

#[test]
fn standard_input_without_text_deletes_nothing() {
    let env = TestEnv::new();
    env.run_with_input(&["ingest", "-"], "plover notes\n").expect(0);
    for nothing in ["", "\n \n", "PK\u{3}\u{4} not text\0\u{1}\u{2}", "\0\0\0"] {
        let run = env.run_with_input(&["ingest", "-"], nothing).expect(5);
        assert!(run.stderr.starts_with("failed  stdin  "), "{nothing:?} {run}");
        env.run(&["search", "plover", "-k", "1"]).expect(0);
    }
    let named = ["ingest", "-", "--source", "notes.json"];
    env.run_with_input(&named, "{\"text\": \"curlew\"}").expect(0);
    env.run_with_input(&named, "{}").expect(5);
    env.run(&["search", "curlew", "--mode", "sparse", "-k", "1"]).expect(0);
    // What is piped in then is ingested, and the failure is forgotten.
    env.run_with_input(&["ingest", "-"], "godwit notes\n").expect(0);
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["failures"].as_array().map(Vec::len), Some(1));
}

/// It opens without a password, and only forbids copying text, which does not apply to an index of
/// one's own.
#[test]
fn a_pdf_whose_owner_forbids_copying_is_read() {
    let env = TestEnv::new();
    env.write("docs/a.pdf", include_bytes!("../fixtures/encrypted/no_extract.pdf"));
    env.run(&["ingest", "docs"]).expect(0);
    let run = env.run(&["search", "ferry", "-k", "1"]).expect(0);
    assert!(run.stdout.contains("The ferry leaves the old harbour at 07:45."), "{run}");
}

#[test]
fn documents_that_look_broken_are_listed_when_asked() {
    let env = TestEnv::new();
    let good =
        "The ferry leaves the old harbour in the morning and returns before dark. ".repeat(4);
    env.write("docs/good.md", &good);
    env.write("docs/apart.md", "E x a mp l e do c u m e nt o f a fi l e ".repeat(4));
    env.write("docs/unknown.md", format!("{good} \u{fffd}\u{fffd}\u{fffd}"));
    // A guess that is right.
    let latin = good.replace("old", "vieux chêne brûlé");
    env.write("docs/latin.md", encoding_rs::WINDOWS_1252.encode(&latin).0);
    env.run(&["ingest", "docs"]).expect(0);
    let run = env.run(&["status", "--quality"]).expect(0);
    let listed: Vec<&str> =
        run.stdout.lines().filter_map(|l| l.split_whitespace().nth(1)).collect();
    assert_eq!(listed, ["docs/apart.md", "docs/unknown.md", "show"], "{run}");
    let status = env.run(&["status", "--quality", "--format", "json"]).expect(0).json();
    let rows = status["doubtful"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["source"], "docs/unknown.md");
    let reason = rows[1]["reasons"][0].as_str().expect("a reason");
    assert!(reason.ends_with("of its characters stand for unknown letters"), "{reason}");
    let plain = env.run(&["status", "--format", "json"]).expect(0).json();
    assert!(plain.get("doubtful").is_none());
}
