//! Versions are built beside the live one, switched to at once, and rolled back.
//!
//! `DOCENT_TEST_KILLS=200 cargo test --release --test it versions` kills more often. Where
//! `DOCENT_TEST_QDRANT_URL` names a server, the same is asked of it.

use serde_json::Value;

use crate::env::{Run, TestEnv};
use crate::kill::{Dice, number};
use crate::qdrant::{Script, ScriptedQdrant};
use crate::served::Served;

/// Kills of the run that CI makes.
const FEW: u64 = 8;

const QUESTION: &str = "When does the ferry leave?";

fn leaves(env: &TestEnv, time: &str) {
    env.write("docs/ferry.md", format!("# Ferry\n\nThe ferry to Elba leaves at {time}.\n"));
    env.write("docs/harbour.md", "# Harbour\n\nThe harbour has two piers.\n");
}

pub(crate) fn index(env: &TestEnv, args: &[&str]) -> Run {
    env.run(&[&["index"], args].concat())
}

/// Number and state of each version.
#[track_caller]
pub(crate) fn states(env: &TestEnv) -> Vec<(u64, String)> {
    let list = index(env, &["list", "--format", "json"]).expect(0).json();
    let state = |version: &Value| {
        let state = version["state"].as_str().expect("a state");
        (version["version"].as_u64().expect("a number"), state.to_owned())
    };
    list["versions"].as_array().expect("versions").iter().map(state).collect()
}

#[track_caller]
pub(crate) fn assert_states(env: &TestEnv, expected: &[(u64, &str)]) {
    let found = states(env);
    let found: Vec<(u64, &str)> = found.iter().map(|(n, state)| (*n, state.as_str())).collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn assert_found(env: &TestEnv, time: &str) {
    let out = env.run(&["search", QUESTION]).expect(0).stdout;
    assert!(out.contains(&format!("leaves at {time}")), "{time}: {out}");
}

pub(crate) fn on_scripted_server() -> (TestEnv, ScriptedQdrant) {
    let mut env = TestEnv::new();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "docent");
    (env, server)
}

/// On the server that the environment names, as a project of its own; `None` if it names none.
pub(crate) fn on_server(project: &str) -> Option<TestEnv> {
    let url = std::env::var("DOCENT_TEST_QDRANT_URL").ok()?;
    let mut env = TestEnv::new();
    let project = format!("{project}-{}", std::process::id());
    env.set("QDRANT_URL", &url).set("DOCENT_PROJECT", &project);
    Some(env)
}

#[test]
fn a_version_is_built_switched_to_and_taken_back() {
    life(&TestEnv::new());
}

#[test]
fn the_same_on_a_scripted_server() {
    let (env, _server) = on_scripted_server();
    life(&env);
}

#[test]
fn the_same_on_a_server() {
    let Some(env) = on_server("versions") else { return };
    life(&env);
}

fn life(env: &TestEnv) {
    leaves(env, "one");
    env.run(&["ingest", "docs"]).expect(0);
    leaves(env, "two");
    let built = env.run(&["ingest", "docs", "--new-version", "--format", "json"]).expect(0).json();
    assert_eq!((&built["built"]["version"], &built["built"]["live"]), (&2.into(), &false.into()));
    assert_eq!(built["reused"], 1, "the harbour is as it was: {built}");
    assert_states(env, &[(1, "live"), (2, "built")]);
    assert_found(env, "one");

    let switched = index(env, &["use", "2", "--format", "json"]).expect(0).json();
    assert_eq!((&switched["live"], &switched["former"]), (&2.into(), &1.into()));
    assert_states(env, &[(1, "former"), (2, "live")]);
    assert_found(env, "two");
    index(env, &["rollback"]).expect(0);
    assert_states(env, &[(1, "live"), (2, "former")]);
    assert_found(env, "one");

    // The live version is written, and the other one is left as it is.
    leaves(env, "three");
    env.run(&["ingest", "docs"]).expect(0);
    assert_found(env, "three");
    index(env, &["use", "v2"]).expect(0);
    assert_found(env, "two");
    index(env, &["rollback"]).expect(0);
    assert_found(env, "three");

    // A rebuild keeps the newest number, and one former version.
    leaves(env, "four");
    let rebuilt = env.run(&["ingest", "docs", "--rebuild", "--format", "json"]).expect(0).json();
    assert_eq!(
        (&rebuilt["built"]["version"], &rebuilt["built"]["live"]),
        (&3.into(), &true.into())
    );
    assert_states(env, &[(1, "former"), (3, "live")]);
    assert_found(env, "four");
    let shown = index(env, &["show", "1", "--format", "json"]).expect(0).json();
    assert_eq!((&shown["documents"], &shown["chunks"]), (&2.into(), &2.into()));
    assert!(shown["live_until"].is_string() && shown["manifest"]["chunker"].is_object(), "{shown}");
    index(env, &["drop", "1"]).expect(0);
    assert_states(env, &[(3, "live")]);

    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    index(env, &["drop", "4"]).expect(0);
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    assert_states(env, &[(3, "live"), (5, "built")]);
    index(env, &["use", "5"]).expect(0);
    let pruned = index(env, &["prune", "--keep", "0", "--format", "json"]).expect(0).json();
    assert_eq!(pruned["removed"], serde_json::json!([3]));
    assert_states(env, &[(5, "live")]);
    assert_found(env, "four");
}

