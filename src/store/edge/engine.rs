//! Conversions to and from the engine's own types: points, filters and queries.

use std::collections::HashMap;

use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    Condition, CountRequest, EdgeShard, Filter, HasIdCondition, NamedQuery, OperationError,
    OperationResult, Payload, PointId, PointInsertOperations, PointOperations,
    PointStructPersisted, QuantizationSearchParams, QueryEnum, QueryRequest, Record, ScoredPoint,
    ScoringQuery, ScrollRequest, SearchParams, UpdateOperation, Vector, VectorInternal,
    VectorStructInternal, VectorStructPersisted, WithPayloadInterface, WithVector,
};
use uuid::Uuid;

use super::filter_index::{self, any, is, must, path};
use crate::store::payload::{self, CHUNK, TALLIED};
use crate::store::{Counter, DENSE, ForeignPoints, SPARSE};
use crate::types::{Chunk, ChunkTally, ContentHash, Point, Scored, SparseVector};

const PAGE: usize = 4_096;

pub(super) fn upsert_chunks(shard: &EdgeShard, points: Vec<Point>) -> OperationResult<()> {
    let points = points.into_iter().map(chunk_point).collect::<OperationResult<_>>()?;
    upsert(shard, points)
}

/// Writes points with a payload only.
pub(super) fn upsert_records(
    shard: &EdgeShard,
    records: Vec<(Uuid, payload::Payload)>,
) -> OperationResult<()> {
    let points = records.into_iter().map(|(id, payload)| point(id, HashMap::new(), payload));
    upsert(shard, points.collect())
}

pub(super) fn upsert(shard: &EdgeShard, points: Vec<PointStructPersisted>) -> OperationResult<()> {
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
    filter_index::add(&mut payload);
    PointStructPersisted {
        id: PointId::Uuid(id),
        vector: VectorStructPersisted::from(VectorStructInternal::Named(vectors)),
        payload: Some(Payload(payload)),
    }
}

fn sparse_vector(vector: SparseVector) -> OperationResult<VectorInternal> {
    Vector::new_sparse(vector.indices, vector.values).map(VectorInternal::from)
}

/// Deletes the chunks of these documents, except those in `keep`.
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

/// Whether a point with one of these ids exists.
pub(super) fn has_any(shard: &EdgeShard, ids: &[Uuid]) -> OperationResult<bool> {
    let ids: Vec<PointId> = ids.iter().copied().map(PointId::Uuid).collect();
    let (no_payload, no_vector) = (WithPayloadInterface::Bool(false), WithVector::Bool(false));
    Ok(!shard.retrieve(&ids, Some(no_payload), Some(no_vector))?.is_empty())
}

pub(super) fn count_chunks(shard: &EdgeShard) -> OperationResult<usize> {
    count(shard, Some(must(vec![is("record", CHUNK)])))
}

/// Calls back with the payloads of all records of this kind, in no order.
pub(super) fn records(
    shard: &EdgeShard,
    kind: &str,
    mut each: impl FnMut(payload::Payload),
) -> OperationResult<()> {
    let whole = WithPayloadInterface::Bool(true);
    scroll(shard, &must(vec![is("record", kind)]), &whole, &WithVector::Bool(false), |record| {
        record.payload.into_iter().for_each(|payload| each(filter_index::without(payload.0)));
        Ok(())
    })
}

pub(super) fn count(shard: &EdgeShard, filter: Option<Filter>) -> OperationResult<usize> {
    shard.count(CountRequest { filter, exact: true })
}

