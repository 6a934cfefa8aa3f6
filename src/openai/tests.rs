//! Every captured response of a real server ends as the right error, or as a success.
#![allow(clippy::unwrap_used, reason = "tests")]

mod slow;

use futures::TryStreamExt;
use serde_json::{Value, json};

use super::*;
use crate::testing::openai::{Fault as Script, ScriptedServer, capture, event_stream, response};

const KEY: &str = "sk-test-7f3a9c";
const PATIENCE: Duration = Duration::from_secs(20);
const WAIT: fn(u64) -> Fault =
    |seconds| Fault::Transient { retry_after: Some(Duration::from_secs(seconds)) };
const TRANSIENT: Fault = Fault::Transient { retry_after: None };

fn backoff() -> RetryPolicy {
    RetryPolicy { base: Duration::from_millis(1), ..RetryPolicy::default() }
}

fn client(server: &ScriptedServer) -> OpenAiClient {
    OpenAiClient::new(ExternalService::Chat, &server.base_url(), Some(KEY), backoff()).unwrap()
}

#[derive(serde::Deserialize)]
struct Rows {
    #[expect(dead_code, reason = "only its presence matters")]
    data: Vec<Value>,
}

/// One embeddings request.
async fn ask<A: DeserializeOwned>(
    client: &OpenAiClient,
    timeout: Duration,
) -> Result<A, BackendError> {
    let permit = client.admit(0).await?;
    client.embeddings(&json!({"input": ["x"]}), &permit, timeout).await
}

/// One embeddings request that is answered with `bytes`.
async fn embeddings(bytes: Vec<u8>) -> Result<Rows, BackendError> {
    let server = ScriptedServer::start();
    server.push(Script::Answer(bytes));
    let outcome = ask(&client(&server), PATIENCE).await;
    assert_eq!(server.requests().len(), 1, "never retried here");
    outcome
}

/// One streamed chat request that is answered with `bytes`: the events, or the first error.
async fn chat(bytes: Vec<u8>) -> Result<Vec<Value>, BackendError> {
    let server = ScriptedServer::start();
    server.push(Script::Answer(bytes));
    let client = client(&server);
    let permit = client.admit(0).await?;
    let events = client.chat_events(&json!({"stream": true}), &permit).await;
    assert_eq!(server.requests().len(), 1, "never retried here");
    events?.try_collect().await
}

