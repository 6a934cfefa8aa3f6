//! Contract: a collection comes, changes and goes.

use super::*;

pub(super) async fn a_missing_collection_is_empty(store: &dyn VectorStore) {
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.documents().await, Ok(Vec::new()));
    assert_eq!(store.count_chunks().await, Ok(0));
    assert_eq!(store.tally().await, Ok(Vec::new()));
    assert_eq!(store.failures().await, Ok(Vec::new()));
    assert!(store.vectors(&[ContentHash::of(b"x")]).await.unwrap().is_empty());
    store.delete_chunks("a.md", &[]).await.unwrap();
    store.delete_documents(&["a.md".to_owned()]).await.unwrap();
    store.delete_failures(&["a.md".to_owned()]).await.unwrap();
    store.drop_collection().await.unwrap();
    store.flush().await.unwrap();
    let search = store.search(ask(Some([1.0; 4]), &[])).await;
    assert_eq!(search.unwrap_err().fault, Fault::NotFound);
    assert_eq!(store.upsert(corpus()).await.unwrap_err().fault, Fault::NotFound);
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
