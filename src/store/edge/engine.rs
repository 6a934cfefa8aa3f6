//! The engine's own types: points, filters and queries to and from it, and how it is tuned.

use std::collections::HashMap;
use std::path::Path;

use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    Condition, CountRequest, Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard,
    EdgeSparseVectorParams, EdgeVectorParams, FieldIndexOperations, Filter, HasIdCondition,
    HnswIndexConfig, Modifier, NamedQuery, OperationError, OperationResult, Payload, PointId,
    PointInsertOperations, PointOperations, PointStructPersisted, QueryEnum, QueryRequest, Record,
    ScoredPoint, ScoringQuery, ScrollRequest, UpdateOperation, Vector, VectorInternal,
    VectorStructInternal, VectorStructPersisted, WalOptions, WithPayloadInterface, WithVector,
};
use uuid::Uuid;

use super::keys::{self, any, is, must, path};
use crate::store::payload::{self, CHUNK, TALLIED};
use crate::store::{ChunkList, ChunkPage, Counter, DENSE, EXACT_UP_TO, SPARSE};
use crate::types::{Chunk, ContentHash, Point, Scored, SparseVector, Tally};

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

/// Compactions after which what they left is merged and the shard is loaded anew, which gives back
/// the memory of the files that were written.
pub(super) const MERGE_AFTER: usize = 16;

/// Bytes of one file of the engine's log, two of which stay on disk.
pub(super) const LOG_SEGMENT: usize = 4 << 20;

const PAGE: usize = 4_096;

fn config(dimensions: usize) -> EdgeConfig {
    let wal = WalOptions { segment_capacity: LOG_SEGMENT, ..WalOptions::default() };
    EdgeConfig::builder()
        .vector(
            DENSE,
            EdgeVectorParams::builder(dimensions, Distance::Cosine).on_disk(true).build(),
        )
        .sparse_vector(
            SPARSE,
            EdgeSparseVectorParams::builder().modifier(Modifier::Idf).on_disk(true).build(),
        )
        .hnsw_config(graph(false))
        .optimizers(few(INDEX_FROM_KB))
        .wal_options(wal)
        .build()
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

/// Brings a collection into the state in which it opens and answers fast.
pub(super) fn finish(shard: &EdgeShard) -> OperationResult<()> {
    let chunks = count_chunks(shard)?;
    let wanted = graph(chunks * dimensions(shard) * size_of::<f32>() > EXACT_UP_TO);
    let present = shard.config().hnsw_config;
    if wanted != present {
        shard.set_hnsw_config(wanted)?;
    }
    optimize(shard, few(INDEX_FROM_KB))
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

pub(super) fn upsert_chunks(shard: &EdgeShard, points: Vec<Point>) -> OperationResult<()> {
    let points = points.into_iter().map(chunk_point).collect::<OperationResult<_>>()?;
    upsert(shard, points)
}

/// Points with a payload only.
pub(super) fn upsert_records(
    shard: &EdgeShard,
    records: Vec<(Uuid, payload::Payload)>,
) -> OperationResult<()> {
    let points = records.into_iter().map(|(id, payload)| point(id, HashMap::new(), payload));
    upsert(shard, points.collect())
}

fn upsert(shard: &EdgeShard, points: Vec<PointStructPersisted>) -> OperationResult<()> {
    let points = PointInsertOperations::PointsList(points);
    shard.update(UpdateOperation::PointOperation(PointOperations::UpsertPoints(points)))
}

fn chunk_point(Point { chunk, dense, sparse }: Point) -> OperationResult<PointStructPersisted> {
    let mut vectors = HashMap::new();
    if let Some(dense) = dense {
        vectors.insert(DENSE.into(), VectorInternal::Dense(dense));
    }
    if !sparse.indices.is_empty() {
        vectors.insert(SPARSE.into(), sparse_vector(sparse)?);
    }
    Ok(point(chunk.id(), vectors, payload::of_chunk(chunk)))
}

fn point(
    id: Uuid,
    vectors: HashMap<String, VectorInternal>,
    mut payload: payload::Payload,
) -> PointStructPersisted {
    keys::add(&mut payload);
    PointStructPersisted {
        id: PointId::Uuid(id),
        vector: VectorStructPersisted::from(VectorStructInternal::Named(vectors)),
        payload: Some(Payload(payload)),
    }
}

fn sparse_vector(vector: SparseVector) -> OperationResult<VectorInternal> {
    Vector::new_sparse(vector.indices, vector.values).map(VectorInternal::from)
}

/// Chunks of these documents, less those in `keep`.
pub(super) fn delete_chunks(
    shard: &EdgeShard,
    sources: &[String],
    keep: &[Uuid],
) -> OperationResult<()> {
    let mut filter = must(vec![is("record", CHUNK), any("source", sources)]);
    if !keep.is_empty() {
        let keep: HasIdCondition = keep.iter().copied().map(PointId::Uuid).collect();
        filter.must_not = Some(vec![Condition::HasId(keep)]);
    }
    shard.update(UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter)))
}

