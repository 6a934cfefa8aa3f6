#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::*;
use crate::onnx::tests::{copy, model};

const PREMISE: [&str; 2] =
    ["Ledger backups are kept for 400 days.", "Auditors help to restore them."];

fn claim(text: &str, premise: &[&str]) -> EntailmentClaim {
    let premise = premise.iter().map(|sentence| (*sentence).to_owned()).collect();
    EntailmentClaim { text: text.to_owned(), premise }
}

async fn judged(model: &CrossEncoder, claims: &[EntailmentClaim]) -> Vec<ClaimScores> {
    model.judge(claims).await.unwrap().into_iter().map(Result::unwrap).collect()
}

/// One model per tokenizer and head: `WordPiece` with token types, byte-level BPE, Unigram with a fixed
/// length.
#[tokio::test]
async fn models_of_every_kind_tell_what_follows() {
    for name in ["nli", "nli-roberta", "nli-deberta"] {
        let dir = model(name);
        check(&dir).unwrap();
        let model = open(&dir).unwrap();
        assert_eq!((model.name(), model.revision().len()), (&*format!("onnx:{name}"), 16));
        let claims = [
            claim("Backups are kept for 400 days.", &PREMISE),
            claim("Backups are not kept for 400 days.", &PREMISE),
            claim("Operators trust the ferry.", &PREMISE),
            // Only both sentences together have all its words.
            claim("Auditors restore backups kept for 400 days.", &PREMISE),
            claim("Auditors trust.", &[]),
        ];
        let judged = judged(&model, &claims).await;
        let supported: Vec<bool> = judged.iter().map(|judged| judged.score > 0.5).collect();
        assert_eq!(supported, [true, false, false, true, false], "{name}: {judged:?}");
        assert!(judged.iter().all(|judged| (0.0..=1.0).contains(&judged.score)), "{judged:?}");
        let against = judged[1].contradicted_by.as_deref();
        assert_eq!(against, (name == "nli").then_some(PREMISE[0]), "{name}");
    }
}

/// A model whose labels are in another order is a different model.
#[tokio::test]
async fn labels_decide_what_scores_mean() {
    let dir = copy("nli");
    let claims = [claim("Backups are kept for 400 days.", &PREMISE[..1])];
    for (labels, supported) in [
        (r#"{"0": "contradiction", "1": "entailment", "2": "neutral"}"#, true),
        (r#"{"0": "contradiction", "1": "neutral", "2": "entailment"}"#, false),
    ] {
        let config = format!(r#"{{"max_position_embeddings": 64, "id2label": {labels}}}"#);
        fs::write(dir.path().join("config.json"), config).unwrap();
        let judged = judged(&open(dir.path()).unwrap(), &claims).await;
        assert_eq!(judged[0].score > 0.5, supported, "{labels}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_read_in_parts_or_said_to_be() {
    let model = open(model("nli")).unwrap();
    let filler = "Old operators trust two auditors in a matter of days.";
    let mut premise = vec![filler; 40];
    premise.push(PREMISE[0]);
    let endless = format!("{} {}", "trust ".repeat(300), PREMISE[0]);
    let claims = [
        claim("Backups are kept for 400 days.", &premise),
        claim("Backups are kept for 400 days.", &[&endless]),
        claim("Backups are kept for 900 days.", &premise),
        claim(&"trust ".repeat(40), &premise),
    ];
    let judged = model.judge(&claims).await.unwrap();
    let scores: Vec<_> =
        judged.iter().map(|judged| judged.as_ref().map(|it| it.score > 0.5)).collect();
    assert_eq!(scores[..3], [Ok(true), Ok(true), Ok(false)], "{judged:?}");
    let problem = judged[3].as_ref().unwrap_err();
    assert!(problem.contains("40 tokens") && problem.contains("reads 61"), "{problem}");
}

#[test]
fn a_model_that_does_not_fit_its_labels_is_refused() {
    let error = |name: &str, config: &str| {
        let dir = copy(name);
        fs::write(dir.path().join("config.json"), config).unwrap();
        let error = open(dir.path()).err().unwrap();
        (error.to_string(), error.hint)
    };
    let two = r#"{"id2label": {"0": "supported", "1": "unsupported"}}"#;
    let (problem, hint) = error("nli", two);
    assert!(problem.contains("names 2 labels") && problem.contains("gives 3 scores"), "{problem}");
    assert!(hint.contains("id2label"), "{hint}");
    let (problem, _) = error("bert", two);
    assert!(problem.contains("scores for each token"), "{problem}");
    let (problem, _) = error("nli", "{");
    assert!(problem.contains("config.json: is not what was expected"), "{problem}");
    let dir = copy("nli");
    fs::remove_file(dir.path().join("model.onnx")).unwrap();
    assert!(check(dir.path()).unwrap_err().to_string().contains("model.onnx: is not there"));
}
