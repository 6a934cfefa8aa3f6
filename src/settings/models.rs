//! Models that may be in a directory of this machine: the embedder and the reranker.

use std::path::PathBuf;
use std::time::Duration;

use super::{EmbeddingModel, Endpoint, SettingsError, Values, parse};

/// What puts the first hits into a better order.
#[derive(Clone, PartialEq, Debug)]
pub struct Rerank {
    pub model: RerankModel,
    pub candidates: usize,
    /// Of the reranker's score in that of a hit, 0 to 1.
    pub weight: f32,
    pub timeout: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub enum RerankModel {
    /// A `/rerank` endpoint, and the model that it is asked for, if any.
    Endpoint { endpoint: Endpoint, model: Option<String> },
    /// The directory of an ONNX model.
    Onnx(PathBuf),
}

impl Values<'_> {
    /// The directory of an ONNX model is a path like any other.
    pub(super) fn embedder(&self) -> Result<EmbeddingModel, SettingsError> {
        let model = self.parsed("embedder", parse::embedder)?;
        match (model, self.found("embedder")) {
            (EmbeddingModel::Onnx(dir), Some((_, origin))) => {
                let dir = self.located("embedder", &dir.to_string_lossy(), origin)?;
                Ok(EmbeddingModel::Onnx(dir))
            }
            (model, _) => Ok(model),
        }
    }

    /// A URL, or the directory of an ONNX model.
    pub(super) fn rerank(
        &self,
        notices: &mut Vec<String>,
    ) -> Result<Option<Rerank>, SettingsError> {
        const NAME: &str = "rerank.with";
        // All are looked at, so that a mistake is found before it matters.
        let candidates = self.parsed("rerank.candidates", parse::count)?;
        let weight = self.parsed("rerank.weight", parse::share)? as f32;
        let timeout = self.parsed("rerank.timeout", parse::duration)?;
        let Some(with) = self.optional(NAME, parse::reranker)? else { return Ok(None) };
        let model = match (with, self.found(NAME)) {
            (parse::Reranker::Onnx(dir), Some((_, origin))) => {
                RerankModel::Onnx(self.located(NAME, &dir, origin)?)
            }
            (parse::Reranker::Onnx(dir), None) => RerankModel::Onnx(dir.into()),
            (parse::Reranker::Endpoint(base_url), _) => {
                let api_key = self.key_for(NAME, "rerank.api_key", notices);
                let endpoint = Endpoint { base_url, api_key };
                RerankModel::Endpoint { endpoint, model: self.text("rerank.model") }
            }
        };
        Ok(Some(Rerank { model, candidates, weight, timeout }))
    }
}
