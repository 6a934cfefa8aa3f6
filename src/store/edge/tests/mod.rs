//! What only the embedded store does: processes that share a directory, crashes, files.

#![allow(clippy::unwrap_used, reason = "tests")]

mod cutoff;
mod listing;
mod quantized;
mod turns;
mod versions;

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::sync::OwnedRwLockReadGuard;
use uuid::Uuid;

use super::open_shard::OpenShard;

use super::shards::Shards;
use super::*;
use crate::store::contract::{DIMENSIONS, chunk, embedded, hash, manifest, point};
use crate::store::payload::DOCUMENT;
use crate::store::{SearchRequest, VectorStore};
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Filter, Manifest, Point};

/// The collection as opened by another process that waits for nobody.
pub(super) fn open(data: &Path) -> EdgeStore {
    let options = EdgeOptions { wait: Duration::ZERO, ..EdgeOptions::default() };
    EdgeStore::open(data, "Füße docs", options).unwrap()
}

/// A reader in another process.
async fn reader(data: &Path) -> CollectionReader {
    open(data).read().await.unwrap().unwrap()
}

async fn write(store: &EdgeStore) -> VersionView {
    VersionView::written(&store.shared, VersionWriter::begin(&store.shared, None).await.unwrap())
}

/// The writer of an empty collection.
async fn create(store: &EdgeStore) -> VersionView {
    let writer = write(store).await;
    writer.create(&manifest()).await.unwrap();
    writer
}

/// As when the turn of this process is over.
async fn unload(store: &EdgeStore) {
    let mut shards = store.shared.shards.write().await;
    store.shared.unload(&mut shards, |_, opened| !opened.is_private()).await.unwrap();
}

async fn is_loaded(store: &EdgeStore) -> bool {
    store.shared.shards.read().await.get(1).is_some()
}

/// The shard that a view has loaded.
async fn loaded(view: &VersionView) -> OwnedRwLockReadGuard<Shards, OpenShard> {
    view.opened().await.unwrap().unwrap()
}

pub(super) fn points(range: std::ops::Range<u32>) -> Vec<Point> {
    let one = |n: u32| {
        point(
            chunk(&format!("{}.md", n % 7), n, &format!("text {n}")),
            [1.0, n as f32, 0.0, 1.0],
            &[(n % 50, 1.0)],
        )
    };
    range.map(one).collect()
}

fn nearest(limit: usize) -> SearchRequest {
    SearchRequest { dense: Some(vec![1.0; DIMENSIONS]), limit, ..SearchRequest::default() }
}

/// As a killed process leaves it: the kernel keeps what was written, nothing is flushed.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_closed_collection_opens_again_with_everything() {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..100)).await.unwrap();
    writer.optimize().await.unwrap();
    writer.upsert(points(100..120)).await.unwrap();
    writer.close().await.unwrap();
    let same = store.read().await.unwrap().unwrap();
    assert_eq!(same.count_chunks().await, Ok(120), "the same process loads it again");
    drop((same, writer, store));
    let reader = reader(dir.path()).await;
    assert_eq!(reader.count_chunks().await, Ok(120));
    assert_eq!(reader.search(nearest(500)).await.unwrap().dense.len(), 120);
}

/// Without the index, nothing would be found by source or kind.
#[tokio::test]
async fn a_shard_without_the_index_is_refused() {
    let (dir, store) = embedded();
    create(&store).await.close().await.unwrap();
    let shard = layout::shard(&store.shared.layout.version(1));
    drop(store);
    engine::without_index(&shard).unwrap();
    let error = reader(dir.path()).await.count_chunks().await.unwrap_err();
    assert!(error.message.contains("it was built by an earlier docent"), "{error}");
}

#[tokio::test]
async fn a_killed_writer_loses_exactly_what_was_not_flushed() {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..300)).await.unwrap();
    writer.flush().await.unwrap();
    writer.upsert(points(300..500)).await.unwrap();
    writer.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(dir.path(), crashed.path());

    let again = open(crashed.path()).write().await.unwrap();
    assert_eq!(again.count_chunks().await, Ok(300));
    // It continues from there: what is written now counts, although the log has seen later updates.
    again.upsert(points(300..310)).await.unwrap();
    again.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap();
    again.close().await.unwrap();
    let expected = (0..310).filter(|n| n % 7 != 3).count() as u64;
    assert_eq!(reader(crashed.path()).await.count_chunks().await, Ok(expected));
}

async fn create_with_many(store: &EdgeStore) -> (VersionView, u32) {
    let many = u32::try_from(tuning::COMPACT_AFTER).unwrap() + 500;
    let writer = create(store).await;
    for start in (0..many).step_by(500) {
        writer.upsert(points(start..many.min(start + 500))).await.unwrap();
    }
    (writer, many)
}

