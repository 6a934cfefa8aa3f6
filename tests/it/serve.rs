//! `docent serve`: requests and their responses.

use serde_json::{Value, json};

use crate::openai::ScriptedServer;
use crate::served::{QUESTION, Served, asks, ingested, key, streams, with_model};

#[test]
fn a_question_is_answered_with_citations_that_lead_somewhere() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let whole = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    let message = &whole["choices"][0]["message"];
    let text = message["content"].as_str().expect("a text");
    assert!(text.contains("400 days ["), "{text}");
    let annotation = &message["annotations"][0]["url_citation"];
    let at = |name: &str| annotation[name].as_u64().expect("a number") as usize;
    assert_eq!(&text[at("start_index")..=at("start_index")], "[");
    assert_eq!(&text[at("end_index") - 1..at("end_index")], "]");
    let url = annotation["url"].as_str().expect("a URL");
    assert!(url.ends_with("/s/docent/sample-docs/handbook/backups.md#L12-L21"), "{url}");
    assert_eq!(whole["docent"]["citations"][0]["verified"], true);

    let mut body = streams(QUESTION);
    body["stream_options"] = json!({ "include_usage": true });
    let streamed = served.post("/v1/chat/completions", &body).expect(200);
    assert_eq!(streamed.header("x-accel-buffering"), Some("no"));
    assert!(streamed.body.ends_with("data: [DONE]\n\n"), "{}", streamed.body);
    let events = streamed.events();
    let deltas = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    assert_eq!(deltas.collect::<String>(), text);
    let last = &events[events.len() - 2];
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        last["docent"]["citations"][0]["passage"],
        whole["docent"]["citations"][0]["passage"]
    );
    assert_eq!(events[events.len() - 1]["choices"], json!([]));
}

#[test]
fn what_a_client_sends_and_docent_does_not_do_is_named() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let mut body = asks(QUESTION);
    body["temperature"] = json!(0.2);
    body["tools"] = json!([{ "type": "web_search" }]);
    body["user"] = json!("me");
    let reply = served.post("/v1/chat/completions", &body).expect(200);
    assert_eq!(
        reply.json()["docent"]["ignored"],
        json!(["tools of type web_search", "temperature"])
    );
    assert_eq!(reply.header("docent-ignored"), Some("tools of type web_search, temperature"));
}

#[test]
fn several_collections_are_asked_at_once_and_what_fails_is_named() {
    let env = ingested();
    env.write("other/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "--collection", "other", "other"]).expect(0);
    let served = Served::start(&env, &["--collections", "docent,other,missing"]);
    let models = served.get("/v1/models").expect(200).json();
    assert_eq!(models["data"].as_array().map(Vec::len), Some(2));
    // When it was built; null for the collection that does not exist.
    let store = served.get("/v1/vector_stores/vs_other").expect(200).json();
    assert!(store["created_at"].as_i64() > Some(1_700_000_000), "{store}");
    assert_eq!(models["data"][1]["created"], store["created_at"], "{models}");
    let one = |id: &str| served.get(&format!("/v1/models/{id}")).expect(200).json();
    assert_eq!(one("docent/other"), models["data"][1]);
    assert!(one("docent/missing")["created"].as_i64() >= store["created_at"].as_i64());
    let body = json!({ "question": "When does the ferry leave?", "collections": ["docent", "other", "missing"] });
    let found = served.post("/v1/docent/search", &body).expect(200).json();
    assert!(found["hits"].as_array().expect("hits").iter().any(|hit| hit["collection"] == "other"));
    assert_eq!(found["collections"].as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(found["failed"][0]["collection"], "missing");
    assert_eq!(served.get("/readyz").expect(503).code(), "not_ready");
    let body = json!({ "question": "When does the ferry leave?", "collection": "other" });
    let answer = served.post("/v1/docent/query", &body).expect(200).json();
    assert!(answer["answer"].as_str().expect("a text").contains("nine"), "{answer}");
}

#[test]
fn an_ingest_goes_on_beside_it_and_the_next_question_sees_it() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let generation = |reply: &Value| reply["docent"]["generation"].clone();
    let before = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    env.write("sample-docs/ferry.md", "# Ferry\n\nThe ferry to Lyon leaves at nine.\n");
    env.run(&["ingest", "sample-docs"]).expect(0);
    let after = served.post("/v1/chat/completions", &asks("When does the ferry to Lyon leave?"));
    let after = after.expect(200).json();
    let text = after["choices"][0]["message"]["content"].as_str().expect("a text");
    assert!(text.contains("nine"), "{text}");
    assert_ne!(generation(&before), generation(&after));
    env.run(&["ingest", "--rebuild", "sample-docs"]).expect(0);
    let rebuilt = served.post("/v1/chat/completions", &asks(QUESTION)).expect(200).json();
    assert_eq!(rebuilt["docent"]["version"], 2);
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let body =
        format!("\"{QUESTION}\"\n{{\"id\": \"b\", \"question\": \"Who is Priya Raman?\"}}\n7\n");
    let reply = served.ask("POST", "/v1/docent/batch", &[], &body).expect(200);
    let mut rows: Vec<Value> =
        reply.body.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    rows.sort_by_key(|row| row["id"].to_string());
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["id"], &rows[0]["exit_code"]), (&json!("b"), &json!(0)));
    assert!(rows[1]["answer"].as_str().expect("an answer").contains("400 days"), "{}", rows[1]);
    assert_eq!((&rows[2]["id"], &rows[2]["exit_code"]), (&json!(3), &json!(2)));
    served.ask("POST", "/v1/docent/batch", &[], "\n").expect(400);
}

