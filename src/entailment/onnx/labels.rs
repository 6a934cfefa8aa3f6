//! The meaning of the numbers that a model computes for premise and claim.

use crate::onnx::OnnxError;
use crate::onnx::layout::ModelLayout;

pub(super) const HINT: &str = r#"set "id2label" in this file: {"0": "entailment", "1": "neutral", "2": "contradiction"} in the model's order, {"0": "unsupported", "1": "supported"}, or {"0": "supported"} for a model with one score"#;

/// What a label says about a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    Supported,
    Contradicted,
    /// Neither.
    Neutral,
    /// Contradicted or neutral.
    Unsupported,
    /// Supported or neutral.
    Uncontradicted,
}

/// Names of the labels in published models, reduced to letters in lower case.
const NAMES: &[(Meaning, &[&str])] = &[
    (
        Meaning::Supported,
        &[
            "entailment",
            "entail",
            "entails",
            "entailed",
            "support",
            "supports",
            "supported",
            "consistent",
            "factual",
            "factuallyconsistent",
            "faithful",
            "grounded",
            "attributable",
        ],
    ),
    (
        Meaning::Contradicted,
        &[
            "contradiction",
            "contradict",
            "contradicts",
            "contradicted",
            "contradictory",
            "refute",
            "refutes",
            "refuted",
            "conflict",
        ],
    ),
    (Meaning::Neutral, &["neutral", "notenoughinfo", "nei", "unrelated", "irrelevant", "unknown"]),
    (
        Meaning::Unsupported,
        &[
            "notentailment",
            "nonentailment",
            "notentailed",
            "unsupported",
            "notsupported",
            "inconsistent",
            "hallucination",
            "hallucinated",
            "nonfactual",
            "notfactual",
            "unfaithful",
            "ungrounded",
            "notgrounded",
        ],
    ),
    (
        Meaning::Uncontradicted,
        &["notcontradiction", "noncontradiction", "nocontradiction", "noconflict", "notconflict"],
    ),
];

impl Meaning {
    fn of(label: &str) -> Option<Self> {
        let letters = label.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters.flat_map(char::to_lowercase).collect();
        let row = NAMES.iter().find(|(_, names)| names.contains(&name.as_str()))?;
        Some(row.0)
    }
}

/// How the numbers of a model become a score.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClassifierHead {
    /// One number: the logit of a claim that is supported.
    Single,
    /// As many logits as labels; these two are used.
    Labels { labels: usize, supported: usize, contradicted: Option<usize> },
    /// Two logits; the model only says whether a claim is contradicted.
    Contradiction { contradicted: usize },
}

/// The scores of one window.
pub(super) struct WindowReading {
    pub(super) score: f32,
    pub(super) contradicts: Option<f32>,
}

impl ClassifierHead {
    /// Reads the labels from the configuration beside the model. A single label without a name (`LABEL_0`)
    /// counts as the score of a grounded claim, as in `HHEM` and similar models.
    pub(super) fn of(layout: &ModelLayout) -> Result<Self, OnnxError> {
        let wrong =
            |problem: String| OnnxError { path: layout.config.clone(), problem, hint: HINT };
        if !layout.config.is_file() {
            return Err(wrong(
                "is not there, so the meaning of the model's scores is unknown".to_owned(),
            ));
        }
        let labels = &layout.labels;
        let named: Vec<Option<Meaning>> = labels.iter().map(|label| Meaning::of(label)).collect();
        let at = |meaning| named.iter().position(|named| *named == Some(meaning));
        if let [only] = &*named
            && (*only == Some(Meaning::Supported) || labels[0].eq_ignore_ascii_case("LABEL_0"))
        {
            return Ok(Self::Single);
        }
        let listed = labels.join(", ");
        match labels.iter().zip(&named).find(|(_, meaning)| meaning.is_none()) {
            _ if labels.is_empty() => {
                return Err(wrong("does not say what the model's scores mean".to_owned()));
            }
            Some((label, _)) => {
                return Err(wrong(format!(
                    "has the unknown label {label:?} among its labels: {listed}"
                )));
            }
            None => {}
        }
        let count = |meaning| named.iter().filter(|named| **named == Some(meaning)).count();
        let contradicted = at(Meaning::Contradicted);
        match (count(Meaning::Supported), at(Meaning::Supported), contradicted) {
            (1, Some(supported), _) if labels.len() > 1 => {
                Ok(Self::Labels { labels: labels.len(), supported, contradicted })
            }
            (0, _, Some(contradicted))
                if labels.len() == 2 && count(Meaning::Contradicted) == 1 =>
            {
                Ok(Self::Contradiction { contradicted })
            }
            _ => Err(wrong(format!("exactly one of its labels has to mean support: {listed}"))),
        }
    }

    /// Whether the model gives as many numbers for a pair as it has labels.
    pub(super) fn check_fits(self, values: usize) -> Result<(), String> {
        let labels = match self {
            Self::Single => 1,
            Self::Labels { labels, .. } => labels,
            Self::Contradiction { .. } => 2,
        };
        if values == labels {
            return Ok(());
        }
        Err(format!("names {labels} labels, but the model gives {values} scores for a pair"))
    }

