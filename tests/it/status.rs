//! `docent status`.

use crate::assert_run;
use crate::env::TestEnv;

#[test]
fn says_what_is_stored_and_what_built_it() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    env.write("docs/b.md", "# B\n\nMore text.\n");
    env.run(&["ingest", "docs"]).expect(0);
    assert_run!(env.run(&["status", "--documents"]).expect(0));
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
    assert_run!(TestEnv::new().run(&["status"]).expect(3));
}
