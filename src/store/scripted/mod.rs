//! A Qdrant server that answers as told: failures that a real one does not give on demand.

#![allow(clippy::unwrap_used, reason = "tests")]

mod lease;
mod versions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{
    CreateCollection, Value, VectorParams, VectorParamsMap, VectorsConfig, vectors_config,
};
use tokio::net::TcpListener;
use tonic::Code;

use super::contract::{DIMENSIONS, chunk, point};
use super::server::{ServerOptions, ServerStore, connect};
use super::{DENSE, SearchRequest, VectorStore};
use crate::error::{BackendError, Fault};
use crate::retry::RetryPolicy;
use crate::testing::qdrant::{self, Script, Step, times};

const KEY: &str = "s3cret-key";

/// A server with this script, and how to reach it.
fn listen(script: &Script) -> ServerOptions {
    options(qdrant::listen(script))
}

/// An empty server that does as Qdrant does, for the contract.
pub(super) fn well_behaved() -> ServerStore {
    connect(listen(&Script::new("1.18.3", [])), "Füße docs").unwrap()
}

/// A store on a server with this script, with the usual options changed by `adjust`. There is a
/// collection, with nothing in it.
fn store_on(script: &Script, adjust: impl FnOnce(&mut ServerOptions)) -> ServerStore {
    let dense = VectorParams { size: DIMENSIONS as u64, ..VectorParams::default() };
    let map = HashMap::from([(DENSE.to_owned(), dense)]);
    let config = vectors_config::Config::ParamsMap(VectorParamsMap { map });
    let collection = CreateCollection {
        collection_name: "docs".to_owned(),
        vectors_config: Some(VectorsConfig { config: Some(config) }),
        ..CreateCollection::default()
    };
    script.memory.lock().unwrap().create(collection).unwrap();
    let mut options = listen(script);
    adjust(&mut options);
    connect(options, "docs").unwrap()
}

fn serve_with(
    steps: impl IntoIterator<Item = Step>,
    adjust: impl FnOnce(&mut ServerOptions),
) -> (Script, ServerStore) {
    let script = Script::new("1.18.3", steps);
    let store = store_on(&script, adjust);
    (script, store)
}

fn serve(steps: impl IntoIterator<Item = Step>) -> (Script, ServerStore) {
    serve_with(steps, |_| ())
}

fn options(port: u16) -> ServerOptions {
    let moment = Duration::from_millis(1);
    ServerOptions {
        url: format!("http://127.0.0.1:{port}"),
        api_key: Some(KEY.to_owned()),
        timeout: Duration::from_secs(30),
        shard_number: None,
        replication_factor: None,
        retry: RetryPolicy { attempts: 3, base: moment, max: moment },
    }
}

async fn search(store: &ServerStore) -> Result<super::Legs, BackendError> {
    let dense = Some(vec![1.0; DIMENSIONS]);
    store.search(SearchRequest { dense, limit: 3, ..SearchRequest::default() }).await
}

fn text(value: &str) -> Value {
    Value { kind: Some(Kind::StringValue(value.to_owned())) }
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again() {
    let (script, store) = serve(times(3, Code::Unavailable, "starting"));
    assert_eq!(search(&store).await, Ok(super::Legs::default()));
    assert_eq!(script.requests(), 4);

    let (_, store) = serve(times(3, Code::Unavailable, "starting"));
    let points = vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[])];
    assert_eq!(store.upsert(points).await, Ok(()));
}

#[tokio::test]
async fn a_server_that_stays_away_is_transient_after_the_last_try() {
    let (_, store) = serve(times(50, Code::Unavailable, "starting"));
    let error = search(&store).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.message, "after 3 tries: is unavailable: starting");
}

#[tokio::test]
async fn an_overloaded_server_says_when_to_come_back() {
    let once = |options: &mut ServerOptions| options.retry.attempts = 1;
    let (_, store) = serve_with([Step::RetryAfter("7")], once);
    let error = search(&store).await.unwrap_err();
    assert_eq!(error.fault, Fault::Transient { retry_after: Some(Duration::from_secs(7)) });
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let hang = (0..50).map(|_| Step::Hang);
    let soon = |options: &mut ServerOptions| options.timeout = Duration::from_millis(50);
    let (_, store) = serve_with(hang, soon);
    let error = search(&store).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.message, "after 3 tries: did not answer within 0.05 s");
}

#[tokio::test]
async fn a_wrong_key_is_not_tried_again_and_never_shown() {
    for (code, said) in [
        (Code::Unauthenticated, "Must provide an API key"),
        (Code::PermissionDenied, "Invalid API key or JWT"),
    ] {
        let (script, store) = serve(times(50, code, said));
        let error = search(&store).await.unwrap_err();
        assert_eq!(error.fault, Fault::Unauthorized);
        assert!(error.message.ends_with(said), "{error}");
        assert!(!format!("{error} {error:?}").contains(KEY));
        assert_eq!(*script.log.lock().unwrap(), [("query_batch", Some(KEY.to_owned()))]);
    }
}

#[test]
fn a_key_that_can_not_be_sent_is_refused_and_not_shown() {
    let options = ServerOptions { api_key: Some(format!("{KEY}\n")), ..options(1) };
    let error = connect(options, "docs").err().unwrap();
    assert_eq!(error.fault, Fault::Unauthorized);
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
async fn garbled_answers_are_permanent_errors() {
    let missing = HashMap::new();
    let garbled = HashMap::from([
        ("record".to_owned(), text("chunk")),
        ("kind".to_owned(), text("spreadsheet")),
    ]);
    for step in [Step::Hits(missing), Step::Hits(garbled), Step::NoLists] {
        let (_, store) = serve([step]);
        let error = search(&store).await.unwrap_err();
        assert_eq!(error.fault, Fault::Permanent, "{error}");
    }
    let (_, store) = serve(times(1, Code::Internal, "Service internal error: x"));
    // The client itself tries once more after an internal error.
    assert_eq!(search(&store).await, Ok(super::Legs::default()));
    let (_, store) = serve(times(2, Code::Internal, "Service internal error: x"));
    assert_eq!(search(&store).await.unwrap_err().fault, Fault::Permanent);
}

#[tokio::test]
async fn health_is_the_version() {
    let (_, store) = serve([]);
    assert_eq!(store.health().await, Ok("1.18.3".to_owned()));
}

#[tokio::test]
async fn a_server_that_is_too_old_is_named_and_not_tried_again() {
    let script = Script::new("1.15.5", []);
    let error = store_on(&script, |_| ()).health().await.unwrap_err();
    assert_eq!(error.fault, Fault::Permanent);
    assert!(error.message.starts_with("Qdrant 1.15.5 is too old"), "{error}");
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn where_nobody_listens_the_error_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = connect(options(port), "docs").unwrap().health().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(
        error.message,
        "after 3 tries: cannot be reached: connection refused: is Qdrant running there?"
    );
    assert_eq!(error.endpoint, format!("http://127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_server_of_another_kind_is_told_from_qdrant() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ =
                socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    let error = connect(options(port), "docs").unwrap().health().await.unwrap_err();
    assert!(error.message.contains("gRPC"), "{error}");
    assert!(error.message.len() < 120, "{error}");
}
