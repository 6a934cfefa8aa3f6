//! How the engine is tuned: segments, indexes, quantization, and when each is made.

use std::path::Path;

use qdrant_edge::{
    Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard, EdgeSparseVectorParams,
    EdgeVectorParams, FieldIndexOperations, HnswIndexConfig, Modifier, OperationError,
    OperationResult, PointId, PointOperations, QuantizationConfig, ScalarQuantizationConfig,
    ScalarType, UpdateOperation, WalOptions,
};

use super::keys;
use crate::store::{DENSE, EXACT_UP_TO, SPARSE};

/// Points written between two compactions. The sparse index of an appendable segment rewrites
/// whole posting lists for each point, so writing gets dearer as the segment grows.
pub(super) const COMPACT_AFTER: usize = 2_048;

/// Points written since the last compaction was begun from which on a checkpoint waits for it: a
/// merge takes some seconds, in which an endpoint would have nothing to do.
pub(super) const FLUSH_AFTER: usize = 8 * COMPACT_AFTER;

/// Smallest segment that is worth an immutable index, in KiB of its largest vectors.
const INDEX_FROM_KB: usize = 1_000;

/// Segments that a finished collection may have before the smallest are merged.
const SEGMENTS: usize = 3;

/// Largest merged segment, in KiB of its largest vectors. A merge holds what it reads and what it
/// writes in memory: its size must not follow from that of the collection.
const SEGMENT_KB: usize = 40 << 10;

/// Compactions after which what they left is merged and the shard is loaded again, which gives back
/// the memory of the files that were written.
pub(super) const MERGE_AFTER: usize = 16;

/// Bytes of one file of the engine's log, two of which stay on disk.
pub(super) const LOG_SEGMENT: usize = 4 << 20;

fn config(dimensions: usize) -> EdgeConfig {
    let dense = EdgeVectorParams::builder(dimensions, Distance::Cosine)
        .on_disk(true)
        .quantization_config(quantization())
        .build();
    let wal = WalOptions { segment_capacity: LOG_SEGMENT, ..WalOptions::default() };
    EdgeConfig::builder()
        .vector(DENSE, dense)
        .sparse_vector(
            SPARSE,
            EdgeSparseVectorParams::builder().modifier(Modifier::Idf).on_disk(true).build(),
        )
        .hnsw_config(graph(false))
        .optimizers(few(INDEX_FROM_KB))
        .wal_options(wal)
        .build()
}

/// A byte for each dimension, beside the vectors: the dense leg compares these and then, exactly, the
/// first of them. It is bound by memory, of which that is a quarter.
fn quantization() -> QuantizationConfig {
    let scalar = ScalarQuantizationConfig {
        r#type: ScalarType::Int8,
        quantile: Some(0.99),
        always_ram: None,
    };
    scalar.into()
}

/// HNSW, or none: up to [`EXACT_UP_TO`], reading memory in order beats building a graph for a
/// program that lives for one query. No extra links per payload value: filters by source match few points, which are
/// compared one by one.
fn graph(enabled: bool) -> HnswIndexConfig {
    let m = if enabled { HnswIndexConfig::default().m } else { 0 };
    // Mapped, like all else, and not read into memory by each process.
    HnswIndexConfig {
        m,
        payload_m: Some(0),
        on_disk: enabled.then_some(true),
        ..HnswIndexConfig::default()
    }
}

/// While loading: each appendable segment from this size on, in KiB of its largest vectors, becomes
/// an immutable one of its own.
fn loading(from_kb: usize) -> EdgeOptimizersConfig {
    EdgeOptimizersConfig {
        indexing_threshold: Some(from_kb),
        default_segment_number: Some(1_000),
        ..EdgeOptimizersConfig::default()
    }
}

/// Few segments; those that are merged, and others from this size on, get an immutable index.
fn few(from_kb: usize) -> EdgeOptimizersConfig {
    EdgeOptimizersConfig {
        indexing_threshold: Some(from_kb),
        default_segment_number: Some(SEGMENTS),
        max_segment_size: Some(SEGMENT_KB),
        ..EdgeOptimizersConfig::default()
    }
}

