//! Limits that the user sets: what a run may cost, and how long it may take.

use crate::assert_run;
use crate::env::interrupt;
use crate::openai::Fault;
use crate::scene::{BATCHES, PROBE, Scene};

/// A token costs 1. The probe is billed as 1 token and each batch as 20; it is expected to have 40.
fn priced() -> Scene {
    let mut scene = Scene::new();
    scene.env.set("DOCENT_EMBEDDING_PRICE", "1000000");
    scene
}

/// After the first two documents, the endpoint refuses further requests for a minute.
fn patient() -> Scene {
    let scene = Scene::new();
    let spent =
        [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m0s")].to_vec();
    scene.after(PROBE, &[Fault::With(spent)]);
    scene
}

#[test]
fn a_cost_limit_wants_a_price() {
    let scene = Scene::new();
    assert_run!(scene.env.run(&["ingest", "docs", "--max-cost", "1"]).expect(2));
    assert_eq!(scene.server.requests().len(), 0);
}

#[test]
fn a_run_stops_before_it_costs_too_much_and_the_next_goes_on() {
    let scene = priced();
    let ingest = ["ingest", "docs", "--max-cost", "62"];
    assert_run!(scene.env.run(&ingest).expect(5));
    assert_eq!(scene.server.requests().len(), PROBE + 2);
    assert_run!(scene.env.run(&ingest).expect(0));
    assert_eq!(scene.server.requests().len(), PROBE + BATCHES);
    scene.heals();
}

#[test]
fn a_limit_is_told_to_a_program() {
    let scene = priced();
    let run = scene.env.run(&["ingest", "docs", "--max-cost", "0", "--format", "json"]);
    assert_run!(run.expect(5));
    assert_eq!(scene.server.requests().len(), PROBE);
    scene.heals();
}

#[test]
fn a_question_is_answered_from_what_a_limit_left() {
    let mut scene = priced();
    scene.env.set("DOCENT_INGEST_MAX_COST", "45");
    let question = ["query", "--from", "docs", "When does the ferry to Amrum leave?"];
    assert_run!(scene.env.run(&question).expect(5));
}

#[test]
fn a_deadline_ends_a_run_that_waits() {
    let scene = patient();
    assert_run!(scene.env.run(&["ingest", "docs", "--deadline", "4s"]).expect(5));
    assert_eq!(scene.server.requests().len(), PROBE + 1);
    scene.heals();
}

#[test]
fn a_deadline_before_the_endpoint_says_anything() {
    let scene = Scene::new();
    scene.after(0, &[Fault::Stall]);
    assert_run!(scene.env.run(&["ingest", "docs", "--deadline", "200ms"]).expect(5));
    scene.heals();
}

#[test]
fn an_interrupt_ends_a_run_that_waits() {
    let scene = patient();
    let args = ["ingest", "docs"];
    let child = scene.env.command(&args).spawn().expect("docent starts");
    scene.server.wait_for_requests(PROBE + 1);
    interrupt(&child);
    let output = child.wait_with_output().expect("docent ends");
    scene.env.outcome(&args, output).expect(130);
    assert_eq!(scene.server.requests().len(), PROBE + 1);
    scene.heals();
}
