//! Ranks the passages for a case, as deep as the metrics look.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::cases::Case;
use super::judge::{Ranked, RankingUnit};
use crate::error::BackendError;
use crate::query::retrieve::RetrieveOptions;
use crate::query::rewrite::Queries;
use crate::query::{AnswerOptions, Retriever, passages_of};
use crate::types::{Hit, Mode, Passage};

/// A way to retrieve that can be compared with others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variant {
    Hybrid,
    Dense,
    Sparse,
    /// In the configured mode, with reranking.
    Rerank,
}

impl Variant {
    pub const ALL: [Self; 4] = [Self::Hybrid, Self::Dense, Self::Sparse, Self::Rerank];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hybrid => Mode::Hybrid.name(),
            Self::Dense => Mode::Dense.name(),
            Self::Sparse => Mode::Sparse.name(),
            Self::Rerank => "rerank",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// The way that `options` describe.
    pub fn of(options: &RetrieveOptions) -> Self {
        match options.mode {
            _ if options.rerank.is_some() => Self::Rerank,
            Mode::Hybrid => Self::Hybrid,
            Mode::Dense => Self::Dense,
            Mode::Sparse => Self::Sparse,
        }
    }

    /// `options`, changed to this way.
    pub fn apply(self, options: RetrieveOptions) -> RetrieveOptions {
        let mode = match self {
            Self::Hybrid => Mode::Hybrid,
            Self::Dense => Mode::Dense,
            Self::Sparse => Mode::Sparse,
            Self::Rerank => return options,
        };
        RetrieveOptions { mode, rerank: None, ..options }
    }
}

/// How to rank.
#[derive(Clone, PartialEq, Debug)]
pub struct RankOptions {
    /// As for a question; `k` is ignored.
    pub retrieve: RetrieveOptions,
    pub unit: RankingUnit,
    /// Number of items wanted.
    pub depth: usize,
}

/// How hits are packed into passages, if that is measured.
pub struct RankPacking<'a> {
    /// As for an answer, by the number of chunks that are taken.
    pub options: BTreeMap<usize, AnswerOptions>,
    /// Number of tokens of a text, as the chat model counts them.
    pub count: &'a (dyn Fn(&str) -> usize + Sync),
}

impl RankPacking<'_> {
    /// Most hits that packing chooses from.
    fn pool(&self) -> usize {
        self.options.values().map(|options| options.retrieve.k).max().unwrap_or_default()
    }

    fn pack(&self, case: &Case, hits: &[Hit], unit: RankingUnit) -> BTreeMap<usize, Vec<Ranked>> {
        let packed = self.options.iter().map(|(&chunks, options)| {
            let hits = &hits[..hits.len().min(options.retrieve.k)];
            let passages = passages_of(&case.question, hits, options, self.count);
            (chunks, passages.iter().map(|passage| of_passage(passage, unit)).collect())
        });
        packed.collect()
    }
}

/// What was retrieved for a case.
#[derive(Clone, PartialEq, Debug)]
pub struct Ranking {
    /// Best first, at most [`RankOptions::depth`].
    pub items: Vec<Ranked>,
    /// The passages that a chat model would be shown, by the number of chunks that are taken.
    pub passages: BTreeMap<usize, Vec<Ranked>>,
    /// Time that a question takes as users ask it.
    pub took: Duration,
}

/// Ranks the passages for a case.
///
/// The first search is the one that every question gets. If it is not deep enough (a hundred documents are
/// many more passages), deeper searches follow, and their hits come after those of the first: a deeper
/// search fuses longer lists, and would change the order that users see at the top.
///
/// A document with the id of the case is left out unless it is expected, as in BEIR, where some questions
/// are documents of the corpus themselves.
pub async fn rank(
    case: &Case,
    queries: &Queries,
    retriever: &Retriever,
    options: &RankOptions,
    packing: &RankPacking<'_>,
) -> Result<Ranking, BackendError> {
    let mut list = List::new(case, options.unit);
    let mut k = options.retrieve.candidates;
    if options.unit == RankingUnit::Passages {
        k = k.min(options.depth);
    }
    k = k.max(packing.pool());
    let mut look = RetrieveOptions { k, ..options.retrieve.clone() };
    let (mut took, mut passages) = (None, None);
    loop {
        let started = Instant::now();
        let hits = retriever.retrieve(queries, &look).await?.hits;
        took.get_or_insert_with(|| started.elapsed());
        passages.get_or_insert_with(|| packing.pack(case, &hits, options.unit));
        let more = hits.len() >= look.k;
        list.add(&hits);
        if list.items.len() >= options.depth || !more {
            break;
        }
        // The first hits are listed by now, so a reranker has nothing to add.
        look = RetrieveOptions { k: look.k * 2, rerank: None, ..look };
    }
    list.items.truncate(options.depth);
    Ok(Ranking {
        items: list.items,
        passages: passages.unwrap_or_default(),
        took: took.unwrap_or_default(),
    })
}

struct List<'a> {
    case: &'a Case,
    unit: RankingUnit,
    /// Ids of the listed items.
    known: HashSet<String>,
    items: Vec<Ranked>,
}

impl<'a> List<'a> {
    fn new(case: &'a Case, unit: RankingUnit) -> Self {
        Self { case, unit, known: HashSet::new(), items: Vec::new() }
    }

    fn is_case(&self, source: &str) -> bool {
        let expected = || self.case.expected.iter().any(|expected| expected.source == source);
        self.case.id == source && !expected()
    }

    fn add(&mut self, hits: &[Hit]) {
        for hit in hits {
            let known = match self.unit {
                RankingUnit::Passages => hit.chunk.id().to_string(),
                RankingUnit::Documents if self.is_case(&hit.chunk.source) => continue,
                RankingUnit::Documents => hit.chunk.source.clone(),
            };
            if self.known.insert(known) {
                self.items.push(ranked(hit, self.unit));
            }
        }
    }
}

fn of_passage(passage: &Passage, unit: RankingUnit) -> Ranked {
    let place = Some(passage.locator).filter(|_| unit == RankingUnit::Passages);
    Ranked {
        id: passage.locator.cite(&passage.source),
        source: passage.source.clone(),
        place,
        text: passage.text.clone(),
        score: passage.score,
    }
}

fn ranked(hit: &Hit, unit: RankingUnit) -> Ranked {
    let (chunk, score) = (&hit.chunk, hit.score);
    match unit {
        RankingUnit::Passages => Ranked {
            id: chunk.locator.cite(&chunk.source),
            source: chunk.source.clone(),
            place: Some(chunk.locator),
            text: chunk.text.clone(),
            score,
        },
        RankingUnit::Documents => Ranked {
            id: chunk.source.clone(),
            source: chunk.source.clone(),
            place: None,
            text: String::new(),
            score,
        },
    }
}
