//! `docent ingest`, end to end on the embedded store.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::assert_run;
use crate::env::{Run, TestEnv};

fn report(env: &TestEnv, args: &[&str]) -> Value {
    let mut all = vec!["ingest", "--format", "json"];
    all.extend(args);
    env.run(&all).json()
}

/// Asserts (added, changed, moved, deleted, unchanged) of a report.
#[track_caller]
fn counts(report: &Value, expected: [u64; 5]) {
    let names = ["added", "changed", "moved", "deleted", "unchanged"];
    let found = names.map(|name| report[name].as_u64().expect("a count"));
    assert_eq!(found, expected, "{names:?} in {report:#}");
}

fn sources(env: &TestEnv) -> Vec<String> {
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let records = status["records"].as_array().expect("records").clone();
    records.iter().map(|record| record["source"].as_str().expect("a source").to_owned()).collect()
}

#[test]
fn text_report() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Alpha\n\nThe first letter.\n");
    env.write("docs/b.txt", "Beta follows alpha.\n");
    env.write("docs/.hidden", "not seen");
    env.write("docs/logo.png", b"\x89PNG\r\n\x1a\n\0\0");
    assert_run!(env.run(&["ingest", "docs"]).expect(0), @r"
    $ docent ingest docs
    exit 0
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 2, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    skipped: hidden 1, picture (--ocr always reads it) 1
    --- stderr
    ");
}

#[test]
fn json_report_has_its_shape_even_when_there_is_nothing() {
    let env = TestEnv::new();
    std::fs::create_dir(env.path("docs")).expect("a directory");
    assert_run!(env.run(&["ingest", "docs", "--format", "json"]).expect(0));
}

#[test]
fn a_second_run_does_nothing() {
    let env = TestEnv::with_samples();
    let first = report(&env, &["sample-docs"]);
    assert_eq!(first["failed"], serde_json::json!([]));
    counts(&first, [23, 0, 0, 0, 0]);
    let second = report(&env, &["sample-docs"]);
    counts(&second, [0, 0, 0, 0, 23]);
    assert_eq!((&second["embedded"], &second["chunks"]), (&0.into(), &0.into()));
}

#[test]
fn changes_moves_and_deletions_are_followed() {
    let env = TestEnv::new();
    env.write("docs/keep.md", "# Keep\n\nThis one stays as it is.\n");
    env.write("docs/edit.md", "# Edit\n\nThe old words are obsolete.\n");
    env.write("docs/move.md", "# Move\n\nThis one will have another name.\n");
    env.write("docs/drop.md", "# Drop\n\nThis one will be gone.\n");
    counts(&report(&env, &["docs"]), [4, 0, 0, 0, 0]);

    env.write("docs/edit.md", "# Edit\n\nFresh words are here now instead.\n");
    std::fs::rename(env.path("docs/move.md"), env.path("docs/moved.md")).expect("a rename");
    std::fs::remove_file(env.path("docs/drop.md")).expect("a removal");
    let report = report(&env, &["docs"]);
    counts(&report, [0, 1, 1, 1, 1]);
    assert_eq!((&report["embedded"], &report["reused"]), (&1.into(), &1.into()));

    assert_eq!(sources(&env), ["docs/edit.md", "docs/keep.md", "docs/moved.md"]);
    let found = env.run(&["search", "obsolete", "--mode", "sparse"]);
    assert_eq!(found.code, Some(1), "the old text is gone: {found}");
}

#[test]
fn looking_again_at_what_is_skipped_is_no_run() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    env.write("docs/b.bin", b"\0\x01\x02");
    report(&env, &["docs"]);
    let runs = |env: &TestEnv| {
        let status = env.run(&["status", "--format", "json"]).expect(0).json();
        status["manifest"]["runs"].as_array().expect("runs").len()
    };
    assert_eq!(runs(&env), 1);
    counts(&report(&env, &["docs"]), [0, 0, 0, 0, 1]);
    assert_eq!(runs(&env), 1);
}

