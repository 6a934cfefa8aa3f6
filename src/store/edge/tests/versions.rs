//! Versions on disk: what a kill leaves of them, which readers see them, and who removes them.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// The numbers of all versions, and the live one.
fn versions(store: &EdgeStore) -> (Vec<u32>, Option<u32>) {
    let layout = &store.shared.layout;
    let mut versions = layout.versions().unwrap();
    versions.sort_unstable();
    (versions, layout.current().unwrap())
}

/// A collection of ten chunks, and a successor of twenty that is not published.
struct Rebuilt {
    dir: tempfile::TempDir,
    store: EdgeStore,
    writer: VersionView,
    successor: Arc<dyn CollectionWriter>,
}

async fn rebuilt() -> Rebuilt {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..10)).await.unwrap();
    writer.flush().await.unwrap();
    let successor = writer.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    successor.upsert(points(0..20)).await.unwrap();
    Rebuilt { dir, store, writer, successor }
}

/// For a collection of another model with the same dimensions.
fn of_another_embedder() -> Manifest {
    let mut manifest = manifest();
    manifest.embedder.name = "openai:another".to_owned();
    manifest
}

#[tokio::test]
async fn a_creation_that_was_cut_off_leaves_no_collection() {
    let (_dir, store) = embedded();
    let leftover = layout::shard(&store.shared.layout.version(1)).join("segments");
    fs::create_dir_all(&leftover).unwrap();
    fs::write(leftover.join("half"), "x").unwrap();
    assert!(store.read().await.unwrap().is_none());
    let writer = write(&store).await;
    assert_eq!(writer.documents().await, Ok(Vec::new()));
    writer.create(&manifest()).await.unwrap();
    assert!(!leftover.join("half").exists());
    assert_eq!(writer.manifest().await, Ok(Some(manifest())));
}

#[tokio::test]
async fn killed_before_it_is_published_a_successor_was_never_there() {
    let Rebuilt { dir, store, successor, .. } = rebuilt().await;
    assert_eq!(versions(&store), (vec![1, 2], Some(1)));
    let (early, late) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(dir.path(), early.path());
    successor.flush().await.unwrap();
    successor.optimize().await.unwrap();
    copy(dir.path(), late.path());
    for crashed in [early, late] {
        assert_eq!(reader(crashed.path()).await.count_chunks().await, Ok(10));
        let again = open(crashed.path());
        assert_eq!(versions(&again), (vec![1, 2], Some(1)), "who only reads removes nothing");
        let writer = write(&again).await;
        assert_eq!(versions(&again), (vec![1], Some(1)), "the next writer does");
        // Its own successor gets another number.
        let successor = writer.successor().await.unwrap();
        assert_eq!(successor.manifest().await, Ok(None));
        assert_eq!(successor.count_chunks().await, Ok(0));
        successor.create(&manifest()).await.unwrap();
        successor.publish(0).await.unwrap();
        assert_eq!(successor.count_chunks().await, Ok(0));
        assert_eq!(versions(&again), (vec![2], Some(2)));
    }
}

#[tokio::test]
async fn killed_right_after_it_is_published_a_successor_is_the_collection() {
    let Rebuilt { dir, store, successor, .. } = rebuilt().await;
    successor.flush().await.unwrap();
    // The pointer was replaced, and nothing after that was done.
    store.shared.layout.point_to(2).unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(dir.path(), crashed.path());
    assert_eq!(reader(crashed.path()).await.count_chunks().await, Ok(20));
    let again = open(crashed.path());
    assert_eq!(versions(&again), (vec![1, 2], Some(2)));
    let writer = write(&again).await;
    assert_eq!(versions(&again), (vec![2], Some(2)));
    assert_eq!(writer.count_chunks().await, Ok(20));
}

#[tokio::test]
async fn half_a_version_is_never_published() {
    let (_dir, store) = embedded();
    let writer = create(&store).await;
    let successor = writer.successor().await.unwrap();
    let error = successor.publish(0).await.unwrap_err();
    assert!(error.message.contains("not complete"), "{error}");
    assert_eq!(writer.manifest().await, Ok(Some(manifest())));
}

#[tokio::test]
async fn a_reader_keeps_the_version_it_has_loaded() {
    let Rebuilt { dir, store, writer, successor } = rebuilt().await;
    unload(&store).await;
    let former = reader(dir.path()).await;
    assert_eq!(former.count_chunks().await, Ok(10));
    successor.publish(0).await.unwrap();
    assert_eq!(former.count_chunks().await, Ok(10));
    assert_eq!(former.search(nearest(100)).await.unwrap().dense.len(), 10);
    assert_eq!(versions(&store), (vec![1, 2], Some(2)));
    drop(former);
    assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(20));
    drop((writer, successor, store));
    let next = open(dir.path());
    let _writer = write(&next).await;
    assert_eq!(versions(&next), (vec![2], Some(2)));
}

