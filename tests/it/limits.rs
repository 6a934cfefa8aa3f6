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
    assert_run!(scene.env.run(&["ingest", "docs", "--max-cost", "1"]).expect(2), @r"
    $ docent ingest docs --max-cost 1
    exit 2
    --- stdout
    --- stderr
    error: --max-cost needs the price of openai:m
    hint: set DOCENT_EMBEDDING_PRICE or `embedding.price` in docent.toml: the price of a million tokens, in the same currency
    ");
    assert_eq!(scene.server.requests().len(), 0);
}

#[test]
fn a_run_stops_before_it_costs_too_much_and_the_next_goes_on() {
    let scene = priced();
    let ingest = ["ingest", "docs", "--max-cost", "62"];
    assert_run!(scene.env.run(&ingest).expect(5), @r"
    $ docent ingest docs --max-cost 62
    exit 5
    --- stdout
    added 4, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    4 chunks stored, 4 texts embedded, 0 reused
    45 tokens embedded for 45.00
    stopped: the next step would cost more than --max-cost; run the same command again to go on
    --- stderr
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 2);
    assert_run!(scene.env.run(&ingest).expect(0), @r"
    $ docent ingest docs --max-cost 62
    exit 0
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 4, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    22 tokens embedded for 22.00
    --- stderr
    ");
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
    assert_run!(scene.env.run(&question).expect(5), @r"
    $ docent query --from docs When does the ferry to Amrum leave?
    exit 5
    --- stdout
    The ferry to Amrum leaves in the morning [1].
    --- stderr
    synced docs: 2 documents, 2 new chunks ([TIME])
    warning: docs is not complete: the next step would cost more than --max-cost
    note: the last ingest is not finished: documents that it has not reached yet are found as they were before; `docent ingest` completes it

    [1] docs/a.md:L1-L3    Amrum
        “The ferry to Amrum leaves in the morning”
    2 passages from 2 sources, retrieved in [TIME], first token after [TIME], done after [TIME]
    note: quoted, not generated: no chat model is configured; `docent doctor` shows how to set one
    ");
}

#[test]
fn a_deadline_ends_a_run_that_waits() {
    let scene = patient();
    assert_run!(scene.env.run(&["ingest", "docs", "--deadline", "4s"]).expect(5), @r"
    $ docent ingest docs --deadline 4s
    exit 5
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    stopped: --deadline was reached; run the same command again to go on
    --- stderr
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1);
    scene.heals();
}

#[test]
fn a_deadline_before_the_endpoint_says_anything() {
    let scene = Scene::new();
    scene.after(0, &[Fault::Stall]);
    assert_run!(scene.env.run(&["ingest", "docs", "--deadline", "200ms"]).expect(5), @r"
    $ docent ingest docs --deadline 200ms
    exit 5
    --- stdout
    --- stderr
    error: --deadline was reached before the embedding endpoint answered
    hint: run the same command again, with a longer --deadline
    ");
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
