//! Late requests of a writer that has lost its lease: what the next writer wrote stays.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::lease::{LEASE, hand_to, now};
use super::*;
use crate::store::contract::document;
use crate::store::owner::Owner;
use crate::store::{OnWait, chunks_of};
use crate::types::{Chunk, ContentHash, DocumentRecord, IngestRun, Manifest, Point};

const DATA: &str = "docs@v1";

fn store(options: &ServerOptions) -> ServerStore {
    connect(options.clone(), "docs").unwrap().wait(Duration::ZERO)
}

/// A chunk of the same text in a document of this state.
fn of_state(state: &str, text: &str) -> Point {
    let document_hash = ContentHash::of(state.as_bytes());
    point(Chunk { document_hash, ..chunk("a.md", 0, text) }, [1.0; DIMENSIONS], &[(1, 1.0)])
}

fn record(state: &str) -> DocumentRecord {
    DocumentRecord { document_hash: ContentHash::of(state.as_bytes()), ..document("a.md", 1) }
}

/// The stored states of the document: those of its chunks, and that of its record.
async fn states(options: &ServerOptions) -> (Vec<ContentHash>, Vec<ContentHash>) {
    let reader = store(options).read().await.unwrap().unwrap();
    let chunks = chunks_of(&**reader.store(), "a.md").await.unwrap();
    let records = reader.documents().await.unwrap();
    let chunks = chunks.into_iter().map(|chunk| chunk.document_hash).collect();
    (chunks, records.into_iter().map(|record| record.document_hash).collect())
}

/// A writer that has stored the old state of the document.
async fn first_writer(options: &ServerOptions) -> Arc<dyn CollectionWriter> {
    let first = store(options).write().await.unwrap();
    first.create(&manifest()).await.unwrap();
    first.upsert(vec![of_state("old", "x")]).await.unwrap();
    first.put_documents(&[record("old")]).await.unwrap();
    first
}

/// A request of the first writer is under way while a second one takes over and finishes.
async fn overtaken(
    method: &'static str,
    late: impl AsyncFnOnce(&dyn CollectionWriter),
) -> ServerOptions {
    let script = Script::new("1.18.3", []);
    let options = listen(&script);
    let first = first_writer(&options).await;
    first.flush().await.unwrap();
    script.hold(method, DATA);
    late(&*first).await;
    script.is_held().await;

    // As if its process had ended.
    hand_to(&script, &Owner::dead(true), now() + 1_000_000);
    let second = store(&options).write().await.unwrap();
    second.upsert(vec![of_state("new", "x"), of_state("new", "y")]).await.unwrap();
    second.put_documents(&[record("new")]).await.unwrap();
    second.close().await.unwrap();
    script.let_go();
    first.flush().await.unwrap();
    options
}

#[tokio::test]
async fn late_requests_change_nothing_that_the_next_writer_wrote() {
    let new = ContentHash::of(b"new");
    let expected = (vec![new.clone(), new.clone()], vec![new]);
    let chunks = overtaken("upsert", async |writer| {
        writer.upsert(vec![of_state("late", "x")]).await.unwrap();
    });
    assert_eq!(states(&chunks.await).await, expected);
    let records = overtaken("upsert", async |writer| {
        writer.put_documents(&[record("late")]).await.unwrap();
    });
    assert_eq!(states(&records.await).await, expected);
    let stale_chunks = overtaken("delete", async |writer| {
        writer.delete_chunks(&["a.md".to_owned()], &[]).await.unwrap();
    });
    assert_eq!(states(&stale_chunks.await).await, expected);
    let document = overtaken("delete", async |writer| {
        writer.delete_documents(&["a.md".to_owned()]).await.unwrap();
    });
    assert_eq!(states(&document.await).await, expected);
}

/// The server was away, and another writer has taken over meanwhile.
#[tokio::test]
async fn no_try_is_made_after_the_lease_is_gone() {
    let script = Script::new("1.18.3", []);
    let options = ServerOptions { retry_for: Duration::from_secs(20), ..listen(&script) };
    let (heard, life) = (script.clone(), Duration::from_secs(1));
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let at = Arc::clone(&told);
    let on_wait: OnWait = Arc::new(move |said| {
        if said.contains("starting") {
            hand_to(&heard, &Owner::dead(false), now() + 1_000_000);
            at.store(heard.requests(), std::sync::atomic::Ordering::Relaxed);
            // The whole process is suspended.
            std::thread::sleep(life * 2);
        }
    });
    let slow = store(&options).lease_life(life).on_wait(on_wait);
    let writer = slow.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    let reader = store(&options).read().await.unwrap().unwrap();
    // The client itself tries twice.
    script.then(times(2, Code::Unavailable, "starting"));
    writer.upsert(vec![of_state("late", "x")]).await.unwrap();
    assert_eq!(writer.flush().await.unwrap_err().fault, Fault::Busy);
    let asked = script.asked_since(told.load(std::sync::atomic::Ordering::Relaxed));
    assert!(asked.starts_with(&["get"]) && !asked.contains(&"upsert"), "{asked:?}");
    assert_eq!(reader.count_chunks().await, Ok(0));
}

