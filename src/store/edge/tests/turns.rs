//! Processes that want the same collection. Two stores in one process behave like two processes: the kernel's
//! locks belong to open files.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex as StdMutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;

use futures::future::join_all;

use super::*;
use crate::store::OnWait;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

type Said = Arc<StdMutex<Vec<String>>>;

/// Another process that waits, and the messages that it shows meanwhile.
fn waiting(data: &Path) -> (EdgeStore, Said) {
    let said = Said::default();
    let heard = Arc::clone(&said);
    let on_wait: OnWait = Arc::new(move |text| heard.lock().unwrap().push(text.to_owned()));
    let options = EdgeOptions { wait: PATIENCE, on_wait };
    (EdgeStore::open(data, "Füße docs", options).unwrap(), said)
}

/// A reader in a process that waits.
async fn waiting_reader(data: &Path) -> CollectionReader {
    waiting(data).0.read().await.unwrap().unwrap()
}

async fn until(ready: impl AsyncFn() -> bool) {
    let started = tokio::time::Instant::now();
    while !ready().await {
        assert!(started.elapsed() < PATIENCE, "did not happen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn is_awaited(store: &EdgeStore) -> bool {
    lock::awaited(&store.shared.layout.waiting())
}

async fn turn_is_over(store: &EdgeStore) -> bool {
    store.shared.shards.read().await.turn_is_over()
}

/// A process that writes a collection of ten chunks.
async fn writing(dir: &Path) -> (EdgeStore, VersionView) {
    let store = open(dir);
    let writer = create(&store).await;
    writer.upsert(points(0..10)).await.unwrap();
    (store, writer)
}

#[tokio::test]
async fn a_reader_learns_who_has_the_collection() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _writer) = writing(dir.path()).await;
    let reader = reader(dir.path()).await;
    assert_eq!(**reader.manifest(), manifest(), "the manifest needs no lock");
    let error = reader.count_chunks().await.unwrap_err();
    assert_eq!(error.fault, Fault::Busy);
    let owner = format!("collection `Füße docs` is in use by process {} (", std::process::id());
    assert!(error.message.starts_with(&owner), "{error}");
    unload(&store).await;
    assert_eq!(reader.count_chunks().await, Ok(10));
}

#[tokio::test]
async fn a_reader_waits_its_turn_and_says_for_whom() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let change = writer.begin().await;
    let (other, said) = waiting(dir.path());
    let reader = other.read().await.unwrap().unwrap();
    let count = tokio::spawn(async move { reader.count_chunks().await });
    until(async || !said.lock().unwrap().is_empty()).await;
    assert!(is_awaited(&store));
    drop(change);
    assert_eq!(count.await.unwrap(), Ok(10));
    assert!(!is_awaited(&store));
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 1, "once: {said:?}");
    assert!(said[0].contains("is in use by process"), "{said:?}");
}

#[tokio::test]
async fn in_the_middle_of_a_change_nobody_gets_in() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let change = writer.begin().await;
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let data = dir.path().to_owned();
            tokio::spawn(async move { waiting_reader(&data).await.count_chunks().await })
        })
        .collect();
    writer.upsert(points(10..15)).await.unwrap();
    // Its turn is over, and only the change keeps the others out.
    until(async || store.shared.changes.try_read().is_err()).await;
    assert!(is_loaded(&store).await && turn_is_over(&store).await);
    writer.upsert(points(15..20)).await.unwrap();
    drop(change);
    {
        let _next = writer.begin().await;
        writer.upsert(points(20..25)).await.unwrap();
        writer.upsert(points(25..30)).await.unwrap();
    }
    for seen in join_all(readers).await {
        let seen = seen.unwrap().unwrap();
        assert!(seen == 20 || seen == 30, "what was complete: {seen}");
    }
    assert_eq!(writer.count_chunks().await, Ok(30));
}