pub(super) fn create(path: &Path, dimensions: usize) -> OperationResult<EdgeShard> {
    let shard = EdgeShard::new(path, config(dimensions))?;
    let index = FieldIndexOperations::CreateIndex(keys::index());
    shard.update(UpdateOperation::FieldIndexOperation(index))?;
    Ok(shard)
}

pub(super) fn load(path: &Path) -> OperationResult<EdgeShard> {
    let shard = EdgeShard::load(path, None)?;
    // Nothing would be found in it.
    if !shard.info().payload_schema.contains_key(&keys::field()) {
        return Err(OperationError::service_error_light("it was built by an earlier docent"));
    }
    Ok(shard)
}

/// Keeps loading fast: see [`COMPACT_AFTER`]. Makes a segment of what was written since the last time,
/// and then of what was added meanwhile where that is as much again.
pub(super) fn compact(shard: &EdgeShard) -> OperationResult<()> {
    optimize(shard, loading(size_kb(shard, COMPACT_AFTER)))
}

/// Leaves few segments, while more is written: that is left alone, or this would go after it and not
/// end. A graph is made of none that would have none so far: those of a collection that still grows
/// would be made again with every merge.
pub(super) fn merge(shard: &EdgeShard) -> OperationResult<()> {
    optimize(shard, few(size_kb(shard, FLUSH_AFTER).min(SEGMENT_KB / 4)))
}

/// Brings a collection of so many chunks into the state in which it opens and answers fast.
pub(super) fn finish(shard: &EdgeShard, chunks: usize) -> OperationResult<()> {
    let wanted = graph(chunks * compared_bytes(shard) > EXACT_UP_TO);
    let present = shard.config().hnsw_config;
    if wanted != present {
        shard.set_hnsw_config(wanted)?;
    }
    optimize(shard, few(INDEX_FROM_KB))
}

/// Makes every segment again that a point was taken out of: what is taken out is only marked so.
pub(super) fn vacuum(shard: &EdgeShard) -> OperationResult<()> {
    let all = EdgeOptimizersConfig {
        deleted_threshold: Some(0.0),
        vacuum_min_vector_number: Some(0),
        ..few(INDEX_FROM_KB)
    };
    optimize(shard, all)
}

/// Fills the log with deletions of what is not there, so that nothing else is in the files of it that stay when
/// it is cut down: see [`super::layout::prune_log`].
pub(super) fn roll_log(shard: &EdgeShard) -> OperationResult<()> {
    /// Bytes of such an id in the log.
    const ID: usize = 9;
    let options = shard.config().wal_options.clone().unwrap_or_default();
    // As much as a file of it holds: each begins another one.
    let ids = (options.segment_capacity / ID + 1) as u64;
    for _ in 0..2 {
        let ids = (0..ids).map(|number| PointId::NumId(u64::MAX - number)).collect();
        let nothing = PointOperations::DeletePoints { ids };
        shard.update(UpdateOperation::PointOperation(nothing))?;
    }
    Ok(())
}

fn optimize(shard: &EdgeShard, config: EdgeOptimizersConfig) -> OperationResult<()> {
    // Setting it writes a file, and waits for the disk.
    if shard.config().optimizers != config {
        shard.set_optimizers_config(config)?;
    }
    shard.optimize().map(|_| ())
}

/// Size of the vectors of so many points, in KiB, 1 at least.
fn size_kb(shard: &EdgeShard, points: usize) -> usize {
    (points * dimensions(shard) * size_of::<f32>() / 1_024).max(1)
}

fn dimensions(shard: &EdgeShard) -> usize {
    shard.config().vectors.get(DENSE).map_or(0, |dense| dense.size)
}

/// Bytes of each vector that the dense leg looks at. A collection of before is not quantized.
fn compared_bytes(shard: &EdgeShard) -> usize {
    let config = shard.config();
    config.vectors.get(DENSE).map_or(0, |dense| {
        dense.size * if dense.quantization_config.is_some() { 1 } else { size_of::<f32>() }
    })
}
