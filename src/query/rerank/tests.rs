#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::query::pack::tests::chunk;

fn hits(scores: &[f32]) -> Vec<Hit> {
    let hit = |(ordinal, &score)| Hit {
        chunk: chunk("a.md", ordinal, &format!("text {ordinal}")),
        score,
        dense: None,
        sparse: None,
        late: None,
        rerank: None,
    };
    (0..).zip(scores).map(hit).collect()
}

fn order(hits: &[Hit]) -> Vec<(u32, f32)> {
    hits.iter().map(|hit| (hit.chunk.ordinal, (hit.score * 100.0).round() / 100.0)).collect()
}

#[test]
fn both_scores_count_by_their_weight() {
    let fused = fuse(hits(&[0.9, 0.7, 0.5, 0.1]), &[-3.0, 1.0, -1.0], 0.7);
    assert_eq!(order(&fused), [(1, 0.85), (2, 0.35), (0, 0.3), (3, 0.0)]);
    assert_eq!(fused[0].rerank, Some(LegScore { rank: 1, score: 1.0 }));
    assert_eq!(fused[2].rerank, Some(LegScore { rank: 3, score: -3.0 }));
    assert_eq!(fused[3].rerank, None);
}

#[test]
fn hits_that_are_not_scored_make_no_difference() {
    let scores = [0.2, 0.9, 0.4];
    let few = order(&fuse(hits(&[0.9, 0.8, 0.7]), &scores, 0.4));
    let many = order(&fuse(hits(&[0.9, 0.8, 0.7, 0.2, 0.1]), &scores, 0.4));
    assert_eq!(many[..3], few);
    assert_eq!(many[3..], [(3, 0.0), (4, 0.0)]);
}

#[test]
fn a_weight_of_one_is_the_reranker_alone_and_of_zero_retrieval_alone() {
    let all = order(&fuse(hits(&[0.9, 0.7, 0.5]), &[1.0, 2.0, 3.0], 1.0));
    assert_eq!(all, [(2, 1.0), (1, 0.5), (0, 0.0)]);
    let none = order(&fuse(hits(&[0.9, 0.7, 0.5]), &[1.0, 2.0, 3.0], 0.0));
    assert_eq!(none, [(0, 1.0), (1, 0.5), (2, 0.0)]);
}

#[test]
fn equal_scores_change_nothing() {
    let fused = fuse(hits(&[3.0, 2.0, 1.0]), &[0.5, 0.5, 0.5], 0.7);
    assert_eq!(order(&fused), [(0, 1.0), (1, 0.85), (2, 0.7)]);
    assert_eq!(fuse(Vec::new(), &[], 0.7), []);
}

proptest! {
    #[test]
    fn reranking_keeps_all_hits_and_orders_them(
        scored in prop::collection::vec((0.0_f32..1.0, -9.0_f32..9.0), 0..30),
        asked in 0_usize..30,
        weight in 0.0_f32..=1.0,
    ) {
        let mut retrieved: Vec<f32> = scored.iter().map(|row| row.0).collect();
        retrieved.sort_by(|a, b| b.total_cmp(a));
        let scores: Vec<f32> = scored.iter().take(asked).map(|row| row.1).collect();
        let fused = fuse(hits(&retrieved), &scores, weight);
        let mut who: Vec<u32> = fused.iter().map(|hit| hit.chunk.ordinal).collect();
        prop_assert!(fused.windows(2).all(|pair| pair[0].score >= pair[1].score - 1e-6));
        prop_assert!(fused.iter().all(|hit| (-1e-6..=1.000_001).contains(&hit.score)));
        prop_assert!(fused.iter().take(scores.len()).all(|hit| hit.rerank.is_some()));
        prop_assert_eq!(fused.iter().filter(|hit| hit.rerank.is_some()).count(), scores.len());
        // Hits that were not scored keep their order.
        prop_assert!(who[scores.len()..].is_sorted());
        who.sort_unstable();
        prop_assert!(who.into_iter().eq(0..retrieved.len() as u32));
    }
}
