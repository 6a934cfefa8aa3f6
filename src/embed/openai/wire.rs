//! The embeddings request and answer. Parsing is tolerant, because servers differ.

use serde_json::Value;

use crate::embed::Vector;

#[derive(serde::Serialize)]
pub(super) struct EmbeddingRequest<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a [String],
    pub(super) encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<usize>,
}

#[derive(serde::Deserialize)]
pub(super) struct EmbeddingReply {
    pub(super) data: Vec<EmbeddingItem>,
    pub(super) model: Option<String>,
    #[serde(default)]
    usage: Value,
}

impl EmbeddingReply {
    /// Tokens that were billed, if the server reports them: some omit the number, some send 0.
    pub(super) fn tokens(&self) -> Option<u64> {
        let count = |name: &str| self.usage.get(name).and_then(Value::as_u64);
        count("prompt_tokens").or_else(|| count("total_tokens")).filter(|tokens| *tokens > 0)
    }
}

#[derive(serde::Deserialize)]
pub(super) struct EmbeddingItem {
    pub(super) index: Option<usize>,
    /// `null` if the server has no vector for this text.
    pub(super) embedding: Option<Vector>,
}

/// The vectors by `index` (by position without one), one for each of `expected` inputs. The error is a
/// sentence.
pub(super) fn in_order(
    items: Vec<EmbeddingItem>,
    expected: usize,
) -> Result<Vec<Vec<f32>>, String> {
    if items.len() != expected {
        let s = |count| if count == 1 { "" } else { "s" };
        let (came, asked) = (s(items.len()), s(expected));
        return Err(format!("{} vector{came} came for {expected} text{asked}", items.len()));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; expected];
    for (position, item) in items.into_iter().enumerate() {
        let index = item.index.unwrap_or(position);
        match vectors.get_mut(index) {
            Some(slot @ None) => match item.embedding {
                Some(Vector(vector)) => *slot = Some(vector),
                None => return Err(format!("no vector came for text {index}")),
            },
            Some(Some(_)) => return Err(format!("two vectors came for text {index}")),
            None => return Err(format!("a vector came for text {index} of {expected}")),
        }
    }
    Ok(vectors.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn usage_is_what_is_billed() {
        for (usage, expected) in [
            (r#","usage":{"prompt_tokens":7,"total_tokens":9}"#, Some(7)),
            (r#","usage":{"total_tokens":9}"#, Some(9)),
            (r#","usage":{"prompt_tokens":0}"#, None),
            (r#","usage":{"prompt_tokens":"7"}"#, None),
            (r#","usage":null"#, None),
            ("", None),
        ] {
            let answer: EmbeddingReply =
                serde_json::from_str(&format!(r#"{{"data":[]{usage}}}"#)).unwrap();
            assert_eq!(answer.tokens(), expected, "{usage}");
        }
    }

    #[test]
    fn order_is_by_index() {
        let items = |indexes: &[Option<usize>]| {
            let item = |(value, index): (usize, &Option<usize>)| EmbeddingItem {
                index: *index,
                embedding: Some(Vector(vec![value as f32])),
            };
            indexes.iter().enumerate().map(item).collect::<Vec<_>>()
        };
        let order = |indexes: &[Option<usize>], expected| in_order(items(indexes), expected);
        assert_eq!(order(&[Some(1), Some(0)], 2), Ok(vec![vec![1.0], vec![0.0]]));
        assert_eq!(order(&[None, None], 2), Ok(vec![vec![0.0], vec![1.0]]));
        assert_eq!(order(&[Some(0), Some(0)], 2), Err("two vectors came for text 0".to_owned()));
        assert_eq!(order(&[Some(2)], 1), Err("a vector came for text 2 of 1".to_owned()));
        let none = vec![EmbeddingItem { index: None, embedding: None }];
        assert_eq!(in_order(none, 1), Err("no vector came for text 0".to_owned()));
        assert_eq!(order(&[Some(0)], 3), Err("1 vector came for 3 texts".to_owned()));
    }
}
