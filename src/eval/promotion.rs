//! Whether a version of a collection may replace the live one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::gate::Gate;
use super::metrics::Metric;
use super::report::EvalReport;

/// A condition on a metric of a version.
#[derive(Clone, PartialEq, Debug)]
pub struct PromotionCondition {
    pub metric: Metric,
    least: Least,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Least {
    Value(f64),
    /// What the live version reaches, plus this much.
    Live(f64),
}

/// The result of checking the conditions.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Promotion {
    pub collection: String,
    /// Number of the version that was live during the build; null if there was none.
    pub live: Option<u32>,
    /// Number of the version that was built.
    pub version: u32,
    /// It is live now.
    pub promoted: bool,
    /// Both versions on the same cases, the live one first; gates apply to the built one.
    pub eval: EvalReport,
}

impl PromotionCondition {
    /// `recall@5>=0.8`, `ndcg@10>=live-0.01`.
    ///
    /// # Errors
    /// The text is not a condition.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (metric, least) = text
            .split_once(">=")
            .ok_or_else(|| format!("`{}` is not METRIC>=VALUE", text.trim()))?;
        let metric = Metric::parse(metric).map_err(|error| error.to_string())?;
        let least = least.trim();
        let read = match least.strip_prefix("live") {
            Some(more) => offset(more).map(Least::Live),
            None => number(least).filter(|value| *value >= 0.0).map(Least::Value),
        };
        read.map(|least| Self { metric, least }).ok_or_else(|| {
            format!(
                "`{least}` is neither a number from 0 to 1 nor `live`, `live-0.01` or `live+0.01`"
            )
        })
    }

    /// Whether the condition refers to the live version, which then has to be measured.
    pub fn is_about_live(&self) -> bool {
        matches!(self.least, Least::Live(_))
    }

    /// `live`: what the live version reaches; `None` if that is not known.
    pub fn gate(&self, live: &BTreeMap<String, f64>) -> Option<Gate> {
        let metric = self.metric.to_string();
        Some(match self.least {
            Least::Value(limit) => Gate { metric, limit, baseline: None },
            Least::Live(more) => {
                let was = *live.get(&metric)?;
                Gate { metric, limit: was + more, baseline: Some(was) }
            }
        })
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| (-1.0..=1.0).contains(number))
}

/// The offset to what the live version reaches: nothing, `+0.01`, `- 0.01`.
fn offset(text: &str) -> Option<f64> {
    let text: String = text.split_whitespace().collect();
    match text.as_str() {
        "" => Some(0.0),
        signed if signed.starts_with(['+', '-']) => number(signed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn gate(text: &str, live: f64) -> Gate {
        let live = BTreeMap::from([("recall@5".to_owned(), live)]);
        PromotionCondition::parse(text).unwrap().gate(&live).unwrap()
    }

    #[test]
    fn a_condition_is_about_a_number_or_about_the_live_version() {
        for (text, limit, baseline) in [
            ("recall@5>=0.8", 0.8, None),
            (" recall@5 >= .8 ", 0.8, None),
            ("recall@5>=live", 0.5, Some(0.5)),
            ("recall@5>=live-0.25", 0.25, Some(0.5)),
            ("recall@5>= live + 0.25", 0.75, Some(0.5)),
        ] {
            let gate = gate(text, 0.5);
            assert_eq!((gate.limit, gate.baseline), (limit, baseline), "{text}");
            assert_eq!(gate.metric, "recall@5");
        }
        assert_eq!(PromotionCondition::parse("map>=live").unwrap().gate(&BTreeMap::new()), None);
    }

    #[test]
    fn a_text_that_is_not_a_condition_says_why() {
        for (text, why) in [
            ("recall@5=0.8", "is not METRIC>=VALUE"),
            ("recall@5", "is not METRIC>=VALUE"),
            ("reca@5>=0.8", "`reca@5` is not a metric"),
            ("facts>=0.8", "`facts` is not a metric"),
            ("recall@5>=80", "`80` is neither"),
            ("recall@5>=-0.1", "`-0.1` is neither"),
            ("recall@5>=NaN", "`NaN` is neither"),
            ("recall@5>=lively", "`lively` is neither"),
            ("recall@5>=live-7", "`live-7` is neither"),
            ("recall@5>=live 0.1", "`live 0.1` is neither"),
            ("recall@5>=", "`` is neither"),
        ] {
            let said = PromotionCondition::parse(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
