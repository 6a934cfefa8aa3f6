//! A layout is requested, kept and changed.

#![allow(clippy::unwrap_used, reason = "tests")]

use qdrant_client::qdrant::{StrictModeConfig, UpdateCollection};

use super::*;
use crate::store::server::ServerStore;
use crate::store::{Collection, contract, scripted};

fn asked() -> CollectionLayout {
    CollectionLayout {
        shard_number: Some(2),
        replication_factor: Some(1),
        write_consistency: Some(1),
        on_disk: Some(true),
        quantization: Some(Quantization::Scalar),
        hnsw_m: Some(20),
        hnsw_ef_construct: Some(120),
        indexing_threshold: Some(5_000),
    }
}

async fn rebuild(store: &ServerStore) {
    let writer = store.write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    successor.create(&contract::manifest()).await.unwrap();
    successor.publish(0).await.unwrap();
    writer.close().await.unwrap();
}

async fn info(store: &ServerStore) -> CollectionInfo {
    store.info(&store.name).await.unwrap().unwrap()
}

/// Changes that an operator makes to an existing collection.
async fn adjust(store: &ServerStore) {
    let collection_name = store.version(1);
    let params =
        CollectionParamsDiff { read_fan_out_factor: Some(2), ..CollectionParamsDiff::default() };
    let strict_mode_config = StrictModeConfig {
        enabled: Some(true),
        max_query_limit: Some(5_000),
        ..StrictModeConfig::default()
    };
    let update = UpdateCollection {
        collection_name: collection_name.clone(),
        params: Some(params),
        strict_mode_config: Some(strict_mode_config),
        metadata: HashMap::from([("team".to_owned(), "ferries".into())]),
        ..UpdateCollection::default()
    };
    store.update(update).await.unwrap();
    let index =
        CreateFieldIndexCollection { collection_name, ..index("chunks", FieldType::Integer, None) };
    let indexed = store.link.ask(|client| {
        let index = index.clone();
        async move { client.create_field_index(index).await }
    });
    indexed.await.unwrap();
}

/// Everything that a rebuild keeps.
fn kept(info: CollectionInfo) -> (CollectionConfig, Vec<(String, i32)>) {
    let mut config = info.config.unwrap();
    config.metadata = of_others(config.metadata);
    let indexes = info.payload_schema.into_iter().map(|(field, it)| (field, it.data_type));
    let mut indexes: Vec<_> = indexes.collect();
    indexes.sort();
    (config, indexes)
}

async fn a_rebuild_keeps_what_it_is_not_asked_to_change(mut store: ServerStore) {
    store.layout = asked();
    contract::filled(&store).await.close().await.unwrap();
    adjust(&store).await;
    let before = kept(info(&store).await);
    assert_eq!(of(&before.0), asked());
    // With the operator's index, and that of the terms.
    assert_eq!(before.1.len(), INDEXED_FIELDS.len() + 2);

    store.layout = CollectionLayout::default();
    rebuild(&store).await;
    let after = kept(info(&store).await);
    assert_eq!(after, before);
    assert_eq!(after.0.metadata.len(), 1);
    assert_eq!(after.0.params.unwrap().read_fan_out_factor, Some(2));

    let other = CollectionLayout {
        shard_number: Some(3),
        on_disk: Some(false),
        quantization: Some(Quantization::Binary),
        hnsw_m: Some(8),
        ..CollectionLayout::default()
    };
    store.layout = other;
    rebuild(&store).await;
    let config = info(&store).await.config.unwrap();
    let CollectionLayout { shard_number, on_disk, quantization, hnsw_m, .. } = other;
    let expected = CollectionLayout { shard_number, on_disk, quantization, hnsw_m, ..asked() };
    assert_eq!(of(&config), expected);
    assert!(config.strict_mode_config.is_some_and(|limits| limits.enabled()));
    store.layout = CollectionLayout { quantization: Some(Quantization::None), ..other };
    rebuild(&store).await;
    assert_eq!(of(&info(&store).await.config.unwrap()).quantization, Some(Quantization::None));
    contract::remove(&store).await;
}

#[tokio::test]
async fn a_rebuild_keeps_the_layout() {
    a_rebuild_keeps_what_it_is_not_asked_to_change(scripted::well_behaved()).await;
    if let Some(store) = contract::on_server() {
        a_rebuild_keeps_what_it_is_not_asked_to_change(store).await;
    }
}

#[test]
fn a_new_collection_has_docents_graph_and_what_is_asked_for() {
    let Creation { create, afterwards, indexes } = creation(&CollectionLayout::default(), 4, None);
    assert_eq!((create.shard_number, create.on_disk_payload), (None, None));
    assert_eq!(create.hnsw_config, Some(wire::graph_config()));
    assert_eq!((create.optimizers_config, afterwards), (None, None));
    assert_eq!(indexes.len(), INDEXED_FIELDS.len());
    let create = creation(&asked(), 4, None).create;
    assert_eq!((create.shard_number, create.on_disk_payload), (Some(2), Some(true)));
    let graph = create.hnsw_config.unwrap();
    assert_eq!((graph.m, graph.ef_construct), (Some(20), Some(120)));
    assert_eq!(graph.full_scan_threshold, wire::graph_config().full_scan_threshold);
    assert_eq!(kind_of(create.quantization_config.as_ref()), Quantization::Scalar);
}

/// What was requested takes precedence over what the vector had of its own.
#[test]
fn a_requested_layout_overrides_what_the_vector_had_of_its_own() {
    let graph = HnswConfigDiff { m: Some(64), ..HnswConfigDiff::default() };
    let own = VectorParams {
        size: 8,
        on_disk: Some(true),
        hnsw_config: Some(graph),
        quantization_config: quantized(Quantization::Binary),
        ..wire::dense_params(8)
    };
    let params = CollectionParams {
        shard_number: 1,
        vectors_config: Some(wire::named_dense(own)),
        ..CollectionParams::default()
    };
    let config = CollectionConfig { params: Some(params), ..CollectionConfig::default() };
    let quantized = of(&config).quantization;
    assert_eq!((of(&config).hnsw_m, quantized), (Some(64), Some(Quantization::Binary)));
    let kept = dense(&CollectionLayout::default(), 4, &config);
    assert_eq!(kept, VectorParams { size: 4, ..*dense_of(&config).unwrap() });
    let changed = dense(&asked(), 4, &config);
    let own = changed.hnsw_config.unwrap();
    assert_eq!((own.m, own.ef_construct), (Some(20), None));
    assert_eq!(changed.quantization_config, None);
}
