//! Requests of `OpenAI` and Cohere clients to `docent serve` other than chat: responses, embeddings,
//! reranking, and the tool that searches files.

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::openai::{Dialect, Fault, ScriptedServer};
use crate::served::{Reply, Served};

pub(crate) const QUESTION: &str = "How long are ledger backups kept?";

pub(crate) fn ingested() -> TestEnv {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs", "--tag", "team=ledger", "--tag", "public"]).expect(0);
    env
}

fn respond(served: &Served, more: Value) -> Reply {
    let mut body = json!({ "model": "docent", "input": QUESTION });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    served.post("/v1/responses", &body)
}

/// The types of events, each of which has its place in the row.
fn kinds(events: &[Value]) -> Vec<&str> {
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    let kinds = events.iter().map(|event| event["type"].as_str().expect("a type"));
    kinds.map(|kind| kind.trim_start_matches("response.")).collect()
}

#[test]
fn a_response_is_told_event_by_event_and_comes_to_what_it_is_in_one_piece() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let more = json!({ "include": ["file_search_call.results"], "instructions": "Be brief.",
        "input": [{ "role": "user", "content": [{ "type": "input_text", "text": QUESTION }] }] });
    let whole = respond(&served, more.clone()).expect(200).json();
    let mut more = more;
    more["stream"] = json!(true);
    let streamed = respond(&served, more).expect(200);
    let events = streamed.events();
    let mut seen = kinds(&events);
    seen.dedup();
    assert_eq!(
        seen,
        [
            "created",
            "in_progress",
            "output_item.added",
            "file_search_call.in_progress",
            "file_search_call.searching",
            "file_search_call.completed",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    for (line, event) in
        streamed.body.lines().filter_map(|it| it.strip_prefix("event: ")).zip(&events)
    {
        assert_eq!(event["type"], line);
    }
    let last = &events[events.len() - 1]["response"];
    for response in [&whole, last] {
        for member in
            ["id", "object", "created_at", "completed_at", "status", "model", "output", "usage"]
        {
            assert!(!response[member].is_null(), "{member}: {response}");
        }
        for member in ["error", "incomplete_details", "previous_response_id", "reasoning"] {
            assert!(response.get(member).is_some_and(Value::is_null), "{member}: {response}");
        }
        assert_eq!(response["instructions"], "Be brief.");
        assert_eq!(response["store"], false);
        let search = &response["output"][0];
        assert_eq!(search["queries"], json!([QUESTION]));
        let result = &search["results"][0];
        assert_eq!(result["filename"], "sample-docs/handbook/backups.md");
        assert!(result["attributes"].is_object() && result["score"].is_number(), "{result}");
        let part = &response["output"][1]["content"][0];
        let text = part["text"].as_str().expect("a text");
        let [file, url] = [&part["annotations"][0], &part["annotations"][1]];
        assert_eq!(
            (&file["type"], &url["type"]),
            (&json!("file_citation"), &json!("url_citation"))
        );
        let start = url["start_index"].as_u64().expect("a place") as usize;
        assert_eq!((&text[start..=start], &file["index"]), ("[", &url["start_index"]));
        assert_eq!(file["filename"], "sample-docs/handbook/backups.md");
        // The file that is cited can be read.
        let id = file["file_id"].as_str().expect("an id");
        assert_eq!(
            served.get(&format!("/v1/files/{id}")).expect(200).json()["filename"],
            file["filename"]
        );
    }
    let text = |response: &Value| response["output"][1]["content"][0]["text"].clone();
    assert_eq!(text(&whole), text(last));
    let deltas = events.iter().filter_map(|event| event["delta"].as_str());
    assert_eq!(text(last), deltas.collect::<String>());
    let without = respond(&served, json!({})).expect(200).json();
    assert_eq!(without["output"][0]["results"], Value::Null);
}

#[test]
fn what_a_response_cannot_be_is_refused_and_what_has_no_effect_is_named() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    for (more, code, param) in [
        (
            json!({ "previous_response_id": "resp_1" }),
            "unsupported_parameter",
            "previous_response_id",
        ),
        (json!({ "background": true }), "unsupported_parameter", "background"),
        (json!({ "store": true }), "unsupported_parameter", "store"),
        (json!({ "input": [] }), "invalid_value", "input"),
        (json!({ "input": 3 }), "invalid_value", "input"),
        (json!({ "tools": [{ "name": "x" }] }), "invalid_value", "tools[0].type"),
        (
            json!({ "tools": [{ "type": "file_search", "max_num_results": 51 }] }),
            "invalid_value",
            "tools[0].max_num_results",
        ),
        (
            json!({ "tools": [{ "type": "file_search", "filters": { "type": "gt", "key": "kind", "value": 1 } }] }),
            "invalid_value",
            "tools[0].filters.type",
        ),
    ] {
        let refused = respond(&served, more.clone()).expect(400).json();
        assert_eq!(
            (&refused["error"]["code"], &refused["error"]["param"]),
            (&json!(code), &json!(param)),
            "{more}"
        );
    }
    let foreign = json!({ "tools": [{ "type": "file_search", "vector_store_ids": ["vs_other"] }] });
    assert_eq!(respond(&served, foreign).expect(404).code(), "vector_store_not_found");
    let reply = respond(&served, json!({ "temperature": 0, "tools": [{ "type": "web_search" }] }));
    let reply = reply.expect(200);
    let ignored = json!(["tools of type web_search", "temperature"]);
    assert_eq!(reply.json()["docent"]["ignored"], ignored);
    assert_eq!(reply.header("docent-ignored"), Some("tools of type web_search, temperature"));
}

