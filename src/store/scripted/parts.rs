//! Several writers on a server, each with a part of the sources.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use futures::future::join_all;

use super::lease::LEASE;
use super::*;
use crate::store::contract::document;
use crate::store::exclusively;
use crate::types::{IngestRun, Manifest, Partition};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn part(typed: &str) -> Partition {
    typed.parse().unwrap()
}

fn store(options: &ServerOptions) -> ServerStore {
    connect(options.clone(), "docs").unwrap().wait(Duration::ZERO)
}

fn run(number: u32, partition: Partition) -> IngestRun {
    IngestRun {
        run_id: uuid::Uuid::from_u128(number.into()),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
        partition: Some(partition),
    }
}

fn server() -> (Script, ServerOptions) {
    let script = Script::new("1.18.3", []);
    let options = listen(&script);
    (script, options)
}

/// Creates the collection, or finds it; returns whether it created it.
async fn begin(writer: &dyn CollectionWriter, run: &IngestRun) -> bool {
    let begun = exclusively(writer, async {
        let (mut begun, is_new) = match writer.manifest().await? {
            Some(there) => (there, false),
            None => (manifest(), true),
        };
        begun.begin(run);
        if is_new {
            writer.create(&begun).await?;
        } else {
            writer.put_manifest(&begun).await?;
        }
        Ok(is_new)
    });
    begun.await.unwrap()
}

async fn end(writer: &dyn CollectionWriter, run: &IngestRun) {
    let ended = exclusively(writer, async {
        let mut ended = writer.manifest().await?.unwrap();
        ended.complete(run.partition);
        ended.runs.push(run.clone());
        writer.put_manifest(&ended).await
    });
    ended.await.unwrap();
}

async fn put(writer: &dyn CollectionWriter, source: &str) {
    writer.upsert(vec![point(chunk(source, 0, source), [1.0; DIMENSIONS], &[])]).await.unwrap();
    writer.put_documents(&[document(source, 1)]).await.unwrap();
}

async fn stored(options: &ServerOptions) -> (Manifest, Vec<String>) {
    let reader = store(options).read().await.unwrap().unwrap();
    let documents = reader.documents().await.unwrap().into_iter().map(|it| it.source).collect();
    (Manifest::clone(reader.manifest()), documents)
}

#[tokio::test]
async fn of_many_concurrent_writers_one_creates_the_collection_and_none_loses_its_notes() {
    let (_, options) = server();
    let work = part("1/8").all().zip(1..).map(async |(partition, number)| {
        let writer = store(&options).write_part(partition).await.unwrap();
        let run = run(number, partition);
        let made = begin(&*writer, &run).await;
        put(&*writer, &format!("{number}.md")).await;
        end(&*writer, &run).await;
        writer.close().await.unwrap();
        made
    });
    let made = join_all(work).await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    let (manifest, documents) = stored(&options).await;
    assert_eq!(documents.len(), 8);
    assert_eq!((manifest.unfinished, manifest.unfinished_parts), (None, Vec::new()));
    let runs: BTreeSet<_> = manifest.runs.iter().map(|run| run.partition).collect();
    assert_eq!(runs.len(), 8, "none was lost");
}