#[tokio::test]
async fn a_writer_killed_after_a_compaction_leaves_a_whole_collection() {
    let (dir, store) = embedded();
    let (writer, many) = create_with_many(&store).await;
    let left = async || left_after_compaction(&writer, dir.path()).await;
    assert_eq!(left().await, 0, "nothing is durable that was not flushed");
    writer.flush().await.unwrap();
    assert_eq!(store.shared.uncompacted(1).load(Ordering::Relaxed), 0);
    writer.upsert(points(many..many + 100)).await.unwrap();
    let beside = left().await;
    let many = u64::from(many);
    assert!((many..=many + 100).contains(&beside), "{beside}: what was flushed at least");

    writer.upsert(points(0..200)).await.unwrap();
    writer.optimize().await.unwrap();
    assert_eq!(writer.count_chunks().await, Ok(many + 100));
    let legs = writer.search(SearchRequest {
        filter: Filter { sources: Some(vec!["5.md".to_owned()]), ..Filter::default() },
        ..nearest(20)
    });
    let legs = legs.await.unwrap();
    assert_eq!((legs.dense.len(), legs.chunks.len()), (20, 20));
    assert!(legs.chunks.values().all(|chunk| chunk.source == "5.md"));
}

async fn left_after_compaction(writer: &VersionView, dir: &Path) -> u64 {
    loaded(writer).await.compacted().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(dir, crashed.path());
    reader(crashed.path()).await.count_chunks().await.unwrap()
}

#[tokio::test]
async fn points_deleted_by_a_killed_writer_during_a_compaction_are_still_there() {
    let (dir, store) = embedded();
    let (writer, many) = create_with_many(&store).await;
    writer.flush().await.unwrap();
    writer.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap();
    assert_eq!(left_after_compaction(&writer, dir.path()).await, u64::from(many));
}

#[tokio::test]
async fn existing_points_are_written_after_a_compaction_and_not_beside_it() {
    let (_dir, store) = embedded();
    let (writer, many) = create_with_many(&store).await;
    writer.flush().await.unwrap();
    let is_compacted = async || loaded(&writer).await.is_compacted();
    writer.upsert(points(many..many + 100)).await.unwrap();
    writer.count_chunks().await.unwrap();
    assert!(!is_compacted().await, "nobody has waited");
    writer.upsert(points(99..199)).await.unwrap();
    assert!(is_compacted().await);
}

#[tokio::test]
async fn a_checkpoint_waits_for_a_compaction_where_much_would_be_lost() {
    let (_dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..10)).await.unwrap();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    loaded(&writer).await.compact_by(move || ends.recv().unwrap()).unwrap();
    writer.checkpoint().await.unwrap();
    // As if much had been written.
    let uncompacted = store.shared.uncompacted(1);
    uncompacted.store(tuning::FLUSH_AFTER, Ordering::Relaxed);
    let checkpoint = writer.checkpoint();
    let ended = async { end.send(()).unwrap() };
    futures::future::join(checkpoint, ended).await.0.unwrap();
    assert_eq!(uncompacted.load(Ordering::Relaxed), 0, "it was flushed, and counts again");
}

#[tokio::test]
async fn points_are_searched_and_added_while_others_are_compacted() {
    let (_dir, store) = embedded();
    let (writer, many) = create_with_many(&store).await;
    let rounds = u32::try_from(tuning::MERGE_AFTER + 2).unwrap();
    let mut end = many;
    for _ in 0..rounds {
        // As if as much had been written.
        store.shared.uncompacted(1).store(tuning::COMPACT_AFTER, Ordering::Relaxed);
        writer.flush().await.unwrap();
        writer.upsert(points(end..end + 20)).await.unwrap();
        end += 20;
        assert_eq!(writer.search(nearest(10)).await.unwrap().dense.len(), 10);
        assert_eq!(writer.count_chunks().await, Ok(end.into()));
    }
    unload(&store).await;
    assert_eq!(writer.count_chunks().await, Ok(end.into()));
}

#[tokio::test]
async fn the_log_stays_small_and_updates_still_apply() {
    let (dir, store) = embedded();
    create(&store).await.close().await.unwrap();
    for round in 0..3 {
        let writer = write(&store).await;
        for part in 0..6 {
            let text = format!("round {round}: {}", "x".repeat(1 << 20));
            let mut big = point(chunk("big.md", part, &text), [1.0; 4], &[(1, 1.0)]);
            // The same points in each round.
            big.chunk.chunk_hash = ContentHash::of(&part.to_le_bytes());
            writer.upsert(vec![big]).await.unwrap();
        }
        writer.close().await.unwrap();
        let version = store.shared.layout.version(1);
        let log = fs::read_dir(layout::shard(&version).join("wal")).unwrap();
        let closed = log
            .filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().starts_with("closed-"));
        assert!(closed.count() <= 1);
        let legs = reader(dir.path()).await.search(nearest(100)).await.unwrap();
        assert_eq!(legs.dense.len(), 6);
        assert!(
            legs.chunks.values().all(|chunk| chunk.text.starts_with(&format!("round {round}")))
        );
    }
}

