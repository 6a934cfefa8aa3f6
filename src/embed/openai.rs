//! Dense vectors from an OpenAI-compatible endpoint.
//!
//! Nothing about the answer is trusted: the number, dimensions and finiteness of the vectors and the name of
//! the model are checked, and every vector is scaled to unit length.

mod wire;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{BatchLimits, Embedder, TextRole, placed, worded};
use crate::cancel::Cancel;
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::{Quota, ThrottleStats};
use crate::openai::{OpenAiClient, tokens::TokenCounter};
use crate::retry::{RetryPolicy, retry_until};
use crate::task::off_thread;
use crate::types::EmbedderId;
use wire::{EmbeddingReply, EmbeddingRequest};

/// How an endpoint is called for embeddings. No `Debug`: it holds the key.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// The URL to which `/embeddings` is appended.
    pub base_url: String,
    pub api_key: Option<String>,
    /// Header for the key, if it is not the usual one.
    pub key_header: Option<String>,
    pub model: String,
    /// Requested from the server; an answer of another size is an error. `None`: the model's own size.
    pub dimensions: Option<usize>,
    /// From the manifest of a collection. With it, [`connect`] sends no request.
    pub known_dimensions: Option<usize>,
    /// From the manifest: the model that answered when the collection was created. An answer from another
    /// model is an error.
    pub known_revision: Option<String>,
    pub document_prefix: String,
    pub query_prefix: String,
    /// Inputs per request.
    pub batch_items: usize,
    /// Tokens per request, counted by [`Embedder::count_tokens`].
    pub batch_tokens: usize,
    /// The model's limit for one input.
    pub input_tokens: usize,
    /// Concurrent requests, over all calls together; fewer while the endpoint limits the rate.
    pub concurrency: usize,
    /// Limit for one request, including the answer.
    pub timeout: Duration,
    pub retry: RetryPolicy,
    /// Over all calls together.
    pub quota: Quota,
    /// Once cancelled, no more requests are sent.
    pub cancel: Cancel,
}

/// Prepares an embedder. Sends one short text to learn the dimension and the model's name, unless
/// `known_dimensions` is given.
pub async fn connect(mut options: OpenAiOptions) -> Result<OpenAiEmbedder, BackendError> {
    let OpenAiOptions { base_url, api_key, key_header, retry, quota, concurrency, cancel, .. } =
        &options;
    let (key, header) = (api_key.as_deref(), key_header.as_deref());
    let client =
        OpenAiClient::with_key_header(ExternalService::Embedder, base_url, key, header, *retry)?;
    let client = client.limited(*quota, *concurrency, cancel.clone());
    // A request with more tokens than the limit per minute could never be sent.
    if let Some(tokens) = options.quota.tokens_per_minute {
        options.batch_tokens = options.batch_tokens.min(tokens as usize);
    }
    let mut embedder = OpenAiEmbedder {
        id: EmbedderId {
            name: format!("openai:{}", options.model),
            revision: options.known_revision.clone().unwrap_or_default(),
            dimensions: options.known_dimensions.or(options.dimensions).unwrap_or_default(),
            document_prefix: options.document_prefix.clone(),
            query_prefix: options.query_prefix.clone(),
        },
        client,
        tokenizer: TokenCounter::of(&options.model),
        asks_floats: AtomicBool::new(false),
        options,
    };
    if embedder.options.known_dimensions.is_none() {
        let answer = embedder.request(vec!["dimension".to_owned()]).await?;
        embedder.id.dimensions = answer.vectors.first().map_or(0, Vec::len);
        embedder.id.revision = answer.model;
    } else if embedder.id.revision.is_empty() {
        embedder.id.revision.clone_from(&embedder.options.model);
    }
    Ok(embedder)
}

/// An embedding model behind an OpenAI-compatible endpoint. Created by [`connect`].
pub struct OpenAiEmbedder {
    id: EmbedderId,
    client: OpenAiClient,
    options: OpenAiOptions,
    tokenizer: TokenCounter,
    /// Set once the endpoint has refused base64.
    asks_floats: AtomicBool,
}

