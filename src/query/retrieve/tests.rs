#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::embed::BatchLimits;
use crate::http::ThrottleStats;
use crate::query::pack::tests::chunk;
use crate::store::{ChunkList, ChunkPage, ForeignPoints, Legs, PointList};
use crate::types::{
    Chunk, ChunkTally, ContentHash, DocumentRecord, EmbedderId, FailureRecord, LegScore, Scored,
};

/// The chunk that a leg gives this number.
fn numbered(n: u32) -> Chunk {
    chunk("a.md", n, &format!("text {n}"))
}

fn leg(scores: &[(u32, f32)]) -> Vec<Scored> {
    scores.iter().map(|&(n, score)| Scored { id: numbered(n).id(), score }).collect()
}

/// Both legs, with all chunks that they have.
fn legs(dense: &[(u32, f32)], sparse: &[(u32, f32)]) -> Legs {
    let chunks = dense.iter().chain(sparse).map(|&(n, _)| (numbered(n).id(), numbered(n)));
    let chunks = chunks.collect();
    Legs { dense: leg(dense), sparse: leg(sparse), chunks, ..Legs::default() }
}

fn fuse(legs: Legs, mode: Mode, sparse_weight: f32, limit: usize) -> Vec<Hit> {
    Fusion { mode, sparse_weight, limit }.hits(legs)
}

fn order(hits: &[Hit]) -> Vec<(u32, f32)> {
    hits.iter().map(|hit| (hit.chunk.ordinal, (hit.score * 100.0).round() / 100.0)).collect()
}

#[test]
fn full_lists_are_scaled_between_their_ends() {
    let legs = legs(&[(0, 0.9), (1, 0.7), (2, 0.5)], &[(2, 12.0), (3, 7.0), (1, 2.0)]);
    let hits = fuse(legs, Mode::Hybrid, 0.6, 3);
    assert_eq!(order(&hits), [(2, 0.6), (0, 0.4), (3, 0.3), (1, 0.2)]);
    assert_eq!(hits[0].dense, Some(LegScore { rank: 3, score: 0.5 }));
    assert_eq!(hits[0].sparse, Some(LegScore { rank: 1, score: 12.0 }));
    assert_eq!((hits[1].sparse, hits[2].dense), (None, None));
}

#[test]
fn the_weakest_of_few_sparse_matches_still_counts() {
    let legs = legs(&[], &[(0, 10.0), (1, 5.0)]);
    assert_eq!(order(&fuse(legs, Mode::Hybrid, 0.6, 100)), [(0, 0.6), (1, 0.3)]);
}

#[test]
fn equal_scores_and_single_hits_scale_to_one() {
    let legs = legs(&[(2, 0.3), (1, 0.3)], &[(5, 0.1)]);
    assert_eq!(order(&fuse(legs, Mode::Hybrid, 0.6, 1)), [(5, 0.6), (1, 0.4), (2, 0.4)]);
}

#[test]
fn one_leg_alone_keeps_its_scores() {
    let dense = legs(&[(0, 0.9), (1, -0.1)], &[]);
    assert_eq!(order(&fuse(dense, Mode::Dense, 0.6, 10)), [(0, 0.9), (1, -0.1)]);
    let sparse = legs(&[], &[(4, 7.5)]);
    assert_eq!(order(&fuse(sparse, Mode::Sparse, 0.6, 10)), [(4, 7.5)]);
}

struct Table {
    id: EmbedderId,
    vector: Option<Vec<f32>>,
}

#[async_trait]
impl Embedder for Table {
    fn id(&self) -> &EmbedderId {
        &self.id
    }
    fn limits(&self) -> BatchLimits {
        BatchLimits { input_tokens: 10, batch_items: 1, batch_tokens: 10, concurrency: 1 }
    }
    fn is_local(&self) -> bool {
        true
    }
    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }
    fn tokens_embedded(&self) -> u64 {
        0
    }
    fn throttled(&self) -> Option<ThrottleStats> {
        None
    }
    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        assert_eq!(role, TextRole::Query);
        Ok(vec![self.vector.clone(); inputs.len()])
    }
}

