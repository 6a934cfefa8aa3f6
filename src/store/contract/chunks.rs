//! Contract: listing chunks, without a question.

use super::*;

/// All chunks that pass, as pages of `limit`.
async fn pages(store: &dyn VectorStore, filter: &Filter, limit: usize) -> Vec<Vec<Chunk>> {
    let mut page = ChunkPage { filter: filter.clone(), limit, from: None };
    let mut pages = Vec::new();
    loop {
        let list = store.chunks(page).await.unwrap();
        pages.push(list.chunks);
        let Some(next) = list.next else { return pages };
        page = ChunkPage { filter: filter.clone(), limit, from: Some(next) };
    }
}

async fn all(store: &dyn VectorStore, limit: usize) -> Vec<Chunk> {
    pages(store, &Filter::default(), limit).await.concat()
}

fn by_id(points: &[Point]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = points.iter().map(|point| point.chunk.clone()).collect();
    chunks.sort_by_key(Chunk::id);
    chunks
}

/// This many chunks of a document, with a vector or without.
fn novel(source: &str, chunks: u32) -> Vec<Point> {
    let one = |n| Point {
        dense: (n % 3 > 0).then(|| vec![1.0; DIMENSIONS]),
        ..point(chunk(source, n, &format!("{source}: text {n}")), [0.0; DIMENSIONS], &[])
    };
    (0..chunks).map(one).collect()
}

pub(super) async fn chunks_come_page_by_page_in_one_order(store: &dyn CollectionWriter) {
    assert_eq!(store.chunks(ChunkPage { limit: 9, ..ChunkPage::default() }).await, Ok(empty()));
    store.create(&manifest()).await.unwrap();
    assert_eq!(store.chunks(ChunkPage { limit: 9, ..ChunkPage::default() }).await, Ok(empty()));
    store.upsert(corpus()).await.unwrap();
    store.put_documents(&[document("handbook/backups.md", 3)]).await.unwrap();
    let expected = by_id(&corpus());
    for (limit, lengths) in
        [(1, &[1, 1, 1, 1, 1][..]), (2, &[2, 2, 1]), (3, &[3, 2]), (5, &[5]), (100, &[5])]
    {
        let pages = pages(store, &Filter::default(), limit).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths, "{limit} to a page");
        assert_eq!(pages.concat(), expected, "{limit} to a page");
    }
    assert_eq!(store.chunks(ChunkPage::default()).await, Ok(empty()), "a page of none");
}

fn empty() -> ChunkList {
    ChunkList::default()
}

