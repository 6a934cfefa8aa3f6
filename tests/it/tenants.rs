//! Tenants: each has collections of its own, and no run of one reads or changes what another has.
//!
//! Where `DOCENT_TEST_QDRANT_URL` names a server, the same is asked of it.

use serde_json::Value;

use crate::env::{Run, TestEnv};
use crate::versions::{on_scripted_server, on_server};

/// A word for each tenant that no other tenant's documents have.
const TENANTS: [(&str, &str); 2] = [("acme", "aardvark"), ("globex", "porcupine")];

fn run(env: &TestEnv, tenant: &str, args: &[&str]) -> Run {
    env.run(&[args, &["--tenant", tenant]].concat())
}

/// The same names for all, and other texts.
fn write(env: &TestEnv, word: &str) {
    env.write("docs/ferry.md", format!("# Ferry\n\nThe ferry of the {word} leaves at nine.\n"));
    env.write("docs/harbour.md", format!("# Harbour\n\nThe harbour has a {word}.\n"));
}

/// Everything that commands report to a tenant about its collection, without what changes from run to
/// run.
fn told(env: &TestEnv, tenant: &str) -> Vec<Value> {
    let commands: [&[&str]; 6] = [
        &["status", "--documents", "--format", "json"],
        &["index", "list", "--format", "json"],
        &["index", "log", "--format", "json"],
        &["index", "verify", "--format", "json"],
        &["show", "docs/ferry.md", "--format", "json"],
        &["search", "When does the ferry leave?", "--format", "json"],
    ];
    let mut told: Vec<Value> =
        commands.iter().map(|args| run(env, tenant, args).expect(0).json()).collect();
    told.iter_mut().for_each(without_times);
    told
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("_ms") && name != "expires_in");
            fields.values_mut().for_each(without_times);
        }
        Value::Array(values) => values.iter_mut().for_each(without_times),
        _ => {}
    }
}

fn life(env: &TestEnv) {
    for (tenant, word) in TENANTS {
        write(env, word);
        run(env, tenant, &["ingest", "docs"]).expect(0);
    }
    for ((tenant, word), (_, other)) in TENANTS.iter().zip(TENANTS.iter().rev()) {
        // Both have files of these names.
        write(env, word);
        let told = format!("{:?}", told(env, tenant));
        assert!(told.contains(word) && !told.contains(other), "{tenant} is told {told}");
        for asked in ["search", "query", "explain"] {
            let run = run(env, tenant, &[asked, &format!("What does the {other} do?")]);
            assert!(!run.stdout.contains(other) || asked == "explain", "{tenant}: {run}");
        }
    }
    // Without a tenant, none of it is visible.
    env.run(&["search", "ferry"]).expect(3);

    let [(acme, _), (globex, word)] = TENANTS;
    let before = told(env, globex);
    let export = env.path("acme.docent");
    let export = export.to_str().expect("a name");
    write(env, "badger");
    let changes: [&[&str]; 10] = [
        &["ingest", "docs"],
        &["ingest", "docs", "--new-version"],
        &["index", "use", "2"],
        &["index", "rollback"],
        &["index", "prune", "--keep", "0"],
        &["ingest", "docs", "--rebuild"],
        &["index", "export", export],
        &["index", "import", export, "--replace"],
        &["ingest", "docs/harbour.md", "--allow-prune"],
        &["purge", "--source", "docs/**", "--yes"],
    ];
    for change in changes {
        run(env, acme, change).expect(0);
        write(env, word);
        assert_eq!(told(env, globex), before, "after {change:?}");
        write(env, "badger");
    }
}

#[test]
fn no_tenant_reads_or_changes_what_another_has() {
    life(&TestEnv::new());
}

#[test]
fn the_same_on_a_scripted_server() {
    let (env, _server) = on_scripted_server();
    life(&env);
}

#[test]
fn the_same_on_a_server() {
    let Some(env) = on_server("tenants") else { return };
    life(&env);
}

#[test]
fn records_of_answers_are_of_a_tenant() {
    let mut env = TestEnv::new();
    env.set("DOCENT_TRACE", "answers.jsonl");
    for (tenant, word) in TENANTS {
        write(&env, word);
        run(&env, tenant, &["ingest", "docs"]).expect(0);
        run(&env, tenant, &["query", "When does the ferry leave?"]).expect(0);
    }
    let list = |args: &[&str]| {
        let list = env.run(&[&["trace", "list", "--format", "json"], args].concat()).expect(0);
        list.json()["traces"].as_array().expect("records").len()
    };
    assert_eq!(list(&[]), 0);
    assert_eq!(list(&["--tenant", "acme"]), 1);
    run(&env, "acme", &["purge", "--source", "docs/ferry.md", "--yes"]).expect(0);
    assert_eq!((list(&["--tenant", "acme"]), list(&["--tenant", "globex"])), (0, 1));
}

#[test]
fn a_tenant_is_named_once_and_never_by_accident() {
    let mut env = TestEnv::new();
    env.run(&["search", "ferry", "--tenant", ""]).expect(2);
    env.run(&["search", "ferry", "--tenant", "Acme"]).expect(2);
    env.set("DOCENT_TENANT", "acme");
    let other = env.run(&["search", "ferry", "--collection", "docs~globex"]).expect(2);
    assert!(other.stderr.contains("`docs~globex` is a collection of `globex`"), "{other}");
    let missing = env.run(&["search", "ferry"]).expect(3);
    assert!(missing.stderr.contains("docent ingest --collection docent~acme PATH"), "{missing}");
    write(&env, "aardvark");
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["index", "show", "docent@v1"]).expect(0);
    env.run(&["index", "show", "docent~acme@v1"]).expect(0);
    env.run(&["index", "show", "docent~globex@v1"]).expect(2);
    env.set("DOCENT_TENANT", "");
    let empty = env.run(&["ingest", "docs"]).expect(3);
    assert!(empty.stderr.contains("DOCENT_TENANT is empty"), "{empty}");
}

#[test]
fn what_a_tenant_pushes_and_pulls_is_its_own_on_both_sides() {
    let (mut env, server) = on_scripted_server();
    env.set("QDRANT_URL", "");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry of nobody leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    write(&env, "aardvark");
    run(&env, "acme", &["ingest", "docs"]).expect(0);
    let url = server.url();
    run(&env, "acme", &["index", "push", "--qdrant-url", &url]).expect(0);
    let found = run(&env, "acme", &["search", "ferry", "--qdrant-url", &url]).expect(0);
    assert!(found.stdout.contains("aardvark") && !found.stdout.contains("nobody"), "{found}");
    run(&env, "acme", &["index", "pull", "--qdrant-url", &url]).expect(0);
    let untouched = env.run(&["search", "ferry"]).expect(0);
    assert!(untouched.stdout.contains("of nobody"), "{untouched}");
    assert!(!untouched.stdout.contains("aardvark"), "{untouched}");
}

#[test]
fn a_key_is_of_one_tenant() {
    let env = TestEnv::new();
    let create = ["keys", "create", "app", "--keys", "keys.toml", "--only"];
    let other = env.run(&[&create[..], &["docs~globex", "--tenant", "acme"]].concat()).expect(2);
    assert!(other.stderr.contains("`docs~globex` is a collection of `globex`"), "{other}");
    env.run(&[&create[..], &["docs", "--tenant", "acme"]].concat()).expect(0);
    let keys = env.run(&["keys", "list", "--keys", "keys.toml", "--format", "json"]).expect(0);
    assert_eq!(keys.json()["keys"][0]["collections"][0], "docs~acme");
}
