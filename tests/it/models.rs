//! Models by name, from a scripted hub: as embedder and as reranker, kept, listed and removed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use serde_json::json;

use crate::env::{Run, TestEnv};
use crate::hub::{Asked, ScriptedHub, Trouble};
use crate::mcp_client::Agent;
use crate::onnx::model;
use crate::schema::check;
use crate::served::Served;

const COMMIT: &str = "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a";
const LATER: &str = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41";

/// Sample documents, and a hub with two models.
fn project() -> (TestEnv, ScriptedHub) {
    let hub = ScriptedHub::start();
    hub.commit_directory("a/bert", COMMIT, &model("bert"));
    hub.commit_directory("a/cross", COMMIT, &model("cross"));
    let mut env = TestEnv::with_samples();
    env.set("HF_ENDPOINT", &hub.endpoint());
    (env, hub)
}

fn cache(env: &TestEnv) -> PathBuf {
    env.home().join(".cache/huggingface/hub")
}

fn ingest(env: &TestEnv) -> Run {
    env.run(&["ingest", "sample-docs/handbook", "--embedder", "hf:a/bert"])
}

fn search(env: &TestEnv, more: &[&str]) -> Run {
    env.run(&[&["search", "How long are backups kept?", "--embedder", "hf:a/bert"], more].concat())
}

#[test]
fn a_collection_is_built_and_asked_with_a_model_by_name_and_keeps_its_commit() {
    let (env, hub) = project();
    let first = ingest(&env).expect(0);
    assert!(first.stderr.contains("fetching hf:a/bert (commit 5c38ec7c)"), "{first}");
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    let embedder = &status["manifest"]["embedder"];
    assert_eq!(embedder["name"], "hf:a/bert");
    let revision = embedder["revision"].as_str().unwrap_or_default();
    assert!(revision.ends_with(&format!("@{COMMIT}")), "{revision}");
    hub.asked();

    // The branch has moved, to another model even: the collection is asked with the one that built it.
    hub.commit_directory("a/bert", LATER, &model("xlmr"));
    search(&env, &[]).expect(0);
    assert!(hub.asked().is_empty());
    env.run(&["models", "remove", "hf:a/bert"]).expect(0);
    let found = search(&env, &["--format", "json"]).expect(0).json();
    assert!(!found["hits"][0]["dense"].is_null(), "{found:#}");
    assert!(hub.asked().iter().all(|asked| !asked.what.contains(LATER)));

    let other = ["search", "backups", "--embedder", "hf:a/bert@main"];
    env.run(&["models", "fetch", "hf:a/bert"]).expect(0);
    let other = env.run(&other).expect(3);
    assert!(other.stderr.contains("another model, `hf:a/bert`"), "{other}");
}

#[test]
fn another_commit_with_the_same_files_is_the_same_model() {
    let (env, hub) = project();
    ingest(&env).expect(0);
    hub.commit_directory("a/bert", LATER, &model("bert"));
    let name = format!("hf:a/bert@{LATER}");
    let again = env.run(&["ingest", "sample-docs/handbook", "--embedder", &name]).expect(0);
    assert!(again.stdout.contains("added 0, changed 0"), "{again}");
    let directory = format!("onnx:{}", model("bert").display());
    env.run(&["search", "backups", "--embedder", &directory]).expect(0);
}

#[test]
fn a_run_that_may_not_fetch_names_the_command_that_does() {
    let (mut env, hub) = project();
    let line = ["ingest", "sample-docs/handbook", "--embedder", "hf:a/bert", "--no-download"];
    let flagged = env.run(&line).expect(3);
    assert!(flagged.stderr.contains("--no-download forbids"), "{flagged}");
    env.set("HF_HUB_OFFLINE", "1");
    let offline = ingest(&env).expect(3);
    assert!(offline.stderr.contains("HF_HUB_OFFLINE forbids"), "{offline}");
    assert!(offline.stderr.contains("docent models fetch hf:a/bert"), "{offline}");
    assert!(hub.asked().is_empty());
    // Settings for docent win over those for all tools.
    env.set("DOCENT_NO_DOWNLOAD", "0");
    ingest(&env).expect(0);
    env.set("DOCENT_NO_DOWNLOAD", "1");
    search(&env, &[]).expect(0);
}

