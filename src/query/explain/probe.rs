//! Finds the rank of a document that was not found, in each leg.

use uuid::Uuid;

use super::Expected;
use crate::error::BackendError;
use crate::query::Retriever;
use crate::query::retrieve::{Fusion, QueryWeights, RetrieveOptions};
use crate::query::rewrite::Queries;
use crate::query::subject::subject;
use crate::store::{self, Legs, SearchRequest};
use crate::types::{Chunk, Filter, Hit, LegScore, Mode, Scored};

/// How many hits each leg is asked for. A chunk below has no rank.
pub const DEPTH: usize = 5000;

/// Rank and score of a chunk in a ranking.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RankedScore {
    /// From 1; `None` below [`DEPTH`].
    pub rank: Option<u32>,
    pub score: f32,
}

/// The best chunk of a document for a question, and its rank in each leg.
#[derive(Clone, PartialEq, Debug)]
pub struct Probe {
    pub chunk: Chunk,
    /// `None` if the leg was not asked, or has nothing for the chunk.
    pub dense: Option<RankedScore>,
    /// `None` if the leg was not asked, or no word of the question is in the chunk.
    pub sparse: Option<RankedScore>,
    /// The final rank; for a chunk below the cut, the rank in the fused rankings. `None` if the chunk is
    /// not among the candidates of either leg.
    pub overall: Option<RankedScore>,
    /// Number of hits of each leg that were candidates.
    pub candidates: usize,
}

/// The ranks of a hit that was found at `rank`. A leg that did not have it among its candidates is asked
/// again, as by [`probe`]: it may have it further down.
pub async fn probe_hit(
    retriever: &Retriever,
    queries: &Queries,
    (rank, hit): (u32, &Hit),
    options: &RetrieveOptions,
) -> Result<Probe, BackendError> {
    let leg = |leg: LegScore| RankedScore { rank: Some(leg.rank), score: leg.score };
    let mut probe = Probe {
        chunk: hit.chunk.clone(),
        dense: hit.dense.map(leg),
        sparse: hit.sparse.map(leg),
        overall: Some(RankedScore { rank: Some(rank), score: hit.score }),
        candidates: candidates(options),
    };
    let both = probe.dense.is_some() && probe.sparse.is_some();
    if options.mode == Mode::Hybrid
        && !both
        && let Some(asked) = ask(retriever, queries, &hit.chunk.source, options).await?
    {
        let Asked { of_all, of_source, .. } = asked;
        let id = hit.chunk.id();
        probe.dense = probe.dense.or_else(|| standing(id, &of_all.dense, &of_source.dense));
        probe.sparse = probe.sparse.or_else(|| standing(id, &of_all.sparse, &of_source.sparse));
    }
    Ok(probe)
}

/// Number of hits of each leg that are ranked.
fn candidates(options: &RetrieveOptions) -> usize {
    match options.mode {
        Mode::Hybrid => options.candidates.max(options.k),
        Mode::Dense | Mode::Sparse => options.k,
    }
}

/// Rank and score of a chunk in a leg, if its list goes deep enough; otherwise the score alone.
fn standing(id: Uuid, all: &[Scored], source: &[Scored]) -> Option<RankedScore> {
    let known = at(all, id).map(|(rank, score)| RankedScore { rank: Some(rank), score });
    known.or_else(|| at(source, id).map(|(_, score)| RankedScore { rank: None, score }))
}

/// Looks for the best chunk of an expected document: the legs are asked again, for [`DEPTH`] hits and for
/// this source alone. Of several queries, the first is asked. If neither leg has a score for a chunk of the
/// document, the chunk comes from the store: it has no vector, and no word of the question. `None` if
/// nothing of the document is stored at that place.
pub async fn probe(
    retriever: &Retriever,
    queries: &Queries,
    expected: &Expected,
    options: &RetrieveOptions,
) -> Result<Option<Probe>, BackendError> {
    let asked = ask(retriever, queries, &expected.source, options).await?;
    if let Some(probe) = asked.and_then(|asked| place(&asked, expected, options)) {
        return Ok(Some(probe));
    }
    let stored = store::chunks_of(&*retriever.reader, &expected.source).await?;
    let chunk = stored.into_iter().find(|chunk| expected.covers(chunk));
    let candidates = candidates(options);
    Ok(chunk.map(|chunk| Probe { chunk, dense: None, sparse: None, overall: None, candidates }))
}

