//! What `explain` prints: why passages were found, and why a document was not.

mod advice;
mod reasons;

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::HitJson;
use crate::query::PreparedPrompt;
use crate::query::explain::{self, ExplainVerdict, Probe};
use crate::query::pack::PackOutcome;
use crate::service::explaining::ExpectedOutcome;
use crate::types::{Locator, Mode};

pub use advice::advice;
pub use reasons::{message, outcome_label};

/// The findings of `docent explain`.
pub struct Explained<'a> {
    pub question: &'a str,
    pub mode: Mode,
    /// How many chunks packing takes.
    pub k: usize,
    pub max_tokens: usize,
    pub prepared: &'a PreparedPrompt,
    /// For each hit: the part of its BM25 score that is due to words in the name of its document.
    pub name_scores: &'a [f32],
    pub sought: Option<&'a ExpectedOutcome>,
    pub elapsed_ms: u64,
    /// Where relative sources are, for hyperlinks.
    pub root: &'a Path,
}

/// Why passages were found, and why a document was not.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Explanation")]
pub struct ExplainJson {
    pub question: String,
    /// What was retrieved with: the question, or how the chat model worded it.
    pub queries: Vec<String>,
    /// The passage that the chat model wrote for dense retrieval, if it wrote one.
    pub hypothetical: Option<String>,
    pub mode: Mode,
    /// How many passages the hits were packed into.
    pub passages: usize,
    /// Tokens of the prompt with these passages.
    pub prompt_tokens: usize,
    /// Everything that packing chose from, best first.
    pub hits: Vec<ExplainedHit>,
    /// What became of the expected document; null without `--expect`.
    pub expected: Option<ExpectedJson>,
    pub elapsed_ms: u64,
}

/// A hit, and what packing made of it.
#[derive(Serialize, JsonSchema)]
pub struct ExplainedHit {
    /// The passage that contains it; null where no passage does.
    pub passage: Option<u32>,
    /// Why it is not in a passage; null where it is.
    pub dropped: Option<&'static str>,
    /// The passage that has the same text, or most of it, if that is why.
    pub like_passage: Option<u32>,
    /// Part of the score in `sparse` that is due to words in the document's name: its file, directories
    /// or site.
    pub name_score: f32,
    #[serde(flatten)]
    pub hit: HitJson,
}

/// A line of `explain --format jsonl`.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ExplainEvent {
    Hit(ExplainedHit),
    /// Last, with `--expect`.
    Expected(ExpectedJson),
}

