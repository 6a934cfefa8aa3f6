//! Token counts of slices of a text, from counts of its words taken once.
//!
//! A tokenizer splits at white space before anything else, so the tokens of a text are nearly the sum of the
//! tokens of its words; if the tokenizer joins a line break to what precedes it, the sum is a little high.
//! Words repeat, so most counts are remembered.

use std::collections::HashMap;

use text_splitter::ChunkSizer;

use super::Count;

/// Longest run of characters taken as one word, in bytes.
const MAX_WORD: usize = 64;

/// Maximum number of words whose counts are remembered: a log may have millions, each seen once.
const REMEMBERED: usize = 1 << 15;

/// Counts of words seen before. A word includes the white space before it, as tokenizers see it.
pub(super) struct WordCounts<'a> {
    count: Count<'a>,
    known: HashMap<Box<str>, u32>,
}

impl<'a> WordCounts<'a> {
    pub(super) fn new(count: Count<'a>) -> Self {
        Self { count, known: HashMap::new() }
    }

    fn tokens(&mut self, word: &str) -> u32 {
        if let Some(&tokens) = self.known.get(word) {
            return tokens;
        }
        let tokens = u32::try_from((self.count)(word)).unwrap_or(u32::MAX);
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(word.into(), tokens);
        tokens
    }
}

/// Sizes slices of one text by looking up where they begin and end.
pub(super) struct TokenCounts<'a> {
    text: &'a str,
    count: Count<'a>,
    /// Start of each word, and the end of the text.
    starts: Vec<usize>,
    /// Tokens before each word, and of the whole text.
    sums: Vec<usize>,
}

impl<'a> TokenCounts<'a> {
    pub(super) fn new<'c: 'a>(text: &'a str, words: &mut WordCounts<'c>) -> Self {
        let mut starts = vec![0];
        let mut sums = vec![0];
        let (mut start, mut sum) = (0, 0);
        while start < text.len() {
            let end = start + word_length(&text[start..]);
            sum += words.tokens(&text[start..end]) as usize;
            starts.push(end);
            sums.push(sum);
            start = end;
        }
        Self { text, count: words.count, starts, sums }
    }

    pub(super) fn total(&self) -> usize {
        self.sums[self.sums.len() - 1]
    }

    /// Tokens of `text[start..end]`: whole words from the sums, a part of a word by counting it.
    pub(super) fn between(&self, start: usize, end: usize) -> usize {
        let first = self.starts.partition_point(|&word| word < start);
        let last = self.starts.partition_point(|&word| word <= end) - 1;
        if first > last {
            return (self.count)(&self.text[start..end]);
        }
        let part = |from: usize, to: usize| {
            if from < to { (self.count)(&self.text[from..to]) } else { 0 }
        };
        part(start, self.starts[first]) + self.sums[last] - self.sums[first]
            + part(self.starts[last], end)
    }
}

impl ChunkSizer for TokenCounts<'_> {
    fn size(&self, chunk: &str) -> usize {
        let offset = (chunk.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        match offset.checked_add(chunk.len()) {
            Some(end) if end <= self.text.len() => self.between(offset, end),
            // Not a slice of the text.
            _ => (self.count)(chunk),
        }
    }
}

/// Bytes of the white space and the word at the start of `text`, which is not empty.
fn word_length(text: &str) -> usize {
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        let space = character.is_whitespace();
        if (space && in_word) || (at >= MAX_WORD) {
            return at;
        }
        in_word |= !space;
    }
    text.len()
}