#[tokio::test]
async fn a_former_version_stays_for_the_readers_of_the_process_that_replaced_it() {
    let Rebuilt { dir: _dir, store, successor, .. } = rebuilt().await;
    let readers = [store.read().await.unwrap().unwrap(), store.read().await.unwrap().unwrap()];
    successor.publish(0).await.unwrap();
    successor.close().await.unwrap();
    let [first, second] = readers;
    for former in [first, second] {
        assert_eq!(former.count_chunks().await, Ok(10));
        unload(&store).await;
        write(&store).await.close().await.unwrap();
        assert_eq!(versions(&store), (vec![1, 2], Some(2)), "somebody reads it");
    }
    write(&store).await.close().await.unwrap();
    assert_eq!(versions(&store), (vec![2], Some(2)));
}

#[tokio::test]
async fn a_reader_that_has_nothing_loaded_keeps_no_version() {
    let Rebuilt { dir, store, successor, .. } = rebuilt().await;
    unload(&store).await;
    let former = reader(dir.path()).await;
    successor.publish(0).await.unwrap();
    assert_eq!(versions(&store), (vec![2], Some(2)));
    // Its question was embedded for the version that it asked.
    let error = former.search(nearest(5)).await.unwrap_err();
    assert_eq!(error.fault, Fault::Replaced);
    assert!(error.message.contains("was rebuilt while it was being read"), "{error}");
    let later = reader(dir.path()).await;
    assert_eq!(later.search(nearest(5)).await.unwrap().dense.len(), 5);
}

/// The next writer waits for it, and a waiting process is let in.
#[tokio::test]
async fn a_reader_that_is_idle_does_not_keep_a_former_version_for_ever() {
    let Rebuilt { dir, store, writer, successor } = rebuilt().await;
    unload(&store).await;
    let former = reader(dir.path()).await;
    assert_eq!(former.count_chunks().await, Ok(10));
    successor.publish(0).await.unwrap();
    assert_eq!(versions(&store), (vec![1, 2], Some(2)));
    writer.close().await.unwrap();
    while versions(&store) != (vec![2], Some(2)) {
        open(dir.path()).write().await.unwrap().close().await.unwrap();
    }
    assert_eq!(former.count_chunks().await.unwrap_err().fault, Fault::Replaced);
}

/// The version that follows has the same number.
#[tokio::test]
async fn a_reader_does_not_take_a_collection_that_came_back_for_its_own() {
    for same_process in [true, false] {
        let (dir, store) = embedded();
        let writer = create(&store).await;
        writer.upsert(points(0..10)).await.unwrap();
        unload(&store).await;
        let other = if same_process { None } else { Some(open(dir.path())) };
        let reading = other.as_ref().unwrap_or(&store);
        let former = reading.read().await.unwrap().unwrap();
        assert_eq!(former.count_chunks().await, Ok(10));
        unload(reading).await;

        writer.drop_collection().await.unwrap();
        writer.create(&of_another_embedder()).await.unwrap();
        writer.upsert(points(0..3)).await.unwrap();
        writer.put_documents(&[]).await.unwrap();
        unload(&store).await;
        let later = reading.read().await.unwrap().unwrap();
        assert_eq!((later.version(), &**later.manifest()), (1, &of_another_embedder()));
        // Whether or not it is loaded already.
        for _ in 0..2 {
            assert_replaced(&former).await;
            assert_eq!(later.count_chunks().await, Ok(3));
        }
        assert_eq!(later.search(nearest(5)).await.unwrap().dense.len(), 3);
    }
}

async fn assert_replaced(reader: &CollectionReader) {
    let faults = [
        reader.search(nearest(5)).await.map(drop),
        reader.count_chunks().await.map(drop),
        reader.tally().await.map(drop),
        reader.documents().await.map(drop),
        reader.failures().await.map(drop),
        reader.vectors(&[hash("text 1")]).await.map(drop),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        assert_eq!(fault.unwrap_err().fault, Fault::Replaced, "{number}");
    }
}

#[tokio::test]
async fn an_unpublished_version_is_not_mixed_with_the_next_one() {
    for closes in [true, false] {
        let Rebuilt { dir: _dir, store, writer, successor } = rebuilt().await;
        if closes {
            writer.close().await.unwrap();
        }
        drop((writer, successor));
        let next = write(&store).await;
        assert_eq!(versions(&store), (vec![1], Some(1)));
        assert!(store.shared.shards.read().await.get(2).is_none(), "what has no files any more");
        let other = next.successor().await.unwrap();
        other.create(&of_another_embedder()).await.unwrap();
        other.upsert(points(0..4)).await.unwrap();
        other.publish(0).await.unwrap();
        assert_eq!((other.version().await, other.count_chunks().await), (Ok(Some(2)), Ok(4)));
    }
}

