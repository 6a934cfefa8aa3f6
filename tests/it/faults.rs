//! What a failing embedding endpoint does to `docent ingest`: for each fault, what the user sees (the
//! snapshots), the exit code, and that the same command with a healthy endpoint ends with the
//! collection of a clean ingest.
//!
//! | fault | outcome | exit |
//! | --- | --- | --- |
//! | one answer that is late | the others are asked for and answered meanwhile | 0 |
//! | 429 for a while, with or without Retry-After | waits, all requests together, and completes | 0 |
//! | 429 that never ends | ends after the tries; what was embedded before is stored | 4 |
//! | 429 with a Retry-After of more than two minutes | ends at once and says how long it is | 4 |
//! | nothing left of an announced limit, for longer | the same, and the request is not even sent | 4 |
//! | 500, a time-out, a reset, a cut or broken answer, once | tried again | 0 |
//! | the same each time | ends after the tries | 4 |
//! | a web page with 502 | tried again, ends after the tries | 4 |
//! | a web page with 200, an exhausted quota, a redirect | ends at once: another try would not help | 4 |
//! | a wrong key from some moment on | ends at once | 3 |
//! | vectors of other dimensions or of another model | ends at once: they may not be mixed | 3 |
//! | NaN, infinity, `null` or nothing for one text | its document is a failed row | 5 |
//! | a batch refused for one text | split until it is named; its document is a failed row | 5 |
//! | the same for every text | ends: it is not the texts | 4 |
//! | the endpoint dies midway | ends after the tries; what was embedded before is stored | 4 |

use crate::assert_run;
use crate::openai::{Fault, ScriptedServer, Spoil, capture, response};
use crate::scene::{BATCHES, INGEST, PROBE, Scene, clean, collection};

fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> Fault {
    Fault::Answer(response(status, headers, body))
}

fn too_many(headers: &[(&str, &str)]) -> Fault {
    let body = r#"{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}"#;
    answer("429 Too Many Requests", headers, body)
}

fn login_page(status: &str) -> Fault {
    let page = "<!DOCTYPE html><html><title>Sign in</title><body>Who are you?</body></html>";
    answer(status, &[("content-type", "text/html")], page)
}

#[test]
fn too_many_requests_for_a_while() {
    Scene::new().survives(&[too_many(&[("retry-after", "1")]), too_many(&[])]);
    let millis = [("retry-after-ms", "20")];
    Scene::new().survives(&[too_many(&millis), too_many(&millis)]);
}

#[test]
fn an_endpoint_that_was_overloaded_is_told_of_when_asked() {
    let scene = Scene::new();
    scene.after(PROBE + 1, &[too_many(&[]), too_many(&[])]);
    let run = scene.env.run(&[INGEST, &["--verbose"]].concat()).expect(0);
    let told = "rate-limited 2 times by the embedding endpoint; concurrency fell to 1";
    assert!(run.stderr.lines().any(|line| line == told), "{}", run.stderr);
}

#[test]
fn an_answer_that_is_late_keeps_nobody_waiting() {
    let mut scene = Scene::new();
    scene.env.set("DOCENT_EMBEDDING_CONCURRENCY", "2");
    scene.after(PROBE, &[Fault::Stall]);
    let child = scene.env.command(INGEST).spawn().expect("docent starts");
    scene.server.wait_for_requests(PROBE + BATCHES);
    scene.server.release();
    let output = child.wait_with_output().expect("docent ends");
    scene.env.outcome(INGEST, output).expect(0);
    assert_eq!(collection(&scene.env), clean());
}

#[test]
fn too_many_requests_for_ever() {
    let scene = Scene::failing_midway(&too_many(&[]));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: HTTP 429: Rate limit reached
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1 + 3);
    scene.heals();
}

#[test]
fn too_many_requests_for_ever_with_a_wait() {
    let scene = Scene::failing_midway(&too_many(&[("retry-after-ms", "20")]));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: HTTP 429: Rate limit reached
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1 + 3);
    scene.heals();
}

#[test]
fn a_wait_that_nobody_waits_for() {
    let scene = Scene::failing_midway(&too_many(&[("retry-after", "7200")]));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: it asks for a wait of 2 hours: HTTP 429: Rate limit reached
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1 + 1);
    scene.heals();
}

#[test]
fn an_announced_limit_is_waited_for() {
    let scene = Scene::new();
    let spent = Fault::With(vec![
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "20ms"),
    ]);
    scene.server.keep(spent);
    scene.ingest(0);
    assert_eq!(scene.server.requests().len(), PROBE + BATCHES);
    assert_eq!(collection(&scene.env), clean());
}