/// Captured responses that are errors, with the fault they become and a part of the message.
fn refusals() -> Vec<(&'static str, Fault, &'static str)> {
    use Fault::{NotFound, Permanent, Refused, TooLong, Unauthorized};
    vec![
        ("aimock-429fixture.http", WAIT(1), "HTTP 429: Rate limit reached for gpt-4o-mini"),
        ("aimock-badjson.http", Refused, "HTTP 400: Malformed JSON"),
        ("aimock-badkey.http", Unauthorized, "HTTP 401: Invalid API key"),
        ("aimock-chaos429.http", WAIT(1), "HTTP 429: Chaos: rate limit exceeded"),
        ("aimock-nokey.http", Unauthorized, "HTTP 401: Invalid API key"),
        ("aimock-nomatch.http", NotFound, "HTTP 404: No fixture matched"),
        ("aimock-strict-nomatch.http", Refused, "HTTP 503: Strict mode: no fixture matched"),
        ("infinity-badjson.http", Refused, "HTTP 422: body.17: JSON decode error"),
        ("infinity-chat404.http", NotFound, "HTTP 404: Not Found"),
        ("infinity-empty-input.http", Refused, "List should have at least 1 item"),
        ("infinity-tokens-input.http", Refused, "Input should be a valid string"),
        ("lcp-404.http", NotFound, "HTTP 404: Not Found"),
        ("lcp-badjson.http", TRANSIENT, "HTTP 500: Internal Server Error"),
        ("lcp-badkey.http", Unauthorized, "HTTP 401: Invalid API key"),
        ("lcp-chat-on-embmodel.http", Permanent, "HTTP 500: Memory is not initialized"),
        ("lcp-ctx.http", TooLong, "maximum context length is 4096 tokens"),
        ("lcp-emb-empty.http", TRANSIENT, "HTTP 500: llama_decode returned -1"),
        ("lcp-emb-on-chatmodel.http", Permanent, "must be created with embedding=True"),
        ("lcp-nokey.http", Unauthorized, "HTTP 401: Invalid API key"),
        ("litellm-badjson.http", Refused, "HTTP 400: Invalid JSON payload"),
        ("litellm-badkey.http", Unauthorized, "HTTP 400: No connected db."),
        ("litellm-badmodel.http", NotFound, "Invalid model name passed in model=nope"),
        ("litellm-chat-badmodel.http", NotFound, "Invalid model name passed in model=nope"),
        ("litellm-dead-backend-stream.http", TRANSIENT, "OpenAIException - Connection error"),
        ("litellm-dead-backend.http", TRANSIENT, "OpenAIException - Connection error"),
        ("litellm-empty-input.http", Refused, "List should have at least 1 item"),
        ("litellm-mock-429-stream.http", TRANSIENT, "this is a mock rate limit error"),
        ("litellm-mock-429.http", TRANSIENT, "this is a mock rate limit error"),
        ("litellm-mock-500-stream.http", TRANSIENT, "this is a mock internal server error"),
        ("litellm-mock-500.http", TRANSIENT, "this is a mock internal server error"),
        ("litellm-mock-ctx-stream.http", TooLong, "this is a mock context window exceeded"),
        ("litellm-mock-ctx.http", TooLong, "this is a mock context window exceeded"),
        ("litellm-nokey.http", TRANSIENT, "HTTP 500: Internal Server Error"),
        ("litellm-nokey2.http", TRANSIENT, "HTTP 500: Internal Server Error"),
        ("litellm-prisma-badkey.http", Unauthorized, "HTTP 400: No connected db."),
        ("litellm-prisma-nokey.http", Unauthorized, "No api key passed in"),
        ("litellm-rpm1-b.http", TRANSIENT, "RPM limit=1, current usage=2"),
        ("litellm-rpm1-c-stream.http", TRANSIENT, "RPM limit=1, current usage=3"),
        ("litellm-up-429-full.http", WAIT(1), "Rate limit reached for gpt-4o-mini"),
        ("litellm-up-429.http", WAIT(1), "Rate limit reached for gpt-4o-mini"),
        ("litellm-up-badkey.http", Unauthorized, "OpenAIException - Invalid API Key"),
        ("litellm-up-ctx-stream.http", TooLong, "exceeds the available context size"),
        ("ls-404.http", NotFound, "HTTP 404: File Not Found"),
        ("ls-badjson.http", Permanent, "HTTP 500: [json.exception.parse_error.101]"),
        ("ls-badkey.http", Unauthorized, "HTTP 401: Invalid API Key"),
        ("ls-badrole.http", Refused, "must contain 'content'"),
        ("ls-chat-on-emb.http", Permanent, "does not support logits computation"),
        ("ls-ctx-stream.http", TooLong, "exceeds the available context size (4096 tokens)"),
        ("ls-ctx.http", TooLong, "exceeds the available context size (4096 tokens)"),
        ("ls-emb-badjson.http", Permanent, "parse error at line 1"),
        ("ls-emb-empty.http", Refused, "\"input\" must not be empty"),
        ("ls-emb-longinput.http", TooLong, "input (5002 tokens) is too large to process"),
        ("ls-emb-noinput.http", Refused, "must be provided"),
        ("ls-emb-on-chat.http", Permanent, "Start it with `--embeddings`"),
        ("ls-missing-messages.http", Refused, "'messages' is required"),
        ("ls-nokey.http", Unauthorized, "HTTP 401: Invalid API Key"),
    ]
}

