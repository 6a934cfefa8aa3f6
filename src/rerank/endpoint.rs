//! Reranking by an HTTP `/rerank` endpoint: Jina, Cohere, llama.cpp, vLLM, infinity, and
//! text-embeddings-inference, which calls the passages `texts` and answers with a bare list.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Reranker, RerankerKind};
use crate::error::{BackendError, ExternalService, Fault};
use crate::openai::OpenAiClient;
use crate::retry::{RetryPolicy, retry};
use crate::types::RerankerId;

/// How an endpoint is called. No `Debug`: it holds the key.
#[derive(Clone)]
pub struct EndpointOptions {
    /// The endpoint itself, ending in `rerank` or `reranking`, or the URL to which `/rerank` is appended.
    pub url: String,
    pub api_key: Option<String>,
    /// `None` for servers with one model.
    pub model: Option<String>,
    /// Limit for one request, including the answer.
    pub timeout: Duration,
    pub retry: RetryPolicy,
}

/// Prepares a reranker. Sends no request.
pub fn connect(options: EndpointOptions) -> Result<EndpointReranker, BackendError> {
    let EndpointOptions { url, api_key, retry, .. } = &options;
    let url = endpoint_of(url);
    let client = OpenAiClient::new(ExternalService::Reranker, &url, api_key.as_deref(), *retry)?;
    let endpoint = client.endpoint().to_owned();
    let id = RerankerId {
        name: options.model.clone().unwrap_or_else(|| endpoint.clone()),
        revision: None,
        endpoint: Some(endpoint),
    };
    Ok(EndpointReranker { id, client, options, wants_texts: AtomicBool::new(false) })
}

/// The URL that is requested. Errors name this URL, and not the setting it was derived from.
fn endpoint_of(url: &str) -> String {
    let (base, query) =
        url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let base = base.trim_end_matches('/');
    let whole = ["/rerank", "/reranking"].iter().any(|end| base.ends_with(end));
    let path = if whole { "" } else { "/rerank" };
    match query {
        Some(query) => format!("{base}{path}?{query}"),
        None => format!("{base}{path}"),
    }
}

/// A reranking model behind an endpoint. Created by [`connect`].
pub struct EndpointReranker {
    id: RerankerId,
    client: OpenAiClient,
    options: EndpointOptions,
    /// Set once the endpoint has asked for `texts` instead of `documents`.
    wants_texts: AtomicBool,
}

#[async_trait]
impl Reranker for EndpointReranker {
    fn id(&self) -> &RerankerId {
        &self.id
    }

    fn kind(&self) -> RerankerKind {
        RerankerKind::ReadsPairs
    }

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let mut scores = Vec::with_capacity(texts.len());
        let mut most = texts.len().max(1);
        while scores.len() < texts.len() {
            let rest = &texts[scores.len()..];
            match self.request(question, &rest[..most.min(rest.len())]).await {
                Ok(some) => scores.extend(some),
                Err(error) if self.asks_for_texts(&error) => {
                    self.wants_texts.store(true, Ordering::Relaxed);
                }
                // Every server reports a limit on the number of passages in its own way.
                Err(error) if most > 1 && is_refused(&error) => {
                    most = most.min(rest.len()).div_ceil(2);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(scores)
    }
}

impl EndpointReranker {
    async fn request(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let request = self.body(question, texts);
        retry(&self.options.retry, || async {
            let permit = self.client.admit(0).await?;
            let timeout = self.options.timeout;
            let answer = self.client.post("", &request, &permit, timeout).await?;
            scores(&answer, texts.len())
                .map_err(|problem| self.client.error(Fault::Permanent, &problem))
        })
        .await
    }

    fn body(&self, question: &str, texts: &[String]) -> Value {
        let mut body = if self.wants_texts.load(Ordering::Relaxed) {
            json!({"query": question, "texts": texts, "truncate": true})
        } else {
            json!({"query": question, "documents": texts, "top_n": texts.len(), "return_documents": false})
        };
        if let Some(model) = &self.options.model {
            body["model"] = json!(model);
        }
        body
    }

    fn asks_for_texts(&self, error: &BackendError) -> bool {
        let refused = matches!(error.fault, Fault::Refused | Fault::Permanent);
        let asked = self.wants_texts.load(Ordering::Relaxed);
        let message = error.message.to_lowercase();
        let says = |word| message.contains(word);
        !asked && refused && says("texts") && (says("missing") || says("required"))
    }
}

/// The endpoint may accept fewer passages; if it refuses a single one, that one is to blame.
fn is_refused(error: &BackendError) -> bool {
    matches!(error.fault, Fault::Refused | Fault::TooLong)
}

/// The scores in the order of the passages, or a sentence that says what is wrong with the answer.
fn scores(answer: &Value, expected: usize) -> Result<Vec<f32>, String> {
    let rows = ["results", "data"].iter().find_map(|name| answer.get(name)).unwrap_or(answer);
    let rows = rows.as_array().ok_or("answered without a list of results")?;
    let mut scores = vec![None; expected];
    for row in rows {
        let index = row.get("index").and_then(Value::as_u64);
        let index = index.ok_or("a result has no index")? as usize;
        let score = row.get("relevance_score").or_else(|| row.get("score"));
        let score = score.and_then(Value::as_f64).filter(|score| (*score as f32).is_finite());
        let score = score.ok_or_else(|| format!("result {index} has no score"))?;
        let place = scores.get_mut(index).ok_or_else(|| {
            format!("a result has the index {index}, but only {expected} passages were sent")
        })?;
        if place.replace(score as f32).is_some() {
            return Err(format!("two results are about passage {index}"));
        }
    }
    let found = scores.iter().flatten().count();
    if found < expected {
        return Err(format!("{found} of {expected} passages have a score"));
    }
    Ok(scores.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests;
