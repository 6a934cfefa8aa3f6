//! Gates of a pipeline: values that have to be reached, and a baseline that must not be lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answers;
use super::metrics::Metric;
use crate::types::GateOutcome;

/// A condition on a metric of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Gate {
    /// A metric of retrieval or of answers.
    pub metric: String,
    /// The least that is accepted.
    pub limit: f64,
    /// The value that must not be lost, if `limit` was computed from one.
    pub baseline: Option<f64>,
}

/// Tolerance for the rounding of a stored baseline.
const TOLERANCE: f64 = 1e-9;

impl Gate {
    /// `recall@5=0.8`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (metric, limit) =
            text.split_once('=').ok_or_else(|| format!("`{text}` is not METRIC=VALUE"))?;
        let metric = name(metric)?;
        let within = |limit: &f64| (0.0..=1.0).contains(limit);
        match limit.trim().parse().ok().filter(within) {
            Some(limit) => Ok(Self { metric, limit, baseline: None }),
            None => Err(format!("`{}` is not a number from 0 to 1", limit.trim())),
        }
    }

    /// `None` if the metric was not measured.
    pub fn check(&self, means: &BTreeMap<String, f64>) -> Option<GateOutcome> {
        let value = *means.get(&self.metric)?;
        Some(GateOutcome {
            metric: self.metric.clone(),
            value,
            limit: self.limit,
            baseline: self.baseline,
            passed: value >= self.limit - TOLERANCE,
        })
    }
}

/// The name of a metric as in reports.
fn name(metric: &str) -> Result<String, String> {
    if answers::NAMES.contains(&metric.trim()) {
        return Ok(metric.trim().to_owned());
    }
    Metric::parse(metric).map(|metric| metric.to_string()).map_err(|error| error.to_string())
}

/// Values to compare later runs with, in a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Baseline {
    pub schema_version: u32,
    pub cases: usize,
    pub metrics: BTreeMap<String, f64>,
}

impl Baseline {
    /// A gate for each metric: it may drop by at most `max_drop`.
    pub fn gates(&self, max_drop: f64) -> Result<Vec<Gate>, String> {
        let gate = |(metric, value): (&String, &f64)| {
            Ok(Gate { metric: name(metric)?, limit: value - max_drop, baseline: Some(*value) })
        };
        self.metrics.iter().map(gate).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn run(mean: f64) -> BTreeMap<String, f64> {
        BTreeMap::from([("recall@5".to_owned(), mean)])
    }

    #[test]
    fn a_gate_is_met_from_its_limit_on() {
        let gate = Gate::parse("recall@5=0.8").unwrap();
        for (mean, passed) in [(0.799, false), (0.8, true), (0.9, true)] {
            assert_eq!(gate.check(&run(mean)).unwrap().passed, passed, "{mean}");
        }
        assert_eq!(Gate::parse("map=0.1").unwrap().check(&run(1.0)), None);
        assert_eq!(Gate::parse("facts = 0.8").unwrap().metric, "facts");
        for (text, why) in [
            ("recall@5", "`recall@5` is not METRIC=VALUE"),
            ("recall@5=80", "`80` is not a number from 0 to 1"),
            ("recall@5=NaN", "`NaN` is not a number from 0 to 1"),
            ("reca@5=0.8", "`reca@5` is not a metric"),
            ("facts@5=0.8", "`facts@5` is not a metric"),
        ] {
            assert_eq!(Gate::parse(text).unwrap_err(), why);
        }
    }

    #[test]
    fn a_baseline_is_kept_up_to_what_may_be_lost() {
        let baseline = Baseline { schema_version: 1, cases: 3, metrics: run(0.9) };
        let written = serde_json::to_string(&baseline).unwrap();
        let baseline: Baseline = serde_json::from_str(&written).unwrap();
        let gates = baseline.gates(0.02).unwrap();
        for (mean, passed) in [(0.95, true), (0.9, true), (0.88, true), (0.879, false)] {
            assert_eq!(gates[0].check(&run(mean)).unwrap().passed, passed, "{mean}");
        }
    }
}
