//! A cluster of which several nodes were named, and its messages while one of them is away.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::OnWait;

/// A port that nobody listens on.
async fn dead() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A suspended process: the system accepts its connections, and nothing is answered.
async fn standing_still() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok(connection) = listener.accept().await {
            taken.push(connection);
        }
    });
    port
}

/// Nodes at these ports, in this order.
fn cluster(ports: &[u16]) -> ServerOptions {
    let addresses: Vec<_> = ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
    ServerOptions { url: addresses.join(","), ..options(0) }
}

/// Fills a collection through these nodes, and reads it.
async fn works(options: ServerOptions) -> ServerStore {
    let store = connect(options, "docs").unwrap();
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    writer.upsert(vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[])]).await.unwrap();
    writer.flush().await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(store.read().await.unwrap().unwrap().count_chunks().await, Ok(1));
    store
}

#[tokio::test]
async fn the_next_node_is_asked_where_one_is_down_and_from_then_on() {
    let script = Script::new("1.18.3", []);
    let ports = [dead().await, qdrant::listen(&script)];
    let store = works(ServerOptions { retry_for: Duration::ZERO, ..cluster(&ports) }).await;
    let expected = format!("http://127.0.0.1:{},http://127.0.0.1:{}", ports[0], ports[1]);
    assert_eq!(store.endpoint(), expected);
}

#[tokio::test]
async fn a_node_that_goes_away_midway_is_left() {
    let first = Script::new("1.18.3", []);
    let second = first.another_node();
    let ports = [qdrant::listen(&first), qdrant::listen(&second)];
    *first.gone_after.lock().unwrap() = 7;
    works(ServerOptions { retry_for: Duration::ZERO, ..cluster(&ports) }).await;
    assert!(first.requests() >= 7 && second.requests() > 3);
}

#[tokio::test]
async fn a_node_that_takes_requests_and_answers_none_is_left_before_its_time_is_over() {
    let script = Script::new("1.18.3", []);
    let timeout = Duration::from_mins(1);
    let ports = [standing_still().await, qdrant::listen(&script)];
    let looking = ServerOptions { timeout: Duration::from_secs(2), ..cluster(&ports) };
    works(looking).await;
    let waiting = connect(ServerOptions { timeout, ..cluster(&ports) }, "docs").unwrap();
    assert!(waiting.read().await.unwrap().is_some());
}

#[tokio::test]
async fn a_node_that_is_only_slow_is_waited_for() {
    let slow = Script::new("1.18.3", [Step::Hang]);
    let second = slow.another_node();
    let ports = [qdrant::listen(&slow), qdrant::listen(&second)];
    let timeout = Duration::from_secs(4);
    let store = connect(ServerOptions { timeout, ..cluster(&ports) }, "docs").unwrap();
    assert!(store.read().await.unwrap().is_none());
    let asked = slow.asked_since(0);
    assert_eq!(asked[0], "collection_info");
    assert!(asked[1..].len() > 1 && asked[1..].iter().all(|method| *method == "health_check"));
    assert_eq!(second.asked_since(0)[0], "collection_info", "when its time is over");
}

#[tokio::test]
async fn where_all_are_down_the_first_is_named() {
    let ports = [dead().await, dead().await];
    let store = connect(cluster(&ports), "docs").unwrap();
    let error = store.read().await.err().unwrap();
    assert_eq!(error.endpoint, format!("http://127.0.0.1:{}", ports[0]));
    assert!(error.message.contains("connection refused"), "{error}");
    assert!(error.is_transient());
}

/// In Qdrant's words, which reports each as an internal error.
#[tokio::test]
async fn temporary_states_of_a_cluster_are_waited_for() {
    for said in [
        "Service internal error: The replica set for shard 0 on peer 7 does not have enough active replicas",
        "Service internal error: Waiting for consensus operation commit failed. Timeout set at: 10 seconds",
        "Service internal error: Failed to apply operation to at least one `Active` replica. Please retry. ",
        "Service internal error: Tonic transport error: transport error: tcp connect error: Connection refused",
    ] {
        // The client itself tries once more after an internal error.
        let script = Script::new("1.18.3", times(5, Code::Internal, said));
        works(ServerOptions { retry_for: Duration::from_mins(1), ..listen(&script) }).await;
        let script = Script::new("1.18.3", times(50, Code::Internal, said));
        let options = listen(&script);
        let error = connect(options.clone(), "docs").unwrap().read().await.err().unwrap();
        assert!(error.is_transient(), "{error}");
        assert!(!error.message.contains("is Qdrant running there"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_that_is_asked_for_it_is_reported_at_once() {
    let port = qdrant::listen(&Script::new("1.18.3", []));
    let url = format!("https://127.0.0.1:{port}");
    let patient = ServerOptions { url, retry_for: Duration::from_hours(1), ..options(port) };
    let error = connect(patient, "docs").unwrap().write().await.err().unwrap();
    assert_eq!(error.fault, Fault::Permanent, "{error}");
    assert!(error.message.contains("is it http://?"), "{error}");
}

#[tokio::test]
async fn waiting_requests_continue_when_the_server_answers_another_one() {
    let script = Script::new("1.18.3", []);
    let hour = Duration::from_hours(1);
    let retry = RetryPolicy { attempts: 1, within: Some(hour), base: hour, max: hour };
    let (heard, mut said) = tokio::sync::mpsc::unbounded_channel();
    let on_wait: OnWait = Arc::new(move |text| heard.send(text.to_owned()).unwrap());
    let store = works(ServerOptions { retry, ..listen(&script) }).await.on_wait(on_wait);
    // The client itself tries once more.
    script.then(times(2, Code::Unavailable, "starting"));
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.read().await.map(|reader| reader.is_some()) })
    };
    said.recv().await.unwrap();
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(waiting.await.unwrap(), Ok(true));
}

#[tokio::test]
async fn a_ping_asks_each_node_once_and_one_that_answers_is_enough() {
    let script = Script::new("1.18.3", times(2, Code::Unavailable, "starting"));
    let ports = [dead().await, qdrant::listen(&script)];
    let store = connect(cluster(&ports), "docs").unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(error.is_transient() && script.requests() == 2, "the client tries twice: {error}");
    assert_eq!(store.ping().await, Ok(()));
    let silent = connect(cluster(&[standing_still().await]), "docs").unwrap();
    assert!(silent.ping().await.unwrap_err().message.contains("did not answer within"));
}
