//! Answers of a scripted server, whole and broken.
#![allow(clippy::unwrap_used, reason = "tests")]

mod streams;

use std::sync::Arc;

use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::chat::{ChatMessage, MessageRole, SamplingOptions};
use crate::testing::openai::{Fault as Script, ScriptedServer, capture, event_stream, response};

const TRANSIENT: Fault = Fault::Transient { retry_after: None };

fn options(server: &ScriptedServer) -> ChatOptions {
    ChatOptions {
        base_url: server.base_url(),
        api_key: None,
        key_header: None,
        model: "asked".to_owned(),
        temperature: Some(0.5),
        max_tokens: Some(99),
        timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(20),
        retry: RetryPolicy {
            attempts: 3,
            within: None,
            base: Duration::from_millis(1),
            max: Duration::from_millis(2),
        },
    }
}

fn question() -> ChatRequest {
    let message = |speaker, text: &str| ChatMessage { speaker, text: text.to_owned() };
    ChatRequest {
        messages: vec![
            message(MessageRole::System, "Be brief."),
            message(MessageRole::User, "Why?"),
        ],
        question: "Why?".to_owned(),
        passages: Arc::default(),
        sampling: SamplingOptions::default(),
        relayed: crate::chat::Passthrough::default(),
    }
}

/// The text, and how the answer ended.
type Outcome = (String, Result<ChatEvent, BackendError>);

async fn collect(mut events: ChatStream) -> Outcome {
    let mut text = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(ChatEvent::Delta(delta)) => text.push_str(&delta),
            Ok(ChatEvent::Thinking(_)) => {}
            end => {
                assert!(events.next().await.is_none(), "nothing comes after the end");
                return (text, end);
            }
        }
    }
    panic!("a stream ended without saying how, after {text:?}");
}

/// Asks a server that answers its first request with `script`.
async fn ask(script: Script) -> Result<Outcome, BackendError> {
    let server = ScriptedServer::start();
    server.push(script);
    Ok(collect(connect(options(&server))?.stream(question()).await?).await)
}

/// The error that ends an answer after `text`.
async fn cut(script: Script) -> (String, BackendError) {
    let (text, end) = ask(script).await.unwrap();
    (text, end.unwrap_err())
}

fn done(reason: &str, model: &str, tokens: Option<(u64, u64)>) -> ChatEvent {
    ChatEvent::Done {
        finish_reason: reason.to_owned(),
        model: model.to_owned(),
        usage: Usage {
            prompt_tokens: tokens.map(|t| t.0),
            completion_tokens: tokens.map(|t| t.1),
            ..Usage::default()
        },
    }
}

#[tokio::test]
async fn an_answer_arrives_in_deltas_and_ends_with_its_counts() {
    let server = ScriptedServer::start();
    server.answer(&["Kept ", "400 days [", "1", "]."]);
    server.answer_as("answered");
    let model = connect(options(&server)).unwrap();
    assert_eq!(model.name(), "asked");
    let events: Vec<_> =
        model.stream(question()).await.unwrap().map(Result::unwrap).collect().await;
    let mut expected: Vec<_> =
        ["Kept ", "400 days [", "1", "]."].map(|text| ChatEvent::Delta(text.to_owned())).to_vec();
    expected.push(done("stop", "answered", Some((11, 4))));
    assert_eq!(events, expected);

    let body = &server.requests()[0].body;
    assert_eq!(body["model"], "asked");
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["messages"][1]["content"], "Why?");
    assert_eq!(body["temperature"], 0.5);
    assert_eq!(body["max_tokens"], 99);
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn captured_streams_are_read() {
    let table = [
        (
            "aimock-stream.http",
            "The borrow checker rejects aliasing mutable references [1].",
            done("stop", "gpt-4o-mini", Some((2, 15))),
        ),
        ("litellm-chat-stream.http", "This the\n   and\nThe", done("length", "tiny-chat", None)),
        (
            "litellm-mock-stream.http",
            "This is a canned answer from litellm.",
            done("stop", "mock-chat", None),
        ),
    ];
    for (name, text, end) in table {
        let outcome = ask(Script::Answer(capture(name))).await.unwrap();
        assert_eq!(outcome, (text.to_owned(), Ok(end)), "{name}");
    }
    let name = "lcp-badmodel-chat-stream.http";
    let (text, end) = ask(Script::Answer(capture(name))).await.unwrap();
    assert_eq!((text.is_empty(), end), (false, Ok(done("stop", "nope", None))));
}

