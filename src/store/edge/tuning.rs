//! How the engine is tuned: segments, indexes, quantization, and when each of them is built.

use std::path::Path;

use qdrant_edge::{
    Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard, EdgeSparseVectorParams,
    EdgeVectorParams, FieldIndexOperations, HnswIndexConfig, Modifier, OperationError,
    OperationResult, PointId, PointOperations, QuantizationConfig, ScalarQuantizationConfig,
    ScalarType, UpdateOperation, WalOptions,
};

use super::filter_index;
use crate::store::{DENSE, EXACT_UP_TO, SPARSE};

/// Points written between two compactions. The sparse index of an appendable segment rewrites
/// whole posting lists for each point, so writing gets dearer as the segment grows.
pub(super) const COMPACT_AFTER: usize = 2_048;

/// Number of points written since the last compaction began from which a checkpoint waits for it: a merge
/// takes some seconds, during which an endpoint would be idle.
pub(super) const FLUSH_AFTER: usize = 8 * COMPACT_AFTER;

/// Smallest segment that is worth an immutable index, in KiB of its largest vectors.
const INDEX_FROM_KB: usize = 1_000;

/// Maximum number of segments in a finished collection; beyond it, the smallest are merged.
const SEGMENTS: usize = 3;

/// Largest merged segment, in KiB of its largest vectors. A merge holds its input and output in memory: its
/// size must not grow with the collection.
const SEGMENT_KB: usize = 40 << 10;

/// Number of compactions after which their segments are merged and the shard is loaded again, which frees the
/// memory of the files that were written.
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

/// One byte per dimension, beside the vectors: the dense leg compares these, and then the best of them
/// exactly. The scan is bound by memory bandwidth, of which this needs a quarter.
fn quantization() -> QuantizationConfig {
    let scalar = ScalarQuantizationConfig {
        r#type: ScalarType::Int8,
        quantile: Some(0.99),
        always_ram: None,
    };
    scalar.into()
}

/// HNSW, or none: up to [`EXACT_UP_TO`], reading memory in order is faster than building a graph for a
/// program that lives for one query. No extra links per payload value: filters by source match few points,
/// which are compared one by one.
fn graph(enabled: bool) -> HnswIndexConfig {
    let m = if enabled { HnswIndexConfig::default().m } else { 0 };
    // Mapped, like everything else, and not read into memory by each process.
    HnswIndexConfig {
        m,
        payload_m: Some(0),
        on_disk: enabled.then_some(true),
        ..HnswIndexConfig::default()
    }
}

/// While loading: each appendable segment from this size on, in KiB of its largest vectors, is turned into an
/// immutable segment.
fn loading(from_kb: usize) -> EdgeOptimizersConfig {
    EdgeOptimizersConfig {
        indexing_threshold: Some(from_kb),
        default_segment_number: Some(1_000),
        ..EdgeOptimizersConfig::default()
    }
}

/// Few segments; merged ones, and others from this size on, get an immutable index.
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
    let index = FieldIndexOperations::CreateIndex(filter_index::index());
    shard.update(UpdateOperation::FieldIndexOperation(index))?;
    Ok(shard)
}

pub(super) fn load(path: &Path) -> OperationResult<EdgeShard> {
    let shard = EdgeShard::load(path, None)?;
    // Without it nothing would be found.
    if !shard.info().payload_schema.contains_key(&filter_index::field()) {
        return Err(OperationError::service_error_light("it was built by an earlier docent"));
    }
    Ok(shard)
}

/// Keeps loading fast: see [`COMPACT_AFTER`]. Makes a segment of what was written since the last time, and
/// then another one of what was added meanwhile if that is as much again.
pub(super) fn compact(shard: &EdgeShard) -> OperationResult<()> {
    optimize(shard, loading(size_kb(shard, COMPACT_AFTER)))
}

/// Reduces the number of segments while more is written. New points are left alone, or this would chase them
/// and never end. No new graphs are built: in a growing collection they would be rebuilt with every merge.
pub(super) fn merge(shard: &EdgeShard) -> OperationResult<()> {
    optimize(shard, few(size_kb(shard, FLUSH_AFTER).min(SEGMENT_KB / 4)))
}

/// Brings a collection of this many chunks into the state in which it opens and answers fast.
pub(super) fn finish(shard: &EdgeShard, chunks: usize) -> OperationResult<()> {
    let wanted = graph(chunks * compared_bytes(shard) > EXACT_UP_TO);
    let present = shard.config().hnsw_config;
    if wanted != present {
        shard.set_hnsw_config(wanted)?;
    }
    optimize(shard, few(INDEX_FROM_KB))
}

/// Rebuilds every segment from which a point was deleted: deleted points are only marked.
pub(super) fn vacuum(shard: &EdgeShard) -> OperationResult<()> {
    let all = EdgeOptimizersConfig {
        deleted_threshold: Some(0.0),
        vacuum_min_vector_number: Some(0),
        ..few(INDEX_FROM_KB)
    };
    optimize(shard, all)
}

/// Fills the log with deletions of points that don't exist, so that the log files that remain after pruning
/// contain nothing else: see [`super::layout::prune_log`].
pub(super) fn roll_log(shard: &EdgeShard) -> OperationResult<()> {
    /// Bytes of one such id in the log.
    const ID: usize = 9;
    let options = shard.config().wal_options.clone().unwrap_or_default();
    // As much as a log file holds: each operation begins another file.
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

/// Size of the vectors of this many points, in KiB, at least 1.
fn size_kb(shard: &EdgeShard, points: usize) -> usize {
    (points * dimensions(shard) * size_of::<f32>() / 1_024).max(1)
}

fn dimensions(shard: &EdgeShard) -> usize {
    shard.config().vectors.get(DENSE).map_or(0, |dense| dense.size)
}

/// Bytes of each vector that the dense leg reads. Older collections are not quantized.
fn compared_bytes(shard: &EdgeShard) -> usize {
    let config = shard.config();
    config.vectors.get(DENSE).map_or(0, |dense| {
        dense.size * if dense.quantization_config.is_some() { 1 } else { size_of::<f32>() }
    })
}