/// Bytes of all files.
fn size(of: &Path) -> u64 {
    let entries = fs::read_dir(of).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let found = entry.metadata().unwrap();
            if found.is_dir() { size(&entry.path()) } else { found.len() }
        })
        .sum()
}

#[tokio::test]
async fn disk_use_stays_bounded_over_many_runs() {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..300)).await.unwrap();
    writer.close().await.unwrap();
    drop((writer, store));
    let run = async |round: u32| {
        let writer = open(dir.path()).write().await.unwrap();
        // A document is replaced, another one comes and goes.
        let mut changed = points(0..20);
        for (n, point) in changed.iter_mut().enumerate() {
            point.chunk.text = format!("{round}: {}", "some words ".repeat(2_000));
            point.chunk.document_hash = ContentHash::of(&round.to_le_bytes());
            point.chunk.chunk_hash = ContentHash::of(format!("{round} {n}").as_bytes());
        }
        let keep: Vec<Uuid> = changed.iter().map(|point| point.chunk.id()).collect();
        writer.upsert(changed).await.unwrap();
        for source in 0..7 {
            writer.delete_chunks(&[format!("{source}.md")], &keep).await.unwrap();
        }
        writer.upsert(points(1_000..1_020)).await.unwrap();
        writer.flush().await.unwrap();
        writer.optimize().await.unwrap();
        writer.close().await.unwrap();
        // What was not changed since stays with readers of the process, and is unloaded with them.
        drop(writer);
        size(dir.path())
    };
    let mut sizes = Vec::new();
    for round in 0..45 {
        sizes.push(run(round).await);
    }
    // 20 MB go through the log, which is cut into pieces of 4 MB.
    let (early, late) = (sizes[5..20].iter().max().unwrap(), sizes[30..].iter().max().unwrap());
    assert!(late <= &(early + (1 << 20)), "{sizes:?}");
    assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(40));
}

#[tokio::test]
async fn a_process_that_ends_without_a_word_loses_nothing() {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..50)).await.unwrap();
    drop((writer, store));
    let reads = reader(dir.path()).await;
    assert_eq!(reads.count_chunks().await, Ok(50));
    drop(reads);
    let copied = tempfile::tempdir().unwrap();
    copy(dir.path(), copied.path());
    assert_eq!(reader(copied.path()).await.count_chunks().await, Ok(50));
}

#[tokio::test]
async fn a_reader_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("nothing here"));
    assert!(store.read().await.unwrap().is_none());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_unreadable_collection_is_an_error_that_names_the_place() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("the shard is missing", |version| fs::remove_dir_all(version.join("shard")).unwrap()),
        ("its settings are rubbish", |version| {
            fs::write(version.join("shard/edge_config.json"), "{").unwrap();
        }),
        ("its segments are rubbish", |version| {
            for segment in fs::read_dir(version.join("shard/segments")).unwrap() {
                fs::write(segment.unwrap().path().join("segment.json"), "rubbish").unwrap();
            }
        }),
        ("everything is missing", |version| fs::remove_dir_all(version).unwrap()),
    ];
    for (name, damage) in damages {
        let (dir, store) = embedded();
        create(&store).await.close().await.unwrap();
        let version = store.shared.layout.version(1);
        drop(store);
        damage(&version);
        let count = async { open(dir.path()).read().await?.unwrap().count_chunks().await };
        let error = count.await.unwrap_err();
        assert_eq!(error.fault, Fault::Permanent, "{name}");
        assert!(error.message.contains("Füße docs@v1"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_garbled_payload_is_an_error() {
    let (_dir, store) = embedded();
    let writer = create(&store).await;
    loaded(&writer)
        .await
        .with(|shard| engine::upsert_foreign(shard, &json!({"record": "chunk", "text": 7})))
        .ok()
        .unwrap();
    let error = writer.search(nearest(5)).await.unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
    assert!(error.message.contains("can't be read"), "{error}");
}

#[tokio::test]
async fn a_foreign_point_is_skipped_and_counted() {
    let (_dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(vec![point(chunk("a.md", 0, "x"), [1.0; 4], &[])]).await.unwrap();
    let found = writer.search(nearest(5)).await.unwrap();
    loaded(&writer)
        .await
        .with(|shard| engine::upsert_foreign(shard, &json!({"page_content": "x"})))
        .ok()
        .unwrap();
    assert_eq!(writer.search(nearest(5)).await, Ok(found));
    assert_eq!(writer.count_chunks().await, Ok(1));
    let foreign = writer.foreign_points().await.unwrap();
    assert_eq!((foreign.count, foreign.ids.len()), (1, 1));
}

#[test]
fn names_that_leave_the_directory_are_refused() {
    let error = EdgeStore::open(Path::new("/data"), "../x", EdgeOptions::default()).err().unwrap();
    assert_eq!(error.fault, Fault::Permanent);
}
