//! `sync` of `docent mcp --allow-ingest`.

use std::fs;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::mcp_client::Agent;
use crate::openai::{Fault, ScriptedServer};

const ALLOWED: &[&str] = &["--allow-ingest"];

/// A collection of this many documents.
fn documents(count: usize) -> TestEnv {
    let env = TestEnv::new();
    write(&env, 0..count);
    env.run(&["ingest", "docs"]).expect(0);
    env
}

fn write(env: &TestEnv, numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        env.write(
            &format!("docs/{number:02}.md"),
            format!("# Page {number}\n\nIt is page {number}.\n"),
        );
    }
}

fn remove(env: &TestEnv, numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        fs::remove_file(env.path(&format!("docs/{number:02}.md"))).expect("a file");
    }
}

fn stored(env: &TestEnv) -> Value {
    env.run(&["status", "--format", "json"]).expect(0).json()["documents"].clone()
}

/// Commands and outcomes of the changes that are over.
fn changes(env: &TestEnv) -> Vec<(String, String)> {
    let log = fs::read_to_string(env.path(".docent/changes.jsonl")).expect("a log");
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let ended = lines.filter(|line| line["phase"] == "ended");
    ended.map(|line| (text(&line["command"]), text(&line["outcome"]))).collect()
}

fn form() -> Value {
    json!({"elicitation": {"form": {}}})
}

/// For a call that needs input: the question, and the state to be sent back.
fn input_required(agent: &mut Agent, arguments: Value) -> (Value, Value) {
    let mut result = agent.request("tools/call", json!({"name": "sync", "arguments": arguments}));
    assert_eq!(result["resultType"], "input_required", "{result}");
    let asked = result["inputRequests"]["deletion"].take();
    assert_eq!(asked["method"], "elicitation/create");
    (asked["params"].clone(), result["requestState"].take())
}

fn with_answer(agent: &mut Agent, state: &Value, answer: Value) -> Value {
    let answers = json!({"deletion": answer});
    let params =
        json!({"name": "sync", "arguments": {}, "inputResponses": answers, "requestState": state});
    agent.request("tools/call", params)
}

fn yes() -> Value {
    json!({"action": "accept", "content": {"delete": true}})
}

#[test]
fn it_is_there_where_it_is_allowed() {
    let env = documents(2);
    let mut usual = Agent::start(&env, &[]);
    let unknown = usual.response("tools/call", json!({"name": "sync"}));
    assert_eq!(unknown["error"]["code"], -32_602, "{unknown}");
    let refused = env.run(&["mcp", "--tools", "search,sync"]).expect(2);
    assert!(refused.stderr.contains("--allow-ingest"), "{refused}");
    let mut agent = Agent::start(&env, &["--tools", "search", "--allow-ingest"]);
    let listed = agent.request("tools/list", json!({}));
    let tools = listed["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 2);
    let hints = &tools[1]["annotations"];
    assert_eq!((&tools[1]["name"], &hints["readOnlyHint"]), (&json!("sync"), &json!(false)));
    assert_eq!((&hints["destructiveHint"], &hints["idempotentHint"]), (&json!(true), &json!(true)));
    let fields = tools[1]["outputSchema"]["properties"].as_object().expect("properties");
    assert!(fields.iter().all(|(name, it)| name == "error" || it["description"].is_string()));
    let served = crate::served::Served::start(&env, &[]);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let listed =
        served.ask("POST", "/mcp", &[("content-type", "application/json")], &body.to_string());
    assert!(!listed.expect(200).body.contains("sync"));
}

#[test]
fn the_collection_is_in_line_with_its_sources_again() {
    let env = documents(4);
    let mut agent = Agent::start(&env, ALLOWED);
    write(&env, 4..6);
    env.write("docs/00.md", "# Changed\n\nIt is another page.\n");
    fs::rename(env.path("docs/01.md"), env.path("docs/moved.md")).expect("a file");
    remove(&env, 2..3);
    env.write("docs/bad.docx", b"PK\x03\x04 and then nothing");
    env.write("elsewhere/a.md", "# Elsewhere\n\nNobody has named it.\n");
    let planned = agent.call("sync", json!({"dry_run": "true"}));
    assert_eq!((&planned["outcome"], &planned["added"]), (&json!("planned"), &json!(3)));
    assert_eq!(planned["deleted_sources"], json!(["docs/02.md"]));
    assert_eq!(stored(&env), 4, "nothing was changed");

    let part = agent.call("sync", json!({"paths": ["docs/04.md"]}));
    assert_eq!(
        (&part["outcome"], &part["added"], &part["deleted"]),
        (&json!("done"), &json!(1), &json!(0))
    );
    assert_eq!(stored(&env), 5);
    let said = agent.call("sync", json!({}));
    assert_eq!((&said["outcome"], &said["failed"]), (&json!("partial"), &json!(1)), "{said}");
    for (field, count) in [("added", 1), ("changed", 1), ("moved", 1), ("deleted", 1)] {
        assert_eq!(said[field], count, "{field}: {said}");
    }
    let failed = said["failed_sources"][0].as_str().expect("a source");
    assert!(failed.starts_with("docs/bad.docx: "), "{failed}");
    let found = agent.call("search", json!({"query": "another page"}));
    assert!(found["results"].to_string().contains("It is another page"));
    let again = agent.call("sync", json!({}));
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(5)), "{again}");
    let ended: Vec<_> =
        changes(&env).into_iter().filter(|(command, _)| command == "mcp sync").collect();
    assert_eq!(ended[0].1, "done");
    assert_eq!(ended[1].1, "partial");
    let roots =
        env.run(&["status", "--format", "json"]).expect(0).json()["manifest"]["roots"].clone();
    assert_eq!(roots, json!(["docs"]));
    for dry_run in [true, false] {
        let none = agent.call("sync", json!({"paths": ["docs/nope.md"], "dry_run": dry_run}));
        let note = none["note"].as_str().expect("a note");
        assert!(note.contains("`paths` named no document"), "{none}");
    }
    assert_eq!(agent.end(), Some(0));
}