#[tokio::test]
async fn writers_wait_for_the_same_part_and_for_the_whole() {
    let (_, options) = server();
    let first = store(&options).write_part(part("1/2")).await.unwrap();
    let busy = async |outcome: Result<Arc<dyn CollectionWriter>, BackendError>| {
        let error = outcome.err().unwrap();
        assert_eq!(error.fault, Fault::Busy);
        let holder = "collection `docs` is being written in parts: 1/2 by process ";
        assert!(error.message.starts_with(holder), "{error}");
    };
    busy(store(&options).write_part(part("1/2")).await).await;
    busy(store(&options).write_part(part("2/3")).await).await;
    busy(store(&options).write().await).await;
    let second = store(&options).write_part(part("2/2")).await.unwrap();
    let error = store(&options).write().await.err().unwrap();
    assert!(error.message.contains(", 2/2 by process "), "{error}");
    begin(&*second, &run(2, part("2/2"))).await;
    let told = store(&options).deployment().await.unwrap().unwrap();
    let holder = told.lease.and_then(|lease| lease.holder).unwrap();
    assert!(holder.ends_with(" (part 1/2)"), "{holder}");
    second.close().await.unwrap();
    first.close().await.unwrap();
    let all = part("1/5").all().map(async |it| store(&options).write_part(it).await.unwrap());
    let all = join_all(all).await;
    let error = store(&options).write().await.err().unwrap();
    assert!(error.message.ends_with(", and 3 more"), "{error}");
    for writer in all {
        writer.close().await.unwrap();
    }

    let whole = store(&options).write().await.unwrap();
    let error = store(&options).write_part(part("1/2")).await.err().unwrap();
    assert!(error.message.contains("is being written by process "), "{error}");
    whole.close().await.unwrap();
    store(&options).write_part(part("2/3")).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_writer_waiting_for_parts_continues_when_the_last_one_has_ended() {
    let (_, options) = server();
    let [one, two] = join_all(
        ["1/2", "2/2"].map(async |it| store(&options).write_part(part(it)).await.unwrap()),
    )
    .await
    .try_into()
    .ok()
    .unwrap();
    let (heard, mut said) = tokio::sync::mpsc::unbounded_channel();
    let on_wait: crate::store::OnWait = Arc::new(move |text| heard.send(text.to_owned()).unwrap());
    let waits = store(&options).wait(PATIENCE).on_wait(on_wait);
    let waits = tokio::spawn(async move { waits.write().await });
    assert!(said.recv().await.unwrap().contains("1/2 by process"));
    one.close().await.unwrap();
    // The other one still gets its turns.
    begin(&*two, &run(2, part("2/2"))).await;
    two.close().await.unwrap();
    waits.await.unwrap().unwrap().close().await.unwrap();
}

/// As if its process had been suspended until another writer took over.
#[tokio::test]
async fn a_writer_that_lost_its_part_changes_nothing_any_longer() {
    for over_all in [true, false] {
        let (script, options) = server();
        let life = Duration::from_secs(20);
        let slow = store(&options).lease_life(life).write_part(part("1/2")).await.unwrap();
        begin(&*slow, &run(1, part("1/2"))).await;
        put(&*slow, "a.md").await;
        slow.flush().await.unwrap();
        script.memory.lock().unwrap().each_payload(LEASE, |payload| {
            if payload.contains_key("partition") {
                payload.insert("expires_at".to_owned(), 1.into());
                payload.insert("turn".to_owned(), text(&uuid::Uuid::now_v7().to_string()));
            }
        });
        let next = store(&options);
        let next = if over_all { next.write().await } else { next.write_part(part("1/2")).await };
        let next = next.unwrap();
        // Its requests under way are skipped, and it has no turn.
        put(&*next, "a.md").await;
        next.flush().await.unwrap();
        let error = slow.begin_turn().await.unwrap_err();
        assert_eq!(error.fault, Fault::Busy);
        if !over_all {
            assert!(error.message.contains("taken over"), "{error}");
            slow.put_documents(&[document("b.md", 1)]).await.unwrap();
            assert_eq!(slow.flush().await.unwrap_err().fault, Fault::Busy);
        }
        // Left by a run that did not end: all of it is compared, also by the next run over the whole
        // collection.
        let left = next.manifest().await.unwrap().unwrap();
        let partition = (!over_all).then(|| part("1/2"));
        assert!(left.unfinished_of(partition).is_some());
        next.close().await.unwrap();
        let whole = store(&options).write().await.unwrap();
        let mut whole_again = whole.manifest().await.unwrap().unwrap();
        assert!(whole_again.unfinished_of(None).is_some());
        whole_again.complete(None);
        whole.put_manifest(&whole_again).await.unwrap();
        whole.close().await.unwrap();
        assert_eq!(stored(&options).await.1, ["a.md"]);
    }
}

#[tokio::test]
async fn what_all_parts_share_is_written_in_turns_only() {
    let (_, options) = server();
    let writer = store(&options).write_part(part("1/2")).await.unwrap();
    for refused in [
        writer.create(&manifest()).await,
        writer.put_manifest(&manifest()).await,
        writer.drop_collection().await,
        writer.switch(2).await,
        writer.scrub().await,
        writer.successor().await.map(|_| ()),
    ] {
        let error = refused.unwrap_err();
        assert!(error.message.contains("parts"), "{error}");
    }
    assert!(store(&options).read().await.unwrap().is_none());
    writer.close().await.unwrap();
}

/// A copy of the manifest that was away does not know what another part has noted: the others do.
#[tokio::test]
async fn an_older_manifest_than_the_last_one_is_not_believed() {
    let (script, options) = server();
    let state = |script: &Script, put: Option<HashMap<String, Value>>| {
        let mut found = None;
        script.memory.lock().unwrap().each_payload("docs@v1", |payload| {
            if payload.contains_key("manifest_of") {
                found = Some(payload.clone());
                if let Some(put) = &put {
                    payload.clone_from(put);
                }
            }
        });
        found.unwrap()
    };
    let first = store(&options).write_part(part("1/2")).await.unwrap();
    let second = store(&options).write_part(part("2/2")).await.unwrap();
    begin(&*first, &run(1, part("1/2"))).await;
    end(&*first, &run(1, part("1/2"))).await;
    let before = state(&script, None);
    begin(&*second, &run(2, part("2/2"))).await;
    first.begin_turn().await.unwrap();
    let present = state(&script, Some(before));
    let start = script.requests();
    let asks = Arc::clone(&first);
    let asking = tokio::spawn(async move { asks.manifest().await });
    let waiting = script.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(start + 3)).await.unwrap();
    state(&script, Some(present));
    let manifest = asking.await.unwrap().unwrap().unwrap();
    assert!(manifest.unfinished_of(Some(part("2/2"))).is_some(), "it is the one of now");
    first.end_turn().await.unwrap();
}

