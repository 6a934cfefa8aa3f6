//! A Qdrant server that answers from a script: failures that a real one does not produce on demand.

#![allow(clippy::unwrap_used, reason = "tests")]

mod deployment;
mod late;
mod lease;
mod nodes;
mod parts;
mod scoped;
mod strict;
mod switches;
mod trickle;
mod versions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use qdrant_client::qdrant::Value;
use qdrant_client::qdrant::value::Kind;
use tokio::net::TcpListener;
use tonic::Code;

use super::contract::{DIMENSIONS, chunk, manifest, point};
use super::server::{ServerOptions, ServerStore, connect};
use super::{
    ChunkPage, Collection, CollectionReader, CollectionWriter, ForeignPoints, SearchRequest,
};
use crate::error::{BackendError, Fault};
use crate::retry::RetryPolicy;
use crate::testing::qdrant::{self, Script, Step, times};

const KEY: &str = "s3cret-key";

/// A server with this script, and how to reach it.
fn listen(script: &Script) -> ServerOptions {
    options(qdrant::listen(script))
}

/// An empty server that behaves like Qdrant, for the contract.
pub(crate) fn well_behaved() -> ServerStore {
    well_behaved_for_all()("Füße docs")
}

/// The same, for collections of any names.
pub(super) fn well_behaved_for_all() -> impl Fn(&str) -> ServerStore {
    let options = listen(&Script::new("1.18.3", []));
    move |name| connect(options.clone(), name).unwrap()
}

/// An empty collection on a server, opened for reading and writing. The steps, and the log, begin after what
/// these two have requested.
struct Served {
    script: Script,
    reader: CollectionReader,
    writer: Arc<dyn CollectionWriter>,
}

async fn serve_with(
    steps: impl IntoIterator<Item = Step>,
    adjust: impl FnOnce(&mut ServerOptions),
) -> Served {
    let script = Script::new("1.18.3", []);
    let mut options = listen(&script);
    adjust(&mut options);
    let store = connect(options, "docs").unwrap();
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    let reader = store.read().await.unwrap().unwrap();
    script.log.lock().unwrap().clear();
    script.then(steps);
    Served { script, reader, writer }
}

async fn serve(steps: impl IntoIterator<Item = Step>) -> Served {
    serve_with(steps, |_| ()).await
}

fn options(port: u16) -> ServerOptions {
    let moment = Duration::from_millis(1);
    ServerOptions {
        url: format!("http://127.0.0.1:{port}"),
        api_key: Some(KEY.to_owned()),
        timeout: Duration::from_secs(30),
        layout: crate::types::CollectionLayout::default(),
        retry: RetryPolicy { attempts: 3, within: None, base: moment, max: moment },
        retry_for: Duration::from_millis(20),
    }
}

async fn search(served: &Served) -> Result<super::Legs, BackendError> {
    let dense = Some(vec![1.0; DIMENSIONS]);
    served.reader.search(SearchRequest { dense, limit: 3, ..SearchRequest::default() }).await
}

fn text(value: &str) -> Value {
    Value { kind: Some(Kind::StringValue(value.to_owned())) }
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again() {
    let served = serve(times(3, Code::Unavailable, "starting")).await;
    assert_eq!(search(&served).await, Ok(super::Legs::default()));
    assert_eq!(served.script.requests(), 4);

    let served = serve(times(3, Code::Unavailable, "starting")).await;
    let points = vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[])];
    assert_eq!(served.writer.upsert(points).await, Ok(()));
    assert_eq!(served.writer.flush().await, Ok(()));
}

#[tokio::test]
async fn a_server_that_stays_away_is_transient_after_the_last_try() {
    let served = serve(times(50, Code::Unavailable, "starting")).await;
    let error = search(&served).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.message, "after 3 tries: is unavailable: starting");
}

