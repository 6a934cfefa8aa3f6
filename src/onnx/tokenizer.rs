//! Wraps the `tokenizers` library: turns texts into token ids, exactly as in the training of the model.

use std::fs;
use std::iter;

use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{Encoding, PostProcessor};

use super::layout::ModelLayout;
use super::values::Encoded;
use super::{OnnxError, unreadable};

pub(super) struct OnnxTokenizer {
    inner: tokenizers::Tokenizer,
    /// Tokens of an input, including special tokens.
    max_tokens: usize,
    /// Number of special tokens around one text, and around two.
    around_one: usize,
    around_two: usize,
    lowercase: bool,
    pub(super) pad_id: u32,
}

impl OnnxTokenizer {
    pub(super) fn open(layout: &ModelLayout) -> Result<Self, OnnxError> {
        let path = &layout.tokenizer;
        let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
        let wrong = |problem: String, hint| OnnxError::new(path, problem, hint);
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| {
            let hint = "copy the model's files again, or save them with a recent transformers";
            wrong(format!("is not a tokenizer that docent can use: {error}"), hint)
        })?;
        let padding = inner.get_padding().map(|padding| padding.pad_id);
        let named = ["[PAD]", "<pad>"].iter().find_map(|token| inner.token_to_id(token));
        // Truncation and padding would falsify counts; batches are padded when they are built.
        inner.with_padding(None);
        let _ = inner.with_truncation(None);
        let around = |pair| inner.get_post_processor().map_or(0, |post| post.added_tokens(pair));
        Ok(Self {
            pad_id: layout.pad_id.or(padding).or(named).unwrap_or(0),
            max_tokens: layout.max_tokens,
            around_one: around(false),
            around_two: around(true),
            lowercase: layout.lowercase,
            inner,
        })
    }

    /// Limits inputs to `length` tokens, if the model was exported for that length.
    pub(super) fn within(
        self,
        length: Option<usize>,
        layout: &ModelLayout,
    ) -> Result<Self, OnnxError> {
        let max_tokens = self.max_tokens.min(length.unwrap_or(usize::MAX));
        if max_tokens <= self.around_two {
            let around = self.around_two;
            let problem = format!(
                "adds {around} special tokens to a pair of texts, but the model reads only {max_tokens} tokens"
            );
            let hint = "set max_seq_length in sentence_bert_config.json";
            return Err(OnnxError::new(&layout.tokenizer, problem, hint));
        }
        Ok(Self { max_tokens, ..self })
    }

    pub(super) fn longest_text(&self) -> usize {
        self.max_tokens - self.around_one
    }

    pub(super) fn longest_pair(&self) -> usize {
        self.max_tokens - self.around_two
    }

    pub(super) fn count(&self, text: &str) -> usize {
        self.tokens(text).len()
    }

    pub(super) fn encode(&self, text: &str) -> Encoded {
        let tokens = cut(self.tokens(text), self.longest_text());
        self.finish(tokens, None)
    }

    /// If there is no room for both, the longer one is truncated first, as in training.
    pub(super) fn encode_pair(&self, question: &str, text: &str) -> Encoded {
        let room = self.longest_pair();
        let (question, text) = (self.tokens(question), self.tokens(text));
        let question = cut(question, room.saturating_sub(text.len()).max(room / 2));
        let text = cut(text, room - question.len());
        self.finish(question, Some(text))
    }

    /// The tokens of `text`, without special tokens.
    fn tokens(&self, text: &str) -> Encoding {
        let lowered = self.lowercase.then(|| text.to_lowercase());
        // Fails for a word that is missing in a vocabulary without an unknown token: no model has seen such a
        // word.
        self.inner.encode_fast(lowered.as_deref().unwrap_or(text), false).unwrap_or_default()
    }

    fn finish(&self, first: Encoding, second: Option<Encoding>) -> Encoded {
        let encoding = self.inner.post_process(first, second, true).unwrap_or_default();
        let (ids, type_ids) = (encoding.get_ids().to_vec(), encoding.get_type_ids().to_vec());
        if ids.is_empty() {
            // An input without any token has no shape.
            return Encoded { ids: vec![self.pad_id], type_ids: iter::once(0).collect() };
        }
        Encoded { ids, type_ids }
    }
}

/// The first `longest` tokens.
fn cut(mut encoding: Encoding, longest: usize) -> Encoding {
    encoding.truncate(longest, 0, TruncationDirection::Right);
    encoding.take_overflowing();
    encoding
}
