//! Conversions between the messages of Qdrant's gRPC interface and plain data.

use std::collections::HashMap;

use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector_input::Variant;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{
    Condition, DenseVector, Distance, Filter, HnswConfigDiff, ListValue, Modifier, NamedVectors,
    PointId, PointStruct, PointsIdsList, PointsSelector, QuantizationSearchParams, Query,
    QueryPoints, Range, RetrievedPoint, ScoredPoint, SearchParams, SparseVector,
    SparseVectorConfig, SparseVectorParams, Struct, Value, Vector, VectorInput, VectorParams,
    VectorParamsMap, Vectors, VectorsConfig, VectorsOutput, query, vector, vector_output,
    vectors_config, vectors_output,
};
use serde_json::Number;
use uuid::Uuid;

use crate::store::payload::{self, CHUNK, Payload};
use crate::store::{DENSE, EXACT_UP_TO, SPARSE};
use crate::types::{self, Chunk, ContentHash, DocumentRecord, FailureRecord, Point, Scored};

/// Field of a point: the [term](super::lease) of its writer.
pub(super) const TERM: &str = "term";

/// Written by a later holder of the lease than that of this term.
fn later_than(term: u64) -> Condition {
    Condition::range(TERM, Range { gt: Some(term as f64), ..Range::default() })
}

/// Notes on each point which holder of the lease wrote it.
pub(super) fn stamp(points: &mut [PointStruct], term: u64) {
    let term = Value { kind: Some(Kind::IntegerValue(term.cast_signed())) };
    for point in points {
        point.payload.insert(TERM.to_owned(), term.clone());
    }
}

/// The term that is noted on points.
pub(super) fn term_of(payload: &HashMap<String, Value>) -> Option<u64> {
    payload.get(TERM).and_then(Value::as_integer).map(i64::cast_unsigned)
}

/// The filter, excluding what a later holder wrote, if there is a term.
pub(super) fn not_later(mut filter: Filter, term: Option<u64>) -> Filter {
    filter.must_not.extend(term.map(later_than));
    filter
}

/// Vectors of the dense leg, where nothing else is requested.
pub(super) fn dense_params(dimensions: usize) -> VectorParams {
    VectorParams {
        size: dimensions as u64,
        distance: Distance::Cosine.into(),
        ..VectorParams::default()
    }
}

pub(super) fn named_dense(params: VectorParams) -> VectorsConfig {
    let map = HashMap::from([(DENSE.to_owned(), params)]);
    VectorsConfig { config: Some(vectors_config::Config::ParamsMap(VectorParamsMap { map })) }
}

/// HNSW with twice the links and more than twice the candidates of Qdrant's default. Documents
/// repeat themselves, and equal vectors link to each other first: with the default, whole regions
/// of 44,500 chunks of manuals could not be reached, and one question in five lost its best hit.
pub(super) fn graph_config() -> HnswConfigDiff {
    HnswConfigDiff {
        m: Some(32),
        ef_construct: Some(256),
        full_scan_threshold: Some(EXACT_UP_TO as u64 >> 10),
        ..HnswConfigDiff::default()
    }
}

/// Vectors of the sparse leg, where nothing else is requested.
pub(super) fn sparse_params() -> SparseVectorParams {
    SparseVectorParams { modifier: Some(Modifier::Idf.into()), index: None }
}

pub(super) fn named_sparse(params: SparseVectorParams) -> SparseVectorConfig {
    SparseVectorConfig { map: HashMap::from([(SPARSE.to_owned(), params)]) }
}

pub(super) fn chunk_point(Point { chunk, dense, sparse }: Point) -> PointStruct {
    let mut vectors = HashMap::new();
    if let Some(data) = dense {
        vectors.insert(DENSE.to_owned(), named(vector::Vector::Dense(DenseVector { data })));
    }
    if !sparse.indices.is_empty() {
        vectors.insert(SPARSE.to_owned(), named(vector::Vector::Sparse(sparse_vector(sparse))));
    }
    point(chunk.id(), vectors, payload::of_chunk(chunk))
}

pub(super) fn document_point(document: DocumentRecord) -> PointStruct {
    record_point(DocumentRecord::id(&document.source), payload::of_document(document))
}

pub(super) fn failure_point(failure: FailureRecord) -> PointStruct {
    record_point(FailureRecord::id(&failure.source), payload::of_failure(failure))
}

/// A point with a payload only.
pub(super) fn record_point(id: Uuid, payload: Payload) -> PointStruct {
    point(id, HashMap::new(), payload)
}

fn point(id: Uuid, vectors: HashMap<String, Vector>, payload: Payload) -> PointStruct {
    let vectors =
        Vectors { vectors_options: Some(VectorsOptions::Vectors(NamedVectors { vectors })) };
    PointStruct { id: Some(point_id(id)), payload: fields(payload), vectors: Some(vectors) }
}

