//! `--min`, `--baseline` and `--write-baseline`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::Context;
use crate::cli::GateFlags;
use crate::error::Failure;
use crate::eval::answers;
use crate::eval::gate::{Baseline, Gate};
use crate::eval::metrics::Metric;
use crate::service::output_file::forbid_way_out;
use crate::types::{GateOutcome, SCHEMA_VERSION};

/// The gates, and the file for a new baseline.
pub(super) struct Gates {
    gates: Vec<Gate>,
    write_to: Option<PathBuf>,
}

impl Gates {
    pub(super) fn load(context: &Context, flags: &GateFlags) -> Result<Self, Failure> {
        let parse = |text: &String| {
            Gate::parse(text).map_err(|why| {
                Failure::usage(format!("--min {text}: {why}")).hint("such as --min recall@5=0.8")
            })
        };
        let mut gates = flags.min.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let max_drop = flags.max_drop.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&max_drop) {
            return Err(Failure::usage(format!("--max-drop {max_drop} is not between 0 and 1")));
        }
        if let Some(path) = &flags.baseline {
            let text = super::read(&context.cwd.join(path))?;
            let wrong = |why: String| {
                Failure::usage(format!("{} is not a baseline: {why}", path.display()))
                    .hint("write one with --write-baseline FILE")
            };
            let baseline: Baseline =
                serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            gates.extend(baseline.gates(max_drop).map_err(wrong)?);
        }
        let write_to = flags.write_baseline.as_ref().map(|path| context.cwd.join(path));
        if let Some(path) = &write_to {
            forbid_way_out(path, &context.root)?;
        }
        Ok(Self { gates, write_to })
    }

    /// The file of the baseline that is to be written.
    pub(super) fn written_to(&self) -> Option<&PathBuf> {
        self.write_to.as_ref()
    }

    /// Adds the metrics that gates need.
    pub(super) fn with_theirs(&self, mut metrics: Vec<Metric>) -> Vec<Metric> {
        for metric in self.gates.iter().filter_map(|gate| Metric::parse(&gate.metric).ok()) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        metrics
    }

    /// Fails if a gate needs answers that are not measured.
    pub(super) fn need(&self, asked: bool, judged: bool) -> Result<(), Failure> {
        for Gate { metric, .. } in &self.gates {
            let of_answers = Metric::parse(metric).is_err();
            let missing = match answers::is_judged(metric) {
                true if !judged => "add --answers --judge MODEL",
                _ if of_answers && !asked => "add --answers",
                _ => continue,
            };
            let failure = Failure::usage(format!("the gate on `{metric}` needs answers"));
            return Err(failure.hint(missing));
        }
        Ok(())
    }

    pub(super) fn check(&self, means: &BTreeMap<String, f64>) -> Result<Vec<GateOutcome>, Failure> {
        let check = |gate: &Gate| {
            gate.check(means).ok_or_else(|| {
                Failure::usage(format!("no case has a value for the gate on `{}`", gate.metric))
            })
        };
        self.gates.iter().map(check).collect()
    }

    pub(super) fn write(
        &self,
        metrics: BTreeMap<String, f64>,
        cases: usize,
    ) -> Result<(), Failure> {
        let Some(path) = &self.write_to else { return Ok(()) };
        let baseline = Baseline { schema_version: SCHEMA_VERSION, cases, metrics };
        // Texts and numbers can always be written as JSON.
        let text = serde_json::to_string_pretty(&baseline);
        super::write(path, &format!("{}\n", text.unwrap_or_default()))
    }
}
