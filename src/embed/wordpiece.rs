//! BERT-uncased `WordPiece`: the tokenizer of the built-in embedder.
//!
//! The output equals that of the reference implementation (Hugging Face `tokenizers` with `BertNormalizer`,
//! `BertPreTokenizer` and `WordPiece`, no special tokens added):
//!
//! 1. U+0000, U+FFFD and control characters other than tab, newline and carriage return are
//!    dropped; an ideograph is a word of its own.
//! 2. Canonical decomposition, combining marks dropped, lowercase; words end at whitespace, and
//!    every punctuation character is a word of its own.
//! 3. A word is cut greedily from the left into the longest entries of the vocabulary. A word of
//!    more than [`MAX_WORD`] characters, or one with a rest that is not in the vocabulary, is
//!    [`UNKNOWN`] as a whole.
//!
//! Characters are classified by the Unicode version of the linked tables. The reference uses Unicode 8: 693
//! newer marks, punctuation and format characters are unknown words there, and are dropped or split off here.
//!
//! Nothing is collected: the text is walked once, and tokens are passed to a callback. Canonical reordering
//! of marks is left out, because a word with a mark that is kept is unknown in any order. Words of plain
//! ASCII, nearly all words, take a path without allocation.

use unicode_normalization::char::decompose_canonical;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use yada::DoubleArray;

/// Id of `[PAD]`.
const PADDING: u32 = 0;
/// Id of `[UNK]`, the token of words that the vocabulary cannot spell.
pub const UNKNOWN: u32 = 1;
/// Longest word that is looked up, in characters.
const MAX_WORD: usize = 100;

/// Tokens that are recognized when they are written out in a text.
const SPECIAL: [(&str, u32); 2] = [("[PAD]", PADDING), ("[UNK]", UNKNOWN)];

static WORDS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.trie"));
static CONTINUATIONS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/continuations.trie"));

/// The tokenizer. Creating one costs nothing: the vocabulary is part of the executable.
#[derive(Clone)]
pub struct WordPiece {
    /// Entries that start a word → token id.
    words: DoubleArray<&'static [u8]>,
    /// Entries that continue a word, without their `##` → token id.
    continuations: DoubleArray<&'static [u8]>,
}

impl Default for WordPiece {
    fn default() -> Self {
        Self::new()
    }
}

impl WordPiece {
    pub fn new() -> Self {
        // `DoubleArray::new` would read all of it; the build script has checked it.
        Self { words: DoubleArray(WORDS), continuations: DoubleArray(CONTINUATIONS) }
    }

    /// Calls `token` with the id of each token, in order.
    pub fn tokenize(&self, text: &str, mut token: impl FnMut(u32)) {
        self.scan(text, |id, _| token(id));
    }

    /// Number of tokens of `text`.
    pub fn count(&self, text: &str) -> usize {
        let mut count = 0;
        self.scan(text, |_, _| count += 1);
        count
    }

    /// The byte offset in `text` at which each token ends: ascending, on character boundaries, as
    /// many as there are tokens. The tokens of `text[a..b]`, where `a` and `b` do not cut a word,
    /// are those whose end is in `a + 1..=b`.
    pub fn boundaries(&self, text: &str) -> Vec<usize> {
        let mut ends = Vec::with_capacity(text.len() / 4);
        self.scan(text, |_, end| ends.push(end));
        ends
    }

    /// Calls `emit` with the id of each token and the byte offset in `text` at which it ends.
    fn scan(&self, text: &str, emit: impl FnMut(u32, usize)) {
        let mut scanner =
            Scanner { vocabulary: self, word: Word::default(), pieces: Vec::new(), emit };
        let mut at = 0;
        while let Some(&byte) = text.as_bytes().get(at) {
            at = match byte {
                _ if byte.is_ascii_alphanumeric() => scanner.ascii_run(text, at),
                b' ' | b'\t' | b'\n' | b'\r' => scanner.space(at),
                _ if byte.is_ascii_punctuation() => scanner.ascii_punctuation(text, at),
                _ => scanner.character(text, at),
            };
        }
        scanner.end_word();
    }
}

/// A normalised word as far as it has been read.
#[derive(Default)]
struct Word {
    /// UTF-8. Stops growing past [`MAX_WORD`] characters.
    bytes: Vec<u8>,
    /// For each byte, where the character it came from ends in the text.
    ends: Vec<usize>,
    /// Number of characters, including those that were not kept.
    characters: usize,
    /// Where the last character ends in the text.
    end: usize,
}

impl Word {
    fn push(&mut self, character: char, end: usize) {
        self.characters += 1;
        self.end = end;
        if self.characters <= MAX_WORD {
            let mut utf8 = [0; 4];
            let utf8 = character.encode_utf8(&mut utf8).as_bytes();
            self.bytes.extend_from_slice(utf8);
            self.ends.resize(self.bytes.len(), end);
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.characters = 0;
    }
}

struct Scanner<'a, F> {
    vocabulary: &'a WordPiece,
    word: Word,
    /// Tokens of the current word; passed on only once the whole word has been cut.
    pieces: Vec<(u32, usize)>,
    emit: F,
}

