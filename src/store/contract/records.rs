//! Contract: chunks and records are written, replaced and removed.

use super::*;

pub(super) async fn documents_come_complete_and_sorted(store: &dyn CollectionWriter) {
    store.create(&manifest()).await.unwrap();
    let mut records: Vec<_> = (0..2_345).map(|n| document(&format!("Füße/{n}.md"), n)).collect();
    for batch in records.chunks(500) {
        store.put_documents(batch).await.unwrap();
    }
    records.sort_by(|a, b| a.source.cmp(&b.source));
    assert_eq!(store.documents().await, Ok(records.clone()));
    assert_eq!(store.count_chunks().await, Ok(0));
    // Replaced, not added.
    records[7].chunks = 99;
    store.put_documents(&records[7..8]).await.unwrap();
    assert_eq!(store.documents().await, Ok(records));
}

pub(super) async fn writing_again_changes_nothing(store: &dyn CollectionWriter) {
    fill(store).await;
    let request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0), (3, 1.0)]);
    let before = store.search(request.clone()).await.unwrap();
    for _ in 0..3 {
        store.upsert(corpus()).await.unwrap();
        store.upsert(Vec::new()).await.unwrap();
        store.put_documents(&[document("src/main.rs", 1)]).await.unwrap();
    }
    assert_eq!(store.count_chunks().await, Ok(5));
    assert_eq!(store.documents().await.unwrap().len(), 3);
    let after = store.search(request.clone()).await.unwrap();
    assert_same(&before, &after);

    // The same chunk with another title, and without its dense vector.
    let mut changed = corpus().swap_remove(0);
    changed.chunk.title = "New".to_owned();
    changed.dense = None;
    store.upsert(vec![changed]).await.unwrap();
    let legs = store.search(request).await.unwrap();
    assert_eq!(legs.dense.len(), 3);
    assert!(legs.chunks.values().any(|chunk| chunk.title == "New"));
}

pub(super) async fn stale_chunks_go_and_kept_ones_stay(store: &dyn CollectionWriter) {
    fill(store).await;
    let kept = corpus()[1].chunk.id();
    let backups = ["handbook/backups.md".to_owned()];
    store.delete_chunks(&backups, &[kept, Uuid::from_u128(1)]).await.unwrap();
    let legs = store.search(ask(Some([1.0; 4]), &[(3, 1.0), (7, 1.0), (9, 1.0)])).await.unwrap();
    let mut left = texts(&legs, &legs.dense);
    left.sort_unstable();
    assert_eq!(left, ["POST /v1/restore", "fn restore() {}", "two operators"]);
    assert_eq!(legs.sparse.len(), 3);
    assert_eq!(store.documents().await.unwrap().len(), 3, "the record stays");
    let both = [&backups[..], &["src/main.rs".to_owned()]].concat();
    store.delete_chunks(&both, &[kept]).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(2), "of one of two it is all");
    store.delete_chunks(&backups, &[]).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(1));
}

pub(super) async fn documents_go_with_their_chunks(store: &dyn CollectionWriter) {
    fill(store).await;
    let gone: Vec<String> = (0..600)
        .map(|n| format!("never/{n}.md"))
        .chain(["handbook/backups.md".to_owned(), "src/main.rs".to_owned()])
        .collect();
    store.delete_documents(&gone).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(1));
    let left = store.documents().await.unwrap();
    assert_eq!(left, [document("api/reference.html", 1)]);
    store.delete_documents(&[]).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(1));
}

