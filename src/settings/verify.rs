//! Settings of the model that checks the claims of an answer, in addition to the rules.

use std::path::PathBuf;
use std::time::Duration;

use super::{Endpoint, LayerValues, SettingsError, chat, parse};
use crate::types::{ChatPrice, HubModel};

#[derive(Clone, PartialEq, Debug)]
pub struct VerifySettings {
    pub model: VerifyModel,
    /// Longest wait for a reply.
    pub timeout: Duration,
    /// Prices of a chat model; `None` if they are not known.
    pub price: Option<ChatPrice>,
    /// Score from which an ONNX model counts a claim as supported, 0 to 1.
    pub threshold: f32,
}

#[derive(Clone, PartialEq, Debug)]
pub enum VerifyModel {
    Chat {
        model: String,
        endpoint: Endpoint,
    },
    /// The directory of an ONNX model.
    Onnx(PathBuf),
    /// A model that is fetched from a hub.
    Hub(HubModel),
}

impl VerifySettings {
    /// `None` if only the rules check.
    pub(super) fn resolve(
        values: &LayerValues<'_>,
        shared: &Endpoint,
    ) -> Result<Option<Self>, SettingsError> {
        const NAME: &str = "verify.with";
        // All are looked at, so that a mistake is found before it matters.
        let endpoint = values.own_endpoint("verify", shared)?;
        let timeout = values.time("verify.timeout")?;
        let price = ["verify.price_in", "verify.price_cached", "verify.price_out"];
        let price = chat::price(values, price)?;
        let threshold = values.number("verify.threshold")? as f32;
        let Some(with) = values.optional(NAME, parse::verifier)? else { return Ok(None) };
        let model = match with {
            parse::VerifierSpec::OpenAi(model) => VerifyModel::Chat { model, endpoint },
            parse::VerifierSpec::Onnx(dir) => VerifyModel::Onnx(values.path_within(NAME, &dir)),
            parse::VerifierSpec::Hub(model) => VerifyModel::Hub(model),
        };
        Ok(Some(Self { model, timeout, price, threshold }))
    }
}
