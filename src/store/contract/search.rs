//! Contract: what a search finds.

use super::*;

pub(super) async fn each_leg_is_ranked_by_its_own_score(store: &dyn CollectionWriter) {
    fill(store).await;
    let dense = Some([1.0, 0.0, 0.0, 0.0]);
    let terms = [(9, 1.0), (3, 1.0)];
    let both = store.search(ask(dense, &terms)).await.unwrap();
    assert_eq!(texts(&both, &both.dense)[..2], ["kept for 400 days", "two operators"]);
    assert_eq!(both.dense.len(), 4, "a chunk without a dense vector is not in the dense leg");
    assert!((both.dense[1].score - 0.6).abs() < 1e-5, "{}", both.dense[1].score);
    assert_eq!(
        texts(&both, &both.sparse),
        ["Ωmega", "two operators", "POST /v1/restore", "kept for 400 days", "fn restore() {}"]
    );
    assert!(both.sparse.is_sorted_by(|a, b| a.score >= b.score));
    // A chunk is returned with all its fields.
    assert_eq!(both.chunks[&both.sparse[2].id], corpus()[2].chunk);

    let only_dense = store.search(ask(dense, &[])).await.unwrap();
    assert_eq!((only_dense.dense, only_dense.sparse), (both.dense, Vec::new()));
    let only_sparse = store.search(ask(None, &terms)).await.unwrap();
    assert_eq!((only_sparse.dense, only_sparse.sparse), (Vec::new(), both.sparse));
    assert_eq!(store.search(ask(None, &[])).await, Ok(Legs::default()));
    let unknown_terms = store.search(ask(None, &[(123_456, 1.0)])).await;
    assert_eq!(unknown_terms, Ok(Legs::default()));
}

pub(super) async fn the_chunks_that_are_wanted_come_along(store: &dyn CollectionWriter) {
    fill(store).await;
    let mut request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0)]);
    request.chunks =
        ReturnedChunks::Some(Arc::new(|legs| vec![legs.sparse[0].id, legs.dense[1].id]));
    let legs = store.search(request.clone()).await.unwrap();
    for hit in [&legs.sparse[0], &legs.dense[1]] {
        let stored = corpus().into_iter().find(|point| point.chunk.id() == hit.id).unwrap();
        assert_eq!(legs.chunks[&hit.id], stored.chunk);
    }
    request.chunks = ReturnedChunks::Some(Arc::new(|_| Vec::new()));
    assert_eq!(store.search(request).await.unwrap().dense, legs.dense);
}

pub(super) async fn the_idf_of_a_term_is_that_of_the_whole_collection(
    store: &dyn CollectionWriter,
) {
    fill(store).await;
    let chunks = corpus();
    let having = |term: &u32| {
        chunks.iter().filter(|point| point.sparse.indices.contains(term)).count() as f32
    };
    let terms = [3, 7, 9, 123_456];
    let mut request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0)]);
    request.idf_of = terms.to_vec();
    // Neither a filter nor a limit changes it.
    request.filter.kinds = vec![DocumentKind::Pdf];
    request.limit = 1;
    let legs = store.search(request).await.unwrap();
    for term in terms.iter().filter(|term| having(term) > 0.0) {
        let (all, having) = (chunks.len() as f32, having(term));
        let expected = ((all - having + 0.5) / (having + 0.5) + 1.0).ln();
        assert!((legs.idf[term] - expected).abs() < 1e-5, "{term}: {} {expected}", legs.idf[term]);
    }
    let unknown = terms.iter().filter(|term| having(term) == 0.0).count();
    assert_eq!(legs.idf.len(), terms.len() - unknown);
    assert!(unknown > 0 && unknown < terms.len());
}