/// Otherwise each rebuild would fail those who were only waiting for its end.
#[tokio::test]
async fn a_waiting_reader_finds_its_version_after_a_rebuild() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let change = writer.begin().await;
    let (other, _) = waiting(dir.path());
    let reader = other.read().await.unwrap().unwrap();
    let count = tokio::spawn(async move { reader.count_chunks().await });
    until(async || is_awaited(&store)).await;
    let successor = writer.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    successor.publish(0).await.unwrap();
    drop(change);
    writer.close().await.unwrap();
    assert_eq!(count.await.unwrap(), Ok(10), "what there was when it asked");
    assert_eq!(reader_count(dir.path()).await, 0);
    write(&store).await.close().await.unwrap();
    assert_eq!(store.shared.layout.versions().unwrap(), [2], "the next writer removes it");
}

async fn reader_count(data: &Path) -> u64 {
    waiting_reader(data).await.count_chunks().await.unwrap()
}

#[tokio::test]
async fn two_changes_go_on_together() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let _one = writer.begin().await;
    let _other = writer.begin().await;
    assert!(is_loaded(&store).await);
}

#[tokio::test]
async fn an_idle_process_gives_the_shards_up() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let (other, _) = waiting(dir.path());
    let reader = other.read().await.unwrap().unwrap();
    assert_eq!(reader.count_chunks().await, Ok(10));
    assert!(is_loaded(&other).await && !is_loaded(&store).await);
    // What the first one does next needs nothing from the other.
    writer.upsert(points(10..12)).await.unwrap();
    assert!(is_loaded(&store).await && !is_loaded(&other).await);
    assert_eq!(reader.count_chunks().await, Ok(12));
}

#[tokio::test]
async fn the_shards_stay_loaded_while_nobody_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _writer) = writing(dir.path()).await;
    until(async || turn_is_over(&store).await).await;
    assert!(!store.shared.yield_to_others().await);
    assert!(is_loaded(&store).await);
    let error = reader(dir.path()).await.count_chunks().await.unwrap_err();
    assert_eq!(error.fault, Fault::Busy);
    // It gave up: nobody waits any longer.
    assert!(!store.shared.yield_to_others().await);
    assert!(is_loaded(&store).await);
}

#[tokio::test]
async fn a_turn_of_a_writer_is_longer_than_that_of_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    for (length, writes) in [(400, true), (100, false)] {
        unload(&store).await;
        let started = tokio::time::Instant::now();
        if writes {
            writer.count_chunks().await.unwrap();
        } else {
            store.read().await.unwrap().unwrap().count_chunks().await.unwrap();
        }
        let _waits = lock::announce(&store.shared.layout.waiting()).unwrap();
        until(async || lock_is_free(&store)).await;
        assert!(started.elapsed() >= Duration::from_millis(length));
    }
}

#[tokio::test]
async fn a_process_that_gave_the_shards_up_stands_back_until_the_other_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let waits = lock::announce(&store.shared.layout.waiting()).unwrap();
    until(async || lock_is_free(&store)).await;
    let goes_on = tokio::spawn(async move { writer.count_chunks().await });
    let taken = crate::store::edge::versions::shard_lock(&store.shared.layout).ok().unwrap();
    drop(waits);
    // Now it is its turn to wait.
    until(async || is_awaited(&store)).await;
    assert!(!goes_on.is_finished());
    drop(taken);
    assert_eq!(goes_on.await.unwrap(), Ok(10));
}

fn lock_is_free(store: &EdgeStore) -> bool {
    !lock::is_held(&store.shared.layout.lock())
}

/// A process that waited may have been stopped.
#[tokio::test]
async fn nobody_stands_back_forever() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let _stopped = lock::announce(&store.shared.layout.waiting()).unwrap();
    until(async || lock_is_free(&store)).await;
    let started = tokio::time::Instant::now();
    let count = tokio::time::timeout(PATIENCE, writer.count_chunks()).await.unwrap();
    assert_eq!(count, Ok(10));
    assert!(started.elapsed() >= Duration::from_millis(500), "it stood back");
}

#[tokio::test]
async fn a_writer_waits_for_readers_longer_than_for_writers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    unload(&store).await;
    let reader = reader(dir.path()).await;
    assert_eq!(reader.count_chunks().await, Ok(10));
    assert!(store.shared.options.wait.is_zero());
    assert_eq!(writer.upsert(points(10..11)).await, Ok(()));
    assert_eq!(store.write().await.err().unwrap().fault, Fault::Busy);
}

