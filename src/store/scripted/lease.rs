//! One writer at a time on a server.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{SystemTime, UNIX_EPOCH};

use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CreateCollection, PointStruct, Struct, UpsertPoints, VectorParams, VectorsConfig,
};
use uuid::Uuid;

use super::*;
use crate::store::OnWait;
use crate::store::owner::Owner;
use crate::types::CollectionLayout;

pub(super) const LEASE: &str = "docs@lease";

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Another store for the same collection, as another process would open it.
fn another(options: &ServerOptions) -> ServerStore {
    connect(options.clone(), "docs").unwrap().wait(Duration::ZERO)
}

/// Acquires the right to write, and gives it back.
async fn written(store: &ServerStore) -> Result<(), BackendError> {
    store.write().await?.close().await
}

fn server() -> (Script, ServerOptions) {
    let script = Script::new("1.18.3", []);
    let options = listen(&script);
    (script, options)
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn integer(number: u64) -> Value {
    Value { kind: Some(Kind::IntegerValue(number.cast_signed())) }
}

/// Makes `owner` the holder of the only lease, until a time in milliseconds since the epoch.
pub(super) fn hand_to(script: &Script, owner: &Owner, expires_at: u64) {
    let serde_json::Value::Object(fields) = serde_json::to_value(owner).unwrap() else { panic!() };
    let value = |json: serde_json::Value| match json {
        serde_json::Value::String(string) => text(&string),
        number => integer(number.as_u64().unwrap()),
    };
    let mut fields: HashMap<_, _> = fields.into_iter().map(|(k, v)| (k, value(v))).collect();
    fields.insert("id".to_owned(), text(&Uuid::now_v7().to_string()));
    let mut memory = script.memory.lock().unwrap();
    let lease = memory.only_payload(LEASE);
    lease.insert("holder".to_owned(), Value { kind: Some(Kind::StructValue(Struct { fields })) });
    lease.insert("turn".to_owned(), text(&Uuid::now_v7().to_string()));
    lease.insert("expires_at".to_owned(), integer(expires_at));
}

/// A server whose lease `owner` has until then.
async fn held_by(owner: &Owner, expires_at: u64) -> (Script, ServerOptions) {
    let (script, options) = server();
    another(&options).write().await.unwrap().close().await.unwrap();
    hand_to(&script, owner, expires_at);
    (script, options)
}

#[tokio::test]
async fn a_second_writer_is_refused_and_learns_who_writes() {
    let (_, options) = server();
    let first = another(&options).write().await.unwrap();
    let second = another(&options);
    let error = second.write().await.err().unwrap();
    assert_eq!(error.fault, Fault::Busy);
    let holder = format!("collection `docs` is being written by process {} (", std::process::id());
    assert!(error.message.starts_with(&holder), "{error}");
    // Another collection is independent.
    let other = connect(options.clone(), "other").unwrap().wait(Duration::ZERO);
    assert_eq!(written(&other).await, Ok(()));

    first.create(&manifest()).await.unwrap();
    first.close().await.unwrap();
    let second = second.write().await.unwrap();
    assert_eq!(second.manifest().await, Ok(Some(manifest())), "the collection is there by now");
}

#[tokio::test]
async fn of_many_concurrent_writers_one_gets_the_lease() {
    let (_, options) = server();
    let stores: Vec<_> = (0..12).map(|_| another(&options)).collect();
    let writers = futures::future::join_all(stores.iter().map(Collection::write)).await;
    assert_eq!(writers.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = writers.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.into_iter().all(|error| error.fault == Fault::Busy));
}

#[tokio::test]
async fn a_second_writer_waits_and_says_for_whom() {
    let (_, options) = server();
    let store = another(&options);
    let first = store.write().await.unwrap();
    let (heard, mut said) = tokio::sync::mpsc::unbounded_channel();
    let on_wait: OnWait = Arc::new(move |text| heard.send(text.to_owned()).unwrap());
    let second = another(&options).wait(PATIENCE).on_wait(on_wait);
    let waits = tokio::spawn(async move { second.write().await.unwrap() });
    assert!(said.recv().await.unwrap().contains("is being written by process"));
    first.close().await.unwrap();
    let second = waits.await.unwrap();
    assert!(said.try_recv().is_err(), "it is said once");
    assert_eq!(store.write().await.err().unwrap().fault, Fault::Busy);
    second.close().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_lease_of_a_process_that_ended_here_is_taken_at_once() {
    let (_, options) = held_by(&Owner::dead(true), now() + 1_000_000).await;
    assert_eq!(written(&another(&options)).await, Ok(()));
}

#[tokio::test]
async fn a_lease_elsewhere_is_taken_when_it_ran_out_for_longer_than_clocks_differ() {
    let elsewhere = Owner::dead(false);
    let ago = |seconds: u64| now() - seconds * 1_000;
    for (expires_at, free) in [(ago(31), true), (ago(20), false), (now() + 30_000, false)] {
        let (_, options) = held_by(&elsewhere, expires_at).await;
        assert_eq!(written(&another(&options)).await.is_ok(), free, "{expires_at}");
    }
}

/// Whatever the clock of its holder says.
#[tokio::test]
async fn a_lease_that_is_not_renewed_while_somebody_watches_is_taken() {
    let (_, options) = held_by(&Owner::dead(false), now() + 1_000_000_000).await;
    let life = Duration::from_millis(300);
    let waits = another(&options).lease_life(life).wait(PATIENCE);
    let started = std::time::Instant::now();
    assert_eq!(written(&waits).await, Ok(()));
    assert!(started.elapsed() >= life);
}

#[tokio::test]
async fn a_lease_is_renewed_for_as_long_as_it_is_held() {
    let (script, options) = server();
    let life = Duration::from_millis(1_500);
    let first = another(&options).lease_life(life).write().await.unwrap();
    let expiry = || script.memory.lock().unwrap().only_payload(LEASE)["expires_at"].clone();
    let before = expiry();
    let second = another(&options).lease_life(life).wait(life * 2);
    assert_eq!(written(&second).await.unwrap_err().fault, Fault::Busy);
    assert_ne!(expiry(), before);
    // One that is dropped without being closed is no longer renewed.
    drop(first);
    assert_eq!(written(&second.wait(PATIENCE)).await, Ok(()));
}

#[tokio::test]
async fn a_writer_that_lost_its_lease_changes_nothing_any_more() {
    let (script, options) = server();
    let life = Duration::from_millis(100);
    let slow = another(&options).lease_life(life).write().await.unwrap();
    slow.create(&manifest()).await.unwrap();
    hand_to(&script, &Owner::dead(false), now() + 1_000_000);
    // It learns of it when it renews the lease, or before its next update when it is late.
    let started = std::time::Instant::now();
    let error = loop {
        let points = vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[])];
        match slow.upsert(points).await {
            Ok(()) => assert!(started.elapsed() < PATIENCE),
            Err(error) => break error,
        }
        tokio::time::sleep(life / 10).await;
    };
    assert_eq!(error.fault, Fault::Busy);
    assert!(error.message.contains("taken over by process"), "{error}");
    let before = script.requests();
    assert!(slow.put_manifest(&manifest()).await.is_err());
    assert!(slow.put_documents(&[]).await.is_err());
    assert!(slow.delete_chunks(&["a.md".to_owned()], &[]).await.is_err());
    assert_eq!(script.requests(), before, "nothing is asked of the server");
    // It does not give back what is not its own.
    assert_eq!(slow.close().await.unwrap_err().fault, Fault::Busy);
    assert_eq!(written(&another(&options)).await.unwrap_err().fault, Fault::Busy);
}