#[test]
fn a_new_time_alone_embeds_nothing() {
    let env = TestEnv::new();
    let path = env.write("docs/a.md", "# A\n\nSome text.\n");
    report(&env, &["docs"]);
    let file = std::fs::File::options().write(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() + Duration::from_hours(1)).expect("a new time");
    let report = report(&env, &["docs"]);
    counts(&report, [0, 0, 0, 0, 1]);
    assert_eq!(report["embedded"], 0);
}

#[test]
fn what_was_not_asked_about_stays() {
    let env = TestEnv::new();
    env.write("a/one.md", "# One\n\nText of one.\n");
    env.write("b/two.md", "# Two\n\nText of two.\n");
    counts(&report(&env, &["a", "b"]), [2, 0, 0, 0, 0]);
    std::fs::remove_file(env.path("b/two.md")).expect("a removal");
    counts(&report(&env, &["a"]), [0, 0, 0, 0, 1]);
    assert_eq!(sources(&env), ["a/one.md", "b/two.md"]);
    counts(&report(&env, &["a", "b"]), [0, 0, 0, 1, 1]);
}

/// An empty path comes from a variable that is not set.
#[test]
fn an_empty_path_is_not_the_working_directory() {
    let env = TestEnv::new();
    env.write("one.md", "# One\n\nText of one.\n");
    let typed: [&[&str]; 2] = [&["ingest", ""], &["query", "one?", "--from", " "]];
    for args in typed {
        let run = env.run(args).expect(2);
        assert!(run.stderr.contains("an empty PATH names nothing"), "{run}");
    }
    env.run(&["status"]).expect(3);
}