#[test]
fn an_announced_limit_that_nobody_waits_for() {
    let scene = Scene::new();
    scene.after(
        PROBE,
        &[Fault::With(vec![
            ("x-ratelimit-remaining-tokens", "1"),
            ("x-ratelimit-reset-tokens", "2h0m0s"),
        ])],
    );
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: it asks for a wait of 120 minutes: not sent, the endpoint's rate limit is used up
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1);
    scene.heals();
}

#[test]
fn faults_that_pass() {
    for fault in [
        answer("500 Internal Server Error", &[], "oops"),
        answer("503 Service Unavailable", &[("retry-after", "0")], ""),
        login_page("502 Bad Gateway"),
        Fault::Reset,
        Fault::CutAfterBytes(20),
        Fault::CutAfter(0),
        Fault::CutAfterBytes(300),
        Fault::ResetAfterBytes(300),
        Fault::Answer(capture("aimock-malformed.http")),
    ] {
        Scene::new().survives(&[fault]);
    }
}

#[test]
fn a_server_error_that_lasts() {
    let scene = Scene::failing_midway(&answer("500 Internal Server Error", &[], "oops"));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: HTTP 500: oops
    hint: `docent doctor` checks everything that is configured
    ");
    scene.heals();
}

#[test]
fn silence_once() {
    let mut scene = Scene::new();
    scene.env.set("DOCENT_EMBEDDING_TIMEOUT", "2s");
    scene.survives(&[Fault::Stall]);
}

#[test]
fn silence_that_lasts() {
    let mut scene = Scene::failing_midway(&Fault::Stall);
    scene.env.set("DOCENT_EMBEDDING_TIMEOUT", "2s").set("DOCENT_ATTEMPTS", "1");
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: no answer in [TIME]
    hint: `docent doctor` checks everything that is configured
    ");
    scene.heals();
}

#[test]
fn a_reset_in_mid_answer_that_lasts() {
    let scene = Scene::failing_midway(&Fault::ResetAfterBytes(300));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: the connection was reset
    hint: `docent doctor` checks everything that is configured
    ");
    scene.heals();
}

#[test]
fn a_cut_answer_that_lasts() {
    let scene = Scene::failing_midway(&Fault::CutAfterBytes(300));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: the answer was cut (end of file before message length reached)
    hint: `docent doctor` checks everything that is configured
    ");
    scene.heals();
}

#[test]
fn a_login_page_as_success() {
    let scene = Scene::failing_midway(&login_page("200 OK"));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: answered with a web page, not JSON: is this the API's base URL (…/v1)?
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1 + 1);
    scene.heals();
}

#[test]
fn a_login_page_from_a_gateway() {
    let scene = Scene::failing_midway(&login_page("502 Bad Gateway"));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: HTTP 502: answered with a web page
    hint: `docent doctor` checks everything that is configured
    ");
    scene.heals();
}

#[test]
fn a_redirect_to_a_login() {
    let to = [("location", "https://login.example/?next=v1&token=secret")];
    let scene = Scene::failing_midway(&answer("302 Found", &to, ""));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: HTTP 302: redirects to https://login.example/: is this the API's base URL (…/v1)?
    hint: `docent doctor` checks everything that is configured
    ");
    scene.heals();
}

#[test]
fn an_exhausted_quota() {
    let body = r#"{"error":{"message":"You exceeded your current quota, please check your plan.","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let scene = Scene::failing_midway(&answer("429 Too Many Requests", &[], body));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: HTTP 429: You exceeded your current quota, please check your plan.
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE + 1 + 1);
    scene.heals();
}

