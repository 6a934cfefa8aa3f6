//! How well the built-in table knows the words of a text.

use crate::embed::wordpiece::{UNKNOWN, WordPiece};

/// How foreign the words of a text are to the table, within 0..=1: the share of the places between two
/// letters of a word at which the tokenizer cuts it. English, the language of the vocabulary, is at .0 to
/// .1, German, French and Spanish at .2, Russian and Chinese near 1: there, tokens are single letters.
/// Words of one letter do not count.
pub fn oov_rate(text: &str) -> f32 {
    let tokenizer = WordPiece::new();
    let (mut cuts, mut places) = (0, 0);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let (mut tokens, mut known) = (0_usize, true);
        tokenizer.tokenize(word, |token| {
            tokens += 1;
            known &= token != UNKNOWN;
        });
        let between = word.chars().count() - 1;
        places += between;
        cuts += if known { tokens.saturating_sub(1).min(between) } else { between };
    }
    cuts as f32 / places.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_more_foreign_the_less_they_are_english() {
        for (text, range) in [
            ("", 0.0..=0.0),
            ("a, I?", 0.0..=0.0),
            ("How long are ledger backups kept?", 0.0..=0.05),
            ("retryAfter in parse_http_header", 0.05..=0.2),
            ("Wie lange werden Sicherungen aufbewahrt?", 0.15..=0.4),
            ("Сколько хранятся резервные копии?", 0.8..=1.0),
            ("备份保留多久", 1.0..=1.0),
        ] {
            let found = oov_rate(text);
            assert!(range.contains(&found), "{text}: {found}");
        }
    }
}
