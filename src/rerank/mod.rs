//! Question and passages → how well each passage answers the question.
//!
//! A [`Reranker`] is a trait, as [`Embedder`](crate::embed::Embedder) is: it stands for something
//! outside the process (an endpoint, a model on disk), `query` may not know which, and recordings,
//! traces and tests stand where it does.

pub mod endpoint;
pub mod onnx;

use async_trait::async_trait;

use crate::error::BackendError;
use crate::types::RerankerId;

/// What a model does, and so how far it can be trusted against retrieval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RerankerKind {
    /// It reads question and passage together: a cross-encoder, or whatever an endpoint has.
    ReadsPairs,
    /// It makes a vector of each by itself, as an embedder does, and compares these.
    ComparesVectors,
}

/// A model that reads question and passage together, or compares them closer than retrieval did.
#[async_trait]
pub trait Reranker: Send + Sync {
    fn id(&self) -> &RerankerId;

    fn kind(&self) -> RerankerKind;

    /// One finite score per text, in order: the higher, the better it answers. Scores of one call
    /// compare with each other and with nothing else. Retries what is worth retrying.
    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError>;
}
