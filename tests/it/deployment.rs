//! The layout of a collection on a Qdrant server, and what `status` and `doctor` report about it.

use qdrant_client::qdrant::ReplicaState;
use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::qdrant::{Script, ScriptedQdrant};

/// A project, and a cluster of as many nodes.
fn scene(nodes: u64) -> (TestEnv, ScriptedQdrant) {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    server.script.memory.lock().expect("a memory").other_peers = nodes - 1;
    let mut env = TestEnv::new();
    env.write("docs/a.md", "# Amrum\n\nThe ferry to Amrum leaves at nine.\n");
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "team");
    (env, server)
}

/// The layout as `status` reports it.
fn layout(env: &TestEnv) -> Value {
    env.run(&["status", "--format", "json"]).expect(0).json()["server"]["layout"].clone()
}

#[test]
fn a_collection_is_laid_out_as_asked_and_keeps_that() {
    let (env, _server) = scene(3);
    let asked = "ingest docs --shard-number 4 --replication-factor 2 --write-consistency 2 --on-disk \
                 --quantization scalar --hnsw-m 16 --hnsw-ef-construct 100 --indexing-threshold 5000";
    env.run(&asked.split_whitespace().collect::<Vec<_>>()).expect(0);
    let mut expected = json!({
        "shard_number": 4, "replication_factor": 2, "write_consistency": 2, "on_disk": true,
        "quantization": "scalar", "hnsw_m": 16, "hnsw_ef_construct": 100, "indexing_threshold": 5000,
    });
    assert_eq!(layout(&env), expected);
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    assert_eq!(layout(&env), expected);

    let again = env.run(&["ingest", "docs", "--replication-factor", "3", "--on-disk"]).expect(0);
    let note =
        "--replication-factor 3 changes nothing: collection `team` has 2 copies of each shard";
    assert!(again.stderr.contains(note), "{again}");
    assert!(!again.stderr.contains("--on-disk changes"), "{again}");
    assert_eq!(layout(&env), expected);

    let changed = env.run(&["ingest", "docs", "--rebuild", "--replication-factor", "3"]).expect(0);
    assert!(!changed.stderr.contains("changes nothing"), "{changed}");
    expected["replication_factor"] = json!(3);
    assert_eq!(layout(&env), expected);
}

#[test]
fn what_is_for_a_server_is_said_to_be_where_the_collection_is_embedded() {
    let mut env = TestEnv::new();
    env.write("docs/a.md", "# Amrum\n\nThe ferry to Amrum leaves at nine.\n");
    let typed = env.run(&["ingest", "docs", "--quantization", "binary", "--on-disk"]).expect(0);
    let note = "--on-disk, --quantization change nothing here: the collection is embedded";
    assert!(typed.stderr.contains(note), "{typed}");
    env.set("DOCENT_QDRANT_QUANTIZATION", "binary");
    let set = env.run(&["ingest", "docs"]).expect(0);
    assert!(!set.stderr.contains("nothing here"), "{set}");
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status.get("server"), None);
    env.run(&["ingest", "docs", "--quantization", "half"]).expect(2);
    env.run(&["ingest", "docs", "--hnsw-m", "0"]).expect(2);
}

#[test]
fn copies_that_are_away_are_seen_by_status_and_doctor() {
    let (env, server) = scene(3);
    env.run(&["ingest", "docs", "--shard-number", "2", "--replication-factor", "2"]).expect(0);
    let well = env.run(&["status"]).expect(0);
    assert!(well.stdout.contains("2 shards, each with 2 copies configured: 4 of 4 live"), "{well}");
    assert!(well.stdout.contains("copies on 3 peers, green"), "{well}");
    assert!(!well.stderr.contains("warning"), "{well}");
    let set_state = |shard, peer, state| {
        let mut memory = server.script.memory.lock().expect("a memory");
        memory.laid("team").set_state(shard, peer, state);
    };
    set_state(1, 3, ReplicaState::Dead);
    let status = env.run(&["status"]).expect(0);
    let message =
        "shard 1 has fewer live copies than the 2 that are configured: 1 live, dead on peer 3";
    assert!(status.stderr.contains(message), "{status}");
    let doctor = env.run(&["doctor"]).expect(0);
    assert!(doctor.stdout.contains(&format!("beware  server    {message}")), "{doctor}");
    let server_of = |run: crate::env::Run| run.json()["server"].clone();
    let told = server_of(env.run(&["doctor", "--format", "json"]).expect(0));
    assert_eq!(told["concerns"][0]["message"], message);
    assert_eq!(told["peers"], json!([1, 2, 3]));
    assert_eq!(told, server_of(env.run(&["status", "--format", "json"]).expect(0)));
    set_state(1, 2, ReplicaState::Dead);
    let doctor = env.run(&["doctor"]).expect(4);
    assert!(doctor.stdout.contains("failed  server    no copy of shard 1 is live"), "{doctor}");
}

#[test]
fn one_copy_on_several_nodes_is_advised_against() {
    let (env, _server) = scene(2);
    env.run(&["ingest", "docs"]).expect(0);
    let doctor = env.run(&["doctor"]).expect(0);
    let message =
        "one copy of each shard, on a cluster of 2 nodes: if one node is lost, search fails";
    assert!(doctor.stdout.contains(message), "{doctor}");
    let status = env.run(&["status"]).expect(0);
    assert!(!status.stderr.contains("one copy"), "{status}");
    let (alone, _server) = scene(1);
    alone.run(&["ingest", "docs"]).expect(0);
    let doctor = alone.run(&["doctor", "--format", "json"]).expect(0).json();
    assert_eq!(doctor["server"]["concerns"], json!([]));
}
