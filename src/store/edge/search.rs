//! Both legs of a search on a loaded shard.

use std::panic::resume_unwind;
use std::thread;

use super::open_shard::{OpenShard, Viewer};
use super::problem::EdgeProblem;
use super::{engine, filter_index};
use crate::store::payload::{self, CHUNK};
use crate::store::{Legs, SearchRequest};

/// Runs both legs at once, the dense one on a thread of its own: it reads every vector, the sparse one every
/// posting of the query's terms. A concurrent write may be seen by only one of them.
///
/// Only after a point was found that docent did not write, the legs are restricted to chunks: a condition
/// that nearly every point meets is not free.
pub(super) fn search(
    opened: &OpenShard,
    request: SearchRequest,
    eyes: Viewer,
) -> Result<Legs, EdgeProblem> {
    if let Some(legs) = legs(opened, request.clone(), eyes, false)? {
        return Ok(legs);
    }
    let legs = legs(opened, request, eyes, true)?;
    legs.ok_or_else(|| EdgeProblem::from(payload::FOREIGN_ID.to_owned()))
}

/// `None` where a point was found that docent did not write.
fn legs(
    opened: &OpenShard,
    request: SearchRequest,
    eyes: Viewer,
    only_chunks: bool,
) -> Result<Option<Legs>, EdgeProblem> {
    let conditions = filter_index::conditions(&request.filter).into_iter();
    let conditions = conditions.chain(only_chunks.then(|| filter_index::is("record", CHUNK)));
    let search = engine::EngineSearch {
        filter: opened.filter(filter_index::all(conditions.collect()), eyes),
        limit: request.limit,
        min_score: request.min_score,
    };
    let dense = |vector| opened.with(|shard| engine::dense_leg(shard, &search, vector));
    let sparse = |vector| opened.with(|shard| engine::sparse_leg(shard, &search, vector));
    let terms = request.sparse.filter(|vector| !vector.indices.is_empty());
    let (dense, sparse, idf) = thread::scope(|scope| {
        let dense = request.dense.map(|vector| scope.spawn(move || dense(vector)));
        let sparse = terms.map(sparse);
        let idf = opened.idf(&request.idf_of);
        let dense = dense.map(|leg| leg.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok::<_, EdgeProblem>((dense.transpose()?, sparse.transpose()?, idf?))
    })?;
    let asked = |leg: Option<Option<Vec<_>>>| leg.unwrap_or_else(|| Some(Vec::new()));
    let (Some(dense), Some(sparse)) = (asked(dense), asked(sparse)) else { return Ok(None) };
    let mut legs = Legs { dense, sparse, idf, ..Legs::default() };
    let ids = request.chunks.ids(&legs);
    let Some(chunks) = opened.with(|shard| engine::chunks_found(shard, ids))? else {
        return Ok(None);
    };
    legs.chunks = chunks;
    legs.chunks.values_mut().for_each(|chunk| opened.as_seen(chunk));
    Ok(Some(legs))
}
