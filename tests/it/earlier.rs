//! A collection that an earlier docent wrote opens as it is, or says what to do.
//!
//! An earlier docent is not available here, so what it did not write yet is removed from what this one
//! writes. An embedded collection loses its checksums, listings and marks, the later fields of its
//! manifest and records, and the log; one on a server loses the same, its metadata except for the
//! manifest, and the lease beside it.

use std::fs;
use std::path::{Path, PathBuf};

use qdrant_edge::{
    EdgeShard, PointInsertOperations, PointOperations, PointStructPersisted, ScrollRequest,
    UpdateOperation, VectorStructPersisted, WithPayloadInterface, WithVector,
};
use serde_json::{Map, Value, json};

use crate::env::{Run, TestEnv};
use crate::qdrant::{Script, ScriptedQdrant};

/// Fields that manifests did not have in earlier versions.
const NEW_IN_MANIFEST: [&str; 8] = [
    "generation",
    "checksum",
    "content_hash",
    "languages",
    "owner",
    "sites",
    "roots",
    "unfinished",
];

/// Fields that records of documents did not have in earlier versions.
const NEW_IN_RECORD: [&str; 7] =
    ["content_hash", "language", "secrets", "warnings", "ocr", "project", "text_fields"];

fn pages(env: &TestEnv) {
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry to Elba leaves at nine.\n");
    env.write("docs/harbour.md", "# Harbour\n\nThe harbour has two piers of oak.\n");
}

fn version(env: &TestEnv) -> PathBuf {
    env.path(".docent/collections/docent@v1")
}

/// Changes the manifest of the first version, as it was before manifests had checksums.
fn edit_manifest(env: &TestEnv, edit: impl Fn(&mut Map<String, Value>)) {
    let path = version(env).join("manifest.json");
    let text = fs::read(&path).expect("a manifest");
    let mut manifest: Map<String, Value> = serde_json::from_slice(&text).expect("JSON");
    for field in NEW_IN_MANIFEST {
        manifest.remove(field);
    }
    edit(&mut manifest);
    fs::write(path, serde_json::to_vec_pretty(&manifest).expect("JSON")).expect("a file");
}

/// Changes the payload of each record of a document.
fn edit_records(shard: &Path, edit: impl Fn(&mut Map<String, Value>)) {
    let shard = EdgeShard::load(shard, None).expect("a shard");
    let request = ScrollRequest {
        offset: None,
        limit: Some(1_000),
        filter: None,
        with_payload: Some(WithPayloadInterface::Bool(true)),
        with_vector: WithVector::Bool(true),
        order_by: None,
    };
    let (records, _) = shard.scroll(request).expect("a page");
    let mut changed = Vec::new();
    for record in records {
        let mut payload = record.payload.expect("a payload");
        if payload.0.get("record") != Some(&json!("document")) {
            continue;
        }
        edit(&mut payload.0);
        let vector = record.vector.map_or_else(no_vectors, VectorStructPersisted::from);
        changed.push(PointStructPersisted { id: record.id, vector, payload: Some(payload) });
    }
    assert!(!changed.is_empty(), "there are records");
    let upsert = PointOperations::UpsertPoints(PointInsertOperations::PointsList(changed));
    shard.update(UpdateOperation::PointOperation(upsert)).expect("an update");
    shard.flush();
}

fn no_vectors() -> VectorStructPersisted {
    VectorStructPersisted::Named(std::collections::HashMap::default())
}

/// The collection as an earlier docent left it.
fn make_older(env: &TestEnv) {
    let collections = env.path(".docent/collections");
    fs::write(collections.join("docent"), "v1\n").expect("a pointer");
    for name in ["docent@number", "docent@log", "docent@lock", "docent@writer"] {
        fs::remove_file(collections.join(name)).expect("a file");
    }
    for name in ["sums.json", "documents.jsonl", "failures.jsonl"] {
        fs::remove_file(version(env).join(name)).expect("a file");
    }
    fs::remove_file(env.path(".docent/changes.jsonl")).expect("a file");
    edit_manifest(env, |manifest| {
        // There was one language for all documents.
        manifest["sparse"]["language"] = json!("english");
    });
    edit_records(&version(env).join("shard"), |record| {
        for field in NEW_IN_RECORD {
            record.remove(field);
        }
    });
}

fn on_server() -> (TestEnv, ScriptedQdrant) {
    let mut env = TestEnv::new();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "docent");
    (env, server)
}

fn make_older_on(server: &ScriptedQdrant) {
    let mut memory = server.script.memory.lock().expect("a memory");
    memory.forget_owner("docent");
    for field in ["content_hash", "languages", "sites", "roots", "unfinished"] {
        memory.forget_in_manifest("docent", field);
    }
    for key in ["docent_version", "docent_physical"] {
        memory.forget_metadata("docent", key);
    }
    memory.each_payload("docent", |payload| {
        for field in NEW_IN_RECORD.iter().chain(&["term"]) {
            payload.remove(*field);
        }
    });
    assert!(memory.delete_collection("docent@lease"));
}

#[test]
fn an_embedded_collection_of_before_is_asked_and_brought_up_to_date() {
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    make_older(&env);
    is_used(&env);
}

#[test]
fn one_on_a_server_too() {
    let (env, server) = on_server();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    make_older_on(&server);
    is_used(&env);
}