/// What became of an expected document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Expected")]
pub struct ExpectedJson {
    pub source: String,
    /// The expected place in the document.
    pub place: Option<Locator>,
    pub verdict: VerdictJson,
    /// The verdict in words.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The passages that contain it, or the expected place.
    pub passages: Vec<u32>,
    /// Why packing left it out, if it was crowded out.
    pub dropped: Option<&'static str>,
    /// The stored source that may have been meant.
    pub nearest: Option<String>,
    /// Its best chunk for the question, if it was looked for.
    pub best: Option<BestJson>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Verdict")]
#[serde(rename_all = "snake_case")]
pub enum VerdictJson {
    /// It is among the passages.
    Found,
    /// It has no record.
    NotIngested,
    /// It could not be ingested.
    Failed,
    /// Its file has changed or is gone.
    Stale,
    /// It does not pass `--source`, `--kind` or `--tag`.
    Filtered,
    /// It is not among the hits that packing chooses from.
    BelowCut,
    /// Nothing is stored of it at the expected place.
    NoSuchPlace,
    /// It scores below `--min-score`.
    BelowFloor,
    /// It was found, but packing left it out.
    CrowdedOut,
}

/// A chunk, with its rank and score in each ranking.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Best")]
pub struct BestJson {
    /// Source and place in one: `path:L10-L24`, `path#page=3`.
    pub citation: String,
    /// Headings above the text, outermost first.
    pub headings: Vec<String>,
    /// Null where this retrieval was not used, or does not rank the chunk.
    pub dense: Option<RankJson>,
    /// Null where this retrieval was not used, or does not rank the chunk.
    pub sparse: Option<RankJson>,
    /// Its final rank; below the cut, the rank after fusion. Null where it is a candidate of neither
    /// dense nor sparse retrieval.
    pub overall: Option<RankJson>,
    /// Words of the question that it has, without stop words.
    pub words_present: Vec<String>,
    /// Words of the question that it lacks.
    pub words_absent: Vec<String>,
}

/// Rank and score in a ranking.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Standing")]
pub struct RankJson {
    /// Rank from 1; null below the first 5,000.
    pub rank: Option<u32>,
    pub score: f32,
}

impl ExplainJson {
    pub fn new(explained: &Explained<'_>) -> Self {
        let PreparedPrompt { queries, composed, .. } = explained.prepared;
        Self {
            question: explained.question.to_owned(),
            queries: queries.queries.clone(),
            hypothetical: queries.hypothetical.clone(),
            mode: explained.mode,
            passages: composed.request.passages.len(),
            prompt_tokens: composed.tokens,
            hits: ExplainedHit::all(explained).collect(),
            expected: explained.sought.map(|sought| ExpectedJson::new(explained, sought)),
            elapsed_ms: explained.elapsed_ms,
        }
    }
}

impl ExplainedHit {
    /// One for every hit, best first.
    pub fn all(explained: &Explained<'_>) -> impl Iterator<Item = Self> {
        let prepared = explained.prepared;
        let fated = (1..).zip(&*prepared.hits).zip(&*prepared.composed.fates);
        fated.zip(explained.name_scores).map(|(((rank, hit), fate), &name_score)| {
            let (passage, dropped, like_passage) = match *fate {
                PackOutcome::Passage(number) => (Some(number), None, None),
                PackOutcome::Dropped { reason, like } => (None, Some(reason.name()), like),
            };
            Self { passage, dropped, like_passage, name_score, hit: HitJson::new(rank, hit) }
        })
    }
}

impl ExpectedJson {
    pub fn new(explained: &Explained<'_>, sought: &ExpectedOutcome) -> Self {
        let (verdict, passages, dropped) = match &sought.verdict {
            ExplainVerdict::Found { passages } => (VerdictJson::Found, passages.clone(), None),
            ExplainVerdict::CrowdedOut { reason, passages } => {
                (VerdictJson::CrowdedOut, passages.clone(), Some(reason.name()))
            }
            ExplainVerdict::NotIngested => (VerdictJson::NotIngested, Vec::new(), None),
            ExplainVerdict::Failed { .. } => (VerdictJson::Failed, Vec::new(), None),
            ExplainVerdict::Stale(_) => (VerdictJson::Stale, Vec::new(), None),
            ExplainVerdict::Filtered(_) => (VerdictJson::Filtered, Vec::new(), None),
            ExplainVerdict::BelowCut => (VerdictJson::BelowCut, Vec::new(), None),
            ExplainVerdict::NoSuchPlace => (VerdictJson::NoSuchPlace, Vec::new(), None),
            ExplainVerdict::BelowFloor { .. } => (VerdictJson::BelowFloor, Vec::new(), None),
        };
        Self {
            source: sought.expected.source.clone(),
            place: sought.expected.place,
            verdict,
            message: message(explained, sought),
            hint: advice(explained, sought),
            passages,
            dropped,
            nearest: sought.nearest.clone(),
            best: sought.probe.as_ref().map(|probe| BestJson::new(probe, &sought.words)),
        }
    }
}

impl BestJson {
    fn new(probe: &Probe, words: &explain::WordMatch) -> Self {
        let standing = |it: explain::RankedScore| RankJson { rank: it.rank, score: it.score };
        Self {
            citation: probe.chunk.locator.cite(&probe.chunk.source),
            headings: probe.chunk.headings.clone(),
            dense: probe.dense.map(standing),
            sparse: probe.sparse.map(standing),
            overall: probe.overall.map(standing),
            words_present: words.present.clone(),
            words_absent: words.absent.clone(),
        }
    }
}
