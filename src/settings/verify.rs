//! The model that holds the claims of an answer against their passages, beside the rules.

use std::time::Duration;

use super::{Endpoint, SettingsError, Values, chat, parse};
use crate::types::ChatPrice;

#[derive(Clone, PartialEq, Debug)]
pub struct Verify {
    /// A chat model.
    pub model: String,
    pub endpoint: Endpoint,
    /// Longest wait for one reply.
    pub timeout: Duration,
    /// `None` where it is not known.
    pub price: Option<ChatPrice>,
}

impl Verify {
    /// `None` where only the rules check.
    pub(super) fn resolve(
        values: &Values<'_>,
        shared: &Endpoint,
    ) -> Result<Option<Self>, SettingsError> {
        // All are looked at, so that a mistake is found before it matters.
        let endpoint = values.own_endpoint("verify", shared)?;
        let timeout = values.time("verify.timeout")?;
        let price = ["verify.price_in", "verify.price_cached", "verify.price_out"];
        let price = chat::price(values, price)?;
        let model = values.optional("verify.with", parse::verifier)?;
        Ok(model.map(|model| Self { model, endpoint, timeout, price }))
    }
}
