//! Text → vectors.
//!
//! [`Embedder`] makes the dense vectors; [`sparse`] makes the BM25 vectors, which need no model.

pub mod builtin;
mod identifiers;
pub mod names;
pub mod onnx;
pub mod openai;
pub mod sparse;
mod unspaced;
mod vector;
pub mod wordpiece;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::http::Throttled;
use crate::text;
use crate::types::EmbedderId;
pub use vector::Vector;

/// What a text is embedded as: models with prefixes treat the two differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Document,
    Query,
}

/// What one request may carry, and how many may be under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest single input, in tokens of the embedder's tokenizer.
    pub input_tokens: usize,
    pub batch_items: usize,
    /// Tokens of all inputs of a request together.
    pub batch_tokens: usize,
    /// Requests in flight.
    pub concurrency: usize,
}

/// A model that turns texts into dense vectors of unit length.
///
/// No method has a body here: what wraps an embedder must forward each, or say that it does not.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// What the collection's manifest records.
    fn id(&self) -> &EmbedderId;

    fn limits(&self) -> Limits;

    /// Whether it computes in this process, without requests.
    fn is_local(&self) -> bool;

    /// Number of tokens of `text`, prefix not counted. Exact for the built-in embedder and for
    /// models whose tokenizer is known; otherwise an estimate on the high side.
    fn count_tokens(&self, text: &str) -> usize;

    /// Tokens embedded so far: as the endpoint bills them, or counted where it does not say.
    fn tokens_embedded(&self) -> u64;

    /// How often an endpoint would take no more; `None` where it never did.
    fn throttled(&self) -> Option<Throttled>;

    /// One vector per input, in order, of `id().dimensions` and unit length; `None` where the
    /// model has nothing to say of a text (the built-in table: unknown words only). No more inputs
    /// than [`Embedder::limits`] has for a batch: an endpoint is asked by one request.
    ///
    /// Retries what is worth retrying. A refused batch comes back as the error of the whole batch
    /// ([`Fault::Refused`](crate::error::Fault), `TooLong`): the caller splits it until the bad input
    /// is alone. `Fault::Stopped` says that the run stops, and that this was not asked.
    async fn embed(
        &self,
        inputs: &[String],
        role: Role,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError>;
}

/// The texts that say something, as models read texts, with the prefix of their role, and where each stood. Empty ones are
/// left out: servers disagree about them (an error, a vector, or the failure of the batch), and what
/// a model says of them means nothing.
fn worded(id: &EmbedderId, inputs: &[String], role: Role) -> (Vec<usize>, Vec<String>) {
    let prefix = match role {
        Role::Document => &id.document_prefix,
        Role::Query => &id.query_prefix,
    };
    let inputs = inputs.iter().enumerate().filter(|(_, text)| !text.trim().is_empty());
    inputs.map(|(place, text)| (place, format!("{prefix}{}", text::legible(text)))).unzip()
}

/// The vectors of [`worded`] texts at their places among `count`.
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