pub(super) async fn chunks_pass_the_filter_and_records_never_come(store: &dyn CollectionWriter) {
    fill(store).await;
    let strings = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    let sources = |values: &[&str]| Filter { sources: Some(strings(values)), ..Filter::default() };
    let tags = |values: &[&str]| Filter { tags: strings(values), ..Filter::default() };
    let (api, main, backups) = ("api/reference.html", "src/main.rs", "handbook/backups.md");
    for _ in ["before", "after optimize"] {
        for (filter, expected) in [
            (Filter::default(), vec![api, backups, backups, backups, main]),
            (sources(&[backups]), vec![backups, backups, backups]),
            (sources(&[api, main]), vec![api, main]),
            (sources(&["no/such.md"]), vec![]),
            (sources(&[]), vec![]),
            (
                Filter { kinds: vec![DocumentKind::Html, DocumentKind::Code], ..Filter::default() },
                vec![api, main],
            ),
            (Filter { kinds: vec![DocumentKind::Code], ..sources(&[api, main]) }, vec![main]),
            (tags(&["team=api"]), vec![api, main]),
            (tags(&["team=api", "public"]), vec![api]),
            // Only records have that tag.
            (tags(&["team=storage"]), vec![]),
        ] {
            let found = pages(store, &filter, 2).await.concat();
            let mut found: Vec<&str> = found.iter().map(|chunk| chunk.source.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{filter:?}");
        }
        store.optimize().await.unwrap();
    }
}

/// Chunks that exist from the first page to the last come exactly once, in the same order, whatever is added
/// or removed between two pages.
pub(super) async fn the_order_of_chunks_survives_updates(store: &dyn CollectionWriter) {
    store.create(&manifest()).await.unwrap();
    let (kept, gone) = (novel("kept.md", 300), novel("gone.md", 300));
    store.upsert([kept.clone(), gone].concat()).await.unwrap();
    let first = ChunkPage { limit: 100, ..ChunkPage::default() };
    let list = store.chunks(first.clone()).await.unwrap();
    let mut seen = list.chunks;
    // The chunk that the next page begins with may be among the removed ones.
    store.delete_documents(&["gone.md".to_owned()]).await.unwrap();
    store.upsert(novel("new.md", 300)).await.unwrap();
    store.upsert(kept.clone()).await.unwrap();
    store.optimize().await.unwrap();
    let mut from = list.next;
    while from.is_some() {
        let list = store.chunks(ChunkPage { from, ..first.clone() }).await.unwrap();
        seen.extend(list.chunks);
        from = list.next;
    }
    assert!(seen.is_sorted_by_key(Chunk::id));
    seen.retain(|chunk| chunk.source == "kept.md");
    assert_eq!(seen, by_id(&kept));
    let now = by_id(&[kept, novel("new.md", 300)].concat());
    assert_eq!(all(store, 77).await, now);
}

pub(super) async fn the_chunks_of_a_document_come_in_the_order_of_its_text(
    store: &dyn CollectionWriter,
) {
    assert_eq!(chunks_of(store, "novel.md").await, Ok(Vec::new()));
    fill(store).await;
    // More than one request returns, in no order.
    let novel = novel("novel.md", 2_345);
    let (early, late) = novel.split_at(1_000);
    store.upsert(late.to_vec()).await.unwrap();
    store.upsert(early.to_vec()).await.unwrap();
    let expected: Vec<Chunk> = novel.into_iter().map(|point| point.chunk).collect();
    assert_eq!(chunks_of(store, "novel.md").await, Ok(expected));
    assert_eq!(chunks_of(store, "novel").await, Ok(Vec::new()));
    assert_eq!(chunks_of(store, "src/main.rs").await.unwrap().len(), 1);
}

/// All points, as pages of `limit`.
async fn all_points(store: &dyn VectorStore, limit: usize) -> Vec<Point> {
    let mut page = ChunkPage { limit, ..ChunkPage::default() };
    let mut points = Vec::new();
    loop {
        let PointList { points: more, next } = store.points(page.clone()).await.unwrap();
        assert!(more.len() <= limit);
        points.extend(more);
        if next.is_none() {
            return points;
        }
        page.from = next;
    }
}

pub(super) async fn points_come_with_their_vectors_and_can_be_stored_again(
    store: &dyn CollectionWriter,
) {
    let nothing = ChunkPage { limit: 9, ..ChunkPage::default() };
    assert_eq!(store.points(nothing).await, Ok(PointList::default()));
    fill(store).await;
    assert_eq!(store.points(ChunkPage::default()).await, Ok(PointList::default()));
    let mut expected = corpus();
    expected.sort_by_key(|point| point.chunk.id());
    for _ in ["before", "after optimize"] {
        for limit in [1, 3, 100] {
            let points = all_points(store, limit).await;
            for (point, expected) in points.iter().zip(&expected) {
                assert_eq!(point.chunk, expected.chunk);
                assert_same_vectors(point, expected);
            }
            assert_eq!(points.len(), expected.len(), "{limit} to a page");
        }
        // A second time, it is the same.
        let stored = all_points(store, 100).await;
        upserted(store, stored.clone()).await.unwrap();
        for (again, before) in all_points(store, 100).await.iter().zip(&stored) {
            assert_same_vectors(again, before);
        }
        store.optimize().await.unwrap();
    }
}

/// Ignores the length of the dense vector, and the order of terms.
fn assert_same_vectors(one: &Point, other: &Point) {
    let unit = |point: &Point| {
        let dense = point.dense.clone()?;
        let length = dense.iter().map(|value| value * value).sum::<f32>().sqrt();
        Some(dense.iter().map(|value| value / length).collect::<Vec<_>>())
    };
    assert_eq!(one.dense.is_some(), other.dense.is_some());
    for (a, b) in unit(one).iter().flatten().zip(unit(other).iter().flatten()) {
        assert!((a - b).abs() < 1e-6, "{one:?} {other:?}");
    }
    let terms = |point: &Point| {
        let SparseVector { indices, values } = point.sparse.clone();
        let mut terms: Vec<(u32, f32)> = indices.into_iter().zip(values).collect();
        terms.sort_by_key(|(term, _)| *term);
        terms
    };
    assert_eq!(terms(one), terms(other));
}
