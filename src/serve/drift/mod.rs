//! Whether questions, retrieval and answers are still like those that the server was set up for.
//!
//! Each signal is a number per question. The first samples, or those of a file, are the baseline; the
//! latest are the window. Both are bounded in size, and hold no question, name or text.

mod baseline;
mod report;
mod statistics;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use baseline::Documents;
pub use baseline::DriftBaseline;
use report::CollectionDrift;
pub(super) use report::{described, drift, gauges};

use super::answering::AskedCollection;
use crate::error::Failure;
use crate::interaction::oov_rate;
use crate::query::Answer;
use crate::service::Engine;
use crate::types::Hit;

/// Most samples in the window of the latest.
const WINDOW: usize = 500;

/// With fewer samples, no state is reported.
const FEW: usize = 30;

/// The signals that are watched.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "DriftSignal")]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Score of the first hit.
    TopScore,
    /// The distance from the first hit's score to that of the last of the `search.k` first.
    ScoreGap,
    /// Share of a question's words that its model's vocabulary lacks, by letters.
    UnknownWords,
    /// Questions without an answer.
    NoAnswer,
    /// Answers with an unsupported citation, among those that cite.
    UnsupportedCitations,
    /// Answers that readers rated as poor, among those that were rated.
    PoorFeedback,
    /// Share of chunks that differ from the baseline. Computed from the documents, not from questions.
    ChangedChunks,
}

impl Signal {
    /// Signals with at most one sample per question.
    const SAMPLED: [Self; 6] = [
        Self::TopScore,
        Self::ScoreGap,
        Self::UnknownWords,
        Self::NoAnswer,
        Self::UnsupportedCitations,
        Self::PoorFeedback,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TopScore => "top_score",
            Self::ScoreGap => "score_gap",
            Self::UnknownWords => "unknown_words",
            Self::NoAnswer => "no_answer",
            Self::UnsupportedCitations => "unsupported_citations",
            Self::PoorFeedback => "poor_feedback",
            Self::ChangedChunks => "changed_chunks",
        }
    }

    /// How many of the first samples become the baseline if no file has one.
    fn learned_from(self) -> usize {
        match self {
            // Few readers rate answers.
            Self::PoorFeedback => 50,
            _ => 200,
        }
    }
}

/// The watched values of one question.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct QuestionSample {
    /// `None` if nothing was retrieved.
    top_score: Option<f32>,
    score_gap: Option<f32>,
    unknown_words: f32,
    /// `None` if no answer was sought.
    no_answer: Option<bool>,
    /// `None` if nothing is cited.
    unsupported: Option<bool>,
}

impl QuestionSample {
    /// `k`: the number of passages if a question does not set it.
    pub fn of_search(question: &str, hits: &[Hit], k: usize) -> Self {
        Self::of_scores(question, hits.iter().map(|hit| hit.score), k)
    }

    fn of_scores(question: &str, scores: impl Iterator<Item = f32> + Clone, k: usize) -> Self {
        let scores = || scores.clone().take(k.max(1));
        let top_score = scores().next();
        Self {
            top_score,
            score_gap: top_score.zip(scores().last()).map(|(first, last)| first - last),
            unknown_words: oov_rate(question),
            ..Self::default()
        }
    }

    pub fn of_answer(question: &str, answer: &Answer, k: usize) -> Self {
        let citations = &answer.citations.citations;
        let unsupported = citations.iter().any(|citation| !citation.verified);
        Self {
            no_answer: Some(answer.no_answer.is_some()),
            unsupported: (!citations.is_empty()).then_some(unsupported),
            ..Self::of_scores(question, answer.scores.iter().copied(), k)
        }
    }

    fn values(&self) -> impl Iterator<Item = (Signal, f32)> {
        let truth = |it: Option<bool>| it.map(|it| if it { 1.0 } else { 0.0 });
        let values = [
            (Signal::TopScore, self.top_score),
            (Signal::ScoreGap, self.score_gap),
            (Signal::UnknownWords, Some(self.unknown_words)),
            (Signal::NoAnswer, truth(self.no_answer)),
            (Signal::UnsupportedCitations, truth(self.unsupported)),
        ];
        values.into_iter().filter_map(|(signal, value)| Some((signal, value?)))
    }
}

