//! Scores how well each passage answers a question.
//!
//! A [`Reranker`] is a trait, as [`Embedder`](crate::embed::Embedder) is: it represents something outside the
//! process (an endpoint, a model on disk), `query` must not know which, and recordings, traces and tests
//! replace it.

pub mod endpoint;
pub mod onnx;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::types::RerankerId;

/// How a model works, and so how far its scores can be trusted compared with retrieval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RerankerKind {
    /// Reads question and passage together: a cross-encoder, or the model of an endpoint.
    ReadsPairs,
    /// Computes a vector for each text separately, as an embedder does, and compares these.
    ComparesVectors,
}

/// A model that reads question and passage together, or compares them more closely than retrieval did.
#[async_trait]
pub trait Reranker: Send + Sync {
    fn id(&self) -> &RerankerId;

    fn kind(&self) -> RerankerKind;

    /// Returns one finite score per text, in order: the higher, the better the text answers. Only scores of
    /// the same call can be compared. Retries temporary failures.
    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError>;
}
