//! `docent index push` and `docent index pull`: copies between an embedded collection and one on a
//! server.
//!
//! | what is there | what goes over | exit |
//! | --- | --- | --- |
//! | nothing | all of it | 0 |
//! | an earlier state, or what a push that was cut off has left | documents that differ | 0 |
//! | the same | nothing | 0 |
//! | something built otherwise | nothing; with `--replace` all of it | 3; 0 |
//! | another project's | nothing | 3 |

use std::fs;

use serde_json::Value;

use crate::env::TestEnv;
use crate::portable::{assert_found_alike, found};
use crate::qdrant::{Script, ScriptedQdrant};

const PUSH: &[&str] = &["index", "push", "--collection", "docs"];
const PULL: &[&str] = &["index", "pull", "--collection", "docs"];

/// A project that has brought the samples into its data directory, and a server.
fn scene() -> (TestEnv, ScriptedQdrant) {
    let mut env = TestEnv::with_samples();
    env.set("DOCENT_COLLECTION", "docs")
        .set("DOCENT_PROJECT", "handbook")
        .set("DOCENT_ATTEMPTS", "1")
        .set("DOCENT_QDRANT_RETRY_FOR", "1s");
    env.run(&["ingest", "sample-docs"]).expect(0);
    (env, ScriptedQdrant::start(Script::new("1.18.3", [])))
}

/// The same machine, which names the server.
fn run(env: &TestEnv, server: &ScriptedQdrant, args: &[&str], code: i32) -> Value {
    let url = server.url();
    let args = [args, &["--qdrant-url", &url, "--format", "json"]].concat();
    env.run(&args).expect(code).json()
}

fn content(env: &TestEnv) -> Value {
    env.run(&["index", "verify", "--format", "json"]).expect(0).json()["content_hash"].clone()
}

fn counts(copy: &Value) -> [u64; 4] {
    ["added", "changed", "deleted", "unchanged"].map(|count| copy[count].as_u64().expect("a count"))
}

#[test]
fn what_differs_goes_to_the_server_and_back() {
    let (mut env, server) = scene();
    let first = run(&env, &server, PUSH, 0);
    let [added, ..] = counts(&first);
    assert_eq!(counts(&first), [added, 0, 0, 0]);
    assert_eq!((&first["sent"], &first["content_hash"]), (&first["chunks"], &content(&env)));
    let here = found(&env);

    let again = run(&env, &server, PUSH, 0);
    assert_eq!((counts(&again), &again["sent"]), ([0, 0, 0, added], &Value::from(0)));

    env.write("sample-docs/handbook/backups.md", "# Backups\n\nBackups are kept for 401 days.\n");
    env.write("sample-docs/new.md", "# New\n\nThe ferry leaves at nine.\n");
    fs::remove_file(env.path("sample-docs/README.md")).expect("a file");
    env.run(&["ingest", "sample-docs"]).expect(0);
    let third = run(&env, &server, PUSH, 0);
    assert_eq!(counts(&third), [1, 1, 1, added - 2]);
    assert!(third["sent"].as_u64() < third["chunks"].as_u64());
    let changed = found(&env);
    assert_ne!(changed, here);

    // Another machine, without the sources.
    let mut elsewhere = TestEnv::new();
    elsewhere.set("DOCENT_COLLECTION", "docs");
    let pulled = run(&elsewhere, &server, PULL, 0);
    assert_eq!(pulled["content_hash"], content(&env));
    assert_found_alike(&found(&elsewhere), &changed);
    assert_eq!(content(&elsewhere), content(&env));
    env.set("QDRANT_URL", &server.url());
    assert_found_alike(&found(&env), &changed);
    assert_eq!(content(&env), third["content_hash"]);
    // The next ingest there has nothing to do.
    env.run(&["ingest", "--check", "sample-docs"]).expect(0);
}

