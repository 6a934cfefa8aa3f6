//! How a collection is kept on a server, as its nodes report: shards, copies, limits, and who writes it.
//!
//! A node reports copies as the cluster agreed when one last failed: a node that is down counts as active
//! until somebody misses it. So each node that was named is asked itself.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::join_all;
use qdrant_client::qdrant::{
    CollectionClusterInfoResponse, CollectionInfo, CollectionStatus, ReplicaState, StrictModeConfig,
};
use serde_json::Value;

use super::lease::place_of;
use super::link::or_missing;
use super::{ServerStore, layout};
use crate::error::{BackendError, Fault};
use crate::types::{
    CollectionLayout, Deployment, IgnoredLayout, ShardCopies, ShardCopy, ShardTransfer,
};

/// Maximum wait for a node's answer on whether it is alive.
const GLANCE: Duration = Duration::from_secs(3);

impl ServerStore {
    /// How the collection is kept; `None` where there is none. A key with few rights gets the part that it
    /// may ask for.
    ///
    /// # Errors
    /// The server fails.
    pub async fn deployment(&self) -> Result<Option<Deployment>, BackendError> {
        let Some((version, _)) = self.current().await? else { return Ok(None) };
        // By its name, which is what a token for the collection names.
        let Some(info) = self.info(&self.name).await? else { return Ok(None) };
        let store = Self { base: version.base, ..self.clone() };
        let lease_collection = place_of(&store.base);
        let cluster = may_ask(store.cluster(&self.name).await)?.flatten();
        let guarding = may_ask(store.cluster(&lease_collection).await)?.flatten();
        let lease = may_ask(store.lease().seen(self.terms.life).await)?.flatten();
        let CollectionInfo { config, optimizer_status, .. } = &info;
        let failed = optimizer_status.as_ref().filter(|optimizer| !optimizer.ok);
        let peer = cluster.as_ref().map(|cluster| cluster.peer_id);
        let transfers = cluster.iter().flat_map(|cluster| &cluster.shard_transfers);
        Ok(Some(Deployment {
            lease_collection,
            nodes: join_all(self.link.nodes().map(|node| node.health(GLANCE))).await,
            layout: config.as_ref().map(layout::of).unwrap_or_default(),
            status: colour(info.status()).to_owned(),
            optimizer_error: failed.map(|optimizer| optimizer.error.clone()),
            strict_mode: config
                .as_ref()
                .and_then(|config| limits(config.strict_mode_config.as_ref())),
            transfers: transfers
                .map(|it| ShardTransfer { shard: it.shard_id, from: it.from, to: it.to })
                .collect(),
            shards: cluster.map(shards).unwrap_or_default(),
            lease_copies: guarding
                .map(shards)
                .unwrap_or_default()
                .into_iter()
                .flat_map(|shard| shard.copies)
                .collect(),
            peer,
            lease,
        }))
    }

    /// Which parts of the requested layout the collection does not have; `None` where there is none.
    ///
    /// # Errors
    /// The server fails.
    pub async fn unheeded_layout(&self) -> Result<Vec<IgnoredLayout>, BackendError> {
        if self.layout == CollectionLayout::default() {
            return Ok(Vec::new());
        }
        let config = self.config(&self.name).await?;
        Ok(config.map_or_else(Vec::new, |config| self.layout.unheeded_by(&layout::of(&config))))
    }

    async fn cluster(
        &self,
        name: &str,
    ) -> Result<Option<CollectionClusterInfoResponse>, BackendError> {
        let asked =
            self.link.ask(|client| async move { client.collection_cluster_info(name).await });
        or_missing(asked.await)
    }
}

/// `None` where the key may not ask.
fn may_ask<T>(answer: Result<T, BackendError>) -> Result<Option<T>, BackendError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.fault == Fault::Unauthorized => Ok(None),
        Err(error) => Err(error),
    }
}

