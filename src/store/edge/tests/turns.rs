//! Processes that want the same collection. Two stores are to each other as two processes are: the
//! kernel's locks are those of open files.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex as StdMutex;

use super::*;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store that waits, and what it says meanwhile.
fn waiting(data: &Path, access: Access) -> (EdgeStore, Arc<StdMutex<Vec<String>>>) {
    let said = Arc::new(StdMutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let on_wait: OnWait = Arc::new(move |text| heard.lock().unwrap().push(text.to_owned()));
    (open(data, access).wait(PATIENCE).on_wait(on_wait), said)
}

async fn until(ready: impl Fn() -> bool) {
    let started = tokio::time::Instant::now();
    while !ready() {
        assert!(started.elapsed() < PATIENCE, "did not happen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn writing(dir: &Path) -> EdgeStore {
    let writer = open(dir, Access::Write);
    writer.create(&manifest()).await.unwrap();
    writer.upsert(points(0..10)).await.unwrap();
    writer
}

#[tokio::test]
async fn a_reader_learns_who_has_the_collection() {
    let (dir, first) = embedded();
    first.create(&manifest()).await.unwrap();
    let second = open(dir.path(), Access::Read);
    assert_eq!(second.manifest().await, Ok(Some(manifest())), "the manifest needs no lock");
    let error = second.count_chunks().await.unwrap_err();
    assert_eq!(error.fault, Fault::Busy);
    let owner = format!("collection `Füße docs` is in use by process {} (", std::process::id());
    assert!(error.message.starts_with(&owner), "{error}");
    first.release().await.unwrap();
    assert_eq!(second.count_chunks().await, Ok(0));
}

#[tokio::test]
async fn a_reader_waits_its_turn_and_says_for_whom() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    let (reader, said) = waiting(dir.path(), Access::Read);
    let count = tokio::spawn(async move { reader.count_chunks().await });
    until(|| !said.lock().unwrap().is_empty()).await;
    assert!(lock::awaited(&writer.layout.waiting()));
    writer.release().await.unwrap();
    assert_eq!(count.await.unwrap(), Ok(10));
    assert!(!lock::awaited(&writer.layout.waiting()));
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 1, "once: {said:?}");
    assert!(said[0].contains("is in use by process"), "{said:?}");
}

#[tokio::test]
async fn a_writer_yields_when_it_pauses_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (reader, _) = waiting(dir.path(), Access::Read);
            tokio::spawn(async move {
                let count = reader.count_chunks().await;
                reader.release().await.unwrap();
                count
            })
        })
        .collect();
    until(|| lock::awaited(&writer.layout.waiting())).await;
    // In the middle of a document nobody gets in.
    writer.upsert(points(10..15)).await.unwrap();
    writer.upsert(points(15..20)).await.unwrap();
    writer.pause().await.unwrap();
    writer.upsert(points(20..30)).await.unwrap();
    writer.release().await.unwrap();
    for reader in readers {
        let seen = reader.await.unwrap().unwrap();
        assert!(seen == 20 || seen == 30, "what was complete: {seen}");
    }
    assert_eq!(writer.count_chunks().await, Ok(30));
}

#[tokio::test]
async fn a_pause_costs_nothing_while_nobody_waits() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    writer.pause().await.unwrap();
    assert!(writer.opened.read().await.is_some());
    let reader = open(dir.path(), Access::Read);
    assert_eq!(reader.count_chunks().await.unwrap_err().fault, Fault::Busy);
    // It gave up: nobody waits any more.
    writer.pause().await.unwrap();
    assert!(writer.opened.read().await.is_some());
}

#[tokio::test]
async fn a_writer_keeps_the_collection_for_as_long_as_it_was_away() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    let waits = lock::announce(&writer.layout.waiting()).unwrap();
    writer.pause().await.unwrap();
    assert!(writer.opened.read().await.is_none());
    assert_eq!(writer.count_chunks().await, Ok(10));
    assert!(writer.tenure().length >= Duration::from_secs(1), "it stood back");
    writer.tenure().length = PATIENCE;
    writer.pause().await.unwrap();
    assert!(writer.opened.read().await.is_some());
    writer.tenure().length = Duration::ZERO;
    writer.pause().await.unwrap();
    assert!(writer.opened.read().await.is_none());
    drop(waits);
}

#[tokio::test]
async fn a_writer_does_not_stand_back_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    let _stopped = lock::announce(&writer.layout.waiting()).unwrap();
    tokio::time::timeout(PATIENCE, writer.pause()).await.unwrap().unwrap();
    assert_eq!(writer.count_chunks().await, Ok(10));
}

#[tokio::test]
async fn a_writer_waits_for_readers_longer_than_for_writers() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    writer.release().await.unwrap();
    let reader = open(dir.path(), Access::Read);
    assert_eq!(reader.count_chunks().await, Ok(10));
    // Its own wait is none.
    let (wrote, released) = tokio::join!(writer.upsert(points(10..11)), reader.release());
    assert_eq!((wrote, released), (Ok(()), Ok(())));
}