/// Uses the collection with every command that uses a collection.
fn is_used(env: &TestEnv) {
    let asked = |what: &str| {
        env.run(&["search", "When does the ferry leave?"]).expect(0).stdout.contains(what)
    };
    assert!(asked("leaves at nine"));
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!((&status["documents"], &status["chunks"]), (&json!(2), &json!(2)), "{status}");
    let verified = env.run(&["index", "verify"]).expect(0);
    assert!(verified.stderr.contains("of an earlier version of docent"), "{verified}");
    let log = env.run(&["index", "log"]).expect(0);
    assert!(log.stdout.contains("unknown"), "it is told from what there is: {log}");
    // Only what changed is ingested again.
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!((&report["unchanged"], &report["chunks"]), (&json!(2), &json!(0)), "{report}");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry to Elba leaves at ten now.\n");
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!((&report["changed"], &report["unchanged"]), (&json!(1), &json!(1)), "{report}");
    assert!(asked("leaves at ten"));
    // Versions begin with it.
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    env.run(&["index", "use", "2"]).expect(0);
    let whole = env.run(&["index", "verify"]).expect(0);
    assert!(whole.stdout.contains("\ncontent ") && whole.stderr.is_empty(), "{whole}");
    env.run(&["index", "rollback"]).expect(0);
    assert!(asked("leaves at ten"));
    env.run(&["index", "diff", "1", "2"]).expect(0);
    env.run(&["index", "export", "all.docent"]).expect(0);
    let elsewhere = TestEnv::new();
    fs::copy(env.path("all.docent"), elsewhere.path("all.docent")).expect("a copy");
    elsewhere.run(&["index", "import", "all.docent"]).expect(0);
    let found = elsewhere.run(&["search", "ferry"]).expect(0);
    assert!(found.stdout.contains("leaves at ten"), "{found}");
    let purge = ["purge", "--source", "docs/ferry.md", "--yes"];
    env.run(&purge).expect(0);
    assert!(!asked("leaves at"));
}

#[track_caller]
fn says(run: Run, words: &[&str]) {
    let run = run.expect(3);
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {run}");
    }
}

/// A collection that can't be used gives a hint, and the hint works.
#[test]
fn what_was_built_by_other_rules_is_built_anew() {
    const REBUILD: &str = "docent ingest --rebuild";
    let cut_otherwise =
        |manifest: &mut Map<String, Value>| manifest["chunker"]["revision"] = json!(1);
    let other_words = |manifest: &mut Map<String, Value>| manifest["sparse"]["revision"] = json!(0);
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    edit_manifest(&env, cut_otherwise);
    assert!(env.run(&["search", "ferry"]).expect(0).stdout.contains("leaves at nine"));
    says(env.run(&["ingest", "docs"]), &["cut documents into other chunks", REBUILD]);
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    env.run(&["ingest", "docs", "--check"]).expect(0);

    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    edit_manifest(&env, other_words);
    says(env.run(&["search", "ferry"]), &["another version of docent", REBUILD]);
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    assert!(env.run(&["search", "ferry"]).expect(0).stdout.contains("leaves at nine"));

    // A collection of a later docent.
    edit_second(&env, |manifest| manifest["schema_version"] = json!(2));
    let later = env.run(&["search", "ferry"]);
    assert_eq!(later.code, Some(4), "{later}");
    assert!(
        later.stderr.contains("later docent") && later.stderr.contains("use that one"),
        "{later}"
    );
}

fn edit_second(env: &TestEnv, edit: impl Fn(&mut Map<String, Value>)) {
    let second = env.path(".docent/collections/docent@v2");
    let first = version(env);
    fs::remove_dir_all(&first).expect("a former version");
    fs::rename(&second, &first).expect("a version");
    edit_manifest(env, edit);
    fs::rename(&first, &second).expect("a version");
}

#[test]
fn records_that_can_not_be_read_on_a_server_are_brought_in_beside_them() {
    let (env, server) = on_server();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    let mut memory = server.script.memory.lock().expect("a memory");
    memory.each_payload("docent", |payload| drop(payload.remove("terms")));
    drop(memory);
    for args in [&["ingest", "docs"][..], &["ingest", "--rebuild"], &["status"]] {
        let unread = env.run(args).expect(4);
        assert!(unread.stderr.contains("a stored document record can't be read"), "{unread}");
        assert!(unread.stderr.contains("docent ingest PATH --collection NAME"), "{unread}");
    }
    env.run(&["ingest", "docs", "--collection", "again"]).expect(0);
    let found = env.run(&["search", "ferry", "--collection", "again"]).expect(0);
    assert!(found.stdout.contains("leaves at nine"), "{found}");
}

/// Records that lack needed fields can't be read: the hint ingests the documents again.
#[test]
fn records_that_can_not_be_read_are_brought_in_again() {
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    make_older(&env);
    edit_records(&version(&env).join("shard"), |record| drop(record.remove("terms")));
    for args in [&["ingest", "docs"][..], &["ingest", "--rebuild"], &["status"]] {
        let unread = env.run(args).expect(4);
        assert!(unread.stderr.contains("a stored document record can't be read"), "{unread}");
        let said = "rm -r [PROJECT]/.docent/collections/docent [PROJECT]/.docent/collections/docent@*, then docent ingest PATH";
        assert!(unread.stderr.contains(said), "{unread}");
    }
    fs::remove_file(env.path(".docent/collections/docent")).expect("a pointer");
    for entry in fs::read_dir(env.path(".docent/collections")).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            .expect("removed");
    }
    env.run(&["ingest", "docs"]).expect(0);
    assert!(env.run(&["search", "ferry"]).expect(0).stdout.contains("leaves at nine"));
}