/// The lists of both legs for a query: over all sources, and for one source alone.
struct Asked {
    of_all: Legs,
    of_source: Legs,
    /// Weight of the sparse leg.
    weight: f32,
}

async fn ask(
    retriever: &Retriever,
    queries: &Queries,
    source: &str,
    options: &RetrieveOptions,
) -> Result<Option<Asked>, BackendError> {
    let Some(query) = queries.queries.first() else { return Ok(None) };
    let query = subject(query);
    let (text, role) = retriever.dense_text(query, queries.hypothetical.as_deref());
    let dense = retriever.embedder.embed(&[text], role).await?.pop().flatten();
    let sparse = Some(retriever.sparse.query(query)).filter(|terms| !terms.indices.is_empty());
    // Both legs are asked whatever the mode, since this lists the chunks of the document.
    let alone = Filter { sources: Some(vec![source.to_owned()]), ..Filter::default() };
    let of_source = SearchRequest {
        dense: dense.clone(),
        sparse: sparse.clone(),
        filter: alone,
        limit: DEPTH,
        ..SearchRequest::default()
    };
    let of_all = SearchRequest {
        dense: dense.filter(|_| options.mode != Mode::Sparse),
        sparse: sparse.filter(|_| options.mode != Mode::Dense),
        filter: options.filter.clone(),
        limit: DEPTH,
        ..SearchRequest::default()
    };
    // A leg that has nothing to ask with is left out, as in retrieval.
    let weight = match (&of_all.dense, &of_all.sparse) {
        (None, Some(_)) => 1.0,
        (Some(_), None) => 0.0,
        _ => QueryWeights::of(query, options).sparse,
    };
    let of_source = retriever.reader.search(of_source).await?;
    let of_all = retriever.reader.search(of_all).await?;
    Ok(Some(Asked { of_all, of_source, weight }))
}

fn place(asked: &Asked, expected: &Expected, options: &RetrieveOptions) -> Option<Probe> {
    let Asked { of_all, of_source, weight } = asked;
    let candidates = candidates(options);
    let fuse =
        |legs: Legs, limit| Fusion { mode: options.mode, sparse_weight: *weight, limit }.hits(legs);
    let fused = fuse(first(of_all, candidates), candidates);
    let alone = Fusion { mode: Mode::Hybrid, sparse_weight: 0.5, limit: DEPTH };
    let best = |hits: &[Hit]| hits.iter().find(|hit| expected.covers(&hit.chunk)).cloned();
    let chunk = best(&fused)
        .or_else(|| best(&fuse(of_all.clone(), DEPTH)))
        .or_else(|| best(&alone.hits(of_source.clone())))?
        .chunk;
    let id = chunk.id();
    let mut probe = Probe {
        dense: standing(id, &of_all.dense, &of_source.dense),
        sparse: standing(id, &of_all.sparse, &of_source.sparse),
        overall: (1..)
            .zip(&fused)
            .find(|(_, hit)| hit.chunk.id() == id)
            .map(|(rank, hit)| RankedScore { rank: Some(rank), score: hit.score }),
        candidates,
        chunk,
    };
    match options.mode {
        Mode::Hybrid => {}
        Mode::Dense => probe.sparse = None,
        Mode::Sparse => probe.dense = None,
    }
    Some(probe)
}

fn first(legs: &Legs, limit: usize) -> Legs {
    let mut legs = legs.clone();
    legs.dense.truncate(limit);
    legs.sparse.truncate(limit);
    legs
}

/// Rank and score of a chunk in a leg.
fn at(leg: &[Scored], id: Uuid) -> Option<(u32, f32)> {
    let found = (1..).zip(leg).find(|(_, hit)| hit.id == id);
    found.map(|(rank, hit)| (rank, hit.score))
}
