//! Metrics of rankings. Pure; each agrees with `trec_eval` on the same run file.
//!
//! | metric | meaning | in `trec_eval` |
//! | --- | --- | --- |
//! | `recall@k` | share of what should be found that is among the first k | `recall_k` |
//! | `precision@k` | share of the first k that should be found; of k, even if fewer were found | `P_k` |
//! | `hit@k` | 1 if any of the first k should be found, else 0 | `success_k` |
//! | `mrr@k` | 1 / rank of the first that should be found, 0 if it is not among the first k | `recip_rank` |
//! | `ndcg@k` | gain of the first k, each divided by log2(rank + 1), over the best there could be | `ndcg_cut_k` |
//! | `passages@k` | share of what should be found that is in the passages: what an answer is made from, packed from k chunks | none |
//! | `map@k` | mean, over all that should be found, of the precision at its rank; 0 beyond k | `map_cut_k` |
//!
//! The gain of `ndcg` is the grade itself (Järvelin and Kekäläinen, 2002, with the discount of
//! `trec_eval`), not 2^grade - 1. A grade of 1 or more counts as relevant everywhere else. Without
//! `@k` the whole ranking counts. The value of a run is the mean over its cases.
//!
//! # Passages that meet several expectations
//!
//! A document is one item, and a judgement is about one document. A passage may meet two expectations at
//! once, or be the second to meet the same one. For `ndcg` and `map`, a passage that is the first to meet n
//! expectations counts as n items in a row, and a passage that only meets what was met before has no gain:
//! so neither metric can exceed 1, and repeating something is not a merit. `recall`, `precision`, `hit` and
//! `mrr` count passages as they are; for `precision`, every passage that meets an expectation is relevant.

use std::fmt;

use crate::types::DEEPEST;

/// A ranking, compared with what should have been found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JudgedRanking {
    /// What was retrieved, best first.
    pub items: Vec<RankedItem>,
    /// Grades of all that should be found, each 1 or more.
    pub expected: Vec<u32>,
}

/// Something that was retrieved.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RankedItem {
    /// It meets an expectation, even one that was met before.
    pub relevant: bool,
    /// Grades of the expectations that it is the first to meet.
    pub gains: Vec<u32>,
}

impl JudgedRanking {
    /// The items, with each gain as a separate item.
    fn expanded(&self) -> impl Iterator<Item = u32> {
        self.items.iter().flat_map(|item| match item.gains.as_slice() {
            [] => vec![0],
            gains => gains.to_vec(),
        })
    }

    fn first(&self, k: usize) -> &[RankedItem] {
        &self.items[..self.items.len().min(k)]
    }
}

/// A measure of a ranking.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MetricKind {
    Recall,
    Precision,
    Hit,
    Mrr,
    Ndcg,
    Map,
    /// Of passages as they are packed, not of a ranking.
    Passages,
}

impl MetricKind {
    pub const ALL: [Self; 7] = [
        Self::Recall,
        Self::Precision,
        Self::Hit,
        Self::Mrr,
        Self::Ndcg,
        Self::Map,
        Self::Passages,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Precision => "precision",
            Self::Hit => "hit",
            Self::Mrr => "mrr",
            Self::Ndcg => "ndcg",
            Self::Map => "map",
            Self::Passages => "passages",
        }
    }

    /// Whether the measure needs a cut-off.
    fn wants_cut(self) -> bool {
        matches!(self, Self::Recall | Self::Precision | Self::Hit | Self::Passages)
    }
}

/// A measure with its cut-off: `recall@5`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Metric {
    pub measure: MetricKind,
    /// How many items count; all if `None`.
    pub k: Option<usize>,
}

/// Why a text is not the name of a metric.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MetricError {
    #[error("`{0}` is not a metric")]
    Unknown(String),
    #[error("`{0}` needs a cut-off, such as `{0}@5`")]
    NoCut(&'static str),
    #[error("`{0}` is not a cut-off: use a number from 1 to {DEEPEST}")]
    Cut(String),
}