/// An update that takes at most one request.
async fn update(writer: &dyn CollectionWriter) -> Result<(), BackendError> {
    writer.delete_failures(&["a.md".to_owned()]).await?;
    writer.flush().await
}

/// A copy of the lease that was away and does not know of the last holder: the others do.
#[tokio::test]
async fn an_older_lease_than_the_own_one_is_not_believed() {
    let (script, options) = server();
    another(&options).write().await.unwrap().close().await.unwrap();
    let life = Duration::from_secs(20);
    let store = another(&options).lease_life(life);
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    let payload = |script: &Script| script.memory.lock().unwrap().only_payload(LEASE).clone();
    let present = payload(&script);
    hand_to(&script, &Owner::dead(false), now() + 1_000_000);
    script.memory.lock().unwrap().only_payload(LEASE).insert("term".to_owned(), integer(1));
    let start = script.requests();
    // Making it the collection renews the lease.
    let successor = writer.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    let publishing = tokio::spawn(async move { successor.publish(0).await });
    let waiting = script.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_requests(start + 8)).await.unwrap();
    *script.memory.lock().unwrap().only_payload(LEASE) = present;
    assert_eq!(publishing.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_lease_has_copies_where_there_are_nodes_for_them() {
    let (script, options) = server();
    written(&another(&options)).await.unwrap();
    assert_eq!(script.memory.lock().unwrap().replication_of(LEASE), Some(3));
    let layout = CollectionLayout { replication_factor: Some(5), ..CollectionLayout::default() };
    let more = ServerOptions { layout, ..options };
    let more = connect(more, "other").unwrap();
    written(&more).await.unwrap();
    assert_eq!(script.memory.lock().unwrap().replication_of("other@lease"), Some(5));
}

/// Of another program, or of a writer that was killed before it wrote its lease.
#[tokio::test]
async fn a_collection_of_another_program_is_not_taken_for_that_of_the_lease() {
    let with_vectors = VectorsConfig {
        config: Some(Config::Params(VectorParams { size: 4, ..VectorParams::default() })),
    };
    let of_log = HashMap::from([("record".to_owned(), text("event"))]);
    for (vectors_config, payload, is_refused) in [
        (Some(with_vectors), None, true),
        (None, Some(HashMap::new()), true),
        (None, Some(of_log), false),
        (None, None, false),
    ] {
        let (script, options) = server();
        let create = CreateCollection {
            collection_name: LEASE.to_owned(),
            vectors_config,
            ..CreateCollection::default()
        };
        script.memory.lock().unwrap().create(create).unwrap();
        if let Some(payload) = payload {
            let point = PointStruct { id: Some(1.into()), payload, ..PointStruct::default() };
            let upsert = UpsertPoints {
                collection_name: LEASE.to_owned(),
                points: vec![point],
                ..UpsertPoints::default()
            };
            script.memory.lock().unwrap().upsert(upsert).unwrap();
        }
        let outcome = written(&another(&options)).await;
        assert_eq!(outcome.is_err(), is_refused, "{outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.fault, Fault::Taken);
            assert!(error.message.contains("\"docs@lease\""), "{error}");
            let asked = script.asked_since(0);
            assert!(!asked.contains(&"upsert"), "nothing is written: {asked:?}");
            assert_eq!(script.memory.lock().unwrap().names(), [LEASE]);
        }
    }
}

/// Whichever of its names is used.
#[tokio::test]
async fn a_collection_has_one_lease_and_one_content_under_all_its_names() {
    let (script, options) = server();
    let first = another(&options).write().await.unwrap();
    first.create(&manifest()).await.unwrap();
    script.memory.lock().unwrap().alias("live".to_owned(), "docs@v1".to_owned()).unwrap();
    let live = connect(options.clone(), "live").unwrap().wait(Duration::ZERO);
    assert_eq!(live.write().await.err().unwrap().fault, Fault::Busy);
    first.close().await.unwrap();

    let writer = live.write().await.unwrap();
    assert_eq!(writer.manifest().await, Ok(Some(manifest())));
    writer.upsert(vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[])]).await.unwrap();
    writer.close().await.unwrap();
    for name in ["docs", "live"] {
        let reader = connect(options.clone(), name).unwrap().read().await.unwrap().unwrap();
        assert_eq!((reader.version(), reader.count_chunks().await), (1, Ok(1)), "{name}");
    }
}

