//! Number of tokens of a text for the model behind an endpoint.

use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};
use tiktoken_rs::{cl100k_base_singleton, o200k_base_singleton};

/// Counts tokens as a model does, or estimates on the high side if its tokenizer is not known: there is no
/// way to ask a server which one it uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenCounter(Option<KnownTokenizer>);

/// The tokenizers of models that can still be asked. Those of models that were shut down (p50k, r50k) would add
/// 1.6 MB to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KnownTokenizer {
    Cl100k,
    /// Also that of gpt-oss, which has more special tokens, but they are not counted in a text.
    O200k,
}

impl TokenCounter {
    /// By the model's name, with or without a provider before it (`openai/…`).
    pub fn of(model: &str) -> Self {
        Self(match get_tokenizer(model.rsplit('/').next().unwrap_or(model)) {
            Some(Tokenizer::Cl100kBase) => Some(KnownTokenizer::Cl100k),
            Some(Tokenizer::O200kBase | Tokenizer::O200kHarmony) => Some(KnownTokenizer::O200k),
            _ => None,
        })
    }

    /// Whether it counts exactly what the model counts.
    pub fn is_exact(self) -> bool {
        self.0.is_some()
    }

    /// Loads a known tokenizer in the background: it takes some 100 ms, which the first count would wait
    /// for.
    pub fn load(self) {
        if self.is_exact() {
            std::thread::spawn(move || self.count(""));
        }
    }

    pub fn count(self, text: &str) -> usize {
        let tokenizer = match self.0 {
            Some(KnownTokenizer::Cl100k) => cl100k_base_singleton(),
            Some(KnownTokenizer::O200k) => o200k_base_singleton(),
            None => return estimate(text),
        };
        tokenizer.count_ordinary(text)
    }
}

/// The text of cl100k tokens, which clients send that split texts by themselves. `None` if one of them is
/// not a token. A letter that was cut in two is `\u{FFFD}`.
pub fn cl100k_text(tokens: &[u32]) -> Option<String> {
    let bytes = cl100k_base_singleton().decode_bytes(tokens).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// An estimate on the high side for `WordPiece`, BPE and unigram tokenizers of 30 000 entries and more: one
/// token for every three letters and one for every other visible character. English prose has five letters
/// to a token; code and identifiers have few letters between their punctuation.
pub fn estimate(text: &str) -> usize {
    let mut tokens = 0;
    let mut letters = 0_usize;
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            letters += 1;
            continue;
        }
        tokens += letters.div_ceil(3) + usize::from(!c.is_whitespace());
        letters = 0;
    }
    tokens + letters.div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CL100K: TokenCounter = TokenCounter(Some(KnownTokenizer::Cl100k));

    #[test]
    fn tokenizer_follows_from_the_name() {
        for (model, expected) in [
            ("text-embedding-3-small", Some(KnownTokenizer::Cl100k)),
            ("openai/text-embedding-3-large", Some(KnownTokenizer::Cl100k)),
            ("text-embedding-ada-002", Some(KnownTokenizer::Cl100k)),
            ("nomic-embed-text", None),
            ("text-embedding-004", None),
            ("gpt-4o-mini", Some(KnownTokenizer::O200k)),
            ("openai/gpt-5-mini", Some(KnownTokenizer::O200k)),
            ("o3-mini", Some(KnownTokenizer::O200k)),
            ("gpt-3.5-turbo-0125", Some(KnownTokenizer::Cl100k)),
            ("gpt-oss-20b", Some(KnownTokenizer::O200k)),
            ("text-davinci-003", None),
            ("llama3.2", None),
            ("qwen3:4b", None),
        ] {
            assert_eq!(TokenCounter::of(model), TokenCounter(expected), "{model}");
            assert_eq!(TokenCounter::of(model).is_exact(), expected.is_some(), "{model}");
        }
    }

    #[test]
    fn cl100k_counts_what_openai_counts() {
        // From OpenAI's cookbook, "How to count tokens with tiktoken".
        for (text, expected) in [
            ("antidisestablishmentarianism", 6),
            ("2 + 2 = 4", 7),
            ("お誕生日おめでとう", 9),
            ("tiktoken is great!", 6),
        ] {
            assert_eq!(CL100K.count(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_of_cl100k_are_read() {
        let text = |tokens: &[u32]| cl100k_text(tokens);
        assert_eq!(text(&[83, 1609, 5963, 374, 2294, 0]).as_deref(), Some("tiktoken is great!"));
        assert_eq!(text(&[]).as_deref(), Some(""));
        assert_eq!(text(&[4_000_000]), None);
    }

    #[test]
    fn estimates_are_on_the_high_side() {
        for text in [
            "The quick brown fox jumps over the lazy dog near the river bank.",
            "antidisestablishmentarianism",
            "fn main() { let x: Vec<u32> = (0..10).map(|i| i * 2).collect(); }",
            "お誕生日おめでとう",
            "1234567890 and 0x7fff_ffff",
            "Größe, Maß und Übermut",
        ] {
            let exact = CL100K.count(text);
            assert!(estimate(text) >= exact, "{text}: {} < {exact}", estimate(text));
        }
        assert_eq!(estimate(" \n "), 0);
    }
}