fn named(vector: vector::Vector) -> Vector {
    Vector { vector: Some(vector), ..Vector::default() }
}

pub(super) fn sparse_vector(vector: types::SparseVector) -> SparseVector {
    SparseVector { values: vector.values, indices: vector.indices }
}

pub(super) fn point_id(id: Uuid) -> PointId {
    PointId { point_id_options: Some(PointIdOptions::Uuid(id.to_string())) }
}

/// Undoes [`point_id`].
pub(super) fn uuid(id: PointId) -> Result<Uuid, String> {
    match id.point_id_options {
        Some(PointIdOptions::Uuid(id)) => id.parse().map_err(|_| payload::FOREIGN_ID.to_owned()),
        _ => Err(payload::FOREIGN_ID.to_owned()),
    }
}

/// A leg of a search, with everything that its pages have in common.
pub(super) fn leg(collection: &str, using: &str, variant: Variant) -> QueryPoints {
    QueryPoints {
        collection_name: collection.to_owned(),
        query: Some(nearest(variant)),
        using: Some(using.to_owned()),
        params: (using == DENSE).then(compared),
        with_payload: Some(true.into()),
        ..QueryPoints::default()
    }
}

/// Candidates found by quantized vectors are rescored with the exact ones: the scores of two legs are fused,
/// and would otherwise not be comparable.
fn compared() -> SearchParams {
    let quantization =
        QuantizationSearchParams { rescore: Some(true), ..QuantizationSearchParams::default() };
    SearchParams { quantization: Some(quantization), ..SearchParams::default() }
}

/// Finds the chunk with the highest weight of a term, and that weight.
pub(super) fn most_of(collection: &str, term: u32) -> QueryPoints {
    let asked = SparseVector { indices: vec![term], values: vec![1.0] };
    QueryPoints {
        collection_name: collection.to_owned(),
        query: Some(nearest(Variant::Sparse(asked))),
        using: Some(SPARSE.to_owned()),
        limit: Some(1),
        with_vectors: Some(vec![SPARSE].into()),
        ..QueryPoints::default()
    }
}

fn nearest(variant: Variant) -> Query {
    let input = VectorInput { variant: Some(variant) };
    Query { variant: Some(query::Variant::Nearest(input)) }
}

/// The IDF of a term. The server does not report it, so it is derived: the score of [the chunk with the
/// highest weight](most_of) of the term is that weight times the IDF.
pub(super) fn idf(term: u32, best: Vec<ScoredPoint>) -> Option<f32> {
    let point = best.into_iter().next()?;
    let vector_output::Vector::Sparse(vector) = named_vector(point.vectors?, SPARSE)? else {
        return None;
    };
    let at = vector.indices.iter().position(|&index| index == term)?;
    Some(point.score / vector.values.get(at)?)
}

/// The chunks that pass the filter.
pub(super) fn chunks_passing(filter: &types::Filter) -> Filter {
    Filter::must(conditions(filter).into_iter().chain([record(CHUNK)]))
}

/// The conditions of a filter.
pub(super) fn conditions(filter: &types::Filter) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(sources) = &filter.sources {
        conditions.push(Condition::matches("source", sources.clone()));
    }
    if !filter.kinds.is_empty() {
        let kinds: Vec<String> = filter.kinds.iter().map(|kind| kind.name().to_owned()).collect();
        conditions.push(Condition::matches("kind", kinds));
    }
    conditions.extend(filter.tags.iter().map(|tag| Condition::matches("tags", tag.clone())));
    conditions
}

/// Chunks of these documents.
pub(super) fn chunks_of(sources: &[String]) -> Filter {
    Filter::must([record(CHUNK), Condition::matches("source", sources.to_vec())])
}

pub(super) fn has_id(ids: impl Iterator<Item = Uuid>) -> Condition {
    Condition::has_id(ids.map(point_id))
}

/// Selects the points that pass a filter, for deletion.
pub(super) fn by_filter(filter: Filter) -> PointsSelector {
    PointsSelector { points_selector_one_of: Some(PointsSelectorOneOf::Filter(filter)) }
}

/// Selects the points with these ids, for deletion.
pub(super) fn by_id(ids: impl Iterator<Item = Uuid>) -> PointsSelector {
    let ids = PointsIdsList { ids: ids.map(point_id).collect() };
    PointsSelector { points_selector_one_of: Some(PointsSelectorOneOf::Points(ids)) }
}

/// Chunks with any of these hashes.
pub(super) fn chunks_with(hashes: &[ContentHash]) -> Filter {
    let hashes: Vec<String> = hashes.iter().map(|hash| hash.0.clone()).collect();
    Filter::must([record(CHUNK), Condition::matches("chunk_hash", hashes)])
}

