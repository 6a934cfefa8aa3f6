//! What a chat model used, and what that costs.

use std::ops::{Add, AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens that a chat model reported, and their cost. `None` where the endpoint did not say.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// Everything that was sent, including the cached part.
    pub prompt_tokens: Option<u64>,
    /// Everything that was generated, including reasoning.
    pub completion_tokens: Option<u64>,
    /// Part of the prompt that the endpoint had cached.
    pub cached_tokens: Option<u64>,
    /// Part of the completion that the model spent on reasoning.
    pub reasoning_tokens: Option<u64>,
    /// In the user's currency; `None` where a price or a count is unknown.
    pub cost: Option<f64>,
}

/// Price per million tokens of a chat model, in the user's currency.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ChatPrice {
    /// Tokens sent.
    pub input: f64,
    /// Tokens sent that the endpoint had cached.
    pub cached: f64,
    /// Tokens generated.
    pub output: f64,
}

impl ChatPrice {
    /// `None` where the endpoint did not report the number of tokens.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let (prompt, completion) = (usage.prompt_tokens?, usage.completion_tokens?);
        let cached = usage.cached_tokens.unwrap_or(0).min(prompt);
        let amount = (prompt - cached) as f64 * self.input
            + cached as f64 * self.cached
            + completion as f64 * self.output;
        Some(amount / 1e6)
    }
}

impl Add for Usage {
    type Output = Self;

    /// Sum of two requests; counts that neither endpoint reported stay unknown.
    fn add(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a + b),
            (one, none) => one.or(none),
        };
        Self {
            prompt_tokens: sum(self.prompt_tokens, other.prompt_tokens),
            completion_tokens: sum(self.completion_tokens, other.completion_tokens),
            cached_tokens: sum(self.cached_tokens, other.cached_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            cost: self.cost.zip(other.cost).map(|(a, b)| a + b).or(self.cost).or(other.cost),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_have_their_own_price() {
        let price = ChatPrice { input: 2.0, cached: 0.5, output: 8.0 };
        let usage = |prompt_tokens, cached_tokens| Usage {
            prompt_tokens,
            cached_tokens,
            completion_tokens: Some(100_000),
            ..Usage::default()
        };
        for (usage, expected) in [
            (usage(Some(1_000_000), None), Some(2.8)),
            (usage(Some(1_000_000), Some(400_000)), Some(2.2)),
            (usage(Some(10), Some(1_000_000)), Some(0.800_005)),
            (usage(None, None), None),
        ] {
            assert_eq!(price.cost(&usage), expected, "{usage:?}");
        }
    }
}