    pub(super) fn read(self, logits: &[f32]) -> WindowReading {
        match self {
            Self::Single => {
                let logit = logits.first().copied().unwrap_or(f32::NEG_INFINITY);
                WindowReading { score: 1.0 / (1.0 + (-logit).exp()), contradicts: None }
            }
            Self::Labels { supported, contradicted, .. } => WindowReading {
                score: probability(logits, supported),
                contradicts: contradicted.map(|label| probability(logits, label)),
            },
            Self::Contradiction { contradicted } => {
                let contradicts = probability(logits, contradicted);
                WindowReading { score: 1.0 - contradicts, contradicts: Some(contradicts) }
            }
        }
    }

    /// The score of the claim from the scores of two windows: support in one place is enough, and so is a
    /// contradiction if the model sees nothing else.
    pub(super) fn better(self, one: f32, other: f32) -> f32 {
        match self {
            Self::Contradiction { .. } => one.min(other),
            Self::Single | Self::Labels { .. } => one.max(other),
        }
    }
}

/// Softmax.
fn probability(logits: &[f32], label: usize) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.get(label).map_or(0.0, |logit| (logit - most).exp() / sum)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::onnx::tests::copy;

    fn head(config: &str) -> Result<ClassifierHead, String> {
        let dir = copy("cross");
        std::fs::write(dir.path().join("config.json"), config).unwrap();
        ClassifierHead::of(&ModelLayout::read(dir.path()).unwrap())
            .map_err(|error| error.to_string())
    }

    fn named(labels: &[&str]) -> Result<ClassifierHead, String> {
        let rows = labels.iter().enumerate();
        let ids: serde_json::Map<_, _> =
            rows.map(|(id, label)| (id.to_string(), (*label).into())).collect();
        head(&serde_json::json!({"id2label": ids}).to_string())
    }

    #[test]
    fn labels_come_in_any_order_and_case() {
        let three = |supported, contradicted| {
            Ok(ClassifierHead::Labels { labels: 3, supported, contradicted: Some(contradicted) })
        };
        assert_eq!(named(&["entailment", "neutral", "contradiction"]), three(0, 2));
        assert_eq!(named(&["CONTRADICTION", "Entailment", "NEUTRAL"]), three(1, 0));
        assert_eq!(named(&["REFUTES", "NOT ENOUGH INFO", "SUPPORTS"]), three(2, 0));
        let by_name = r#"{"label2id": {"neutral": 1, "contradiction": 0, "entailment": 2}}"#;
        assert_eq!(head(by_name), three(2, 0));
        let two =
            |supported| Ok(ClassifierHead::Labels { labels: 2, supported, contradicted: None });
        assert_eq!(named(&["entailment", "not_entailment"]), two(0));
        assert_eq!(named(&["unsupported", "supported"]), two(1));
        assert_eq!(named(&["hallucinated", "consistent"]), two(1));
        for only in ["supported", "LABEL_0"] {
            assert_eq!(named(&[only]), Ok(ClassifierHead::Single));
        }
        let contradiction = Ok(ClassifierHead::Contradiction { contradicted: 1 });
        assert_eq!(named(&["no_contradiction", "contradiction"]), contradiction);
        assert_eq!(named(&["neutral", "contradiction"]), contradiction);
    }

    #[test]
    fn labels_that_say_nothing_are_refused() {
        for (config, problem) in [
            ("{}", "does not say"),
            (r#"{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#, "label \"LABEL_0\""),
            (r#"{"id2label": {"0": "positive", "1": "negative"}}"#, "label \"positive\""),
            (r#"{"id2label": {"1": "entailment", "2": "neutral"}}"#, "does not say"),
            (r#"{"id2label": {"0": "relevance"}}"#, "label \"relevance\""),
            (r#"{"id2label": {"0": "unsupported"}}"#, "has to mean support"),
            (r#"{"id2label": {"0": "neutral", "1": "unsupported"}}"#, "has to mean support"),
            (r#"{"id2label": {"0": "entailment", "1": "supported"}}"#, "has to mean support"),
            (r#"{"id2label": ["entailment", "neutral"]}"#, "does not say"),
            (r#"{"id2label": {"0": 1}, "label2id": null}"#, "does not say"),
        ] {
            let error = head(config).unwrap_err();
            assert!(
                error.contains("config.json: ") && error.contains(problem),
                "{config}: {error}"
            );
        }
        let dir = copy("cross");
        std::fs::remove_file(dir.path().join("config.json")).unwrap();
        let error =
            ClassifierHead::of(&ModelLayout::read(dir.path()).unwrap()).unwrap_err().to_string();
        assert!(error.contains("config.json: is not there"), "{error}");
    }

    #[test]
    fn logits_become_probabilities() {
        let near = |a: f32, b: f32| assert!((a - b).abs() < 1e-4, "{a} {b}");
        let nli = ClassifierHead::Labels { labels: 3, supported: 1, contradicted: Some(0) };
        let reading = nli.read(&[0.0, 2.0, 1.0]);
        near(reading.score, 0.665_24);
        near(reading.contradicts.unwrap(), 0.090_03);
        near(nli.read(&[0.0, 500.0, 1.0]).score, 1.0);
        near(ClassifierHead::Single.read(&[0.0]).score, 0.5);
        near(ClassifierHead::Single.read(&[-90.0]).score, 0.0);
        let against = ClassifierHead::Contradiction { contradicted: 1 };
        near(against.read(&[0.0, 2.0]).score, 0.119_2);
        near(nli.better(0.1, 0.9), 0.9);
        near(against.better(0.1, 0.9), 0.1);
        assert!(
            nli.check_fits(3).is_ok()
                && nli.check_fits(2).is_err()
                && ClassifierHead::Single.check_fits(1).is_ok()
        );
    }
}
