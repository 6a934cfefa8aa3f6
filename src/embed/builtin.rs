//! The built-in embedder: a static table of token vectors (see `static-minilm-en-256/README.md`).
//!
//! A text is tokenized, the vectors of its tokens are summed, and the sum is scaled to unit length. This
//! needs no network, no key and no start-up: table and vocabulary are part of the executable, and their pages
//! are read when a token needs them. The model is for English and ignores word order.

pub(crate) mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use async_trait::async_trait;

use table::{DIMENSIONS, MODEL_SHA256, row, scale};

use super::wordpiece::WordPiece;
use super::{BatchLimits, Embedder, TextRole};
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::ThrottleStats;
use crate::text;
use crate::types::EmbedderId;

/// Texts of up to this many bytes in total are embedded on the calling thread.
const INLINE_BYTES: usize = 4096;

/// The built-in embedder. Creating one costs nothing.
pub struct Builtin {
    id: EmbedderId,
    tokenizer: WordPiece,
    embedded: Arc<AtomicU64>,
}

impl Default for Builtin {
    fn default() -> Self {
        Self::new()
    }
}

impl Builtin {
    /// The name in `--embedder`.
    pub const NAME: &str = "builtin";

    pub fn new() -> Self {
        let checksum = MODEL_SHA256.split_at(12).0;
        let id = EmbedderId {
            name: Self::NAME.to_owned(),
            revision: format!("static-minilm-en-256@{checksum}"),
            dimensions: DIMENSIONS,
            document_prefix: String::new(),
            query_prefix: String::new(),
        };
        Self { id, tokenizer: WordPiece::new(), embedded: Arc::default() }
    }

    /// The tokenizer that [`Embedder::count_tokens`] counts with.
    pub fn tokenizer(&self) -> &WordPiece {
        &self.tokenizer
    }

    /// The vector of `text`, of unit length; `None` if no word of it is known.
    pub fn embed_text(&self, text: &str) -> Option<Vec<f32>> {
        embed(&self.tokenizer, text, &self.embedded)
    }
}

#[async_trait]
impl Embedder for Builtin {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn is_local(&self) -> bool {
        true
    }

    /// Inputs are not limited; these limits keep batches short enough to spread over the cores.
    fn limits(&self) -> BatchLimits {
        BatchLimits {
            input_tokens: 8192,
            batch_items: 256,
            batch_tokens: 65_536,
            concurrency: available_parallelism().map_or(1, usize::from),
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn tokens_embedded(&self) -> u64 {
        self.embedded.load(Ordering::Relaxed)
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        None
    }

    async fn embed(
        &self,
        inputs: &[String],
        _role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        if inputs.iter().map(String::len).sum::<usize>() <= INLINE_BYTES {
            return Ok(inputs.iter().map(|text| self.embed_text(text)).collect());
        }
        let (tokenizer, inputs) = (self.tokenizer.clone(), inputs.to_vec());
        let embedded = Arc::clone(&self.embedded);
        let work = move || inputs.iter().map(|text| embed(&tokenizer, text, &embedded)).collect();
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            let message = format!("the embedding task ended early: {error}");
            BackendError::new(ExternalService::Embedder, Fault::Permanent, Self::NAME, &message)
        })
    }
}

/// Σ scale · row over all token occurrences, divided by its L2 norm. Adds their number to `embedded`.
fn embed(tokenizer: &WordPiece, text: &str, embedded: &AtomicU64) -> Option<Vec<f32>> {
    let mut sum = [0_f32; DIMENSIONS];
    let mut tokens = 0;
    tokenizer.tokenize(&text::legible(text), |token| {
        tokens += 1;
        let scale = scale(token);
        for (sum, &weight) in sum.iter_mut().zip(row(token)) {
            *sum += scale * f32::from(weight.cast_signed());
        }
    });
    embedded.fetch_add(tokens, Ordering::Relaxed);
    let norm = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    (norm > 0.0).then(|| sum.iter().map(|x| x / norm.max(1e-12)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde::Deserialize;

    use super::*;
    use crate::types::ContentHash;

    #[derive(Deserialize)]
    struct TestVectors {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
        tokens: Vec<String>,
        vector: Vec<f32>,
    }

    #[test]
    fn reproduces_the_published_vectors() {
        #[derive(Deserialize)]
        struct Config {
            sha256: std::collections::BTreeMap<String, String>,
        }
        let config: Config =
            serde_json::from_str(include_str!("static-minilm-en-256/config.json")).unwrap();
        assert_eq!(ContentHash::of(table::MODEL).0, config.sha256["model.safetensors"]);
        assert_eq!(MODEL_SHA256, config.sha256["model.safetensors"]);

        let vocabulary: Vec<&str> =
            include_str!("static-minilm-en-256/vocab.txt").lines().collect();
        let builtin = Builtin::new();
        for case in test_vectors() {
            let mut ids = Vec::new();
            builtin.tokenizer().tokenize(&case.text, |id| ids.push(id));
            assert_eq!(ids, case.ids, "{:?}", case.text);
            let tokens: Vec<_> = ids.iter().map(|&id| vocabulary[id as usize]).collect();
            assert_eq!(tokens, case.tokens);
            assert_eq!(builtin.count_tokens(&case.text), case.ids.len());
            let vector = builtin.embed_text(&case.text).unwrap_or_else(|| vec![0.0; DIMENSIONS]);
            assert_eq!(vector.len(), case.vector.len());
            for (ours, theirs) in vector.iter().zip(&case.vector) {
                assert!((ours - theirs).abs() < 1e-5, "{:?}: {ours} {theirs}", case.text);
            }
        }
    }

    fn test_vectors() -> Vec<Case> {
        let json = include_str!("static-minilm-en-256/test_vectors.json");
        let vectors: TestVectors = serde_json::from_str(json).unwrap();
        assert!(!vectors.cases.is_empty());
        vectors.cases
    }

    #[test]
    fn texts_without_a_known_word_have_no_vector() {
        let builtin = Builtin::new();
        for text in ["", " \n", "[PAD] [UNK]", "\u{200b}", "\u{10330}"] {
            assert_eq!(builtin.embed_text(text), None, "{text:?}");
        }
        assert!(builtin.embed_text("word").is_some());
    }

    #[tokio::test]
    async fn a_batch_gives_what_single_texts_give_in_order() {
        let builtin = Builtin::new();
        let inputs: Vec<String> =
            (0..300).map(|i| format!("the volume of tank number {i}\u{10330}")).collect();
        assert!(inputs.iter().map(String::len).sum::<usize>() > INLINE_BYTES);
        let batch = builtin.embed(&inputs, TextRole::Document).await.unwrap();
        let single: Vec<_> = inputs.iter().map(|text| builtin.embed_text(text)).collect();
        assert_eq!(batch, single);
        let tokens: usize = inputs.iter().map(|text| builtin.count_tokens(text)).sum();
        assert_eq!(builtin.tokens_embedded(), 2 * tokens as u64);
        assert_eq!(builtin.embed(&inputs[..2], TextRole::Query).await.unwrap(), single[..2]);
    }

    #[test]
    fn vectors_have_unit_length() {
        for text in ["a", "How long are backups kept?", &"word ".repeat(10_000)] {
            let vector = Builtin::new().embed_text(text).unwrap();
            let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            assert!((norm - 1.0).abs() < 1e-5, "{norm}");
        }
    }
}
