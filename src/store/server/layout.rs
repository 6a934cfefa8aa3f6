//! The layout of a collection: as requested, otherwise that of the version it replaces, otherwise the
//! defaults of docent and of the server. What an operator has changed in the former version is kept.

#![expect(deprecated, reason = "servers up to 1.18 do not know the fields that replace these")]

use std::collections::HashMap;

use qdrant_client::qdrant::quantization_config::Quantization as Kind;
use qdrant_client::qdrant::{
    BinaryQuantization, CollectionConfig, CollectionInfo, CollectionParams, CollectionParamsDiff,
    CreateCollection, CreateFieldIndexCollection, FieldType, HnswConfigDiff, OptimizersConfigDiff,
    PayloadSchemaInfo, PayloadSchemaType, QuantizationConfig, QuantizationType, ScalarQuantization,
    SparseIndexConfig, SparseVectorParams, Value, VectorParams, vectors_config,
};

use super::description::MANIFEST_OF;
use super::wire::{self, TERM};
use crate::store::{DENSE, INDEXED_FIELDS, SPARSE};
use crate::types::{CollectionLayout, Quantization};

/// Prefix of docent's own keys in the metadata.
const OWN_METADATA: &str = "docent";

/// Share of a vector's numbers that determines what a byte represents; the others are outliers.
const QUANTILE: f32 = 0.99;

/// The requests that create a collection, except its name and docent's metadata.
pub(super) struct Creation {
    pub(super) create: CreateCollection,
    /// What can only be requested once the collection exists.
    pub(super) afterwards: Option<CollectionParamsDiff>,
    pub(super) indexes: Vec<CreateFieldIndexCollection>,
}

/// For vectors with this many dimensions. `former`: the version that the collection replaces.
pub(super) fn creation(
    asked: &CollectionLayout,
    dimensions: usize,
    former: Option<CollectionInfo>,
) -> Creation {
    let CollectionInfo { config, payload_schema, .. } = former.unwrap_or_default();
    let config = config.unwrap_or_default();
    let create = CreateCollection {
        vectors_config: Some(wire::named_dense(dense(asked, dimensions, &config))),
        sparse_vectors_config: Some(wire::named_sparse(sparse(asked, &config))),
        hnsw_config: Some(graph(asked, config.hnsw_config.unwrap_or_else(wire::graph_config))),
        optimizers_config: optimizers(asked, config.optimizer_config),
        quantization_config: match asked.quantization {
            Some(kind) => quantized(kind),
            None => config.quantization_config,
        },
        wal_config: config.wal_config,
        strict_mode_config: config.strict_mode_config,
        metadata: of_others(config.metadata),
        ..placed(asked, config.params.as_ref())
    };
    Creation {
        create,
        afterwards: config.params.as_ref().and_then(fan_out),
        indexes: indexes(payload_schema),
    }
}

/// Shards and copies, and whether payloads are on disk.
fn placed(asked: &CollectionLayout, former: Option<&CollectionParams>) -> CreateCollection {
    let shards = former.map(|former| former.shard_number).filter(|shards| *shards > 0);
    let copies = former.and_then(|former| former.replication_factor);
    let confirming = former.and_then(|former| former.write_consistency_factor);
    CreateCollection {
        shard_number: asked.shard_number.or(shards),
        replication_factor: asked.replication_factor.or(copies),
        write_consistency_factor: asked.write_consistency.or(confirming),
        on_disk_payload: match asked.on_disk {
            Some(true) => Some(true),
            _ => former.map(|former| former.on_disk_payload),
        },
        payload: former.and_then(|former| former.payload).filter(|_| asked.on_disk.is_none()),
        id_tracker: former.and_then(|former| former.id_tracker),
        ..CreateCollection::default()
    }
}

fn dense(asked: &CollectionLayout, dimensions: usize, former: &CollectionConfig) -> VectorParams {
    let mut params = wire::dense_params(dimensions);
    if let Some(former) = dense_of(former) {
        params = VectorParams { size: params.size, distance: params.distance, ..*former };
    }
    if asked.on_disk.is_some() {
        (params.on_disk, params.memory) = (asked.on_disk, None);
    }
    if asked.quantization.is_some() {
        // The quantization of the collection counts then.
        params.quantization_config = None;
    }
    // What the vector has of its own takes precedence over the collection's.
    params.hnsw_config = params.hnsw_config.map(|own| HnswConfigDiff {
        m: own.m.and(asked.hnsw_m).or(own.m),
        ef_construct: own.ef_construct.and(asked.hnsw_ef_construct).or(own.ef_construct),
        ..own
    });
    params
}

fn sparse(asked: &CollectionLayout, former: &CollectionConfig) -> SparseVectorParams {
    let former = former.params.as_ref().and_then(|params| params.sparse_vectors_config.as_ref());
    let mut index = former.and_then(|former| former.map.get(SPARSE)).and_then(|it| it.index);
    if asked.on_disk.is_some() {
        let former = index.unwrap_or_default();
        index = Some(SparseIndexConfig { on_disk: asked.on_disk, memory: None, ..former });
    }
    SparseVectorParams { index, ..wire::sparse_params() }
}

fn graph(asked: &CollectionLayout, former: HnswConfigDiff) -> HnswConfigDiff {
    HnswConfigDiff {
        m: asked.hnsw_m.or(former.m),
        ef_construct: asked.hnsw_ef_construct.or(former.ef_construct),
        ..former
    }
}

fn optimizers(
    asked: &CollectionLayout,
    former: Option<OptimizersConfigDiff>,
) -> Option<OptimizersConfigDiff> {
    let indexing_threshold = asked.indexing_threshold;
    match former {
        Some(former) => Some(OptimizersConfigDiff {
            indexing_threshold: indexing_threshold.or(former.indexing_threshold),
            ..former
        }),
        None => indexing_threshold.map(|_| OptimizersConfigDiff {
            indexing_threshold,
            ..OptimizersConfigDiff::default()
        }),
    }
}