#[test]
fn a_path_is_one_of_the_sources() {
    let env = documents(2);
    env.write("secret/key.md", "# Secret\n\nNobody is to read it.\n");
    env.write("docs/.env", "KEY=1");
    env.write("docs/.hidden/a.md", "# Hidden\n\nIt is not looked at.\n");
    let mut agent = Agent::start(&env, ALLOWED);
    for outside in
        ["secret", "../project/secret", "docs/../secret", "/etc/passwd", "https://example.org/"]
    {
        let told = agent.fails("sync", json!({"paths": ["docs/00.md", outside]}));
        assert!(told.contains(outside) && told.contains("docs"), "{told}");
        assert!(told.contains("docent ingest PATH"), "{told}");
    }
    // A file that a run skips is not ingested by its name.
    for passed_over in ["docs/.env", "docs/.hidden", "docs/*"] {
        let said = agent.call("sync", json!({"path": passed_over}));
        assert_eq!(said["added"], 0, "{passed_over}: {said}");
    }
    assert_eq!(stored(&env), 2);
    let empty = TestEnv::new();
    let mut agent = Agent::start(&empty, ALLOWED);
    assert!(agent.fails("sync", json!({})).contains("docent ingest"));
}

#[test]
fn a_person_is_asked_before_much_is_deleted() {
    let env = documents(24);
    let mut agent = Agent::start(&env, ALLOWED);
    agent.capabilities = form();
    remove(&env, 0..13);
    let (asked, state) = input_required(&mut agent, json!({}));
    let message = asked["message"].as_str().expect("a message");
    assert!(
        message.contains("13 of the collection's 24 documents") && message.contains("docs/00.md"),
        "{message}"
    );
    assert_eq!(asked["requestedSchema"]["properties"]["delete"]["type"], "boolean");

    for no in [
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept", "content": {"delete": false}}),
        json!({"action": "accept"}),
        json!("no answer"),
    ] {
        let result = with_answer(&mut agent, &state, no.clone());
        let said = agent.checked("sync", &result);
        assert_eq!(said["outcome"], "declined", "{no}");
    }
    assert_eq!(stored(&env), 24);
    let result = with_answer(&mut agent, &state, yes());
    let said = agent.checked("sync", &result);
    assert_eq!((&said["outcome"], &said["deleted"]), (&json!("done"), &json!(13)));
    assert_eq!(stored(&env), 11);
    // A confirmed deletion is done once.
    remove(&env, 13..24);
    let asks_again = with_answer(&mut agent, &state, yes());
    assert_eq!(asks_again["resultType"], "input_required", "{asks_again}");
    assert_eq!(stored(&env), 11);
}