pub(super) fn delete_records(shard: &EdgeShard, ids: &[Uuid]) -> OperationResult<()> {
    let ids = ids.iter().copied().map(PointId::Uuid).collect();
    shard.update(UpdateOperation::PointOperation(PointOperations::DeletePoints { ids }))
}

/// Whether there is a point with one of these ids.
pub(super) fn has_any(shard: &EdgeShard, ids: &[Uuid]) -> OperationResult<bool> {
    let ids: Vec<PointId> = ids.iter().copied().map(PointId::Uuid).collect();
    let (no_payload, no_vector) = (WithPayloadInterface::Bool(false), WithVector::Bool(false));
    Ok(!shard.retrieve(&ids, Some(no_payload), Some(no_vector))?.is_empty())
}

pub(super) fn count_chunks(shard: &EdgeShard) -> OperationResult<usize> {
    shard.count(CountRequest { filter: Some(must(vec![is("record", CHUNK)])), exact: true })
}

/// Shows the payloads of all records of this kind, in no order.
pub(super) fn records(
    shard: &EdgeShard,
    kind: &str,
    mut each: impl FnMut(payload::Payload),
) -> OperationResult<()> {
    let whole = WithPayloadInterface::Bool(true);
    scroll(shard, &must(vec![is("record", kind)]), &whole, &WithVector::Bool(false), |record| {
        record.payload.into_iter().for_each(|payload| each(keys::without(payload.0)));
        Ok(())
    })
}

/// A page of chunks, ordered by id, and the id that the next one begins with.
pub(super) fn chunks(shard: &EdgeShard, request: &ChunkPage) -> OperationResult<ChunkList> {
    let conditions = keys::conditions(&request.filter).into_iter();
    let (records, next) = shard.scroll(ScrollRequest {
        offset: request.from.map(PointId::Uuid),
        limit: Some(request.limit),
        filter: Some(must(conditions.chain([is("record", CHUNK)]).collect())),
        with_payload: Some(WithPayloadInterface::Bool(true)),
        with_vector: WithVector::Bool(false),
        order_by: None,
    })?;
    let chunk = |record: Record| {
        let payload = record.payload.map(|payload| payload.0).unwrap_or_default();
        payload::to_chunk(payload).map_err(OperationError::service_error_light)
    };
    let id = |id: PointId| match id {
        PointId::Uuid(id) => Ok(id),
        PointId::NumId(_) => Err(OperationError::service_error_light(payload::FOREIGN_ID)),
    };
    Ok(ChunkList {
        chunks: records.into_iter().map(chunk).collect::<OperationResult<_>>()?,
        next: next.map(id).transpose()?,
    })
}

/// Chunks by the version of the document they belong to.
pub(super) fn tally(shard: &EdgeShard) -> OperationResult<Vec<Tally>> {
    let mut counter = Counter::default();
    let filter = must(vec![is("record", CHUNK)]);
    let fields = WithPayloadInterface::Fields(TALLIED.map(path).to_vec());
    scroll(shard, &filter, &fields, &WithVector::Bool(false), |record| {
        let payload = record.payload.map(|payload| payload.0).unwrap_or_default();
        counter.add(&payload).map_err(OperationError::service_error_light)
    })?;
    Ok(counter.tally())
}

/// Dense vectors of the chunks with these hashes, with the payload field that holds the hash.
pub(super) fn vectors(
    shard: &EdgeShard,
    hashes: &[ContentHash],
) -> OperationResult<Vec<(payload::Payload, Vec<f32>)>> {
    let hashes = hashes.iter().map(|hash| &hash.0);
    let filter = must(vec![is("record", CHUNK), any("chunk_hash", hashes)]);
    let only_hash = WithPayloadInterface::Fields(vec![path("chunk_hash")]);
    let mut found = Vec::new();
    scroll(shard, &filter, &only_hash, &WithVector::Selector(vec![DENSE.into()]), |record| {
        if let Some(VectorStructInternal::Named(mut vectors)) = record.vector
            && let Some(VectorInternal::Dense(dense)) = vectors.remove(DENSE)
            && let Some(payload) = record.payload
        {
            found.push((payload.0, dense));
        }
        Ok(())
    })?;
    Ok(found)
}