#[tokio::test]
async fn an_overloaded_server_says_when_to_come_back() {
    let once = |options: &mut ServerOptions| options.retry.attempts = 1;
    let served = serve_with([Step::RetryAfter("7")], once).await;
    let error = search(&served).await.unwrap_err();
    assert_eq!(error.fault, Fault::Transient { retry_after: Some(Duration::from_secs(7)) });
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let hang = (0..50).map(|_| Step::Hang);
    let soon = |options: &mut ServerOptions| options.timeout = Duration::from_millis(50);
    let served = serve_with(hang, soon).await;
    let error = search(&served).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(error.message, "after 3 tries: did not answer within 0.05 s");
}

#[tokio::test]
async fn a_wrong_key_is_not_tried_again_and_never_shown() {
    for (code, said) in [
        (Code::Unauthenticated, "Must provide an API key"),
        (Code::PermissionDenied, "Invalid API key or JWT"),
    ] {
        let served = serve(times(50, code, said)).await;
        let error = search(&served).await.unwrap_err();
        assert_eq!(error.fault, Fault::Unauthorized);
        assert!(error.message.ends_with(said), "{error}");
        assert!(!format!("{error} {error:?}").contains(KEY));
        assert_eq!(*served.script.log.lock().unwrap(), [("query_batch", Some(KEY.to_owned()))]);
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
    let garbled = HashMap::from([
        ("record".to_owned(), text("chunk")),
        ("kind".to_owned(), text("spreadsheet")),
    ]);
    for step in [Step::Hits(garbled), Step::NoLists] {
        let served = serve([step]).await;
        let error = search(&served).await.unwrap_err();
        assert_eq!(error.fault, Fault::Permanent, "{error}");
    }
    let served = serve(times(1, Code::Internal, "Service internal error: x")).await;
    // The client itself tries once more after an internal error.
    assert_eq!(search(&served).await, Ok(super::Legs::default()));
    let served = serve(times(2, Code::Internal, "Service internal error: x")).await;
    assert_eq!(search(&served).await.unwrap_err().fault, Fault::Permanent);
}

/// Points of another program must not fail a search.
#[tokio::test]
async fn foreign_points_are_skipped_and_counted() {
    let served = serve([]).await;
    let points = vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[(7, 1.0)])];
    served.writer.upsert(points).await.unwrap();
    served.writer.flush().await.unwrap();
    assert_eq!(served.reader.foreign_points().await, Ok(ForeignPoints::default()));
    let found = search(&served).await.unwrap();
    for number in 1..=7 {
        let payload = HashMap::from([("page_content".to_owned(), text("y"))]);
        served.script.memory.lock().unwrap().add_foreign("docs", number, payload);
    }
    let start = served.script.requests();
    for asked in [2, 1] {
        assert_eq!(search(&served).await, Ok(found.clone()));
        let start = served.script.requests() - asked;
        assert_eq!(served.script.asked_since(start), vec!["query_batch"; asked]);
    }
    assert_eq!(served.script.requests(), start + 3, "it is asked twice once");
    let whole = ChunkPage { limit: 100, ..ChunkPage::default() };
    assert_eq!(served.reader.chunks(whole).await.unwrap().chunks.len(), 1);
    assert_eq!(served.reader.count_chunks().await, Ok(1));
    let foreign = served.reader.foreign_points().await.unwrap();
    assert_eq!((foreign.count, foreign.ids.len()), (7, ForeignPoints::NAMED));
    assert_eq!(foreign.ids[..2], ["1", "2"]);
}

#[tokio::test]
async fn health_is_the_version() {
    let store = well_behaved();
    assert_eq!(store.health().await, Ok("1.18.3".to_owned()));
}

#[tokio::test]
async fn a_server_that_is_too_old_is_named_and_not_tried_again() {
    let script = Script::new("1.15.5", []);
    let error = connect(listen(&script), "docs").unwrap().health().await.unwrap_err();
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
async fn a_server_of_another_kind_is_not_taken_for_qdrant() {
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