pub(super) async fn filters_apply_before_the_limit(store: &dyn CollectionWriter) {
    fill(store).await;
    let strings = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    let sources = |values: &[&str]| Filter { sources: Some(strings(values)), ..Filter::default() };
    let kinds = |kinds: &[DocumentKind]| Filter { kinds: kinds.to_vec(), ..Filter::default() };
    let tags = |values: &[&str]| Filter { tags: strings(values), ..Filter::default() };
    let (api, main, backups) = ("api/reference.html", "src/main.rs", "handbook/backups.md");
    let combined = Filter {
        tags: strings(&["team=api"]),
        ..kinds(&[DocumentKind::Code, DocumentKind::Markdown])
    };
    let contradiction =
        Filter { sources: Some(strings(&[backups])), ..kinds(&[DocumentKind::Code]) };
    for (filter, expected) in [
        (sources(&[api]), vec![api]),
        (sources(&[api, main]), vec![api, main]),
        (sources(&["no/such.md"]), vec![]),
        (sources(&[]), vec![]),
        (kinds(&[DocumentKind::Html]), vec![api]),
        (kinds(&[DocumentKind::Html, DocumentKind::Code]), vec![api, main]),
        (kinds(&[DocumentKind::Pdf]), vec![]),
        (tags(&["team=api"]), vec![api, main]),
        (tags(&["team=api", "public"]), vec![api]),
        (tags(&["team"]), vec![]),
        (combined, vec![main]),
        (contradiction, vec![]),
        (Filter::default(), vec![api, backups, main]),
    ] {
        let mut request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0)]);
        request.filter = filter.clone();
        // The best hits overall do not pass: filtering after the top k would leave nothing.
        request.limit = if expected.len() == 3 { 10 } else { expected.len().max(1) };
        let legs = store.search(request).await.unwrap();
        for leg in [&legs.dense, &legs.sparse] {
            let mut found: Vec<_> = leg.iter().map(|hit| &*legs.chunks[&hit.id].source).collect();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found, expected, "{filter:?}");
        }
    }
}

pub(super) async fn min_score_and_limit_cut_each_leg(store: &dyn CollectionWriter) {
    fill(store).await;
    let mut request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0), (3, 1.0)]);
    request.min_score = Some(0.5);
    let legs = store.search(request.clone()).await.unwrap();
    assert_eq!(texts(&legs, &legs.dense), ["kept for 400 days", "two operators"]);
    assert!(legs.sparse.iter().all(|hit| hit.score >= 0.5) && !legs.sparse.is_empty());
    assert!(legs.sparse.len() < 5);
    request.limit = 1;
    let legs = store.search(request.clone()).await.unwrap();
    assert_eq!((legs.dense.len(), legs.sparse.len()), (1, 1));
    request.limit = 0;
    assert_eq!(store.search(request).await, Ok(Legs::default()));
}

pub(super) async fn records_are_never_found(store: &dyn CollectionWriter) {
    fill(store).await;
    for _ in ["before", "after optimize"] {
        let mut request = ask(Some([1.0; 4]), &[(3, 1.0), (7, 1.0), (9, 1.0)]);
        request.limit = 100;
        let legs = store.search(request.clone()).await.unwrap();
        assert_eq!((legs.dense.len(), legs.sparse.len()), (4, 5));
        request.filter.tags = vec!["team=storage".to_owned()];
        assert_eq!(store.search(request).await, Ok(Legs::default()), "only records have that tag");
        assert_eq!(store.count_chunks().await, Ok(5));
        assert_eq!(store.documents().await.unwrap().len(), 3);
        store.optimize().await.unwrap();
    }
}

pub(super) async fn text_survives_as_it_is(store: &dyn CollectionWriter) {
    store.create(&manifest()).await.unwrap();
    let texts = ["", "日本語 🦀 \u{1b}[31m\u{202e}", "a\0b", "\"quoted\"\n\ttab\r\n", "e\u{301}"];
    let points: Vec<_> = texts
        .iter()
        .zip(1u32..)
        .map(|(text, n)| {
            point(
                chunk(&format!("päth/{n} \u{1f980}'\".md"), n, text),
                [1.0, n as f32, 0.0, 0.0],
                &[],
            )
        })
        .collect();
    store.upsert(points.clone()).await.unwrap();
    let legs = store.search(ask(Some([0.0, 1.0, 0.0, 0.0]), &[])).await.unwrap();
    let mut found: Vec<_> = legs.chunks.into_values().collect();
    found.sort_by_key(|chunk| chunk.ordinal);
    assert_eq!(found, points.into_iter().map(|point| point.chunk).collect::<Vec<_>>());
}

pub(super) async fn wrong_dimensions_are_refused(store: &dyn CollectionWriter) {
    fill(store).await;
    let mut wrong = corpus().swap_remove(0);
    wrong.dense = Some(vec![1.0; DIMENSIONS + 1]);
    assert_eq!(upserted(store, vec![wrong]).await.unwrap_err().fault, Fault::Permanent);
    let mut request = ask(None, &[]);
    request.dense = Some(vec![1.0; DIMENSIONS + 1]);
    assert_eq!(store.search(request).await.unwrap_err().fault, Fault::Permanent);
    assert_eq!(store.count_chunks().await, Ok(5));
}
