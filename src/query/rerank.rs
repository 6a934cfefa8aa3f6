//! Puts the first hits into a better order: a reranker's scores, fused with those of retrieval.

use std::cmp::Ordering;
use std::iter;

use crate::error::BackendError;
use crate::rerank::{Reranker, RerankerKind};
use crate::types::{Hit, LegScore};

use super::retrieve::best_first;

/// How many hits a reranker scores, and how much its score counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RerankOptions {
    /// How many of the first hits it scores.
    pub candidates: usize,
    /// Share of a hit's score that is the reranker's, within 0..=1; retrieval has the rest.
    pub weight: f32,
}

impl RerankOptions {
    /// What suits this kind of model.
    pub const fn of(kind: RerankerKind) -> Self {
        match kind {
            RerankerKind::ReadsPairs => Self { candidates: 20, weight: 0.7 },
            RerankerKind::ComparesVectors => Self { candidates: 50, weight: 0.4 },
        }
    }
}

/// Reranks `hits`, which are ordered best first. The reranker reads of a chunk what was embedded: the text
/// under its headings.
pub async fn rerank(
    question: &str,
    hits: Vec<Hit>,
    reranker: &dyn Reranker,
    options: &RerankOptions,
) -> Result<Vec<Hit>, BackendError> {
    let asked = hits.iter().take(options.candidates);
    let texts: Vec<String> = asked.map(|hit| hit.chunk.embedded()).collect();
    if texts.is_empty() {
        return Ok(hits);
    }
    let scores = reranker.score(question, &texts).await?;
    Ok(fuse(hits, &scores, options.weight))
}

/// Fuses `scores`, which are those of the first hits, with the scores that these hits have: a weighted
/// `CombSUM` with min-max normalisation over them, as the legs of retrieval are fused. The hits that are
/// not scored get 0 and stay behind in their order; how many there are makes no difference.
pub fn fuse(mut hits: Vec<Hit>, scores: &[f32], weight: f32) -> Vec<Hit> {
    let retrieved: Vec<f32> = hits.iter().take(scores.len()).map(|hit| hit.score).collect();
    let (retrieved, reranked) = (scaled(&retrieved), scaled(scores));
    let retrieved = retrieved.into_iter().chain(iter::repeat(0.0));
    for (hit, score) in hits.iter_mut().zip(retrieved) {
        hit.score = (1.0 - weight) * score;
    }
    let mut order: Vec<usize> = (0..scores.len().min(hits.len())).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    for (rank, &place) in (1..).zip(&order) {
        hits[place].score += weight * reranked[place];
        hits[place].rerank = Some(LegScore { rank, score: scores[place] });
    }
    hits.sort_by(|a, b| match (a.rerank.is_some(), b.rerank.is_some()) {
        (true, true) => best_first(a, b),
        (false, false) => Ordering::Equal,
        (a, b) => b.cmp(&a),
    });
    hits
}

/// Min-max to 0..=1; equal scores are scaled to 1.
fn scaled(scores: &[f32]) -> Vec<f32> {
    let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
    let range = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least;
    let scale = |score: &f32| if range > 0.0 { (score - least) / range } else { 1.0 };
    scores.iter().map(scale).collect()
}

#[cfg(test)]
mod tests;