#[tokio::test]
async fn work_under_way_is_done_before_the_shards_are_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let data = dir.path().to_owned();
    let read = tokio::spawn(async move { waiting_reader(&data).await.count_chunks().await });
    // Tasks of the writer request vectors all the time, until the other one was let in.
    let asking = (0..8).map(|_| async {
        for n in (0..20u32).cycle() {
            let hash = hash(&format!("text {n}"));
            assert_eq!(writer.vectors(&[hash]).await.unwrap().len(), usize::from(n < 10));
            if read.is_finished() {
                break;
            }
        }
    });
    join_all(asking).await;
    assert_eq!(read.await.unwrap(), Ok(10));
    drop(store);
}

/// A stream of futures polls the ready ones only when it is asked for the next.
#[tokio::test]
async fn a_future_that_is_no_longer_polled_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let hash = [hash("text 1")];
    for loaded in [true, false] {
        if !loaded {
            unload(&store).await;
        }
        let busy = store.shared.shards.write().await;
        let mut asked = writer.vectors(&hash);
        assert!(futures::poll!(&mut asked).is_pending());
        drop(busy);
        // Its turn has come, and nobody polls it.
        tokio::time::timeout(PATIENCE, unload(&store)).await.unwrap();
        assert_eq!(writer.count_chunks().await, Ok(10));
        assert_eq!(asked.await.unwrap().len(), 1);
    }
}

/// Otherwise an ingest whose turn was over waited for another turn, just to say that it is done.
#[tokio::test]
async fn the_manifest_is_put_while_another_has_the_shards() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    unload(&store).await;
    let other = reader(dir.path()).await;
    assert_eq!(other.count_chunks().await, Ok(10));
    let put = Manifest { docent: "of another release".to_owned(), ..manifest() };
    writer.put_manifest(&put).await.unwrap();
    assert!(!is_loaded(&store).await);
    assert_eq!(writer.manifest().await, Ok(Some(put)));
    assert_eq!(other.count_chunks().await, Ok(10));
}

#[tokio::test]
async fn points_written_since_the_last_compaction_are_counted_over_turns() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    unload(&store).await;
    writer.upsert(points(10..15)).await.unwrap();
    assert_eq!(store.shared.uncompacted(1).load(Ordering::Relaxed), 15);
}

#[tokio::test]
async fn a_version_that_is_being_built_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let successor = writer.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    let change = successor.begin().await;
    successor.upsert(points(0..3)).await.unwrap();
    let (other, _) = waiting(dir.path());
    let reader = other.read().await.unwrap().unwrap();
    assert_eq!(reader.count_chunks().await, Ok(10));
    // A process that has the shards does not delay the one that builds.
    let reading = other.shared.shards.read().await;
    successor.upsert(points(3..5)).await.unwrap();
    assert_eq!(successor.count_chunks().await, Ok(5));
    drop(reading);
    drop(change);
    assert!(store.shared.shards.read().await.get(2).is_some());
    successor.publish(0).await.unwrap();
    assert_eq!(waiting_reader(dir.path()).await.count_chunks().await, Ok(5));
}

/// As when the disk is full at the moment at which a process gives the shards up.
#[tokio::test]
async fn a_failure_while_nobody_waits_is_reported_by_the_next_call_of_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let fails = || panic!("No space left on device");
    loaded(&writer).await.compact_by(fails).unwrap();
    let data = dir.path().to_owned();
    let read = tokio::spawn(async move { waiting_reader(&data).await.count_chunks().await });
    assert!(read.await.unwrap().is_ok(), "it is nothing to those who read");
    until(async || !is_loaded(&store).await).await;
    let outcomes = [
        writer.upsert(points(10..11)).await,
        writer.delete_failures(&["a.md".to_owned()]).await,
        writer.flush().await,
        writer.checkpoint().await,
        writer.optimize().await,
        writer.close().await,
    ];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let error = outcome.unwrap_err();
        assert_eq!(error.fault, Fault::Full, "{number}");
        assert!(error.message.contains("No space left"), "{number}: {error}");
    }
    // The next writer starts over.
    let next = write(&store).await;
    assert_eq!(next.upsert(points(10..11)).await, Ok(()));
    assert_eq!(next.close().await, Ok(()));
}

