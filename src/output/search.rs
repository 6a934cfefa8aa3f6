//! The JSON that `search` prints.

use schemars::JsonSchema;
use serde::Serialize;

use crate::types::{DocumentKind, Hit, LegScore, Locator, Mode, Recognition};

/// The hits, best first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Found")]
pub struct SearchJson {
    pub question: String,
    /// What was retrieved with: the question, or how the chat model worded it.
    pub queries: Vec<String>,
    /// The passage that the chat model wrote for dense retrieval, if it wrote one.
    pub hypothetical: Option<String>,
    pub mode: Mode,
    pub hits: Vec<HitJson>,
    pub elapsed_ms: u64,
}

/// A hit: a chunk that was found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hit")]
pub struct HitJson {
    /// Rank, from 1.
    pub rank: usize,
    /// Score by which hits are ordered; 0 to 1 in hybrid mode and with a reranker.
    pub score: f32,
    pub source: String,
    /// Source and place in one: `path:L10-L24`, `path#page=3`.
    pub citation: String,
    /// Title of the document; empty where it has none.
    pub title: String,
    /// Headings above the text, outermost first.
    pub headings: Vec<String>,
    pub text: String,
    pub kind: DocumentKind,
    pub tags: Vec<String>,
    /// SHA-256 of the document.
    pub document_hash: String,
    /// SHA-256 of what was embedded.
    pub chunk_hash: String,
    /// Rank and cosine in dense retrieval; null where it is not among its hits.
    pub dense: Option<LegScore>,
    /// Rank and BM25 score in sparse retrieval; null where it is not among its hits.
    pub sparse: Option<LegScore>,
    /// Late interaction, if the hit was among the first: its rank, and the mean cosine of the
    /// question's tokens with the nearest tokens of the chunk.
    pub late: Option<LegScore>,
    /// Rank and score by the reranker; null where this hit was not reranked.
    pub rerank: Option<LegScore>,
    /// Label of the page in the document, if it is not its number: `iv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_label: Option<String>,
    /// For text that was recognized in a picture: how sure the model is of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Recognition>,
    #[serde(flatten)]
    pub locator: Locator,
}

impl HitJson {
    /// A hit; `rank` counts from 1.
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
