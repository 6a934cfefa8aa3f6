//! Provenance of an answer: one record per answer, also available as OpenTelemetry spans.
//!
//! A [`Trace`] names everything that determined the answer: collection, retrieved chunks and what happened to
//! each, models with their revisions, settings, the hash of the prompt, times, and which citations held. It
//! has the question, but no text of documents, prompts or answers unless that was requested: then it is in
//! [`Trace::content`].

mod answered;
mod call_log;
mod feedback;
pub mod file;
pub mod otlp;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use answered::{TracedChunk, TracedPassage, TracedVerification};
pub use call_log::{CallLog, ModelCall, ModelOperation};
pub use feedback::Feedback;

use crate::chat::ChatMessage;
use crate::error::Fault;
use crate::query::cite::CitationFinding;
use crate::query::retrieve::{QueryWeights, RetrieveOptions};
use crate::query::subject::subject;
use crate::query::verification::ClaimVerdict;
use crate::query::{Answer, AnswerOptions};
use crate::types::{
    ChunkerId, ContentHash, EmbedderId, Filter, IngestRun, Manifest, RerankerId, SCHEMA_VERSION,
    SparseId, TraceContext, Usage,
};

/// The record of an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    pub schema_version: u32,
    /// `UUIDv7`, as in the answer's JSON.
    pub id: Uuid,
    /// The trace of the caller, and the span in it that this answer is; `None` where the caller named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<TraceContext>,
    /// Version of docent that answered.
    pub docent: String,
    /// RFC 3339, UTC, with milliseconds.
    pub started_at: String,
    pub question: String,
    /// What was searched for: the question, or the chat model's rewording of it.
    pub queries: Vec<String>,
    pub outcome: TraceOutcome,
    pub collection: TracedCollection,
    pub models: Models,
    pub retrieval: Retrieval,
    /// Best first.
    pub retrieved: Vec<TracedChunk>,
    /// SHA-256 of the messages as they were sent, as JSON. `None` where none were sent to a model.
    pub prompt_hash: Option<ContentHash>,
    /// Settings of retrieval, prompt and models, by name. No keys.
    pub settings: BTreeMap<String, String>,
    pub citations: Vec<TracedPassage>,
    pub invalid_citations: Vec<u32>,
    /// Number of sentences without a citation.
    pub uncited_sentences: usize,
    /// What the model of `--verify` was asked about the answer, if it was asked.
    #[serde(default)]
    pub verification: Option<TracedVerification>,
    pub finish_reason: Option<String>,
    pub usage: Usage,
    pub timings_ms: Timings,
    /// Requests to models, in order.
    pub calls: Vec<ModelCall>,
    /// The texts themselves, where they were requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<TraceContent>,
    /// Feedback of readers, in order. It is stored beside the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<Feedback>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Outcome")]
pub struct TraceOutcome {
    pub exit_code: i32,
    pub no_answer: bool,
    pub interrupted: bool,
    /// What failed, without the endpoint's own message: some echo the prompt.
    pub error: Option<String>,
}

