//! `docent ingest --promote-if`: compares a new version with the live one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::super::Context;
use super::rankings::RankingDepth;
use super::{CaseSet, versions};
use crate::cancel::Cancel;
use crate::error::Failure;
use crate::eval::changes;
use crate::eval::gate::Gate;
use crate::eval::metrics::Metric;
use crate::eval::promotion::PromotionCondition;
use crate::eval::report::{self, EvalReport};
use crate::service::Engine;
use crate::ui::Ui;

/// The judgements to use of a directory in BEIR format.
const SPLIT: &str = "test";

/// The conditions that a version has to meet to become live, and the cases to measure it.
pub(in crate::commands) struct PromotionGate {
    set: CaseSet,
    conditions: Vec<PromotionCondition>,
    metrics: Vec<Metric>,
}

impl PromotionGate {
    /// Reads conditions and cases, as typed, before anything is built: a mistake costs no build.
    pub(in crate::commands) fn load(
        context: &Context,
        cases: &Path,
        conditions: &[String],
    ) -> Result<Self, Failure> {
        let parse = |text: &String| {
            PromotionCondition::parse(text).map_err(|why| {
                Failure::usage(format!("--promote-if {}: {why}", text.trim()))
                    .hint("such as --promote-if 'recall@5>=0.8, ndcg@10>=live-0.01'")
            })
        };
        let conditions = conditions.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let set = CaseSet::read(context, cases, SPLIT, false)?.answerable()?;
        let mut metrics = super::usual(set.unit);
        for PromotionCondition { metric, .. } in &conditions {
            if !metrics.contains(metric) {
                metrics.push(*metric);
            }
        }
        Ok(Self { set, conditions, metrics })
    }

    /// Whether the live version has to be measured.
    pub(in crate::commands) fn is_about_live(&self) -> bool {
        self.conditions.iter().any(PromotionCondition::is_about_live)
    }

    /// Measures `version` and `live` on the same cases. If `live` is `None`, conditions about it hold.
    pub(in crate::commands) async fn measure(
        &mut self,
        ui: &mut Ui,
        engine: &Engine,
        live: Option<u32>,
        version: u32,
        cancel: &Cancel,
    ) -> Result<EvalReport, Failure> {
        let started = Instant::now();
        let numbers: Vec<u32> = live.into_iter().chain([version]).collect();
        let depth = RankingDepth { metrics: &self.metrics, in_full: false };
        let runs = versions::rankings(ui, engine, &mut self.set, &numbers, depth, cancel).await?;
        let (cases, metrics) = (&self.set.cases, &self.metrics);
        let runs: Vec<report::EvalRun> =
            runs.iter().map(|run| report::measure(cases, run, metrics)).collect();
        let before =
            live.and(runs.first()).map_or_else(BTreeMap::new, |run| super::means(run, None));
        let built = runs.last().map_or_else(BTreeMap::new, |run| super::means(run, None));
        let gates = self.conditions.iter().filter_map(|condition| condition.gate(&before));
        let outcomes: Vec<_> = gates.filter_map(|gate: Gate| gate.check(&built)).collect();
        Ok(EvalReport {
            cases_from: self.set.name.clone(),
            unit: report::plural(self.set.unit),
            cases: cases.len(),
            left_out: self.set.unanswerable.len(),
            comparisons: report::compare(&runs),
            changes: changes::changes(&runs),
            runs,
            answers: None,
            passed: outcomes.iter().all(|outcome| outcome.passed),
            gates: outcomes,
            elapsed_ms: started.elapsed().as_millis() as u64,
        })
    }
}
