//! Words that are words by their look: how well a page was read.

/// How many words of a text look like words.
pub(super) fn good_words(text: &str) -> usize {
    text.split_whitespace().filter(|word| is_good(word)).count()
        + text.chars().filter(|letter| is_cjk(*letter)).count()
}

fn is_good(word: &str) -> bool {
    let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    let length = bare.chars().count();
    let joined =
        |letter: char| (letter.is_alphabetic() && !is_cjk(letter)) || "-'’".contains(letter);
    let number = |letter: char| letter.is_numeric() || ".,:/-%".contains(letter);
    let first = bare.chars().next();
    let varied = length < 3 || bare.chars().any(|letter| Some(letter) != first);
    varied && (2..=25).contains(&length) && (bare.chars().all(joined) || bare.chars().all(number))
}

/// Whether a letter is written without blanks between words, in squares of one width.
pub(super) fn is_cjk(letter: char) -> bool {
    matches!(letter,
        '\u{2E80}'..='\u{2FDF}' | '\u{3000}'..='\u{30FF}' | '\u{3100}'..='\u{312F}' | '\u{31A0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}'
        | '\u{20000}'..='\u{3FFFF}')
}