fn scroll(
    shard: &EdgeShard,
    filter: &Filter,
    with_payload: &WithPayloadInterface,
    with_vector: &WithVector,
    mut each: impl FnMut(Record) -> OperationResult<()>,
) -> OperationResult<()> {
    let mut offset = None;
    loop {
        let (records, next) = shard.scroll(ScrollRequest {
            offset,
            limit: Some(PAGE),
            filter: Some(filter.clone()),
            with_payload: Some(with_payload.clone()),
            with_vector: with_vector.clone(),
            order_by: None,
        })?;
        records.into_iter().try_for_each(&mut each)?;
        if next.is_none() {
            return Ok(());
        }
        offset = next;
    }
}

/// What to search, apart from the vector.
pub(super) struct Search {
    pub(super) filter: Option<Filter>,
    pub(super) limit: usize,
    pub(super) min_score: Option<f32>,
}

pub(super) fn dense_leg(
    shard: &EdgeShard,
    search: &Search,
    vector: Vec<f32>,
) -> OperationResult<Vec<ScoredPoint>> {
    leg(shard, search, DENSE, VectorInternal::Dense(vector))
}

pub(super) fn sparse_leg(
    shard: &EdgeShard,
    search: &Search,
    vector: SparseVector,
) -> OperationResult<Vec<ScoredPoint>> {
    leg(shard, search, SPARSE, sparse_vector(vector)?)
}

fn leg(
    shard: &EdgeShard,
    search: &Search,
    using: &str,
    query: VectorInternal,
) -> OperationResult<Vec<ScoredPoint>> {
    shard.query(QueryRequest {
        filter: search.filter.clone(),
        score_threshold: search.min_score.map(OrderedFloat),
        with_payload: WithPayloadInterface::Bool(true),
        ..nearest(using, query, search.limit)
    })
}

/// Bare: without a filter, and without anything of the points.
fn nearest(using: &str, query: VectorInternal, limit: usize) -> QueryRequest {
    let query = QueryEnum::Nearest(NamedQuery { query, using: Some(using.into()) });
    QueryRequest {
        prefetches: Vec::new(),
        query: Some(ScoringQuery::Vector(query)),
        filter: None,
        score_threshold: None,
        limit,
        offset: 0,
        params: None,
        with_vector: WithVector::Bool(false),
        with_payload: WithPayloadInterface::Bool(false),
    }
}

/// The IDF of a term, which the engine does not tell: the score of the chunk that has most of the
/// term is the weight of the term there times its IDF.
pub(super) fn idf(shard: &EdgeShard, term: u32) -> OperationResult<Option<f32>> {
    let asked = SparseVector { indices: vec![term], values: vec![1.0] };
    let best = shard.query(QueryRequest {
        with_vector: WithVector::Selector(vec![SPARSE.into()]),
        ..nearest(SPARSE, sparse_vector(asked)?, 1)
    })?;
    let idf = |point: ScoredPoint| {
        let VectorStructInternal::Named(mut named) = point.vector? else { return None };
        let VectorInternal::Sparse(vector) = named.remove(SPARSE)? else { return None };
        let at = vector.indices.iter().position(|&index| index == term)?;
        Some(point.score / vector.values.get(at)?)
    };
    Ok(best.into_iter().next().and_then(idf))
}

pub(super) fn scored(point: ScoredPoint) -> Result<Scored, String> {
    let payload = point.payload.map(|payload| payload.0).unwrap_or_default();
    let chunk: Chunk = payload::to_chunk(payload)?;
    Ok(Scored { chunk, score: point.score })
}

/// A point as some other program might write it.
#[cfg(test)]
pub(super) fn upsert_foreign(
    shard: &EdgeShard,
    payload: &serde_json::Value,
) -> OperationResult<()> {
    let vectors = HashMap::from([(DENSE.into(), VectorInternal::Dense(vec![1.0; 4]))]);
    let payload = payload.as_object().cloned().unwrap_or_default();
    upsert(shard, vec![point(Uuid::from_u128(1), vectors, payload)])
}

/// Takes the index from a shard.
#[cfg(test)]
pub(super) fn without_index(path: &Path) -> OperationResult<()> {
    let shard = EdgeShard::load(path, None)?;
    let index = FieldIndexOperations::DeleteIndex(keys::field());
    shard.update(UpdateOperation::FieldIndexOperation(index))?;
    shard.flush();
    Ok(())
}
