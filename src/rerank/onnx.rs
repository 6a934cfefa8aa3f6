//! Scores from an ONNX model in a directory: a cross-encoder, which reads question and passage
//! together, or an embedding model, whose cosines are the scores.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::Reranker;
use crate::embed::onnx::{self as embed_onnx, OnnxEmbedder, OnnxOptions};
use crate::embed::{Embedder, Role};
use crate::error::{BackendError, Fault, Service};
use crate::onnx::layout::Layout;
use crate::onnx::{Answer, Onnx, OnnxError};
use crate::types::RerankerId;

/// Loads the model, of whichever kind it is, and tries it on a pair of words. Blocks.
pub fn open(dir: &Path) -> Result<Box<dyn Reranker>, OnnxError> {
    if Layout::read(dir)?.scores_pairs {
        return Ok(Box::new(CrossEncoder::open(dir)?));
    }
    let options = OnnxOptions { dir: dir.to_owned(), ..OnnxOptions::default() };
    let embedder = embed_onnx::open(options)?;
    let id = local(&embedder.id().name, &embedder.id().revision);
    Ok(Box::new(BiEncoder { id, embedder }))
}

fn local(name: &str, revision: &str) -> RerankerId {
    RerankerId { name: name.to_owned(), revision: Some(revision.to_owned()), endpoint: None }
}

/// Its scores are the model's logits: what an endpoint would squeeze into 0..=1, where the best ones
/// could no longer be told apart.
struct CrossEncoder {
    id: RerankerId,
    onnx: Arc<Onnx>,
    output: String,
}

impl CrossEncoder {
    fn open(dir: &Path) -> Result<Self, OnnxError> {
        let onnx = Onnx::open(dir)?;
        let failed = |problem: String| OnnxError {
            path: onnx.layout.model.clone(),
            problem,
            hint: "use a cross-encoder with one score for a pair, or an embedding model",
        };
        let logits = onnx.outputs().iter().find(|name| *name == "logits");
        let output = logits.or(onnx.outputs().first()).cloned();
        let output = output.ok_or_else(|| failed("has no output".to_owned()))?;
        let pair = onnx.encode_pair("docent", "docent");
        onnx.run(&[pair], &output, one_score).map_err(failed)?;
        let name = format!("onnx:{}", onnx.layout.name);
        let id = local(&name, onnx.fingerprint.0.split_at(16).0);
        Ok(Self { id, output, onnx: Arc::new(onnx) })
    }
}

fn one_score(answer: Answer<'_>) -> Result<f32, String> {
    match answer.values {
        [score] if score.is_finite() => Ok(*score),
        [_] => Err("the score is not a number".to_owned()),
        values => Err(format!("gives {} scores for a pair, where one is wanted", values.len())),
    }
}

#[async_trait]
impl Reranker for CrossEncoder {
    fn id(&self) -> &RerankerId {
        &self.id
    }

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let (onnx, output) = (Arc::clone(&self.onnx), self.output.clone());
        let (question, texts) = (question.to_owned(), texts.to_vec());
        let work = move || {
            let pairs: Vec<_> =
                texts.iter().map(|text| onnx.encode_pair(&question, text)).collect();
            onnx.run(&pairs, &output, one_score)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(format!("the reranking task ended early: {error}")))
            .map_err(|problem| {
                BackendError::new(Service::Reranker, Fault::Permanent, &self.id.name, &problem)
            })
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

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let as_reranker =
            |error: BackendError| BackendError { service: Service::Reranker, ..error };
        let question = [question.to_owned()];
        let (question, passages) = tokio::try_join!(
            self.embedder.embed(&question, Role::Query),
            self.embedder.embed(texts, Role::Document)
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
        let reranker = open(&model("cross")).unwrap();
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
        let reranker = open(&model("bert")).unwrap();
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
        assert!(error.to_string().contains("scores for a pair"), "{error}");
    }
}