pub(super) fn record(kind: &str) -> Condition {
    Condition::matches("record", kind.to_owned())
}

/// A hit of a leg with its chunk: all chunks are returned, since another request would cost more. `None` if
/// docent did not write the point.
pub(super) fn scored(point: ScoredPoint) -> Result<Option<(Scored, Chunk)>, String> {
    let fields = json_object(point.payload)?;
    if !payload::is_chunk(&fields) {
        return Ok(None);
    }
    let id = uuid(point.id.ok_or(payload::FOREIGN_ID)?)?;
    Ok(Some((Scored { id, score: point.score }, payload::to_chunk(fields)?)))
}

/// Points that docent did not write.
pub(super) fn foreign() -> Filter {
    let records = payload::RECORDS.map(str::to_owned).to_vec();
    Filter { must_not: vec![Condition::matches("record", records)], ..Filter::default() }
}

/// In Qdrant's notation.
pub(super) fn shown(id: PointId) -> String {
    match id.point_id_options {
        Some(PointIdOptions::Uuid(id)) => id,
        Some(PointIdOptions::Num(number)) => number.to_string(),
        None => String::new(),
    }
}

/// Undoes [`chunk_point`] for a point that came with its vectors; otherwise the result has none.
pub(super) fn to_point(point: RetrievedPoint) -> Result<Point, String> {
    let (mut dense, mut sparse) = (None, types::SparseVector::default());
    if let Some(mut vectors) = point.vectors.and_then(named_vectors) {
        if let Some(vector_output::Vector::Dense(vector)) = vectors.remove(DENSE) {
            dense = Some(vector.data);
        }
        if let Some(vector_output::Vector::Sparse(SparseVector { values, indices })) =
            vectors.remove(SPARSE)
        {
            sparse = types::SparseVector { indices, values };
        }
    }
    let chunk = json_object(point.payload).and_then(payload::to_chunk)?;
    Ok(Point { chunk, dense, sparse })
}

/// The dense vector of a point, if it has one.
pub(super) fn dense_of(point: &mut RetrievedPoint) -> Option<Vec<f32>> {
    match named_vector(point.vectors.take()?, DENSE)? {
        vector_output::Vector::Dense(dense) => Some(dense.data),
        _ => None,
    }
}

fn named_vector(vectors: VectorsOutput, name: &str) -> Option<vector_output::Vector> {
    named_vectors(vectors)?.remove(name)
}

fn named_vectors(vectors: VectorsOutput) -> Option<HashMap<String, vector_output::Vector>> {
    let vectors_output::VectorsOptions::Vectors(named) = vectors.vectors_options? else {
        return None;
    };
    let named = named.vectors.into_iter();
    Some(named.map(|(name, vector)| (name, vector.into_vector())).collect())
}

fn fields(payload: Payload) -> HashMap<String, Value> {
    payload.into_iter().map(|(key, value)| (key, to_value(value))).collect()
}

pub(super) fn to_value(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(flag) => Kind::BoolValue(flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Kind::IntegerValue(integer),
            None => Kind::DoubleValue(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(to_value).collect() })
        }
        serde_json::Value::Object(map) => Kind::StructValue(Struct { fields: fields(map) }),
    };
    Value { kind: Some(kind) }
}

pub(super) fn json_object(fields: HashMap<String, Value>) -> Result<Payload, String> {
    fields.into_iter().map(|(key, value)| Ok((key, to_json(value)?))).collect()
}

pub(super) fn to_json(value: Value) -> Result<serde_json::Value, String> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::IntegerValue(integer)) => integer.into(),
        Some(Kind::DoubleValue(double)) => {
            Number::from_f64(double).ok_or_else(|| format!("a stored number is {double}"))?.into()
        }
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => {
            list.values.into_iter().map(to_json).collect::<Result<Vec<_>, _>>()?.into()
        }
        Some(Kind::StructValue(object)) => json_object(object.fields)?.into(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::payload::tests::{chunk, document};

    proptest! {
        #[test]
        fn payloads_survive_the_wire(chunk in chunk(), document in document()) {
            let chunk_fields = fields(payload::of_chunk(chunk.clone()));
            prop_assert_eq!(json_object(chunk_fields).and_then(payload::to_chunk), Ok(chunk));
            let document_fields = fields(payload::of_document(document.clone()));
            prop_assert_eq!(json_object(document_fields).and_then(payload::to_document), Ok(document));
        }
    }

    #[test]
    fn numbers_that_json_has_not_are_errors() {
        assert!(to_json(Value { kind: Some(Kind::DoubleValue(f64::NAN)) }).is_err());
    }
}
