//! `docent mcp` in a project that a `docent serve` serves: the server answers its calls.
#![cfg(unix)]

use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::mcp_client::Agent;
use crate::openai::{Fault, ScriptedServer};
use crate::served::{QUESTION, Served, ingested, key, with_model};

/// Requests that the server has had from agents.
fn calls(served: &Served) -> usize {
    let is_call = |line: &&String| line.contains("\"path\":\"/mcp\"");
    served.log().iter().filter(is_call).count()
}

fn search(agent: &mut Agent) -> Value {
    agent.call("search", json!({"query": QUESTION}))
}

/// The text without the nonce of the fence, which differs each time.
fn without_nonce(said: &Value) -> String {
    let text = said.to_string();
    let nonce = text.split("passage-").nth(1).and_then(|rest| rest.get(..12)).unwrap_or_default();
    if nonce.is_empty() { text } else { text.replace(nonce, "") }
}

#[test]
fn it_answers_as_the_process_itself_would() {
    let env = ingested();
    let mut agent = Agent::start(&env, &["--tools", "search,fetch,ask,status,explain"]);
    let asked = [
        ("search", json!({"query": QUESTION, "max_tokens": 600})),
        ("fetch", json!({"id": "backups.md"})),
        ("ask", json!({"question": QUESTION})),
        ("status", json!({})),
        ("explain", json!({"question": QUESTION, "expect": "backups.md"})),
    ];
    let alone = asked.clone().map(|(tool, arguments)| agent.call(tool, arguments));
    let wrong = agent.fails("search", json!({"query": QUESTION, "colour": "red"}));

    let served = Served::start(&env, &[]);
    for ((tool, arguments), alone) in asked.into_iter().zip(alone) {
        let beside = agent.call(tool, arguments);
        assert_eq!(without_nonce(&beside), without_nonce(&alone), "{tool}");
        served.logged("\"path\":\"/mcp\"");
    }
    assert_eq!(agent.fails("search", json!({"query": QUESTION, "colour": "red"})), wrong);
    served.terminate();
    assert_eq!(served.ended(), Some(0));
    assert!(!env.path(".docent/serve.sock").exists());
    search(&mut agent);
}

#[test]
fn it_answers_the_owner_without_a_key_and_nobody_else() {
    let env = ingested();
    key(&env, "someone", &["--collection", "other"]);
    let served = Served::start(&env, &[]);
    let mut agent = Agent::start(&env, &[]);
    search(&mut agent);
    served.logged("\"path\":\"/mcp\"");
    assert_eq!(calls(&served), 1);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(served.post("/mcp", &body).expect(401).code(), "missing_api_key");
    let mode = std::fs::metadata(env.path(".docent/serve.sock")).expect("a socket").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
}

#[test]
fn one_that_has_other_settings_or_was_killed_is_not_asked() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let mut other = Agent::start(&env, &["-k", "2"]);
    search(&mut other);
    let refused = served.logged("\"path\":\"/mcp\"");
    assert!(refused.contains("\"status\":412"), "{refused}");
    // It leaves its socket behind.
    drop(served);
    assert!(env.path(".docent/serve.sock").exists());
    search(&mut Agent::start(&env, &[]));
    let again = Served::start(&env, &[]);
    search(&mut Agent::start(&env, &[]));
    assert!(again.logged("\"path\":\"/mcp\"").contains("\"status\":200"));
}

#[test]
fn the_second_of_two_servers_leaves_the_socket_to_the_first() {
    let env = ingested();
    let first = Served::start(&env, &[]);
    let second = Served::start(&env, &[]);
    search(&mut Agent::start(&env, &[]));
    first.logged("\"path\":\"/mcp\"");
    assert_eq!(calls(&second), 0);
    second.terminate();
    assert_eq!(second.ended(), Some(0));
    search(&mut Agent::start(&env, &[]));
    assert!(env.path(".docent/serve.sock").exists());
}

#[test]
fn progress_is_passed_on() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &[]);
    let mut agent = Agent::start(&env, &[]);
    let arguments = json!({"question": QUESTION});
    let params = json!({"name": "ask", "arguments": arguments, "_meta": {"progressToken": "p"}});
    let id = agent.begin("tools/call", params);
    let mut told = 0;
    loop {
        let message = agent.receive();
        if message["id"] == id {
            assert_eq!(message["result"]["isError"], false, "{message}");
            break;
        }
        assert_eq!(message["params"]["progressToken"], "p", "{message}");
        told += 1;
    }
    assert!(told > 0);
    served.logged("\"path\":\"/mcp\"");
}

#[test]
fn an_answer_that_the_server_did_not_end_is_not_asked_for_twice() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &[]);
    let mut agent = Agent::start(&env, &[]);
    server.keep(Fault::Stall);
    let id = agent.begin("tools/call", json!({"name": "ask", "arguments": {"question": QUESTION}}));
    server.wait_for_requests(1);
    drop(served);
    let answer = agent.receive();
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(id), &json!(true)));
    let told = answer["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(told.contains("ended while it answered") && told.contains("hint: ask again"), "{told}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let env = ingested();
    let _deaf = UnixListener::bind(env.path(".docent/serve.sock")).expect("a socket");
    let mut agent = Agent::start(&env, &[]);
    search(&mut agent);
    let id = agent.begin("tools/call", json!({"name": "search", "arguments": {"query": QUESTION}}));
    let cancelled = json!({"requestId": id});
    agent
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}));
    agent.request("tools/list", json!({}));
    assert_eq!(agent.end(), Some(0));
}

#[test]
fn a_file_in_the_place_of_a_socket_is_left_alone() {
    let env = ingested();
    let file = env.write("somebodys", "data");
    let listen = format!("unix:{}", file.display());
    let told = env.run(&["serve", "--listen", &listen]).expect(4).stderr;
    assert!(told.contains("somebodys"), "{told}");
    assert_eq!(std::fs::read(file).expect("the file"), b"data");
}

#[test]
fn what_has_no_room_for_a_socket_is_served_all_the_same() {
    let mut env = TestEnv::with_samples();
    let deep = env.path(&"d".repeat(100));
    env.set("DOCENT_DATA_DIR", &deep.to_string_lossy());
    env.run(&["ingest", "sample-docs"]).expect(0);
    let served = Served::start(&env, &[]);
    assert!(served.logged("serve.sock").contains("in turns"));
    search(&mut Agent::start(&env, &[]));
    assert_eq!(calls(&served), 0);
}
