//! The layout of a collection, as it was created and changed since, and its copies.

use std::collections::{BTreeMap, HashMap};

use qdrant_client::qdrant::{
    CollectionClusterInfoResponse, CollectionConfig, CollectionInfo, CollectionParams,
    CollectionStatus, CreateCollection, CreateFieldIndexCollection, FieldType, LocalShardInfo,
    OptimizerStatus, OptimizersConfigDiff, PayloadSchemaInfo, PayloadSchemaType, RemoteShardInfo,
    ReplicaState, UpdateCollection, Value,
};

/// The layout of a collection; its metadata is elsewhere.
#[derive(Clone, Default)]
pub(crate) struct Laid {
    pub(crate) config: CollectionConfig,
    pub(crate) indexes: HashMap<String, PayloadSchemaInfo>,
    /// Copies that are not active, by shard and peer.
    ailing: BTreeMap<(u32, u64), ReplicaState>,
    pub(crate) optimizer_error: Option<String>,
}

impl Laid {
    /// A layout with the defaults of Qdrant.
    #[expect(deprecated, reason = "servers up to 1.18 know no other field for it")]
    pub(crate) fn of(request: &CreateCollection) -> Self {
        let params = CollectionParams {
            shard_number: request.shard_number.unwrap_or(1),
            replication_factor: request.replication_factor.or(Some(1)),
            write_consistency_factor: request.write_consistency_factor.or(Some(1)),
            on_disk_payload: request.on_disk_payload.unwrap_or(true),
            vectors_config: request.vectors_config.clone(),
            sparse_vectors_config: request.sparse_vectors_config.clone(),
            ..CollectionParams::default()
        };
        let optimizers = request.optimizers_config.unwrap_or_default();
        let config = CollectionConfig {
            params: Some(params),
            hnsw_config: request.hnsw_config,
            optimizer_config: Some(OptimizersConfigDiff {
                indexing_threshold: optimizers.indexing_threshold.or(Some(10_000)),
                ..optimizers
            }),
            wal_config: request.wal_config,
            quantization_config: request.quantization_config,
            strict_mode_config: request.strict_mode_config.clone(),
            metadata: HashMap::new(),
        };
        Self { config, ..Self::default() }
    }

    /// As much as docent, and the operators in its tests, change.
    pub(crate) fn update(&mut self, request: &UpdateCollection) {
        if let (Some(new), Some(params)) = (request.params, &mut self.config.params) {
            params.read_fan_out_factor = new.read_fan_out_factor.or(params.read_fan_out_factor);
        }
        if request.strict_mode_config.is_some() {
            self.config.strict_mode_config.clone_from(&request.strict_mode_config);
        }
    }

    pub(crate) fn index(&mut self, request: CreateFieldIndexCollection) {
        let kind = match request.field_type() {
            FieldType::Keyword => PayloadSchemaType::Keyword,
            FieldType::Integer => PayloadSchemaType::Integer,
            other => panic!("no test has an index of {other:?}"),
        };
        let params = request.field_index_params;
        let info = PayloadSchemaInfo { data_type: kind.into(), params, points: None };
        self.indexes.insert(request.field_name, info);
    }

    pub(crate) fn set_state(&mut self, shard: u32, peer: u64, state: ReplicaState) {
        self.ailing.insert((shard, peer), state);
    }

    pub(crate) fn info(&self, metadata: HashMap<String, Value>) -> CollectionInfo {
        let error = self.optimizer_error.clone();
        let status = if error.is_some() { CollectionStatus::Red } else { CollectionStatus::Green };
        CollectionInfo {
            config: Some(CollectionConfig { metadata, ..self.config.clone() }),
            payload_schema: self.indexes.clone(),
            status: status.into(),
            optimizer_status: Some(OptimizerStatus {
                ok: error.is_none(),
                error: error.unwrap_or_default(),
            }),
            ..CollectionInfo::default()
        }
    }

    /// The cluster as the first of `peers` peers reports it: copies are distributed in a ring.
    pub(crate) fn cluster(&self, peers: u64) -> CollectionClusterInfoResponse {
        const ASKED: u64 = 1;
        let params = self.config.params.clone().unwrap_or_default();
        let copies = u64::from(params.replication_factor.unwrap_or(1)).min(peers);
        let mut info = CollectionClusterInfoResponse {
            peer_id: ASKED,
            shard_count: params.shard_number.into(),
            ..CollectionClusterInfoResponse::default()
        };
        for shard_id in 0..params.shard_number {
            for copy in 0..copies {
                let peer_id = (u64::from(shard_id) + copy) % peers + 1;
                let state = self.ailing.get(&(shard_id, peer_id)).copied();
                let state = state.unwrap_or(ReplicaState::Active).into();
                if peer_id == ASKED {
                    let shard = LocalShardInfo { shard_id, state, ..LocalShardInfo::default() };
                    info.local_shards.push(shard);
                } else {
                    let shard = RemoteShardInfo { shard_id, peer_id, state, shard_key: None };
                    info.remote_shards.push(shard);
                }
            }
        }
        info
    }
}
