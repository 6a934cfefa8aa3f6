//! `docent status`.

use crate::assert_run;
use crate::env::TestEnv;

#[test]
fn says_what_is_stored_and_what_built_it() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    env.write("docs/b.md", "# B\n\nMore text.\n");
    env.run(&["ingest", "docs"]).expect(0);
    assert_run!(env.run(&["status", "--documents"]).expect(0), @r"
    $ docent status --documents
    exit 0
    --- stdout
    collection  docent in [PROJECT]/.docent/collections/docent
    documents   2
    chunks      2
    embedder    builtin, 256 dimensions (static-minilm-en-256@bbb84397b56f)
    chunker     256 tokens, 32 overlapping
    words       of each document's language: unknown 2
    created     [DATE] by docent 0.1.0
    last run    [DATE] over docs
    sources     as they were ingested
    docs/a.md  markdown  1 chunk
    docs/b.md  markdown  1 chunk
    --- stderr
    ");
}

#[test]
fn says_what_is_stale() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    env.write("docs/b.md", "# B\n\nMore text.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env.write("docs/a.md", "# A\n\nOther text.\n");
    std::fs::remove_file(env.path("docs/b.md")).expect("a removal");
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["stale"]["changed"], serde_json::json!(["docs/a.md"]));
    assert_eq!(status["stale"]["missing"], serde_json::json!(["docs/b.md"]));
}

/// An edit in the second of the ingest, which leaves size and time as they were.
#[test]
fn sees_what_leaves_no_trace() {
    let env = TestEnv::new();
    let path = env.write("docs/a.md", "# A\n\nSome text.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let time = std::fs::metadata(&path).and_then(|file| file.modified()).expect("a time");
    env.write("docs/a.md", "# A\n\nSame text.\n");
    let file = std::fs::File::options().write(true).open(&path).expect("a file");
    file.set_modified(time).expect("a time");
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    let seen = status["stale"]["changed"] == serde_json::json!(["docs/a.md"]);
    let later = env.run(&["ingest", "docs", "--check"]).code == Some(1);
    assert_eq!(seen, later, "status and ingest judge alike");
}

#[test]
fn no_collection_yet() {
    assert_run!(TestEnv::new().run(&["status"]).expect(3), @r"
    $ docent status
    exit 3
    --- stdout
    --- stderr
    error: there is no collection `docent` in [PROJECT]/.docent/collections/docent
    hint: create it: docent ingest PATH
    ");
}

#[test]
fn says_that_a_run_did_not_finish_and_what_it_left() {
    let env = TestEnv::new();
    for number in 0..300 {
        env.write(&format!("docs/{number:03}.md"), format!("The ferry {number} leaves.\n"));
    }
    env.write("docs/010.docx", "no document");
    env.write("docs/picture.ico", b"\0\0\x01\0\x01\0");
    env.run(&["ingest", "docs", "--fail-fast"]).expect(5);
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    let stored = status["documents"].as_u64().expect("a number");
    let awaited = status["stale"]["awaited"].as_array().expect("rows");
    // The file that failed exists as well, and is not stored.
    assert_eq!(awaited.len() as u64 + stored, 301, "{status}");
    let run = env.run(&["status"]).expect(0);
    let text = format!("the last run did not finish, and {} files not ingested yet", awaited.len());
    assert!(run.stdout.contains(&text), "{run}");
    std::fs::remove_file(env.path("docs/010.docx")).expect("a removal");
    env.run(&["ingest", "docs"]).expect(0);
    let run = env.run(&["status"]).expect(0);
    assert!(run.stdout.contains("sources     as they were ingested\n"), "{run}");
}

#[test]
fn a_collection_is_no_younger_than_its_runs_and_hardly_a_word_is_no_drift() {
    let env = TestEnv::new();
    env.write("a.md", "It is.\n");
    env.run(&["ingest", "a.md"]).expect(0);
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    let manifest = &status["manifest"];
    let begun = manifest["runs"][0]["started_at"].as_str();
    assert!(manifest["created_at"].as_str() <= begun, "{manifest}");
    env.write("a.md", "The ferry leaves the old harbour.\n");
    env.run(&["ingest"]).expect(0);
    let run = env.run(&["status"]).expect(0);
    assert!(!run.stderr.contains("terms long"), "{run}");
}
