//! Combines the rankings of all cases into a report.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::answers::AnswersReport;
use super::cases::{Case, Expectation};
use super::changes::CaseChange;
use super::judge::{self, JudgedCase, Ranked, RankingUnit};
use super::metrics::Metric;
use super::stats::{self, Interval};
use crate::types::{GateOutcome, Locator};

/// How good retrieval is.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct EvalReport {
    /// File or directory of the cases.
    pub cases_from: String,
    /// What ranks are counted in: `passages` or `documents`.
    pub unit: String,
    /// Number of cases that are measured.
    pub cases: usize,
    /// Cases that expect nothing: they say nothing about retrieval.
    pub left_out: usize,
    /// One for each way to retrieve, or version, that was measured. Gates look at the first; those of
    /// `ingest --promote-if` look at the last.
    pub runs: Vec<EvalRun>,
    /// Metrics of the answers, if they were requested.
    pub answers: Option<AnswersReport>,
    /// The first run compared with each of the others.
    pub comparisons: Vec<RunComparison>,
    /// The cases in which versions differ, worst first; empty if ways to retrieve are compared.
    pub changes: Vec<CaseChange>,
    pub gates: Vec<GateOutcome>,
    /// Every gate is met.
    pub passed: bool,
    pub elapsed_ms: u64,
}

/// One way to retrieve, measured on all cases.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct EvalRun {
    /// `hybrid`, `dense`, `sparse` or `rerank`; `docs@v7` for a version; or what --sweep sets, or the file
    /// of the rankings.
    pub name: String,
    pub metrics: Vec<MetricValue>,
    /// The same for the cases of each tag, ordered by tag.
    pub tags: Vec<TagRow>,
    /// Null if nothing was retrieved.
    pub latency: Option<Latency>,
    pub by_case: Vec<CaseRow>,
}

/// The mean of a metric over the cases.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Value")]
pub struct MetricValue {
    /// `recall@5`
    pub metric: String,
    pub mean: f64,
    /// Its 95 % interval; null for a single case.
    pub interval: Option<Interval>,
}

/// The cases with a tag.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct TagRow {
    pub tag: String,
    pub cases: usize,
    pub metrics: Vec<MetricValue>,
}

/// Time of retrieval, from the question to its passages.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
}

/// The result of one case.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CaseRow {
    pub id: String,
    pub question: String,
    pub tags: Vec<String>,
    pub metrics: Vec<CaseValue>,
    pub expected: Vec<MetExpectation>,
}

#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CaseValue {
    pub metric: String,
    pub value: f64,
}

/// An expectation, and where it was met.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Met")]
pub struct MetExpectation {
    pub source: String,
    #[serde(flatten)]
    pub place: Option<Locator>,
    pub quote: Option<String>,
    pub grade: u32,
    /// Rank of the first item that meets it, from 1; null if none does within the searched depth.
    pub rank: Option<usize>,
}

/// Two runs on the same cases.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Comparison")]
pub struct RunComparison {
    pub metric: String,
    /// The first run.
    pub base: String,
    pub other: String,
    /// Mean of the other run minus that of the base.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
    /// Probability of such a difference by chance (paired randomisation test, two-sided).
    pub p: f64,
    /// Numbers of cases in which the other run is better, and in which it is worse.
    pub better: usize,
    pub worse: usize,
}

/// The rankings of a run, one for each case, in their order.
pub struct Rankings {
    pub name: String,
    pub items: Vec<Vec<Ranked>>,
    /// Passages that each case would be answered from, by the number of chunks that are taken; empty if
    /// they were not packed.
    pub passages: Vec<BTreeMap<usize, Vec<Ranked>>>,
    /// Time of each question; empty if nothing was retrieved.
    pub took: Vec<Duration>,
}

