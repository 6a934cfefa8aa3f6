//! Overload, and clients that leave early.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::answers::request;
use crate::client::Client;
use crate::model::{self, Model};
use crate::server::Server;
use crate::table::{Goal, Table, milliseconds, shares};
use crate::warm;
use crate::{QUESTION, Scene};

/// Concurrent questions, and the time of an answer, which give the capacity.
const AT_A_TIME: usize = 8;
const ANSWER: Duration = Duration::from_millis(200);

const LASTS: Duration = Duration::from_secs(10);

/// Offers as many questions as are answered at a time, and then ten times as many.
pub(crate) async fn rows(scene: &Scene, table: &mut Table) {
    let model = Model::start();
    let name = model::name(5, ANSWER / 4);
    let (at_a_time, queue) = (AT_A_TIME.to_string(), (2 * AT_A_TIME).to_string());
    let limits = ["--max-questions", &at_a_time, "--queue", &queue, "--max-connections", "1000000"];
    let server = Server::with_model(&scene.dir, &model, &name, &limits);
    let client = server.client();
    let asked = Arc::new(request(&client, QUESTION));
    client.ask(&asked).await.expect("an answer");

    let done = Arc::new(AtomicUsize::new(0));
    let capacity = {
        let began = Instant::now();
        let ask = {
            let (client, asked, done) = (client.clone(), Arc::clone(&asked), Arc::clone(&done));
            move |_| {
                let (client, asked, done) = (client.clone(), Arc::clone(&asked), Arc::clone(&done));
                async move {
                    assert_eq!(client.ask(&asked).await.expect("an answer").status, 200);
                    done.fetch_add(1, Relaxed);
                }
            }
        };
        warm::of_tasks(AT_A_TIME, move |_| began.elapsed() >= LASTS / 2, ask).await.per_second
    };
    let before = server.memory();
    let (answered, refused) = offer(&client, &asked, 10.0 * capacity, LASTS).await;
    let (half, _) = (server.memory(), offer(&client, &asked, 10.0 * capacity, LASTS).await);
    let after = server.memory();
    let goodput = answered as f64 / LASTS.as_secs_f64();
    let what = "answers a second while ten times the capacity is offered, against the capacity";
    let (ours, limit) = (format!("{goodput:.1}"), format!("{capacity:.1}"));
    table.row(what, &ours, &limit, capacity / goodput, Goal::Held(1.0 / 0.9));
    let count = refused.len();
    let (p50, p99) = shares(refused);
    let what = format!("p99 of {count} refusals, to 5 ms");
    let takes = format!("{}, p50 {}", milliseconds(p99), milliseconds(p50));
    table.row(&what, &takes, "5 ms", p99 / 0.005, Goal::Wanted(1.0));
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let what = format!(
        "memory after as much again, against before it ({} without load)",
        megabytes(before)
    );
    table.row(
        &what,
        &megabytes(after),
        &megabytes(half),
        after as f64 / half as f64,
        Goal::Held(1.1),
    );
}

/// Offers this many questions a second, regardless of the results. Returns how many were answered, and
/// the seconds until each of the others was refused.
async fn offer(
    client: &Client,
    asked: &Arc<Vec<u8>>,
    rate: f64,
    lasts: Duration,
) -> (usize, Vec<f64>) {
    let began = Instant::now();
    let mut asking = Vec::new();
    let total = (rate * lasts.as_secs_f64()) as usize;
    for number in 0..total {
        let due = Duration::from_secs_f64(number as f64 / rate);
        if let Some(wait) = due.checked_sub(began.elapsed()) {
            tokio::time::sleep(wait).await;
        }
        let (client, asked) = (client.clone(), Arc::clone(asked));
        asking.push(tokio::spawn(async move { client.ask(&asked).await }));
    }
    let (mut answered, mut refused) = (0, Vec::new());
    for task in asking {
        let response = task.await.expect("a task that ends").expect("a reply");
        match response.status {
            200 => answered += 1,
            503 => refused.push(response.took.as_secs_f64()),
            status => panic!("{status}: {}", String::from_utf8_lossy(&response.body)),
        }
    }
    (answered, refused)
}

/// Clients that leave at any time: after half a request, before the answer, or in the middle of it.
pub(crate) async fn leavers(scene: &Scene, table: &mut Table) {
    const CLIENTS: u64 = 32;
    let model = Model::start();
    let name = model::name(20, Duration::from_millis(20));
    let server = Server::with_model(&scene.dir, &model, &name, &["--max-connections", "1000000"]);
    let client = server.client();
    let asked = Arc::new(request(&client, QUESTION));
    client.ask(&asked).await.expect("an answer");
    drop(client);
    settled(&server, &model).await;
    let sockets = server.sockets() - model.load().await.connections;
    let lasts = Duration::from_secs(if scene.full { 30 } else { 5 });
    let mut memory = Vec::new();
    let mut left = 0;
    // Twice, so that memory that the first round keeps is not mistaken for a leak.
    for round in 0..2 {
        let began = Instant::now();
        let leaving: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (client, asked) = (server.client(), Arc::clone(&asked));
                let seed = number * 2 + round;
                tokio::spawn(async move { leave_often(&client, &asked, seed, began, lasts).await })
            })
            .collect();
        for task in leaving {
            left += task.await.expect("a task that ends");
        }
        settled(&server, &model).await;
        memory.push(server.memory() as f64);
    }
    let questions = server.questions().await as usize;
    let load = model.load().await;
    // Without the connection that asked for the metrics.
    let lost = server.sockets().saturating_sub(load.connections).saturating_sub(sockets);
    let what = format!("slots, sockets and upstream requests that {left} clients left behind");
    let all = questions + lost + load.answers;
    table.row(&what, &format!("{all}"), "0", all as f64, Goal::Held(0.0));
    let words = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
    let what = "memory after the second half of them, against the first";
    table.row(what, &words(memory[1]), &words(memory[0]), memory[1] / memory[0], Goal::Held(1.1));
}

/// Waits until nothing is under way, or a while has passed.
async fn settled(server: &Server, model: &Model) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if server.questions().await == 0 && model.load().await.answers == 0 {
            return;
        }
    }
}

/// How many times.
async fn leave_often(
    client: &Client,
    asked: &[u8],
    seed: u64,
    began: Instant,
    lasts: Duration,
) -> usize {
    // Knuth's generator, of which the upper bits are good.
    let mut state = seed;
    let mut random = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut left = 0;
    while began.elapsed() < lasts {
        let Ok(mut connection) = client.connect().await else { continue };
        let part = match random(4) {
            0 => random(asked.len() as u64) as usize,
            _ => asked.len(),
        };
        let stays = Duration::from_millis(random(300));
        let _ = tokio::time::timeout(stays, async {
            connection.send(&asked[..part]).await?;
            if part == asked.len() { connection.begin(b"").await.map(drop) } else { Ok(()) }
        })
        .await;
        tokio::time::sleep(Duration::from_millis(random(50))).await;
        left += 1;
    }
    left
}