impl<F: FnMut(u32, usize)> Scanner<'_, F> {
    /// Reads the ASCII letters and digits from `at` on; returns where they end.
    fn ascii_run(&mut self, text: &str, at: usize) -> usize {
        let rest = &text.as_bytes()[at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let end = at + length;
        let ends_here = rest.get(length).is_none_or(|&byte| ends_word(byte));
        if !(ends_here && self.word.characters == 0) {
            for (offset, &byte) in rest[..length].iter().enumerate() {
                self.word.push(char::from(byte.to_ascii_lowercase()), at + offset + 1);
            }
        } else if length > MAX_WORD {
            (self.emit)(UNKNOWN, end);
        } else {
            let mut buffer = [0; MAX_WORD];
            let word = &mut buffer[..length];
            word.copy_from_slice(&rest[..length]);
            word.make_ascii_lowercase();
            self.cut(word, |bytes| at + bytes);
        }
        end
    }

    /// Reads a whitespace character of ASCII; returns where it ends.
    fn space(&mut self, at: usize) -> usize {
        self.end_word();
        at + 1
    }

    /// Reads a punctuation character of ASCII, or the special token that begins with it; returns
    /// where it ends.
    fn ascii_punctuation(&mut self, text: &str, at: usize) -> usize {
        self.end_word();
        let is_here = |(name, _): &(&str, u32)| text[at..].starts_with(name);
        if let Some((name, id)) = SPECIAL.into_iter().find(is_here) {
            (self.emit)(id, at + name.len());
            return at + name.len();
        }
        self.cut(&text.as_bytes()[at..=at], |_| at + 1);
        at + 1
    }

    /// Reads the character at `at`; returns where it ends.
    fn character(&mut self, text: &str, at: usize) -> usize {
        let Some(character) = text[at..].chars().next() else { return text.len() };
        let end = at + character.len_utf8();
        let category = character.general_category();
        if is_dropped(character, category) {
        } else if character.is_whitespace() {
            self.end_word();
        } else if is_ideograph(character) {
            self.end_word();
            decompose_canonical(character, |part| self.word.push(part, end));
            self.end_word();
        } else {
            decompose_canonical(character, |part| {
                let same = part == character;
                self.part(part, if same { category } else { part.general_category() }, end);
            });
        }
        end
    }

    /// Adds one character of a decomposition.
    fn part(&mut self, part: char, category: GeneralCategory, end: usize) {
        if category == GeneralCategory::NonspacingMark {
            return;
        }
        if is_punctuation(part, category) {
            self.end_word();
            self.word.push(part, end);
            self.end_word();
        } else {
            for lower in part.to_lowercase() {
                self.word.push(lower, end);
            }
        }
    }

    /// Cuts the collected word, if there is one.
    fn end_word(&mut self) {
        if self.word.characters == 0 {
            return;
        }
        let mut word = std::mem::take(&mut self.word);
        if word.characters > MAX_WORD {
            (self.emit)(UNKNOWN, word.end);
        } else {
            self.cut(&word.bytes, |bytes| word.ends[bytes - 1]);
        }
        word.clear();
        self.word = word;
    }

    /// Cuts a normalised word into tokens. `end` maps a length in bytes of the word, from 1, to
    /// the offset in the text.
    fn cut(&mut self, word: &[u8], end: impl Fn(usize) -> usize) {
        self.pieces.clear();
        let mut at = 0;
        let mut entries = &self.vocabulary.words;
        while at < word.len() {
            let Some((id, length)) = entries.common_prefix_search(&word[at..]).last() else {
                return (self.emit)(UNKNOWN, end(word.len()));
            };
            at += length;
            self.pieces.push((id, end(at)));
            entries = &self.vocabulary.continuations;
        }
        for &(id, end) in &self.pieces {
            (self.emit)(id, end);
        }
    }
}

/// Whether a word of ASCII is complete before this byte: whitespace or punctuation follows.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r') || byte.is_ascii_punctuation()
}

fn is_dropped(character: char, category: GeneralCategory) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' => true,
        _ => matches!(
            category,
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
        ),
    }
}

fn is_punctuation(character: char, category: GeneralCategory) -> bool {
    use GeneralCategory as G;
    character.is_ascii_punctuation()
        || matches!(
            category,
            G::ConnectorPunctuation
                | G::DashPunctuation
                | G::OpenPunctuation
                | G::ClosePunctuation
                | G::InitialPunctuation
                | G::FinalPunctuation
                | G::OtherPunctuation
        )
}

/// The blocks of ideographs of the reference implementation.
fn is_ideograph(character: char) -> bool {
    matches!(
        u32::from(character),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0x2F800..=0x2FA1F
    )
}

#[cfg(test)]
mod tests;