#[tokio::test]
async fn work_under_way_is_done_before_the_collection_is_yielded() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Arc::new(writing(dir.path()).await);
    let (reader, _) = waiting(dir.path(), Access::Read);
    let read = tokio::spawn(async move { reader.count_chunks().await });
    until(|| lock::awaited(&writer.layout.waiting())).await;
    // Other tasks of the writer ask for vectors all the time.
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move {
                for n in 0..20u32 {
                    let hash = ContentHash::of(format!("text {n}").as_bytes());
                    assert_eq!(writer.vectors(&[hash]).await.unwrap().len(), usize::from(n < 10));
                }
            })
        })
        .collect();
    writer.pause().await.unwrap();
    assert_eq!(read.await.unwrap(), Ok(10));
    for task in asking {
        task.await.unwrap();
    }
}

/// A stream of futures polls those that are ready only when it is asked for the next.
#[tokio::test]
async fn what_is_not_polled_any_more_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    let hash = [ContentHash::of(b"text 1")];
    for loaded in [true, false] {
        if !loaded {
            writer.release().await.unwrap();
        }
        let busy = writer.opened.write().await;
        let mut asked = writer.vectors(&hash);
        assert!(futures::poll!(&mut asked).is_pending());
        drop(busy);
        // Its turn has come, and nobody looks.
        tokio::time::timeout(PATIENCE, writer.release()).await.unwrap().unwrap();
        assert_eq!(writer.count_chunks().await, Ok(10));
        assert_eq!(asked.await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_was_written_since_the_last_compaction_is_counted_over_pauses() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writing(dir.path()).await;
    let _waits = lock::announce(&writer.layout.waiting()).unwrap();
    writer.stand_back().await.unwrap();
    writer.upsert(points(10..15)).await.unwrap();
    assert_eq!(writer.uncompacted.load(Ordering::Relaxed), 15);
}

#[tokio::test]
async fn a_second_writer_is_refused_and_told_by_whom() {
    let dir = tempfile::tempdir().unwrap();
    let first = writing(dir.path()).await;
    first.release().await.unwrap();
    let second = open(dir.path(), Access::Write);
    let error = second.lock().await.unwrap_err();
    assert_eq!(error.fault, Fault::Busy);
    let owner =
        format!("collection `Füße docs` is being written by process {}", std::process::id());
    assert!(error.message.starts_with(&owner), "{error}");
    // Whatever would change which version there is needs the lock too.
    assert_eq!(second.drop_collection().await.unwrap_err().fault, Fault::Busy);
    assert_eq!(second.create(&manifest()).await.unwrap_err().fault, Fault::Busy);
    assert_eq!(second.successor().await.err().unwrap().fault, Fault::Busy);
    // Reading goes on.
    assert_eq!(second.count_chunks().await, Ok(10));
    first.unlock().await;
    assert_eq!(second.lock().await, Ok(()));
    assert_eq!(second.lock().await, Ok(()), "again is the same");
}

#[tokio::test]
async fn a_second_writer_waits_and_says_for_whom() {
    let dir = tempfile::tempdir().unwrap();
    let first = writing(dir.path()).await;
    let (second, said) = waiting(dir.path(), Access::Write);
    let locked = tokio::spawn(async move { second.lock().await });
    until(|| !said.lock().unwrap().is_empty()).await;
    assert!(!lock::awaited(&first.layout.waiting()), "the shard is not what it waits for");
    drop(first);
    assert_eq!(locked.await.unwrap(), Ok(()));
    assert!(said.lock().unwrap()[0].contains("is being written by process"));
}

#[tokio::test]
async fn a_lock_file_alone_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    drop(writing(dir.path()).await);
    let store = open(dir.path(), Access::Write);
    for file in [store.layout.lock(), store.layout.writer(), store.layout.waiting()] {
        fs::write(file, "process 1 (docent ingest) on host alpha since long ago").unwrap();
    }
    store.lock().await.unwrap();
    store.upsert(points(0..20)).await.unwrap();
    store.pause().await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(20));
}

#[tokio::test]
async fn a_collection_that_never_came_to_be_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = open(&data, Access::Write);
    store.lock().await.unwrap();
    assert!(data.exists());
    store.unlock().await;
    assert!(!data.exists());
    let dropped = open(&data, Access::Write);
    dropped.lock().await.unwrap();
    drop(dropped);
    assert!(!data.exists());
    // But what is there stays.
    fs::create_dir_all(data.join("collections")).unwrap();
    fs::write(data.join("collections/other"), "v1").unwrap();
    store.lock().await.unwrap();
    store.unlock().await;
    assert!(data.join("collections/other").exists());
    assert!(!store.layout.writer().exists());
    store.create(&manifest()).await.unwrap();
    store.unlock().await;
    assert_eq!(open(&data, Access::Write).manifest().await, Ok(Some(manifest())));
}
