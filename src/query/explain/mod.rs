//! Explains why an expected document is, or is not, among the passages.
//!
//! [`verdict`] looks at what is known of an expected document and says what kept it out: the first obstacle
//! on its way from the file to a passage. [`mod@probe`] finds out how far its best chunk is below the cut.

mod named;
mod probe;

use unicode_segmentation::UnicodeSegmentation as _;

use super::pack::{DropReason, PackOutcome};
use super::subject::subject;
use crate::embed::names::Name;
use crate::embed::sparse::SparseEncoder;
use crate::types::{Chunk, DocumentRecord, FailureRecord, Filter, Hit, Locator};

pub use named::name_scores;
pub use probe::{DEPTH, Probe, RankedScore, probe, probe_hit};

/// A document that is expected among the passages, or a place in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    pub source: String,
    /// A passage has to overlap it.
    pub place: Option<Locator>,
}

impl Expected {
    pub fn covers(&self, chunk: &Chunk) -> bool {
        chunk.source == self.source && self.place.is_none_or(|place| place.overlaps(chunk.locator))
    }

    /// Source and place, as in a citation.
    pub fn citation(&self) -> String {
        self.place.map_or_else(|| self.source.clone(), |place| place.cite(&self.source))
    }
}

/// How a stored document differs from its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Staleness {
    Changed,
    Gone,
}

/// The part of a filter that keeps a document out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilterPart {
    Source,
    Kind,
    Tag,
}

/// What kept an expected document out, or that it was found.
#[derive(Clone, PartialEq, Debug)]
pub enum ExplainVerdict {
    NotIngested,
    /// It could not be ingested; what is stored, if anything, is an earlier version.
    Failed {
        reason: String,
    },
    Stale(Staleness),
    Filtered(Vec<FilterPart>),
    /// Not among the hits that packing chooses from.
    BelowCut,
    /// Stored, but without a chunk at the expected place. Only a [`probe()`] can find this out.
    NoSuchPlace,
    BelowFloor {
        score: f32,
        floor: f32,
    },
    /// Found, and left out of the passages.
    CrowdedOut {
        reason: DropReason,
        /// The passages that took its place: they say the same, or are of the same source.
        passages: Vec<u32>,
    },
    /// It is in these passages.
    Found {
        passages: Vec<u32>,
    },
}

/// What is known of an expected document.
#[derive(Clone, Copy, Debug)]
pub struct DocumentFacts<'a> {
    pub expected: &'a Expected,
    pub record: Option<&'a DocumentRecord>,
    pub failure: Option<&'a FailureRecord>,
    pub drift: Option<Staleness>,
    pub filter: &'a Filter,
    pub min_score: Option<f32>,
    /// What packing chose from, best first, and what became of each.
    pub hits: &'a [Hit],
    pub fates: &'a [PackOutcome],
}

/// The reason an expected document is missing. A document that is among the passages is not missing,
/// however stale it is. For all others the first reason counts, since later ones cannot be judged before
/// the first is corrected.
pub fn verdict(facts: &DocumentFacts<'_>) -> ExplainVerdict {
    let fated = || facts.hits.iter().zip(facts.fates);
    let expected = || fated().filter(|(hit, _)| facts.expected.covers(&hit.chunk));
    let passages = numbers(expected().map(|(_, fate)| fate));
    if !passages.is_empty() {
        return ExplainVerdict::Found { passages };
    }
    if let Some(failure) = facts.failure {
        return ExplainVerdict::Failed { reason: failure.reason.clone() };
    }
    let Some(record) = facts.record else { return ExplainVerdict::NotIngested };
    if let Some(drift) = facts.drift {
        return ExplainVerdict::Stale(drift);
    }
    let kept_out = kept_out(record, facts.filter);
    if !kept_out.is_empty() {
        return ExplainVerdict::Filtered(kept_out);
    }
    let Some((hit, PackOutcome::Dropped { reason, like })) = expected().next() else {
        return ExplainVerdict::BelowCut;
    };
    match (reason, facts.min_score) {
        (DropReason::Floor, Some(floor)) => ExplainVerdict::BelowFloor { score: hit.score, floor },
        (DropReason::SourceCap, _) => {
            let same = fated().filter(|(other, _)| other.chunk.source == hit.chunk.source);
            let passages = numbers(same.map(|(_, fate)| fate));
            ExplainVerdict::CrowdedOut { reason: *reason, passages }
        }
        _ => {
            ExplainVerdict::CrowdedOut { reason: *reason, passages: like.iter().copied().collect() }
        }
    }
}

/// The best hit of an expected document, and its rank, from 1: a hit that is in a passage, or else the
/// first.
pub fn best<'a>(
    expected: &Expected,
    hits: &'a [Hit],
    fates: &[PackOutcome],
) -> Option<(u32, &'a Hit)> {
    let hits = || (1..).zip(hits).zip(fates).filter(|((_, hit), _)| expected.covers(&hit.chunk));
    let taken = hits().find(|(_, fate)| matches!(fate, PackOutcome::Passage(_)));
    taken.or_else(|| hits().next()).map(|(ranked, _)| ranked)
}

/// Numbers of the passages that hits are in, ascending.
fn numbers<'a>(fates: impl Iterator<Item = &'a PackOutcome>) -> Vec<u32> {
    let mut numbers: Vec<u32> = fates
        .filter_map(|fate| match fate {
            PackOutcome::Passage(number) => Some(*number),
            PackOutcome::Dropped { .. } => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The parts of a filter that a document does not pass.
fn kept_out(record: &DocumentRecord, filter: &Filter) -> Vec<FilterPart> {
    let source = filter.sources.as_ref().is_none_or(|sources| sources.contains(&record.source));
    let kind = filter.kinds.is_empty() || filter.kinds.contains(&record.kind);
    let tags = filter.tags.iter().all(|tag| record.tags.contains(tag));
    let parts = [(source, FilterPart::Source), (kind, FilterPart::Kind), (tags, FilterPart::Tag)];
    parts.into_iter().filter(|(passes, _)| !passes).map(|(_, part)| part).collect()
}

/// The words of a question that a chunk has, and those it lacks, as the sparse leg compares them: in any
/// inflection, and without stop words. Each word once, as it is written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WordMatch {
    pub present: Vec<String>,
    pub absent: Vec<String>,
}

impl WordMatch {
    pub fn of(question: &str, chunk: &Chunk, sparse: &SparseEncoder) -> Self {
        let asked = sparse.question(question);
        let mut text = chunk.embedded();
        if sparse.has_names() {
            text = format!("{} {text}", Name::of(&chunk.source).words());
        }
        let text = asked.of_text(&text);
        let mut words = Self::default();
        let mut seen: Vec<Vec<u32>> = Vec::new();
        for word in subject(question).unicode_words() {
            let terms = asked.terms(word);
            if terms.is_empty() || seen.contains(&terms) {
                continue;
            }
            let list = if asked.has(&text, word) { &mut words.present } else { &mut words.absent };
            list.push(word.to_owned());
            seen.push(terms);
        }
        words
    }
}

#[cfg(test)]
mod tests;