#[test]
fn another_deletion_is_asked_about_again() {
    let env = documents(24);
    let mut agent = Agent::start(&env, ALLOWED);
    agent.capabilities = form();
    remove(&env, 0..13);
    let (_, state) = input_required(&mut agent, json!({}));
    remove(&env, 13..14);
    let other = with_answer(&mut agent, &state, yes());
    assert_eq!(other["resultType"], "input_required", "{other}");
    assert_ne!(other["requestState"], state);
    for forged in [json!("docent:"), json!("other:abc"), json!("")] {
        let result = with_answer(&mut agent, &forged, yes());
        assert_eq!(result["resultType"], "input_required", "{result}");
    }
    assert_eq!(stored(&env), 24);
    // The files are back: there is nothing to confirm.
    write(&env, 0..13);
    let result = with_answer(&mut agent, &state, yes());
    let said = agent.checked("sync", &result);
    assert_eq!((&said["outcome"], &said["deleted"]), (&json!("done"), &json!(1)));
    assert_eq!(stored(&env), 23);
}

#[test]
fn a_directory_that_is_gone_is_asked_about() {
    let env = documents(3);
    env.write("more/a.md", "# More\n\nThere is more.\n");
    env.run(&["ingest", "more"]).expect(0);
    fs::remove_dir_all(env.path("docs")).expect("a directory");
    let mut agent = Agent::start(&env, ALLOWED);
    agent.capabilities = form();
    let (asked, state) = input_required(&mut agent, json!({}));
    assert!(asked["message"].as_str().is_some_and(|it| it.contains("docs/02.md")), "{asked}");
    let result = with_answer(&mut agent, &state, yes());
    assert_eq!(agent.checked("sync", &result)["deleted"], 3);
    assert_eq!(stored(&env), 1);
}

#[test]
fn clients_with_a_handshake_are_asked_in_mid_call() {
    let env = documents(24);
    let (mut agent, _) = Agent::shake_hands(&env, ALLOWED, json!({"elicitation": {}}));
    remove(&env, 0..13);
    let call = json!({"name": "sync", "arguments": {}});
    let id = agent.begin("tools/call", call.clone());
    let (asked, question) = agent.asked();
    assert!(question["message"].as_str().is_some_and(|it| it.contains("13 of")), "{question}");
    agent.answer(&asked, &json!({"action": "decline"}));
    let declined = agent.receive();
    assert_eq!(
        (&declined["id"], &declined["result"]["structuredContent"]["outcome"]),
        (&json!(id), &json!("declined"))
    );
    assert_eq!(stored(&env), 24);

    agent.begin("tools/call", call.clone());
    let (asked, _) = agent.asked();
    remove(&env, 13..14);
    agent.answer(&asked, &yes());
    let (asked, question) = agent.asked();
    assert!(question["message"].as_str().is_some_and(|it| it.contains("14 of")), "{question}");
    agent.answer(&asked, &yes());
    let done = agent.receive();
    assert_eq!(done["result"]["structuredContent"]["deleted"], 14, "{done}");
    assert_eq!(stored(&env), 10);

    remove(&env, 14..24);
    write(&env, 30..31);
    agent.begin("tools/call", call);
    let done = agent.receive();
    assert_eq!(
        done["result"]["structuredContent"]["deleted"], 10,
        "so few are not asked about: {done}"
    );
}

#[test]
fn a_client_that_cannot_ask_is_told_what_a_person_types() {
    let env = documents(24);
    remove(&env, 0..13);
    let mut modern = Agent::start(&env, ALLOWED);
    let (legacy, _) = Agent::shake_hands(&env, ALLOWED, json!({}));
    let (by_link, _) = Agent::shake_hands(&env, ALLOWED, json!({"elicitation": {"url": {}}}));
    for agent in [&mut modern, &mut { legacy }, &mut { by_link }] {
        let told = agent.fails("sync", json!({}));
        assert!(
            told.contains("13 of the collection's 24 documents") && told.contains("docs/00.md"),
            "{told}"
        );
        assert!(told.contains("docent ingest --allow-prune"), "{told}");
    }
    assert_eq!(stored(&env), 24);
    let planned = modern.call("sync", json!({"dry_run": true}));
    assert_eq!(planned["deleted"], 13);
    env.run(&["ingest", "--allow-prune"]).expect(0);
    assert_eq!(modern.call("sync", json!({}))["deleted"], 0);
}