#[async_trait]
impl Embedder for OpenAiEmbedder {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits {
            input_tokens: self.options.input_tokens,
            batch_items: self.options.batch_items,
            batch_tokens: self.options.batch_tokens,
            concurrency: self.options.concurrency,
        }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn tokens_embedded(&self) -> u64 {
        self.client.billed()
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        self.client.throttled()
    }

    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        let (places, texts) = worded(&self.id, inputs, role);
        if texts.is_empty() {
            return Ok(vec![None; inputs.len()]);
        }
        let vectors = self.request(texts).await?.vectors;
        Ok(placed(inputs.len(), places, vectors.into_iter().map(to_unit_length)))
    }
}

/// Vectors in the order of their inputs, not scaled, and the model that made them.
struct Embedded {
    vectors: Vec<Vec<f32>>,
    model: String,
}

impl OpenAiEmbedder {
    /// One batch, retried according to the policy.
    async fn request(&self, texts: Vec<String>) -> Result<Embedded, BackendError> {
        // Earlier answers may have announced a limit on tokens.
        let (texts, tokens) = if self.client.counts_tokens() {
            let tokenizer = self.tokenizer;
            off_thread(move || {
                let tokens = count_all(tokenizer, &texts);
                (texts, tokens)
            })
            .await
        } else {
            (texts, 0)
        };
        let ask = || {
            retry_until(&self.options.retry, &self.options.cancel, || {
                self.request_once(&texts, tokens)
            })
        };
        match ask().await {
            Err(error) if self.refuses_base64(&error) => {
                self.asks_floats.store(true, Ordering::Relaxed);
                ask().await
            }
            other => other,
        }
    }

    fn refuses_base64(&self, error: &BackendError) -> bool {
        matches!(error.fault, Fault::Refused | Fault::Permanent)
            && !self.asks_floats.load(Ordering::Relaxed)
            && ["encoding_format", "base64"].iter().any(|word| error.message.contains(word))
    }

    async fn request_once(&self, texts: &[String], tokens: u64) -> Result<Embedded, BackendError> {
        let permit = self.client.admit(tokens).await?;
        let floats = self.asks_floats.load(Ordering::Relaxed);
        let request = EmbeddingRequest {
            model: &self.options.model,
            input: texts,
            // Base64 has a third of the bytes, and is exact. Servers that do not support it send floats
            // anyway.
            encoding_format: if floats { "float" } else { "base64" },
            dimensions: self.options.dimensions,
        };
        let answer: EmbeddingReply =
            self.client.embeddings(&request, &permit, self.options.timeout).await?;
        permit.bill(answer.tokens().unwrap_or_else(|| count_all(self.tokenizer, texts)));
        self.check(answer, texts.len())
            .map_err(|(fault, message)| self.client.error(fault, &message))
    }

    /// The vectors of an answer to `expected` inputs, or a sentence that says what is wrong with it.
    fn check(&self, answer: EmbeddingReply, expected: usize) -> Result<Embedded, (Fault, String)> {
        let asked = &self.options.model;
        let model = answer.model.filter(|m| !m.is_empty()).unwrap_or_else(|| asked.clone());
        if !self.id.revision.is_empty() && self.id.revision != model {
            let message = format!(
                "the model that answered is {model}, not {} as before: vectors of two models \
                 cannot be mixed",
                self.id.revision
            );
            return Err((Fault::Changed, message));
        }
        // Servers that skip an input, or do not support batches, answer the other inputs when these are sent
        // alone.
        let vectors =
            wire::in_order(answer.data, expected).map_err(|wrong| (Fault::Refused, wrong))?;
        let first = vectors.first().map_or(0, Vec::len);
        let dimensions = if self.id.dimensions == 0 { first } else { self.id.dimensions };
        for vector in &vectors {
            if vector.is_empty() {
                return Err((Fault::Refused, "a vector is empty".to_owned()));
            }
            if vector.len() != dimensions {
                let message = format!(
                    "a vector has {} dimensions where {dimensions} were expected",
                    vector.len()
                );
                return Err((Fault::Changed, message));
            }
            if !vector.iter().all(|value| value.is_finite()) {
                let message = "a vector has values that are not numbers".to_owned();
                return Err((Fault::Refused, message));
            }
        }
        Ok(Embedded { vectors, model })
    }
}

fn count_all(tokenizer: TokenCounter, texts: &[String]) -> u64 {
    texts.iter().map(|text| tokenizer.count(text) as u64).sum()
}

/// `None` for a vector of zeros, which has no direction.
fn to_unit_length(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if norm == 0.0 {
        return None;
    }
    for value in &mut vector {
        *value = (f64::from(*value) / norm) as f32;
    }
    Some(vector)
}
