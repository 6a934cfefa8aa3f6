//! Chunks of a shard, a page at a time, with their vectors or without.

use qdrant_edge::{
    EdgeShard, Filter, OperationResult, PointId, Record, ScrollRequest, VectorInternal,
    VectorStructInternal, WithPayloadInterface, WithVector,
};
use uuid::Uuid;

use super::engine::{chunk, uuid};
use crate::store::{ChunkList, ChunkPage, DENSE, PointList, SPARSE};
use crate::types::{Point, SparseVector};

/// A page of chunks, ordered by id, and the id at which the next page begins.
pub(super) fn chunks(
    shard: &EdgeShard,
    request: &ChunkPage,
    filter: Option<Filter>,
) -> OperationResult<ChunkList> {
    let (records, next) = page(shard, request, filter, WithVector::Bool(false))?;
    let chunks = records.into_iter().map(chunk).collect::<OperationResult<_>>()?;
    Ok(ChunkList { chunks, next })
}

/// A page of chunks with their vectors.
pub(super) fn points(
    shard: &EdgeShard,
    request: &ChunkPage,
    filter: Option<Filter>,
) -> OperationResult<PointList> {
    let (records, next) = page(shard, request, filter, WithVector::Bool(true))?;
    let points = records.into_iter().map(point).collect::<OperationResult<_>>()?;
    Ok(PointList { points, next })
}

fn page(
    shard: &EdgeShard,
    request: &ChunkPage,
    filter: Option<Filter>,
    with_vector: WithVector,
) -> OperationResult<(Vec<Record>, Option<Uuid>)> {
    let (records, next) = shard.scroll(ScrollRequest {
        offset: request.from.map(PointId::Uuid),
        limit: Some(request.limit),
        filter,
        with_payload: Some(WithPayloadInterface::Bool(true)),
        with_vector,
        order_by: None,
    })?;
    Ok((records, next.map(uuid).transpose()?))
}

fn point(mut record: Record) -> OperationResult<Point> {
    let (mut dense, mut sparse) = (None, SparseVector::default());
    if let Some(VectorStructInternal::Named(mut vectors)) = record.vector.take() {
        if let Some(VectorInternal::Dense(vector)) = vectors.remove(DENSE) {
            dense = Some(vector);
        }
        if let Some(VectorInternal::Sparse(vector)) = vectors.remove(SPARSE) {
            sparse = SparseVector { indices: vector.indices, values: vector.values };
        }
    }
    Ok(Point { chunk: chunk(record)?, dense, sparse })
}
