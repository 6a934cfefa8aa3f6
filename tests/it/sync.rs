//! What `docent ingest` would do, what it refuses to do, and what it remembers.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::TestEnv;

/// Four documents: one to keep, one to edit, one to move, one to drop.
fn four() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/keep.md", "# Keep\n\nThis one stays as it is.\n");
    env.write("docs/edit.md", "# Edit\n\nThe old words are obsolete.\n");
    env.write("docs/move.md", "# Move\n\nThis one will have another name.\n");
    env.write("docs/drop.md", "# Drop\n\nThis one will be gone.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env
}

fn disturb(env: &TestEnv) {
    env.write("docs/edit.md", "# Edit\n\nFresh words are here now instead.\n");
    env.write("docs/new.md", "# New\n\nThis one has come.\n");
    fs::rename(env.path("docs/move.md"), env.path("docs/moved.md")).expect("a rename");
    fs::remove_file(env.path("docs/drop.md")).expect("a removal");
}

fn many(env: &TestEnv, number: usize) {
    for i in 0..number {
        env.write(&format!("docs/{i}.md"), format!("# Number {i}\n\nText of number {i}.\n"));
    }
}

fn status(env: &TestEnv) -> Value {
    env.run(&["status", "--documents", "--format", "json"]).expect(0).json()
}

#[test]
fn a_dry_run_prints_the_plan_and_does_nothing() {
    let env = four();
    disturb(&env);
    let before = status(&env);
    assert_run!(env.run(&["ingest", "--dry-run", "docs"]).expect(0), @r"
    $ docent ingest --dry-run docs
    exit 0
    --- stdout
    + docs/new.md
    ~ docs/edit.md
    > docs/move.md -> docs/moved.md
    - docs/drop.md
    to do: add 1, change 1, move 1, delete 1; unchanged 1, skipped 0, failed 0
    3 chunks to store, 2 texts to embed (18 tokens), 1 reused
    --- stderr
    ");
    assert_eq!(status(&env)["records"], before["records"]);
    let plan = env.run(&["ingest", "--dry-run", "docs", "--format", "json"]).expect(0).json();
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    let lengths = ["added", "changed", "moved", "deleted"]
        .map(|name| (plan[name].as_array().map(Vec::len), report[name].as_u64()));
    assert_eq!(lengths, [(Some(1), Some(1)); 4]);
    for name in ["chunks", "embedded", "reused"] {
        assert_eq!(plan["work"][name], report[name], "{name}");
    }
}

#[test]
fn a_plan_as_json_keeps_its_shape_when_it_is_empty() {
    let env = four();
    assert_run!(env.run(&["ingest", "--dry-run", "docs", "--format", "json"]).expect(0));
}

#[test]
fn a_check_is_negative_when_anything_is_to_do() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    env.write("docs/b.bin", b"\0\x01\x02");
    env.write("docs/pkg/__init__.py", "");
    assert_run!(env.run(&["ingest", "--check", "docs"]).expect(1), @r"
    $ docent ingest --check docs
    exit 1
    --- stdout
    + docs/a.md
    to do: add 1, change 0, move 0, delete 0; unchanged 0, skipped 2, failed 0
    --- stderr
    ");
    assert!(!env.path(".docent").exists(), "a check creates nothing");
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["ingest", "--check", "docs"]).expect(0);
    fs::remove_file(env.path("docs/a.md")).expect("a removal");
    env.run(&["ingest", "--check", "docs"]).expect(1);
}

