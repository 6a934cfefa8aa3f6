//! Word separation, full stops and capitals in different scripts.

/// Marks that end a sentence or continue it: no heading ends in one.
pub(super) const ENDS: [char; 22] = [
    '.', '!', '?', ':', ';', ',', '。', '！', '？', '：', '；', '，', '、', '।', '॥', '؟', '۔',
    '،', '؛', '։', '።', '။',
];

/// Letters of scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer and Burmese.
pub fn is_unspaced(c: char) -> bool {
    is_ideograph(c) || is_of_phrases(c)
}

/// Han, Hiragana and Katakana: sentences end in a full stop, without a space after it.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Thai, Lao, Khmer and Burmese: a space ends a phrase.
fn is_of_phrases(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// Average number of letters in a word of such scripts: ideographs, and the others.
const PER_WORD: [usize; 2] = [2, 5];

/// Number of words of a text: separated by spaces, or estimated from the usual length if there are none.
pub fn word_count(text: &str) -> usize {
    if text.is_ascii() {
        return text.split_whitespace().count();
    }
    let words = text.split_whitespace().map(|word| {
        let count = |is: fn(char) -> bool| word.chars().filter(|&c| is(c)).count();
        let (ideographs, others) = (count(is_ideograph), count(is_of_phrases));
        (ideographs / PER_WORD[0] + others / PER_WORD[1]).max(1)
    });
    words.sum()
}

/// The full stop of the script in which a text ends; empty if the script has none.
pub fn full_stop(text: &str) -> &'static str {
    match text.chars().rev().find(|c| c.is_alphanumeric()) {
        Some(c) if is_ideograph(c) => "。",
        Some(c) if is_of_phrases(c) => "",
        Some('\u{900}'..='\u{9ff}') => "।",
        _ => ".",
    }
}

/// Whether a title, or a sentence, may begin with this letter.
pub(super) fn begins_title(c: char) -> bool {
    c.is_uppercase() || (c.is_alphabetic() && !c.is_lowercase())
}

/// Minimum number of words of a phrase that a space ends.
const PHRASE_WORDS: usize = 18;

/// Splits a sentence of a script without full stops at its spaces; leaves others unchanged.
pub(super) fn at_spaces(at: usize, sentence: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start = 0;
    if sentence.contains(is_of_phrases) {
        for (space, _) in sentence.match_indices(' ') {
            let is_thai = |c: Option<char>| c.is_some_and(is_of_phrases);
            let (before, after) = (&sentence[start..space], &sentence[space + 1..]);
            let between = is_thai(before.chars().next_back()) && is_thai(after.chars().next());
            if between && word_count(before) >= PHRASE_WORDS {
                parts.push((at + start, &sentence[start..=space]));
                start = space + 1;
            }
        }
    }
    parts.push((at + start, &sentence[start..]));
    parts
}
