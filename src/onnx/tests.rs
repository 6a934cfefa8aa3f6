#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Pooling;
use super::*;

pub(crate) fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(name)
}

/// A copy that a test can damage.
pub(crate) fn copy(name: &str) -> tempfile::TempDir {
    fn copy_into(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if from.is_dir() {
                copy_into(&from, &to);
            } else {
                fs::copy(from, to).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    copy_into(&model(name), dir.path());
    dir
}

#[test]
fn a_directory_says_how_its_model_is_used() {
    let bert = ModelLayout::read(model("bert")).unwrap();
    assert_eq!((bert.name.as_str(), bert.max_tokens), ("onnx:bert", 64));
    assert_eq!(bert.pooling, [Pooling::Mean]);
    assert!(bert.further_modules.is_empty() && !bert.scores_pairs);
    assert!(bert.model.ends_with("onnx/model.onnx"));

    let xlmr = ModelLayout::read(model("xlmr")).unwrap();
    // Positions are counted from after the padding token.
    assert_eq!((xlmr.max_tokens, xlmr.pad_id), (64, Some(1)));
    assert_eq!(xlmr.pooling, [Pooling::Cls]);
    assert_eq!(
        (xlmr.document_prompt.as_str(), xlmr.query_prompt.as_str()),
        ("passage: ", "query: ")
    );

    assert!(ModelLayout::read(model("cross")).unwrap().scores_pairs);
}

#[test]
fn configurations_differ() {
    let dir = copy("bert");
    let read = |file: &str, text: &str| {
        fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
        fs::write(dir.path().join(file), text).unwrap();
        ModelLayout::read(dir.path())
    };
    let pooling = "1_Pooling/config.json";
    for (text, expected) in [
        (r#"{"pooling_mode": "max"}"#, vec![Pooling::Max]),
        (r#"{"pooling_mode": ["mean", "cls"]}"#, vec![Pooling::Cls, Pooling::Mean]),
        (
            r#"{"pooling_mode_cls_token": true, "pooling_mode_weightedmean_tokens": true}"#,
            vec![Pooling::Cls, Pooling::WeightedMean],
        ),
        (r#"{"pooling_mode_lasttoken": true}"#, vec![Pooling::LastToken]),
    ] {
        assert_eq!(read(pooling, text).unwrap().pooling, expected, "{text}");
    }
    for text in [r#"{"pooling_mode": "attention"}"#, "{}", "[", r#"{"pooling_mode": "mean+x"}"#] {
        let error = read(pooling, text).unwrap_err();
        assert!(error.path.ends_with(pooling), "{text}: {error}");
    }
    fs::remove_file(dir.path().join(pooling)).unwrap();
    assert_eq!(ModelLayout::read(dir.path()).unwrap().pooling, [Pooling::Mean]);

    fs::remove_file(dir.path().join("sentence_bert_config.json")).unwrap();
    assert_eq!(ModelLayout::read(dir.path()).unwrap().max_tokens, 66);
    let tokens = read("tokenizer_config.json", r#"{"model_max_length": 32}"#);
    assert_eq!(tokens.unwrap().max_tokens, 32);
    let unknown = read("tokenizer_config.json", r#"{"model_max_length": 1e30}"#);
    assert_eq!(unknown.unwrap().max_tokens, 66);
}

#[test]
fn missing_and_broken_files_are_named() {
    let error = |dir: &Path| Onnx::open(dir).err().unwrap();
    assert!(error(Path::new("/no/such/model")).to_string().contains("is not a directory"));

    let dir = copy("bert");
    fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    assert!(error(dir.path()).to_string().ends_with("tokenizer.json: is not there"));
    fs::write(dir.path().join("tokenizer.json"), "{}").unwrap();
    assert!(error(dir.path()).to_string().contains("tokenizer.json: is not a tokenizer"));

    let dir = copy("bert");
    let file = dir.path().join("onnx/model.onnx");
    fs::write(&file, "version https://git-lfs.github.com/spec/v1").unwrap();
    let broken = error(dir.path());
    assert!(broken.path == file && broken.problem.starts_with("cannot be run"), "{broken}");
    fs::remove_file(&file).unwrap();
    let gone = error(dir.path());
    assert!(gone.hint.contains("optimum-cli export onnx"), "{gone}");
}

#[test]
fn an_unknown_operator_is_named() {
    let dir = copy("bert");
    let file = dir.path().join("onnx/model.onnx");
    let bytes = fs::read(&file).unwrap();
    let at = bytes.windows(7).position(|window| window == b"Softmax").unwrap();
    let spoilt = [&bytes[..at], b"Hardmix", &bytes[at + 7..]].concat();
    fs::write(&file, spoilt).unwrap();
    let error = Onnx::open(dir.path()).err().unwrap();
    assert!(error.problem.contains("Hardmix"), "{error}");
    assert!(error.hint.contains("standard operators"), "{error}");
}

#[test]
fn the_fingerprint_depends_on_the_files_and_not_on_their_place() {
    let (here, there) = (Onnx::open(model("bert")).unwrap(), copy("bert"));
    assert_eq!(Onnx::open(there.path()).unwrap().fingerprint, here.fingerprint);
    let tokenizer = there.path().join("tokenizer.json");
    let text = fs::read_to_string(&tokenizer).unwrap();
    fs::write(&tokenizer, format!("{text}\n")).unwrap();
    assert_ne!(Onnx::open(there.path()).unwrap().fingerprint, here.fingerprint);
}

#[test]
fn texts_are_truncated_to_what_the_model_reads() {
    let bert = Onnx::open(model("bert")).unwrap();
    assert_eq!(bert.longest_text(), 62);
    assert_eq!(bert.encode("the ledger").ids.len(), 4);
    assert_eq!(bert.count_tokens("the ledger"), 2);
    let long = "ledger ".repeat(500);
    // The tokenizer's own file says to truncate at 16 and to pad to 32.
    assert_eq!((bert.encode(&long).ids.len(), bert.count_tokens(&long)), (64, 500));
    let pair = bert.encode_pair(&long, &long);
    assert_eq!(pair.ids.len(), 64);
    assert_eq!(pair.type_ids.iter().sum::<u32>(), 32);
    let short = bert.encode_pair("the ledger", &long);
    assert_eq!((short.ids.len(), short.type_ids.iter().sum::<u32>()), (64, 60));
    let asked = bert.encode_pair(&long, "the ledger");
    assert_eq!((asked.ids.len(), asked.type_ids.iter().sum::<u32>()), (64, 3));
}
