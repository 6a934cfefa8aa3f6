//! Settings of the reranker.

use std::path::PathBuf;
use std::time::Duration;

use super::{Endpoint, LayerValues, SettingsError, parse};
use crate::types::HubModel;

#[derive(Clone, PartialEq, Debug)]
pub struct RerankSettings {
    pub model: RerankModel,
    /// Hits that are reranked; `None`: what suits the kind of model.
    pub candidates: Option<usize>,
    /// Weight of the reranker's score in that of a hit, 0 to 1; `None`: what suits the kind of model.
    pub weight: Option<f32>,
    pub timeout: Duration,
}

#[derive(Clone, PartialEq, Debug)]
pub enum RerankModel {
    /// A `/rerank` endpoint, and the model that it is asked for, if any.
    Endpoint { endpoint: Endpoint, model: Option<String> },
    /// The directory of an ONNX model.
    Onnx(PathBuf),
    /// A model that is fetched from a hub.
    Hub(HubModel),
}

impl RerankSettings {
    /// `None` if no reranker is configured.
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Option<Self>, SettingsError> {
        // All settings are parsed, so that a mistake is found before it matters.
        let candidates = values.whole_if_set("rerank.candidates")?;
        let weight = values.number_if_set("rerank.weight")?.map(|weight| weight as f32);
        let timeout = values.time("rerank.timeout")?;
        let model = RerankModel::resolve(values)?;
        Ok(model.map(|model| Self { model, candidates, weight, timeout }))
    }
}

impl RerankModel {
    fn resolve(values: &LayerValues<'_>) -> Result<Option<Self>, SettingsError> {
        const NAME: &str = "rerank.with";
        let Some(with) = values.optional(NAME, parse::reranker)? else { return Ok(None) };
        Ok(Some(match with {
            parse::RerankerSpec::Onnx(dir) => Self::Onnx(values.path_within(NAME, &dir)),
            parse::RerankerSpec::Hub(model) => Self::Hub(model),
            parse::RerankerSpec::Endpoint(base_url) => {
                let api_key = values.text("rerank.api_key");
                let endpoint = Endpoint { base_url, api_key, key_header: None };
                Self::Endpoint { endpoint, model: values.text("rerank.model") }
            }
        }))
    }
}