#[tokio::test]
async fn captured_answers_that_come_whole_are_answers() {
    for name in [
        "lcp-badmodel-chat.http",
        "lcp-goodkey.http",
        "lcp-missing-messages.http",
        "litellm-mock-ok.http",
        "litellm-rpm1-a.http",
        "ls-badmodel.http",
    ] {
        let (text, end) = ask(Script::Answer(capture(name))).await.unwrap();
        assert!(!text.is_empty() && matches!(end, Ok(ChatEvent::Done { .. })), "{name}: {end:?}");
    }
    let error = ask(Script::Answer(capture("lcp-ctx-stream.http"))).await.unwrap_err();
    assert!(error.message.contains("exceeds the model's context length"), "{error}");
    assert_eq!(error.fault, Fault::Permanent);
}

#[tokio::test]
async fn a_cut_answer_is_never_passed_off_as_complete() {
    // The server was killed: the body breaks off. The capture does not have the head.
    let body = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/endpoints/lcp-sigkill.body"
    ))
    .unwrap();
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n";
    let killed = format!("{head}{body}").into_bytes();
    let broke = "the answer was cut: the connection broke";
    let ended = "the answer was cut: the stream ended without a finish reason";
    let table = [
        (Script::Answer(killed), "// '", broke),
        (Script::Answer(capture("aimock-hangup.http")), "This answer will", broke),
        (Script::CutAfter(2), "The first ", broke),
        (Script::EndAfter(3), "The first passage says so [", ended),
    ];
    for (script, text, message) in table {
        let (received, error) = cut(script).await;
        assert!(received.starts_with(text), "{received}");
        assert_eq!((error.fault, error.message.as_str()), (TRANSIENT, message));
    }
    let delta = r#"{"choices":[{"index":0,"delta":{"content":"Half an"}}]}"#;
    let (text, error) = cut(Script::Answer(event_stream(&[delta, "[DONE]"]))).await;
    assert_eq!((text.as_str(), error.message.as_str()), ("Half an", ended));
    let upstream =
        r#"{"error":{"message":"litellm.APIConnectionError: upstream died","code":"500"}}"#;
    let (text, error) = cut(Script::Answer(event_stream(&[delta, upstream]))).await;
    assert_eq!(text, "Half an");
    assert_eq!(error.message, "litellm.APIConnectionError: upstream died");
}

#[tokio::test]
async fn odd_events_do_no_harm() {
    let events = [
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"hm"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Yes"},"finish_reason":""}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":null,"finish_reason":"length"}]}"#,
        r#"{"model":"m","usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}"#,
    ];
    let outcome = ask(Script::Answer(event_stream(&events))).await.unwrap();
    assert_eq!(outcome, ("Yes".to_owned(), Ok(done("length", "m", Some((5, 1))))));
}

/// The events as `thinking` and `text`, without `Done`.
async fn thoughts(script: Script) -> (Vec<String>, Vec<String>) {
    let server = ScriptedServer::start();
    server.push(script);
    let events = connect(options(&server)).unwrap().stream(question()).await.unwrap();
    let (mut thoughts, mut deltas) = (Vec::new(), Vec::new());
    for event in events.map(Result::unwrap).collect::<Vec<_>>().await {
        match event {
            ChatEvent::Thinking(text) => thoughts.push(text),
            ChatEvent::Delta(text) => deltas.push(text),
            ChatEvent::Done { .. } | ChatEvent::Retracted | ChatEvent::Calls(_) => {}
        }
    }
    (thoughts, deltas)
}

