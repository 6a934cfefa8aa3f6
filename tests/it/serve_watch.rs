//! `docent serve --watch`: what changed on disk is in the next answers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::served::Served;

/// How often a state is asked for that must come.
const TRIES: u32 = 600;

fn project() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env
}

fn found(served: &Served) -> String {
    let body = json!({ "query": "When does the ferry leave?" });
    served.post("/v1/vector_stores/docent/search", &body).body
}

#[track_caller]
fn wait(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..TRIES {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

fn watch_of(served: &Served) -> Value {
    let status = served.get("/v1/docent/status").json();
    status["collections"][0]["watch"].clone()
}

#[test]
fn what_changed_is_in_the_next_answers() {
    let env = project();
    let served = Served::start(&env, &["--ingest", "--watch", "docs"]);
    wait("the first run", || found(&served).contains("at nine"));
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    wait("a change", || found(&served).contains("at ten"));
    assert!(!found(&served).contains("at nine"));
    env.write("docs/new/pier.md", "# Pier\n\nThe ferry leaves from pier seven.\n");
    wait("a new file", || found(&served).contains("pier seven"));
    std::fs::remove_file(env.path("docs/new/pier.md")).expect("it is there");
    wait("a deletion", || !found(&served).contains("pier seven"));
    let watch = watch_of(&served);
    assert!(watch["directories"].as_u64() >= Some(1), "{watch}");
    assert!(watch["synced_at"].is_string() && watch["problem"].is_null(), "{watch}");
    // A document that can't be read is a warning, and no end.
    env.write("docs/broken.pdf", "%PDF-1.4 nothing");
    let line = served.logged("broken.pdf");
    assert!(line.contains("warning"), "{line}");
    wait("a problem", || watch_of(&served)["problem"].is_string());
    std::fs::remove_file(env.path("docs/broken.pdf")).expect("it is there");
    wait("no problem", || watch_of(&served)["problem"].is_null());
}

#[test]
fn without_a_path_it_watches_what_the_collection_was_made_from() {
    let env = project();
    env.run(&["ingest", "docs"]).expect(0);
    let served = Served::start(&env, &["--watch"]);
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at ten.\n");
    wait("a change", || found(&served).contains("at ten"));
    served.terminate();
    assert_eq!(served.ended(), Some(0));
}

#[test]
fn what_is_no_file_is_not_watched() {
    let env = project();
    for path in ["-", "https://example.org/"] {
        let run = env.run(&["serve", "--listen", "127.0.0.1:0", "--watch", path]).expect(2);
        assert!(run.stderr.contains("--watch takes files"), "{}", run.stderr);
    }
    let served = Served::start(&env, &["--watch"]);
    let line = served.logged("watching docent");
    assert!(line.contains("warning"), "there is nothing to watch yet: {line}");
    served.get("/livez").expect(200);
}

#[test]
fn what_a_run_may_not_delete_is_deleted_by_the_command_that_is_named() {
    let env = TestEnv::new();
    for number in 0..20 {
        env.write(&format!("docs/{number}.md"), format!("# Pier {number}\n\nA lamp.\n"));
    }
    let served = Served::start(&env, &["--collections", "piers", "--watch", "docs"]);
    wait("the first run", || watch_of(&served)["synced_at"].is_string());
    for number in 1..20 {
        std::fs::remove_file(env.path(&format!("docs/{number}.md"))).expect("it is there");
    }
    wait("a problem", || watch_of(&served)["problem"].is_string());
    let problem = watch_of(&served)["problem"].to_string();
    let command = "docent ingest --collection piers --allow-prune";
    assert!(problem.contains(command), "{problem}");
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    env.run(&args).expect(0);
    env.write("docs/0.md", "# Pier 0\n\nTwo lamps.\n");
    wait("no problem", || watch_of(&served)["problem"].is_null());
}
