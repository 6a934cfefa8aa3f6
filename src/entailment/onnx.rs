//! A cross-encoder from a directory, which reads premise and claim together.
//!
//! A claim is compared with each sentence of its premise alone, and with as many consecutive sentences as
//! the model reads; the best score counts. Asking a model of sentence pairs about single sentences and
//! taking the best entailment is `SummaC` (Laban et al., 2022, <https://arxiv.org/abs/2111.09525>); longer
//! windows, for claims that rest on several sentences, are as in `AlignScore` (Zha et al., 2023,
//! <https://arxiv.org/abs/2305.16739>).

mod labels;
mod windows;

use std::sync::Arc;

use async_trait::async_trait;

use super::{ClaimScores, EntailmentClaim, EntailmentModel, EntailmentResult};
use crate::error::{BackendError, ExternalService, Fault};
use crate::onnx::layout::ModelLayout;
use crate::onnx::{ModelPlace, OnnxError, PairModel};
use labels::ClassifierHead;
use windows::windows;

/// From this probability on, a sentence contradicts a claim: that is then the most likely label.
const CONTRADICTS: f32 = 0.5;

/// Checks the model's files without loading the model: missing files, and labels with an unknown meaning.
pub fn check(place: impl Into<ModelPlace>) -> Result<(), OnnxError> {
    ClassifierHead::of(&ModelLayout::read(place)?).map(drop)
}

/// Loads the model and tries it on a pair of words. Blocks.
pub fn open(place: impl Into<ModelPlace>) -> Result<CrossEncoder, OnnxError> {
    let place = place.into();
    check(&place)?;
    let model = PairModel::open(place)?;
    let head = ClassifierHead::of(model.layout())?;
    head.check_fits(model.values()).map_err(|problem| OnnxError {
        path: model.layout().config.clone(),
        problem,
        hint: labels::HINT,
    })?;
    Ok(CrossEncoder { name: model.name().to_owned(), model: Arc::new(model), head })
}

/// A cross-encoder, made by [`open`].
pub struct CrossEncoder {
    name: String,
    model: Arc<PairModel>,
    head: ClassifierHead,
}

#[async_trait]
impl EntailmentModel for CrossEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn revision(&self) -> &str {
        self.model.revision()
    }

    async fn judge(
        &self,
        claims: &[EntailmentClaim],
    ) -> Result<Vec<EntailmentResult>, BackendError> {
        let (model, head, claims) = (Arc::clone(&self.model), self.head, claims.to_vec());
        tokio::task::spawn_blocking(move || judge(&model, head, &claims))
            .await
            .unwrap_or_else(|error| Err(format!("the task ended early: {error}")))
            .map_err(|problem| {
                BackendError::new(ExternalService::Verifier, Fault::Permanent, &self.name, &problem)
            })
    }
}

/// A part of a claim's premise that the model reads at once.
struct Window {
    text: String,
    is_sentence: bool,
}

fn judge(
    model: &PairModel,
    head: ClassifierHead,
    claims: &[EntailmentClaim],
) -> Result<Vec<EntailmentResult>, String> {
    let read: Vec<_> = claims.iter().map(|claim| read(model, claim)).collect();
    let pairs = read.iter().zip(claims).flat_map(|(windows, claim)| {
        windows.iter().flatten().map(|window| (&*window.text, &*claim.text))
    });
    // The whole batch at once: pairs of equal length are computed together.
    let mut scores = model.run(&pairs.collect::<Vec<_>>())?.into_iter();
    let judged = read.into_iter().map(|windows| {
        let windows = windows?;
        Ok(summed_up(head, windows.into_iter().zip(scores.by_ref())))
    });
    Ok(judged.collect())
}

/// The windows that a claim is compared with, or a sentence if the claim leaves no room for them.
fn read(model: &PairModel, claim: &EntailmentClaim) -> Result<Vec<Window>, String> {
    let (tokens, most) = (model.count_tokens(&claim.text), model.longest_pair());
    if tokens > most / 2 {
        return Err(format!(
            "it has {tokens} tokens; the model reads {most} in all, and a claim may have half of them"
        ));
    }
    let windows = windows(&claim.premise, most - tokens, &|text| model.count_tokens(text));
    Ok(windows.into_iter().map(|(text, is_sentence)| Window { text, is_sentence }).collect())
}

fn summed_up(
    head: ClassifierHead,
    windows: impl Iterator<Item = (Window, Vec<f32>)>,
) -> ClaimScores {
    let mut best: Option<f32> = None;
    let mut against: Option<(f32, String)> = None;
    for (window, values) in windows {
        let reading = head.read(&values);
        best = Some(best.map_or(reading.score, |best| head.better(best, reading.score)));
        let worst = against.as_ref().map_or(CONTRADICTS, |(contradicts, _)| *contradicts);
        if let Some(contradicts) = reading.contradicts
            && window.is_sentence
            && contradicts > worst
        {
            against = Some((contradicts, window.text));
        }
    }
    ClaimScores {
        score: best.unwrap_or(0.0),
        contradicted_by: against.map(|(_, sentence)| sentence),
    }
}

#[cfg(test)]
mod tests;
