//! Versions on disk: what a kill leaves of them, and who removes it.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// The names of the versions there are, and the one in use.
fn versions(store: &EdgeStore) -> (Vec<u32>, Option<u32>) {
    let mut versions = store.layout.versions().unwrap();
    versions.sort_unstable();
    (versions, store.layout.current().unwrap())
}

/// A collection of ten chunks, and a successor of twenty that is not published.
async fn rebuilt() -> (tempfile::TempDir, EdgeStore, Arc<dyn VectorStore>) {
    let (dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    store.upsert(points(0..10)).await.unwrap();
    store.flush().await.unwrap();
    let successor = store.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    successor.upsert(points(0..20)).await.unwrap();
    (dir, store, successor)
}

#[tokio::test]
async fn a_creation_that_was_cut_off_leaves_no_collection() {
    let (_dir, store) = embedded();
    let leftover = layout::shard(&store.layout.version(1)).join("segments");
    fs::create_dir_all(&leftover).unwrap();
    fs::write(leftover.join("half"), "x").unwrap();
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.documents().await, Ok(Vec::new()));
    store.create(&manifest()).await.unwrap();
    assert!(!leftover.join("half").exists());
    assert_eq!(store.manifest().await, Ok(Some(manifest())));
}

#[tokio::test]
async fn killed_before_it_is_published_a_successor_was_never_there() {
    let (dir, store, successor) = rebuilt().await;
    assert_eq!(versions(&store), (vec![1, 2], Some(1)));
    let (early, late) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(dir.path(), early.path());
    successor.flush().await.unwrap();
    successor.optimize().await.unwrap();
    copy(dir.path(), late.path());
    for crashed in [early, late] {
        let again = open(crashed.path(), Access::Write);
        assert_eq!(again.count_chunks().await, Ok(10));
        assert_eq!(versions(&again), (vec![1, 2], Some(1)), "who only reads removes nothing");
        again.lock().await.unwrap();
        assert_eq!(versions(&again), (vec![1], Some(1)), "the next writer does");
        // And its own successor is another one.
        let successor = again.successor().await.unwrap();
        assert_eq!(successor.manifest().await, Ok(None));
        assert_eq!(successor.count_chunks().await, Ok(0));
        successor.create(&manifest()).await.unwrap();
        successor.publish().await.unwrap();
        assert_eq!(again.count_chunks().await, Ok(0));
        assert_eq!(versions(&again), (vec![2], Some(2)));
    }
}

#[tokio::test]
async fn killed_right_after_it_is_published_a_successor_is_the_collection() {
    let (dir, store, successor) = rebuilt().await;
    store.release().await.unwrap();
    successor.release().await.unwrap();
    // The pointer was replaced, and nothing after that was done.
    store.layout.point_to(2).unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(dir.path(), crashed.path());
    let again = open(crashed.path(), Access::Write);
    assert_eq!(again.count_chunks().await, Ok(20));
    assert_eq!(versions(&again), (vec![1, 2], Some(2)));
    again.release().await.unwrap();
    again.lock().await.unwrap();
    assert_eq!(versions(&again), (vec![2], Some(2)));
    assert_eq!(again.count_chunks().await, Ok(20));
}

#[tokio::test]
async fn half_a_version_is_never_published() {
    let (_dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    let successor = store.successor().await.unwrap();
    let error = successor.publish().await.unwrap_err();
    assert!(error.message.contains("not whole"), "{error}");
    assert_eq!(store.manifest().await, Ok(Some(manifest())));
}

#[tokio::test]
async fn a_reader_keeps_the_version_it_has_open() {
    let (dir, store, successor) = rebuilt().await;
    store.release().await.unwrap();
    let reader = open(dir.path(), Access::Read);
    assert_eq!(reader.count_chunks().await, Ok(10));
    successor.publish().await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(10));
    assert_eq!(reader.search(nearest(100)).await.unwrap().dense.len(), 10);
    assert_eq!(versions(&store), (vec![1, 2], Some(2)));
    reader.release().await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(20));
    drop((reader, successor, store));
    let next = open(dir.path(), Access::Write);
    next.lock().await.unwrap();
    assert_eq!(versions(&next), (vec![2], Some(2)));
}

#[tokio::test]
async fn a_reader_never_mixes_two_versions() {
    let (dir, store, successor) = rebuilt().await;
    store.release().await.unwrap();
    let reader = open(dir.path(), Access::Read);
    reader.manifest().await.unwrap();
    successor.publish().await.unwrap();
    // Its question was embedded for the version it asked about.
    let error = reader.search(nearest(5)).await.unwrap_err();
    assert!(error.message.contains("was built anew"), "{error}");
    reader.manifest().await.unwrap();
    assert_eq!(reader.search(nearest(5)).await.unwrap().dense.len(), 5);
}
