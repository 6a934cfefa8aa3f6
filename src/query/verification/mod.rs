//! Checks the claims of an answer against the passages that they cite, with a chat model or a model for
//! natural language inference.
//!
//! The rules of [`cite`](super::cite) come first: the model is asked about the claims in which they found
//! nothing wrong, and which are not the passage's own words. If the model fails, the findings of the rules
//! remain.

mod chat;
mod entailment;

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cite::{CheckedClaim, Citations, ModelObjection};
use crate::chat::ChatModel;
use crate::entailment::EntailmentModel;
use crate::types::{Passage, Usage};

/// Most claims in one request to a chat model: a reply about more is seldom complete.
const REQUESTED: usize = 20;
/// Claims that a model in this process judges before it can be stopped: enough to keep all cores busy.
const COMPUTED: usize = 4;

/// What a model was asked about the citations of an answer.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Verification {
    /// The model that was asked.
    pub model: String,
    /// Claims that it was asked about.
    pub claims: usize,
    /// Claims that it found unsupported.
    pub unsupported: usize,
    /// One for each of these claims, in the order of the answer.
    pub verdicts: Vec<ClaimVerdict>,
    /// Time that the check took, in addition to that of the answer.
    pub elapsed_ms: u64,
    /// Tokens and cost of these requests; not part of those of the answer.
    pub usage: Usage,
    /// Why some claims have no verdict; null if all have one.
    pub failure: Option<String>,
}

/// The model's verdict on one claim.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "VerificationVerdict")]
pub struct ClaimVerdict {
    /// The claim as the answer has it, without its marks.
    pub sentence: String,
    /// Numbers of the passages that it cites.
    pub citations: Vec<u32>,
    /// Null if the model gave no verdict.
    pub supported: Option<bool>,
    /// How likely the passages support it, from 0 to 1; null if the model only says yes or no.
    pub score: Option<f32>,
    /// Why it is not supported, or has no verdict.
    pub reason: Option<String>,
}

/// The model that is asked, and how.
#[derive(Clone, Copy)]
pub enum Verifier<'a> {
    /// `nonce` is as in [`prompt`](super::prompt::prompt).
    Chat { model: &'a dyn ChatModel, nonce: &'a str },
    /// A claim that scores below `threshold` is not supported.
    Entailment { model: &'a dyn EntailmentModel, threshold: f32 },
}

/// The outcome for one claim.
struct Outcome {
    supported: Option<bool>,
    score: Option<f32>,
    reason: Option<String>,
    /// What the passages say instead.
    instead: Option<String>,
}

impl Verifier<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Chat { model, .. } => model.name(),
            Self::Entailment { model, .. } => model.name(),
        }
    }

    /// Number of claims that the model is asked about at once.
    fn batch(&self) -> usize {
        match self {
            Self::Chat { .. } => REQUESTED,
            Self::Entailment { .. } => COMPUTED,
        }
    }
}

/// Asks about the claims of an answer, and adds the model's objections to `citations`. `within` is the time
/// for each batch of claims.
pub async fn verify(
    citations: &mut Citations,
    passages: &[Passage],
    verifier: Verifier<'_>,
    within: Duration,
) -> Verification {
    let started = Instant::now();
    let claims = std::mem::take(&mut citations.undecided);
    let mut verification = Verification {
        model: verifier.name().to_owned(),
        claims: claims.len(),
        unsupported: 0,
        verdicts: Vec::new(),
        elapsed_ms: 0,
        usage: Usage::default(),
        failure: None,
    };
    for batch in claims.chunks(verifier.batch()) {
        let usage = &mut verification.usage;
        let outcomes = match verifier {
            Verifier::Chat { model, nonce } => {
                chat::ask(model, nonce, batch, passages, within, usage).await
            }
            Verifier::Entailment { model, threshold } => {
                entailment::ask(model, threshold, batch, passages, within).await
            }
        };
        match outcomes {
            Ok(outcomes) => {
                for (claim, outcome) in batch.iter().zip(outcomes) {
                    verification.take(claim, outcome, citations);
                }
            }
            Err(problem) => {
                // Whatever keeps the model from answering this batch keeps it from the rest.
                verification.failure = Some(problem);
                break;
            }
        }
    }
    let asked = verification.verdicts.len();
    verification
        .verdicts
        .extend(claims[asked..].iter().map(|claim| ClaimVerdict::none(claim, None)));
    verification.elapsed_ms = started.elapsed().as_millis() as u64;
    verification
}