#[test]
fn what_was_cut_off_goes_on_where_it_was() {
    let (env, whole) = scene();
    let start = whole.script.requests();
    let clean = run(&env, &whole, PUSH, 0);
    let all = whole.script.requests() - start;
    for part in 1..6 {
        let server = ScriptedQdrant::start(Script::new("1.18.3", []));
        *server.script.gone_after.lock().expect("a number") = all * part / 6;
        let url = server.url();
        env.run(&[PUSH, &["--qdrant-url", &url]].concat()).expect(4);
        *server.script.gone_after.lock().expect("a number") = usize::MAX;
        // The lease of a process of this machine that has ended.
        let copy = run(&env, &server, PUSH, 0);
        assert_eq!(copy["content_hash"], clean["content_hash"]);
        let contents =
            [&server, &whole].map(|it| it.script.memory.lock().expect("a memory").contents("docs"));
        assert_eq!(contents[0], contents[1], "cut off after {part} sixths");
    }
}

#[test]
fn what_was_built_otherwise_is_replaced_only_where_that_is_said() {
    let (env, server) = scene();
    run(&env, &server, PUSH, 0);
    env.run(&["ingest", "sample-docs", "--rebuild", "--chunk-tokens", "64"]).expect(0);
    let url = server.url();
    let refused = env.run(&[PUSH, &["--qdrant-url", &url]].concat()).expect(3);
    assert!(refused.stderr.contains("was built with other settings"), "{refused}");
    assert!(refused.stderr.contains("--replace"), "{refused}");
    let replaced = run(&env, &server, &[PUSH, &["--replace"]].concat(), 0);
    assert_eq!(replaced["content_hash"], content(&env));
    let names = server.script.memory.lock().expect("a memory").names();
    assert!(names.contains(&"docs@v2".to_owned()), "{names:?}");
    let log = run(&env, &server, &["index", "log"], 0);
    let events = log["events"].as_array().expect("events").iter();
    let events: Vec<_> = events.map(|it| (&it["version"], &it["cause"], &it["chunks"])).collect();
    let copy = &Value::from("copy");
    assert_eq!(events[0], (&2.into(), copy, &replaced["chunks"]));
    assert_eq!((events[1].0, events[1].1, events.len()), (&1.into(), copy, 2));
}

#[test]
fn nothing_goes_where_it_may_not() {
    let (mut env, server) = scene();
    run(&env, &server, PUSH, 0);
    env.set("DOCENT_PROJECT", "other");
    let url = server.url();
    let foreign = env.run(&[PUSH, &["--qdrant-url", &url]].concat()).expect(3);
    assert!(foreign.stderr.contains("belongs to the project `handbook`"), "{foreign}");
    let nowhere = env.run(PUSH).expect(2);
    assert!(nowhere.stderr.contains("--qdrant-url"), "{nowhere}");
    let nothing =
        env.run(&["index", "push", "--collection", "none", "--qdrant-url", &url]).expect(3);
    assert!(nothing.stderr.contains("there is no collection"), "{nothing}");
}

/// Whatever is stored, of either store, is compared with what its records say.
#[test]
fn a_collection_on_a_server_is_verified() {
    let (mut env, server) = scene();
    run(&env, &server, PUSH, 0);
    env.set("QDRANT_URL", &server.url());
    let whole = env.run(&["index", "verify"]).expect(0);
    assert!(whole.stdout.contains("docs@v1 is whole"), "{whole}");
    let change = |payload: &mut std::collections::HashMap<String, qdrant_client::qdrant::Value>| {
        let is = |field: &str, value: &str| {
            payload.get(field).and_then(|it| it.as_str()).is_some_and(|it| it == value)
        };
        if is("record", "chunk") && is("source", "sample-docs/handbook/backups.md") {
            payload.insert("title".to_owned(), "Elsewhere".into());
        }
    };
    server.script.memory.lock().expect("a memory").each_payload("docs", change);
    let damaged = env.run(&["index", "verify"]);
    assert_eq!(damaged.code, Some(4), "{damaged}");
    assert!(damaged.stderr.contains("backups.md"), "{damaged}");
}
