//! Memory of concurrent connections: streaming answers, and idle ones.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::{FutureExt as _, stream};
use serde_json::{Value, json};

use crate::Scene;
use crate::answers::request;
use crate::client::{Client, Connection};
use crate::model::{self, Model};
use crate::server::Server;
use crate::table::{Goal, Table};
use crate::warm;

/// Requests that are sent at a time while connections are opened.
const AT_ONCE: usize = 64;

/// Bytes that an answer, and an idle connection, may take.
const OF_ANSWER: f64 = 50e3;
const OF_CONNECTION: f64 = 5e3;

/// Opens an answer that goes on, and reads as far as its first token.
type Open = fn(Client, String) -> BoxFuture<'static, Connection>;

/// The protocols over which answers are streamed.
const WIRES: [(&str, Open); 2] = [("server-sent events", by_events), ("WebSocket", by_socket)];

fn by_events(client: Client, question: String) -> BoxFuture<'static, Connection> {
    async move {
        let mut connection = client.connect().await.expect("a connection");
        let status = connection.begin(&request(&client, &question)).await.expect("an answer");
        assert_eq!(status, 200);
        connection
    }
    .boxed()
}

fn by_socket(client: Client, question: String) -> BoxFuture<'static, Connection> {
    async move {
        let mut connection = client.connect().await.expect("a connection");
        let upgraded = connection.upgrade(client.address(), "/v1/docent/chat").await;
        assert_eq!(upgraded.expect("a response"), 101);
        let asked = json!({ "type": "question", "question": question });
        connection.say(&asked.to_string()).await.expect("a question");
        loop {
            let event = connection.hear().await.expect("an event");
            let event: Value = serde_json::from_slice(&event).expect("JSON");
            assert_ne!(event["event"], "error", "{event}");
            if event["event"] == "delta" {
                return connection;
            }
        }
    }
    .boxed()
}

/// Each asks another question, so that they share no passages.
pub(crate) async fn answers(scene: &Scene, table: &mut Table) {
    let model = Model::start();
    let questions = warm::questions();
    for (wire, open) in WIRES {
        let name = model::name(40, Duration::from_secs(15));
        let most = scene.connections.to_string();
        let limits = ["--max-questions", &most, "--max-connections", "1000000", "--cache", "0"];
        let server = Server::with_model(&scene.dir, &model, &name, &limits);
        let client = server.client();
        let question = |number: usize| {
            let (one, other) = (number % questions.len(), number / questions.len());
            format!("{} {}", questions[one], questions[other % questions.len()])
        };
        // Memory that the first one needs is needed only once.
        let first = open_all(&client, AT_ONCE, open, question).await;
        let before = server.memory();
        let opened = open_all(&client, scene.connections - AT_ONCE, open, question).await;
        let each = (server.memory() - before) as f64 / opened.len() as f64;
        let what =
            format!("memory of one of {} answers at once over {wire}", first.len() + opened.len());
        table.row(
            &what,
            &kilobytes(each),
            &kilobytes(OF_ANSWER),
            each / OF_ANSWER,
            Goal::Wanted(1.0),
        );
        drop((first, opened));
    }
}

/// Connections that have sent one request, and are kept.
pub(crate) async fn idle(scene: &Scene, table: &mut Table) {
    let server = Server::start(&scene.dir, &["--max-connections", "1000000"]);
    let client = server.client();
    let live = client.request("GET", "/livez", b"");
    let open = |client: Client| {
        let live = live.clone();
        async move {
            let mut connection = client.connect().await.expect("a connection");
            assert_eq!(connection.ask(&live).await.expect("a reply").status, 200);
            connection
        }
    };
    let opening = |count: usize| {
        let opening = stream::iter(0..count).map(|_| open(client.clone()));
        opening.buffer_unordered(AT_ONCE).collect::<Vec<_>>()
    };
    let first = opening(AT_ONCE).await;
    let before = server.memory();
    let opened = opening(scene.connections - AT_ONCE).await;
    let each = server.memory().saturating_sub(before) as f64 / opened.len() as f64;
    let what = format!("memory of one of {} idle connections", first.len() + opened.len());
    table.row(
        &what,
        &kilobytes(each),
        &kilobytes(OF_CONNECTION),
        each / OF_CONNECTION,
        Goal::Wanted(1.0),
    );
    drop((first, opened));
}

async fn open_all(
    client: &Client,
    count: usize,
    open: Open,
    question: impl Fn(usize) -> String,
) -> Vec<Connection> {
    let opening = stream::iter(0..count).map(|number| open(client.clone(), question(number)));
    opening.buffer_unordered(AT_ONCE).collect().await
}

fn kilobytes(bytes: f64) -> String {
    format!("{:.1} kB", bytes / 1e3)
}