/// Chunks by the version of the document they belong to.
pub(super) fn tally(shard: &EdgeShard) -> OperationResult<Vec<ChunkTally>> {
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
            // A damaged vector is embedded again.
            && is_unit(&dense)
        {
            found.push((payload.0, dense));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether it has the length that the engine gives a vector for cosine comparison.
pub(super) fn is_unit(vector: &[f32]) -> bool {
    let square: f32 = vector.iter().map(|value| value * value).sum();
    (square - 1.0).abs() < 1e-3 || square == 0.0
}

pub(super) fn scroll(
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

/// How many of the best by quantized vectors are compared exactly, for the best `limit`. For 300 questions to
/// 100,000 chunks of documentation, many of them nearly alike, 299 had the exact list of 100, and all the
/// exact list of 10; with 5 times the limit 293 had it.
fn preselected(limit: usize) -> usize {
    4 * limit + 600
}

/// The request, apart from the vector.
pub(super) struct EngineSearch {
    pub(super) filter: Option<Filter>,
    pub(super) limit: usize,
    pub(super) min_score: Option<f32>,
}

/// `None` where a point was found that docent did not write.
pub(super) fn dense_leg(
    shard: &EdgeShard,
    search: &EngineSearch,
    vector: Vec<f32>,
) -> OperationResult<Option<Vec<Scored>>> {
    let quantization = QuantizationSearchParams {
        rescore: Some(true),
        oversampling: Some(preselected(search.limit) as f64 / search.limit as f64),
        ..QuantizationSearchParams::default()
    };
    let params = SearchParams { quantization: Some(quantization), ..SearchParams::default() };
    leg(shard, search, Some(params), nearest(DENSE, VectorInternal::Dense(vector), search.limit))
}

/// `None` where a point was found that docent did not write.
pub(super) fn sparse_leg(
    shard: &EdgeShard,
    search: &EngineSearch,
    vector: SparseVector,
) -> OperationResult<Option<Vec<Scored>>> {
    leg(shard, search, None, nearest(SPARSE, sparse_vector(vector)?, search.limit))
}

fn leg(
    shard: &EdgeShard,
    search: &EngineSearch,
    params: Option<SearchParams>,
    query: QueryRequest,
) -> OperationResult<Option<Vec<Scored>>> {
    let points = shard.query(QueryRequest {
        filter: search.filter.clone(),
        score_threshold: search.min_score.map(OrderedFloat),
        params,
        ..query
    })?;
    Ok(points.into_iter().map(scored).collect())
}

/// Without a filter, and without any data of the points.
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

/// The IDF of a term. The engine does not report it, so it is derived: the score of the chunk with the
/// highest weight of the term is that weight times the IDF.
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

/// `None` for a point that docent did not write: its id is a number.
fn scored(point: ScoredPoint) -> Option<Scored> {
    Some(Scored { id: uuid(point.id).ok()?, score: point.score })
}

/// The existing chunks with these ids; `None` where one of them is not a chunk.
pub(super) fn chunks_found(
    shard: &EdgeShard,
    ids: impl IntoIterator<Item = Uuid>,
) -> OperationResult<Option<HashMap<Uuid, Chunk>>> {
    let ids: Vec<PointId> = ids.into_iter().map(PointId::Uuid).collect();
    let (whole, no_vector) = (WithPayloadInterface::Bool(true), WithVector::Bool(false));
    let records = shard.retrieve(&ids, Some(whole), Some(no_vector))?;
    let is_chunk = |record: &Record| {
        record.payload.as_ref().is_some_and(|payload| payload::is_chunk(&payload.0))
    };
    if !records.iter().all(is_chunk) {
        return Ok(None);
    }
    let chunk = |record: Record| Ok((uuid(record.id)?, chunk(record)?));
    records.into_iter().map(chunk).collect::<OperationResult<_>>().map(Some)
}

/// The existing chunks with these ids.
pub(super) fn chunks_with(
    shard: &EdgeShard,
    ids: impl IntoIterator<Item = Uuid>,
) -> OperationResult<HashMap<Uuid, Chunk>> {
    let found = chunks_found(shard, ids)?;
    found.ok_or_else(|| OperationError::service_error_light(payload::FOREIGN_ID))
}

/// Points that docent did not write.
pub(super) fn foreign(shard: &EdgeShard) -> OperationResult<ForeignPoints> {
    let none = any("record", payload::RECORDS);
    let filter = Filter { must_not: Some(vec![none]), ..Filter::new() };
    let count = count(shard, Some(filter.clone()))? as u64;
    if count == 0 {
        return Ok(ForeignPoints::default());
    }
    let (records, _) = shard.scroll(ScrollRequest {
        offset: None,
        limit: Some(ForeignPoints::NAMED),
        filter: Some(filter),
        with_payload: Some(WithPayloadInterface::Bool(false)),
        with_vector: WithVector::Bool(false),
        order_by: None,
    })?;
    Ok(ForeignPoints { count, ids: records.iter().map(|record| record.id.to_string()).collect() })
}

pub(super) fn chunk(record: Record) -> OperationResult<Chunk> {
    let payload = record.payload.map(|payload| payload.0).unwrap_or_default();
    payload::to_chunk(payload).map_err(OperationError::service_error_light)
}

pub(super) fn uuid(id: PointId) -> OperationResult<Uuid> {
    match id {
        PointId::Uuid(id) => Ok(id),
        PointId::NumId(_) => Err(OperationError::service_error_light(payload::FOREIGN_ID)),
    }
}

/// A point as another program might write it.
#[cfg(test)]
pub(super) fn upsert_foreign(
    shard: &EdgeShard,
    payload: &serde_json::Value,
) -> OperationResult<()> {
    let vectors = HashMap::from([(DENSE.into(), VectorInternal::Dense(vec![1.0; 4]))]);
    let payload = payload.as_object().cloned().unwrap_or_default();
    upsert(shard, vec![point(Uuid::from_u128(1), vectors, payload)])
}

/// Removes the index of a shard.
#[cfg(test)]
pub(super) fn without_index(path: &std::path::Path) -> OperationResult<()> {
    let shard = EdgeShard::load(path, None)?;
    let index = qdrant_edge::FieldIndexOperations::DeleteIndex(filter_index::field());
    shard.update(UpdateOperation::FieldIndexOperation(index))?;
    shard.flush();
    Ok(())
}
