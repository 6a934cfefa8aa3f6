//! The nodes of a cluster, as a test sees them: through their own addresses, and by a command that starts
//! and kills them.

use std::collections::BTreeMap;
use std::future::Future;
use std::process::Command;
use std::time::{Duration, Instant};

use qdrant_client::qdrant::update_collection_cluster_setup_request::Operation;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{
    CollectionClusterInfoResponse, CountPointsBuilder, MoveShard, ReplicaState,
    ScrollPointsBuilder, UpdateCollectionClusterSetupRequest, Value,
};
use qdrant_client::{Qdrant, QdrantError};
use tokio::runtime::Runtime;

pub(super) const NODES: usize = 3;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_mins(3);

/// Fields of a point, by their names.
pub(super) type Payload = BTreeMap<String, String>;

pub(super) struct Cluster {
    addresses: Vec<String>,
    /// Starts, kills, freezes and thaws a node.
    command: String,
    clients: Vec<Qdrant>,
    runtime: Runtime,
}

impl Cluster {
    /// `None`, with a message, if there is no cluster.
    pub(super) fn from_environment() -> Option<Self> {
        let variable = |name| std::env::var(name).ok();
        let (Some(addresses), Some(command)) =
            (variable("DOCENT_TEST_QDRANT_CLUSTER"), variable("DOCENT_TEST_QDRANT_NODE"))
        else {
            say("NOT RUN: there is no cluster; tests/cluster/run starts one");
            return None;
        };
        let addresses: Vec<String> = addresses.split(',').map(str::to_owned).collect();
        assert_eq!(addresses.len(), NODES, "DOCENT_TEST_QDRANT_CLUSTER names three nodes");
        let client = |address: &String| {
            let built = Qdrant::from_url(address).skip_compatibility_check().build();
            built.expect("a client")
        };
        let clients = addresses.iter().map(client).collect();
        let runtime = Runtime::new().expect("a runtime");
        Some(Self { addresses, command, clients, runtime })
    }

    /// The addresses of all nodes, beginning with `first`.
    pub(super) fn addresses(&self, first: usize) -> String {
        let mut addresses = self.addresses.clone();
        addresses.rotate_left(first);
        addresses.join(",")
    }

    pub(super) fn tell(&self, action: &str, node: usize) {
        let status = Command::new(&self.command).arg(action).arg((node + 1).to_string()).status();
        assert!(status.expect("the command runs").success(), "{action} {node}");
    }

    fn ask<'a, T, F>(
        &'a self,
        node: usize,
        request: impl FnOnce(&'a Qdrant) -> F,
    ) -> Result<T, QdrantError>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        self.runtime.block_on(request(&self.clients[node]))
    }

    pub(super) fn wait_for_points(&self, node: usize, name: &str, count: u64) {
        wait(&format!("{count} points in {name}"), || {
            let counted = self.ask(node, |client| client.count(CountPointsBuilder::new(name)));
            counted.is_ok_and(|counted| counted.result.is_some_and(|result| result.count >= count))
        });
    }

    fn shards(
        &self,
        node: usize,
        name: &str,
    ) -> Result<CollectionClusterInfoResponse, QdrantError> {
        self.ask(node, |client| client.collection_cluster_info(name))
    }

    /// Waits until every copy of these collections is active, as each node sees it, and none is being
    /// moved.
    pub(super) fn wait_until_healthy(&self, names: &[&str]) {
        let active = i32::from(ReplicaState::Active);
        wait(&format!("{names:?} are healthy"), || {
            (0..NODES).all(|node| {
                names.iter().all(|name| {
                    self.shards(node, name).is_ok_and(|info| {
                        info.local_shards.iter().all(|shard| shard.state == active)
                            && info.remote_shards.iter().all(|shard| shard.state == active)
                            && info.shard_transfers.is_empty()
                    })
                })
            })
        });
    }

    /// Begins to move what a node has of a collection to nodes that have no copy of it.
    pub(super) fn move_shards(&self, node: usize, name: &str) {
        let info = self.shards(node, name).expect("the shards");
        let peers: Vec<u64> =
            (0..NODES).map(|node| self.shards(node, name).expect("the shards").peer_id).collect();
        for shard in &info.local_shards {
            let has = |peer: u64| {
                info.remote_shards.iter().any(|s| s.shard_id == shard.shard_id && s.peer_id == peer)
            };
            let Some(to) = peers.iter().find(|peer| **peer != info.peer_id && !has(**peer)) else {
                continue;
            };
            let operation = Operation::MoveShard(MoveShard {
                shard_id: shard.shard_id,
                from_peer_id: info.peer_id,
                to_peer_id: *to,
                ..MoveShard::default()
            });
            let request = UpdateCollectionClusterSetupRequest {
                collection_name: name.to_owned(),
                operation: Some(operation),
                timeout: None,
            };
            self.ask(node, |client| client.update_collection_cluster_setup(request))
                .expect("the shard is moved");
        }
    }

    /// The payload of each point, without times, the name of the run and who wrote it.
    pub(super) fn points(&self, node: usize, name: &str) -> BTreeMap<String, Payload> {
        let mut points = BTreeMap::new();
        let mut next = None;
        loop {
            let mut request = ScrollPointsBuilder::new(name).limit(1000).with_payload(true);
            if let Some(next) = next.take() {
                request = request.offset::<qdrant_client::qdrant::PointId>(next);
            }
            let page = self.ask(node, |client| client.scroll(request)).expect("a page");
            for point in page.result {
                let mut payload: BTreeMap<_, _> = point.payload.into_iter().collect();
                for field in ["ingested_at", "run_id", "mtime", "term"] {
                    payload.remove(field);
                }
                let payload = payload.into_iter().map(|(name, value)| (name, sorted(value)));
                points.insert(format!("{:?}", point.id), payload.collect());
            }
            next = page.next_page_offset;
            if next.is_none() {
                return points;
            }
        }
    }

    /// A collection with its versions.
    pub(super) fn remove(&self, name: &str) {
        let listed = self.ask(0, Qdrant::list_collections).expect("the collections");
        for collection in listed.collections {
            if collection.name.starts_with(&format!("{name}@"))
                || collection.name.starts_with(&format!("{name}-new@"))
            {
                self.ask(0, |client| client.delete_collection(collection.name.clone()))
                    .expect("it is removed");
            }
        }
    }
}

/// A value as text: members of a structure have no order of their own.
fn sorted(value: Value) -> String {
    match value.kind {
        Some(Kind::StructValue(members)) => {
            let members = members.fields.into_iter().map(|(name, value)| (name, sorted(value)));
            format!("{:?}", members.collect::<BTreeMap<_, _>>())
        }
        Some(Kind::ListValue(list)) => {
            format!("{:?}", list.values.into_iter().map(sorted).collect::<Vec<_>>())
        }
        kind => format!("{kind:?}"),
    }
}

#[expect(clippy::print_stderr, reason = "says how long it took, or that nothing was tested")]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}

fn wait(what: &str, happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < PATIENCE, "did not happen: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
