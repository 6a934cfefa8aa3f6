//! What `docent mcp` answers to lines that are not messages, and what it sends unasked to clients of
//! the revisions with a handshake.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::mcp_client::Agent;
use crate::served::ingested;

#[test]
fn what_is_no_message_is_answered() {
    let env = TestEnv::new();
    let mut agent = Agent::start(&env, &[]);
    let too_long = format!("{{\"id\": 1, \"x\": \"{}\"}}", "x".repeat(4 << 20));
    for (line, code, id) in [
        ("{not JSON", -32_700, Value::Null),
        ("hello", -32_700, Value::Null),
        ("[]", -32_600, Value::Null),
        ("{}", -32_600, Value::Null),
        ("3", -32_600, Value::Null),
        ("{\"jsonrpc\": \"1.0\", \"id\": 4, \"method\": \"ping\"}", -32_600, json!(4)),
        ("{\"jsonrpc\": \"2.0\", \"id\": 5}", -32_600, json!(5)),
        ("{\"jsonrpc\": \"2.0\", \"id\": \"a\", \"method\": 7}", -32_600, json!("a")),
        ("{\"jsonrpc\": \"2.0\", \"id\": 6, \"method\": \"no/such\"}", -32_601, json!(6)),
        ("{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"tools/call\"}", -32_602, json!(7)),
        (&*too_long, -32_600, Value::Null),
    ] {
        agent.send_line(line);
        let told = agent.receive();
        let line: String = line.chars().take(100).collect();
        assert_eq!((&told["error"]["code"], &told["id"]), (&json!(code), &id), "{line}: {told}");
        assert!(told.as_object().is_some_and(|told| told.contains_key("id")), "{told}");
    }
    // Possible responses are not answered, and neither are notifications.
    for line in [
        "",
        "\r",
        "{\"jsonrpc\": \"2.0\", \"id\": null, \"error\": {\"code\": -32700, \"message\": \"x\"}}",
        "{\"jsonrpc\": \"2.0\", \"id\": 99, \"result\": {}}",
        "{\"id\": 99, \"error\": 7}",
        "{\"jsonrpc\": \"2.0\", \"method\": \"notifications/no-such\"}",
    ] {
        agent.send_line(line);
    }
    let marked = json!({"jsonrpc": "2.0", "id": 8, "method": "ping"});
    agent.send_line(&format!("\u{feff}{marked}\r"));
    assert_eq!(agent.receive()["id"], 8);
    assert_eq!(agent.end(), Some(0));
    // A pipe may omit the end of the last line.
    let answered = env.run_with_input(&["mcp"], marked.to_string()).expect(0);
    assert_eq!(answered.json()["id"], 8);
}

#[test]
fn params_that_a_method_does_not_take_are_named() {
    let env = ingested();
    let mut agent = Agent::start(&env, &[]);
    for (method, params, why) in [
        ("tools/call", json!({}), "missing field `name`"),
        ("tools/call", json!({"name": 7}), "invalid type"),
        ("tools/call", json!({"name": "search", "arguments": "x"}), "invalid type"),
        ("resources/read", json!({}), "missing field `uri`"),
        ("prompts/get", json!({"name": []}), "invalid type"),
        ("completion/complete", json!({"ref": 1}), "params"),
    ] {
        let told = agent.response(method, params);
        assert_eq!(told["error"]["code"], -32_602, "{method}: {told}");
        let message = told["error"]["message"].as_str().expect("a message");
        assert!(message.contains(method) && message.contains(why), "{told}");
    }
    assert_eq!(agent.response("no/such", json!({}))["error"]["code"], -32_601);
}

#[test]
fn a_client_with_a_handshake_hears_of_changes() {
    let env = ingested();
    let (mut agent, docent) = Agent::shake_hands(&env, &[], json!({}));
    assert_eq!(docent["resources"], json!({"listChanged": true, "subscribe": true}));
    let (kept, given_up) = ("docs/kept.md", "docs/given-up.md");
    let write = |round: u32| {
        for path in [kept, given_up] {
            env.write(path, format!("# Page\n\nThis is round {round}.\n"));
        }
        env.run(&["ingest", "docs"]).expect(0);
    };
    write(0);
    let uri = |path: &str| format!("docent://docent/{path}");
    for unknown in ["docs/no-such.md", "../secret"] {
        let refused = agent.response("resources/subscribe", json!({"uri": uri(unknown)}));
        assert_eq!(refused["error"]["code"], -32_002, "{refused}");
    }
    for path in [kept, given_up] {
        agent.request("resources/subscribe", json!({"uri": uri(path)}));
    }
    agent.request("resources/unsubscribe", json!({"uri": uri(given_up)}));
    write(1);
    let mut heard = BTreeSet::new();
    while heard.len() < 2 {
        let message = agent.receive();
        assert_ne!(message["params"]["uri"], uri(given_up), "{message}");
        heard.insert(message["method"].as_str().expect("a method").to_owned());
        if message["method"] == "notifications/resources/updated" {
            assert_eq!(message["params"]["uri"], uri(kept));
        }
    }
    assert!(heard.contains("notifications/resources/list_changed"), "{heard:?}");
    // Since 2026-07-28 there is another way.
    let mut modern = Agent::start(&env, &[]);
    let unknown = modern.response("resources/subscribe", json!({"uri": uri(kept)}));
    assert_eq!(unknown["error"]["code"], -32_601);
    assert_eq!(agent.end(), Some(0));
}