/// A store that returns what it was given for each leg that is asked, and remembers the request.
struct Shelf {
    legs: Legs,
    asked: Mutex<Option<SearchRequest>>,
}

#[async_trait]
impl VectorStore for Shelf {
    fn endpoint(&self) -> &'static str {
        "shelf"
    }
    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError> {
        let mut legs = self.legs.clone();
        if request.dense.is_none() {
            legs.dense.clear();
        }
        if request.sparse.is_none() {
            legs.sparse.clear();
        }
        *self.asked.lock().unwrap() = Some(request);
        Ok(legs)
    }
    async fn verify(&self) -> Result<(), BackendError> {
        unreachable!()
    }
    async fn open(&self) -> Result<(), BackendError> {
        unreachable!()
    }
    async fn chunks(&self, _: ChunkPage) -> Result<ChunkList, BackendError> {
        unreachable!()
    }
    async fn points(&self, _: ChunkPage) -> Result<PointList, BackendError> {
        unreachable!()
    }
    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        unreachable!()
    }
    async fn tally(&self) -> Result<Vec<ChunkTally>, BackendError> {
        unreachable!()
    }
    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        unreachable!()
    }
    async fn vectors(
        &self,
        _: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        unreachable!()
    }
    async fn count_chunks(&self) -> Result<u64, BackendError> {
        unreachable!()
    }
    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError> {
        unreachable!()
    }
}

/// The hits for a question with these vectors, and the request that reached the store.
async fn ask(
    vector: Option<Vec<f32>>,
    terms: Vec<u32>,
    options: &RetrieveOptions,
) -> (Vec<(u32, f32)>, Option<SearchRequest>) {
    let id = EmbedderId {
        name: "table".to_owned(),
        revision: String::new(),
        dimensions: 1,
        document_prefix: String::new(),
        query_prefix: String::new(),
    };
    let legs = legs(&[(0, 0.9), (1, 0.1)], &[(1, 4.0), (2, 1.0)]);
    let shelf = Shelf { legs, asked: Mutex::new(None) };
    let sparse = SparseVector { values: vec![1.0; terms.len()], indices: terms };
    let (table, late) = (Table { id, vector }, LateInteraction::new());
    let hits = retrieve(asked(sparse), &table, &shelf, &late, options).await.unwrap();
    (order(&hits), shelf.asked.into_inner().unwrap())
}

fn asked(sparse: SparseVector) -> RetrieveRequest<'static> {
    let weights = QueryWeights::of("", &RetrieveOptions::default());
    RetrieveRequest { dense: ("q".to_owned(), TextRole::Query), sparse, weights, words: None }
}

#[tokio::test]
async fn hybrid_asks_both_legs_and_floors_the_fused_score() {
    let options = RetrieveOptions { min_score: Some(0.3), k: 5, ..Default::default() };
    let (hits, request) = ask(Some(vec![1.0]), vec![7], &options).await;
    assert_eq!(hits, [(1, 0.6), (0, 0.4)]);
    let request = request.unwrap();
    assert_eq!((request.limit, request.min_score), (100, None));
    assert!(request.dense.is_some() && request.sparse.is_some());
}

#[tokio::test]
async fn a_leg_with_nothing_to_ask_leaves_the_other_alone() {
    let options = RetrieveOptions::default();
    let (hits, request) = ask(None, vec![7], &options).await;
    assert_eq!((hits, request.unwrap().dense), (vec![(1, 1.0), (2, 0.25)], None));
    let (hits, request) = ask(Some(vec![1.0]), vec![], &options).await;
    assert_eq!((hits, request.unwrap().sparse), (vec![(0, 1.0), (1, 0.0)], None));
    let (hits, request) = ask(None, vec![], &options).await;
    assert!(hits.is_empty() && request.is_none());
}