/// The samples of a signal.
#[derive(Default)]
struct Samples {
    base: Vec<f32>,
    /// The baseline comes from a file.
    is_given: bool,
    /// The latest samples.
    now: VecDeque<f32>,
}

impl Samples {
    fn add(&mut self, signal: Signal, value: f32) {
        if !self.is_given && self.base.len() < signal.learned_from() {
            self.base.push(value);
            return;
        }
        if self.now.len() == WINDOW {
            self.now.pop_front();
        }
        self.now.push_back(value);
    }
}

/// The watched signals of a collection.
#[derive(Default)]
struct Watched {
    samples: BTreeMap<Signal, Samples>,
    /// When the baseline was written; `None` if it is learned.
    written_at: Option<String>,
    documents: Option<Documents>,
    /// The state of the collection when its documents were last compared, and the share that had changed.
    looked: Option<(AskedCollection, f64)>,
}

/// Watches the served collections.
pub(super) struct DriftMonitor {
    collections: BTreeMap<String, Mutex<Watched>>,
}

impl DriftMonitor {
    /// # Errors
    /// The baseline cannot be read, or belongs to a collection that is not served.
    pub(super) fn open<'a>(
        baseline: Option<&Path>,
        collections: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Failure> {
        let mut watched: BTreeMap<String, Watched> =
            collections.map(|name| (name.to_owned(), Watched::default())).collect();
        if let Some(path) = baseline {
            let unusable = |problem: String| {
                Failure::config(format!("--drift-baseline {}: {problem}", path.display()))
                    .hint("docent eval CASES --answers --write-drift-baseline FILE writes one")
            };
            let read = DriftBaseline::read(path).map_err(|error| unusable(error.to_string()))?;
            let of = watched.get_mut(&read.collection);
            let of = of.ok_or_else(|| {
                unusable(format!(
                    "it belongs to the collection `{}`, which is not served",
                    read.collection
                ))
            })?;
            *of = Watched::from(read);
        }
        let collections = watched.into_iter().map(|(name, it)| (name, Mutex::new(it))).collect();
        Ok(Self { collections })
    }

    fn watched(&self, collection: &str) -> Option<MutexGuard<'_, Watched>> {
        let watched = self.collections.get(collection)?;
        Some(watched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds the samples of a question that was asked with the configured settings.
    pub(super) fn observe(&self, collection: &str, observation: &QuestionSample) {
        let Some(mut watched) = self.watched(collection) else { return };
        for (signal, value) in observation.values() {
            watched.samples.entry(signal).or_default().add(signal, value);
        }
    }

    /// Adds a reader's rating of an answer, from 0 to 1.
    pub(super) fn rate(&self, collection: &str, score: f64) {
        let Some(mut watched) = self.watched(collection) else { return };
        let value = if score < 0.5 { 1.0 } else { 0.0 };
        watched.samples.entry(Signal::PoorFeedback).or_default().add(Signal::PoorFeedback, value);
    }

    /// Compares the documents of a collection with the baseline, if the collection has changed since the
    /// last time.
    ///
    /// # Errors
    /// The collection cannot be read.
    pub(super) async fn look(&self, name: &str, engine: &Engine) -> Result<(), Failure> {
        let reader = engine.reader().await?;
        let asked = AskedCollection::new(name, &reader);
        let is_known = |it: &Watched| it.looked.as_ref().is_some_and(|(known, _)| *known == asked);
        if self.watched(name).is_some_and(|watched| is_known(&watched)) {
            return Ok(());
        }
        let documents = reader.documents().await?;
        let Some(mut watched) = self.watched(name) else { return Ok(()) };
        let base = watched.documents.get_or_insert_with(|| Documents::of(&documents));
        let share = base.share_changed(&documents);
        watched.looked = Some((asked, share));
        Ok(())
    }

    /// The same for each collection that can be read.
    pub(super) async fn look_at_all<'a>(
        &self,
        engines: impl Iterator<Item = (&'a str, &'a Arc<Engine>)>,
    ) {
        for (name, engine) in engines {
            // A missing collection is reported when it is asked.
            let _ = self.look(name, engine).await;
        }
    }

