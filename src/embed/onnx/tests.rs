#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::*;
use crate::onnx::tests::{copy, model};

fn opened(dir: &Path) -> OnnxEmbedder {
    open(OnnxOptions { place: dir.into(), ..OnnxOptions::default() }).unwrap()
}

#[derive(Deserialize)]
struct Reference {
    documents: BTreeMap<String, Vec<f32>>,
    #[serde(default)]
    queries: BTreeMap<String, Vec<f32>>,
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The least cosine between the embedder's vectors and those of the reference.
async fn agreement(dir: &Path, reference: &Path) -> f32 {
    let text = fs::read_to_string(reference).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    let embedder = opened(dir);
    let mut least = 1.0_f32;
    for (role, cases) in
        [(TextRole::Document, reference.documents), (TextRole::Query, reference.queries)]
    {
        let texts: Vec<String> = cases.keys().cloned().collect();
        let vectors = embedder.embed(&texts, role).await.unwrap();
        assert_eq!(vectors.len(), cases.len());
        for (vector, expected) in vectors.iter().zip(cases.values()) {
            let vector = vector.as_ref().unwrap();
            assert_eq!(vector.len(), expected.len());
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
            least = least.min(cosine(vector, expected));
        }
    }
    least
}

#[tokio::test]
async fn reproduces_the_vectors_of_onnxruntime() {
    for name in ["bert", "xlmr"] {
        let least = agreement(&model(name), &model(name).join("reference.json")).await;
        assert!(least > 0.99999, "{name}: {least}");
    }
}

#[tokio::test]
async fn a_batch_gives_what_single_texts_give_in_order() {
    let embedder = opened(&model("bert"));
    let texts: Vec<String> =
        (1..60).map(|n| "the ledger is kept ".repeat(n % 17 + 1) + &n.to_string()).collect();
    let batch = embedder.embed(&texts, TextRole::Document).await.unwrap();
    for (text, vector) in texts.iter().zip(&batch) {
        let alone = embedder.embed(std::slice::from_ref(text), TextRole::Document).await.unwrap();
        let same = cosine(alone[0].as_ref().unwrap(), vector.as_ref().unwrap());
        assert!(same > 0.99999, "{text}: {same}");
    }
    let nothing = [String::new(), " \n".to_owned()];
    assert_eq!(embedder.embed(&nothing, TextRole::Document).await.unwrap(), [None, None]);
}

#[test]
fn a_model_is_known_by_its_content() {
    let (here, there) = (opened(&model("bert")), copy("bert"));
    assert_eq!((here.id().name.as_str(), here.id().dimensions), ("onnx:bert", 16));
    let options = OnnxOptions {
        place: there.path().into(),
        known: Some(here.id().clone()),
        ..OnnxOptions::default()
    };
    assert_eq!(open(options.clone()).unwrap().id(), here.id());
    fs::write(there.path().join("1_Pooling/config.json"), r#"{"pooling_mode": "cls"}"#).unwrap();
    let other = open(options).unwrap();
    assert_ne!(other.id().revision, here.id().revision);
    assert_ne!(other.id().name, here.id().name);
}

#[test]
fn limits_leave_room_for_prompts() {
    let xlmr = opened(&model("xlmr"));
    let prompt = xlmr.count_tokens("passage: ").max(xlmr.count_tokens("query: "));
    assert_eq!(xlmr.limits().input_tokens, 64 - 2 - prompt);
    assert_eq!(xlmr.id().document_prefix, "passage: ");
    let options = OnnxOptions {
        place: model("xlmr").into(),
        query_prefix: "ask: ".to_owned(),
        ..OnnxOptions::default()
    };
    assert_eq!(open(options).unwrap().id().query_prefix, "ask: ");
}

#[tokio::test]
async fn vectors_may_be_cut() {
    let options = |dimensions| OnnxOptions {
        place: model("bert").into(),
        dimensions: Some(dimensions),
        ..OnnxOptions::default()
    };
    let cut = open(options(8)).unwrap();
    let text = ["the ledger".to_owned()];
    let short = cut.embed(&text, TextRole::Query).await.unwrap().remove(0).unwrap();
    let full =
        opened(&model("bert")).embed(&text, TextRole::Query).await.unwrap().remove(0).unwrap();
    assert_eq!((short.len(), cut.id().dimensions), (8, 8));
    let norm = cosine(&full[..8], &full[..8]).sqrt();
    assert!((cosine(&short, &full[..8]) / norm - 1.0).abs() < 1e-5);
    let error = open(options(17)).err().unwrap();
    assert!(error.to_string().contains("makes vectors of 16 dimensions, not 17"), "{error}");
}

#[test]
fn a_model_without_vectors_is_refused() {
    let error =
        open(OnnxOptions { place: model("cross").into(), ..OnnxOptions::default() }).err().unwrap();
    assert!(error.hint.contains("--rerank"), "{error}");
    let dir = copy("bert");
    let modules = fs::read_to_string(dir.path().join("modules.json")).unwrap();
    fs::write(dir.path().join("modules.json"), modules.replace("Normalize", "Dense")).unwrap();
    let options = OnnxOptions { place: dir.path().into(), ..OnnxOptions::default() };
    let error = open(options).err().unwrap();
    assert!(error.to_string().contains("Dense"), "{error}");
}