/// A lease that was removed, or a snapshot from elsewhere: new writes are not skipped.
#[tokio::test]
async fn a_new_lease_goes_beyond_the_terms_that_are_stored() {
    let script = Script::new("1.18.3", []);
    let options = listen(&script);
    let first = first_writer(&options).await;
    first.close().await.unwrap();
    for is_indexed in [true, false] {
        {
            let mut memory = script.memory.lock().unwrap();
            assert!(memory.delete_collection(LEASE));
            memory.each_payload(DATA, |payload| {
                let term = payload["term"].as_integer().unwrap() + 1_000_000_000;
                payload.insert("term".to_owned(), term.into());
            });
            if !is_indexed {
                memory.forget_index(DATA, "term");
            }
        }
        let next = store(&options).write().await.unwrap();
        let state = format!("new {is_indexed}");
        next.upsert(vec![of_state(&state, "x")]).await.unwrap();
        next.put_documents(&[record(&state)]).await.unwrap();
        next.close().await.unwrap();
        let hash = ContentHash::of(state.as_bytes());
        assert_eq!(states(&options).await, (vec![hash.clone()], vec![hash]));
    }
}

/// An earlier writer may have changed late what the last one left alone.
/// Whether a run that begins now compares everything stored with the records.
async fn compares_everything(options: &ServerOptions) -> bool {
    let writer = store(options).write().await.unwrap();
    let manifest = writer.manifest().await.unwrap().unwrap();
    writer.close().await.unwrap();
    manifest.unfinished.is_some()
}

/// A collection, and a complete run.
async fn after_a_run(options: &ServerOptions) {
    let first = store(options).write().await.unwrap();
    let run = IngestRun {
        run_id: uuid::Uuid::now_v7(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
        partition: None,
    };
    first.create(&Manifest { runs: vec![run], ..manifest() }).await.unwrap();
    first.close().await.unwrap();
    assert!(!compares_everything(options).await);
}

#[tokio::test]
async fn the_runs_after_one_that_took_over_compare_everything() {
    let script = Script::new("1.18.3", []);
    let options = listen(&script);
    after_a_run(&options).await;
    hand_to(&script, &Owner::dead(true), now() + 1_000_000);
    assert!(!compares_everything(&options).await, "it took the lease over");
    assert!(compares_everything(&options).await);
    assert!(compares_everything(&options).await, "the hour is not over");
}

/// After the hour: a run that compares nothing leaves that to the next one.
#[tokio::test]
async fn the_hour_ends_with_a_run_that_compared_and_with_no_other() {
    let script = Script::new("1.18.3", []);
    let options = listen(&script);
    after_a_run(&options).await;
    script
        .memory
        .lock()
        .unwrap()
        .only_payload(LEASE)
        .insert("unsettled_until".to_owned(), (now() - 1_000).cast_signed().into());
    for _ in ["one that fails before it has compared", "another"] {
        assert!(compares_everything(&options).await);
    }
    let run = store(&options).write().await.unwrap();
    let manifest = run.manifest().await.unwrap().unwrap();
    run.put_manifest(&Manifest { unfinished: None, ..manifest }).await.unwrap();
    run.close().await.unwrap();
    assert!(!compares_everything(&options).await);
}

/// A node that accepted it may carry it out when it resumes.
#[tokio::test]
async fn the_run_after_one_that_left_a_request_compares_everything() {
    let script = Script::new("1.18.3", []);
    let options = ServerOptions { timeout: Duration::from_secs(1), ..listen(&script) };
    after_a_run(&options).await;
    let writer = store(&options).write().await.unwrap();
    script.then([Step::Hang]);
    writer.upsert(vec![of_state("new", "x")]).await.unwrap();
    writer.close().await.unwrap();
    assert!(compares_everything(&options).await);
}
