//! What a record says of an answer: what was retrieved, what it cites, and how that was checked.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ModelCall, ModelOperation};
use crate::query::Answer;
use crate::query::cite::CitationCheck;
use crate::query::pack::PackOutcome;
use crate::query::verification::ClaimVerdict;
use crate::types::{ContentHash, LegScore, Locator, Usage};

/// A chunk that was found, and what happened to it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Retrieved")]
pub struct TracedChunk {
    /// From 1.
    pub rank: usize,
    pub chunk_id: Uuid,
    pub source: String,
    /// `path:L10-L24`.
    pub citation: String,
    #[serde(flatten)]
    pub locator: Locator,
    pub document_hash: ContentHash,
    pub chunk_hash: ContentHash,
    pub score: f32,
    pub dense: Option<LegScore>,
    pub sparse: Option<LegScore>,
    #[serde(default)]
    pub late: Option<LegScore>,
    #[serde(default)]
    pub rerank: Option<LegScore>,
    /// The passage of the prompt that contains it.
    pub passage: Option<u32>,
    /// Why no passage contains it.
    pub dropped: Option<String>,
}

/// A passage that the answer cites.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Cited")]
pub struct TracedPassage {
    pub passage: u32,
    pub citation: String,
    pub verified: bool,
    /// How the claims were compared with it.
    #[serde(default)]
    pub checks: Vec<CitationCheck>,
    /// Checks that found a claim that the passage does not support.
    #[serde(default)]
    pub failed: BTreeSet<CitationCheck>,
}

/// How a model judged the claims of an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Verified")]
pub struct TracedVerification {
    /// As configured.
    pub model: String,
    /// The model that answered, as the endpoint named it, or what it is computed from.
    pub revision: Option<String>,
    /// Claims that it was asked about.
    pub claims: usize,
    /// Claims that it found unsupported.
    pub unsupported: usize,
    /// Claims without a verdict.
    pub unchecked: usize,
    pub elapsed_ms: u64,
    /// In addition to that of the answer.
    pub usage: Usage,
}

pub(super) fn retrieved(answer: &Answer) -> Vec<TracedChunk> {
    let rows = (1..).zip(answer.hits.iter().zip(&*answer.fates)).map(|(rank, (hit, fate))| {
        let (passage, dropped) = match fate {
            PackOutcome::Passage(number) => (Some(*number), None),
            PackOutcome::Dropped { reason, .. } => (None, Some(reason.name().to_owned())),
        };
        let chunk = &hit.chunk;
        TracedChunk {
            rank,
            chunk_id: chunk.id(),
            source: chunk.source.clone(),
            citation: chunk.locator.cite(&chunk.source),
            locator: chunk.locator,
            document_hash: chunk.document_hash.clone(),
            chunk_hash: chunk.chunk_hash.clone(),
            score: hit.score,
            dense: hit.dense,
            late: hit.late,
            sparse: hit.sparse,
            rerank: hit.rerank,
            passage,
            dropped,
        }
    });
    rows.collect()
}

pub(super) fn cited(answer: &Answer) -> Vec<TracedPassage> {
    let citations = answer.citations.citations.iter().map(|citation| TracedPassage {
        passage: citation.number,
        citation: citation.citation.clone(),
        verified: citation.verified,
        checks: citation.checks.clone(),
        failed: answer.citations.failed(citation.number),
    });
    citations.collect()
}

pub(super) fn verified(answer: &Answer, calls: &[ModelCall]) -> Option<TracedVerification> {
    let verification = answer.verification.as_ref()?;
    let mut asked = calls.iter().filter(|call| call.operation == ModelOperation::Verify);
    Some(TracedVerification {
        model: verification.model.clone(),
        revision: asked.find_map(|call| call.answered_by.clone()),
        claims: verification.claims,
        unsupported: verification.unsupported,
        unchecked: verification.unchecked(),
        elapsed_ms: verification.elapsed_ms,
        usage: verification.usage,
    })
}

pub(super) fn verdicts(answer: &Answer) -> Vec<ClaimVerdict> {
    answer.verification.as_ref().map(|asked| asked.verdicts.clone()).unwrap_or_default()
}

pub(super) fn quotes(answer: &Answer) -> BTreeMap<u32, String> {
    let citations = answer.citations.citations.iter();
    citations.filter_map(|citation| Some((citation.number, citation.quote.clone()?))).collect()
}