/// The only pointer to a version, damaged in every way: nothing is removed, and it can be repaired.
#[tokio::test]
async fn a_damaged_pointer_costs_nothing() {
    for pointer in [&b"v3\n"[..], b"", b"rubbish", b"v1\n9\n00000000\n", b"\xff\xfe"] {
        let (dir, store) = embedded();
        let writer = create(&store).await;
        writer.upsert(points(0..10)).await.unwrap();
        writer.close().await.unwrap();
        drop((writer, store));
        let damaged = open(dir.path());
        let layout = damaged.shared.layout.clone();
        fs::write(layout.pointer(), pointer).unwrap();
        for error in [damaged.read().await.map(drop), damaged.write().await.map(drop)] {
            let message = error.unwrap_err().message;
            assert!(message.contains("docent index repair"), "{pointer:?}: {message}");
        }
        assert_eq!(layout.versions().unwrap(), [1], "{pointer:?}");
        let repaired = damaged.repair().await.unwrap();
        assert_eq!(
            (repaired.whole.version, repaired.whole.chunks, repaired.changed),
            (1, 10, true)
        );
        assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(10));
        assert!(!damaged.repair().await.unwrap().changed);
    }
}

#[tokio::test]
async fn without_its_pointer_a_collection_is_missed_and_not_removed() {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..10)).await.unwrap();
    writer.put_manifest(&run_over(&manifest())).await.unwrap();
    writer.close().await.unwrap();
    drop((writer, store));
    let damaged = open(dir.path());
    fs::remove_file(damaged.shared.layout.pointer()).unwrap();
    let error = damaged.read().await.map(drop).unwrap_err();
    assert!(error.message.contains("is missing"), "{error}");
    assert!(damaged.write().await.is_err());
    damaged.repair().await.unwrap();
    assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(10));
}

/// Former versions are removed only after the version in use was read completely.
#[tokio::test]
async fn a_former_version_stays_while_the_one_in_use_is_damaged() {
    let Rebuilt { dir, store, writer, successor } = rebuilt().await;
    successor.flush().await.unwrap();
    store.shared.layout.point_to(2).unwrap();
    drop((writer, successor, store));
    let again = open(dir.path());
    let segments = layout::shard(&again.shared.layout.version(2)).join("segments");
    fs::remove_dir_all(segments).unwrap();
    let writer = again.write().await.unwrap();
    assert_eq!(versions(&again), (vec![1, 2], Some(2)));
    writer.close().await.unwrap();
    drop(writer);
    assert_eq!(again.repair().await.unwrap().whole.version, 1);
    assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(10));
}

fn run_over(manifest: &Manifest) -> Manifest {
    let run = crate::types::IngestRun {
        run_id: Uuid::nil(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
        partition: None,
    };
    Manifest { runs: vec![run], ..manifest.clone() }
}

/// A reading process notices that everything was removed, its lock included.
#[tokio::test]
async fn a_collection_removed_by_hand_and_created_again_is_read() {
    for asked_meanwhile in [false, true] {
        let (dir, store) = embedded();
        let writer = create(&store).await;
        writer.upsert(points(0..10)).await.unwrap();
        writer.close().await.unwrap();
        let reading = open(dir.path());
        let former = reading.read().await.unwrap().unwrap();
        assert_eq!(former.count_chunks().await, Ok(10));
        for name in fs::read_dir(dir.path()).unwrap() {
            fs::remove_dir_all(name.unwrap().path()).unwrap();
        }
        if asked_meanwhile {
            assert!(reading.read().await.unwrap().is_none());
        }

        let again = open(dir.path());
        let writer = write(&again).await;
        writer.create(&of_another_embedder()).await.unwrap();
        writer.upsert(points(0..3)).await.unwrap();
        writer.close().await.unwrap();
        let later = reading.read().await.unwrap().unwrap();
        assert_eq!(later.count_chunks().await, Ok(3));
        assert_eq!(former.count_chunks().await.unwrap_err().fault, Fault::Replaced);
        assert_eq!(later.count_chunks().await, Ok(3), "the former reader took nothing away");
        unload(&again).await;
        unload(&reading).await;
        assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(3), "its lock is free");
    }
}

#[tokio::test]
async fn readers_share_a_manifest_until_there_is_another() {
    let (dir, store) = embedded();
    create(&store).await.close().await.unwrap();
    let read = async || store.read().await.unwrap().unwrap();
    let (first, second) = (read().await, read().await);
    assert!(Arc::ptr_eq(first.manifest(), second.manifest()));
    // By another process.
    let other = open(dir.path());
    let writer = write(&other).await;
    let roots = vec!["docs".to_owned()];
    let changed = Manifest { roots, ..Manifest::clone(first.manifest()) };
    writer.put_manifest(&changed).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(**read().await.manifest(), changed);
    assert!(Arc::ptr_eq(read().await.manifest(), read().await.manifest()));
    let file = store.shared.layout.version(1).join("manifest.json");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("docs", "dogs")).unwrap();
    assert!(store.read().await.is_err(), "it was damaged after it was read");
}
