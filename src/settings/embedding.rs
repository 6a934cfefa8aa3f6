//! Settings of the embedder, and how it is called.

use std::path::PathBuf;
use std::time::Duration;

use super::values::resolve_path;
use super::{Endpoint, LayerValues, SettingsError, parse};
use crate::types::HubModel;

#[derive(Clone, PartialEq, Debug)]
pub struct EmbeddingSettings {
    pub model: EmbeddingModel,
    pub endpoint: Endpoint,
    pub dimensions: Option<usize>,
    pub document_prefix: String,
    pub query_prefix: String,
    pub batch_items: usize,
    pub batch_tokens: usize,
    pub input_tokens: usize,
    pub concurrency: usize,
    /// Limit of requests per minute. `None`: as fast as the endpoint allows.
    pub rpm: Option<u64>,
    pub tpm: Option<u64>,
    /// Price of a million tokens, in the user's currency.
    pub price: Option<f64>,
    pub timeout: Duration,
}

impl EmbeddingSettings {
    pub(super) fn resolve(
        values: &LayerValues<'_>,
        shared: &Endpoint,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            model: EmbeddingModel::resolve(values)?,
            endpoint: values.own_endpoint("embedding", shared)?,
            dimensions: values.whole_if_set("embedding.dimensions")?,
            document_prefix: values.text("embedding.document_prefix").unwrap_or_default(),
            query_prefix: values.text("embedding.query_prefix").unwrap_or_default(),
            batch_items: values.whole("embedding.batch_items")?,
            batch_tokens: values.whole("embedding.batch_tokens")?,
            input_tokens: values.whole("embedding.input_tokens")?,
            concurrency: values.whole("embedding.concurrency")?,
            rpm: values.whole_if_set("embedding.rpm")?,
            tpm: values.whole_if_set("embedding.tpm")?,
            price: values.number_if_set("embedding.price")?,
            timeout: values.time("embedding.timeout")?,
        })
    }

    /// Cost of this many tokens; `None` if the price is not known.
    pub fn cost(&self, tokens: u64) -> Option<f64> {
        let price = self.price.filter(|_| self.model.is_endpoint());
        price.map(|price| tokens as f64 * price / 1e6)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EmbeddingModel {
    Builtin,
    OpenAi(String),
    /// The directory of an ONNX model.
    Onnx(PathBuf),
    /// A model that is fetched from a hub.
    Hub(HubModel),
}

impl EmbeddingModel {
    /// The embedding model. The directory of an ONNX model is a path like any other.
    fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
        let model = values.parsed("embedder", parse::embedder)?;
        Ok(match (model, values.found("embedder")) {
            (Self::Onnx(dir), Some((_, origin))) => {
                Self::Onnx(resolve_path(&dir.to_string_lossy(), origin))
            }
            (model, _) => model,
        })
    }

    /// Name of the model, as in `--embedder`.
    pub fn name(&self) -> String {
        match self {
            Self::Builtin => "builtin".to_owned(),
            Self::OpenAi(model) => format!("openai:{model}"),
            Self::Onnx(dir) => format!("onnx:{}", dir.display()),
            Self::Hub(model) => model.to_string(),
        }
    }

    /// Whether the model is called over HTTP.
    pub fn is_endpoint(&self) -> bool {
        matches!(self, Self::OpenAi(_))
    }
}