#[test]
fn an_edit_in_the_same_moment_is_seen() {
    let env = TestEnv::new();
    // Not before the ingest, however long that takes to begin.
    let moment = SystemTime::now() + Duration::from_mins(1);
    let write = |text: &str| {
        let path = env.write("a.md", text);
        let file = fs::File::options().write(true).open(path).expect("a file");
        file.set_modified(moment).expect("the same time");
    };
    write("# A\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "a.md"]).expect(0);
    write("# A\n\nThe train leaves at nine.\n");
    env.run(&["ingest", "--check", "a.md"]).expect(1);
}

#[test]
fn without_a_path_the_roots_of_earlier_runs_are_taken() {
    let env = four();
    disturb(&env);
    let report = env.run(&["ingest", "--format", "json"]).expect(0).json();
    assert_eq!((&report["added"], &report["changed"]), (&json!(1), &json!(1)));
    assert_eq!((&report["moved"], &report["deleted"]), (&json!(1), &json!(1)));
    let empty = TestEnv::new();
    assert_run!(empty.run(&["ingest"]).expect(2), @r"
    $ docent ingest
    exit 2
    --- stdout
    --- stderr
    error: no PATH was given, and no earlier run has named one
    hint: docent ingest PATH
    ");
}

#[test]
fn a_plan_that_deletes_most_of_the_collection_stops() {
    let env = TestEnv::new();
    many(&env, 16);
    env.run(&["ingest", "docs"]).expect(0);
    for i in 0..11 {
        fs::remove_file(env.path(&format!("docs/{i}.md"))).expect("a removal");
    }
    assert_run!(env.run(&["ingest", "docs"]).expect(1), @r"
    $ docent ingest docs
    exit 1
    --- stdout
    --- stderr
    error: this would delete 11 of the collection's 16 documents, whose files are gone
    hint: see them with --dry-run, and delete them with --allow-prune; ingest.prune_share sets the limit
    ");
    assert_eq!(status(&env)["documents"], 16);
    let plan = env.run(&["ingest", "--dry-run", "docs", "--format", "json"]).expect(0).json();
    assert_eq!(plan["deleted"].as_array().map(Vec::len), Some(11));
    env.run(&["ingest", "docs", "--allow-prune"]).expect(0);
    assert_eq!(status(&env)["documents"], 5);
}

#[test]
fn a_root_that_is_gone_stops() {
    let env = four();
    env.write("other/a.md", "# Other\n\nSomething else.\n");
    env.run(&["ingest", "other"]).expect(0);
    fs::remove_dir_all(env.path("docs")).expect("a removal");
    assert_run!(env.run(&["ingest", "docs"]).expect(1), @r"
    $ docent ingest docs
    exit 1
    --- stdout
    --- stderr
    error: docs is gone, and 4 of the collection's documents came from it
    hint: delete them with --allow-prune, or bring the files back
    ");
    assert_eq!(status(&env)["documents"], 5);
    assert_eq!(env.run(&["ingest"]).expect(1).stdout, "");
    env.run(&["ingest", "--allow-prune"]).expect(0);
    assert_eq!(status(&env)["documents"], 1);
    // The directory is empty, and is forgotten.
    env.run(&["ingest"]).expect(0);
    assert_eq!(status(&env)["manifest"]["roots"], json!(["other"]));
}

#[test]
fn a_remembered_glob_may_match_nothing_any_more() {
    let env = four();
    env.write("notes/a.txt", "Something else.\n");
    env.run(&["ingest", "notes/*.txt"]).expect(0);
    fs::remove_file(env.path("notes/a.txt")).expect("a removal");
    env.run(&["ingest", "notes/*.txt"]).expect(2);
    let report = env.run(&["ingest", "--format", "json"]).expect(0).json();
    assert_eq!((&report["deleted"], &report["unchanged"]), (&json!(1), &json!(4)));
}

#[test]
fn a_failure_is_remembered_until_the_file_changes_or_another_try_is_asked_for() {
    let env = TestEnv::new();
    env.write("docs/good.md", "# Good\n\nThis is fine.\n");
    env.write("docs/bad.docx", b"PK\x03\x04 and then nothing");
    let first = env.run(&["ingest", "docs", "--format", "json"]).expect(5).json();
    assert_run!(env.run(&["status"]).expect(0), @r"
    $ docent status
    exit 0
    --- stdout
    collection  docent in [PROJECT]/.docent/collections/docent
    documents   1
    chunks      1
    embedder    builtin, 256 dimensions (static-minilm-en-256@bbb84397b56f)
    chunker     256 tokens, 32 overlapping
    words       of each document's language: unknown 1
    created     [DATE] by docent 0.1.0
    last run    [DATE] over docs
    sources     as they were ingested
    failed      docs/bad.docx  damaged or truncated: the list of its parts is missing: copy or download it again
                docent ingest --retry-failed tries them again
    --- stderr
    ");

    // It is reported again, but was not read again: the record is the first one.
    let second = env.run(&["ingest", "docs", "--format", "json"]).expect(5).json();
    assert_eq!(second["failed"], first["failed"]);
    let run_of = |env: &TestEnv| status(env)["failures"][0]["run_id"].clone();
    let remembered = run_of(&env);
    env.run(&["ingest", "--check", "docs"]).expect(0);

    let again = env.run(&["ingest", "--retry-failed", "--format", "json"]).expect(5).json();
    assert_eq!((&again["failed"], &again["unchanged"]), (&first["failed"], &json!(0)));
    assert_eq!(run_of(&env), remembered, "nothing new is known");

    env.write("docs/bad.docx", "PK\x03\x04 and then nothing else");
    env.run(&["ingest", "docs"]).expect(5);
    assert_ne!(run_of(&env), remembered);
    fs::remove_file(env.path("docs/bad.docx")).expect("a removal");
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(status(&env)["failures"], json!([]));
}

#[cfg(unix)]
#[test]
fn a_file_that_can_not_be_opened_is_tried_by_each_run() {
    use std::os::unix::fs::PermissionsExt;

    let env = TestEnv::new();
    env.write("docs/good.md", "# Good\n\nThis is fine.\n");
    let locked = env.write("docs/locked.md", "# Locked\n\nNot yet readable.\n");
    let set = |mode| fs::set_permissions(&locked, fs::Permissions::from_mode(mode));
    set(0o000).expect("a mode");
    if fs::File::open(&locked).is_ok() {
        return; // The superuser reads everything.
    }
    env.run(&["ingest", "docs"]).expect(5);
    set(0o644).expect("a mode");
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(status(&env)["documents"], 2);
}

#[test]
fn another_chunk_size_is_built_beside_the_old_one_and_takes_its_place() {
    let env = four();
    env.run(&["ingest", "docs/keep.md", "--tag", "team=a"]).expect(0);
    let size = ["--chunk-tokens", "100"];
    env.run(&[&["ingest", "docs"][..], &size].concat()).expect(3);
    fs::rename(env.path("docs/drop.md"), env.path("drop.md")).expect("a rename");
    assert_run!(env.run(&[&["ingest", "--rebuild", "--dry-run"][..], &size].concat()).expect(0), @r"
    $ docent ingest --rebuild --dry-run --chunk-tokens 100
    exit 0
    --- stdout
    + docs/edit.md
    + docs/keep.md
    + docs/move.md
    - docs/drop.md
    to do: add 3, change 0, move 0, delete 1; unchanged 0, skipped 0, failed 0
    3 chunks to store, 0 texts to embed (0 tokens), 3 reused
    --- stderr
    ");
    fs::rename(env.path("drop.md"), env.path("docs/drop.md")).expect("a rename");
    let report = env.run(&[&["ingest", "--rebuild", "--format", "json"][..], &size].concat());
    let report = report.expect(0).json();
    assert_eq!((&report["added"], &report["documents_total"]), (&json!(4), &json!(4)));
    assert_eq!((&report["embedded"], &report["reused"]), (&json!(0), &json!(4)));

    let status = status(&env);
    assert_eq!(status["manifest"]["chunker"]["max_tokens"], 100);
    assert_eq!(status["records"][2]["tags"], json!(["team=a"]));
    env.run(&[&["ingest", "--check", "docs"][..], &size].concat()).expect(0);
    env.run(&["search", "obsolete"]).expect(0);
    let versions = || {
        let entries = fs::read_dir(env.path(".docent/collections")).expect("a directory");
        entries.flatten().filter(|entry| entry.path().is_dir()).count()
    };
    assert_eq!(versions(), 2, "the old version stays");
    env.run(&["index", "prune", "--keep", "0"]).expect(0);
    assert_eq!(versions(), 1);
}

#[test]
fn a_rebuild_gives_nothing_up_unasked() {
    let env = four();
    env.run_with_input(&["ingest", "-", "--source", "note.md"], "# Note\n\nFrom a pipe.\n")
        .expect(0);
    assert_run!(env.run(&["ingest", "--rebuild"]).expect(1), @r"
    $ docent ingest --rebuild
    exit 1
    --- stdout
    --- stderr
    error: this would delete note.md, which no PATH of this run provides
    hint: see them with --dry-run, and delete them with --allow-prune; ingest.prune_share sets the limit
    ");
    assert_eq!(status(&env)["documents"], 5);
    env.run(&["ingest", "--rebuild", "--allow-prune"]).expect(0);
    assert_eq!(status(&env)["documents"], 4);
}

#[test]
fn the_first_failure_ends_a_run_that_is_to_fail_fast() {
    let env = TestEnv::new();
    many(&env, 300);
    env.write("docs/000.docx", b"PK\x03\x04 and then nothing");
    let args = ["ingest", "docs", "--fail-fast", "--format", "json"];
    let report = env.run(&args).expect(5).json();
    assert_eq!(report["stopped"], "first-failure");
    assert!(report["documents_total"].as_u64() < Some(300), "{report}");
    let rest = env.run(&["ingest", "docs", "--format", "json"]).expect(5).json();
    assert_eq!((&rest["documents_total"], &rest["untried"]), (&json!(300), &json!(1)));
}

/// Damage on the disk.
#[test]
fn stored_text_that_was_changed_is_found_by_its_checksum() {
    let env = TestEnv::new();
    env.write("docs/a.md", "The ferry leaves in the morning.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["ingest", "--check", "--checksum"]).expect(0);
    let mut changed = 0;
    let mut places = vec![env.path(".docent/collections")];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            let entries = std::fs::read_dir(&place).expect("a directory");
            places.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let mut bytes = std::fs::read(&place).expect("a file");
        let found = bytes.windows(7).position(|window| window == b"morning");
        if let Some(at) = found.filter(|_| place.to_string_lossy().contains("payload")) {
            bytes[at..at + 7].copy_from_slice(b"evening");
            std::fs::write(&place, bytes).expect("written");
            changed += 1;
        }
    }
    assert_eq!(changed, 1);
    let run = env.run(&["ingest", "--check", "--checksum"]).expect(4);
    assert!(run.stderr.contains("is not what was stored"), "{run}");
}

/// A blank picture fails in each run: another try may succeed.
#[test]
fn what_failed_before_is_nothing_new() {
    let env = TestEnv::new();
    env.write("docs/a.md", "The ferry leaves in the morning.\n");
    let scan =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures/scanned.pdf"));
    env.write("docs/scan.pdf", scan.expect("a fixture"));
    env.run(&["ingest", "docs", "--ocr", "off"]).expect(5);
    let preview =
        env.run(&["ingest", "--check", "--ocr", "off", "--format", "json"]).expect(0).json();
    assert_eq!(preview["failed"][0]["source"], "docs/scan.pdf", "{preview}");
    assert_eq!(preview["added"], serde_json::json!([]));
}
