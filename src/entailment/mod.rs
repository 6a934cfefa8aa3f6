//! Judges how well sentences support a claim.
//!
//! An [`EntailmentModel`] is a trait, like [`Reranker`](crate::rerank::Reranker): `query` may not know the
//! implementation, and traces are recorded at the trait.

pub mod onnx;

use async_trait::async_trait;

use crate::error::BackendError;

/// A claim, and what it is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntailmentClaim {
    /// The hypothesis.
    pub text: String,
    /// Sentences in the order of their document; several documents one after the other.
    pub premise: Vec<String>,
}

/// The result for a claim.
#[derive(Clone, PartialEq, Debug)]
pub struct ClaimScores {
    /// How likely the premise supports the claim, within 0..=1.
    pub score: f32,
    /// The sentence that says otherwise, if the model distinguishes contradiction from silence and finds
    /// one.
    pub contradicted_by: Option<String>,
}

/// The result for one claim, or a sentence that says why the model could not read it.
pub type EntailmentResult = Result<ClaimScores, String>;

/// A model for natural language inference, or one trained to tell grounded claims from others.
#[async_trait]
pub trait EntailmentModel: Send + Sync {
    /// The name in traces: `onnx:NAME`.
    fn name(&self) -> &str;

    /// The revision of the model's files.
    fn revision(&self) -> &str;

    /// One result for each claim, in order.
    async fn judge(
        &self,
        claims: &[EntailmentClaim],
    ) -> Result<Vec<EntailmentResult>, BackendError>;
}
