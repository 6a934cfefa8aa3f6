//! A Qdrant server that does not allow everything: limits of strict mode, and tokens with some rights.
//!
//! | what is restricted | what the user sees | exit |
//! | --- | --- | --- |
//! | batches, pages, conditions, exact counts, rates | the same as without | 0, 1 |
//! | limits that are too small for docent | the limit, what is needed, the request that raises it | 3 |
//! | a token to write one collection | `ingest` into it does its work | 0 |
//! | the same, and a collection is to be made | the missing right, and the rights that the token has | 3 |
//! | a token to read | commands that only read work, `ingest` names the missing right | 0, 3 |
//! | a token that cannot see all versions | `purge` says which there may be | 5 |

use qdrant_client::qdrant::StrictModeConfig;
use serde_json::json;

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::qdrant::rights::{token, token_on};
use crate::qdrant::{Script, ScriptedQdrant};

const KEY: &str = "the-key-of-the-server";
const INGEST: &[&str] = &["ingest", "docs"];
const SEARCH: &[&str] = &["search", "ferry to Elba", "--source", "docs/*.md", "--format", "json"];

/// Documents that are ingested with the key of the server.
struct Scene {
    env: TestEnv,
    server: ScriptedQdrant,
}

impl Scene {
    fn new() -> Self {
        let mut env = TestEnv::new();
        for name in ["Amrum", "Borkum", "Corfu", "Elba", "Föhr"] {
            write(&env, name, "leaves in the morning");
        }
        let server = ScriptedQdrant::start(Script::new("1.18.3", []).require_key(KEY));
        env.set("QDRANT_URL", &server.url())
            .set("DOCENT_PROJECT", "docent")
            .set("DOCENT_ATTEMPTS", "1")
            .set("DOCENT_QDRANT_RETRY_FOR", "1s")
            .set("QDRANT_API_KEY", KEY);
        env.run(INGEST).expect(0);
        Self { env, server }
    }

    fn run(&self, args: &[&str]) -> Run {
        self.env.run(args)
    }

    /// The same with another key.
    fn with(mut self, key: &str) -> Self {
        self.env.set("QDRANT_API_KEY", key);
        self
    }

    fn restrict(&self, strict: StrictModeConfig) {
        self.server.script.memory.lock().expect("a memory").restrict("docent", strict);
    }

    /// One document changes, and another goes.
    fn change(&self) {
        write(&self.env, "Elba", "was cancelled");
        std::fs::remove_file(self.env.path("docs/Corfu.md")).expect("a document");
    }

    fn contents(&self) -> Vec<String> {
        let mut contents = self.server.script.memory.lock().expect("a memory").contents("docent");
        // The manifest, where it is in a point.
        contents.retain(|line| !line.contains("manifest_of"));
        contents
    }
}

fn write(env: &TestEnv, name: &str, what: &str) {
    env.write(&format!("docs/{name}.md"), format!("# {name}\n\nThe ferry to {name} {what}.\n"));
}

/// What is stored if the same is done without restrictions, and what a search finds.
fn free() -> (Vec<String>, serde_json::Value) {
    let scene = Scene::new();
    scene.change();
    scene.run(INGEST).expect(0);
    (scene.contents(), scene.run(SEARCH).expect(0).json()["passages"].clone())
}

#[test]
fn within_the_limits_of_strict_mode_all_is_the_same() {
    let (contents, passages) = free();
    let scene = Scene::new();
    scene.restrict(StrictModeConfig {
        upsert_max_batchsize: Some(2),
        search_max_batchsize: Some(1),
        max_query_limit: Some(2),
        filter_max_conditions: Some(6),
        condition_max_size: Some(2),
        search_allow_exact: Some(false),
        unindexed_filtering_retrieve: Some(false),
        unindexed_filtering_update: Some(false),
        read_rate_limit: Some(8),
        write_rate_limit: Some(3),
        ..StrictModeConfig::default()
    });
    scene.change();
    scene.run(INGEST).expect(0);
    assert_eq!(scene.contents(), contents);
    assert_eq!(scene.run(SEARCH).expect(0).json()["passages"], passages);
    scene.run(&["ingest", "docs", "--check"]).expect(0);
    for reads in [&["status"][..], &["doctor"], &["query", "Which ferry?"]] {
        scene.run(reads).expect(0);
    }
}