/// Judges a run.
pub fn measure(cases: &[Case], rankings: &Rankings, metrics: &[Metric]) -> EvalRun {
    let by_case: Vec<CaseRow> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| {
            let passages = rankings.passages.get(at);
            row(case, judge::judge(case, &rankings.items[at]), passages, metrics)
        })
        .collect();
    let tags: BTreeSet<&str> =
        cases.iter().flat_map(|case| &case.tags).map(String::as_str).collect();
    let tagged = |tag: &str| {
        let rows: Vec<&CaseRow> =
            by_case.iter().filter(|row| row.tags.iter().any(|of| of == tag)).collect();
        TagRow { tag: tag.to_owned(), cases: rows.len(), metrics: values(&rows, metrics) }
    };
    EvalRun {
        name: rankings.name.clone(),
        metrics: values(&by_case.iter().collect::<Vec<_>>(), metrics),
        tags: tags.into_iter().map(tagged).collect(),
        latency: latency(&rankings.took),
        by_case,
    }
}

fn row(
    case: &Case,
    verdict: JudgedCase,
    passages: Option<&BTreeMap<usize, Vec<Ranked>>>,
    metrics: &[Metric],
) -> CaseRow {
    let value = |metric: &Metric| CaseValue {
        metric: metric.to_string(),
        value: match metric.packed() {
            None => metric.of(&verdict.judged),
            Some(chunks) => {
                let packed = passages.and_then(|by_chunks| by_chunks.get(&chunks));
                packed.map_or(0.0, |packed| metric.of(&judge::judge(case, packed).judged))
            }
        },
    };
    let met = |(expected, rank): (&Expectation, &Option<usize>)| MetExpectation {
        source: expected.source.clone(),
        place: expected.place,
        quote: expected.quote.clone(),
        grade: expected.grade,
        rank: *rank,
    };
    CaseRow {
        id: case.id.clone(),
        question: case.question.clone(),
        tags: case.tags.clone(),
        metrics: metrics.iter().map(value).collect(),
        expected: case.expected.iter().zip(&verdict.ranks).map(met).collect(),
    }
}

/// Means over some of the cases.
fn values(rows: &[&CaseRow], metrics: &[Metric]) -> Vec<MetricValue> {
    let value = |(i, metric): (usize, &Metric)| {
        let values: Vec<f64> = rows.iter().map(|row| row.metrics[i].value).collect();
        MetricValue {
            metric: metric.to_string(),
            mean: stats::mean(&values).unwrap_or_default(),
            interval: stats::interval(&values),
        }
    };
    metrics.iter().enumerate().map(value).collect()
}

fn latency(took: &[Duration]) -> Option<Latency> {
    let milliseconds: Vec<f64> = took.iter().map(|took| took.as_secs_f64() * 1_000.0).collect();
    let at = |share| {
        // Rounded to a hundredth: more digits are noise.
        stats::percentile(&milliseconds, share).map(|value| (value * 100.0).round() / 100.0)
    };
    Some(Latency { p50_ms: at(0.5)?, p95_ms: at(0.95)? })
}

/// The differences of each run from the first, metric by metric.
pub fn compare(runs: &[EvalRun]) -> Vec<RunComparison> {
    let Some((base, others)) = runs.split_first() else { return Vec::new() };
    let metrics = 0..base.metrics.len();
    let pairs = metrics.flat_map(|i| others.iter().map(move |other| (i, other)));
    pairs.map(|(i, other)| difference(base, other, i)).collect()
}

fn difference(base: &EvalRun, other: &EvalRun, metric: usize) -> RunComparison {
    let value = |row: &CaseRow| row.metrics[metric].value;
    let differences: Vec<f64> =
        base.by_case.iter().zip(&other.by_case).map(|(a, b)| value(b) - value(a)).collect();
    RunComparison {
        metric: base.metrics[metric].metric.clone(),
        base: base.name.clone(),
        other: other.name.clone(),
        difference: stats::mean(&differences).unwrap_or_default(),
        interval: stats::interval(&differences),
        p: stats::randomisation_test(&differences),
        better: differences.iter().filter(|difference| **difference > 0.0).count(),
        worse: differences.iter().filter(|difference| **difference < 0.0).count(),
    }
}

/// `passages`, `documents`.
pub fn plural(unit: RankingUnit) -> String {
    format!("{}s", unit.noun())
}
