//! Request and result of a retrieval.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Chunk, ContentHash, DocumentKind, Locator};

/// Maximum number of passages that one question may request: more than anybody reads, and few enough to hold
/// in memory several times over.
pub const DEEPEST: usize = 10_000;

/// Restricts retrieval. Applied in the store, so that the top k are the top k of what passes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Exact sources, any of which passes. `None` passes all; an empty list passes nothing.
    pub sources: Option<Vec<String>>,
    /// Any of these; empty passes all.
    pub kinds: Vec<DocumentKind>,
    /// Every one of these must be present.
    pub tags: Vec<String>,
}

/// A chunk in the ranking of one leg of the retrieval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scored {
    /// Id of the [chunk](Chunk::id).
    pub id: Uuid,
    /// Cosine similarity in the dense leg, BM25 score in the sparse leg.
    pub score: f32,
}

/// Rank (from 1) and score of a hit within one leg.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LegScore {
    pub rank: u32,
    pub score: f32,
}

/// A retrieved chunk.
#[derive(Clone, PartialEq, Debug)]
pub struct Hit {
    pub chunk: Chunk,
    /// The hits are ordered by it; within 0..=1 in hybrid mode and after reranking.
    pub score: f32,
    pub dense: Option<LegScore>,
    pub sparse: Option<LegScore>,
    /// For the first hits: mean cosine of the question's tokens with the nearest token of the chunk.
    pub late: Option<LegScore>,
    /// By the reranker, if it scored this chunk: rank by its own score, and that score.
    pub rerank: Option<LegScore>,
}

impl Hit {
    /// As found by one leg, or by none.
    pub fn of(chunk: Chunk, score: f32, dense: Option<LegScore>) -> Self {
        Self { chunk, score, dense, sparse: None, late: None, rerank: None }
    }
}

/// A numbered piece of context, as shown to the chat model and as referred to by marks `[n]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Passage {
    /// From 1.
    pub number: u32,
    pub source: String,
    pub title: String,
    pub headings: Vec<String>,
    pub text: String,
    pub locator: Locator,
    pub score: f32,
    pub document_hash: ContentHash,
    /// As in [`Chunk::page_label`].
    pub page_label: Option<String>,
}

impl Passage {
    /// `path:L10-L24`, `path#page=3`.
    pub fn citation(&self) -> String {
        self.locator.cite(&self.source)
    }
}

/// Which legs a retrieval uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Hybrid,
    Dense,
    Sparse,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Dense => "dense",
            Self::Sparse => "sparse",
        }
    }
}
