//! Operations on all points of a shard: which ones readers see, whether they are what was stored, and which
//! ones are there twice.

use std::collections::HashMap;

use super::cutoff::{ReaderView, VersionedChunk};
use super::engine::{count, is_unit, records, scroll, upsert, uuid};
use super::filter_index::{self, is, must, path};
use super::repair::IntegrityScan;
use crate::store::DENSE;
use crate::store::intent::Intents;
use crate::store::payload::{self, CHUNK, DOCUMENT, TALLIED};
use qdrant_edge::{
    Condition, EdgeShard, Filter, HasIdCondition, OperationError, OperationResult, PointId,
    PointOperations, PointStructPersisted, UpdateOperation, VectorInternal, VectorStructInternal,
    VectorStructPersisted, WithPayloadInterface, WithVector,
};
use serde_json::Value;

/// Reads every point with its vectors, and reports what can't be as it was stored.
pub(super) fn read_whole(shard: &EdgeShard) -> OperationResult<IntegrityScan> {
    let mut whole = IntegrityScan::default();
    let wrong = |why: String| Err(OperationError::service_error_light(why));
    let (all, vectors) = (WithPayloadInterface::Bool(true), WithVector::Bool(true));
    scroll(shard, &Filter::new(), &all, &vectors, |record| {
        let payload =
            record.payload.map(|payload| filter_index::without(payload.0)).unwrap_or_default();
        if payload.get("record").and_then(Value::as_str) != Some(CHUNK) {
            whole.documents += usize::from(payload::to_document(payload).is_ok());
            return Ok(());
        }
        let chunk = payload::to_chunk(payload).map_err(OperationError::service_error_light)?;
        let place = chunk.locator.cite(&chunk.source);
        if uuid(record.id)? != chunk.id() || !chunk.is_intact() {
            return wrong(format!("the chunk {place} is not what was stored"));
        }
        if let Some(VectorStructInternal::Named(mut vectors)) = record.vector
            && let Some(VectorInternal::Dense(dense)) = vectors.remove(DENSE)
            && !is_unit(&dense)
        {
            return wrong(format!("the vector of the chunk {place} is not what was stored"));
        }
        whole.chunks += 1;
        Ok(())
    })?;
    Ok(whole)
}

/// What readers see after a writer was killed: see [`super::cutoff`].
pub(super) fn seen(shard: &EdgeShard, intents: &Intents) -> OperationResult<ReaderView> {
    let mut documents = Vec::new();
    records(shard, DOCUMENT, |payload| documents.push(payload::to_document(payload)))?;
    let documents: Vec<_> = documents
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(OperationError::service_error_light)?;
    let mut found: HashMap<String, Vec<VersionedChunk>> = HashMap::new();
    let filter = must(vec![is("record", CHUNK)]);
    let fields = WithPayloadInterface::Fields(TALLIED.map(path).to_vec());
    scroll(shard, &filter, &fields, &WithVector::Bool(false), |record| {
        let payload = record.payload.map(|payload| payload.0).unwrap_or_default();
        let version = payload::version(&payload).map_err(OperationError::service_error_light)?;
        let chunk = VersionedChunk { id: uuid(record.id)?, document_hash: version.1.to_owned() };
        found.entry(version.0.to_owned()).or_default().push(chunk);
        Ok(())
    })?;
    Ok(ReaderView::of(&documents, found, intents))
}

/// Removes all but the newest of points that a kill in a merge has left twice, in the merged segment and in
/// one of its parts: they are counted twice, also by BM25.
pub(super) fn remove_duplicates(shard: &EdgeShard) -> OperationResult<()> {
    let mut ids = Vec::new();
    let (no_payload, no_vector) = (WithPayloadInterface::Bool(false), WithVector::Bool(false));
    scroll(shard, &Filter::new(), &no_payload, &no_vector, |record| {
        ids.push(record.id);
        Ok(())
    })?;
    if count(shard, None)? == ids.len() {
        return Ok(());
    }
    let has = |ids: &[PointId]| {
        let ids: HasIdCondition = ids.iter().copied().collect();
        count(shard, Some(must(vec![Condition::HasId(ids)])))
    };
    for page in ids.chunks(MEND) {
        if has(page)? == page.len() {
            continue;
        }
        let (whole, vectors) = (WithPayloadInterface::Bool(true), WithVector::Bool(true));
        let records = shard.retrieve(page, Some(whole), Some(vectors))?;
        // Writing a point deletes its other copies.
        let points = records.into_iter().map(|record| PointStructPersisted {
            id: record.id,
            vector: record.vector.map_or_else(no_vectors, VectorStructPersisted::from),
            payload: record.payload,
        });
        let points: Vec<_> = points.collect();
        upsert(shard, points.clone())?;
        // In segments that can be written to, each was written where it was.
        if has(page)? > page.len() {
            let ids = page.to_vec();
            shard.update(UpdateOperation::PointOperation(PointOperations::DeletePoints { ids }))?;
            upsert(shard, points)?;
        }
    }
    Ok(())
}

/// Number of points handled together.
const MEND: usize = 64;

fn no_vectors() -> VectorStructPersisted {
    VectorStructPersisted::from(VectorStructInternal::Named(HashMap::new()))
}