/// Captured responses that are successes, or are broken below HTTP: the tests of `embed::openai` and
/// `chat::openai` read them.
const OTHERS: &[&str] = &[
    "aimock-cut.http",
    "aimock-disconnect.http",
    "aimock-emb.http",
    "aimock-hangup.http",
    "aimock-malformed.http",
    "aimock-stream.http",
    "infinity-badmodel.http",
    "infinity-dimensions.http",
    "infinity-empty-string.http",
    "infinity-longinput.http",
    "lcp-badmodel-chat-stream.http",
    "lcp-badmodel-chat.http",
    "lcp-ctx-stream.http",
    "lcp-emb-b64.http",
    "lcp-emb-emptystr.http",
    "lcp-emb-longinput.http",
    "lcp-goodkey.http",
    "lcp-missing-messages.http",
    "lcp-sigkill.body",
    "litellm-chat-stream.http",
    "litellm-emb-base64.http",
    "litellm-emb-ok.http",
    "litellm-mock-ok.http",
    "litellm-mock-stream.http",
    "litellm-models.http",
    "litellm-rpm1-a.http",
    "ls-badmodel.http",
    "ls-emb-b64.http",
    "ls-emb-dims.http",
    "ls-emb-emptystr.http",
    "ls-emb-mixed.http",
];

#[tokio::test]
async fn captured_refusals_keep_their_meaning_on_both_paths() {
    for (name, fault, message) in refusals() {
        for error in [embeddings(capture(name)).await.err(), chat(capture(name)).await.err()] {
            let error = error.unwrap_or_else(|| panic!("{name} is not a success"));
            assert_eq!(error.fault, fault, "{name}: {error}");
            assert!(error.message.contains(message), "{name}: {error}");
        }
    }
}

#[test]
fn every_capture_is_in_a_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/endpoints");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut known: Vec<&str> = refusals().iter().map(|(name, ..)| *name).collect();
    known.extend(OTHERS);
    known.sort_unstable();
    assert_eq!(names, known);
}

