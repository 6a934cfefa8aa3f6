//! ONNX models from a directory, as embedder and as reranker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use docent::embed::onnx::{OnnxOptions, open};
use docent::embed::{Embedder as _, TextRole};
use serde::Deserialize;

use crate::env::{TestEnv, copy_tree};

pub(crate) fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(name)
}

fn onnx(dir: &Path) -> String {
    format!("onnx:{}", dir.display())
}

/// With sample documents and a model in `models/bert`.
fn project() -> TestEnv {
    let env = TestEnv::with_samples();
    copy_tree(&model("bert"), &env.path("models/bert"));
    env
}

#[test]
fn a_collection_is_built_and_asked_with_a_model_from_a_directory() {
    let env = project();
    env.run(&["ingest", "sample-docs/handbook", "--embedder", "onnx:models/bert"]).expect(0);
    let args = ["search", "How long are backups kept?", "--embedder", "onnx:models/bert"];
    let found = env.run(&[&args[..], &["--format", "json"]].concat()).expect(0).json();
    assert!(!found["hits"][0]["dense"].is_null(), "{found:#}");
    let status = env.run(&["status", "--format", "json"]).expect(0).to_string();
    assert!(status.contains("onnx:bert") && !status.contains("models/bert"), "{status}");
    // A model has the same identity wherever it is.
    let elsewhere = onnx(&model("bert"));
    env.run(&["search", "backups", "--embedder", &elsewhere]).expect(0);
    let again = env.run(&["ingest", "sample-docs/handbook", "--embedder", &elsewhere]).expect(0);
    assert!(again.stdout.contains("added 0, changed 0"), "{again}");
}

#[test]
fn another_model_is_refused_by_what_it_is() {
    let env = project();
    env.run(&["ingest", "sample-docs/handbook", "--embedder", "onnx:models/bert"]).expect(0);
    let other = env.run(&["search", "x", "--embedder", &onnx(&model("xlmr"))]).expect(3);
    assert!(other.stderr.contains("another model, `onnx:bert`"), "{other}");
    assert!(other.stderr.contains("docent ingest --rebuild --embedder onnx:"), "{other}");
    let prefixed = {
        let mut env = env;
        env.set("DOCENT_EMBEDDING_QUERY_PREFIX", "ask: ");
        env.run(&["search", "x", "--embedder", "onnx:models/bert"]).expect(3)
    };
    assert!(prefixed.stderr.contains("prefixes"), "{prefixed}");
}

#[test]
fn chunks_are_as_small_as_the_model_needs_them_unless_a_size_was_asked_for() {
    let env = project();
    let args = ["ingest", "sample-docs/handbook", "--embedder", "onnx:models/bert"];
    let asked = env.run(&[&args[..], &["--chunk-tokens", "100"]].concat()).expect(3);
    assert!(asked.stderr.contains("over the embedder's limit of 62"), "{asked}");
    env.run(&args).expect(0);
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    let text = status.to_string();
    assert!(text.contains(r#""max_tokens":62"#), "{status:#}");
}

#[test]
fn a_directory_that_is_no_model_is_a_matter_of_configuration() {
    let env = project();
    std::fs::remove_file(env.path("models/bert/onnx/model.onnx")).expect("removed");
    for args in [
        ["ingest", "sample-docs", "--embedder", "onnx:models/bert"],
        ["ingest", "sample-docs", "--embedder", "onnx:models/none"],
    ] {
        let run = env.run(&args).expect(3);
        assert!(run.stderr.contains("hint: "), "{run}");
    }
    let run = env.run(&["doctor", "--embedder", "onnx:models/bert"]).expect(3);
    assert!(run.stdout.contains("optimum-cli export onnx"), "{run}");
}

#[test]
fn a_project_file_names_a_model_where_it_is_trusted() {
    let env = project();
    for name in ["embedder", "rerank.with"] {
        env.write("docent.toml", format!("{name} = \"onnx:models/bert\"\n"));
        let run = env.run(&["search", "x"]).expect(3);
        assert!(run.stderr.contains(&format!("{name} = onnx:models/bert")), "{run}");
    }
    env.write("docent.toml", "embedder = \"onnx:models/bert\"\n");
    env.run(&["config", "trust"]).expect(0);
    std::fs::create_dir_all(env.path("below")).expect("a directory");
    let mut command = env.command(&["ingest", "../sample-docs/handbook"]);
    let output = command.current_dir(env.path("below")).output().expect("docent starts");
    env.outcome(&["ingest"], output).expect(0);
}

#[test]
fn a_model_from_a_directory_reranks() {
    let env = project();
    env.run(&["ingest", "sample-docs"]).expect(0);
    for name in ["cross", "xlmr"] {
        let (reranker, question) = (onnx(&model(name)), "who may restore a backup");
        let args = ["search", question, "--format", "json", "-k", "30", "--rerank", &reranker];
        let found = env.run(&[&args[..], &["--rerank-candidates", "10"]].concat()).expect(0).json();
        let hits = found["hits"].as_array().expect("hits");
        let asked = hits.iter().filter(|hit| !hit["rerank"].is_null());
        assert_eq!((hits.len(), asked.count()), (30, 10), "{name}");
        let scores: Vec<f64> = hits.iter().filter_map(|hit| hit["score"].as_f64()).collect();
        assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{name}: {scores:?}");
        let doctor = env.run(&["doctor", "--rerank", &reranker]).expect(0);
        assert!(doctor.stdout.contains(&format!("onnx:{name}")), "{doctor}");
    }
    let wrong = env.run(&["search", "x", "--rerank", "onnx:none"]).expect(3);
    assert!(wrong.stderr.contains("is not a directory"), "{wrong}");
}

#[derive(Deserialize)]
struct Reference {
    documents: BTreeMap<String, Vec<f32>>,
}

/// `DOCENT_TEST_MINILM` names a directory with all-MiniLM-L6-v2 as ONNX, and in it `reference.json`
/// with what sentence-transformers makes of some texts: `{"documents": {TEXT: VECTOR}}`.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "says that nothing was tested")]
async fn a_published_model_gives_the_vectors_of_its_reference() {
    let Some(dir) = std::env::var_os("DOCENT_TEST_MINILM").map(PathBuf::from) else {
        return eprintln!("NOT RUN: DOCENT_TEST_MINILM names no directory with all-MiniLM-L6-v2");
    };
    let reference = std::fs::read_to_string(dir.join("reference.json")).expect("reference.json");
    let reference: Reference = serde_json::from_str(&reference).expect("a reference");
    let embedder =
        open(OnnxOptions { place: dir.into(), ..OnnxOptions::default() }).expect("a model");
    let texts: Vec<String> = reference.documents.keys().cloned().collect();
    let vectors = embedder.embed(&texts, TextRole::Document).await.expect("vectors");
    for (vector, (text, expected)) in vectors.iter().zip(&reference.documents) {
        let vector = vector.as_ref().expect("a vector");
        let cosine: f32 = vector.iter().zip(expected).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.9999, "{cosine}: {text}");
    }
}
