//! Contract: a collection comes, changes and goes.

use super::*;

pub(super) async fn a_missing_collection_is_empty(store: &dyn VectorStore) {
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.documents().await, Ok(Vec::new()));
    assert_eq!(store.count_chunks().await, Ok(0));
    assert_eq!(store.tally().await, Ok(Vec::new()));
    assert_eq!(store.failures().await, Ok(Vec::new()));
    assert!(store.vectors(&[ContentHash::of(b"x")]).await.unwrap().is_empty());
    store.delete_chunks(&["a.md".to_owned()], &[]).await.unwrap();
    store.delete_documents(&["a.md".to_owned()]).await.unwrap();
    store.delete_failures(&["a.md".to_owned()]).await.unwrap();
    store.drop_collection().await.unwrap();
    store.flush().await.unwrap();
    let search = store.search(ask(Some([1.0; 4]), &[])).await;
    assert_eq!(search.unwrap_err().fault, Fault::NotFound);
    assert_eq!(upserted(store, corpus()).await.unwrap_err().fault, Fault::NotFound);
    assert_eq!(store.put_manifest(&manifest()).await.unwrap_err().fault, Fault::NotFound);
}

pub(super) async fn the_manifest_is_kept_and_replaced(store: &dyn VectorStore) {
    let mut manifest = manifest();
    store.create(&manifest).await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest.clone())));
    for number in 0..3 {
        manifest.runs.push(Run {
            run_id: Uuid::from_u128(number),
            started_at: "2026-01-02T00:00:00Z".to_owned(),
            docent: "0.1.0".to_owned(),
            roots: vec!["docs".to_owned(), "Füße".to_owned()],
        });
    }
    store.put_manifest(&manifest).await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest.clone())));
    manifest.unfinished = Some(manifest.runs.remove(0));
    manifest.roots = vec!["docs".to_owned()];
    store.put_manifest(&manifest).await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest.clone())));
    let again = store.create(&manifest).await.unwrap_err();
    assert!(again.message.contains("exists already"), "{again}");
}

pub(super) async fn a_dropped_collection_is_gone_and_can_come_back(store: &dyn VectorStore) {
    filled(store).await;
    store.drop_collection().await.unwrap();
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.count_chunks().await, Ok(0));
    store.create(&manifest()).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(0));
    assert_eq!(store.documents().await, Ok(Vec::new()));
}

fn rebuilt() -> Manifest {
    let mut manifest = manifest();
    manifest.embedder.name = "openai:another".to_owned();
    manifest.embedder.dimensions = 2;
    manifest
}

async fn fill_rebuilt(successor: &dyn VectorStore) {
    successor.create(&rebuilt()).await.unwrap();
    let new = Point {
        dense: Some(vec![0.6, 0.8]),
        ..point(chunk("new.md", 0, "built anew"), [0.0; 4], &[(7, 1.0)])
    };
    successor.upsert(vec![new]).await.unwrap();
    successor.put_documents(&[document("new.md", 1)]).await.unwrap();
    successor.flush().await.unwrap();
    successor.optimize().await.unwrap();
}

pub(super) async fn a_successor_takes_the_place_of_the_collection(store: &dyn VectorStore) {
    filled(store).await;
    assert_eq!(store.version().await, Ok(Some(1)));
    store.lock().await.unwrap();
    let successor = store.successor().await.unwrap();
    assert_eq!(successor.manifest().await, Ok(None));
    assert_eq!(successor.documents().await, Ok(Vec::new()));
    fill_rebuilt(&*successor).await;
    successor.put_manifest(&rebuilt()).await.unwrap();

    assert_eq!(store.manifest().await, Ok(Some(manifest())), "nobody sees it");
    assert_eq!((store.count_chunks().await, successor.count_chunks().await), (Ok(5), Ok(1)));
    store.pause().await.unwrap();
    successor.pause().await.unwrap();
    // The former version still gives what can be reused.
    let hash = [corpus()[0].chunk.chunk_hash.clone()];
    assert_eq!(store.vectors(&hash).await.unwrap().len(), 1);

    successor.publish().await.unwrap();
    for store in [store, &*successor] {
        assert_eq!(store.manifest().await, Ok(Some(rebuilt())));
        assert_eq!(store.version().await, Ok(Some(2)));
        assert_eq!(store.documents().await, Ok(vec![document("new.md", 1)]));
        let request =
            SearchRequest { dense: Some(vec![0.6, 0.8]), limit: 9, ..SearchRequest::default() };
        assert_eq!(texts(&store.search(request).await.unwrap().dense), ["built anew"]);
        assert!(store.vectors(&hash).await.unwrap().is_empty());
        // It was opened through one of the two.
        store.release().await.unwrap();
    }
    assert!(successor.publish().await.is_err());
    // And so on.
    let third = store.successor().await.unwrap();
    third.create(&manifest()).await.unwrap();
    third.publish().await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest())));
    assert_eq!(store.count_chunks().await, Ok(0));
}

pub(super) async fn a_successor_that_is_given_up_changes_nothing(store: &dyn VectorStore) {
    filled(store).await;
    let successor = store.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    successor.drop_collection().await.unwrap();
    assert_eq!(successor.manifest().await, Ok(None));
    assert!(successor.publish().await.is_err());
    assert_eq!(store.manifest().await, Ok(Some(manifest())));
    assert_eq!(store.count_chunks().await, Ok(5));
    assert!(store.publish().await.is_err(), "only a successor can be published");
}

pub(super) async fn a_successor_of_nothing_becomes_the_first(store: &dyn VectorStore) {
    let successor = store.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    assert_eq!(store.manifest().await, Ok(None));
    successor.publish().await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(rebuilt())));
}

pub(super) async fn a_lock_is_taken_again_after_it_was_given_back(store: &dyn VectorStore) {
    store.lock().await.unwrap();
    store.lock().await.unwrap();
    assert_eq!(store.manifest().await, Ok(None), "locking creates no collection");
    assert_eq!(store.version().await, Ok(None));
    store.unlock().await;
    store.unlock().await;
    store.lock().await.unwrap();
    filled(store).await;
    store.unlock().await;
    assert_eq!(store.count_chunks().await, Ok(5));
}
