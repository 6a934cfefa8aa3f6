//! `--min`, `--baseline` and `--write-baseline`.

use std::path::PathBuf;

use super::super::context::Context;
use crate::cli::GateFlags;
use crate::error::Failure;
use crate::eval::gate::{Baseline, Gate, GateOutcome};
use crate::eval::metrics::Metric;
use crate::eval::report::Run;
use crate::types::SCHEMA_VERSION;

/// What has to hold, and where to write what did.
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
                Failure::usage(format!("{} is no baseline: {why}", path.display()))
                    .hint("make one with --write-baseline FILE")
            };
            let baseline: Baseline =
                serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            gates.extend(baseline.gates(max_drop).map_err(wrong)?);
        }
        Ok(Self {
            gates,
            write_to: flags.write_baseline.as_ref().map(|path| context.cwd.join(path)),
        })
    }

    /// The metrics, and those that gates look at.
    pub(super) fn with_theirs(&self, mut metrics: Vec<Metric>) -> Vec<Metric> {
        for gate in &self.gates {
            if !metrics.contains(&gate.metric) {
                metrics.push(gate.metric);
            }
        }
        metrics
    }

    pub(super) fn check(&self, run: &Run) -> Vec<GateOutcome> {
        self.gates.iter().filter_map(|gate| gate.check(run)).collect()
    }

    pub(super) fn write(&self, run: &Run) -> Result<(), Failure> {
        let Some(path) = &self.write_to else { return Ok(()) };
        // Texts and numbers always have a JSON text.
        let text = serde_json::to_string_pretty(&Baseline::of(run, SCHEMA_VERSION));
        super::write(path, &format!("{}\n", text.unwrap_or_default()))
    }
}
