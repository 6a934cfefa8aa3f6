//! Sentences and a claim → how well the sentences bear the claim out.
//!
//! An [`EntailmentModel`] is a trait, as [`Reranker`](crate::rerank::Reranker) is: `query` may not know
//! what is behind it, and traces stand where it does.

pub mod onnx;

use async_trait::async_trait;

use crate::error::BackendError;

/// A claim, and what it is held against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The hypothesis.
    pub text: String,
    /// Sentences in the order of their document; several documents one after the other.
    pub premise: Vec<String>,
}

/// How a claim fared.
#[derive(Clone, PartialEq, Debug)]
pub struct Entailed {
    /// That the premise bears the claim out, within 0..=1.
    pub score: f32,
    /// The sentence that says otherwise, where the model tells contradiction from silence and finds one.
    pub contradicted_by: Option<String>,
}

/// What became of one claim: a sentence where the model could not read it.
pub type Judged = Result<Entailed, String>;

/// A model for natural language inference, or one that was trained to tell grounded claims from others.
#[async_trait]
pub trait EntailmentModel: Send + Sync {
    /// As it is named in traces: `onnx:NAME`.
    fn name(&self) -> &str;

    /// What it is computed from.
    fn revision(&self) -> &str;

    /// One for each claim, in order.
    async fn judge(&self, claims: &[Claim]) -> Result<Vec<Judged>, BackendError>;
}