#[test]
fn why_a_document_was_found_is_explained_to_who_may_see_all() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let body = json!({ "question": QUESTION, "expect": "sample-docs/handbook/backups.md" });
    let explained = served.post("/v1/docent/explain", &body).expect(200).json();
    assert_eq!(explained["expected"]["verdict"], "found");
    assert!(explained["hits"].as_array().is_some_and(|hits| hits.len() > 3));
    let reader = key(&env, "reader", &["--source", "sample-docs/policies"]);
    let served = Served::start(&env, &[]);
    assert_eq!(
        served.post_as(&reader, "/v1/docent/explain", &body).expect(403).code(),
        "missing_right"
    );
}

#[test]
fn the_model_is_asked_as_the_request_says() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &["--temperature", "1"]);
    server.answer(&["Backups are kept for 400 days [1]."]);
    let mut body = asks(QUESTION);
    body["temperature"] = json!(0.5);
    body["max_tokens"] = json!(77);
    let reply = served.post("/v1/chat/completions", &body).expect(200).json();
    assert_eq!(reply["docent"]["ignored"], json!([]));
    let body = json!({ "model": "docent", "input": QUESTION, "max_output_tokens": 88 });
    let reply = served.post("/v1/responses", &body).expect(200).json();
    assert_eq!(reply["max_output_tokens"], 88);
    let sent = server.requests();
    let sent: Vec<&Value> = sent.iter().map(|request| &request.body).collect();
    assert_eq!((&sent[0]["temperature"], &sent[0]["max_tokens"]), (&json!(0.5), &json!(77)));
    assert_eq!((&sent[1]["temperature"], &sent[1]["max_tokens"]), (&json!(1.0), &json!(88)));
    for (path, body, param) in [
        ("/v1/chat/completions", json!({ "temperature": 3 }), "temperature"),
        ("/v1/chat/completions", json!({ "max_completion_tokens": 0 }), "max_completion_tokens"),
        ("/v1/responses", json!({ "input": "?", "max_output_tokens": 0 }), "max_output_tokens"),
    ] {
        let mut whole = asks(QUESTION);
        for (name, value) in body.as_object().expect("an object") {
            whole[name] = value.clone();
        }
        let refused = served.post(path, &whole).expect(400).json();
        assert_eq!(refused["error"]["param"], param);
    }
}