/// The collection at the time of the question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Collection")]
pub struct TracedCollection {
    pub name: String,
    /// N of the version `NAME@vN` that was searched.
    #[serde(default)]
    pub version: Option<u32>,
    /// Its location, without credentials.
    pub store: String,
    pub created_at: String,
    /// Version of docent that created it.
    pub docent: String,
    pub chunker: ChunkerId,
    pub sparse: SparseId,
    /// The last ingest that changed it.
    pub last_run: Option<IngestRun>,
    /// Whether an ingest was going on, or had been cut off.
    pub unfinished: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Models {
    pub embedder: EmbedderId,
    #[serde(default)]
    pub reranker: Option<RerankerId>,
    pub chat: ChatId,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChatId {
    /// As in `--model`.
    pub name: String,
    /// The model that answered, as the endpoint named it.
    pub revision: Option<String>,
    /// URL without credentials; `None` for the model that quotes.
    pub endpoint: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Retrieval {
    pub mode: String,
    pub k: usize,
    pub candidates: usize,
    /// For the first query.
    pub sparse_weight: f32,
    /// For the first query.
    #[serde(default)]
    pub late_weight: f32,
    pub min_score: Option<f32>,
    pub sources: Option<Vec<String>>,
    pub kinds: Vec<String>,
    pub tags: Vec<String>,
}

impl Retrieval {
    fn of(options: &RetrieveOptions, query: &str) -> Self {
        let weights = QueryWeights::of(subject(query), options);
        let Filter { sources, kinds, tags } = options.filter.clone();
        Self {
            mode: options.mode.name().to_owned(),
            k: options.k,
            candidates: options.candidates,
            sparse_weight: weights.sparse,
            late_weight: weights.late,
            min_score: options.min_score,
            sources,
            kinds: kinds.iter().map(ToString::to_string).collect(),
            tags,
        }
    }
}

/// In milliseconds since the question.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// When passages were retrieved and packed.
    pub retrieved: f64,
    /// Time of that spent on packing.
    pub packing: f64,
    pub first_token: Option<f64>,
    pub total: f64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Content")]
pub struct TraceContent {
    pub messages: Vec<ChatMessage>,
    pub answer: String,
    /// What the citations quote, by passage.
    pub quotes: BTreeMap<u32, String>,
    /// Claims that the cited passages do not support.
    #[serde(default)]
    pub findings: Vec<CitationFinding>,
    /// What the model of `--verify` says of each claim.
    #[serde(default)]
    pub verdicts: Vec<ClaimVerdict>,
    /// Messages of endpoints that failed.
    pub errors: Vec<String>,
}

/// What the answer itself does not contain.
pub struct TraceInput<'a> {
    pub id: Uuid,
    pub context: Option<TraceContext>,
    pub started_at: String,
    pub question: &'a str,
    pub collection: &'a str,
    pub version: Option<u32>,
    pub store: &'a str,
    pub manifest: &'a Manifest,
    pub embedder: &'a EmbedderId,
    pub reranker: Option<&'a RerankerId>,
    /// As in `--model`.
    pub model: &'a str,
    pub chat_endpoint: Option<String>,
    pub options: &'a AnswerOptions,
    pub settings: BTreeMap<String, String>,
    pub exit_code: i32,
    pub error: Option<String>,
}

impl Trace {
    /// `answer` is `None` if the question failed before there was one. `content`: whether texts are kept.
    pub fn new(
        about: TraceInput<'_>,
        answer: Option<&Answer>,
        watch: &CallLog,
        content: bool,
    ) -> Self {
        let calls = watch.calls();
        let manifest = about.manifest;
        let messages = asked(&calls);
        let queries = answer.map(|answer| answer.queries.queries.clone()).unwrap_or_default();
        let first = queries.first().map_or(about.question, String::as_str);
        let retrieval = Retrieval::of(&about.options.retrieve, first);
        Self {
            schema_version: SCHEMA_VERSION,
            id: about.id,
            context: about.context,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: about.started_at,
            question: about.question.to_owned(),
            queries,
            outcome: TraceOutcome {
                exit_code: about.exit_code,
                no_answer: answer.is_some_and(|answer| answer.no_answer.is_some()),
                interrupted: answer.is_some_and(|answer| answer.interrupted),
                error: about.error,
            },
            collection: TracedCollection {
                name: about.collection.to_owned(),
                version: about.version,
                store: about.store.to_owned(),
                created_at: manifest.created_at.clone(),
                docent: manifest.docent.clone(),
                chunker: manifest.chunker.clone(),
                sparse: manifest.sparse.clone(),
                last_run: manifest.runs.last().cloned(),
                unfinished: manifest.unfinished.is_some(),
            },
            models: Models {
                embedder: about.embedder.clone(),
                reranker: about.reranker.cloned(),
                chat: ChatId {
                    name: about.model.to_owned(),
                    revision: answered_by(&calls),
                    endpoint: about.chat_endpoint,
                },
            },
            retrieval,
            retrieved: answer.map(answered::retrieved).unwrap_or_default(),
            prompt_hash: messages
                .map(|messages| ContentHash::of(&serde_json::to_vec(messages).unwrap_or_default())),
            settings: about.settings,
            citations: answer.map(answered::cited).unwrap_or_default(),
            invalid_citations: answer.map(|a| a.citations.invalid.clone()).unwrap_or_default(),
            uncited_sentences: answer.map_or(0, |a| a.citations.uncited_sentences.len()),
            verification: answer.and_then(|answer| answered::verified(answer, &calls)),
            finish_reason: answer.and_then(|answer| answer.finish_reason.clone()),
            usage: answer.map(|answer| answer.usage).unwrap_or_default(),
            timings_ms: timings(answer, watch),
            content: content.then(|| TraceContent {
                messages: messages.cloned().unwrap_or_default(),
                answer: answer.map(|answer| answer.text.clone()).unwrap_or_default(),
                quotes: answer.map(answered::quotes).unwrap_or_default(),
                findings: answer.map(|a| a.citations.findings.clone()).unwrap_or_default(),
                verdicts: answer.map(answered::verdicts).unwrap_or_default(),
                errors: calls.iter().filter_map(|call| call.error_message.clone()).collect(),
            }),
            calls,
            feedback: Vec::new(),
        }
    }
}

/// The last model that answered: the chat model, unless it was not asked.
fn answered_by(calls: &[ModelCall]) -> Option<String> {
    let asked = |call: &&ModelCall| {
        ![ModelOperation::Rerank, ModelOperation::Verify].contains(&call.operation)
    };
    calls.iter().rev().filter(asked).find_map(|call| call.answered_by.clone())
}

/// The messages that led to the answer: of several prompts, the last one. The model that quotes gets none.
fn asked(calls: &[ModelCall]) -> Option<&Vec<ChatMessage>> {
    let asked = |call: &&ModelCall| call.operation == ModelOperation::Chat && !call.local;
    calls.iter().rev().filter(asked).find_map(|call| call.messages.as_ref())
}

fn timings(answer: Option<&Answer>, watch: &CallLog) -> Timings {
    let Some(answer) = answer else {
        return Timings { total: milliseconds(watch.elapsed()), ..Timings::default() };
    };
    Timings {
        retrieved: milliseconds(answer.retrieved_in),
        packing: milliseconds(answer.packed_in),
        first_token: answer.first_token_in.map(milliseconds),
        total: milliseconds(answer.elapsed),
    }
}

/// With a resolution of one microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// The name of a fault in records and spans.
fn fault_name(fault: Fault) -> String {
    match serde_json::to_value(fault) {
        Ok(serde_json::Value::String(name)) => name,
        // The only one with data.
        _ => "transient".to_owned(),
    }
}
