//! What `docent serve` retrieves is cached for the next caller with the same question and rights, and
//! for no other.

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer};
use crate::served::{QUESTION, Served, asks, ingested, key, read, streams};

const SEARCH: &str = "/v1/docent/search";

fn question(text: &str) -> Value {
    json!({ "question": text })
}

/// A counter of the server.
fn count(served: &Served, name: &str) -> u64 {
    let text = served.get("/metrics").expect(200).body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn the_same_question_is_retrieved_once_on_all_wires() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let first = served.post(SEARCH, &question(QUESTION)).expect(200).json();
    let again = served.post(SEARCH, &question(QUESTION)).expect(200).json();
    assert_eq!((&first["cached"], &again["cached"]), (&json!(false), &json!(true)));
    assert_eq!(first["hits"], again["hits"]);
    for (path, body) in [
        (SEARCH, json!({ "question": format!("  {QUESTION}\n") })),
        (SEARCH, json!({ "question": QUESTION, "k": first["hits"].as_array().map(Vec::len) })),
    ] {
        assert_eq!(served.post(path, &body).expect(200).json()["cached"], true, "{body}");
    }
    for other in [
        json!({ "question": QUESTION, "k": 3 }),
        json!({ "question": QUESTION, "mode": "dense" }),
        json!({ "question": QUESTION, "min_score": 0.01 }),
        json!({ "question": QUESTION, "sources": ["sample-docs/handbook"] }),
        json!({ "question": QUESTION, "kinds": ["markdown"] }),
        json!({ "question": format!("{QUESTION} And why?") }),
    ] {
        assert_eq!(served.post(SEARCH, &other).expect(200).json()["cached"], false, "{other}");
    }
    // An answer retrieves more than a search: they share nothing, but answers share with each other.
    for cached in [false, true] {
        let answer = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
        assert_eq!(answer["docent"]["cached"], cached);
    }
    let streamed = served.post("/v1/chat/completions", &streams(QUESTION)).expect(200);
    let last = streamed.events().into_iter().rev().find(|event| event["docent"].is_object());
    assert_eq!(last.expect("the details")["docent"]["cached"], true);
    let native = served.post("/v1/docent/query", &question(QUESTION)).expect(200).json();
    assert_eq!(native["cached"], true);
    let store = json!({ "query": QUESTION });
    for cached in [false, true] {
        let found = served.post("/v1/vector_stores/vs_docent/search", &store).expect(200).json();
        assert_eq!(found["docent"]["cached"], cached);
    }
    assert!(count(&served, "docent_cache_hits_total") >= 7);
    assert!(count(&served, "docent_cache_misses_total") >= 8);
    assert!(count(&served, "docent_cache_bytes") > 1_000);
}

#[test]
fn what_changed_is_retrieved_anew() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let cached = || served.post(SEARCH, &question(QUESTION)).expect(200).json()["cached"].clone();
    assert_eq!([cached(), cached()], [false, true]);
    // A run that changes nothing leaves what was found as it is.
    env.run(&["ingest", "sample-docs"]).expect(0);
    assert_eq!(cached(), true);
    env.write(
        "sample-docs/handbook/backups.md",
        "# Backups\n\nLedger backups are kept for 3 days.\n",
    );
    env.run(&["ingest", "sample-docs"]).expect(0);
    let found = served.post(SEARCH, &question(QUESTION)).expect(200).json();
    assert_eq!(found["cached"], false);
    assert!(found["hits"].to_string().contains("3 days"), "{found}");
    assert_eq!(cached(), true);
    env.run(&["ingest", "--rebuild", "sample-docs"]).expect(0);
    assert_eq!([cached(), cached()], [false, true]);
}

#[test]
fn without_memory_for_it_nothing_is_kept() {
    let env = ingested();
    let served = Served::start(&env, &["--cache", "0"]);
    for _ in 0..2 {
        let found = served.post(SEARCH, &question(QUESTION)).expect(200).json();
        assert_eq!(found["cached"], false);
    }
    assert!(!served.get("/metrics").expect(200).body.contains("docent_cache"));
}

