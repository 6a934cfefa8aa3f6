//! Reranking by an ONNX model in a directory: a cross-encoder, which reads question and passage together, or
//! an embedding model, whose cosines are the scores.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Reranker, RerankerKind};
use crate::embed::onnx::{self as embed_onnx, OnnxEmbedder, OnnxOptions};
use crate::embed::{Embedder, TextRole};
use crate::error::{BackendError, ExternalService, Fault};
use crate::onnx::layout::ModelLayout;
use crate::onnx::{ModelPlace, OnnxError, PairModel};
use crate::types::RerankerId;

/// Loads the model, whichever kind it is, and tries it on a pair of words. Blocks.
pub fn open(place: impl Into<ModelPlace>) -> Result<Box<dyn Reranker>, OnnxError> {
    let place = place.into();
    if ModelLayout::read(&place)?.scores_pairs {
        return Ok(Box::new(CrossEncoder::open(place)?));
    }
    let options = OnnxOptions { place, ..OnnxOptions::default() };
    let embedder = embed_onnx::open(options)?;
    let id = local(&embedder.id().name, &embedder.id().revision);
    Ok(Box::new(BiEncoder { id, embedder }))
}

fn local(name: &str, revision: &str) -> RerankerId {
    RerankerId { name: name.to_owned(), revision: Some(revision.to_owned()), endpoint: None }
}

/// Its scores are the model's logits. An endpoint would squeeze them into 0..=1, where the best ones could no
/// longer be distinguished.
struct CrossEncoder {
    id: RerankerId,
    model: Arc<PairModel>,
}

impl CrossEncoder {
    fn open(place: ModelPlace) -> Result<Self, OnnxError> {
        let model = PairModel::open(place)?;
        if model.values() != 1 {
            return Err(OnnxError {
                path: model.layout().model.clone(),
                problem: format!("gives {} scores for a pair instead of one", model.values()),
                hint: "use a cross-encoder with one score for a pair, or an embedding model",
            });
        }
        Ok(Self { id: local(model.name(), model.revision()), model: Arc::new(model) })
    }
}

#[async_trait]
impl Reranker for CrossEncoder {
    fn id(&self) -> &RerankerId {
        &self.id
    }

    fn kind(&self) -> RerankerKind {
        RerankerKind::ReadsPairs
    }

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let model = Arc::clone(&self.model);
        let (question, texts) = (question.to_owned(), texts.to_vec());
        let work = move || {
            let pairs: Vec<_> = texts.iter().map(|text| (&*question, &**text)).collect();
            model.run(&pairs)
        };
        let scores = tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(format!("the reranking task ended early: {error}")))
            .map_err(|problem| {
                BackendError::new(
                    ExternalService::Reranker,
                    Fault::Permanent,
                    &self.id.name,
                    &problem,
                )
            })?;
        Ok(scores.into_iter().flatten().collect())
    }
}

struct BiEncoder {
    id: RerankerId,
    embedder: OnnxEmbedder,
}

#[async_trait]
impl Reranker for BiEncoder {
    fn id(&self) -> &RerankerId {
        &self.id
    }

    fn kind(&self) -> RerankerKind {
        RerankerKind::ComparesVectors
    }

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let as_reranker =
            |error: BackendError| BackendError { service: ExternalService::Reranker, ..error };
        let question = [question.to_owned()];
        let (question, passages) = tokio::try_join!(
            self.embedder.embed(&question, TextRole::Query),
            self.embedder.embed(texts, TextRole::Document)
        )
        .map_err(as_reranker)?;
        let question = question.into_iter().next().flatten().unwrap_or_default();
        let cosine = |passage: Option<Vec<f32>>| {
            passage.map_or(0.0, |passage| question.iter().zip(passage).map(|(a, b)| a * b).sum())
        };
        Ok(passages.into_iter().map(cosine).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::onnx::tests::{copy, model};

    #[derive(Deserialize)]
    struct Reference {
        question: String,
        scores: BTreeMap<String, f32>,
    }

    #[tokio::test]
    async fn reproduces_the_scores_of_onnxruntime() {
        let text = std::fs::read_to_string(model("cross").join("reference.json")).unwrap();
        let reference: Reference = serde_json::from_str(&text).unwrap();
        let reranker = open(model("cross")).unwrap();
        let texts: Vec<String> = reference.scores.keys().cloned().collect();
        let scores = reranker.score(&reference.question, &texts).await.unwrap();
        assert_eq!(scores.len(), texts.len());
        for (score, expected) in scores.iter().zip(reference.scores.values()) {
            assert!((score - expected).abs() < 1e-4, "{scores:?}");
        }
        assert_eq!(reranker.id().name, "onnx:cross");
    }

    #[tokio::test]
    async fn an_embedding_model_scores_by_cosine() {
        let reranker = open(model("bert")).unwrap();
        let texts = ["the key who may restore".to_owned(), String::new(), "the ledger".to_owned()];
        let scores = reranker.score("the ledger", &texts).await.unwrap();
        assert_eq!((scores.len(), scores[1]), (3, 0.0));
        assert!((scores[2] - 1.0).abs() < 1e-5 && scores[0] < 0.999, "{scores:?}");
    }

    #[test]
    fn a_model_with_several_scores_is_refused() {
        let dir = copy("bert");
        let config =
            r#"{"architectures": ["BertForSequenceClassification"], "model_type": "bert"}"#;
        std::fs::write(dir.path().join("config.json"), config).unwrap();
        let error = open(dir.path()).err().unwrap();
        assert!(error.to_string().contains("instead of for the pair"), "{error}");
    }
}
