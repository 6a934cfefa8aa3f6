//! The time that docent adds to the first token of an answer of its model.

use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::model::{self, Model};
use crate::server::Server;
use crate::table::{Goal, Table, milliseconds, shares};
use crate::{QUESTION, Scene};

/// Answers that begin per second, however many are under way.
const A_SECOND: usize = 100;

/// A question that is answered as a stream.
pub(crate) fn request(client: &Client, question: &str) -> Vec<u8> {
    let body = json!({
        "model": "docent", "stream": true,
        "messages": [{ "role": "user", "content": question }],
    });
    client.request("POST", "/v1/chat/completions", body.to_string().as_bytes())
}

/// All ask the same question, which is retrieved once, so that retrieval is not measured.
pub(crate) async fn first_token(scene: &Scene, table: &mut Table) {
    let model = Model::start();
    for at_once in [1, 100, 1_000] {
        // The first token comes at once, and each answer lasts until the next one in its place begins.
        let tokens = if at_once == 1 { 2 } else { 11 };
        let long = Duration::from_millis(
            if at_once == 1 { 0 } else { 1_000 } * at_once as u64 / A_SECOND as u64,
        );
        let name = model::name(tokens, long / 10);
        let limits = ["--max-questions", "2000"];
        let server = Server::with_model(&scene.dir, &model, &name, &limits);
        let through = server.client();
        let ours = request(&through, QUESTION);
        through.ask(&ours).await.expect("an answer");
        let bare = model.client();
        let theirs = bare.request("POST", "/v1/chat/completions", &model.last().await);
        let mut measured = Vec::new();
        for (client, request) in [(&through, &ours), (&bare, &theirs)] {
            // Connections are opened before the measurement.
            times(client, request, at_once, at_once).await;
            measured.push(shares(times(client, request, at_once, 4 * at_once.max(100)).await));
        }
        let ((p50, p99), (bare_p50, bare_p99)) = (measured[0], measured[1]);
        let words = |p50, p99| format!("{}, p99 {}", milliseconds(p50), milliseconds(p99));
        let what = format!(
            "time to the first token with {at_once} answers at a time, against the bare request: added at the median, to 1 ms"
        );
        let (added, added_p99) = (p50 - bare_p50, p99 - bare_p99);
        table.row(
            &what,
            &words(p50, p99),
            &words(bare_p50, bare_p99),
            added / 0.001,
            Goal::Wanted(1.0),
        );
        let (takes, ratio) = (milliseconds(added_p99), added_p99 / 0.003);
        table.row("the same at p99, to 3 ms", &takes, "3 ms", ratio, Goal::Wanted(1.0));
    }
}

/// Seconds to the first token of each of `total` answers, `at_once` at a time, which begin one after
/// another.
async fn times(client: &Client, request: &[u8], at_once: usize, total: usize) -> Vec<f64> {
    let asking: Vec<_> = (0..at_once)
        .map(|number| {
            let (client, request) = (client.clone(), request.to_vec());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1) * number as u32 / A_SECOND as u32).await;
                let mut times = Vec::new();
                for _ in 0..total.div_ceil(at_once) {
                    let response = client.ask(&request).await.expect("an answer");
                    let first = response.first_token.expect("a token");
                    times.push(first.as_secs_f64());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in asking {
        times.extend(task.await.expect("a task that ends"));
    }
    times
}
