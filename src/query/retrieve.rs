//! Question → ranked chunks: both legs (the dense and the sparse search) are asked in one request, their
//! lists are fused, and late interaction reads the first hits token by token.

mod fusion;
mod late;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

pub use fusion::Fusion;
pub use late::QueryWords;

use super::rerank::RerankOptions;
use crate::embed::{Embedder, TextRole};
use crate::error::BackendError;
use crate::interaction::{LateInteraction, oov_rate};
use crate::rerank::RerankerKind;
use crate::store::{ReturnedChunks, SearchRequest, VectorStore};
use crate::types::{Filter, Hit, Mode, SparseVector};

/// How to retrieve.
#[derive(Clone, PartialEq, Debug)]
pub struct RetrieveOptions {
    pub mode: Mode,
    /// Number of hits wanted.
    pub k: usize,
    /// Number of hits of each leg that are fused, in hybrid mode.
    pub candidates: usize,
    /// Share of the sparse leg in the fused score; the dense leg has the rest.
    pub sparse_weight: AdaptiveWeight,
    /// Share of late interaction in the score of the first hits, in hybrid mode.
    pub late_weight: AdaptiveWeight,
    pub filter: Filter,
    /// Floor on [`Hit::score`]: cosine, BM25 or fused score, by mode; with a reranker, the score after
    /// reranking.
    pub min_score: Option<f32>,
    /// How the first hits are reranked if there is a reranker; `None`: not at all.
    pub rerank: Option<RerankOptions>,
}

impl Default for RetrieveOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Hybrid,
            k: 10,
            candidates: 100,
            sparse_weight: AdaptiveWeight { known: 0.6, foreign: 0.9 },
            late_weight: AdaptiveWeight { known: 0.4, foreign: 0.2 },
            filter: Filter::default(),
            min_score: None,
            rerank: Some(RerankOptions::of(RerankerKind::ReadsPairs)),
        }
    }
}

/// A share of a score, within 0..=1, that depends on how [foreign](oov_rate) the words of a query are to
/// the built-in table: the table's vectors of words that it does not know say little.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdaptiveWeight {
    pub known: f32,
    pub foreign: f32,
}

impl AdaptiveWeight {
    /// The same for every query.
    pub const fn fixed(weight: f32) -> Self {
        Self { known: weight, foreign: weight }
    }

    fn at(self, foreignness: f32) -> f32 {
        self.known + (self.foreign - self.known) * foreignness
    }
}

/// The shares that count for one query.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct QueryWeights {
    pub sparse: f32,
    pub late: f32,
}

impl QueryWeights {
    pub fn of(query: &str, options: &RetrieveOptions) -> Self {
        let foreignness = oov_rate(query);
        let late = match options.mode {
            Mode::Hybrid => options.late_weight.at(foreignness),
            Mode::Dense | Mode::Sparse => 0.0,
        };
        Self { sparse: options.sparse_weight.at(foreignness), late }
    }
}

/// What retrieval asks for one query.
pub struct RetrieveRequest<'a> {
    /// The text that the dense leg embeds, and its role: the query, or a passage in its place.
    pub dense: (String, TextRole),
    /// The BM25 vector of the query.
    pub sparse: SparseVector,
    pub weights: QueryWeights,
    /// The words for late interaction, if that has any weight.
    pub words: Option<QueryWords<'a>>,
}

/// The best `options.k` chunks for a query, best first.
///
/// A leg that has nothing to ask with (an embedder that knows none of the words, a question of
/// stop words only) is left out, and the other leg counts alone.
pub async fn retrieve(
    RetrieveRequest { dense: (text, role), sparse, weights, words }: RetrieveRequest<'_>,
    embedder: &dyn Embedder,
    store: &dyn VectorStore,
    late: &LateInteraction,
    options: &RetrieveOptions,
) -> Result<Vec<Hit>, BackendError> {
    let dense = match options.mode {
        Mode::Sparse => None,
        Mode::Hybrid | Mode::Dense => embedder.embed(&[text], role).await?.pop().flatten(),
    };
    let sparse = (options.mode != Mode::Dense && !sparse.indices.is_empty()).then_some(sparse);
    let sparse_weight = match (&dense, &sparse) {
        (None, None) => return Ok(Vec::new()),
        (None, Some(_)) => 1.0,
        (Some(_), None) => 0.0,
        (Some(_), Some(_)) => weights.sparse,
    };
    let hybrid = options.mode == Mode::Hybrid;
    let limit = if hybrid { options.candidates.max(options.k) } else { options.k };
    let fusion = Fusion { mode: options.mode, sparse_weight, limit };
    let read = options.k.max(if words.is_some() { late::DEPTH } else { 0 });
    let request = SearchRequest {
        dense,
        sparse,
        filter: options.filter.clone(),
        limit,
        // A score of one leg is not a bound on the fused score.
        min_score: options.min_score.filter(|_| !hybrid),
        idf_of: words.as_ref().map(QueryWords::terms).unwrap_or_default(),
        chunks: ReturnedChunks::Some(Arc::new(move |legs| fusion.best(legs, read))),
    };
    let mut legs = store.search(request).await?;
    let idf = std::mem::take(&mut legs.idf);
    let mut hits = fusion.hits(legs);
    if let Some(words) = &words {
        late::reorder(late, words, &idf, weights.late, &mut hits);
    }
    if let Some(floor) = options.min_score {
        hits.retain(|hit| hit.score >= floor);
    }
    hits.truncate(options.k);
    Ok(hits)
}

/// The options for each of several queries whose rankings are [combined](combine) afterwards: a deeper
/// list, since one query may rank low what the others rank high, and no floor.
pub fn before_combining(options: &RetrieveOptions) -> RetrieveOptions {
    let k = options.candidates.max(options.k);
    RetrieveOptions { k, min_score: None, ..options.clone() }
}

/// Combines the rankings of several queries: the best `options.k` hits, best first.
///
/// A chunk's score is the mean of its scores, 0 if a query did not find it: `CombSUM`, which Fox
/// and Shaw (1994) proposed for several wordings of one question, divided by the number of
/// queries, so that `min_score` means what it does for one. The ranks in the legs are those of the
/// first query that found the chunk.
pub fn combine(lists: Vec<Vec<Hit>>, options: &RetrieveOptions) -> Vec<Hit> {
    let share = 1.0 / lists.len().max(1) as f32;
    let mut hits: HashMap<Uuid, Hit> = HashMap::new();
    for hit in lists.into_iter().flatten() {
        let score = hit.score * share;
        hits.entry(hit.chunk.id())
            .and_modify(|known| known.score += score)
            .or_insert(Hit { score, ..hit });
    }
    let mut hits: Vec<Hit> = hits.into_values().collect();
    hits.sort_by(best_first);
    if let Some(floor) = options.min_score {
        hits.retain(|hit| hit.score >= floor);
    }
    hits.truncate(options.k);
    hits
}

pub(super) fn best_first(a: &Hit, b: &Hit) -> Ordering {
    b.score
        .total_cmp(&a.score)
        .then_with(|| a.chunk.source.cmp(&b.chunk.source))
        .then_with(|| a.chunk.ordinal.cmp(&b.chunk.ordinal))
        .then_with(|| a.chunk.id().cmp(&b.chunk.id()))
}

#[cfg(test)]
mod tests;