    fn report(&self) -> Vec<CollectionDrift> {
        let names = self.collections.keys();
        names.filter_map(|name| Some(CollectionDrift::new(name, &*self.watched(name)?))).collect()
    }
}

impl From<DriftBaseline> for Watched {
    fn from(baseline: DriftBaseline) -> Self {
        let DriftBaseline { samples, documents, written_at, .. } = baseline;
        let enough = samples.into_iter().filter(|(_, base)| base.len() >= FEW);
        let given = |base| Samples { base, is_given: true, ..Samples::default() };
        Self {
            samples: enough.map(|(signal, base)| (signal, given(base))).collect(),
            written_at: Some(written_at),
            documents: Some(documents),
            looked: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::report::DriftState;
    use super::*;

    fn observation(top_score: f32, no_answer: bool) -> QuestionSample {
        QuestionSample {
            top_score: Some(top_score),
            score_gap: Some(top_score / 2.0),
            unknown_words: 0.02,
            no_answer: Some(no_answer),
            unsupported: None,
        }
    }

    fn state(drift: &DriftMonitor, signal: Signal) -> DriftState {
        let report = drift.report();
        report[0].signals.iter().find(|it| it.signal == signal).unwrap().state
    }

    /// Pseudo-random numbers from 0 to 1, always the same.
    fn scattered(at: usize) -> f32 {
        (at as f32 * 0.618_034).fract()
    }

    #[test]
    fn samples_unlike_the_first_ones_are_drift() {
        let drift = DriftMonitor::open(None, ["docs"].into_iter()).unwrap();
        let ask = |range: std::ops::Range<usize>, shift: f32, unanswered: usize| {
            for at in range {
                let unanswered = at.is_multiple_of(unanswered);
                drift.observe("docs", &observation(scattered(at) + shift, unanswered));
            }
        };
        ask(0..200, 0.0, 20);
        assert_eq!(state(&drift, Signal::TopScore), DriftState::TooFew);
        ask(0..FEW - 1, 0.0, 20);
        assert_eq!(state(&drift, Signal::TopScore), DriftState::TooFew);
        ask(200..700, 0.0, 20);
        for signal in [Signal::TopScore, Signal::ScoreGap, Signal::UnknownWords, Signal::NoAnswer] {
            assert_eq!(state(&drift, signal), DriftState::Steady, "{signal:?}");
        }
        assert_eq!(state(&drift, Signal::UnsupportedCitations), DriftState::TooFew, "none cites");
        ask(700..1_200, 0.5, 3);
        for signal in [Signal::TopScore, Signal::ScoreGap, Signal::NoAnswer] {
            assert_eq!(state(&drift, signal), DriftState::Drifted, "{signal:?}");
        }
        assert_eq!(state(&drift, Signal::UnknownWords), DriftState::Steady);
        let watched = drift.watched("docs").unwrap();
        let kept = watched.samples.values().map(|it| it.base.len() + it.now.len());
        assert_eq!(kept.max(), Some(200 + WINDOW), "older samples are dropped");
        drop(watched);
        for at in 0..100 {
            drift.rate("docs", if at < 50 { 1.0 } else { 0.0 });
        }
        assert_eq!(state(&drift, Signal::PoorFeedback), DriftState::Drifted);
    }

    #[test]
    fn a_file_is_the_baseline_if_it_has_enough_samples() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("baseline.json");
        let observed: Vec<QuestionSample> =
            (0..100).map(|at| observation(scattered(at), false)).collect();
        DriftBaseline::new("docs", &observed, &baseline::tests::records(0..3, "a"))
            .write(&path)
            .unwrap();
        assert!(DriftMonitor::open(Some(&path), ["other"].into_iter()).is_err());
        let drift = DriftMonitor::open(Some(&path), ["docs", "other"].into_iter()).unwrap();
        for at in 0..FEW {
            drift.observe("docs", &observation(scattered(at) + 5.0, false));
        }
        assert_eq!(state(&drift, Signal::TopScore), DriftState::Drifted);
        assert_eq!(state(&drift, Signal::UnknownWords), DriftState::Steady);
        drift.rate("docs", 1.0);
        assert_eq!(state(&drift, Signal::PoorFeedback), DriftState::TooFew, "it is learned");
        assert_eq!(drift.report().len(), 2);
    }
}