#[test]
fn models_rerank_by_name() {
    let (env, _hub) = project();
    env.run(&["ingest", "sample-docs/handbook"]).expect(0);
    let question = ["search", "How long are backups kept?", "--format", "json", "--rerank"];
    for name in ["hf:a/cross", "hf:a/bert"] {
        let found = env.run(&[&question[..], &[name]].concat()).expect(0).json();
        assert!(!found["hits"][0]["rerank"].is_null(), "{name}: {found:#}");
    }
    let args = ["ingest", "sample-docs", "--collection", "other", "--embedder", "hf:a/cross"];
    let pairs = env.run(&args).expect(3);
    assert!(pairs.stderr.contains("makes no vectors"), "{pairs}");
}

#[test]
fn models_are_fetched_listed_and_removed() {
    let (env, hub) = project();
    let json = |args: &[&str]| env.run(&[args, &["--format", "json"]].concat());
    assert_eq!(
        json(&["models", "list"]).expect(0).json()["models"].as_array().map(Vec::len),
        Some(0)
    );
    let fetched = json(&["models", "fetch", "hf:a/bert", "hf:a/cross"]).expect(0).json();
    assert_eq!(fetched["fetched"][1]["commit"], COMMIT);
    let listed = json(&["models", "list"]).expect(0).json();
    assert_eq!(listed["models"][0]["name"], "hf:a/bert");
    assert_eq!(listed["models"][0]["snapshots"][0]["whole"], true);
    assert_eq!(listed["models"][0]["snapshots"][0]["refs"][0], "main");
    let removed = json(&["models", "remove", "hf:a/bert"]).expect(0).json();
    assert_eq!(removed["removed"][0]["bytes"], listed["models"][0]["bytes"]);
    check(&env, "models-fetch-json", &[fetched]);
    check(&env, "models-json", &[listed]);
    check(&env, "models-remove-json", &[removed]);
    let odd = cache(&env).join("models--a--odd");
    std::fs::create_dir_all(&odd).expect("a directory");
    std::fs::write(odd.join("snapshots"), "not a directory").expect("a file");
    let others = env.run(&["models", "list"]).expect(0);
    assert!(others.stdout.starts_with("hf:a/cross  "), "{others}");
    assert!(others.stderr.contains("models--a--odd: "), "{others}");
    env.run(&["models", "remove", "hf:a/bert"]).expect(1);
    env.run(&["models", "remove", "hf:a/cross@main"]).expect(2);
    env.run(&["models", "fetch", "a/cross"]).expect(2);
    hub.once("GET /api/models", Trouble::Status("401 Unauthorized", Vec::new()));
    let unknown = env.run(&["models", "fetch", "hf:a/none"]).expect(3);
    assert!(unknown.stderr.contains("HF_TOKEN"), "{unknown}");
}

#[test]
fn who_looks_only_fetches_nothing_and_says_how() {
    let (env, hub) = project();
    let named = ["--embedder", "hf:a/bert", "--rerank", "hf:a/cross"];
    let doctor = || env.run(&[&["doctor"], &named[..]].concat()).expect(0);
    let first = doctor();
    for line in [
        "beware  embedder  hf:a/bert is not in the cache yet: ",
        " kB are fetched from http://127.0.0.1:",
        "fetch it now: docent models fetch hf:a/bert\n",
        "beware  reranker  hf:a/cross is not in the cache yet",
    ] {
        assert!(first.stdout.contains(line), "{first}");
    }
    assert!(hub.asked().iter().all(|asked| asked.of_hub), "a large file was fetched");
    for (args, who) in [
        (&["ingest", "sample-docs", "--dry-run"][..], "a dry run fetches nothing"),
        (&["ingest", "sample-docs", "--check"], "a check fetches nothing"),
    ] {
        let run = env.run(&[args, &named[..2]].concat()).expect(3);
        assert!(run.stderr.contains(who), "{run}");
        assert!(run.stderr.contains("docent models fetch hf:a/bert"), "{run}");
    }
    let forbidden = env.run(&["doctor", "--embedder", "hf:a/bert", "--no-download"]).expect(3);
    assert!(forbidden.stdout.contains("--no-download forbids"), "{forbidden}");
    assert!(hub.asked().is_empty());

    ingest(&env).expect(0);
    env.run(&["models", "fetch", "hf:a/cross"]).expect(0);
    let there = doctor();
    assert!(there.stdout.contains("ok      embedder  hf:a/bert ("), "{there}");
    env.run(&["models", "remove", "hf:a/bert"]).expect(0);
    hub.asked();
    env.run(&["status", "--embedder", "hf:a/bert"]).expect(0);
    let show = ["show", "sample-docs/handbook/backups.md", "--embedder", "hf:a/bert"];
    let show = env.run(&show).expect(0);
    assert!(show.stderr.contains("tokens are not counted: the model hf:a/bert"), "{show}");
    assert!(hub.asked().is_empty());
}