#[tokio::test]
async fn single_modes_push_limit_and_floor_into_the_store() {
    let options =
        RetrieveOptions { mode: Mode::Sparse, k: 1, min_score: Some(0.5), ..Default::default() };
    let (hits, request) = ask(Some(vec![1.0]), vec![7], &options).await;
    let request = request.unwrap();
    assert_eq!(hits, [(1, 4.0)]);
    assert_eq!((request.limit, request.min_score, request.dense), (1, Some(0.5), None));
    let options = RetrieveOptions { mode: Mode::Dense, ..options };
    let (hits, request) = ask(Some(vec![1.0]), vec![7], &options).await;
    assert_eq!((hits, request.unwrap().sparse), (vec![(0, 0.9)], None));
}

proptest! {
    #[test]
    fn fused_scores_stay_within_bounds_and_order_is_stable(
        dense in proptest::collection::btree_map(0u32..20, -1f32..1.0, 0..12),
        sparse in proptest::collection::btree_map(0u32..20, 0f32..30.0, 0..12),
        weight in 0f32..=1.0,
        limit in 0usize..14,
    ) {
        let ranked = |scores: std::collections::BTreeMap<u32, f32>| {
            let mut scores: Vec<_> = scores.into_iter().collect();
            scores.sort_by(|a, b| b.1.total_cmp(&a.1));
            scores
        };
        let legs = legs(&ranked(dense), &ranked(sparse));
        let hits = fuse(legs.clone(), Mode::Hybrid, weight, limit);
        prop_assert_eq!(&hits, &fuse(legs.clone(), Mode::Hybrid, weight, limit));
        prop_assert!(hits.iter().all(|hit| (0.0..=1.000_01).contains(&hit.score)));
        prop_assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert_eq!(hits.len(), legs.chunks.len());
        // The best are the first hits, and all that score the same as the last of them.
        for wanted in 0..=hits.len() {
            let fusion = Fusion { mode: Mode::Hybrid, sparse_weight: weight, limit };
            let best = fusion.best(&legs, wanted);
            prop_assert!(best.len() >= wanted);
            let mut some = legs.clone();
            some.chunks.retain(|id, _| best.contains(id));
            prop_assert_eq!(&fusion.hits(some)[..wanted], &hits[..wanted]);
        }
    }
}

#[test]
fn weights_go_by_how_well_the_table_knows_the_words() {
    let options = RetrieveOptions::default();
    let of = |query, options: &RetrieveOptions| {
        let QueryWeights { sparse, late } = QueryWeights::of(query, options);
        [sparse, late].map(|weight| (weight * 100.0).round() as i32)
    };
    assert_eq!(of("copies of the ledger", &options), [60, 40]);
    assert_eq!(of("备份保留多久", &options), [90, 20]);
    let [sparse, late] = of("Wie lange werden Sicherungen aufbewahrt?", &options);
    assert!((61..75).contains(&sparse) && (31..40).contains(&late), "{sparse} {late}");
    let fixed = RetrieveOptions { sparse_weight: AdaptiveWeight::fixed(0.5), ..options.clone() };
    assert_eq!(of("备份保留多久", &fixed), [50, 20]);
    let dense = RetrieveOptions { mode: Mode::Dense, ..options };
    assert_eq!(of("copies of the ledger", &dense), [60, 0]);
}

#[test]
fn rankings_of_several_queries_are_combined_by_their_mean_scores() {
    let list = |scores: &[(u32, f32)]| fuse(legs(scores, &[]), Mode::Dense, 0.6, 10);
    let lists = || vec![list(&[(0, 1.0), (1, 0.5)]), list(&[(1, 0.8), (2, 0.6)])];
    let options = RetrieveOptions { k: 10, ..RetrieveOptions::default() };
    let hits = combine(lists(), &options);
    assert_eq!(order(&hits), [(1, 0.65), (0, 0.5), (2, 0.3)]);
    assert_eq!(hits[0].dense, Some(LegScore { rank: 2, score: 0.5 }));
    let floor = RetrieveOptions { min_score: Some(0.4), ..options.clone() };
    assert_eq!(order(&combine(lists(), &floor)), [(1, 0.65), (0, 0.5)]);
    assert_eq!(order(&combine(lists(), &RetrieveOptions { k: 1, ..options.clone() })), [(1, 0.65)]);
    assert_eq!(combine(Vec::new(), &options), []);
}
