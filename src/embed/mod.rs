//! Embedding: text to vectors.
//!
//! [`Embedder`] computes the dense vectors; [`sparse`] computes the BM25 vectors, which need no model.

pub mod builtin;
mod character_ngrams;
mod identifiers;
pub mod names;
pub mod onnx;
pub mod openai;
pub mod sparse;
mod vector;
pub mod wordpiece;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::http::ThrottleStats;
use crate::text;
use crate::types::EmbedderId;
pub use vector::Vector;

/// The role of a text: models with prefixes treat documents and queries differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextRole {
    Document,
    Query,
}

/// Limits of one request, and of concurrent requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Longest single input, in tokens of the embedder's tokenizer.
    pub input_tokens: usize,
    pub batch_items: usize,
    /// Tokens of all inputs of a request together.
    pub batch_tokens: usize,
    /// Concurrent requests.
    pub concurrency: usize,
}

/// A model that turns texts into dense vectors of unit length.
///
/// No method has a default: a wrapper must forward each of them, or state that it does not.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// The identity that is recorded in the manifest.
    fn id(&self) -> &EmbedderId;

    fn limits(&self) -> BatchLimits;

    /// Whether it computes in this process, without requests.
    fn is_local(&self) -> bool;

    /// Number of tokens of `text`, without the prefix. Exact for the built-in embedder and for models with a
    /// known tokenizer; otherwise a high estimate.
    fn count_tokens(&self, text: &str) -> usize;

    /// Tokens embedded so far: as the endpoint bills them, or counted if it does not report them.
    fn tokens_embedded(&self) -> u64;

    /// How often the endpoint limited the rate of requests; `None` if it never did.
    fn throttled(&self) -> Option<ThrottleStats>;

    /// Returns one vector per input, in order, of `id().dimensions` and unit length; `None` if the model has
    /// no vector for a text (the built-in table: unknown words only). At most as many inputs as
    /// [`Embedder::limits`] allows for a batch: they are sent in one request.
    ///
    /// Retries temporary failures. If an input is refused, the whole batch fails
    /// ([`Fault::Refused`](crate::error::Fault), `TooLong`), and the caller splits it until the bad input is
    /// alone. `Fault::Stopped` means that the run was stopped before the request.
    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError>;
}

/// The texts that are not empty, normalized as models read texts, with the prefix of their role, and the
/// index of each. Empty texts are left out: servers disagree about them (an error, a vector, or the failure
/// of the batch), and their vectors mean nothing.
fn worded(id: &EmbedderId, inputs: &[String], role: TextRole) -> (Vec<usize>, Vec<String>) {
    let prefix = match role {
        TextRole::Document => &id.document_prefix,
        TextRole::Query => &id.query_prefix,
    };
    let inputs = inputs.iter().enumerate().filter(|(_, text)| !text.trim().is_empty());
    inputs.map(|(place, text)| (place, format!("{prefix}{}", text::legible(text)))).unzip()
}

/// Puts the vectors of [`worded`] texts at their indices among `count`.
fn placed(
    count: usize,
    places: Vec<usize>,
    vectors: impl Iterator<Item = Option<Vec<f32>>>,
) -> Vec<Option<Vec<f32>>> {
    let mut results = vec![None; count];
    for (place, vector) in places.into_iter().zip(vectors) {
        results[place] = vector;
    }
    results
}
