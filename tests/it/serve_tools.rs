//! What is passed on to the chat model beside the question: functions, their results, pictures, and its
//! name.

use serde_json::{Value, json};

use crate::openai::{Fault, ScriptedServer, event_stream};
use crate::served::{QUESTION, Served, asks, ingested, key, with_model};

fn function() -> Value {
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    json!({ "type": "function", "function": { "name": "weather", "parameters": parameters } })
}

/// A model that calls a function in pieces.
fn calls() -> Fault {
    let chunk = |delta: Value, finish: Value| {
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }], "model": "scripted" })
            .to_string()
    };
    let call = |rest: Value| json!({ "tool_calls": [rest] });
    let begin = json!({ "index": 0, "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "" } });
    let events = [
        chunk(call(begin), Value::Null),
        chunk(call(json!({ "index": 0, "function": { "arguments": "{\"city\":" } })), Value::Null),
        chunk(call(json!({ "index": 0, "function": { "arguments": "\"Texel\"}" } })), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 4 } })
            .to_string(),
        "[DONE]".to_owned(),
    ];
    Fault::Answer(event_stream(&events.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn with_functions(mut body: Value) -> Value {
    body["tools"] = json!([function()]);
    body["tool_choice"] = json!("auto");
    body["parallel_tool_calls"] = json!(false);
    body
}

/// Numbers that a signal of drift has.
fn learned(signal: &Value) -> u64 {
    let count = |name: &str| signal[name].as_u64().unwrap_or_default();
    count("samples") + count("baseline_samples")
}

#[test]
fn functions_go_to_the_model_and_their_calls_come_back() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &[]);
    server.push(calls());
    let answer = served.post("/v1/chat/completions", &with_functions(asks(QUESTION)));
    let answer = answer.expect(200).json();
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{answer}");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = json!({ "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\":\"Texel\"}" } });
    assert_eq!(choice["message"]["tool_calls"], json!([call]));
    assert_eq!(answer["docent"]["no_answer"], false, "{answer}");
    assert_eq!(answer["docent"]["ignored"], json!([]), "{answer}");
    assert_eq!(answer["usage"]["total_tokens"], 13);
    // The model has not answered yet, so nothing is recorded.
    let samples = || {
        let drift = served.get("/v1/docent/drift").expect(200).json();
        let signals = drift["collections"][0]["signals"].as_array().cloned().unwrap_or_default();
        let of = |name: &str| signals.iter().find(|signal| signal["signal"] == name);
        ["top_score", "no_answer"].map(|name| of(name).map(learned))
    };
    assert_eq!(samples(), [Some(0), Some(0)]);
    let metrics = served.get("/metrics").expect(200).body;
    assert!(!metrics.contains("docent_answers_total 1"), "{metrics}");
    let asked = server.requests().pop().expect("a request").body;
    assert_eq!(asked["tools"], json!([function()]));
    assert_eq!(
        (&asked["tool_choice"], &asked["parallel_tool_calls"]),
        (&json!("auto"), &json!(false))
    );
    let prompt = asked["messages"].to_string();
    assert!(
        prompt.contains("400 days") && prompt.contains("functions that you are given"),
        "{prompt}"
    );

    server.push(calls());
    let mut body = with_functions(asks(QUESTION));
    body["stream"] = json!(true);
    let events = served.post("/v1/chat/completions", &body).expect(200).events();
    let pieces =
        events.iter().filter(|event| event["choices"][0]["delta"]["tool_calls"].is_array());
    assert_eq!(pieces.count(), 3, "{events:?}");
    let finish = events.iter().find(|event| event["choices"][0]["finish_reason"].is_string());
    assert_eq!(finish.expect("an end")["choices"][0]["finish_reason"], "tool_calls");

    // What the function returned comes with the next request, and the answer of it.
    server.answer(&["Backups are kept for 400 days [1]; it rains on Texel."]);
    let mut body = with_functions(asks(QUESTION));
    let messages = body["messages"].as_array_mut().expect("a list");
    messages.push(
        json!({ "role": "assistant", "content": null, "tool_calls": [call], "refusal": null }),
    );
    messages.push(json!({ "role": "tool", "tool_call_id": "call_1", "content": "rain" }));
    let answer = served.post("/v1/chat/completions", &body).expect(200).json();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(samples(), [Some(1), Some(1)], "the answer alone counts");
    assert!(served.get("/metrics").expect(200).body.contains("docent_answers_total 1"));
    assert!(
        answer["choices"][0]["message"]["annotations"][0]["url_citation"].is_object(),
        "{answer}"
    );
    let asked = server.requests().pop().expect("a request").body;
    let sent = asked["messages"].as_array().expect("a list");
    let expected = [
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "role": "tool", "tool_call_id": "call_1", "content": "rain" }),
    ];
    assert_eq!(sent[sent.len() - 2..], expected);
    assert!(sent[sent.len() - 3]["content"].to_string().contains(QUESTION));
}