#[tokio::test]
async fn a_late_writer_renews_before_its_next_update() {
    let (script, options) = server();
    let store = another(&options).lease_life(Duration::from_hours(1));
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    let start = script.requests();
    update(&*writer).await.unwrap();
    assert_eq!(script.asked_since(start), ["delete"], "a lease that holds costs no request");
    writer.close().await.unwrap();

    // Its first renewal comes after a third of it, and none is under way yet.
    let life = Duration::from_secs(1);
    let writer = another(&options).lease_life(life).write().await.unwrap();
    // The whole process is suspended, and the renewal with it.
    std::thread::sleep(life * 2);
    let start = script.requests();
    update(&*writer).await.unwrap();
    let asked = script.asked_since(start);
    assert!(asked.starts_with(&["get", "upsert", "get"]), "{asked:?}");
    assert!(asked.contains(&"delete"));
}

#[tokio::test]
async fn a_lease_whose_answer_was_lost_is_held() {
    let (script, options) = server();
    let options = ServerOptions { retry_for: PATIENCE, ..options };
    script.lost.lock().unwrap().extend(["upsert", "create", "upsert"]);
    let store = another(&options).lease_life(Duration::from_millis(1));
    let writer = store.write().await.unwrap();
    assert_eq!(written(&another(&options)).await.unwrap_err().fault, Fault::Busy);
    tokio::time::sleep(Duration::from_millis(2)).await;
    script.lost.lock().unwrap().push("upsert");
    assert_eq!(update(&*writer).await, Ok(()));
}

#[tokio::test]
async fn an_old_server_gets_no_lease() {
    let script = Script::new("1.15.5", []);
    let error = another(&listen(&script)).write().await.err().unwrap();
    assert!(error.message.contains("too old"), "it would ignore the condition: {error}");
}
