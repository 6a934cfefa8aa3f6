//! What only the embedded store does: processes that share a directory, crashes, files.

#![allow(clippy::unwrap_used, reason = "tests")]

mod listing;
mod turns;
mod versions;

use std::fs;

use serde_json::json;

use super::*;
use crate::store::contract::{DIMENSIONS, chunk, embedded, manifest, point};
use crate::types::Filter;

fn open(data: &Path, access: Access) -> EdgeStore {
    EdgeStore::open(data, "Füße docs", access).unwrap().wait(Duration::ZERO)
}

fn points(range: std::ops::Range<u32>) -> Vec<Point> {
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
fn copy(from: &Path, to: &Path) {
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
    store.create(&manifest()).await.unwrap();
    store.upsert(points(0..100)).await.unwrap();
    store.optimize().await.unwrap();
    store.upsert(points(100..120)).await.unwrap();
    store.release().await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(120), "the same value loads it again");
    drop(store);
    let reader = open(dir.path(), Access::Read);
    assert_eq!(reader.count_chunks().await, Ok(120));
    assert_eq!(reader.search(nearest(500)).await.unwrap().dense.len(), 120);
    assert_eq!(reader.upsert(points(0..1)).await.unwrap_err().fault, Fault::Permanent);
    assert_eq!(reader.drop_collection().await.unwrap_err().fault, Fault::Permanent);
}

