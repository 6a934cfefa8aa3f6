//! Metrics of answers. Pure.
//!
//! | metric | meaning | over |
//! | --- | --- | --- |
//! | `facts` | share of the facts of a case that its answer states, word for word except for case and typography | cases with facts and an answer to be found |
//! | `answered` | 1 if there is an answer | cases that expect something |
//! | `refused` | 1 if there is no answer | cases that expect nothing |
//! | `citation-precision` | share of the citations of an answer that are supported: they name a passage, and no check finds that it lacks what is claimed | answers with citations |
//! | `citation-precision-quoted`, `-numbers`, `-words`, `-model` | share of the passages that were compared with quotations, numbers or words, or by the model of `--verify`, in which that check finds everything | answers with a passage that it compared |
//! | `citation-coverage` | share of the sentences of an answer that are cited | answers |
//!
//! The last two are what Gao et al. (2023, ALCE) and Rashkin et al. (2023) ask of attributed answers, by
//! docent's own checks instead of a judge. Metrics from a judge model: [`judged`].

pub mod judged;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use self::judged::JudgedAnswer;
use super::cases::Case;
use super::stats::{self, Interval};
use crate::query::Answer;
use crate::query::cite::{CitationCheck, Citations};
use crate::text::Words;

/// Names of the metrics, in the order of reports.
pub const NAMES: [&str; 11] = [
    "facts",
    "answered",
    "refused",
    "citation-precision",
    "citation-precision-quoted",
    "citation-precision-numbers",
    "citation-precision-words",
    "citation-precision-model",
    "citation-coverage",
    "judged-support",
    "judged-facts",
];

/// Whether a metric comes from a judge.
pub fn is_judged(metric: &str) -> bool {
    metric.starts_with("judged-")
}

/// The result of asking all cases.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct AnswersReport {
    /// The chat model; `extractive` if answers are quoted.
    pub model: String,
    /// The model that judged them; null if none did.
    pub judge: Option<String>,
    /// Metrics that apply to the cases.
    pub metrics: Vec<AnswerValue>,
    pub by_case: Vec<AnswerRow>,
}

/// The mean of a metric.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct AnswerValue {
    pub metric: String,
    /// Number of cases that the mean is over.
    pub cases: usize,
    pub mean: f64,
    /// Its 95 % interval; null for a single case.
    pub interval: Option<Interval>,
}

/// The measures of an answer; null for a metric that does not apply.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct AnswerRow {
    pub id: String,
    pub question: String,
    /// Empty if there is no answer.
    pub answer: String,
    pub facts: Option<f64>,
    /// The facts that the answer does not state.
    pub missing_facts: Vec<String>,
    pub answered: Option<f64>,
    pub refused: Option<f64>,
    pub citation_precision: Option<f64>,
    /// By check; without checks that compared nothing.
    pub citation_precision_by_check: BTreeMap<CitationCheck, f64>,
    pub citation_coverage: Option<f64>,
    /// Null without an answer, a judge, or a verdict.
    pub judged: Option<JudgedAnswer>,
}

/// Measures one answer.
pub fn row(case: &Case, answer: &Answer) -> AnswerRow {
    let there = answer.no_answer.is_none();
    let text = if there { answer.text.as_str() } else { "" };
    let said = Words::of(text);
    let missing: Vec<String> =
        case.facts.iter().filter(|fact| said.find(&Words::of(fact)).is_none()).cloned().collect();
    let found = &answer.citations;
    let verified = found.citations.iter().filter(|citation| citation.verified).count();
    let cited = found.cited_sentences;
    let expects = !case.expected.is_empty();
    AnswerRow {
        id: case.id.clone(),
        question: case.question.clone(),
        answer: text.to_owned(),
        facts: share(case.facts.len() - missing.len(), case.facts.len()).filter(|_| expects),
        missing_facts: missing,
        answered: expects.then_some(f64::from(u8::from(there))),
        refused: (!expects).then_some(f64::from(u8::from(!there))),
        citation_precision: share(verified, found.citations.len() + found.invalid.len())
            .filter(|_| there),
        citation_precision_by_check: if there { by_check(found) } else { BTreeMap::new() },
        citation_coverage: share(cited, cited + found.uncited_sentences.len()).filter(|_| there),
        judged: None,
    }
}

/// For each check, the share of the citations that it compared in which it found nothing missing.
fn by_check(found: &Citations) -> BTreeMap<CitationCheck, f64> {
    let of = |check: CitationCheck| {
        let looked = found.citations.iter().filter(|citation| citation.checks.contains(&check));
        let held =
            looked.clone().filter(|citation| !found.failed(citation.number).contains(&check));
        Some((check, share(held.count(), looked.count())?))
    };
    CitationCheck::ALL.into_iter().filter_map(of).collect()
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The means over the cases.
pub fn report(model: String, judge: Option<String>, by_case: Vec<AnswerRow>) -> AnswersReport {
    let judged =
        |row: &AnswerRow, of: fn(&JudgedAnswer) -> Option<f64>| row.judged.as_ref().and_then(of);
    let of_check = |row: &AnswerRow, check| row.citation_precision_by_check.get(&check).copied();
    let of = |row: &AnswerRow, name: &str| match name {
        "facts" => row.facts,
        "answered" => row.answered,
        "refused" => row.refused,
        "citation-precision" => row.citation_precision,
        "citation-precision-quoted" => of_check(row, CitationCheck::Quoted),
        "citation-precision-numbers" => of_check(row, CitationCheck::Numbers),
        "citation-precision-words" => of_check(row, CitationCheck::Words),
        "citation-precision-model" => of_check(row, CitationCheck::Model),
        "citation-coverage" => row.citation_coverage,
        "judged-support" => judged(row, |judged| judged.support),
        _ => judged(row, |judged| judged.facts),
    };
    let value = |name: &&str| {
        let values: Vec<f64> = by_case.iter().filter_map(|row| of(row, name)).collect();
        Some(AnswerValue {
            metric: (*name).to_owned(),
            cases: values.len(),
            mean: stats::mean(&values)?,
            interval: stats::interval(&values),
        })
    };
    AnswersReport { model, judge, metrics: NAMES.iter().filter_map(value).collect(), by_case }
}
