//! How well a page was read, judged by its words. Letters alone say nothing, since misread glyphs have plenty
//! of them.

use std::collections::HashMap;

use super::super::good_words::is_cjk;

/// Whether another reader should try the page: it has glyphs without letters, letters without words, or words
/// without blanks. A page without any text is not poor.
pub(super) fn is_poor(text: &str, glyphs: usize, unknown: usize) -> bool {
    // One missing letter in twenty spoils a word in four or five.
    let missing = text.chars().filter(|letter| is_missing(*letter)).count();
    if unknown * 4 > glyphs || missing * 20 > glyphs {
        return true;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let letters = |word: &&&str| word.chars().all(char::is_alphabetic) && !word.chars().any(is_cjk);
    let single = words.iter().filter(letters).filter(|word| word.chars().count() == 1).count();
    let glued = words.iter().filter(letters).filter(|word| word.chars().count() > 40).count();
    is_monotonous(text)
        || words.len() >= 20 && (single * 2 > words.len() || glued * 10 > words.len())
}

/// Whether a letter is missing; an accent by itself stands for a code without a letter.
fn is_missing(letter: char) -> bool {
    letter == char::REPLACEMENT_CHARACTER || ('\u{2C6}'..='\u{2DD}').contains(&letter)
}

/// Whether most letters are the same one, because all codes led to one glyph.
fn is_monotonous(text: &str) -> bool {
    let mut count: HashMap<char, usize> = HashMap::new();
    let letters = text.chars().filter(|letter| letter.is_alphabetic());
    letters.for_each(|letter| *count.entry(letter).or_default() += 1);
    let all: usize = count.values().sum();
    all >= 60 && count.values().any(|one| *one * 2 > all)
}

#[cfg(test)]
mod tests {
    use super::super::super::good_words::good_words;
    use super::*;

    #[test]
    fn a_page_is_judged_by_its_words() {
        assert_eq!(good_words("A restore takes 12.50 days, x%$ !!"), 4);
        assert_eq!(good_words("日本"), 2);
        let fine = "Backups are kept for many days. ".repeat(5);
        assert!(!is_poor(&fine, 150, 3));
        assert!(is_poor(&fine, 150, 60));
        assert!(is_poor(&fine.replace('k', "\u{FFFD}"), 150, 10));
        assert!(is_poor(&"E x a m p l e ".repeat(4), 28, 0));
        assert!(is_poor(&"aaaa aaa aaaaaa ".repeat(9), 117, 0));
        assert!(!is_poor("", 0, 0));
    }
}