#[tokio::test]
async fn answers_that_were_not_captured() {
    let page = "<!DOCTYPE html><html><title>Welcome</title></html>";
    let html = [("content-type", "text/html; charset=utf-8")];
    let json = [("content-type", "application/json")];
    let too_large = r#"{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 41000.","type":"tokens","code":"rate_limit_exceeded"}}"#;
    let quota = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let table = [
        (response("200 OK", &html, page), Fault::Permanent, "is this the API's base URL"),
        (response("404 Not Found", &html, page), Fault::NotFound, "is this the API's base URL"),
        (response("502 Bad Gateway", &html, page), TRANSIENT, "HTTP 502: answered with a web page"),
        (
            response("301 Moved", &[("location", "https://else.example/v1?t=1")], ""),
            Fault::Permanent,
            "HTTP 301: redirects to https://else.example/v1: is this",
        ),
        (response("403 Forbidden", &json, "{}"), Fault::Unauthorized, "HTTP 403: {}"),
        (response("413 Too Large", &[], ""), Fault::TooLong, "HTTP 413 with an empty body"),
        (response("429 Too Many", &json, quota), Fault::Permanent, "exceeded your current quota"),
        (response("429 Too Many", &json, too_large), Fault::TooLong, "Request too large"),
        (response("503 No", &[("retry-after", "9")], "loading"), WAIT(9), "HTTP 503: loading"),
        (
            response("200 OK", &json, r#"{"error":{"message":"overloaded","code":529}}"#),
            TRANSIENT,
            "overloaded",
        ),
        (
            response(
                "400 Bad",
                &json,
                r#"[{"error":{"code":400,"message":"API key not valid."}}]"#,
            ),
            Fault::Unauthorized,
            "HTTP 400: API key not valid.",
        ),
        (
            response(
                "400 Bad",
                &json,
                r#"{"error":"the input length exceeds the context length"}"#,
            ),
            Fault::TooLong,
            "the input length exceeds",
        ),
    ];
    for (bytes, fault, message) in table {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        for error in [embeddings(bytes.clone()).await.err(), chat(bytes).await.err()] {
            let error = error.unwrap_or_else(|| panic!("{shown} is not a success"));
            assert_eq!(error.fault, fault, "{shown}: {error}");
            assert!(error.message.contains(message), "{shown}: {error}");
        }
    }
}

#[tokio::test]
async fn errors_in_mid_stream_are_sorted() {
    let table = [
        (
            r#"{"error":{"message":"litellm.MidStreamFallbackError: upstream died","type":null,"param":null,"code":"503"}}"#,
            TRANSIENT,
            "upstream died",
        ),
        (
            r#"{"error":{"code":400,"message":"context size exceeded","type":"exceed_context_size_error"}}"#,
            Fault::TooLong,
            "context size exceeded",
        ),
        (r#"{"object":"error","message":"no","type":"BadRequestError"}"#, Fault::Refused, "no"),
        (r#"{"error":"something else"}"#, TRANSIENT, "something else"),
    ];
    for (event, fault, message) in table {
        let good = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
        let error = chat(event_stream(&[good, event])).await.unwrap_err();
        assert_eq!((error.fault, error.message.contains(message)), (fault, true), "{error}");
    }
    let error = chat(event_stream(&["not json"])).await.unwrap_err();
    assert!(error.message.starts_with("answered with unexpected JSON"), "{error}");
}

#[tokio::test]
async fn transport_errors_say_what_happened() {
    let server = ScriptedServer::start();
    let ask = async |client: &OpenAiClient| ask::<Value>(client, PATIENCE).await.unwrap_err();
    let table = [
        (Script::Reset, "the connection"),
        (Script::Answer(Vec::new()), "the connection broke"),
        (Script::CutAfterBytes(20), "the connection broke"),
        (Script::CutAfter(0), "the answer was cut"),
    ];
    for (fault, message) in table {
        server.push(fault.clone());
        let error = ask(&client(&server)).await;
        assert_eq!(error.fault, TRANSIENT, "{fault:?}: {error}");
        assert!(error.message.contains(message), "{fault:?}: {error}");
    }
    server.push(Script::Stall);
    let slow = super::tests::ask::<Value>(&client(&server), Duration::from_millis(50)).await;
    assert_eq!(slow.unwrap_err().message, "no answer in 0.05 s");

    let plain = server.base_url().replace("http:", "https:");
    let error =
        ask(&OpenAiClient::new(ExternalService::Chat, &plain, None, backoff()).unwrap()).await;
    assert_eq!(error.fault, Fault::Permanent, "{error}");

    let gone = client(&server);
    drop(server);
    let error = ask(&gone).await;
    assert_eq!(error.message, "cannot connect (connection refused)");
    assert_eq!(error.fault, TRANSIENT);
}

#[tokio::test]
async fn an_answer_that_trickles_ends_in_time() {
    let limit = Duration::from_millis(300);
    for fault in [Script::TrickleHead, Script::TrickleAfter(0, b" ")] {
        let server = ScriptedServer::start();
        let client = client(&server);
        server.keep(fault.clone());
        let permit = client.admit(0).await.unwrap();
        let body = json!({});
        let (embeds, posts, lists) = (
            ask::<Value>(&client, limit),
            client.post("/rerank", &body, &permit, limit),
            client.models(limit),
        );
        let all = async { (embeds.await.err(), posts.await.err(), lists.await.err()) };
        let (embeds, posts, lists) = tokio::time::timeout(PATIENCE, Box::pin(all)).await.unwrap();
        for error in [embeds, posts, lists] {
            assert_eq!(error.unwrap().message, "no answer in 0.3 s", "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let said = "the answer has more than 1 MB, which no model writes";
    let limited = |server: &ScriptedServer| {
        let mut client = client(server);
        Arc::get_mut(&mut client.origin).unwrap().largest = 1 << 20;
        client
    };
    for flood in [&[b' '; 4096][..], &[b'1'; 4096]] {
        let server = ScriptedServer::start();
        server.push(Script::Flood("application/json", flood));
        let error = ask::<Rows>(&limited(&server), PATIENCE).await.err().unwrap();
        assert_eq!(error.fault, Fault::Permanent, "{error}");
        assert!(error.message.starts_with(said), "{error}");
    }
    let server = ScriptedServer::start();
    server.push(Script::Flood("application/json", &[b' '; 4096]));
    let client = limited(&server);
    let permit = client.admit(0).await.unwrap();
    let posted = client.post("/rerank", &json!({}), &permit, PATIENCE).await;
    assert_eq!(posted.unwrap_err().fault, Fault::Permanent);
    // Events without meaning, events with a token, and one that does not end.
    let token: &[u8] = b"data: {\"choices\": [{\"delta\": {\"content\": \"x\"}}]}\n\n";
    for flood in [&b": ping\n\n"[..], token, &[b'x'; 4096], &[b' '; 4096]] {
        let server = ScriptedServer::start();
        server.push(Script::Flood("text/event-stream", flood));
        let client = limited(&server);
        let permit = client.admit(0).await.unwrap();
        let events = client.chat_events(&json!({"stream": true}), &permit).await.unwrap();
        let error = events.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.fault, Fault::Permanent, "{error}");
        assert!(error.message.contains(said), "{error}");
    }
}

#[tokio::test]
async fn models_are_listed_whatever_the_shape() {
    let list = |body: &str| {
        let server = ScriptedServer::start();
        server.push(Script::Answer(response("200 OK", &[], body)));
        async move { models(ExternalService::Chat, &server.base_url(), None, None, PATIENCE).await }
    };
    assert_eq!(list(r#"{"data":[{"id":"a"},{"id":"b"}]}"#).await.unwrap(), ["a", "b"]);
    assert_eq!(list(r#"{"models":[{"name":"a"}]}"#).await.unwrap(), ["a"]);
    assert_eq!(list(r#"["a"]"#).await.unwrap(), ["a"]);
    assert!(list(r#"{"object":"list","data":null}"#).await.unwrap().is_empty());
    assert_eq!(list("<html>").await.unwrap_err().fault, Fault::Permanent);

    let server = ScriptedServer::start();
    server.push(Script::Answer(capture("litellm-models.http")));
    assert_eq!(client(&server).models(PATIENCE).await.unwrap().len(), 8);
    assert_eq!(client(&server).models(PATIENCE).await.unwrap().len(), 2);
}

#[tokio::test]
async fn keys_are_sent_and_never_shown() {
    let server = ScriptedServer::start();
    let echo = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}"}}}}"#);
    server.push(Script::Answer(response("401 No", &[], &echo)));
    let error = client(&server).models(PATIENCE).await.unwrap_err();
    assert_eq!(error.message, "HTTP 401: Incorrect API key provided: ***");
    assert!(!format!("{error:?} {error}").contains(KEY));
    assert!(server.requests()[0].has_key(KEY));

    let table = [
        ("http://me:hunter22@", "", Some("Basic bWU6aHVudGVyMjI=".to_owned())),
        ("http://me:hunter22@", " sk-1234\n", Some("Bearer sk-1234".to_owned())),
        ("http://", "", None),
    ];
    for (start, key, expected) in table {
        let url = server.base_url().replace("http://", start) + "/?token=hunter23";
        let client = OpenAiClient::new(ExternalService::Chat, &url, Some(key), backoff()).unwrap();
        assert_eq!(client.endpoint(), server.base_url());
        client.models(PATIENCE).await.unwrap();
        let request = server.requests().pop().unwrap();
        assert_eq!(request.path, "/v1/models?token=hunter23");
        assert_eq!(request.header("authorization"), expected.as_deref());
    }
}

#[test]
fn urls_and_keys_that_cannot_work() {
    let new = |url, key| {
        OpenAiClient::new(ExternalService::Chat, url, Some(key), backoff()).map(|_| ()).unwrap_err()
    };
    for url in ["", "localhost:8080/v1", "file:///v1", "http://"] {
        let error = new(url, "k");
        assert_eq!(error.fault, Fault::Permanent, "{url}");
        assert!(error.message.contains("must start with http"), "{url}: {error}");
    }
    let error = new("http://localhost/v1", "sk-one\nsk-two");
    assert_eq!(error.fault, Fault::Unauthorized);
    assert!(!format!("{error:?}").contains("sk-one"));
}