#[test]
fn a_limit_that_is_too_small_is_named_with_what_raises_it() {
    let scene = Scene::new();
    let strict = StrictModeConfig { filter_max_conditions: Some(1), ..Default::default() };
    scene.restrict(strict);
    let tagged = ["search", "ferry", "--tag", "a", "--tag", "b"];
    assert_run!(scene.run(&tagged).expect(3), @r#"
    $ docent search ferry --tag a --tag b
    exit 3
    --- stdout
    --- stderr
    error: the vector store does not allow this
      caused by: http://127.0.0.1:[PORT]: strict mode of collection "docent@v1" allows 1 for filter_max_conditions, and this needs 2: PATCH /collections/docent@v1 {"strict_mode_config": {"filter_max_conditions": 2}}
    hint: the administrator of the server can raise the limit over REST; docs/qdrant-server.md says what docent needs
    "#);
}

#[test]
fn a_token_to_write_one_collection_is_enough_to_keep_it_up_to_date() {
    let (contents, passages) = free();
    let scene = Scene::new().with(&token_on(&[("docent", "rw"), ("docent@lease", "rw")]));
    scene.run(INGEST).expect(0);
    scene.change();
    scene.run(&["ingest", "docs", "--check"]).expect(1);
    scene.run(INGEST).expect(0);
    assert_eq!(scene.contents(), contents);
    assert_eq!(scene.run(SEARCH).expect(0).json()["passages"], passages);
    for args in [&["status"][..], &["doctor"], &["ingest", "docs", "--check"]] {
        scene.run(args).expect(0);
    }
    assert_run!(scene.run(&["ingest", "docs", "--rebuild"]).expect(3), @r"
    $ docent ingest docs --rebuild
    exit 3
    --- stdout
    --- stderr
    error: the key may not do this with the vector store
      caused by: http://127.0.0.1:[PORT]: lacks a right: manage on the whole server is needed to make a collection; this token has rw on docent, rw on docent@lease
    hint: use a key or token with that right; docs/qdrant-server.md lists the rights that each command needs
    ");
    let scene = scene.with(KEY);
    scene.run(&["ingest", "docs", "--check"]).expect(0);
    scene.run(&["ingest", "docs", "--rebuild"]).expect(0);
    let rebuilt = scene.server.script.memory.lock().expect("a memory").contents("docent");
    assert_eq!(rebuilt.len(), contents.len(), "the manifest is in no point any more");
}

#[test]
fn a_token_to_read_reads() {
    let mut scene = Scene::new();
    for key in [token_on(&[("docent", "r")]), token(&json!("r"))] {
        scene = scene.with(&key);
        scene.run(SEARCH).expect(0);
        for args in
            [&["status"][..], &["doctor"], &["query", "ferry"], &["ingest", "--check", "docs"]]
        {
            scene.run(args).expect(0);
        }
        let refused = scene.run(INGEST).expect(3);
        assert!(refused.stderr.contains("lacks a right: "), "{refused}");
        assert!(refused.stderr.contains("; this token has r on "), "{refused}");
    }
}

#[test]
fn a_purge_says_which_versions_its_token_is_not_told_of() {
    const PURGE: &[&str] = &["purge", "--source", "docs/Elba.md", "--yes", "--format", "json"];
    let scene = Scene::new();
    scene.run(&["ingest", "docs", "--new-version"]).expect(0);
    let names = [("docent", "rw"), ("docent@lease", "rw")];
    let scene = scene.with(&token_on(&names));
    let report = scene.run(PURGE).expect(5).json();
    assert_eq!(report["hidden_versions"], json!([2]));
    assert_eq!(report["versions"].as_array().map(Vec::len), Some(1));
    let told = scene.run(&["purge", "--source", "docs/Elba.md", "--yes"]).expect(5);
    assert!(told.stdout.contains("in the versions that this token can see"), "{told}");

    // A token that names the versions needs no right on the server.
    let scene =
        scene.with(&token_on(&[&names[..], &[("docent@v1", "rw"), ("docent@v2", "rw")]].concat()));
    let report = scene.run(PURGE).expect(0).json();
    assert_eq!((&report["hidden_versions"], &report["chunks"]), (&json!([]), &json!(1)));
    let scene = scene.with(KEY);
    let left = scene.run(PURGE).expect(0).json();
    assert_eq!(left["sources"], json!([]));
    for version in ["2", "1"] {
        scene.run(&["index", "use", version]).expect(0);
        scene.run(&["index", "verify"]).expect(0);
        assert!(!scene.run(SEARCH).stdout.contains("docs/Elba.md"));
    }
}
