#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use tokio::sync::{Semaphore, oneshot};

use super::*;
use crate::error::{ExternalService, Fault};
use crate::query::pack::pack;
use crate::query::pack::tests::chunk;
use crate::types::{DocumentKind, Mode};

/// A cache, and a retrieval that ends only when the test lets it.
struct Scene {
    cache: Arc<RetrievalCache>,
    /// A permit for each retrieval that may end.
    lets: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    /// Retrievals that were dropped before they ended.
    given_up: Arc<AtomicUsize>,
}

struct GivenUp(Option<Arc<AtomicUsize>>);

impl GivenUp {
    fn landed(mut self) {
        self.0 = None;
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn hit(text: &str) -> Hit {
    Hit::of(chunk("a.md", 0, text), 1.0, None)
}

fn key(name: &str) -> CacheKey {
    CacheKey::asked(&Queries::of(name), &RetrieveOptions::default())
}

fn failure() -> BackendError {
    BackendError::new(ExternalService::Embedder, Fault::Permanent, "http://host", "it failed")
}

impl Scene {
    fn new(capacity: u64) -> Self {
        Self {
            cache: Arc::new(RetrievalCache::new(capacity)),
            lets: Arc::new(Semaphore::new(0)),
            begun: Arc::default(),
            given_up: Arc::default(),
        }
    }

    async fn ask(
        &self,
        what: Result<&str, BackendError>,
    ) -> Result<(Arc<[Hit]>, bool), BackendError> {
        let name = what.clone().unwrap_or("it fails").to_owned();
        let what = what.map(|text| vec![hit(text)]);
        let (lets, begun) = (Arc::clone(&self.lets), Arc::clone(&self.begun));
        let retrieve = || {
            let given_up = GivenUp(Some(Arc::clone(&self.given_up)));
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                lets.acquire().await.unwrap().forget();
                given_up.landed();
                what
            }
        };
        self.cache.found(key(&name), retrieve).await
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn under_way(&self) -> usize {
        lock(&self.cache.flights).by_key.len()
    }

    fn counts(&self) -> (u64, u64, u64) {
        let CacheCounts { hits, misses, coalesced, .. } = self.cache.counts();
        (hits, misses, coalesced)
    }
}

#[tokio::test]
async fn what_many_ask_at_once_is_retrieved_once_and_then_kept() {
    let scene = Scene::new(1 << 20);
    let mut asking: Vec<_> = (0..10).map(|_| Box::pin(scene.ask(Ok("one")))).collect();
    for asked in &mut asking {
        assert!(futures::poll!(asked).is_pending());
    }
    scene.lets.add_permits(1);
    let found = futures::future::join_all(asking).await;
    let cached: Vec<bool> = found.into_iter().map(|found| found.unwrap().1).collect();
    assert_eq!(cached.iter().filter(|cached| !**cached).count(), 1);
    assert_eq!((scene.begun(), scene.counts(), scene.under_way()), (1, (0, 1, 9), 0));
    let (hits, cached) = scene.ask(Ok("one")).await.unwrap();
    assert_eq!((&*hits[0].chunk.text, cached), ("one", true));
    assert_eq!(scene.counts(), (1, 1, 9));
    assert!(scene.cache.counts().bytes > 0);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_end_it_for_others() {
    let scene = Scene::new(1 << 20);
    // The caller that leaves is the first, one in the middle, or the last.
    for leaves in 0..3 {
        let name = format!("question {leaves}");
        let mut asking: Vec<_> = (0..3).map(|_| Box::pin(scene.ask(Ok(&name)))).collect();
        for asked in &mut asking {
            assert!(futures::poll!(asked).is_pending());
        }
        drop(asking.remove(leaves));
        scene.lets.add_permits(1);
        for found in futures::future::join_all(asking).await {
            assert_eq!(&*found.unwrap().0[0].chunk.text, name);
        }
        assert_eq!(scene.begun(), leaves + 1, "nothing was retrieved twice");
    }
    assert_eq!(scene.given_up.load(Ordering::SeqCst), 0);
}

/// The caller that goes on is on another task, and has to be woken.
#[tokio::test]
async fn the_first_to_ask_hands_over() {
    let scene = Arc::new(Scene::new(1 << 20));
    let (leave, left) = oneshot::channel::<()>();
    let first = tokio::spawn({
        let scene = Arc::clone(&scene);
        async move {
            tokio::select! {
                _ = scene.ask(Ok("one")) => panic!("it was not let"),
                _ = left => {}
            }
        }
    });
    while scene.begun() == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let scene = Arc::clone(&scene);
        async move { scene.ask(Ok("one")).await }
    });
    while scene.counts().2 == 0 {
        tokio::task::yield_now().await;
    }
    leave.send(()).unwrap();
    first.await.unwrap();
    scene.lets.add_permits(1);
    assert!(second.await.unwrap().unwrap().1);
    assert_eq!(scene.begun(), 1);
}

#[tokio::test]
async fn when_all_have_left_it_ends_and_the_next_begins_again() {
    let scene = Scene::new(1 << 20);
    let mut asking = [Box::pin(scene.ask(Ok("one"))), Box::pin(scene.ask(Ok("one")))];
    for asked in &mut asking {
        assert!(futures::poll!(asked).is_pending());
    }
    drop(asking);
    assert_eq!((scene.given_up.load(Ordering::SeqCst), scene.under_way()), (1, 0));
    scene.lets.add_permits(1);
    assert!(!scene.ask(Ok("one")).await.unwrap().1);
    assert_eq!(scene.begun(), 2);
}

#[tokio::test]
async fn an_error_goes_to_those_who_waited_and_is_not_kept() {
    let scene = Scene::new(1 << 20);
    let mut asking: Vec<_> = (0..3).map(|_| Box::pin(scene.ask(Err(failure())))).collect();
    for asked in &mut asking {
        assert!(futures::poll!(asked).is_pending());
    }
    scene.lets.add_permits(2);
    let failed = futures::future::join_all(asking).await;
    assert!(failed.into_iter().all(|found| found == Err(failure())));
    assert_eq!((scene.begun(), scene.under_way(), scene.cache.counts().bytes), (1, 0, 0));
    assert_eq!(scene.ask(Err(failure())).await, Err(failure()));
    assert_eq!(scene.begun(), 2);
}

#[tokio::test]
async fn the_cache_stays_within_its_capacity() {
    const CAPACITY: u64 = 64 << 10;
    let scene = Scene::new(CAPACITY);
    scene.lets.add_permits(500);
    for number in 0..500 {
        let text = format!("question {number} {}", "x".repeat(number * 7 % 3_000));
        scene.ask(Ok(&text)).await.unwrap();
        assert!(scene.cache.counts().bytes <= CAPACITY);
    }
    assert!(scene.cache.counts().bytes > CAPACITY / 4, "it is used: {:?}", scene.cache.counts());
}

/// Few values of each part, so that equal ones are common.
fn asked() -> impl Strategy<Value = (Queries, RetrieveOptions)> {
    let word = || proptest::sample::select(vec!["", "a", "b", "ab", "a\0", "\u{e4}"]);
    let words = move || proptest::collection::vec(word().prop_map(str::to_owned), 0..3);
    let weight = || proptest::sample::select(vec![0.0_f32, -0.0, 0.3, 0.6]);
    let kinds = proptest::collection::vec(
        proptest::sample::select(vec![DocumentKind::Markdown, DocumentKind::Text]),
        0..2,
    );
    let filter = (proptest::option::of(words()), kinds, words());
    let queries = (words(), proptest::option::of(word().prop_map(str::to_owned)));
    let numbers = (1..3_usize, 1..3_usize, weight(), weight(), proptest::option::of(weight()));
    let rerank = proptest::option::of((1..3_usize, weight()));
    let mode = proptest::sample::select(vec![Mode::Hybrid, Mode::Dense, Mode::Sparse]);
    (queries, filter, numbers, rerank, mode).prop_map(|(queries, filter, numbers, rerank, mode)| {
        let (k, candidates, sparse, late, min_score) = numbers;
        let (sources, kinds, tags) = filter;
        let queries = Queries { queries: queries.0, hypothetical: queries.1, ..Queries::default() };
        let options = RetrieveOptions {
            mode,
            k,
            candidates,
            sparse_weight: AdaptiveWeight::fixed(sparse),
            late_weight: AdaptiveWeight { known: late, foreign: sparse },
            filter: Filter { sources, kinds, tags },
            min_score,
            rerank: rerank.map(|(candidates, weight)| RerankOptions { candidates, weight }),
        };
        (queries, options)
    })
}

proptest! {
    /// A question that may find other documents, or asks for anything else, has another key. The debug
    /// texts decide what is equal: `0.0` and `-0.0` are not, which only costs an entry.
    #[test]
    fn different_questions_have_different_keys(one in asked(), other in asked()) {
        let key = |(queries, options): &(Queries, RetrieveOptions)| CacheKey::asked(queries, options);
        let same = format!("{one:?}") == format!("{other:?}");
        prop_assert_eq!(key(&one) == key(&other), same);
        let mut restricted = one.clone();
        restricted.1.filter.sources = match restricted.1.filter.sources {
            None => Some(Vec::new()),
            Some(sources) => Some([sources, vec!["more".to_owned()]].concat()),
        };
        prop_assert_ne!(key(&one), key(&restricted));
        restricted = one.clone();
        restricted.1.filter.tags.push("tenant=b".to_owned());
        prop_assert_ne!(key(&one), key(&restricted));
    }
}

fn packing(hits: &[Hit], max_tokens: usize) -> CachedPacking {
    let options = PackOptions { max_tokens, ..PackOptions::default() };
    let packed = pack(hits, &options, 100, &str::len);
    CachedPacking { options, counted_by: "m".to_owned(), packed }
}

#[test]
fn packing_is_reused_by_callers_that_pack_in_the_same_way() {
    let hits = [hit("Kept for 400 days.")];
    let kept = packing(&hits, 1_000);
    let (options, taken) = (&kept.options, kept.packed.reserved.end());
    assert!(kept.is_for(options, "m", 100) && kept.is_for(options, "m", *taken));
    assert!(!kept.is_for(options, "m", taken + 1), "it would not fit");
    assert!(!kept.is_for(options, "another", 100), "it counts other tokens");
    let fewer = PackOptions { max_chunks: 1, ..options.clone() };
    assert!(!kept.is_for(&fewer, "m", 100));
}

#[test]
fn packing_is_kept_for_its_question_only() {
    let cache = Arc::new(RetrievalCache::new(1 << 20));
    let [one, other] = ["one", "other"].map(|name| CacheSlot::new(&cache, key(name)));
    let hits: Arc<[Hit]> = [hit("Kept for 400 days.")].into();
    one.keep(&hits, packing(&hits, 1_000));
    let bytes = cache.counts().bytes;
    assert_eq!(one.packing().unwrap().packed.passages[0].text, "Kept for 400 days.");
    assert!(other.packing().is_none());
    // Its passages take memory, too.
    one.keep(&hits, packing(&hits, 0));
    assert!(one.packing().unwrap().packed.passages.is_empty());
    assert!(cache.counts().bytes < bytes);
}