/// Readers consider the intents of all parts, until each part is complete.
#[tokio::test]
async fn intents_of_one_part_stay_when_another_ends() {
    let (_, options) = server();
    let [one, two] = ["1/2", "2/2"].map(part);
    let of =
        |part: Partition| (0..99).map(|it| format!("{it}.md")).find(|it| part.holds(it)).unwrap();
    let (a, b) = (of(one), of(two));
    let first = store(&options).write_part(one).await.unwrap();
    let second = store(&options).write_part(two).await.unwrap();
    for (writer, number, partition, source) in [(&first, 1, one, &a), (&second, 2, two, &b)] {
        begin(&**writer, &run(number, partition)).await;
        put(&**writer, source).await;
        writer.flush().await.unwrap();
        end(&**writer, &run(number, partition)).await;
    }
    // Both replace their documents; neither record is written yet.
    for (writer, number, partition, source) in [(&first, 3, one, &a), (&second, 4, two, &b)] {
        begin(&**writer, &run(number, partition)).await;
        let new = point(chunk(source, 1, "new"), [1.0; DIMENSIONS], &[]);
        let intent = crate::store::Intent {
            source: source.clone(),
            run_id: run(number, partition).run_id,
            replaces_all_but: Some(vec![new.chunk.id()]),
            moved_from: None,
            in_parts: false,
        };
        writer.will_store(&[intent]).await.unwrap();
        writer.upsert(vec![new]).await.unwrap();
        writer.flush().await.unwrap();
    }
    let seen =
        async || store(&options).read().await.unwrap().unwrap().count_chunks().await.unwrap();
    assert_eq!(seen().await, 2, "what is under way is not seen");
    end(&*second, &run(4, two)).await;
    assert_eq!(seen().await, 3, "that of the one that ended is");
    end(&*first, &run(3, one)).await;
    assert_eq!(seen().await, 4);
    first.close().await.unwrap();
    second.close().await.unwrap();
}
