//! `POST /v1/rerank`, as in the interfaces of Cohere, Jina and others: orders texts by how well they answer
//! a query, with the configured reranker, or else with the embedder of the collection.

use std::sync::Arc;

use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::embeddings::embedded_within_limits;
use super::{named_ignored, open_model, split};
use crate::embed::{Embedder, TextRole};
use crate::query::Retriever;
use crate::serve::answering::{LONGEST_QUESTION, NOT_BLANK, checked_question};
use crate::serve::call::{AdmittedRequest, made_id};
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::{object, typed};

/// Most texts of one request: as many as Cohere accepts.
const MOST_DOCUMENTS: usize = 1_000;

/// Texts to put in order.
#[derive(Deserialize, JsonSchema)]
struct RerankRequest {
    /// `docent/COLLECTION`, whose embedder is used if no reranker is configured.
    model: Option<String>,
    #[schemars(regex = "NOT_BLANK", length(max = "LONGEST_QUESTION"))]
    query: String,
    #[schemars(length(min = 1, max = "MOST_DOCUMENTS"))]
    documents: Vec<Document>,
    /// How many texts come back; all by default.
    #[schemars(range(min = 1, max = "u32::MAX"))]
    top_n: Option<usize>,
    /// Send the texts back, too.
    return_documents: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RerankDocument")]
#[serde(untagged)]
enum Document {
    Text(String),
    Object { text: String },
}

impl Document {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Object { text } => text,
        }
    }
}

/// The texts, best first.
#[derive(Serialize, JsonSchema)]
struct RerankResponse {
    id: String,
    results: Vec<RerankResult>,
    /// Always empty.
    meta: Map<String, Value>,
    docent: RerankDetails,
}

#[derive(Serialize, JsonSchema)]
struct RerankResult {
    /// Position in `documents`, from 0.
    index: usize,
    /// 0 to 1.
    relevance_score: f32,
    /// If `return_documents` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<RerankedText>,
}

#[derive(Serialize, JsonSchema)]
struct RerankedText {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct RerankDetails {
    /// The reranker or the embedder.
    scored_by: String,
    /// Parameters that were sent and have no effect.
    ignored: Vec<String>,
}

pub(in crate::serve) fn described<'a>(operation: ApiOperation<'a>, id: &str) -> ApiOperation<'a> {
    operation
        .named(id, "Texts in the order in which they answer a query")
        .takes::<RerankRequest>()
        .answers::<RerankResponse>()
        .names_ignored()
}

pub(in crate::serve) async fn rerank(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let (members, ignored) = split::<RerankRequest>(object(&call.body)?);
    let request: RerankRequest = typed(members)?;
    let scoped = match &request.model {
        Some(model) => open_model(&call.caller, model)?,
        None => call.caller.open(None)?,
    };
    let query = checked_question(&request.query, "query")?;
    let count = request.documents.len();
    let texts: Vec<String> = request.documents.into_iter().map(Document::into_text).collect();
    call.notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.question = Some(query.clone());
    });
    let retriever = scoped.engine().retriever().await?;
    let (scored_by, scores) = scored(&retriever, &query, &texts).await?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    // Texts with equal scores keep their order.
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(request.top_n.unwrap_or(count));
    let wants_texts = request.return_documents == Some(true);
    let result = |index: usize| RerankResult {
        index,
        relevance_score: scores[index],
        document: wants_texts.then(|| RerankedText { text: texts[index].clone() }),
    };
    let body = RerankResponse {
        id: made_id("rerank-"),
        results: order.into_iter().map(result).collect(),
        meta: Map::new(),
        docent: RerankDetails { scored_by, ignored: ignored.clone() },
    };
    Ok(named_ignored(native::json(&body), &ignored))
}

/// The model that scored, and a score within 0..=1 for each text.
async fn scored(
    retriever: &Retriever,
    query: &str,
    texts: &[String],
) -> Result<(String, Vec<f32>), RequestRefusal> {
    let Some(reranker) = &retriever.reranker else {
        let embedder = &retriever.embedder;
        let scores = similarities(embedder, query, texts).await?;
        return Ok((format!("embedder {}", embedder.id().name), scores));
    };
    let scores = reranker.score(query, texts).await?;
    let id = reranker.id();
    Ok((format!("reranker {}", id.name), within_0_and_1(scores, id.endpoint.is_some())))
}

/// Endpoints mostly answer within 0..=1. Other scores are logits, which the logistic function turns into
/// probabilities without changing their order.
fn within_0_and_1(scores: Vec<f32>, may_be: bool) -> Vec<f32> {
    if may_be && scores.iter().all(|score| (0.0..=1.0).contains(score)) {
        return scores;
    }
    scores.into_iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect()
}

/// The cosine of the query with each text; 0 if one has no vector.
async fn similarities(
    embedder: &Arc<dyn Embedder>,
    query: &str,
    texts: &[String],
) -> Result<Vec<f32>, RequestRefusal> {
    let asked = embedded_within_limits(embedder, &[query.to_owned()], TextRole::Query).await?;
    let found = embedded_within_limits(embedder, texts, TextRole::Document).await?;
    let asked = asked.into_iter().next().flatten();
    let similarity = |text: Option<Vec<f32>>| {
        let (asked, text) = (asked.as_ref()?, text?);
        // Both have unit length.
        let cosine: f32 = asked.iter().zip(&text).map(|(a, b)| a * b).sum();
        Some(cosine.clamp(0.0, 1.0))
    };
    Ok(found.into_iter().map(|text| similarity(text).unwrap_or(0.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_within_0_and_1_in_their_order() {
        assert_eq!(within_0_and_1(vec![0.9, 0.0, 1.0], true), [0.9, 0.0, 1.0]);
        for (scores, may_be) in [(vec![0.2, 0.9], false), (vec![-11.0, 8.0], true)] {
            let squashed = within_0_and_1(scores, may_be);
            assert!(squashed[0] < squashed[1], "{squashed:?}");
            assert!(squashed.iter().all(|score| (0.0..=1.0).contains(score)), "{squashed:?}");
        }
    }
}
