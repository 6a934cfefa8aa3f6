//! Models that read two texts together: cross-encoders, which rank passages or say whether one text follows
//! from another.

use super::layout::ModelLayout;
use super::values::OnnxOutput;
use super::{ModelPlace, Onnx, OnnxError};

/// A model that returns a few numbers (logits) for a pair of texts.
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
            hint: "use a cross-encoder: a model that returns scores (logits) for a pair of texts",
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

    pub fn layout(&self) -> &ModelLayout {
        &self.onnx.layout
    }

    /// Number of values for a pair.
    pub fn values(&self) -> usize {
        self.values
    }

    /// `onnx:` and the name of the directory, or the name under which it was published.
    pub fn name(&self) -> &str {
        &self.onnx.layout.name
    }

    /// See [`Onnx::revision`].
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Maximum number of tokens of both texts of a pair that it reads.
    pub fn longest_pair(&self) -> usize {
        self.onnx.longest_pair()
    }

    /// Tokens of `text`, without special tokens.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.onnx.count_tokens(text)
    }

    /// The values for each pair, in order. If there is no room for both texts, the longer one is truncated
    /// first. Blocks, and uses all free cores. The error is a sentence.
    pub fn run(&self, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>, String> {
        let inputs: Vec<_> =
            pairs.iter().map(|(first, second)| self.onnx.encode_pair(first, second)).collect();
        self.onnx.run(&inputs, &self.output, finite)
    }
}

fn finite(answer: OnnxOutput<'_>) -> Result<Vec<f32>, String> {
    if answer.shape.len() > 1 {
        return Err("gives scores for each token instead of for the pair".to_owned());
    }
    let all = answer.values.iter().all(|value| value.is_finite());
    all.then(|| answer.values.to_vec()).ok_or_else(|| "the score is not a number".to_owned())
}