#[test]
fn a_server_has_its_models_before_it_is_asked() {
    let (mut env, hub) = project();
    ingest(&env).expect(0);
    env.run(&["models", "remove", "hf:a/bert"]).expect(0);
    env.set("DOCENT_EMBEDDER", "hf:a/bert").set("DOCENT_RERANK", "hf:a/cross");
    let args = ["serve", "--listen", "127.0.0.1:0", "--no-download"];
    let refused = env.run(&args).expect(3);
    assert!(refused.stderr.contains("docent models fetch hf:a/bert"), "{refused}");
    hub.asked();
    let served = Served::start(&env, &[]);
    let large = hub.asked().into_iter().filter(|asked| !asked.of_hub).count();
    assert_eq!(large, 2, "the graphs of both");
    drop(served);

    // Agents wait for a server for seconds only, and for a tool longer.
    env.run(&["models", "remove", "hf:a/bert", "hf:a/cross"]).expect(0);
    let mut agent = Agent::start(&env, &[]);
    let mut notes = BufReader::new(agent.child.stderr.take().expect("stderr is piped")).lines();
    let fetched = notes.any(|line| line.is_ok_and(|line| line.contains("fetching hf:a/cross")));
    assert!(fetched, "nobody has asked for anything yet");
    let found = agent.call("search", json!({ "question": "How long are backups kept?" }));
    assert!(!found.is_null());
}

#[test]
fn a_version_is_measured_with_the_model_by_name_that_built_it() {
    let env = TestEnv::with_cases();
    let hub = ScriptedHub::start();
    hub.commit_directory("a/bert", COMMIT, &model("bert"));
    let mut env = env;
    env.set("HF_ENDPOINT", &hub.endpoint());
    env.run(&["ingest", "sample-docs", "--embedder", "hf:a/bert"]).expect(0);
    env.run(&["ingest", "sample-docs", "--new-version", "--embedder", "builtin"]).expect(0);
    let compare = ["eval", "cases.jsonl", "--compare", "v2,v1", "--metric", "recall@5"];
    env.run(&compare).expect(0);
    // A collection may have come from elsewhere: a model is not fetched because it names it.
    env.run(&["models", "remove", "hf:a/bert"]).expect(0);
    hub.asked();
    let missing = env.run(&compare).expect(3);
    assert!(missing.stderr.contains("hf:a/bert"), "{missing}");
    assert!(hub.asked().is_empty());
}

#[test]
fn a_hub_is_asked_through_the_proxy_of_the_environment() {
    let (mut env, hub) = project();
    env.set("HF_ENDPOINT", "http://hub.test").set("http_proxy", &hub.endpoint());
    env.run(&["models", "fetch", "hf:a/bert"]).expect(0);
    let through = |asked: &&Asked| asked.what.contains(" http://hub.test/");
    let asked = hub.asked();
    assert!(asked.iter().filter(|asked| asked.of_hub).all(|asked| through(&asked)), "{asked:?}");
}

#[test]
fn a_damaged_model_of_the_cache_is_fetched_again() {
    let (env, _hub) = project();
    ingest(&env).expect(0);
    let graph = cache(&env).join("models--a--bert/snapshots").join(COMMIT).join("onnx/model.onnx");
    let bytes = std::fs::read(&graph).expect("a model");
    std::fs::write(&graph, &bytes[..bytes.len() / 2]).expect("half of it");
    let damaged = search(&env, &[]).expect(3);
    let commands = "docent models remove hf:a/bert, then docent models fetch hf:a/bert";
    assert!(damaged.stderr.contains(commands), "{damaged}");
    env.run(&["models", "remove", "hf:a/bert"]).expect(0);
    env.run(&["models", "fetch", "hf:a/bert"]).expect(0);
    search(&env, &[]).expect(0);
}

#[test]
fn a_cache_that_cannot_be_a_directory_is_not_the_networks_fault() {
    let (mut env, _hub) = project();
    env.write("a-file", "not a directory");
    let home = env.path("a-file").display().to_string();
    env.set("HF_HOME", &home);
    let refused = env.run(&["models", "fetch", "hf:a/bert"]).expect(4);
    assert!(refused.stderr.contains("set HF_HOME to a directory"), "{refused}");
}
