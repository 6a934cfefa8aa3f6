//! `/mcp` of `docent serve`: the same tools, for callers with a key.

use serde_json::{Value, json};

use crate::served::{QUESTION, Reply, Served, ingested, key, read};

const BACKUPS: &str = "sample-docs/handbook/backups.md";

type Headers = Vec<(&'static str, String)>;

/// Headers and body of a request since 2026-07-28.
fn modern(method: &str, mut params: Value) -> (Headers, Value) {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
        ("mcp-protocol-version", "2026-07-28".to_owned()),
        ("mcp-method", method.to_owned()),
    ];
    if let Some(name) = params["name"].as_str() {
        headers.push(("mcp-name", name.to_owned()));
    }
    (headers, json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
}

fn send(served: &Served, headers: &Headers, body: &Value) -> Reply {
    post(served, headers, &body.to_string())
}

fn post(served: &Served, headers: &Headers, body: &str) -> Reply {
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, &**value)).collect();
    read(served.send("POST", "/mcp", &headers, body))
}

fn call(served: &Served, secret: Option<&str>, tool: &str, arguments: Value) -> Value {
    let (mut headers, body) = modern("tools/call", json!({"name": tool, "arguments": arguments}));
    headers.extend(secret.map(|secret| ("authorization", format!("Bearer {secret}"))));
    let answered = send(served, &headers, &body).expect(200).json();
    assert_eq!(answered["id"], 7);
    answered["result"].clone()
}

#[test]
fn agents_search_read_and_ask_over_http() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let (headers, body) = modern("server/discover", json!({}));
    let found = send(&served, &headers, &body).expect(200).json();
    assert_eq!(found["result"]["supportedVersions"][0], "2024-11-05");
    let said =
        call(&served, None, "search", json!({"query": QUESTION}))["structuredContent"].take();
    let holds = |result: &&Value| result["text"].as_str().is_some_and(|it| it.contains("400 days"));
    let first = said["results"].as_array().expect("results").iter().find(holds).expect("a fact");
    let url = first["url"].as_str().expect("a URL");
    assert!(url.starts_with(&format!("{}/s/docent/{BACKUPS}#L", served.url())), "{url}");
    let read = call(&served, None, "fetch", json!({"id": first["id"]}));
    assert_eq!(read["structuredContent"]["metadata"]["source"], BACKUPS);
    let answer = call(&served, None, "ask", json!({"question": QUESTION}));
    assert_eq!(answer["structuredContent"]["citations"][0]["verified"], true);
    let log = served.logged("\"collection\":\"docent\"");
    assert!(log.contains("\"path\":\"/mcp\""), "{log}");
}

#[test]
fn clients_of_before_are_served_without_a_session() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let who = json!({"name": "test", "version": "1"});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": who});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello});
    let welcome = send(&served, &Vec::new(), &hello).expect(200);
    assert_eq!(welcome.header("mcp-session-id"), None);
    assert_eq!(welcome.json()["result"]["protocolVersion"], "2025-06-18");
    let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(send(&served, &Vec::new(), &done).expect(202).body, "");
    let headers = vec![("mcp-protocol-version", "2025-06-18".to_owned())];
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let listed = send(&served, &headers, &list).expect(200).json();
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(4));
    let unknown = json!({"jsonrpc": "2.0", "id": 3, "method": "no/such"});
    let refused = send(&served, &headers, &unknown).expect(200).json();
    assert_eq!(refused["error"]["code"], -32601);
}

#[test]
fn what_headers_say_has_to_be_so() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let (headers, body) = modern("tools/list", json!({}));
    let without = |name: &str| -> Headers {
        headers.iter().filter(|(known, _)| *known != name).cloned().collect()
    };
    let with = |name: &'static str, value: &str| {
        let mut headers = without(name);
        headers.push((name, value.to_owned()));
        headers
    };
    for (headers, status, code) in [
        (without("mcp-method"), 400, -32020),
        (without("mcp-protocol-version"), 400, -32020),
        (with("mcp-method", "tools/call"), 400, -32020),
        (with("mcp-protocol-version", "2025-11-25"), 400, -32020),
    ] {
        let refused = send(&served, &headers, &body).expect(status).json();
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(code), &json!(7)));
    }
    let mut later = body.clone();
    later["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let refused = send(&served, &with("mcp-protocol-version", "2099-01-01"), &later).expect(400);
    assert_eq!(refused.json()["error"]["code"], -32022);
    let (headers, unknown) = modern("no/such", json!({}));
    let refused = send(&served, &headers, &unknown).expect(404).json();
    assert_eq!(refused["error"]["code"], -32601);
    let broken = post(&served, &Vec::new(), "{").expect(400).json();
    assert_eq!(broken["error"]["code"], -32700);
    let several = post(&served, &Vec::new(), "[]").expect(400).json();
    assert_eq!(several["error"]["code"], -32600);
    for method in ["GET", "DELETE"] {
        let refused = served.ask(method, "/mcp", &[], "").expect(405);
        assert_eq!(refused.header("allow"), Some("POST"));
    }
    let foreign = vec![("origin", "https://evil.example".to_owned())];
    post(&served, &foreign, "{}").expect(403);
}

#[test]
fn a_key_is_needed_and_bounds_what_is_seen() {
    let env = ingested();
    env.write("open/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "sample-docs", "open"]).expect(0);
    let narrow = key(&env, "narrow", &["--source", "open", "--right", "search"]);
    let served = Served::start(&env, &[]);
    let (headers, body) = modern("tools/list", json!({}));
    send(&served, &headers, &body).expect(401);
    let mut own = headers;
    own.push(("authorization", format!("Bearer {narrow}")));
    let listed = send(&served, &own, &body).expect(200).json();
    let names = listed["result"]["tools"].as_array().expect("tools").iter();
    let names: Vec<&str> = names.filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["search", "fetch", "status"], "it has no right to answer");
    let said = call(&served, Some(&narrow), "search", json!({"query": QUESTION}));
    for result in said["structuredContent"]["results"].as_array().expect("results") {
        assert!(result["citation"].as_str().is_some_and(|it| it.starts_with("open/")), "{result}");
    }
    let hidden = call(&served, Some(&narrow), "fetch", json!({"id": BACKUPS}));
    assert_eq!(hidden["isError"], true);
    assert!(!hidden.to_string().contains("400 days"));
    let status = call(&served, Some(&narrow), "status", json!({}));
    assert_eq!(status["structuredContent"]["collections"][0]["documents"], 1);
    assert!(served.logged("\"key\":\"narrow\"").contains("/mcp"));
}

#[test]
fn progress_comes_as_events_before_the_answer() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let params = json!({"name": "ask", "arguments": {"question": QUESTION}});
    let (headers, mut body) = modern("tools/call", params);
    body["params"]["_meta"]["progressToken"] = json!("p");
    let streamed = send(&served, &headers, &body).expect(200);
    assert!(streamed.header("content-type").is_some_and(|it| it.starts_with("text/event-stream")));
    let messages = streamed.events();
    let (last, before) = messages.split_last().expect("messages");
    assert!(last["result"]["structuredContent"]["answer"].is_string());
    assert!(!before.is_empty());
    for message in before {
        assert_eq!(message["params"]["progressToken"], "p");
    }
    // A client that does not accept events gets only the response.
    let plain = headers.into_iter().filter(|(name, _)| *name != "accept").collect();
    assert!(send(&served, &plain, &body).expect(200).json()["result"].is_object());
}
