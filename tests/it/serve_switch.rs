//! `docent serve` while the collection is replaced, removed, or does not exist yet: the next request
//! sees the change.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::qdrant::{Script, ScriptedQdrant};
use crate::served::{Reply, Served, key};

const INGEST: &[&str] = &["ingest", "docs"];

/// A collection in which the ferry leaves at some time.
fn scene(time: &str) -> TestEnv {
    let env = TestEnv::new();
    leaves(&env, time);
    env.run(INGEST).expect(0);
    env
}

fn leaves(env: &TestEnv, time: &str) {
    env.write("docs/ferry.md", format!("# Ferry\n\nThe ferry to Elba leaves at {time}.\n"));
}

fn search(served: &Served) -> Reply {
    served.post("/v1/docent/search", &json!({ "question": "When does the ferry leave?" }))
}

/// What was found, and in which version.
fn found(served: &Served) -> (String, Value) {
    let found = search(served).expect(200).json();
    (found["hits"][0]["text"].as_str().expect("a hit").to_owned(), found["version"].clone())
}

#[track_caller]
fn assert_found(served: &Served, time: &str) {
    let (text, _) = found(served);
    assert!(text.contains(time), "{text} and not {time}");
}

#[track_caller]
fn assert_missing(served: &Served) {
    let refused = search(served).expect(503);
    assert_eq!(refused.code(), "collection_missing", "{refused:?}");
    assert_eq!(refused.header("x-should-retry"), Some("false"), "nothing says when it comes");
    let ready = served.get("/readyz").expect(503).json();
    let hint = ready["error"]["docent"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("docent ingest PATH"), "{ready}");
    served.get("/livez").expect(200);
}

fn remove(env: &TestEnv) {
    let data = env.path(".docent");
    // A server that is just loading it may write into it meanwhile.
    while data.exists() {
        let _ = std::fs::remove_dir_all(&data);
    }
}

/// Says when it is dropped that something is done.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_directory_that_was_removed_and_made_anew_is_served() {
    let env = scene("one");
    let served = Served::start(&env, &[]);
    assert_found(&served, "one");
    for (time, asks_between) in [("two", false), ("three", true), ("four", false)] {
        remove(&env);
        if asks_between {
            assert_missing(&served);
        }
        leaves(&env, time);
        env.run(INGEST).expect(0);
        for _ in ["first", "remembered"] {
            assert_found(&served, time);
        }
        served.get("/readyz").expect(200);
    }
    assert!(
        !served.log().iter().any(|line| line.contains(r#""status":500"#)),
        "{:?}",
        served.log()
    );
}

/// It holds no lock in the new directory: processes there are not affected by it.
#[test]
fn others_take_turns_with_it_in_the_new_directory() {
    let env = scene("one");
    let served = Served::start(&env, &[]);
    assert_found(&served, "one");
    remove(&env);
    for time in ["two", "three", "four"] {
        leaves(&env, time);
        env.run(INGEST).expect(0);
        assert_found(&served, time);
        let out = env.run(&["search", "When does the ferry leave?"]).expect(0).stdout;
        assert!(out.contains(time), "{out}");
    }
}

#[test]
fn requests_that_go_on_meanwhile_get_what_was_or_what_is_or_are_told_why_not() {
    let env = scene("time 0");
    let served = Served::start(&env, &[]);
    let done = AtomicBool::new(false);
    let replies = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut replies = Vec::new();
            while !done.load(Ordering::Relaxed) {
                replies.push(search(&served));
            }
            replies
        });
        let ending = Ending(&done);
        for time in 1..6 {
            remove(&env);
            leaves(&env, &format!("time {time}"));
            env.run(INGEST).expect(0);
        }
        drop(ending);
        asking.join().expect("answers")
    });
    for reply in &replies {
        match reply.status {
            200 => {}
            503 => assert!(
                ["collection_missing", "collection_replaced", "collection_busy"]
                    .contains(&&*reply.code()),
                "{reply:?}"
            ),
            _ => panic!("{reply:?}"),
        }
    }
    assert!(replies.iter().any(|reply| reply.status == 200));
    assert_found(&served, "time 5");
}

#[test]
fn a_collection_that_is_built_anew_or_with_other_chunks_is_served() {
    let env = scene("one");
    let served = Served::start(&env, &[]);
    assert_eq!(found(&served).1, 1);
    leaves(&env, "two");
    env.run(&["ingest", "--rebuild", "--chunk-tokens", "200", "docs"]).expect(0);
    assert_found(&served, "two");
    assert_eq!(found(&served).1, 2);
    // By its files, and with the same number again.
    std::fs::remove_dir_all(env.path(".docent/collections")).expect("a directory");
    assert_missing(&served);
    leaves(&env, "three");
    env.run(INGEST).expect(0);
    assert_found(&served, "three");
}

#[test]
fn a_collection_that_appears_later_is_served() {
    let env = TestEnv::new();
    let served = Served::start(&env, &[]);
    assert_missing(&served);
    leaves(&env, "one");
    env.run(INGEST).expect(0);
    assert_found(&served, "one");
    served.get("/readyz").expect(200);
}

#[test]
fn who_has_a_key_is_not_told_where_a_collection_is_missing() {
    let env = TestEnv::new();
    let secret = key(&env, "reader", &[]);
    let served = Served::start(&env, &[]);
    let body = json!({ "question": "When does the ferry leave?" });
    let refused = served.post_as(&secret, "/v1/docent/search", &body).expect(503);
    assert_eq!(refused.code(), "collection_missing");
    assert!(refused.body.contains("does not exist"), "{refused:?}");
    assert!(!refused.body.contains(".docent") && !refused.body.contains("ingest"), "{refused:?}");
    served.logged("there is no collection");
    // Nor is it kept by an answer that has begun.
    let question = "When does the ferry leave?";
    let chat = json!({
        "model": "docent", "stream": true, "messages": [{ "role": "user", "content": question }],
    });
    let respond = json!({ "model": "docent", "stream": true, "input": question });
    let ask = json!({ "question": question, "stream": true });
    for (path, body) in [
        ("/v1/chat/completions", chat),
        ("/v1/responses", respond),
        ("/v1/docent/query", ask),
        ("/v1/docent/batch", json!({ "question": question })),
    ] {
        let refused = served.post_as(&secret, path, &body);
        assert!(refused.body.contains("does not exist"), "{path}: {refused:?}");
        let places = [".docent", "docent ingest", "/tmp"];
        assert!(!places.iter().any(|it| refused.body.contains(it)), "{path}: {refused:?}");
    }
}

#[test]
fn on_a_server_the_alias_says_what_is_served() {
    let mut env = TestEnv::new();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "docent");
    leaves(&env, "one");
    let served = Served::start(&env, &[]);
    assert_missing(&served);
    env.run(INGEST).expect(0);
    assert_found(&served, "one");
    leaves(&env, "two");
    env.run(&["ingest", "--rebuild", "docs"]).expect(0);
    assert_found(&served, "two");
    assert_eq!(found(&served).1, 2);
    {
        let mut memory = server.script.memory.lock().expect("a memory");
        memory.delete_collection("docent@v1");
        memory.delete_collection("docent@v2");
    }
    assert_missing(&served);
    leaves(&env, "three");
    env.run(INGEST).expect(0);
    assert_found(&served, "three");
}
