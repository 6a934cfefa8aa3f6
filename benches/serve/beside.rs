//! A command on the same embedded collection, alone and beside the server: they take turns with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::runtime::Runtime;

use crate::process::{docent, median, run};
use crate::retrieval::request;
use crate::server::Server;
use crate::table::{Goal, Table, milliseconds};
use crate::warm;
use crate::{QUESTION, Scene};

const ROUNDS: usize = 21;

pub(crate) fn rows(scene: &Scene, runtime: &Runtime, table: &mut Table) {
    let search = || {
        median(
            (0..ROUNDS)
                .map(|_| run(&mut docent(&scene.dir, &["search", QUESTION])).seconds())
                .collect(),
        )
    };
    search();
    let alone = search();
    let server = Server::start(&scene.dir, &["--cache", "0"]);
    let client = server.client();
    let ask = |number: usize| {
        let questions = warm::questions();
        request(&client, &questions[number % questions.len()])
    };
    // The server has the collection loaded.
    runtime.block_on(client.ask(&ask(0))).expect("a reply");
    // The server loads the collection again after each command.
    let idle = median(
        (0..ROUNDS)
            .map(|number| {
                runtime.block_on(client.ask(&ask(number))).expect("a reply");
                run(&mut docent(&scene.dir, &["search", QUESTION])).seconds()
            })
            .collect(),
    );
    let what = "`docent search` beside a server that was asked just before, against alone";
    table.row(what, &milliseconds(idle), &milliseconds(alone), idle / alone, Goal::None);
    let stop = Arc::new(AtomicBool::new(false));
    let asking = {
        let (stop, client) = (Arc::clone(&stop), client.clone());
        let requests: Arc<Vec<Vec<u8>>> =
            Arc::new(warm::questions().iter().map(|question| request(&client, question)).collect());
        let ask = move |number: usize| {
            let (client, requests) = (client.clone(), Arc::clone(&requests));
            async move {
                let response =
                    client.ask(&requests[number % requests.len()]).await.expect("a reply");
                assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
            }
        };
        runtime.spawn(warm::of_tasks(4, move |_| stop.load(Relaxed), ask))
    };
    let busy = search();
    stop.store(true, Relaxed);
    let asked = runtime.block_on(asking).expect("a task that ends");
    let what = "beside a server that four ask all the time, against alone";
    table.row(what, &milliseconds(busy), &milliseconds(alone), busy / alone, Goal::None);
    let what = "what the server was asked meanwhile: p99 and the longest, to 1 s";
    let times = format!("{}, {}", milliseconds(asked.p99), milliseconds(asked.longest));
    table.row(what, &times, "1 s", asked.longest, Goal::Wanted(1.0));
}