pub(super) async fn chunks_are_tallied_by_version(store: &dyn CollectionWriter) {
    fill(store).await;
    let tally = |source: &str, version: &str, chunks| ChunkTally {
        source: source.to_owned(),
        document_hash: ContentHash::of(version.as_bytes()),
        chunks,
    };
    let one = ["api/reference.html", "handbook/backups.md", "src/main.rs"]
        .map(|source| tally(source, source, if source.ends_with("md") { 3 } else { 1 }));
    assert_eq!(store.tally().await, Ok(one.to_vec()));

    // A later version, half stored: more chunks than a page has, and some of a source of their own.
    let mut later: Vec<Point> = (0..1_234)
        .map(|n| point(chunk("src/main.rs", n, &format!("text {n}")), [1.0; DIMENSIONS], &[]))
        .collect();
    for point in &mut later {
        point.chunk.document_hash = ContentHash::of(b"later");
    }
    store.upsert(later).await.unwrap();
    let mut main = [tally("src/main.rs", "src/main.rs", 1), tally("src/main.rs", "later", 1_234)];
    main.sort();
    let [api, backups, _] = one;
    assert_eq!(store.tally().await, Ok([vec![api, backups], main.to_vec()].concat()));
}

pub(in crate::store) fn failure(source: &str, reason: &str) -> FailureRecord {
    FailureRecord {
        project: None,
        source: source.to_owned(),
        reason: reason.to_owned(),
        size: 1 << 40,
        mtime: -1_767_225_600_123_456_789,
        document_hash: (reason != "unreadable").then(|| ContentHash::of(source.as_bytes())),
        docent: "0.1.0".to_owned(),
        failed_at: "2026-01-01T00:00:00Z".to_owned(),
        run_id: Uuid::from_u128(7),
    }
}

pub(super) async fn failures_are_remembered_replaced_and_forgotten(store: &dyn CollectionWriter) {
    fill(store).await;
    store.put_failures(&[]).await.unwrap();
    assert_eq!(store.failures().await, Ok(Vec::new()));
    // The source of one of them is a document too: its earlier version stays.
    let mut failures = vec![
        failure("src/main.rs", "cut off"),
        failure("Füße/scan.pdf", "encrypted"),
        failure("docs/secret.md", "unreadable"),
    ];
    store.put_failures(&failures).await.unwrap();
    failures.sort_by(|a, b| a.source.cmp(&b.source));
    assert_eq!(store.failures().await, Ok(failures.clone()));
    failures[0].reason = "unreadable".to_owned();
    failures[0].document_hash = None;
    store.put_failures(&failures[..1]).await.unwrap();
    assert_eq!(store.failures().await, Ok(failures.clone()));

    assert_eq!((store.count_chunks().await, store.documents().await.unwrap().len()), (Ok(5), 3));
    assert_eq!(store.tally().await.unwrap().len(), 3);
    let mut request = ask(Some([1.0; 4]), &[(3, 1.0), (7, 1.0), (9, 1.0)]);
    request.filter.sources = Some(vec!["docs/secret.md".to_owned()]);
    assert_eq!(store.search(request).await, Ok(Legs::default()));

    // Documents and failures are removed independently.
    store.delete_documents(&["src/main.rs".to_owned()]).await.unwrap();
    assert_eq!(store.failures().await, Ok(failures.clone()));
    let gone = ["docs/secret.md", "src/main.rs", "never"].map(str::to_owned);
    store.delete_failures(&gone).await.unwrap();
    assert_eq!(store.failures().await.unwrap(), failures[..1]);
    assert_eq!(store.documents().await.unwrap().len(), 2);
}

pub(super) async fn vectors_are_found_by_chunk_hash(store: &dyn CollectionWriter) {
    fill(store).await;
    let mut hashes: Vec<_> = corpus().iter().map(|point| point.chunk.chunk_hash.clone()).collect();
    hashes.extend((0..1_500).map(|n: u32| ContentHash::of(&n.to_le_bytes())));
    let found = store.vectors(&hashes).await.unwrap();
    assert_eq!(found.len(), 4, "the chunk without a dense vector and the unknown ones are absent");
    let stored = &found[&corpus()[2].chunk.chunk_hash];
    for (got, expected) in stored.iter().zip([0.0, 0.6, 0.8, 0.0]) {
        assert!((got - expected).abs() < 1e-6, "unit length: {stored:?}");
    }
    assert!(store.vectors(&[]).await.unwrap().is_empty());
}
