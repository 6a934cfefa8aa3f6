//! Settings of OCR: which text in pictures is read, and by which model.

use std::path::PathBuf;
use std::time::Duration;

use super::values::resolve_path;
use super::{Endpoint, LayerValues, SettingsError, chat, parse};
use crate::types::{ChatPrice, OcrPolicy, Usage};

#[derive(Clone, PartialEq, Debug)]
pub struct OcrSettings {
    pub policy: OcrPolicy,
    pub model: OcrModelChoice,
    /// Longest wait for a vision model to read a page.
    pub timeout: Duration,
    /// Prices of a vision model; `None` if they are not known.
    pub price: Option<ChatPrice>,
}

/// The model that reads pictures.
#[derive(Clone, PartialEq, Debug)]
pub enum OcrModelChoice {
    /// The small model that is part of the program.
    Bundled,
    /// The directory of another model.
    Directory(PathBuf),
    /// A vision model of an OpenAI-compatible endpoint.
    OpenAi { model: String, endpoint: Endpoint },
}

impl OcrSettings {
    pub(super) fn resolve(
        values: &LayerValues<'_>,
        shared: &Endpoint,
    ) -> Result<Self, SettingsError> {
        const NAME: &str = "ocr.model";
        let timeout = values.time("ocr.timeout")?;
        let endpoint = values.own_endpoint("ocr", shared)?;
        let (policy, named) = match values.parsed("ingest.ocr", parse::ocr)? {
            parse::OcrMode::Policy(policy) => (policy, values.optional(NAME, parse::ocr_model)?),
            parse::OcrMode::Model(model) => {
                (OcrPolicy::Auto, Some(parse::OcrModelSpec::OpenAi(model)))
            }
        };
        let model = match (named, values.found(NAME)) {
            (None, _) => OcrModelChoice::Bundled,
            (Some(parse::OcrModelSpec::OpenAi(model)), _) => {
                OcrModelChoice::OpenAi { model, endpoint }
            }
            (Some(parse::OcrModelSpec::Directory(dir)), Some((_, origin))) => {
                OcrModelChoice::Directory(resolve_path(&dir, origin))
            }
            (Some(parse::OcrModelSpec::Directory(dir)), None) => {
                OcrModelChoice::Directory(dir.into())
            }
        };
        let price = chat::price(values, ["ocr.price_in", "ocr.price_cached", "ocr.price_out"])?;
        Ok(Self { policy, model, timeout, price })
    }

    /// Name of the model as in `--ocr`, if pages are sent to an endpoint.
    pub fn endpoint_model(&self) -> Option<String> {
        match &self.model {
            OcrModelChoice::OpenAi { model, .. } if self.policy != OcrPolicy::Off => {
                Some(format!("openai:{model}"))
            }
            _ => None,
        }
    }

    /// Cost of what an endpoint billed; `None` if a price is not known.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        self.price?.cost(usage)
    }
}
