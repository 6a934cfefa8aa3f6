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

#[test]
fn no_collection_yet() {
    assert_run!(TestEnv::new().run(&["status"]).expect(3));
}
