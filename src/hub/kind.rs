//! Decides from `config.json` which models run here, before a large file is fetched. Pure.

use serde::Deserialize;

/// What a model is wanted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Vectors of texts.
    Embed,
    /// Scores of pairs, or vectors that are compared.
    Rerank,
    /// Whether one text follows from another.
    Verify,
    /// Fetched only, for any purpose.
    Any,
}

/// Encoders whose exports take `input_ids`, `attention_mask` and maybe `token_type_ids`, and whose outputs
/// are pooled or scored: what `onnx` runs.
const ENCODERS: &[&str] = &[
    "albert",
    "bert",
    "camembert",
    "convbert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "ernie",
    "gte",
    "layoutlm",
    "mobilebert",
    "modernbert",
    "mpnet",
    "new",
    "nomic_bert",
    "rembert",
    "roberta",
    "roformer",
    "squeezebert",
    "xlm",
    "xlm-roberta",
    "xlm-roberta-flash",
    "xmod",
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    architectures: Option<Vec<String>>,
    model_type: Option<String>,
    is_encoder_decoder: Option<bool>,
    vision_config: Option<serde::de::IgnoredAny>,
    audio_config: Option<serde::de::IgnoredAny>,
}

/// Why a model with this `config.json` cannot be used for `purpose`, as the end of a sentence that begins
/// with the model's name, and a hint.
pub(super) fn unsupported_reason(
    config: &[u8],
    purpose: Purpose,
) -> Option<(String, &'static str)> {
    let config: Config = match serde_json::from_slice(config) {
        Ok(config) => config,
        Err(error) => {
            let why = format!("has a config.json that can't be read: {error}");
            return Some((
                why,
                "choose another model, or another revision of it: hf:ORG/NAME@REVISION",
            ));
        }
    };
    let named = config.architectures.unwrap_or_default();
    let architecture = named.first().map_or("", String::as_str);
    let kind = config.model_type.unwrap_or_default();
    let what = if architecture.is_empty() { &*kind } else { architecture };
    let cannot = |why: &str| Some((format!("can't be run here: {what} {why}"), OTHERS));
    if config.is_encoder_decoder == Some(true) {
        return cannot("turns one text into another (encoder and decoder)");
    }
    if architecture.ends_with("ForCausalLM") {
        return cannot("generates text, and docent has no way to get vectors from it");
    }
    if config.vision_config.is_some() || config.audio_config.is_some() {
        return cannot("is made for pictures or sound");
    }
    if !kind.is_empty() && !ENCODERS.contains(&&*kind) {
        let why = format!("is not a kind of text encoder that docent knows (model_type {kind:?})");
        return cannot(&why);
    }
    let pairs = named.iter().any(|name| name.ends_with("ForSequenceClassification"));
    match purpose {
        Purpose::Embed if pairs => Some((
            format!("scores texts, and makes no vectors ({what})"),
            "use it with --rerank or --verify; for --embedder choose a model that makes vectors",
        )),
        Purpose::Verify if !pairs && !architecture.is_empty() => Some((
            format!("does not judge whether one text follows from another ({what})"),
            "use a model for natural language inference, such as hf:cross-encoder/nli-deberta-v3-xsmall",
        )),
        _ => None,
    }
}

const OTHERS: &str =
    "docs/models.md lists models that run; to try another one, name its directory: onnx:DIR";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_and_what_does_not() {
        use Purpose::{Any, Embed, Rerank, Verify};
        for (config, purpose, part) in [
            (r#"{"architectures": ["BertModel"], "model_type": "bert"}"#, Embed, None),
            (r#"{"model_type": "xlm-roberta"}"#, Embed, None),
            (r#"{"architectures": null, "model_type": "modernbert"}"#, Embed, None),
            ("{}", Embed, None),
            (
                r#"{"architectures": ["BertForSequenceClassification"], "model_type": "bert"}"#,
                Rerank,
                None,
            ),
            (r#"{"architectures": ["BertModel"], "model_type": "bert"}"#, Rerank, None),
            (
                r#"{"architectures": ["BertForSequenceClassification"], "model_type": "bert"}"#,
                Any,
                None,
            ),
            (r#"{"architectures": ["BertForSequenceClassification"]}"#, Embed, Some("no vectors")),
            (r#"{"architectures": ["BertModel"], "model_type": "bert"}"#, Verify, Some("follows")),
            (
                r#"{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}"#,
                Embed,
                Some("Qwen3ForCausalLM"),
            ),
            (
                r#"{"architectures": ["T5Model"], "is_encoder_decoder": true}"#,
                Any,
                Some("one text into another"),
            ),
            (r#"{"model_type": "clip", "vision_config": {}}"#, Embed, Some("pictures")),
            (r#"{"model_type": "qwen2"}"#, Embed, Some("qwen2")),
            ("<html>", Any, Some("can't be read")),
        ] {
            let said = unsupported_reason(config.as_bytes(), purpose).map(|(why, _)| why);
            match part {
                None => assert_eq!(said, None, "{config}"),
                Some(part) => {
                    assert!(
                        said.as_ref().is_some_and(|it| it.contains(part)),
                        "{config}: {said:?}"
                    );
                }
            }
        }
    }
}