/// Neither waits for the other to finish. A document is written in one turn, and after each document the
/// readers have theirs.
#[tokio::test]
async fn a_reader_that_asks_all_the_time_and_a_writer_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let (store, writer) = writing(dir.path()).await;
    let reader = waiting_reader(dir.path()).await;
    let (ended, newest) = (AtomicBool::new(false), AtomicU64::new(0));
    let asks = async || {
        let mut before = 0;
        while !ended.load(Ordering::Relaxed) {
            let seen = reader.count_chunks().await.unwrap();
            assert!(seen >= before, "{seen} after {before}");
            assert_eq!(seen % 10, 0, "a document is seen whole or not at all");
            newest.fetch_max(seen, Ordering::Relaxed);
            before = seen;
        }
        before
    };
    let writes = async {
        let mut turns = 0;
        for number in 1..=10 {
            {
                let _document = writer.begin().await;
                writer.upsert(points(number * 10..number * 10 + 4)).await.unwrap();
                writer.upsert(points(number * 10 + 4..number * 10 + 10)).await.unwrap();
            }
            let written = u64::from(number + 1) * 10;
            until(async || newest.load(Ordering::Relaxed) == written).await;
            turns += u32::from(!is_loaded(&store).await);
        }
        ended.store(true, Ordering::Relaxed);
        turns
    };
    let (turns, seen) = futures::future::join(writes, join_all((0..4).map(|_| asks()))).await;
    assert_eq!((turns, seen.into_iter().max()), (10, Some(110)));
}

#[tokio::test]
async fn a_second_writer_is_refused_and_learns_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, first) = writing(dir.path()).await;
    unload(&store).await;
    let second = open(dir.path());
    for wants in [&second, &store] {
        let error = wants.write().await.err().unwrap();
        assert_eq!(error.fault, Fault::Busy);
        let owner =
            format!("collection `Füße docs` is being written by process {}", std::process::id());
        assert!(error.message.starts_with(&owner), "{error}");
    }
    // Reading continues.
    assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(10));
    first.close().await.unwrap();
    assert_eq!(second.write().await.unwrap().close().await, Ok(()));
    assert_eq!(store.write().await.unwrap().close().await, Ok(()));
}

#[tokio::test]
async fn a_second_writer_waits_and_says_for_whom() {
    let dir = tempfile::tempdir().unwrap();
    let (store, first) = writing(dir.path()).await;
    let (second, said) = waiting(dir.path());
    let wrote = tokio::spawn(async move { second.write().await?.close().await });
    until(async || !said.lock().unwrap().is_empty()).await;
    assert!(!is_awaited(&store), "the shard is not what it waits for");
    // Dropping the last writer gives the right back.
    let successor = first.successor().await.unwrap();
    drop(first);
    assert!(store.shared.is_written());
    drop(successor);
    assert_eq!(wrote.await.unwrap(), Ok(()));
    assert!(said.lock().unwrap()[0].contains("is being written by process"));
}

#[tokio::test]
async fn a_lock_file_alone_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    drop(writing(dir.path()).await);
    let store = open(dir.path());
    let layout = &store.shared.layout;
    for file in [layout.lock(), layout.writer(), layout.waiting()] {
        fs::write(file, "process 1 (docent ingest) on host alpha since long ago").unwrap();
    }
    let writer = write(&store).await;
    writer.upsert(points(0..20)).await.unwrap();
    assert!(!is_awaited(&store));
    writer.close().await.unwrap();
    assert_eq!(reader(dir.path()).await.count_chunks().await, Ok(20));
}

#[tokio::test]
async fn a_collection_that_never_came_to_be_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = open(&data);
    let writer = store.write().await.unwrap();
    assert!(data.exists());
    writer.close().await.unwrap();
    assert!(!data.exists());
    drop(open(&data).write().await.unwrap());
    assert!(!data.exists());
    // Existing files stay.
    fs::create_dir_all(data.join("collections")).unwrap();
    fs::write(data.join("collections/other"), "v1").unwrap();
    store.write().await.unwrap().close().await.unwrap();
    assert!(data.join("collections/other").exists());
    assert!(!store.shared.layout.writer().exists());
    create(&store).await.close().await.unwrap();
    assert_eq!(**reader(&data).await.manifest(), manifest());
}