#[test]
fn a_response_that_fails_says_so_and_the_next_works() {
    let server = ScriptedServer::start();
    let mut env = ingested();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "k");
    env.set("DOCENT_MODEL", "scripted").set("DOCENT_ATTEMPTS", "1");
    let served = Served::start(&env, &[]);
    server.answer(&["Backups are ", "kept for ", "400 days [1]."]);
    server.push(Fault::CutAfter(2));
    let cut = respond(&served, json!({ "stream": true })).expect(200);
    let events = cut.events();
    assert!(kinds(&events).contains(&"output_text.delta"));
    let last = events.last().expect("an event");
    assert_eq!(last["type"], "response.failed");
    assert_eq!(
        (&last["response"]["status"], &last["response"]["error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );
    assert!(last["response"]["error"]["message"].is_string());
    server.push(Fault::Answer(crate::openai::response("500 Oh", &[], "{}")));
    assert_eq!(respond(&served, json!({})).expect(503).code(), "upstream_unavailable");
    let whole = respond(&served, json!({ "stream": true })).expect(200).events();
    let response = &whole.last().expect("an event")["response"];
    assert_eq!(response["output"][1]["content"][0]["text"], "Backups are kept for 400 days [1].");
    let usage = &response["usage"];
    assert!(
        usage["input_tokens"].is_u64()
            && usage["output_tokens_details"]["reasoning_tokens"].is_u64()
    );
}

#[test]
fn file_search_chooses_the_collection_and_what_of_it() {
    let env = ingested();
    env.write("other/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "--collection", "other", "other"]).expect(0);
    let served = Served::start(&env, &["--collections", "docent,other"]);
    let chat = |tool: Value| {
        let body = json!({ "model": "docent", "tools": [tool],
            "messages": [{ "role": "user", "content": "When does the ferry leave?" }] });
        served.post("/v1/chat/completions", &body)
    };
    for id in ["vs_other", "other"] {
        let reply =
            chat(json!({ "type": "file_search", "vector_store_ids": [id] })).expect(200).json();
        assert_eq!(reply["docent"]["collection"], "other");
        assert!(
            reply["choices"][0]["message"]["content"].as_str().expect("a text").contains("nine")
        );
        assert_eq!(reply["docent"]["ignored"], json!([]));
    }
    let nothing = json!({ "type": "file_search", "vector_store_ids": ["vs_other"],
        "filters": { "type": "ne", "key": "source", "value": "other/ferry.md" } });
    assert_eq!(chat(nothing).expect(200).json()["docent"]["no_answer"], true);
    let two = json!({ "type": "file_search", "vector_store_ids": ["vs_other", "vs_docent"] });
    assert_eq!(chat(two).expect(400).json()["error"]["param"], "tools[0].vector_store_ids");
}

#[test]
fn embeddings_are_those_of_the_collection() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let embed = |more: Value| {
        let mut body = json!({ "model": "docent" });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        served.post("/v1/embeddings", &body)
    };
    let floats = embed(json!({ "input": ["ledger backups", ""] })).expect(200).json();
    let vector = |row: &Value| -> Vec<f64> {
        let numbers = row["embedding"].as_array().expect("numbers").iter();
        numbers.map(|number| number.as_f64().expect("a number")).collect()
    };
    let first = vector(&floats["data"][0]);
    let length: f64 = first.iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-3, "{length}");
    assert!(vector(&floats["data"][1]).iter().all(|value| *value == 0.0));
    assert_eq!(floats["docent"]["without_known_words"], json!([1]));
    assert_eq!(floats["docent"]["embedded_as"], "document");
    // "ledger backups", in tokens of cl100k.
    let tokens = embed(json!({ "input": [[51804, 60766]] })).expect(200).json();
    assert_eq!(vector(&tokens["data"][0]), first);
    let base64 =
        embed(json!({ "input": "ledger backups", "encoding_format": "base64" })).expect(200).json();
    let text = base64["data"][0]["embedding"].as_str().expect("a text");
    assert_eq!(text.len(), (first.len() * 4).div_ceil(3) * 4);
    let query = embed(json!({ "input": "x y", "input_type": "query", "dimensions": first.len() }));
    assert_eq!(query.expect(200).json()["docent"]["embedded_as"], "query");
    let many: Vec<&str> = vec!["a"; 2_049];
    let long = "ledger ".repeat(9_000);
    for (more, param, code) in [
        (json!({ "input": [] }), "input", "invalid_value"),
        (json!({ "input": many }), "input", "invalid_value"),
        (json!({ "input": ["a", long] }), "input[1]", "context_length_exceeded"),
        (json!({ "input": [4_000_000] }), "input", "invalid_value"),
        (json!({ "input": {} }), "input", "invalid_value"),
        (json!({ "input": "a", "dimensions": 3 }), "dimensions", "invalid_value"),
        (json!({ "input": "a", "encoding_format": "hex" }), "encoding_format", "invalid_value"),
        (json!({ "input": "a", "input_type": "poem" }), "input_type", "invalid_value"),
    ] {
        let refused = embed(more).expect(400).json();
        assert_eq!(
            (&refused["error"]["param"], &refused["error"]["code"]),
            (&json!(param), &json!(code))
        );
    }
}

#[test]
fn texts_are_reranked_by_what_is_there() {
    let texts = ["The cat sat.", "Ledger backups are kept for 400 days.", "Tides rise."];
    let body = json!({ "model": "docent", "query": QUESTION, "documents": texts, "top_n": 2, "return_documents": true });
    let check = |reply: Reply, best: u64| {
        let reply = reply.expect(200).json();
        let results = reply["results"].as_array().expect("results");
        assert_eq!(results.len(), 2);
        assert_eq!(results[0]["index"], best, "{reply}");
        assert_eq!(results[0]["document"]["text"], texts[best as usize]);
        let scores: Vec<f64> =
            results.iter().filter_map(|it| it["relevance_score"].as_f64()).collect();
        assert!(scores[0] >= scores[1] && scores.iter().all(|score| (0.0..=1.0).contains(score)));
        reply["docent"]["scored_by"].as_str().expect("a name").to_owned()
    };
    let mut env = ingested();
    {
        let served = Served::start(&env, &[]);
        for path in ["/v1/rerank", "/v2/rerank", "/rerank"] {
            assert_eq!(check(served.post(path, &body), 1), "embedder builtin");
        }
        for (more, param) in [
            (json!({ "query": "?", "documents": [] }), "documents"),
            (json!({ "query": "?", "documents": [{ "title": "x" }] }), "documents[0].text"),
            (json!({ "query": " ", "documents": ["a"] }), "query"),
            (json!({ "query": "?", "documents": ["a"], "top_n": 0 }), "top_n"),
        ] {
            let refused = served.post("/v1/rerank", &more).expect(400).json();
            assert_eq!(refused["error"]["param"], param, "{more}");
        }
    }
    let server = ScriptedServer::start();
    server.rerank(Dialect::Jina, "Tides");
    env.set("DOCENT_RERANK", &server.base_url());
    let served = Served::start(&env, &[]);
    assert!(check(served.post("/v1/rerank", &body), 2).starts_with("reranker "));
}