#[test]
fn responses_call_functions_too() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &[]);
    server.push(calls());
    let tool = json!({ "type": "function", "name": "weather", "parameters": {}, "strict": true });
    let mut body = json!({ "model": "docent", "input": QUESTION, "tools": [tool], "stream": true,
        "tool_choice": { "type": "function", "name": "weather" } });
    let events = served.post("/v1/responses", &body).expect(200).events();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    for kind in ["function_call_arguments.delta", "function_call_arguments.done", "completed"] {
        assert!(kinds.contains(&&*format!("response.{kind}")), "{kinds:?}");
    }
    let last = &events.last().expect("events")["response"];
    let output = last["output"].as_array().expect("a list");
    let call = output.last().expect("an item");
    assert_eq!(
        (&call["type"], &call["call_id"]),
        (&json!("function_call"), &json!("call_1")),
        "{last}"
    );
    assert_eq!(call["arguments"], "{\"city\":\"Texel\"}");
    let asked = server.requests().pop().expect("a request").body;
    assert_eq!(asked["tools"][0]["function"]["name"], "weather");
    assert_eq!(asked["tool_choice"]["function"]["name"], "weather");

    server.answer(&["It rains, and backups are kept for 400 days [1]."]);
    body["stream"] = json!(false);
    body["input"] = json!([
        { "role": "user", "content": QUESTION },
        call,
        { "type": "function_call_output", "call_id": "call_1", "output": "rain" },
    ]);
    let response = served.post("/v1/responses", &body).expect(200).json();
    assert_eq!(response["status"], "completed", "{response}");
    let asked = server.requests().pop().expect("a request").body;
    let sent = asked["messages"].as_array().expect("a list");
    assert_eq!(
        sent[sent.len() - 1],
        json!({ "role": "tool", "tool_call_id": "call_1", "content": "rain" })
    );
    assert_eq!(sent[sent.len() - 2]["tool_calls"][0]["function"]["name"], "weather");
}

#[test]
fn a_picture_goes_to_the_model_beside_the_passages() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let served = Served::start(&env, &[]);
    let picture =
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } });
    let content = json!([{ "type": "text", "text": QUESTION }, picture]);
    let body = json!({ "model": "docent", "messages": [{ "role": "user", "content": content }] });
    served.post("/v1/chat/completions", &body).expect(200);
    let asked = server.requests().pop().expect("a request").body;
    let last = asked["messages"].as_array().and_then(|sent| sent.last()).expect("a message");
    assert_eq!(last["content"][1], picture);
    assert!(
        last["content"][0]["text"].as_str().is_some_and(|text| text.contains("400 days")),
        "{last}"
    );
}

#[test]
fn without_a_model_what_is_for_one_is_refused() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let picture = json!([{ "type": "text", "text": QUESTION },
        { "type": "image_url", "image_url": { "url": "data:," } }]);
    for body in [
        with_functions(asks(QUESTION)),
        json!({ "model": "docent", "messages": [{ "role": "user", "content": picture }] }),
    ] {
        let refused = served.post("/v1/chat/completions", &body).expect(400);
        assert_eq!(refused.code(), "no_chat_model");
        assert!(refused.body.contains("docent doctor"), "{refused:?}");
    }
    let models = served.get("/v1/models").expect(200).json();
    assert_eq!(models["data"].as_array().map(Vec::len), Some(1), "{models}");
}

#[test]
fn the_chat_model_answers_by_its_own_name_and_sees_no_document() {
    let server = ScriptedServer::start();
    let env = with_model(&server);
    let answers = key(&env, "answers", &["--right", "search", "--right", "answer"]);
    let searches = key(&env, "searches", &["--right", "search"]);
    let served = Served::start(&env, &[]);
    let ids = |key: &str| {
        let models = served.get_as(key, "/v1/models").expect(200).json();
        let ids =
            models["data"].as_array().expect("a list").iter().map(|model| model["id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&answers), ["docent/docent", "scripted"]);
    assert_eq!(ids(&searches), ["docent/docent"]);
    served.get_as(&answers, "/v1/models/scripted").expect(200);
    served.get_as(&searches, "/v1/models/scripted").expect(404);

    server.answer(&["Backup ", "rules"]);
    let body = json!({ "model": "scripted", "seed": 7, "max_tokens": 5,
        "messages": [{ "role": "user", "content": "### Task: a title" }] });
    let answer = served.post_as(&answers, "/v1/chat/completions", &body).expect(200).json();
    assert_eq!(answer["choices"][0]["message"]["content"], "Backup rules", "{answer}");
    assert_eq!(answer["docent"]["ignored"], json!([]));
    let asked = server.requests().pop().expect("a request").body;
    assert_eq!(asked["messages"], body["messages"], "no rules, no passages");
    assert_eq!((&asked["seed"], &asked["max_tokens"]), (&json!(7), &json!(5)));
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let events = served.post_as(&answers, "/v1/chat/completions", &streamed).expect(200).events();
    let text: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "Backup rules");
    server.push(calls());
    let answer = served.post_as(&answers, "/v1/chat/completions", &with_functions(body.clone()));
    let message = &answer.expect(200).json()["choices"][0]["message"];
    assert_eq!(message["tool_calls"][0]["function"]["name"], "weather");
    served.post_as(&searches, "/v1/chat/completions", &body).expect(403);
    for wrong in [json!({ "messages": [] }), json!({ "n": 2 }), json!({ "messages": "?" })] {
        let mut body = body.clone();
        for (name, value) in wrong.as_object().expect("an object") {
            body[name] = value.clone();
        }
        served.post_as(&answers, "/v1/chat/completions", &body).expect(400);
    }
}
