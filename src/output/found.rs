//! What `search` prints.

use schemars::JsonSchema;
use serde::Serialize;

use crate::types::{Hit, Kind, LegScore, Locator, Mode, Recognition};

/// What was found, best first.
#[derive(Serialize, JsonSchema)]
pub struct Found {
    pub question: String,
    /// What was asked: the question, or how the chat model worded it.
    pub queries: Vec<String>,
    /// The passage in whose place the dense leg asked, where the chat model wrote one.
    pub hypothetical: Option<String>,
    pub mode: Mode,
    pub hits: Vec<HitJson>,
    pub elapsed_ms: u64,
}

/// A chunk that was found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hit")]
pub struct HitJson {
    /// From 1.
    pub rank: usize,
    /// What hits are ordered by; 0 to 1 in hybrid mode and with a reranker.
    pub score: f32,
    pub source: String,
    /// Source and place in one: `path:L10-L24`, `path#page=3`.
    pub citation: String,
    /// Title of the document; empty where it has none.
    pub title: String,
    /// Outermost first.
    pub headings: Vec<String>,
    pub text: String,
    pub kind: Kind,
    pub tags: Vec<String>,
    /// SHA-256 of the document it is from.
    pub document_hash: String,
    /// SHA-256 of what was embedded.
    pub chunk_hash: String,
    /// Rank and cosine among the vectors' hits; null where it is not among them.
    pub dense: Option<LegScore>,
    /// Rank and BM25 score among the words' hits; null where it is not among them.
    pub sparse: Option<LegScore>,
    /// Late interaction, where the hit was among the first: its rank there, and the mean cosine of the
    /// question's tokens with the nearest of the chunk's.
    pub late: Option<LegScore>,
    /// Rank and score by the reranker; null where it was not asked about this one.
    pub rerank: Option<LegScore>,
    /// What the document calls the page, where that is not its number: `iv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_label: Option<String>,
    /// Of a text that was recognized in a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Recognition>,
    #[serde(flatten)]
    pub locator: Locator,
}

impl HitJson {
    /// `rank` counts from 1.
    pub fn new(rank: usize, hit: &Hit) -> Self {
        let chunk = &hit.chunk;
        Self {
            rank,
            score: hit.score,
            source: chunk.source.clone(),
            citation: chunk.locator.cite(&chunk.source),
            title: chunk.title.clone(),
            headings: chunk.headings.clone(),
            text: chunk.text.clone(),
            kind: chunk.kind,
            tags: chunk.tags.clone(),
            document_hash: chunk.document_hash.to_string(),
            chunk_hash: chunk.chunk_hash.to_string(),
            dense: hit.dense,
            late: hit.late,
            sparse: hit.sparse,
            rerank: hit.rerank,
            page_label: chunk.page_label.clone(),
            recognition: chunk.recognition.clone(),
            locator: chunk.locator,
        }
    }
}
