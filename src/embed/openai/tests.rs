#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::cancel::{self, Stop};
use crate::testing::openai::{
    self as scripted, DIMENSIONS, Fault as Script, ScriptedServer, capture, response,
};

fn options(server: &ScriptedServer) -> OpenAiOptions {
    OpenAiOptions {
        base_url: server.base_url(),
        api_key: Some("sk-test-7f3a9c".to_owned()),
        key_header: None,
        model: "scripted-embedding".to_owned(),
        dimensions: None,
        known_dimensions: Some(DIMENSIONS),
        known_revision: None,
        document_prefix: String::new(),
        query_prefix: String::new(),
        batch_items: 3,
        batch_tokens: 10_000,
        input_tokens: 512,
        concurrency: 2,
        timeout: Duration::from_secs(20),
        retry: RetryPolicy {
            attempts: 3,
            within: None,
            base: Duration::from_millis(1),
            max: Duration::from_millis(2),
        },
        quota: Quota::default(),
        cancel: cancel::pair().1,
    }
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("text number {n}")).collect()
}

/// Requests one vector; the server answers with `bytes`. The dimension is not known before.
async fn captured(bytes: Vec<u8>) -> Result<OpenAiEmbedder, BackendError> {
    let server = ScriptedServer::start();
    server.push(Script::Answer(bytes));
    connect(OpenAiOptions { known_dimensions: None, ..options(&server) }).await
}

#[tokio::test]
async fn vectors_come_back_in_order_and_of_unit_length() {
    for floats in [false, true] {
        let server = ScriptedServer::start();
        if floats {
            server.always_floats();
        }
        let embedder = connect(options(&server)).await.unwrap();
        let mut inputs = texts(8);
        inputs.insert(4, "  \n".to_owned());
        let vectors = embedder.embed(&inputs, TextRole::Document).await.unwrap();
        for (input, vector) in inputs.iter().zip(&vectors) {
            let expected = scripted::embed(input, DIMENSIONS);
            match vector {
                None => assert_eq!(input, "  \n"),
                Some(vector) => {
                    let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
                    assert!(vector.iter().zip(&expected).all(near), "{input}");
                }
            }
        }
        let sizes: Vec<usize> = server.requests().iter().map(|r| r.inputs().len()).collect();
        assert_eq!(sizes, [8], "no blank text is sent");
        assert_eq!(embedder.id().revision, "scripted-embedding");
    }
}

