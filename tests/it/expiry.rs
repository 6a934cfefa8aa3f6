//! Documents that are too old are not ingested, and are deleted: `ingest.ttl`.

use std::fs::File;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::env::{Run, TestEnv};
use crate::qdrant::{Script, ScriptedQdrant};
use crate::site::{Answer, Site};

const DAY: Duration = Duration::from_hours(24);

/// A file that was modified this many days ago.
fn page(env: &TestEnv, name: &str, days: u32) {
    let path = env.write(&format!("docs/{name}.md"), format!("# {name}\n\nIt says {name}.\n"));
    touch(&path, days);
}

fn touch(path: &std::path::Path, days: u32) {
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() - days * DAY).expect("a time");
}

fn ingest(env: &TestEnv, args: &[&str]) -> Run {
    env.run(&[&["ingest", "--format", "json"], args].concat())
}

/// Added, deleted and unchanged documents, and those that were deleted because of their age.
#[track_caller]
fn counts(run: Run, expected: [usize; 3], expired: &[&str]) {
    let report = run.expect(0).json();
    let found = ["added", "deleted", "unchanged"].map(|name| report[name].as_u64());
    assert_eq!(found, expected.map(|count| Some(count as u64)), "{report:#}");
    assert_eq!(report["expired_sources"], json!(expired), "{report:#}");
    assert_eq!(report["expired"], expired.len(), "{report:#}");
}

fn sources(env: &TestEnv) -> Vec<String> {
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let rows = status["records"].as_array().expect("documents").iter();
    rows.map(|row| row["source"].as_str().expect("a source").to_owned()).collect()
}

#[test]
fn what_is_too_old_goes_and_does_not_come_back() {
    goes(&TestEnv::new());
}

#[test]
fn the_same_on_a_scripted_server() {
    let mut env = TestEnv::new();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "docent");
    goes(&env);
}

fn goes(env: &TestEnv) {
    for (name, days) in [("new", 1), ("middle", 40), ("old", 100)] {
        page(env, name, days);
    }
    env.write("elsewhere/older.md", "# Older\n\nIt says older.\n");
    touch(&env.path("elsewhere/older.md"), 200);
    counts(ingest(env, &["docs", "elsewhere"]), [4, 0, 0], &[]);
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert!(status.get("expiring").is_none(), "{status}");

    // A dry run shows what it would do, and a check that there is something to do.
    let plan = ingest(env, &["docs", "--ttl", "90d", "--check"]).expect(1).json();
    let both = json!(["docs/old.md", "elsewhere/older.md"]);
    assert_eq!((&plan["deleted"], &plan["expired"]), (&both, &both), "{plan:#}");
    // Documents that the run does not name expire, too.
    let run = env.run(&["ingest", "docs", "--ttl", "90d"]).expect(0);
    assert!(run.stdout.contains("deleted 2"), "{run}");
    assert!(run.stdout.contains("deleted because of ingest.ttl: 2 documents"), "{run}");
    assert!(run.stdout.contains("skipped: older than ingest.ttl 1"), "{run}");
    assert!(run.stderr.contains("expired  docs/old.md"), "{run}");
    assert_eq!(sources(env), ["docs/middle.md", "docs/new.md"]);
    env.run(&["ingest", "docs", "--ttl", "90d", "--check"]).expect(0);
    counts(ingest(env, &["docs", "elsewhere", "--ttl", "90d"]), [0, 0, 2], &[]);
    let why = env.run(&["explain", "old", "--expect", "docs/old.md", "--format", "json"]);
    assert!(why.stdout.contains("expected"), "{why}");

    // A file that is written again is as new as any; a date in the future is, too.
    touch(&env.path("docs/old.md"), 0);
    page(env, "future", 0);
    let file = File::options().write(true).open(env.path("docs/future.md")).expect("a file");
    file.set_modified(SystemTime::now() + 900 * DAY).expect("a time");
    counts(ingest(env, &["docs", "--ttl", "90d"]), [2, 0, 2], &[]);
    // A file that the run does not name is checked before it is deleted.
    page(env, "middle", 5);
    counts(ingest(env, &["elsewhere", "--ttl", "30d"]), [0, 0, 0], &[]);
    counts(ingest(env, &["docs"]), [0, 0, 4], &[]);
    // A rebuild does not have them either.
    page(env, "middle", 40);
    let rebuilt = ingest(env, &["--rebuild", "--ttl", "30d"]);
    counts(rebuilt, [3, 0, 0], &["docs/middle.md"]);
    assert_eq!(sources(env), ["docs/future.md", "docs/new.md", "docs/old.md"]);
}

