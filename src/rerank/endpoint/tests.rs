#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::openai::{self as scripted, Dialect, ScriptedServer, response};

fn reranker(url: &str) -> EndpointReranker {
    connect(EndpointOptions {
        url: url.to_owned(),
        api_key: Some("key-0123456789".to_owned()),
        model: Some("some-reranker".to_owned()),
        timeout: Duration::from_secs(10),
        retry: RetryPolicy {
            attempts: 3,
            within: None,
            base: Duration::from_millis(1),
            max: Duration::from_millis(2),
        },
    })
    .unwrap()
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("passage {n} of ferries")).collect()
}

fn json(body: &str) -> scripted::Fault {
    scripted::Fault::Answer(response("200 OK", &[("content-type", "application/json")], body))
}

#[tokio::test]
async fn asks_as_jina_does_and_puts_scores_in_order() {
    let server = ScriptedServer::start();
    server.rerank(Dialect::Jina, "passage 2");
    let scores = reranker(&server.base_url()).score("ferries?", &texts(4)).await.unwrap();
    assert_eq!(scores, [0.1, 0.099, 0.9, 0.097]);
    let request = server.requests().remove(0);
    assert_eq!(request.path, "/v1/rerank");
    assert!(request.has_key("key-0123456789"));
    assert_eq!(request.body["model"], "some-reranker");
    assert_eq!(request.body["query"], "ferries?");
    assert_eq!(request.body["top_n"], 4);
    assert_eq!(request.body["documents"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_server_that_wants_texts_gets_texts_as_many_as_it_takes() {
    let server = ScriptedServer::start();
    server.rerank(Dialect::Tei(4), "passage 9");
    let reranker = reranker(&server.base_url());
    let scores = reranker.score("ferries?", &texts(10)).await.unwrap();
    assert_eq!(scores.len(), 10);
    assert!((scores[9] - 0.9).abs() < 1e-6);
    // `documents`, ten texts, five, then three at a time.
    assert_eq!(server.requests().len(), 3 + 4);
    reranker.score("ferries?", &texts(3)).await.unwrap();
    assert_eq!(server.requests().len(), 8, "it remembers `texts`");
}

/// The message of infinity 0.0.78, word for word except for the passages.
#[tokio::test]
async fn a_refused_number_of_passages_is_halved_whatever_the_message() {
    let server = ScriptedServer::start();
    server.rerank(Dialect::Jina, "passage 1");
    let limit = r#"{"detail":[{"type":"too_long","loc":["body","documents"],"msg":"List should have at most 2048 items after validation, not 2100"}]}"#;
    let refused =
        || response("422 Unprocessable Entity", &[("content-type", "application/json")], limit);
    server.push(scripted::Fault::Answer(refused()));
    let scores = reranker(&server.base_url()).score("?", &texts(5)).await.unwrap();
    assert!((scores[1] - 0.9).abs() < 1e-6, "{scores:?}");
    let asked = |request: &scripted::Request| request.body["documents"].as_array().map(Vec::len);
    let asked: Vec<_> = server.requests().iter().map(asked).collect();
    assert_eq!(asked, [Some(5), Some(3), Some(2)]);
    // A single passage that is refused is the cause.
    server.keep(scripted::Fault::Answer(refused()));
    let error = reranker(&server.base_url()).score("?", &texts(2)).await.unwrap_err();
    assert!(error.message.contains("at most 2048"), "{error}");
    server.recover();
}

/// The message of infinity 0.0.78 with several models.
#[tokio::test]
async fn an_unknown_model_is_distinguished_from_a_limit() {
    let server = ScriptedServer::start();
    let unknown = r#"{"error":{"message":"Invalid model: Engine for model name `texts-ranker` not found. Available model names are ['tiny-ce', 'minilm']","type":null,"param":null,"code":400}}"#;
    let refused = response("400 Bad Request", &[("content-type", "application/json")], unknown);
    server.push(scripted::Fault::Answer(refused));
    let error = reranker(&server.base_url()).score("?", &texts(5)).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotFound, "{error}");
    assert!(error.endpoint.ends_with("/v1/rerank"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn passages_are_sent_as_texts_if_the_server_asks_for_them() {
    for (message, asked) in [
        ("Failed to deserialize: missing field `texts` at line 1", 2),
        ("body.texts: Field required", 2),
        ("`texts-ranker` takes no passage of that kind", 1),
    ] {
        let server = ScriptedServer::start();
        let body = format!(r#"{{"error": {{"message": "{message}"}}}}"#);
        let json = &[("content-type", "application/json")];
        server.keep(scripted::Fault::Answer(response("422 Unprocessable Entity", json, &body)));
        assert!(reranker(&server.base_url()).score("?", &texts(1)).await.is_err());
        assert_eq!(server.requests().len(), asked, "{message}");
        server.recover();
    }
}

#[tokio::test]
async fn the_url_may_be_that_of_the_endpoint_itself() {
    let server = ScriptedServer::start();
    server.rerank(Dialect::Jina, "ferries");
    let base = server.base_url();
    for url in ["", "/", "/rerank", "/rerank/", "/rerank?version=1", "?version=1"] {
        let reranker = reranker(&format!("{base}{url}"));
        reranker.score("?", &texts(1)).await.unwrap();
        assert_eq!(reranker.id().endpoint, Some(format!("{base}/rerank")), "{url}");
        let requests = server.requests();
        let path = &requests.last().unwrap().path;
        assert_eq!(path.split('?').next(), Some("/v1/rerank"), "{url}");
        assert_eq!(path.contains("?version=1"), url.contains('?'), "{path}");
    }
}

#[tokio::test]
async fn temporary_failures_are_retried() {
    let server = ScriptedServer::start();
    let busy = response("429 Too Many Requests", &[("retry-after", "0")], "{}");
    server.push(scripted::Fault::Answer(busy));
    server.push(scripted::Fault::Reset);
    assert!(reranker(&server.base_url()).score("?", &texts(2)).await.is_ok());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn unusable_answers_are_errors() {
    for (body, expected) in [
        ("[]", "0 of 2 passages have a score"),
        (r#"{"results": [{"index": 0, "relevance_score": 1}]}"#, "1 of 2 passages"),
        (r#"{"results": [{"index": 0}, {"index": 1}]}"#, "result 0 has no score"),
        (r#"[{"index": 0, "score": null}, {"index": 1, "score": 1}]"#, "result 0 has no score"),
        (r#"[{"index": 2, "score": 1}]"#, "has the index 2, but only 2 passages"),
        (r#"[{"index": 1, "score": 1}, {"index": 1, "score": 2}]"#, "two results are about"),
        (r#"[{"score": 1}]"#, "a result has no index"),
        (r#"{"scores": [1, 2]}"#, "without a list of results"),
        ("<!doctype html><p>Welcome", "web page"),
        (r#"{"error": {"message": "no such model", "code": 404}}"#, "no such model"),
    ] {
        let server = ScriptedServer::start();
        server.keep(json(body));
        let error = reranker(&server.base_url()).score("?", &texts(2)).await.unwrap_err();
        assert!(error.message.contains(expected), "{body}: {error}");
        assert_eq!(
            (error.service, server.requests().len()),
            (ExternalService::Reranker, 1),
            "{body}"
        );
    }
}

#[tokio::test]
async fn failures_are_classified_and_keys_are_not_shown() {
    for (status, fault) in [
        ("401 Unauthorized", Fault::Unauthorized),
        ("404 Not Found", Fault::NotFound),
        ("400 Bad Request", Fault::Refused),
        ("500 Internal Server Error", Fault::Transient { retry_after: None }),
    ] {
        let server = ScriptedServer::start();
        let echo = r#"{"error": {"message": "you sent key-0123456789"}}"#;
        server.keep(scripted::Fault::Answer(response(status, &[], echo)));
        let error = reranker(&server.base_url()).score("?", &texts(2)).await.unwrap_err();
        assert_eq!(error.fault, fault, "{status}");
        assert!(error.message.contains(status.split(' ').next().unwrap()), "{error}");
        assert!(!error.to_string().contains("0123456789"), "{error}");
    }
}