#[tokio::test]
async fn calls_of_functions_are_handed_on_as_they_come() {
    let server = ScriptedServer::start();
    // The second answer omits what some servers omit, and ends with `stop`.
    server.push(Script::Answer(event_stream(&[
        r#"{"choices":[{"delta":{"content":"Let me see."}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"a"}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"f"}}, 3]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ])));
    let model = connect(options(&server)).unwrap();
    let mut asked = question();
    asked.relayed.parameters.insert("tools".to_owned(), json!(["a function"]));
    asked.relayed.parts = vec![json!({ "type": "image_url" })];
    asked.relayed.after = vec![json!({ "role": "tool" })];
    let payload = model.payload(&asked).unwrap();
    assert_eq!(payload["tools"], json!(["a function"]));
    let text = json!({ "type": "text", "text": "Why?" });
    let picture = json!({ "type": "image_url" });
    assert_eq!(
        payload["messages"],
        json!([
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [text, picture] },
            { "role": "tool" },
        ])
    );
    let events: Vec<ChatEvent> =
        model.stream(asked).await.unwrap().map(Result::unwrap).collect().await;
    assert_eq!(events[0], ChatEvent::Delta("Let me see.".to_owned()));
    assert_eq!(events[1], ChatEvent::Calls(vec![json!({ "index": 1, "id": "a" })]));
    let second = json!({ "index": 0, "id": "b", "function": { "name": "f" } });
    assert_eq!(events[2], ChatEvent::Calls(vec![second]));
    let reason = match &events[3] {
        ChatEvent::Done { finish_reason, .. } => finish_reason.as_str(),
        other => panic!("{other:?}"),
    };
    assert_eq!((reason, events.len()), (super::CALLS, 4));
}

#[tokio::test]
async fn thinking_is_separated_from_the_answer() {
    let delta = |fields: &str| format!(r#"{{"choices":[{{"index":0,"delta":{{{fields}}}}}]}}"#);
    let last = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned();
    let stream = |deltas: &[&str]| {
        let mut events: Vec<String> = deltas.iter().map(|fields| delta(fields)).collect();
        events.push(last.clone());
        Script::Answer(event_stream(&events.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    for deltas in [
        [r#""reasoning_content":"Let me ""#, r#""reasoning_content":"see.""#, r#""content":"Yes""#],
        [r#""reasoning":"Let me ""#, r#""reasoning":"see.","content":"""#, r#""content":"Yes""#],
        [r#""content":"<thi""#, r#""content":"nk>Let me see.</th""#, r#""content":"ink>\n\nYes""#],
    ] {
        let (thoughts, answer) = thoughts(stream(&deltas)).await;
        assert_eq!((thoughts.concat().as_str(), answer.concat().as_str()), ("Let me see.", "Yes"));
    }
    // The text is held back until the end, but not lost.
    let (thoughts, answer) = thoughts(stream(&[r#""content":"<thi""#])).await;
    assert_eq!((thoughts.concat().as_str(), answer.concat().as_str()), ("", "<thi"));
}

#[tokio::test]
async fn what_would_be_sent_is_what_is_sent() {
    let server = ScriptedServer::start();
    let model =
        connect(ChatOptions { api_key: Some("sk-secret-key".to_owned()), ..options(&server) })
            .unwrap();
    let payload = model.payload(&question()).unwrap();
    assert!(server.requests().is_empty());
    let (_, end) = collect(model.stream(question()).await.unwrap()).await;
    assert!(end.is_ok());
    assert_eq!(server.requests()[0].body, payload);
    assert!(!payload.to_string().contains("secret"));
}

#[tokio::test]
async fn a_complete_answer_is_kept_whatever_follows_it() {
    let last = r#"{"choices":[{"index":0,"delta":{"content":"Yes"},"finish_reason":"stop"}]}"#;
    for after in [vec![last], vec![last, "{broken"], vec![last, r#"{"error":"late"}"#]] {
        let outcome = ask(Script::Answer(event_stream(&after))).await.unwrap();
        assert_eq!(outcome, ("Yes".to_owned(), Ok(done("stop", "asked", None))), "{after:?}");
    }
}

#[tokio::test]
async fn silence_ends_the_answer() {
    let server = ScriptedServer::start();
    server.push(Script::StallAfter(2));
    let idle_timeout = Duration::from_millis(50);
    let model = connect(ChatOptions { idle_timeout, ..options(&server) }).unwrap();
    let (text, end) = collect(model.stream(question()).await.unwrap()).await;
    let error = end.unwrap_err();
    assert_eq!(text, "The first ");
    assert_eq!(error.message, "the answer was cut: nothing came for 0.05 s");
    assert_eq!(error.fault, TRANSIENT);
    assert_eq!(server.requests().len(), 1, "nothing is repeated once an answer has begun");
}

#[tokio::test]
async fn comments_and_halves_of_events_are_silence() {
    for bytes in [&b": still thinking\n\n"[..], b"data: {"] {
        let server = ScriptedServer::start();
        server.push(Script::TrickleAfter(2, bytes));
        let idle_timeout = Duration::from_millis(300);
        let model = connect(ChatOptions { idle_timeout, ..options(&server) }).unwrap();
        let answer = async { collect(model.stream(question()).await.unwrap()).await };
        let (_, end) = tokio::time::timeout(Duration::from_secs(20), answer).await.unwrap();
        assert_eq!(end.unwrap_err().message, "the answer was cut: nothing came for 0.3 s");
    }
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let server = ScriptedServer::start();
    server.push(Script::StallAfter(2));
    let mut events = connect(options(&server)).unwrap().stream(question()).await.unwrap();
    assert_eq!(events.next().await, Some(Ok(ChatEvent::Delta("The first ".to_owned()))));
    drop(events);
    tokio::task::spawn_blocking(move || server.wait_for_hangup()).await.unwrap();
}

#[tokio::test]
async fn failures_before_the_first_event_are_retried() {
    let overloaded = event_stream(&[r#"{"error":{"message":"overloaded","code":503}}"#]);
    let table = [
        (Script::Answer(capture("litellm-mock-500-stream.http")), 2, None),
        (Script::Answer(capture("litellm-up-badkey.http")), 1, Some(Fault::Unauthorized)),
        (Script::Answer(capture("ls-ctx-stream.http")), 1, Some(Fault::TooLong)),
        (Script::Answer(overloaded), 2, None),
        (Script::Answer(capture("aimock-disconnect.http")), 2, None),
        (Script::Reset, 2, None),
        (Script::CutAfter(0), 2, None),
        (Script::Stall, 2, None),
    ];
    for (script, requests, fault) in table {
        let server = ScriptedServer::start();
        server.push(script.clone());
        let timeout =
            Duration::from_millis(if matches!(script, Script::Stall) { 50 } else { 20_000 });
        let model = connect(ChatOptions { timeout, ..options(&server) }).unwrap();
        let outcome = model.stream(question()).await;
        assert_eq!(outcome.err().map(|e| e.fault), fault, "{script:?}");
        assert_eq!(server.requests().len(), requests, "{script:?}");
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_said_in_another_way_and_remembered() {
    let server = ScriptedServer::start();
    let refuse = |message: &str| {
        let body = serde_json::json!({"error": {"message": message}}).to_string();
        server.push(Script::Answer(response("400 Bad Request", &[], &body)));
    };
    refuse("body.stream_options: Extra inputs are not permitted");
    refuse(
        "Unsupported parameter: 'max_tokens' is not supported with this model. \
         Use 'max_completion_tokens' instead.",
    );
    let model = connect(options(&server)).unwrap();
    for _ in 0..2 {
        let (_, end) = collect(model.stream(question()).await.unwrap()).await;
        assert_eq!(end, Ok(done("stop", "asked", None)));
    }
    let sent: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(sent.len(), 4);
    assert!(sent[0]["stream_options"].is_object() && sent[0]["max_tokens"] == 99);
    assert!(sent[1]["stream_options"].is_null() && sent[1]["max_tokens"] == 99);
    for body in &sent[2..] {
        assert!(body["stream_options"].is_null() && body["max_tokens"].is_null());
        assert_eq!(body["max_completion_tokens"], 99);
    }

    refuse("stream_options is still not welcome");
    let error = model.stream(question()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.message, "HTTP 400: stream_options is still not welcome");
    assert_eq!(server.requests().len(), 5, "it does not go round in circles");
}