impl Metric {
    pub fn at(measure: MetricKind, k: usize) -> Self {
        Self { measure, k: Some(k) }
    }

    pub fn parse(text: &str) -> Result<Self, MetricError> {
        let lower = text.trim().to_lowercase();
        let (name, cut) = match lower.split_once('@') {
            Some((name, cut)) => (name, Some(cut)),
            None => (lower.as_str(), None),
        };
        let measure = MetricKind::ALL
            .into_iter()
            .find(|measure| measure.name() == name)
            .ok_or_else(|| MetricError::Unknown(text.trim().to_owned()))?;
        let number = |cut: &str| cut.parse().ok().filter(|k| (1..=DEEPEST).contains(k));
        let k = match cut {
            Some(cut) => Some(number(cut).ok_or_else(|| MetricError::Cut(cut.to_owned()))?),
            None if measure.wants_cut() => return Err(MetricError::NoCut(measure.name())),
            None => None,
        };
        Ok(Self { measure, k })
    }

    /// Number of chunks that the passages are packed from; `None` if the metric is about a ranking.
    pub fn packed(self) -> Option<usize> {
        self.k.filter(|_| self.measure == MetricKind::Passages)
    }

    /// The value for one ranking, or for [packed](Self::packed) passages, within 0..=1; 0 if nothing is
    /// expected.
    pub fn of(self, judged: &JudgedRanking) -> f64 {
        if judged.expected.is_empty() {
            return 0.0;
        }
        let k = self.k.unwrap_or(usize::MAX);
        match self.measure {
            MetricKind::Recall => recall(judged, k),
            MetricKind::Precision => precision(judged, k),
            MetricKind::Hit => f64::from(u8::from(first_relevant(judged, k).is_some())),
            MetricKind::Mrr => first_relevant(judged, k).map_or(0.0, |rank| 1.0 / rank as f64),
            MetricKind::Ndcg => ndcg(judged, k),
            MetricKind::Map => average_precision(judged, k),
            // Neighbours are one passage, and all packed passages count.
            MetricKind::Passages => recall(judged, usize::MAX),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.k {
            Some(k) => write!(f, "{}@{k}", self.measure.name()),
            None => f.write_str(self.measure.name()),
        }
    }
}

fn recall(judged: &JudgedRanking, k: usize) -> f64 {
    let found: usize = judged.first(k).iter().map(|item| item.gains.len()).sum();
    found as f64 / judged.expected.len() as f64
}

fn precision(judged: &JudgedRanking, k: usize) -> f64 {
    judged.first(k).iter().filter(|item| item.relevant).count() as f64 / k as f64
}

/// Rank of the first relevant item, from 1.
fn first_relevant(judged: &JudgedRanking, k: usize) -> Option<usize> {
    judged.first(k).iter().position(|item| item.relevant).map(|at| at + 1)
}

fn ndcg(judged: &JudgedRanking, k: usize) -> f64 {
    let mut best = judged.expected.clone();
    best.sort_unstable_by(|a, b| b.cmp(a));
    dcg(judged.expanded(), k) / dcg(best.into_iter(), k)
}

fn dcg(gains: impl Iterator<Item = u32>, k: usize) -> f64 {
    let discounted = |(rank, gain): (u32, u32)| f64::from(gain) / f64::from(rank + 1).log2();
    (1..).zip(gains.take(k)).map(discounted).sum()
}

fn average_precision(judged: &JudgedRanking, k: usize) -> f64 {
    let mut found = 0_usize;
    let mut sum = 0.0;
    for (rank, gain) in (1_usize..).zip(judged.expanded().take(k)) {
        if gain > 0 {
            found += 1;
            sum += found as f64 / rank as f64;
        }
    }
    sum / judged.expected.len() as f64
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trec;