#[test]
fn bad_files_are_rows_and_the_rest_is_stored() {
    let env = TestEnv::new();
    env.write("docs/good.md", "# Good\n\nThis is fine.\n");
    env.write("docs/empty.md", "");
    env.write("docs/liar.pdf", "I am no PDF at all.\n");
    env.write("docs/cut.docx", b"PK\x03\x04 and then nothing");
    env.write("docs/large.txt", "x".repeat(3000));
    env.write("docs/pkg/__init__.py", "");
    env.write("docs/pkg/settings.json", "{}\n");
    let run = env.run(&["ingest", "docs", "--max-file-size", "2kB"]).expect(5);
    assert_run!(run, @r#"
    $ docent ingest docs --max-file-size 2kB
    exit 5
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 2, failed 4 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    skipped: empty 2
    --- stderr
    failed  docs/large.txt  2.9 KB is over the limit of 2 KB (raise it with --max-file-size)
    failed  docs/cut.docx   damaged or truncated: the list of its parts is missing: copy or download it again
    failed  docs/empty.md   empty: the file has 0 bytes
    failed  docs/liar.pdf   named .pdf, but it is not a PDF (it starts with "I am no ")
    "#);
    assert_eq!(sources(&env), ["docs/good.md"]);
}

#[test]
fn standard_input_is_a_document() {
    let env = TestEnv::new();
    let args = ["ingest", "-", "--source", "notes/today.md", "--format", "json"];
    let text = "# Today\n\nThe printer on the third floor is called Gutenberg.\n";
    counts(&env.run_with_input(&args, text).expect(0).json(), [1, 0, 0, 0, 0]);
    counts(&env.run_with_input(&args, text).expect(0).json(), [0, 0, 0, 0, 1]);
    let found = env.run(&["search", "printer", "--format", "json"]).expect(0).json();
    assert_eq!(found["hits"][0]["citation"], "notes/today.md:L1-L3");
}

#[test]
fn globs_includes_and_excludes() {
    let env = TestEnv::new();
    for name in ["docs/a.md", "docs/b.txt", "docs/deep/c.md", "docs/deep/d.rs"] {
        env.write(name, format!("Words of {name}.\n"));
    }
    report(&env, &["docs/**/*.md"]);
    assert_eq!(sources(&env), ["docs/a.md", "docs/deep/c.md"]);
    report(&env, &["docs", "--include", "*.txt"]);
    assert_eq!(sources(&env), ["docs/a.md", "docs/b.txt", "docs/deep/c.md"]);
    report(&env, &["docs", "--exclude", "deep/"]);
    assert_eq!(sources(&env), ["docs/a.md", "docs/b.txt", "docs/deep/c.md"]);
}

#[test]
fn another_embedder_or_chunk_size_is_refused() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    report(&env, &["docs"]);
    assert_run!(env.run(&["ingest", "docs", "--chunk-tokens", "100"]).expect(3), @r"
    $ docent ingest docs --chunk-tokens 100
    exit 3
    --- stdout
    --- stderr
    error: collection `docent` was built with chunks of 256 tokens with an overlap of 32; the settings are now 100 and 32
    hint: use --chunk-tokens 256 --chunk-overlap 32, or rebuild it: docent ingest --rebuild
    ");
    age(&env, |manifest| {
        manifest["chunker"]["revision"] = 1.into();
        manifest["docent"] = "0.0.1".into();
    });
    assert_run!(env.run(&["ingest", "docs"]).expect(3), @r"
    $ docent ingest docs
    exit 3
    --- stdout
    --- stderr
    error: collection `docent` was built by docent 0.0.1, which cut documents into other chunks
    hint: the collection can still be searched; to change it, rebuild it: docent ingest --rebuild
    ");
    env.run(&["search", "text"]).expect(0);
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    env.run(&["ingest", "docs"]).expect(0);
}

#[test]
fn words_that_were_told_apart_otherwise_are_refused() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    report(&env, &["docs"]);
    age(&env, |manifest| {
        let sparse = manifest["sparse"].as_object_mut().expect("an object");
        sparse.remove("revision").expect("a revision");
    });
    assert_run!(env.run(&["search", "text"]).expect(3), @r"
    $ docent search text
    exit 3
    --- stdout
    --- stderr
    error: collection `docent`: its text was split into words by the rules of another version of docent
    hint: rebuild it: docent ingest --rebuild
    ");
    for command in [&["ingest", "docs"][..], &["ingest", "docs", "--dry-run"], &["query", "text"]] {
        let run = env.run(command).expect(3);
        assert!(run.stderr.contains("docent ingest --rebuild"), "{run}");
    }
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    env.run(&["search", "text"]).expect(0);
}

/// Makes the manifest what an earlier version would have left.
fn age(env: &TestEnv, edit: impl FnOnce(&mut serde_json::Value)) {
    let path = env.path(".docent/collections/docent@v1/manifest.json");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    edit(&mut manifest);
    manifest.as_object_mut().expect("an object").remove("checksum").expect("a checksum");
    std::fs::write(&path, manifest.to_string()).expect("a manifest");
}

#[test]
fn a_missing_path_is_wrong_usage() {
    let env = TestEnv::new();
    env.write("handbook/a.md", "text\n");
    assert_run!(env.run(&["ingest", "handbok"]).expect(2), @r"
    $ docent ingest handbok
    exit 2
    --- stdout
    --- stderr
    error: handbok: no such file or directory
    hint: did you mean handbook?
    ");
}

#[test]
fn the_store_ignores_itself_from_git() {
    let env = TestEnv::new();
    env.write("a.md", "# A\n\nSome text.\n");
    env.run(&["ingest", "a.md"]).expect(0);
    let ignore = std::fs::read_to_string(env.path(".docent/.gitignore")).expect("a .gitignore");
    assert_eq!(ignore, "*\n");
}

#[test]
fn an_index_is_found_from_a_directory_below() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let args = ["search", "ferry", "--format", "json"];
    let output = env.command(&args).current_dir(env.path("docs")).output().expect("docent runs");
    let found: Run = env.outcome(&args, output).expect(0);
    assert_eq!(found.json()["hits"][0]["source"], "docs/a.md");
}