/// Quantized vectors are kept in memory, wherever the exact ones are: otherwise they would be pointless.
fn quantized(kind: Quantization) -> Option<QuantizationConfig> {
    let quantization = match kind {
        Quantization::Scalar => Kind::Scalar(ScalarQuantization {
            r#type: QuantizationType::Int8.into(),
            quantile: Some(QUANTILE),
            always_ram: Some(true),
            ..ScalarQuantization::default()
        }),
        Quantization::Binary => Kind::Binary(BinaryQuantization {
            always_ram: Some(true),
            ..BinaryQuantization::default()
        }),
        // No setting requests the others.
        Quantization::None | Quantization::Product | Quantization::Turbo => return None,
    };
    Some(QuantizationConfig { quantization: Some(quantization) })
}

/// How many copies are asked at once; this can be set only on an existing collection.
fn fan_out(former: &CollectionParams) -> Option<CollectionParamsDiff> {
    let CollectionParams { read_fan_out_factor, read_fan_out_delay_ms, .. } = *former;
    let some = read_fan_out_factor.is_some() || read_fan_out_delay_ms.is_some();
    some.then(|| CollectionParamsDiff {
        read_fan_out_factor,
        read_fan_out_delay_ms,
        ..CollectionParamsDiff::default()
    })
}

/// The indexes that docent needs, and those that an operator added.
fn indexes(mut former: HashMap<String, PayloadSchemaInfo>) -> Vec<CreateFieldIndexCollection> {
    let own = INDEXED_FIELDS.map(|field| {
        let params = former.remove(field).filter(|it| it.data_type() == PayloadSchemaType::Keyword);
        index(field, FieldType::Keyword, params)
    });
    // These are created when they are needed.
    former.retain(|field, _| ![TERM, MANIFEST_OF].contains(&field.as_str()));
    let mut others: Vec<_> = former
        .into_iter()
        .filter_map(|(field, info)| Some(index(&field, field_type(info.data_type())?, Some(info))))
        .collect();
    others.sort_by(|a, b| a.field_name.cmp(&b.field_name));
    own.into_iter().chain(others).collect()
}

fn index(
    field: &str,
    kind: FieldType,
    former: Option<PayloadSchemaInfo>,
) -> CreateFieldIndexCollection {
    CreateFieldIndexCollection {
        wait: Some(true),
        field_name: field.to_owned(),
        field_type: Some(kind.into()),
        field_index_params: former.and_then(|former| former.params),
        ..CreateFieldIndexCollection::default()
    }
}

fn field_type(kind: PayloadSchemaType) -> Option<FieldType> {
    Some(match kind {
        PayloadSchemaType::Keyword => FieldType::Keyword,
        PayloadSchemaType::Integer => FieldType::Integer,
        PayloadSchemaType::Float => FieldType::Float,
        PayloadSchemaType::Geo => FieldType::Geo,
        PayloadSchemaType::Text => FieldType::Text,
        PayloadSchemaType::Bool => FieldType::Bool,
        PayloadSchemaType::Datetime => FieldType::Datetime,
        PayloadSchemaType::Uuid => FieldType::Uuid,
        PayloadSchemaType::UnknownType => return None,
    })
}

fn of_others(metadata: HashMap<String, Value>) -> HashMap<String, Value> {
    metadata.into_iter().filter(|(key, _)| !key.starts_with(OWN_METADATA)).collect()
}

/// The layout of an existing collection.
pub(super) fn of(config: &CollectionConfig) -> CollectionLayout {
    let params = config.params.as_ref();
    let dense = dense_of(config);
    let own_graph = dense.and_then(|dense| dense.hnsw_config);
    let graph = config.hnsw_config;
    let of_graph = |part: fn(HnswConfigDiff) -> Option<u64>| {
        own_graph.and_then(part).or_else(|| graph.and_then(part))
    };
    let quantized = dense.and_then(|dense| dense.quantization_config.as_ref());
    let quantized = quantized.or(config.quantization_config.as_ref());
    CollectionLayout {
        shard_number: params.map(|params| params.shard_number),
        replication_factor: params.and_then(|params| params.replication_factor),
        write_consistency: params.and_then(|params| params.write_consistency_factor),
        on_disk: dense.map(|dense| {
            let payload = params.is_some_and(|params| params.on_disk_payload);
            dense.on_disk.unwrap_or_default() && payload
        }),
        quantization: params.map(|_| kind_of(quantized)),
        hnsw_m: of_graph(|graph| graph.m),
        hnsw_ef_construct: of_graph(|graph| graph.ef_construct),
        indexing_threshold: config.optimizer_config.and_then(|it| it.indexing_threshold),
    }
}

fn kind_of(quantized: Option<&QuantizationConfig>) -> Quantization {
    match quantized.and_then(|config| config.quantization.as_ref()) {
        Some(Kind::Scalar(_)) => Quantization::Scalar,
        Some(Kind::Product(_)) => Quantization::Product,
        Some(Kind::Binary(_)) => Quantization::Binary,
        Some(Kind::Turboquant(_)) => Quantization::Turbo,
        None => Quantization::None,
    }
}

fn dense_of(config: &CollectionConfig) -> Option<&VectorParams> {
    match config.params.as_ref()?.vectors_config.as_ref()?.config.as_ref()? {
        vectors_config::Config::ParamsMap(params) => params.map.get(DENSE),
        vectors_config::Config::Params(_) => None,
    }
}

#[cfg(test)]
mod tests;
