//! Scripts that are written without spaces between words: Chinese, Japanese, Thai, Lao, Khmer and Burmese;
//! also Korean, whose words carry their particles.
//!
//! A run of such letters would be one term, found only by a search for the whole clause. It is replaced by
//! its letters and its pairs of neighbours, which rank as well as words from a dictionary (Nie, Gao, Zhang
//! and Zhou, 2000, "On the use of words and n-grams for Chinese information retrieval") and need no
//! dictionary.

use std::borrow::Cow;

/// Replaces each run of letters that are written without spaces by its single letters and pairs of
/// neighbours.
pub(super) fn with_grams(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_unspaced) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len() * 4);
    let mut before: Option<char> = None;
    for c in text.chars() {
        let unspaced = is_unspaced(c);
        if unspaced && !c.is_alphanumeric() {
            // The engine would end a term at a mark on a letter.
            continue;
        }
        if unspaced || before.is_some() {
            spaced.push(' ');
        }
        spaced.push(c);
        if let (Some(before), true) = (before, unspaced) {
            spaced.extend([' ', before, c]);
        }
        before = unspaced.then_some(c);
    }
    Cow::Owned(spaced)
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'                 // repetition marks and zero
        | '\u{3041}'..='\u{3096}'               // Hiragana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Katakana
        | '\u{3099}'..='\u{309a}'               // marks of voice
        | '\u{ff66}'..='\u{ff9f}'               // half its width
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{3ffff}'
        | '\u{0e01}'..='\u{0e3a}' | '\u{0e40}'..='\u{0e4e}' // Thai
        | '\u{0e81}'..='\u{0ece}'               // Lao
        | '\u{1000}'..='\u{103f}'               // Burmese
        | '\u{1780}'..='\u{17d3}'               // Khmer
        | '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' // Hangul
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_and_pairs_replace_clauses() {
        for (text, spaced) in [
            ("", ""),
            ("Backups, naïve Öltank", "Backups, naïve Öltank"),
            ("東", " 東"),
            ("東京都", " 東 京 東京 都 京都"),
            ("在Rust中", " 在 Rust 中"),
            ("東京。大阪", " 東 京 東京 。 大 阪 大阪"),
            ("백업은 400일", " 백 업 백업 은 업은  400 일"),
            ("น้ำมัน", " น ำ นำ ม ำม ั มั น ัน"),
            ("サーバー2台", " サ ー サー バ ーバ ー バー 2 台"),
        ] {
            assert_eq!(with_grams(text), spaced, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(\\PC|[東京都a-z 。]){0,30}") {
            let spaced = with_grams(&text);
            let mut letters = spaced.chars();
            let is_mark = |c: char| is_unspaced(c) && !c.is_alphanumeric();
            prop_assert!(text.chars().all(|c| is_mark(c) || letters.any(|letter| letter == c)));
        }
    }
}
