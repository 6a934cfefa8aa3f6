//! How many tokens a text has for the model behind an endpoint.

/// Counts tokens as a model does, or estimates them on the high side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tokenizer {
    /// `OpenAI`'s embedding models. Loaded when it is first used, which takes some 100 ms.
    Cl100k,
    /// Everything else: which tokenizer a server has cannot be asked.
    Unknown,
}

impl Tokenizer {
    /// By the model's name, with or without a provider before it (`openai/…`).
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        if name.starts_with("text-embedding-3-") || name == "text-embedding-ada-002" {
            Self::Cl100k
        } else {
            Self::Unknown
        }
    }

    pub(super) fn count(self, text: &str) -> usize {
        match self {
            Self::Cl100k => tiktoken_rs::cl100k_base_singleton().count_ordinary(text),
            Self::Unknown => estimate(text),
        }
    }
}

/// An estimate on the high side for `WordPiece`, BPE and unigram tokenizers of 30 000 entries and
/// more: three letters to a token and every other visible character one of its own. English prose
/// has five letters to a token; code and identifiers have few letters between their marks.
fn estimate(text: &str) -> usize {
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

    #[test]
    fn tokenizer_follows_from_the_name() {
        for (model, expected) in [
            ("text-embedding-3-small", Tokenizer::Cl100k),
            ("openai/text-embedding-3-large", Tokenizer::Cl100k),
            ("text-embedding-ada-002", Tokenizer::Cl100k),
            ("nomic-embed-text", Tokenizer::Unknown),
            ("text-embedding-004", Tokenizer::Unknown),
        ] {
            assert_eq!(Tokenizer::of(model), expected, "{model}");
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
            assert_eq!(Tokenizer::Cl100k.count(text), expected, "{text}");
        }
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
            let exact = Tokenizer::Cl100k.count(text);
            assert!(estimate(text) >= exact, "{text}: {} < {exact}", estimate(text));
        }
        assert_eq!(estimate(" \n "), 0);
    }
}
