//! The cases in which two runs differ.

use schemars::JsonSchema;
use serde::Serialize;

use super::report::{CaseRow, EvalRun};

/// A case in which a run does better or worse than the first run.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CaseChange {
    pub id: String,
    pub question: String,
    /// The other run.
    pub run: String,
    /// The metric that differs most.
    pub metric: String,
    /// Value in the first run.
    pub base: f64,
    /// Value in the other run.
    pub value: f64,
}

/// The cases in which runs differ from the first, worst first.
pub fn changes(runs: &[EvalRun]) -> Vec<CaseChange> {
    let Some((base, others)) = runs.split_first() else { return Vec::new() };
    let of = |run: &EvalRun| {
        let pairs = base.by_case.iter().zip(&run.by_case);
        pairs.filter_map(|(before, after)| change(before, after, &run.name)).collect::<Vec<_>>()
    };
    let mut changes: Vec<CaseChange> = others.iter().flat_map(of).collect();
    changes.sort_by(|one, other| gain(one).total_cmp(&gain(other)));
    changes
}

fn gain(change: &CaseChange) -> f64 {
    change.value - change.base
}

fn change(before: &CaseRow, after: &CaseRow, run: &str) -> Option<CaseChange> {
    let changes =
        before.metrics.iter().zip(&after.metrics).map(|(before_it, after_it)| CaseChange {
            id: before.id.clone(),
            question: before.question.clone(),
            run: run.to_owned(),
            metric: before_it.metric.clone(),
            base: before_it.value,
            value: after_it.value,
        });
    // The first of several with the same difference.
    let most =
        changes.reduce(|most, it| if gain(&it).abs() > gain(&most).abs() { it } else { most });
    most.filter(|most| gain(most).abs() > 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::report::CaseValue;
    use super::*;

    fn run(name: &str, cases: &[(&str, [f64; 2])]) -> EvalRun {
        let value = |metric: &str, value| CaseValue { metric: metric.to_owned(), value };
        let row = |(id, [recall, mrr]): &(&str, [f64; 2])| CaseRow {
            id: (*id).to_owned(),
            question: format!("{id}?"),
            tags: Vec::new(),
            metrics: vec![value("recall@5", *recall), value("mrr", *mrr)],
            expected: Vec::new(),
        };
        EvalRun {
            name: name.to_owned(),
            metrics: Vec::new(),
            tags: Vec::new(),
            latency: None,
            by_case: cases.iter().map(row).collect(),
        }
    }

    #[test]
    fn the_worst_comes_first_by_the_metric_that_differs_most() {
        let base = run("v1", &[("a", [1.0, 0.5]), ("b", [0.0, 0.25]), ("c", [1.0, 1.0])]);
        let other = run("v2", &[("a", [1.0, 1.0]), ("b", [0.0, 0.0]), ("c", [0.0, 0.0])]);
        let changes = changes(&[base.clone(), other]);
        let rows: Vec<_> = changes
            .iter()
            .map(|it| (it.id.as_str(), it.metric.as_str(), it.base, it.value))
            .collect();
        let expected =
            [("c", "recall@5", 1.0, 0.0), ("b", "mrr", 0.25, 0.0), ("a", "mrr", 0.5, 1.0)];
        assert_eq!(rows, expected);
        assert!(super::changes(&[base.clone(), base.clone()]).is_empty());
        assert!(super::changes(&[base]).is_empty());
    }
}
