//! What a chat model used, and what that costs.

use std::ops::{Add, AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens a chat model reported, and what they cost. `None` where the endpoint did not say.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// All that was sent, the cached part included.
    pub prompt_tokens: Option<u64>,
    /// All that was generated, the thinking included.
    pub completion_tokens: Option<u64>,
    /// Of the prompt, what the endpoint knew already.
    pub cached_tokens: Option<u64>,
    /// Of the completion, what the model thought before it answered.
    pub reasoning_tokens: Option<u64>,
    /// In the user's currency; `None` where a price or a count is not known.
    pub cost: Option<f64>,
}

/// What a million tokens of a chat model cost, in the user's currency.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ChatPrice {
    /// Sent.
    pub input: f64,
    /// Sent, and known to the endpoint already.
    pub cached: f64,
    /// Generated.
    pub output: f64,
}

impl ChatPrice {
    /// `None` where the endpoint did not say how many tokens there were.
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

    /// Of two requests together; what neither endpoint said stays unknown.
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
    fn what_is_cached_has_its_own_price() {
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