#[test]
fn a_key_that_is_withdrawn() {
    let scene = Scene::failing_midway(&Fault::Answer(capture("ls-badkey.http")));
    assert_run!(scene.ingest(3), @r"
    $ docent ingest docs
    exit 3
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint refused the key
      caused by: http://127.0.0.1:[PORT]/v1: HTTP 401: Invalid API Key
    hint: set OPENAI_API_KEY (or DOCENT_CHAT_API_KEY, DOCENT_EMBEDDING_API_KEY) to a key of that endpoint; `docent config show` shows the key in use
    ");
    scene.heals();
}

#[test]
fn other_dimensions() {
    let scene = Scene::new();
    scene.server.spoil("Corfu", Spoil::Dimensions(8));
    assert_run!(scene.ingest(3), @r"
    $ docent ingest docs
    exit 3
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint now serves a different model
      caused by: http://127.0.0.1:[PORT]/v1: a vector has 8 dimensions where 64 were expected
    hint: use the model that built the collection (`docent status` shows it), or rebuild it: docent ingest --rebuild
    ");
    scene.heals();
}

#[test]
fn another_model() {
    let scene = Scene::new();
    scene.ingest(0);
    scene.env.write("docs/g.md", "# Gozo\n\nThe ferry to Gozo leaves at night.\n");
    scene.server.answer_as("n");
    assert_run!(scene.ingest(3), @r"
    $ docent ingest docs
    exit 3
    --- stdout
    --- stderr
    error: the embedding endpoint now serves a different model
      caused by: http://127.0.0.1:[PORT]/v1: the model that answered is n, not m as before: vectors of two models cannot be mixed
    hint: use the model that built the collection (`docent status` shows it), or rebuild it: docent ingest --rebuild
    ");
    std::fs::remove_file(scene.env.path("docs/g.md")).expect("a removal");
    scene.heals();
}

#[test]
fn numbers_that_are_none() {
    let reason = "the embedder refused L1-L3: a vector has values that are not numbers";
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for floats in [false, true] {
            let scene = Scene::new();
            if floats {
                scene.server.always_floats();
            }
            scene.server.spoil("Corfu", Spoil::Value(value));
            let run = scene.ingest(5);
            assert_eq!(run.stderr, format!("failed  docs/c.md  {reason}\n"), "{value} {run}");
            scene.heals();
        }
    }
}

#[test]
fn no_vector_for_one_text() {
    for (how, reason) in [
        (Spoil::Null, "no vector came for text 0"),
        (Spoil::Crash, "after 3 tries: HTTP 500: the model runner has stopped"),
        (Spoil::PythonNan, "answered with values that are not numbers"),
    ] {
        let scene = Scene::new();
        scene.server.spoil("Corfu", how);
        let run = scene.ingest(5);
        let expected = format!("failed  docs/c.md  the embedder refused L1-L3: {reason}\n");
        assert_eq!(run.stderr, expected, "{run}");
        scene.heals();
    }
}

#[test]
fn fewer_vectors_than_texts() {
    let scene = Scene::new();
    scene.server.spoil("Corfu", Spoil::Leave);
    assert_run!(scene.ingest(5), @r"
    $ docent ingest docs
    exit 5
    --- stdout
    added 5, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 1 in [TIME]
    5 chunks stored, 5 texts embedded, 0 reused
    --- stderr
    failed  docs/c.md  the embedder refused L1-L3: 0 vectors came for 1 text
    ");
    scene.heals();
}

#[test]
fn a_refused_text_in_a_batch() {
    let scene = Scene::new();
    scene.server.spoil("Corfu", Spoil::Refuse);
    assert_run!(scene.ingest(5), @r"
    $ docent ingest docs
    exit 5
    --- stdout
    added 5, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 1 in [TIME]
    5 chunks stored, 5 texts embedded, 0 reused
    --- stderr
    failed  docs/c.md  the embedder refused L1-L3: HTTP 400: this text is against the rules of this house
    ");
    assert_eq!(scene.server.requests().len(), PROBE + BATCHES + 2, "the batch is split once");
    scene.heals();
}

#[test]
fn every_text_refused() {
    let mut scene = Scene::new();
    scene.env.set("DOCENT_EMBEDDING_BATCH_ITEMS", "6");
    scene.server.spoil("ferry", Spoil::Refuse);
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    error: the embedding endpoint refused the input
      caused by: http://127.0.0.1:[PORT]/v1: HTTP 400: this text is against the rules of this house
    hint: `docent doctor` checks everything that is configured
    ");
    scene.env.set("DOCENT_EMBEDDING_BATCH_ITEMS", "2");
    scene.heals();
}

#[test]
fn an_endpoint_that_dies_midway() {
    let Scene { mut env, server } = Scene::failing_midway(&Fault::Stall);
    let child = env.command(INGEST).spawn().expect("docent starts");
    server.wait_for_requests(PROBE + 2);
    drop(server);
    let output = child.wait_with_output().expect("docent ends");
    assert_run!(env.outcome(INGEST, output).expect(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    ended early: what was done is stored; run the same command again to go on
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: cannot connect (connection refused)
    hint: `docent doctor` checks everything that is configured
    ");
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url());
    Scene { env, server }.heals();
}

#[test]
fn no_api_from_the_start() {
    let scene = Scene::new();
    scene.server.keep(login_page("200 OK"));
    assert_run!(scene.ingest(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: answered with a web page, not JSON: is this the API's base URL (…/v1)?
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.server.requests().len(), PROBE);
    scene.heals();
}

#[test]
fn told_to_a_program() {
    let scene = Scene::failing_midway(&too_many(&[]));
    assert_run!(scene.env.run(&["ingest", "docs", "--format", "json"]).expect(4));
}

#[test]
fn a_question_to_an_endpoint_that_is_gone() {
    let Scene { env, server } = Scene::new();
    env.run(INGEST).expect(0);
    drop(server);
    assert_run!(env.run(&["search", "ferry"]).expect(4), @r"
    $ docent search ferry
    exit 4
    --- stdout
    --- stderr
    error: the embedding endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: after 3 tries: cannot connect (connection refused)
    hint: `docent doctor` checks everything that is configured
    ");
}