/// In every order of keys and questions, no key is shown what only another may see.
#[test]
fn no_key_is_shown_what_was_kept_for_another() {
    let env = TestEnv::new();
    let tenants = ["a", "b", "c"];
    for tenant in tenants {
        let text = format!("# Ferry\n\nThe ferry of tenant {tenant} leaves at nine.\n");
        env.write(&format!("docs/{tenant}/ferry.md"), text);
    }
    env.run(&["ingest", "docs"]).expect(0);
    let keys = tenants.map(|tenant| key(&env, tenant, &["--source", &format!("docs/{tenant}/**")]));
    let whole = key(&env, "whole", &["--right", "search", "--right", "answer", "--right", "admin"]);
    let served = Served::start(&env, &[]);
    let questions = ["When does the ferry leave?", "Which tenant has a ferry?"];
    // A small generator (Lehmer's): another order each time it comes to a key.
    let mut state = 7_u32;
    for _ in 0..120 {
        state = state.wrapping_mul(48_271) % 0x7fff_ffff;
        let (who, what) = (state as usize % 4, state as usize / 4 % 2);
        let filtered = state as usize / 8 % 3;
        let mut body = question(questions[what]);
        if filtered < 2 {
            // Also a key that asks for another's documents.
            body["sources"] = json!([format!("docs/{}/**", tenants[filtered])]);
        }
        let secret = keys.get(who).unwrap_or(&whole);
        let found = served.post_as(secret, SEARCH, &body).expect(200).json();
        for hit in found["hits"].as_array().expect("hits") {
            let source = hit["source"].as_str().expect("a source");
            let tenant = source.strip_prefix("docs/").and_then(|rest| rest.get(..1));
            let tenant = tenant.expect("a tenant");
            assert!(who == 3 || tenant == tenants[who], "{who}: {found}");
            assert!(filtered == 2 || tenant == tenants[filtered], "{body}: {found}");
        }
        let all = if who == 3 { 3 } else { 1 };
        let expected = match filtered {
            2 => all,
            one if who == 3 || who == one => 1,
            _ => 0,
        };
        assert_eq!(found["hits"].as_array().map(Vec::len), Some(expected), "{who} {body}: {found}");
    }
    let metrics = served.get_as(&whole, "/metrics").expect(200).body;
    let hits = metrics.lines().find_map(|line| line.strip_prefix("docent_cache_hits_total "));
    assert!(hits.expect("a count").parse::<u32>().expect("a number") > 50, "{metrics}");
}

/// A collection whose questions an endpoint embeds.
fn embedded_by(server: &ScriptedServer) -> TestEnv {
    let mut env = TestEnv::new();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.set("DOCENT_ATTEMPTS", "1");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry to Elba leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env
}

#[test]
fn what_two_ask_at_once_is_asked_once_of_the_embedder() {
    let server = ScriptedServer::start();
    let env = embedded_by(&server);
    let served = Served::start(&env, &[]);
    for (text, first_leaves) in [("When does it leave?", false), ("Where does it go?", true)] {
        let before = server.requests().len();
        server.push(Fault::Stall);
        let body = question(text).to_string();
        let first = served.send("POST", SEARCH, &[], &body);
        server.wait_for_requests(before + 1);
        let coalesced = count(&served, "docent_cache_coalesced_total");
        let second = served.send("POST", SEARCH, &[], &body);
        while count(&served, "docent_cache_coalesced_total") == coalesced {
            std::thread::yield_now();
        }
        if first_leaves {
            drop(first);
            served.logged(r#""status":499"#);
            server.release();
        } else {
            server.release();
            assert_eq!(read(first).expect(200).json()["cached"], false);
        }
        assert_eq!(read(second).expect(200).json()["cached"], true);
        assert_eq!(server.requests().len(), before + 1, "it was asked once");
    }
}

#[test]
fn an_error_is_not_kept() {
    let server = ScriptedServer::start();
    let env = embedded_by(&server);
    let served = Served::start(&env, &[]);
    server.push(Fault::Reset);
    served.post(SEARCH, &question("When does it leave?")).expect(503);
    let found = served.post(SEARCH, &question("When does it leave?")).expect(200).json();
    assert_eq!(found["cached"], false);
}