/// All shards by number, with their copies by peer.
fn shards(info: CollectionClusterInfoResponse) -> Vec<ShardCopies> {
    let mut copies: BTreeMap<u32, Vec<ShardCopy>> = BTreeMap::new();
    let local = info.local_shards.iter().map(|it| (it.shard_id, info.peer_id, it.state()));
    let remote = info.remote_shards.iter().map(|it| (it.shard_id, it.peer_id, it.state()));
    for (shard, peer, state) in local.chain(remote) {
        copies.entry(shard).or_default().push(ShardCopy {
            peer,
            state: snake_case(state.as_str_name()),
            live: answers(state),
        });
    }
    let sorted = |(shard, mut copies): (u32, Vec<ShardCopy>)| {
        copies.sort_by_key(|copy| copy.peer);
        ShardCopies { shard, copies }
    };
    copies.into_iter().map(sorted).collect()
}

/// Whether a copy in this state answers searches.
fn answers(state: ReplicaState) -> bool {
    match state {
        ReplicaState::Active | ReplicaState::ActiveRead | ReplicaState::ReshardingScaleDown => true,
        ReplicaState::Dead
        | ReplicaState::Partial
        | ReplicaState::Initializing
        | ReplicaState::Listener
        | ReplicaState::PartialSnapshot
        | ReplicaState::Recovery
        | ReplicaState::Resharding
        | ReplicaState::ManualRecovery => false,
    }
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

fn colour(status: CollectionStatus) -> &'static str {
    match status {
        CollectionStatus::Green => "green",
        CollectionStatus::Yellow => "yellow",
        CollectionStatus::Red => "red",
        CollectionStatus::Grey => "grey",
        CollectionStatus::UnknownCollectionStatus => "unknown",
    }
}

/// The limits that are set, under Qdrant's names; `None` where strict mode is off.
#[expect(deprecated, reason = "a limit of servers up to 1.18")]
fn limits(config: Option<&StrictModeConfig>) -> Option<BTreeMap<String, Value>> {
    let config = config.filter(|config| config.enabled())?;
    let number = |number: Option<u32>| number.map(Value::from);
    let large = |number: Option<u64>| number.map(Value::from);
    let flag = |flag: Option<bool>| flag.map(Value::from);
    let all = HashMap::from([
        ("max_query_limit", number(config.max_query_limit)),
        ("max_timeout", number(config.max_timeout)),
        ("unindexed_filtering_retrieve", flag(config.unindexed_filtering_retrieve)),
        ("unindexed_filtering_update", flag(config.unindexed_filtering_update)),
        ("search_max_hnsw_ef", number(config.search_max_hnsw_ef)),
        ("search_allow_exact", flag(config.search_allow_exact)),
        ("search_max_oversampling", config.search_max_oversampling.map(Value::from)),
        ("upsert_max_batchsize", large(config.upsert_max_batchsize)),
        ("search_max_batchsize", large(config.search_max_batchsize)),
        ("max_collection_vector_size_bytes", large(config.max_collection_vector_size_bytes)),
        ("read_rate_limit", number(config.read_rate_limit)),
        ("write_rate_limit", number(config.write_rate_limit)),
        ("max_collection_payload_size_bytes", large(config.max_collection_payload_size_bytes)),
        ("filter_max_conditions", large(config.filter_max_conditions)),
        ("condition_max_size", large(config.condition_max_size)),
        ("max_points_count", large(config.max_points_count)),
        ("max_payload_index_count", large(config.max_payload_index_count)),
        ("max_resident_memory_percent", number(config.max_resident_memory_percent)),
    ]);
    let set = all.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?)));
    Some(set.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_names_that_qdrant_shows() {
        for (state, expected) in [
            (ReplicaState::Active, "active"),
            (ReplicaState::PartialSnapshot, "partial_snapshot"),
            (ReplicaState::ReshardingScaleDown, "resharding_scale_down"),
        ] {
            assert_eq!(snake_case(state.as_str_name()), expected);
        }
    }

    #[test]
    fn limits_count_where_strict_mode_is_on() {
        let config = StrictModeConfig { max_query_limit: Some(50), ..StrictModeConfig::default() };
        assert_eq!(limits(Some(&config)), None);
        let config = StrictModeConfig { enabled: Some(true), ..config };
        let limits = limits(Some(&config));
        assert_eq!(limits, Some(BTreeMap::from([("max_query_limit".to_owned(), 50.into())])));
    }
}
