//! Words that were broken at the end of a line.

/// Whether a text ends in a word that continues in `next`. If the hyphen was added at the line end, it is
/// removed: `keeps_hyphen` decides from the two parts of the word.
pub(super) fn ends_in_broken_word(
    text: &mut String,
    next: &str,
    keeps_hyphen: impl Fn(&str, &str) -> bool,
) -> bool {
    let Some(hyphen) = text.chars().next_back().filter(|last| is_hyphen(*last)) else {
        return false;
    };
    let before = &text[..text.len() - hyphen.len_utf8()];
    if !before.ends_with(char::is_alphabetic) || !next.starts_with(char::is_lowercase) {
        return false;
    }
    let first = bare(before.rsplit(char::is_whitespace).next().unwrap_or_default()).to_lowercase();
    let second = bare(next.split_whitespace().next().unwrap_or_default()).to_lowercase();
    if hyphen == '\u{AD}' || !keeps_hyphen(&first, &second) {
        text.truncate(text.len() - hyphen.len_utf8());
    }
    true
}

/// Whether one of the two parts has a hyphen of its own, as in `state-of-the-` and `art`. For a text of which
/// no other words are known.
pub(super) fn has_hyphens(first: &str, second: &str) -> bool {
    first.contains(is_hyphen) || second.contains(is_hyphen)
}

pub(super) fn is_hyphen(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}' | '\u{AD}')
}

/// A word without the punctuation around it.
pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(|letter: char| !letter.is_alphanumeric() && !is_hyphen(letter))
}