/// In it, nothing would be found by source or kind.
#[tokio::test]
async fn a_shard_without_the_index_is_refused() {
    let (dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    store.release().await.unwrap();
    let shard = layout::shard(&store.layout.version(1));
    engine::without_index(&shard).unwrap();
    let error = open(dir.path(), Access::Read).count_chunks().await.unwrap_err();
    assert!(error.message.contains("it was built by an earlier docent"), "{error}");
}

#[tokio::test]
async fn a_killed_writer_loses_exactly_what_was_not_flushed() {
    let (dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    store.upsert(points(0..300)).await.unwrap();
    store.flush().await.unwrap();
    store.upsert(points(300..500)).await.unwrap();
    store.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(dir.path(), crashed.path());

    let again = open(crashed.path(), Access::Write);
    assert_eq!(again.count_chunks().await, Ok(300));
    // It goes on from there: what is written now counts, although the log has seen later updates.
    again.upsert(points(300..310)).await.unwrap();
    again.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap();
    again.release().await.unwrap();
    let expected = (0..310).filter(|n| n % 7 != 3).count() as u64;
    assert_eq!(open(crashed.path(), Access::Read).count_chunks().await, Ok(expected));
}

async fn with_many(store: &EdgeStore) -> u32 {
    let many = u32::try_from(engine::COMPACT_AFTER).unwrap() + 500;
    store.create(&manifest()).await.unwrap();
    for start in (0..many).step_by(500) {
        store.upsert(points(start..many.min(start + 500))).await.unwrap();
    }
    many
}

#[tokio::test]
async fn a_writer_killed_after_a_compaction_leaves_a_whole_collection() {
    let (dir, store) = embedded();
    let many = with_many(&store).await;
    let left = async || left_after_compaction(&store, dir.path()).await;
    assert_eq!(left().await, 0, "nothing is durable that was not flushed");
    store.flush().await.unwrap();
    assert_eq!(store.uncompacted.load(Ordering::Relaxed), 0);
    store.upsert(points(many..many + 100)).await.unwrap();
    let beside = left().await;
    let many = u64::from(many);
    assert!((many..=many + 100).contains(&beside), "{beside}: what was flushed at least");

    store.upsert(points(0..200)).await.unwrap();
    store.optimize().await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(many + 100));
    let legs = store.search(SearchRequest {
        filter: Filter { sources: Some(vec!["5.md".to_owned()]), ..Filter::default() },
        ..nearest(20)
    });
    let legs = legs.await.unwrap();
    assert!(legs.dense.len() == 20 && legs.dense.iter().all(|hit| hit.chunk.source == "5.md"));
}

async fn left_after_compaction(store: &EdgeStore, dir: &Path) -> u64 {
    store.opened().await.unwrap().unwrap().as_ref().unwrap().compacted().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(dir, crashed.path());
    open(crashed.path(), Access::Read).count_chunks().await.unwrap()
}

#[tokio::test]
async fn what_a_killed_writer_took_out_beside_a_compaction_is_still_there() {
    let (dir, store) = embedded();
    let many = with_many(&store).await;
    store.flush().await.unwrap();
    store.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap();
    assert_eq!(left_after_compaction(&store, dir.path()).await, u64::from(many));
}

#[tokio::test]
async fn what_is_there_already_is_written_after_a_compaction_and_not_beside_it() {
    let (_dir, store) = embedded();
    let many = with_many(&store).await;
    store.flush().await.unwrap();
    let is_compacted = async || {
        let opened = store.opened().await.unwrap().unwrap();
        opened.as_ref().unwrap().is_compacted()
    };
    store.upsert(points(many..many + 100)).await.unwrap();
    store.count_chunks().await.unwrap();
    assert!(!is_compacted().await, "nobody has waited");
    store.upsert(points(99..199)).await.unwrap();
    assert!(is_compacted().await);
}

#[tokio::test]
async fn a_checkpoint_waits_for_a_compaction_where_much_would_be_lost() {
    let (_dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    store.upsert(points(0..10)).await.unwrap();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let opened = store.opened().await.unwrap().unwrap();
    let wait = move || ends.recv().unwrap();
    opened.as_ref().unwrap().compact_by(wait).unwrap();
    drop(opened);
    store.checkpoint().await.unwrap();
    // As if much had been written.
    store.uncompacted.store(engine::FLUSH_AFTER, Ordering::Relaxed);
    let checkpoint = store.checkpoint();
    let ended = async { end.send(()).unwrap() };
    futures::future::join(checkpoint, ended).await.0.unwrap();
    assert_eq!(store.uncompacted.load(Ordering::Relaxed), 0, "it was flushed, and counts anew");
}

#[tokio::test]
async fn points_are_searched_and_added_while_others_are_compacted() {
    let (_dir, store) = embedded();
    let many = with_many(&store).await;
    let rounds = u32::try_from(engine::MERGE_AFTER + 2).unwrap();
    let mut end = many;
    for _ in 0..rounds {
        // As if as much had been written.
        store.uncompacted.store(engine::COMPACT_AFTER, Ordering::Relaxed);
        store.flush().await.unwrap();
        store.upsert(points(end..end + 20)).await.unwrap();
        end += 20;
        assert_eq!(store.search(nearest(10)).await.unwrap().dense.len(), 10);
        assert_eq!(store.count_chunks().await, Ok(end.into()));
    }
    store.release().await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(end.into()));
}

#[tokio::test]
async fn the_log_stays_small_and_updates_still_apply() {
    let (dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    for round in 0..3 {
        for part in 0..6 {
            let text = format!("round {round}: {}", "x".repeat(1 << 20));
            let mut big = point(chunk("big.md", part, &text), [1.0; 4], &[(1, 1.0)]);
            // The same points in each round.
            big.chunk.chunk_hash = ContentHash::of(&part.to_le_bytes());
            store.upsert(vec![big]).await.unwrap();
        }
        store.release().await.unwrap();
        let version = store.layout.version(1);
        let log = fs::read_dir(layout::shard(&version).join("wal")).unwrap();
        let closed = log
            .filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().starts_with("closed-"));
        assert!(closed.count() <= 1);
        let reader = open(dir.path(), Access::Read);
        let legs = reader.search(nearest(100)).await.unwrap();
        assert_eq!(legs.dense.len(), 6);
        assert!(legs.dense.iter().all(|hit| hit.chunk.text.starts_with(&format!("round {round}"))));
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
    store.create(&manifest()).await.unwrap();
    store.upsert(points(0..300)).await.unwrap();
    store.release().await.unwrap();
    drop(store);
    let run = async |round: u32| {
        let store = open(dir.path(), Access::Write);
        store.lock().await.unwrap();
        // A document is replaced, another one comes and goes.
        let mut changed = points(0..20);
        for (n, point) in changed.iter_mut().enumerate() {
            point.chunk.text = format!("{round}: {}", "some words ".repeat(2_000));
            point.chunk.document_hash = ContentHash::of(&round.to_le_bytes());
            point.chunk.chunk_hash = ContentHash::of(format!("{round} {n}").as_bytes());
        }
        let keep: Vec<Uuid> = changed.iter().map(|point| point.chunk.id()).collect();
        store.upsert(changed).await.unwrap();
        for source in 0..7 {
            store.delete_chunks(&[format!("{source}.md")], &keep).await.unwrap();
        }
        store.upsert(points(1_000..1_020)).await.unwrap();
        store.flush().await.unwrap();
        store.optimize().await.unwrap();
        store.release().await.unwrap();
        size(dir.path())
    };
    let mut sizes = Vec::new();
    for round in 0..45 {
        sizes.push(run(round).await);
    }
    // 20 MB go through the log, which is cut into pieces of 4 MB.
    let (early, late) = (sizes[5..20].iter().max().unwrap(), sizes[30..].iter().max().unwrap());
    assert!(late <= &(early + (1 << 20)), "{sizes:?}");
    assert_eq!(open(dir.path(), Access::Read).count_chunks().await, Ok(40));
}

#[tokio::test]
async fn a_reader_that_leaves_loses_nothing() {
    let (dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    store.upsert(points(0..50)).await.unwrap();
    drop(store);
    let reader = open(dir.path(), Access::Read);
    assert_eq!(reader.count_chunks().await, Ok(50));
    reader.leave().await;
    let copied = tempfile::tempdir().unwrap();
    copy(dir.path(), copied.path());
    assert_eq!(open(copied.path(), Access::Read).count_chunks().await, Ok(50));
}

#[tokio::test]
async fn a_reader_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("nothing here"), Access::Read);
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.count_chunks().await, Ok(0));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_can_not_be_read_is_an_error_that_names_the_place() {
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
        store.create(&manifest()).await.unwrap();
        store.release().await.unwrap();
        damage(&store.layout.version(1));
        let error = open(dir.path(), Access::Read).count_chunks().await.unwrap_err();
        assert_eq!(error.fault, Fault::Permanent, "{name}");
        assert!(error.message.contains("Füße docs@v1"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_garbled_payload_is_an_error() {
    let (_dir, store) = embedded();
    store.create(&manifest()).await.unwrap();
    let opened = store.opened().await.unwrap().unwrap();
    opened
        .as_ref()
        .unwrap()
        .with(|shard| engine::upsert_foreign(shard, &json!({"record": "chunk", "text": 7})))
        .ok()
        .unwrap();
    let error = store.search(nearest(5)).await.unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
    assert!(error.message.contains("can't be read"), "{error}");
}

#[test]
fn names_that_leave_the_directory_are_refused() {
    let error = EdgeStore::open(Path::new("/data"), "../x", Access::Write).err().unwrap();
    assert_eq!(error.fault, Fault::Permanent);
}
