//! Both legs of a search on a loaded shard.

use std::panic::resume_unwind;
use std::thread;

use super::opened::{Eyes, Opened};
use super::problem::Problem;
use super::{engine, keys};
use crate::store::{Legs, SearchRequest};

/// Both legs at once, the dense one on a thread of its own: it looks at every vector, the other at
/// every posting of the query's terms. What is written meanwhile, one of them may see alone.
pub(super) fn search(opened: &Opened, request: SearchRequest, eyes: Eyes) -> Result<Legs, Problem> {
    let search = engine::Search {
        filter: opened.filter(keys::filter(&request.filter), eyes),
        limit: request.limit,
        min_score: request.min_score,
    };
    let dense = |vector| opened.with(|shard| engine::dense_leg(shard, &search, vector));
    let sparse = |vector| opened.with(|shard| engine::sparse_leg(shard, &search, vector));
    let terms = request.sparse.filter(|vector| !vector.indices.is_empty());
    let mut legs = thread::scope(|scope| {
        let dense = request.dense.map(|vector| scope.spawn(move || dense(vector)));
        let sparse = terms.map(sparse);
        let idf = opened.idf(&request.idf_of);
        let dense = dense.map(|leg| leg.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok::<_, Problem>(Legs {
            dense: dense.transpose()?.unwrap_or_default(),
            sparse: sparse.transpose()?.unwrap_or_default(),
            idf: idf?,
            ..Legs::default()
        })
    })?;
    let ids = request.chunks.ids(&legs);
    legs.chunks = opened.with(|shard| engine::chunks_with(shard, ids))?;
    legs.chunks.values_mut().for_each(|chunk| opened.as_seen(chunk));
    Ok(legs)
}