#[test]
fn the_first_version_is_live_at_once() {
    let env = TestEnv::new();
    leaves(&env, "one");
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    assert_states(&env, &[(1, "live")]);
    assert_found(&env, "one");
}

#[test]
fn the_setting_says_how_many_former_versions_stay() {
    let mut env = TestEnv::new();
    leaves(&env, "one");
    env.run(&["ingest", "docs"]).expect(0);
    env.set("DOCENT_INDEX_KEEP", "2");
    for _ in 0..3 {
        env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    }
    assert_states(&env, &[(2, "former"), (3, "former"), (4, "live")]);
    index(&env, &["prune", "--keep", "1"]).expect(0);
    assert_states(&env, &[(3, "former"), (4, "live")]);
    env.set("DOCENT_INDEX_KEEP", "0");
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    assert_states(&env, &[(5, "live")]);
}

#[test]
fn what_cannot_be_done_says_why() {
    let env = TestEnv::new();
    for args in [&["list"][..], &["show"], &["use", "1"], &["rollback"], &["drop", "1"], &["prune"]]
    {
        let refused = index(&env, args).expect(3);
        assert!(refused.stderr.contains("there is no collection"), "{refused}");
    }
    assert!(!env.path(".docent").exists());
    leaves(&env, "one");
    env.run(&["ingest", "docs"]).expect(0);
    for (args, code, said) in [
        (&["drop", "1"][..], 2, "version 1 is the live one"),
        (&["drop", "7"], 2, "has no version 7"),
        (&["use", "7"], 2, "has no version 7"),
        (&["use", "other@v1"], 2, "name it with --collection"),
        (&["use", "newest"], 2, "a version is a number"),
        (&["rollback"], 1, "there is no former version"),
        (&["show", "2"], 2, "has no version 2"),
    ] {
        let refused = index(&env, args).expect(code);
        assert!(refused.stderr.contains(said), "{refused}");
    }
    let used = index(&env, &["use", "docent@v1"]).expect(0);
    assert!(used.stdout.contains("is already live"), "{used}");
    assert_states(&env, &[(1, "live")]);
}

#[test]
fn a_server_follows_a_switch() {
    let (scripted, _server) = on_scripted_server();
    for env in [&TestEnv::new(), &scripted] {
        leaves(env, "one");
        env.run(&["ingest", "docs"]).expect(0);
        leaves(env, "two");
        env.run(&["ingest", "docs", "--new-version"]).expect(0);
        let served = Served::start(env, &[]);
        let search = || {
            let found =
                served.post("/v1/docent/search", &serde_json::json!({ "question": QUESTION }));
            let found = found.expect(200).json();
            let text = found["hits"][0]["text"].as_str().expect("a hit").to_owned();
            (found["version"].as_u64().expect("a version"), text)
        };
        let switches: [(&[&str], u64, &str); 4] = [
            (&["use", "1"], 1, "one"),
            (&["use", "2"], 2, "two"),
            (&["rollback"], 1, "one"),
            (&["rollback"], 2, "two"),
        ];
        for (args, version, time) in switches {
            index(env, args).expect(0);
            for _ in ["first", "remembered"] {
                let (found, text) = search();
                assert_eq!(found, version, "{args:?}");
                assert!(text.contains(&format!("leaves at {time}")), "{args:?}: {text}");
            }
        }
    }
}

/// A killed command leaves nothing half done: one version is live and answers, and the other one stays.
#[test]
fn a_switch_killed_at_any_moment_leaves_one_of_the_two_live() {
    let env = TestEnv::new();
    leaves(&env, "one");
    env.run(&["ingest", "docs"]).expect(0);
    leaves(&env, "two");
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    let started = std::time::Instant::now();
    index(&env, &["use", "2"]).expect(0);
    let whole = started.elapsed().as_micros() as u64;
    let mut dice = Dice(number("DOCENT_TEST_SEED").unwrap_or(1));
    for round in 0..number("DOCENT_TEST_KILLS").unwrap_or(FEW) {
        let to = if round.is_multiple_of(2) { "1" } else { "2" };
        let mut child = env.command(&["index", "use", to]).spawn().expect("docent starts");
        std::thread::sleep(std::time::Duration::from_micros(dice.below(whole)));
        child.kill().expect("a signal");
        child.wait().expect("an end");
        let states = states(&env);
        let of = |state: &str| states.iter().filter(|(_, it)| it == state).count();
        assert_eq!((states.len(), of("live")), (2, 1), "round {round}: {states:?}");
        assert_eq!(of("unfinished"), 0, "round {round}: {states:?}");
        let live = states.iter().find(|(_, it)| it == "live").expect("a live one").0;
        assert_found(&env, if live == 1 { "one" } else { "two" });
    }
    index(&env, &["use", "1"]).expect(0);
    assert_found(&env, "one");
}