impl Verification {
    fn take(&mut self, claim: &CheckedClaim, outcome: Outcome, citations: &mut Citations) {
        let Outcome { supported, score, reason, instead } = outcome;
        match (supported, &reason) {
            (Some(true), _) => citations.held_by_model(claim, None),
            (Some(false), _) => {
                self.unsupported += 1;
                let claimed = reason.clone().unwrap_or_default();
                citations.held_by_model(claim, Some(ModelObjection { claimed, instead }));
            }
            (None, Some(reason)) => {
                self.failure = Some(format!("“{}” was not checked: {reason}", claim.sentence));
            }
            (None, None) => {}
        }
        self.verdicts.push(ClaimVerdict { supported, score, ..ClaimVerdict::none(claim, reason) });
    }

    /// Number of claims without a verdict.
    pub fn unchecked(&self) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.supported.is_none()).count()
    }
}

impl ClaimVerdict {
    fn none(claim: &CheckedClaim, reason: Option<String>) -> Self {
        Self {
            sentence: claim.sentence.clone(),
            citations: claim.citations.clone(),
            supported: None,
            score: None,
            reason,
        }
    }
}

fn late(within: Duration) -> String {
    format!("no verdict came within {} s", within.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::entailment::{ClaimScores, EntailmentClaim, EntailmentResult};
    use crate::error::{BackendError, ExternalService, Fault};

    /// Supports what is `fine`, and fails from its second batch on.
    #[derive(Default)]
    struct Weary(AtomicUsize);

    #[async_trait]
    impl EntailmentModel for Weary {
        fn name(&self) -> &'static str {
            "weary"
        }

        fn revision(&self) -> &'static str {
            "1"
        }

        async fn judge(
            &self,
            claims: &[EntailmentClaim],
        ) -> Result<Vec<EntailmentResult>, BackendError> {
            if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
                return Err(BackendError::new(
                    ExternalService::Verifier,
                    Fault::Permanent,
                    "weary",
                    "it sleeps",
                ));
            }
            let score = |claim: &EntailmentClaim| if claim.text == "fine" { 0.9 } else { 0.1 };
            let judged = |claim| Ok(ClaimScores { score: score(claim), contradicted_by: None });
            Ok(claims.iter().map(judged).collect())
        }
    }

    #[tokio::test]
    async fn verdicts_before_a_failure_are_kept() {
        let said = ["fine", "wrong", "fine", "fine", "wrong", "fine"];
        let held =
            |sentence: &&str| CheckedClaim { sentence: (*sentence).to_owned(), citations: vec![1] };
        let undecided = said.iter().map(held).collect();
        let mut citations = Citations { undecided, ..Citations::default() };
        let weary = Weary::default();
        let verifier = Verifier::Entailment { model: &weary, threshold: 0.5 };
        let checked = verify(&mut citations, &[], verifier, Duration::from_mins(1)).await;
        let supported: Vec<_> = checked.verdicts.iter().map(|verdict| verdict.supported).collect();
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(supported, [yes, no, yes, yes, None, None]);
        assert_eq!((checked.claims, checked.unsupported, checked.unchecked()), (6, 1, 2));
        assert!(checked.failure.is_some_and(|failure| failure.contains("it sleeps")));
        assert_eq!(citations.findings.len(), 1);
        assert_eq!(citations.findings[0].sentence, "wrong");
    }
}