#[tokio::test]
async fn probe_learns_dimension_and_model() {
    let server = ScriptedServer::start();
    server.answer_as("scripted-embedding@2");
    let unknown = OpenAiOptions { known_dimensions: None, ..options(&server) };
    let embedder = connect(unknown.clone()).await.unwrap();
    assert_eq!(
        (embedder.id().dimensions, embedder.id().revision.as_str()),
        (DIMENSIONS, "scripted-embedding@2")
    );
    let smaller = connect(OpenAiOptions { dimensions: Some(16), ..unknown }).await.unwrap();
    assert_eq!(smaller.id().dimensions, 16);
    assert_eq!(server.requests()[1].body["dimensions"], 16);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn prefixes_follow_the_role() {
    let server = ScriptedServer::start();
    let mut options = options(&server);
    options.document_prefix = "passage: ".to_owned();
    options.query_prefix = "query: ".to_owned();
    let embedder = connect(options).await.unwrap();
    let input = ["why".to_owned()];
    embedder.embed(&input, TextRole::Document).await.unwrap();
    embedder.embed(&input, TextRole::Query).await.unwrap();
    let sent: Vec<_> = server.requests().iter().flat_map(scripted::Request::inputs).collect();
    assert_eq!(sent, ["passage: why", "query: why"]);
}

#[tokio::test]
async fn retries_are_counted() {
    let table = [
        ("litellm-mock-429.http", 2, None),
        ("lcp-badjson.http", 2, None),
        ("ls-badkey.http", 1, Some(Fault::Unauthorized)),
        ("lcp-404.http", 1, Some(Fault::NotFound)),
        ("ls-emb-longinput.http", 1, Some(Fault::TooLong)),
        ("ls-emb-on-chat.http", 1, Some(Fault::Permanent)),
    ];
    for (name, requests, fault) in table {
        let server = ScriptedServer::start();
        server.push(Script::Answer(capture(name)));
        let embedder = connect(options(&server)).await.unwrap();
        let outcome = embedder.embed(&texts(1), TextRole::Query).await;
        assert_eq!(outcome.err().map(|e| e.fault), fault, "{name}");
        assert_eq!(server.requests().len(), requests, "{name}");
    }
}

#[tokio::test]
async fn tries_are_limited_and_reported() {
    let server = ScriptedServer::start();
    for _ in 0..3 {
        server.push(Script::Reset);
    }
    let embedder = connect(options(&server)).await.unwrap();
    let error = embedder.embed(&texts(1), TextRole::Query).await.unwrap_err();
    assert!(error.message.starts_with("after 3 tries: the connection"), "{error}");
    assert!(error.to_string().starts_with("embedding endpoint http://127.0.0.1:"), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_server_that_refuses_base64_is_asked_for_floats_from_then_on() {
    let server = ScriptedServer::start();
    let body = r#"{"error":{"message":"encoding_format: base64 is unknown"}}"#;
    server.push(Script::Answer(response("400 Bad Request", &[], body)));
    let embedder = connect(options(&server)).await.unwrap();
    embedder.embed(&texts(1), TextRole::Query).await.unwrap();
    embedder.embed(&texts(1), TextRole::Query).await.unwrap();
    let asked: Vec<String> =
        server.requests().iter().map(|r| r.body["encoding_format"].to_string()).collect();
    assert_eq!(asked, ["\"base64\"", "\"float\"", "\"float\""]);
}

#[tokio::test]
async fn captured_vectors_are_read() {
    let table = [
        ("infinity-badmodel.http", 384),
        ("infinity-dimensions.http", 64),
        ("infinity-empty-string.http", 384),
        ("infinity-longinput.http", 384),
        ("lcp-emb-b64.http", 384),
        ("lcp-emb-emptystr.http", 384),
        ("lcp-emb-longinput.http", 384),
        ("litellm-emb-base64.http", 384),
        ("ls-emb-b64.http", 384),
        ("ls-emb-dims.http", 384),
        ("ls-emb-emptystr.http", 384),
    ];
    for (name, dimensions) in table {
        let embedder = captured(capture(name)).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(embedder.id().dimensions, dimensions, "{name}");
        assert!(!embedder.id().revision.is_empty(), "{name}");
    }
    for name in ["aimock-emb.http", "litellm-emb-ok.http", "ls-emb-mixed.http"] {
        let error = captured(capture(name)).await.map(|_| ()).unwrap_err();
        assert_eq!(error.message, "2 vectors came for 1 text", "{name}");
    }
}

#[tokio::test]
async fn base64_and_floats_of_the_same_text_agree() {
    let mut both = Vec::new();
    for name in ["ls-emb-b64.http", "litellm-emb-base64.http", "infinity-badmodel.http"] {
        let server = ScriptedServer::start();
        server.push(Script::Answer(capture(name)));
        let known = Some(384);
        let embedder = connect(OpenAiOptions {
            known_dimensions: known,
            model: String::new(),
            ..options(&server)
        });
        let mut embedder = embedder.await.unwrap();
        embedder.id.revision.clear();
        let vectors = embedder.embed(&texts(1), TextRole::Query).await.unwrap();
        let vector = vectors[0].clone().unwrap();
        let norm: f32 = vector.iter().map(|v| v * v).sum();
        assert!((norm - 1.0).abs() < 1e-5, "{name}: {norm}");
        both.push(vector);
    }
    for other in &both[1..] {
        let cosine: f32 = both[0].iter().zip(other).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.999, "the captures embed the same text: {cosine}");
    }
}

#[tokio::test]
async fn wrong_answers_are_refused_with_the_reason() {
    let known = |body: &str, dimensions, revision: &str| {
        let server = ScriptedServer::start();
        server.push(Script::Answer(response("200 OK", &[], body)));
        let options = OpenAiOptions {
            known_dimensions: Some(dimensions),
            known_revision: Some(revision.to_owned()),
            ..options(&server)
        };
        async move {
            let embedder = connect(options).await.unwrap();
            let outcome = embedder.embed(&texts(1), TextRole::Query).await;
            assert_eq!(server.requests().len(), 1);
            outcome.unwrap_err()
        }
    };
    let table = [
        (
            r#"{"data":[{"embedding":[1,0]}],"model":"a"}"#,
            Fault::Changed,
            "a vector has 2 dimensions where 3 were expected",
        ),
        (r#"{"data":[{"embedding":[]}],"model":"a"}"#, Fault::Refused, "a vector is empty"),
        (
            r#"{"data":[{"embedding":[1,null,0]}],"model":"a"}"#,
            Fault::Refused,
            "a vector has values that are not numbers",
        ),
        (
            r#"{"data":[{"embedding":[1,1e60,0]}],"model":"a"}"#,
            Fault::Refused,
            "a vector has values that are not numbers",
        ),
        (r#"{"data":[],"model":"a"}"#, Fault::Refused, "0 vectors came for 1 text"),
        (
            r#"{"data":[{"embedding":[1,0,0]}],"model":"b"}"#,
            Fault::Changed,
            "the model that answered is b, not a as before: vectors of two models cannot be mixed",
        ),
    ];
    for (body, fault, message) in table {
        let error = known(body, 3, "a").await;
        assert_eq!((error.fault, error.message.as_str()), (fault, message), "{body}");
    }
    let error = known(r#"{"vectors":[]}"#, 3, "a").await;
    assert!(error.message.contains("missing field `data`"), "{error}");
}

#[tokio::test]
async fn broken_json_is_requested_again() {
    let server = ScriptedServer::start();
    server.push(Script::Answer(capture("aimock-malformed.http")));
    let embedder = connect(options(&server)).await.unwrap();
    embedder.embed(&texts(1), TextRole::Query).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn concurrent_requests_are_limited() {
    let server = ScriptedServer::start();
    for _ in 0..8 {
        server.push(Script::Stall);
    }
    let embedder = connect(options(&server)).await.unwrap();
    let inputs = texts(3);
    let calls = (0..8).map(|_| embedder.embed(&inputs, TextRole::Document));
    let all = futures::future::try_join_all(calls);
    let control = tokio::task::spawn_blocking(move || {
        for pair in 1..=4 {
            server.wait_for_requests(2 * pair);
            server.release();
        }
        server
    });
    let (vectors, server) = futures::future::join(all, control).await;
    assert_eq!(vectors.unwrap().len(), 8);
    assert_eq!(server.unwrap().most_stalled(), 2);
}

#[tokio::test]
async fn tokens_are_counted_as_billed() {
    let server = ScriptedServer::start();
    server.push(Script::Reset);
    let body = r#"{"data":[{"embedding":[1]}],"usage":null}"#;
    let embedder = connect(options(&server)).await.unwrap();
    embedder.embed(&texts(4), TextRole::Document).await.unwrap();
    assert_eq!(embedder.tokens_embedded(), 12, "the server bills words");

    let silent = ScriptedServer::start();
    silent.push(Script::Answer(response("200 OK", &[], body)));
    let options = OpenAiOptions { known_dimensions: Some(1), ..options(&silent) };
    let embedder = connect(options).await.unwrap();
    embedder.embed(&texts(1), TextRole::Document).await.unwrap();
    assert_eq!(embedder.tokens_embedded(), embedder.count_tokens(&texts(1)[0]) as u64);
}

#[tokio::test]
async fn no_request_exceeds_the_tokens_per_minute() {
    let server = ScriptedServer::start();
    let quota = Quota { tokens_per_minute: Some(20), ..Quota::default() };
    let embedder = connect(OpenAiOptions { quota, ..options(&server) }).await.unwrap();
    assert_eq!(embedder.limits().batch_tokens, 20);
}

#[tokio::test]
async fn an_announced_limit_is_respected() {
    let none_left = |remaining: &'static str, reset: &'static str| {
        Script::With(vec![(remaining, "0"), (reset, "20m0s")])
    };
    for fault in [
        none_left("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        none_left("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        none_left("llm_provider-x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        Script::With(vec![("ratelimit", "limit=5, remaining=0, reset=1200")]),
    ] {
        let server = ScriptedServer::start();
        server.push(fault.clone());
        let embedder = connect(options(&server)).await.unwrap();
        embedder.embed(&texts(1), TextRole::Query).await.unwrap();
        let error = embedder.embed(&texts(1), TextRole::Query).await.unwrap_err();
        let message =
            "it asks for a wait of 20 minutes: not sent, the endpoint's rate limit is used up";
        assert_eq!(error.message, message, "{fault:?}");
        assert_eq!(server.requests().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_requested_pause_applies_to_all_requests() {
    let server = ScriptedServer::start();
    server.push(Script::Answer(response("429 Slow Down", &[("retry-after", "1200")], "")));
    let embedder = connect(options(&server)).await.unwrap();
    for _ in 0..2 {
        let error = embedder.embed(&texts(1), TextRole::Query).await.unwrap_err();
        assert!(error.message.starts_with("it asks for a wait of 20 minutes"), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_stop_ends_waiting_requests_and_finishes_those_in_progress() {
    let server = ScriptedServer::start();
    server.push(Script::Stall);
    server.push(Script::Answer(response("429 Slow Down", &[("retry-after", "100")], "")));
    let (stop, cancel) = cancel::pair();
    let options = OpenAiOptions { cancel, ..options(&server) };
    let embedder = connect(options).await.unwrap();
    let (one, two) = (texts(1), texts(2));
    let calls = futures::future::join(
        embedder.embed(&one, TextRole::Document),
        embedder.embed(&two, TextRole::Document),
    );
    let control = tokio::task::spawn_blocking(move || {
        server.wait_for_requests(2);
        stop.cancel(Stop::Interrupt);
        server.release();
        server
    });
    let ((first, second), server) = futures::future::join(calls, control).await;
    let mut outcomes = [first.map(|_| ()), second.map(|_| ())];
    outcomes.sort_by_key(Result::is_err);
    assert_eq!(outcomes[0], Ok(()));
    assert_eq!(outcomes[1].clone().unwrap_err().fault, Fault::Stopped);
    assert_eq!(server.unwrap().requests().len(), 2);
}

#[test]
fn zero_vectors_have_no_direction() {
    assert_eq!(to_unit_length(vec![0.0, 0.0]), None);
    assert_eq!(to_unit_length(vec![3.0, -4.0]), Some(vec![0.6, -0.8]));
    assert_eq!(to_unit_length(vec![1e-30, 0.0]), Some(vec![1.0, 0.0]));
}
