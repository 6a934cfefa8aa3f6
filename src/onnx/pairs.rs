//! Models that read two texts together: cross-encoders, which rank passages or say whether one text
//! follows from another.

use super::layout::Layout;
use super::values::Answer;
use super::{ModelPlace, Onnx, OnnxError};

/// A model that makes a few numbers, its logits, of a pair of texts.
pub struct PairModel {
    onnx: Onnx,
    output: String,
    values: usize,
    revision: String,
}

impl PairModel {
    /// Loads the model and tries it on a pair of words. Blocks.
    pub fn open(place: impl Into<ModelPlace>) -> Result<Self, OnnxError> {
        let onnx = Onnx::open(place)?;
        let failed = |problem: String| OnnxError {
            path: onnx.layout.model.clone(),
            problem,
            hint: "use a cross-encoder: a model that makes scores (logits) of a pair of texts",
        };
        let logits = onnx.outputs().iter().find(|name| *name == "logits");
        let output = logits.or(onnx.outputs().first()).cloned();
        let output = output.ok_or_else(|| failed("has no output".to_owned()))?;
        let pair = onnx.encode_pair("docent", "docent");
        let tried = onnx.run(&[pair], &output, finite).map_err(failed)?;
        let values = tried.first().map_or(0, Vec::len);
        let revision = onnx.revision(&onnx.fingerprint);
        Ok(Self { onnx, output, values, revision })
    }

    pub fn layout(&self) -> &Layout {
        &self.onnx.layout
    }

    /// Numbers that it makes of a pair.
    pub fn values(&self) -> usize {
        self.values
    }

    /// `onnx:` and the name of the directory, or what it was published as.
    pub fn name(&self) -> &str {
        &self.onnx.layout.name
    }

    /// What it is computed from: see [`Onnx::revision`].
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Tokens of both texts of a pair that it reads, at most.
    pub fn longest_pair(&self) -> usize {
        self.onnx.longest_pair()
    }

    /// Tokens of `text`, without those that the model wants around it.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.onnx.count_tokens(text)
    }

    /// Its numbers for each pair, in their order. Where there is no room for both texts, the longer one
    /// is cut first. Blocks, and uses all cores that are free. The error is a sentence.
    pub fn run(&self, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>, String> {
        let inputs: Vec<_> =
            pairs.iter().map(|(first, second)| self.onnx.encode_pair(first, second)).collect();
        self.onnx.run(&inputs, &self.output, finite)
    }
}

fn finite(answer: Answer<'_>) -> Result<Vec<f32>, String> {
    if answer.shape.len() > 1 {
        return Err("gives scores for each token, where scores for a pair are wanted".to_owned());
    }
    let all = answer.values.iter().all(|value| value.is_finite());
    all.then(|| answer.values.to_vec()).ok_or_else(|| "the score is not a number".to_owned())
}