#[test]
fn a_wrong_clock_or_a_slip_empties_no_collection() {
    let env = TestEnv::new();
    for number in 0..15 {
        page(&env, &format!("{number:02}"), 20 + number);
    }
    page(&env, "other", 0);
    env.run(&["ingest", "docs"]).expect(0);
    std::fs::remove_file(env.path("docs/other.md")).expect("a file");
    let refused = env.run(&["ingest", "docs", "--ttl", "9d"]).expect(1);
    let said = "would delete 16 of the collection's 16 documents: 15 are older than ingest.ttl, and the files of 1 are gone";
    assert!(refused.stderr.contains(said), "{refused}");
    assert!(refused.stderr.contains("--allow-prune"), "{refused}");
    assert_eq!(sources(&env).len(), 16);
    // Up to half of the collection is deleted without confirmation.
    let expired: Vec<String> = (7..15).map(|number| format!("docs/{number:02}.md")).collect();
    let expired: Vec<&str> = expired.iter().map(String::as_str).collect();
    page(&env, "other", 0);
    counts(ingest(&env, &["docs", "--ttl", "26.5d"]), [0, 8, 8], &expired);
    counts(
        ingest(&env, &["docs", "--ttl", "9d", "--allow-prune"]),
        [0, 7, 1],
        &["00", "01", "02", "03", "04", "05", "06"]
            .map(|name| format!("docs/{name}.md"))
            .each_ref()
            .map(String::as_str),
    );
}

#[test]
fn status_says_how_many_are_when() {
    let mut env = TestEnv::new();
    for (name, days) in [("a", 100), ("b", 88), ("c", 70), ("d", 1)] {
        page(&env, name, days);
    }
    env.run(&["ingest", "docs"]).expect(0);
    env.set("DOCENT_INGEST_TTL", "90d");
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    let expiring = &status["expiring"];
    let counted = ["ttl", "expired", "within_7_days", "within_30_days", "undated"];
    assert_eq!(
        counted.map(|name| expiring[name].as_u64()),
        [90 * 86_400, 1, 1, 2, 0].map(Some),
        "{expiring}"
    );
    assert!(expiring["next"].is_string(), "{expiring}");
    let text = env.run(&["status"]).expect(0).stdout;
    assert!(text.contains("1 document older than ingest.ttl"), "{text}");
    assert!(text.contains("2 more within 30 days"), "{text}");
    // A run with another purpose deletes nothing.
    env.run(&["ingest", "--retry-failed"]).expect(0);
    assert_eq!(sources(&env).len(), 4);
    env.run(&["ingest"]).expect(0);
    assert_eq!(sources(&env).len(), 3);
    let wrong = env.run(&["ingest", "docs", "--ttl", "soon"]).expect(2);
    assert!(wrong.stderr.contains("such as 12h, 90d, 6w or 1y"), "{wrong}");
}

#[test]
fn pages_have_the_date_that_their_server_says() {
    let (env, site) = (TestEnv::new(), Site::start());
    let answer = |words: &str, modified: Option<&str>| {
        let answer = Answer::html(&format!("<h1>{words}</h1><p>It says {words}.</p>"));
        match modified {
            Some(modified) => answer.header("last-modified", modified),
            None => answer,
        }
    };
    let old = Some("Wed, 01 Jan 2020 00:00:00 GMT");
    site.put("/old", answer("old", old));
    site.put("/young", answer("young", Some("Tue, 01 Jan 2999 00:00:00 GMT")));
    site.put("/undated", answer("undated", None));
    let urls = ["/old", "/young", "/undated"].map(|path| site.url(path));
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let fetch = |more: &[&str]| ingest(&env, &[&urls, more, &["--allow-private"]].concat());
    counts(fetch(&[]), [3, 0, 0], &[]);
    // The server only answers that the page has not changed.
    counts(fetch(&["--ttl", "90d"]), [0, 1, 2], &urls[..1]);
    counts(fetch(&["--ttl", "90d"]), [0, 0, 2], &[]);
    let never = TestEnv::new();
    let args = ["ingest", urls[0], urls[1], "--allow-private", "--ttl", "1y", "--format", "json"];
    let report = never.run(&args).expect(0).json();
    assert_eq!(report["skipped_by_reason"], json!({ "older than ingest.ttl": 1 }), "{report:#}");
    assert_eq!(sources(&never), urls[1..2]);
    // It is written again.
    site.put("/old", answer("new", Some("Tue, 01 Jan 2999 00:00:00 GMT")));
    counts(fetch(&["--ttl", "90d"]), [1, 0, 2], &[]);
}

/// The age of piped text begins when it was piped in.
#[test]
fn what_was_piped_in_goes_when_it_came_long_ago() {
    let env = TestEnv::new();
    page(&env, "new", 0);
    let file = File::options().write(true).open(env.path("docs/new.md")).expect("a file");
    file.set_modified(SystemTime::now() + 900 * DAY).expect("a time");
    env.run(&["ingest", "docs"]).expect(0);
    env.run_with_input(&["ingest", "-", "--source", "notes"], "Some notes.\n").expect(0);
    // The run that ingests it does not delete it at once.
    let again = ["ingest", "-", "--source", "notes", "--ttl", "1ms", "--format", "json"];
    let report: Value = env.run_with_input(&again, "Some notes.\n").expect(0).json();
    assert_eq!((&report["deleted"], &report["unchanged"]), (&json!(0), &json!(1)), "{report:#}");
    counts(ingest(&env, &["docs", "--ttl", "1d"]), [0, 0, 1], &[]);
    counts(ingest(&env, &["docs", "--ttl", "1ms"]), [0, 1, 1], &["notes"]);
}
