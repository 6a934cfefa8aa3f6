//! How a collection is kept, as a server reports it.

#![allow(clippy::unwrap_used, reason = "tests")]

use qdrant_client::qdrant::ReplicaState;

use super::*;
use crate::types::{CollectionLayout, Deployment, NodeHealth};

/// A collection with three shards and two copies of each on a cluster of three peers.
async fn clustered() -> (Script, ServerStore) {
    let script = Script::new("1.18.3", []);
    script.memory.lock().unwrap().other_peers = 2;
    let layout = CollectionLayout {
        shard_number: Some(3),
        replication_factor: Some(2),
        ..CollectionLayout::default()
    };
    let store = connect(ServerOptions { layout, ..listen(&script) }, "docs").unwrap();
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    writer.close().await.unwrap();
    (script, store)
}

async fn told(store: &ServerStore) -> Deployment {
    store.deployment().await.unwrap().unwrap()
}

#[tokio::test]
async fn copies_are_reported_with_their_peers_and_states() {
    let (script, store) = clustered().await;
    let deployment = told(&store).await;
    assert_eq!(deployment.peers().into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    let live: Vec<_> = deployment.shards.iter().map(|it| (it.shard, it.live())).collect();
    assert_eq!(live, [(0, 2), (1, 2), (2, 2)]);
    assert_eq!((deployment.status.as_str(), deployment.strict_mode), ("green", None));
    script.memory.lock().unwrap().laid("docs").set_state(1, 3, ReplicaState::Dead);
    let deployment = told(&store).await;
    let copies = deployment.shards[1].copies.iter();
    let copies: Vec<_> = copies.map(|it| (it.peer, it.state.as_str(), it.live)).collect();
    assert_eq!(copies, [(2, "active", true), (3, "dead", false)]);
    let nothing = connect(listen(&script), "other").unwrap();
    assert_eq!(nothing.deployment().await, Ok(None));
}

#[tokio::test]
async fn the_writer_is_reported_while_it_writes() {
    let (_, store) = clustered().await;
    let given_back = told(&store).await.lease.unwrap();
    assert_eq!(given_back.holder, None);
    let writer = store.write().await.unwrap();
    let held = told(&store).await.lease.unwrap();
    assert!(held.holder.unwrap().starts_with(&format!("process {} (", std::process::id())));
    assert!(!held.holder_ended);
    assert_eq!(held.life, 30);
    writer.close().await.unwrap();
}

#[tokio::test]
async fn each_node_that_was_named_is_asked_itself() {
    let (script, store) = clustered().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let one = format!("http://127.0.0.1:{}", qdrant::listen(&script));
    let options = ServerOptions { url: format!("{one},http://{gone}"), ..options(1) };
    let nodes = told(&connect(options, "docs").unwrap()).await.nodes;
    let well = NodeHealth { address: one, version: Some("1.18.3".to_owned()), error: None };
    assert_eq!(nodes[0], well);
    assert!(nodes[1].error.as_ref().unwrap().contains("connection refused"), "{nodes:?}");
    assert_eq!(told(&store).await.nodes.len(), 1);
}

/// A key for the collection alone gets what it may see.
#[tokio::test]
async fn what_the_key_may_not_ask_is_left_out() {
    let (script, store) = clustered().await;
    script.then([Step::Pass, Step::Pass]);
    script.then(times(1, Code::PermissionDenied, "Global access is required"));
    let deployment = told(&store).await;
    assert_eq!(deployment.shards, []);
    assert_eq!(deployment.layout.shard_number, Some(3));
}

#[tokio::test]
async fn a_layout_that_differs_from_the_requested_one_is_reported() {
    let (script, store) = clustered().await;
    assert_eq!(store.unheeded_layout().await, Ok(Vec::new()));
    let layout = CollectionLayout { replication_factor: Some(3), ..CollectionLayout::default() };
    let options = ServerOptions { layout, ..listen(&script) };
    let unheeded = connect(options.clone(), "docs").unwrap().unheeded_layout().await.unwrap();
    assert_eq!(unheeded.len(), 1);
    assert_eq!((unheeded[0].asked.as_str(), unheeded[0].actual.as_str()), ("3", "2"),);
    assert_eq!(connect(options, "other").unwrap().unheeded_layout().await, Ok(Vec::new()));
}