/// A collection whose texts an endpoint embeds, one by one.
fn embedded_elsewhere(server: &ScriptedServer) -> TestEnv {
    let mut env = TestEnv::new();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.set("DOCENT_EMBEDDING_BATCH_ITEMS", "1").set("DOCENT_EMBEDDING_CONCURRENCY", "1");
    write(&env, 0..2);
    env.run(&["ingest", "docs"]).expect(0);
    env
}

#[test]
fn progress_is_told_and_what_is_cancelled_goes_on_with_the_next() {
    let server = ScriptedServer::start();
    let env = embedded_elsewhere(&server);
    write(&env, 2..12);
    let mut agent = Agent::start(&env, ALLOWED);
    let asked = server.requests().len();
    server.push(Fault::With(Vec::new()));
    server.push(Fault::With(Vec::new()));
    server.push(Fault::Stall);
    let params = json!({"name": "sync", "arguments": {}, "_meta": {"progressToken": "p"}});
    let id = agent.begin("tools/call", params);
    let first = agent.receive();
    assert_eq!(
        (&first["method"], &first["params"]["progressToken"]),
        (&json!("notifications/progress"), &json!("p"))
    );
    server.wait_for_requests(asked + 3);
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    agent.send(&cancelled);
    // The next one waits until that is over.
    let rest = agent.begin("tools/call", json!({"name": "sync", "arguments": {}}));
    server.release();
    let done = loop {
        let message = agent.receive();
        assert_ne!(message["id"], id, "nobody waits for it any more");
        if message["id"] == rest {
            break message;
        }
    };
    let said = agent.checked("sync", &done["result"]);
    assert_eq!(said["outcome"], "done", "{said}");
    assert_eq!(stored(&env), 12);
    let outcomes: Vec<String> =
        changes(&env).into_iter().skip(1).map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["interrupted", "done"]);
    let added = said["added"].as_u64().expect("a number");
    assert!(added < 10, "what was done stays: {said}");
}

#[test]
fn who_holds_the_collection_is_told() {
    let server = ScriptedServer::start();
    let mut env = embedded_elsewhere(&server);
    write(&env, 2..3);
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let child = env.command(&["ingest", "docs"]).spawn().expect("docent starts");
    server.wait_for_requests(asked + 1);
    env.set("DOCENT_WAIT", "0");
    let mut agent = Agent::start(&env, ALLOWED);
    let told = agent.fails("sync", json!({}));
    assert!(told.contains(&format!("being written by process {}", child.id())), "{told}");
    server.release();
    let ended = child.wait_with_output().expect("docent ends");
    assert!(ended.status.success());
    assert_eq!(agent.call("sync", json!({}))["unchanged"], 3);
}

#[test]
fn two_at_a_time_are_one_after_the_other() {
    let server = ScriptedServer::start();
    let mut env = embedded_elsewhere(&server);
    env.set("DOCENT_WAIT", "0");
    write(&env, 2..4);
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let mut agent = Agent::start(&env, ALLOWED);
    let params = json!({"name": "sync", "arguments": {}});
    let ids = [agent.begin("tools/call", params.clone()), agent.begin("tools/call", params)];
    server.wait_for_requests(asked + 1);
    assert!(
        !agent.call("status", json!({}))["collections"].is_null(),
        "others are answered meanwhile"
    );
    server.release();
    let mut added = Vec::new();
    for _ in ids {
        let answered = agent.receive();
        assert_eq!(answered["result"]["isError"], false, "{answered}");
        added.push(answered["result"]["structuredContent"]["added"].as_u64());
    }
    added.sort_unstable();
    assert_eq!(added, [Some(0), Some(2)]);
    assert_eq!(agent.end(), Some(0));
    assert_eq!(stored(&env), 4);
}

#[test]
fn a_client_that_leaves_in_mid_sync_leaves_nothing_behind() {
    let server = ScriptedServer::start();
    let env = embedded_elsewhere(&server);
    write(&env, 2..4);
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let mut agent = Agent::start(&env, ALLOWED);
    agent.begin("tools/call", json!({"name": "sync", "arguments": {}}));
    server.wait_for_requests(asked + 1);
    assert_eq!(agent.end(), Some(0));
    env.run(&["ingest", "--wait", "0"]).expect(0);
    assert_eq!(stored(&env), 4);
}
