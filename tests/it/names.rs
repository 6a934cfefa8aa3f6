//! Documents are found by what they are called.

use crate::env::TestEnv;

/// Two contracts that say the same, and a guide whose pages are all called `index.html`.
fn office() -> TestEnv {
    let env = TestEnv::new();
    for party in ["acme", "beacon", "corvid"] {
        let text = format!(
            "Neither party may assign this agreement without consent. No. {}\n",
            party.len()
        );
        env.write(&format!("contracts/{party}-nda.txt"), &text);
        env.write(
            &format!("contracts/{party}Lease.txt"),
            "The rent is due on the first day of a month.\n",
        );
    }
    for page in ["retries", "timeouts"] {
        let html = "<html><body><p>The client waits for the time that is set.</p></body></html>";
        env.write(&format!("guide/{page}/index.html"), html);
    }
    env.run(&["ingest", "."]).expect(0);
    env
}

fn first(env: &TestEnv, question: &str) -> String {
    let found = env.run(&["search", question, "--format", "json"]).expect(0).json();
    found["hits"][0]["source"].as_str().expect("a hit").to_owned()
}

#[test]
fn by_file_directory_and_parts_of_identifiers() {
    let env = office();
    for (question, source) in [
        ("What does the Acme NDA say about assignment?", "contracts/acme-nda.txt"),
        ("What does the Beacon NDA say about assignment?", "contracts/beacon-nda.txt"),
        ("When is the rent of the Corvid lease due?", "contracts/corvidLease.txt"),
        ("How long does the client wait, in retries?", "guide/retries/index.html"),
        ("How long does the client wait, for timeouts?", "guide/timeouts/index.html"),
    ] {
        assert_eq!(first(&env, question), source, "{question}");
    }
}

#[test]
fn a_document_that_moved_is_found_by_its_new_name() {
    let env = office();
    std::fs::rename(env.path("contracts/acme-nda.txt"), env.path("contracts/zephyr-nda.txt"))
        .expect("a rename");
    env.run(&["ingest", "."]).expect(0);
    let question = "What does the Zephyr NDA say about assignment?";
    assert_eq!(first(&env, question), "contracts/zephyr-nda.txt");
}

#[test]
fn explain_has_the_part_of_the_name_in_the_score() {
    let env = office();
    let question = "acme assign";
    let json = env.run(&["explain", question, "--format", "json"]).expect(0).json();
    let hits = json["hits"].as_array().expect("hits");
    let part = |hit: &serde_json::Value| hit["name_score"].as_f64().expect("a number");
    for hit in hits {
        let named = hit["source"].as_str().expect("a source").contains("acme");
        assert_eq!(part(hit) > 0.0, named && !hit["sparse"].is_null(), "{hit}");
        if named && !hit["sparse"].is_null() {
            assert!(part(hit) <= hit["sparse"]["score"].as_f64().expect("a score") + 1e-3, "{hit}");
        }
    }
    let text = env.run(&["explain", question]).expect(0).stdout;
    assert!(text.lines().nth(1).expect("a header").contains("of name"), "{text}");
}
