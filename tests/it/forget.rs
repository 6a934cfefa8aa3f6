//! Paths that were named once can be forgotten: `docent ingest --forget`.

use crate::env::TestEnv;

fn sources(env: &TestEnv) -> Vec<String> {
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let rows = status["records"].as_array().expect("documents").iter();
    rows.map(|row| row["source"].as_str().expect("a source").to_owned()).collect()
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_looked_at_once() {
    let env = TestEnv::new();
    env.write("a.md", "The ferry leaves at 07:45.\n");
    let run = env.run(&["ingest", "a.md", "/dev/zero"]).expect(5);
    assert!(run.stderr.contains("/dev/zero  not a file (device)"), "{run}");
    assert!(!run.stderr.contains("--forget"), "{run}");
    env.run(&["ingest"]).expect(0);
    let status = env.run(&["status"]).expect(0);
    assert!(!status.stdout.contains("failed"), "{status}");
    // Without another path, nothing is left.
    let env = TestEnv::new();
    env.run(&["ingest", "/dev/zero"]).expect(5);
    let run = env.run(&["ingest"]).expect(2);
    assert!(run.stderr.contains("no PATH was given"), "{run}");
}

#[test]
fn a_path_is_forgotten_with_its_documents() {
    let env = TestEnv::new();
    env.write("docs/a.md", "The ferry leaves at 07:45.\n");
    env.write("docs/old/b.md", "The old ferry left at 08:00.\n");
    env.write("extra/c.md", "The pier is closed.\n");
    env.write("empty.md", "");
    env.run(&["ingest", "docs", "docs/old", "extra", "empty.md"]).expect(5);
    let run = env.run(&["ingest"]).expect(5);
    let row = "empty: the file has 0 bytes; or forget it: docent ingest --forget empty.md";
    assert!(run.stderr.contains(row), "{run}");
    env.run(&["ingest", "--forget", "empty.md"]).expect(0);
    env.run(&["ingest"]).expect(0);
    let plan = ["ingest", "--forget", "./extra/", "--dry-run", "--format", "json"];
    assert_eq!(env.run(&plan).expect(0).json()["deleted"], serde_json::json!(["extra/c.md"]));
    env.run(&["ingest", "--forget", "./extra/"]).expect(0);
    // Another PATH still covers it.
    env.run(&["ingest", "--forget", "docs/old"]).expect(0);
    env.run(&["ingest"]).expect(0);
    assert_eq!(sources(&env), ["docs/a.md", "docs/old/b.md"]);
    let run = env.run(&["ingest", "--forget", "docs/a.md"]).expect(2);
    assert!(run.stderr.contains("docs/a.md: the collection was not made from it"), "{run}");
    assert!(run.stderr.contains("it was made from docs;"), "{run}");
    env.run(&["ingest", "--forget"]).expect(2);
}

#[test]
fn much_is_forgotten_only_when_that_is_meant() {
    let env = TestEnv::new();
    for number in 0..11 {
        env.write(&format!("docs/{number}.md"), format!("Ferry number {number} leaves.\n"));
    }
    env.run(&["ingest", "docs/*.md"]).expect(0);
    let run = env.run(&["ingest", "--forget", "docs/*.md"]).expect(1);
    let text = "this would delete 11 of the collection's 11 documents, which came from the forgotten paths";
    assert!(run.stderr.contains(text), "{run}");
    assert_eq!(sources(&env).len(), 11);
    env.run(&["ingest", "--forget", "docs/*.md", "--allow-prune"]).expect(0);
    assert!(sources(&env).is_empty());
}

#[test]
fn a_path_outside_that_somebody_else_named_is_no_dead_end() {
    let mut env = TestEnv::new();
    let outside = tempfile::tempdir().expect("a directory");
    std::fs::write(outside.path().join("a.md"), "The ferry leaves at 07:45.\n").expect("written");
    let outside = outside.path().canonicalize().expect("a path");
    let outside = outside.to_str().expect("UTF-8");
    env.write("docs/b.md", "The pier is closed.\n");
    env.run(&["ingest", "docs", outside]).expect(0);
    let home = env.path("another-home");
    std::fs::create_dir(&home).expect("made");
    env.set("HOME", home.to_str().expect("UTF-8"));
    env.set("XDG_CONFIG_HOME", home.to_str().expect("UTF-8"));
    env.set("XDG_STATE_HOME", home.to_str().expect("UTF-8"));
    env.set("XDG_DATA_HOME", home.to_str().expect("UTF-8"));
    let run = env.run(&["ingest"]).expect(3);
    assert!(run.stderr.contains(&format!("docent ingest --forget {outside}")), "{run}");
    env.run(&["ingest", "--forget", outside]).expect(0);
    env.run(&["ingest"]).expect(0);
    assert_eq!(sources(&env), ["docs/b.md"]);
}
