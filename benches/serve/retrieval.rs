//! Retrieval over HTTP, compared with the same through the library in one process.

use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Runtime;

use crate::Scene;
use crate::client::Client;
use crate::process::median;
use crate::server::Server;
use crate::table::{Goal, Table, milliseconds};
use crate::warm::{self, Rate};

const ROUNDS: usize = 3;

/// Questions of each round.
const TOTAL: usize = 1_500;

pub(crate) fn rows(scene: &Scene, runtime: &Runtime, table: &mut Table) {
    let questions = Arc::new(warm::questions());
    for at_once in [1, 8] {
        let done = |n| n >= TOTAL;
        let (mut ours, mut limits) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // One at a time: a collection is loaded by one process.
            let engine = warm::engine(&scene.dir, &[]);
            limits.push(runtime.block_on(warm::ask(&engine, &questions, at_once, 20, done)));
            drop(engine);
            let server = Server::start(&scene.dir, &["--cache", "0"]);
            ours.push(over_http(runtime, &server.client(), &questions, at_once, TOTAL));
        }
        let rate = |rates: &[Rate]| median(rates.iter().map(|rate| rate.per_second).collect());
        let (rate, limit) = (rate(&ours), rate(&limits));
        let what = format!(
            "retrievals a second in {} chunks, {at_once} at a time, over HTTP, against the library",
            scene.chunks
        );
        // 85 % of the rate of the library.
        table.row(
            &what,
            &format!("{rate:.0}"),
            &format!("{limit:.0}"),
            limit / rate,
            Goal::Held(1.18),
        );
        let at = |get: fn(&Rate) -> f64| median(ours.iter().map(get).collect());
        let (p50, p99) = (at(|rate| rate.p50), at(|rate| rate.p99));
        let goal = if at_once == 1 { Goal::Wanted(2.0) } else { Goal::None };
        table.row(
            "p99 of them, against p50",
            &milliseconds(p99),
            &milliseconds(p50),
            p99 / p50,
            goal,
        );
    }
    cached(scene, runtime, &questions, table);
}

/// The same questions again, compared with a request that needs no work.
fn cached(scene: &Scene, runtime: &Runtime, questions: &Arc<Vec<String>>, table: &mut Table) {
    const AGAIN: usize = 5_000;
    let server = Server::start(&scene.dir, &[]);
    let client = server.client();
    over_http(runtime, &client, questions, 8, questions.len());
    let rate = over_http(runtime, &client, questions, 8, AGAIN);
    let asking = client.clone();
    let live = move |_| {
        let client = asking.clone();
        async move { assert_eq!(client.get("/livez").await.expect("a reply").status, 200) }
    };
    let limit = runtime.block_on(warm::of_tasks(8, |n| n >= AGAIN, live));
    let (ours, theirs) = (rate.per_second, limit.per_second);
    let what = "the same out of the cache, against `/livez`";
    table.row(what, &format!("{ours:.0}"), &format!("{theirs:.0}"), theirs / ours, Goal::None);
}

pub(crate) fn over_http(
    runtime: &Runtime,
    client: &Client,
    questions: &Arc<Vec<String>>,
    at_once: usize,
    total: usize,
) -> Rate {
    let requests: Vec<Vec<u8>> =
        questions.iter().map(|question| request(client, question)).collect();
    let (client, requests) = (client.clone(), Arc::new(requests));
    let ask = move |number: usize| {
        let (client, requests) = (client.clone(), Arc::clone(&requests));
        async move {
            let response = client.ask(&requests[number % requests.len()]).await.expect("a reply");
            assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        }
    };
    runtime.block_on(async {
        let warm_up = ask.clone();
        warm::of_tasks(1, |n| n >= 20, warm_up).await;
        warm::of_tasks(at_once, move |n| n >= total, ask).await
    })
}

/// A search request.
pub(crate) fn request(client: &Client, question: &str) -> Vec<u8> {
    client.request(
        "POST",
        "/v1/docent/search",
        json!({ "question": question }).to_string().as_bytes(),
    )
}
