//! A text as words, digits and signs.

use super::super::language::TextLanguage;
use super::literal::Literal;
use crate::text::plain_digits;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum TokenShape {
    /// Letters; in scripts without spaces, a run of one script.
    Word,
    Digits(Literal),
    /// Letters and digits: `x86`, `v2`, `1990s` is not one.
    Name,
    Sign(char),
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct QuantityToken {
    pub(super) text: String,
    pub(super) lower: String,
    pub(super) shape: TokenShape,
    /// White space comes before it.
    pub(super) spaced: bool,
    /// Begins a line of the text.
    pub(super) begins_line: bool,
}

impl QuantityToken {
    pub(super) fn is(&self, sign: char) -> bool {
        self.shape == TokenShape::Sign(sign)
    }

    pub(super) fn is_word(&self) -> bool {
        self.shape == TokenShape::Word
    }

    pub(super) fn literal(&self) -> Option<&Literal> {
        match &self.shape {
            TokenShape::Digits(literal) => Some(literal),
            _ => None,
        }
    }
}

/// One form for all variants of a sign.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2212}' | '\u{2010}' | '\u{2011}' => '-',
        '\u{2013}' | '\u{2014}' | '\u{2015}' => '–',
        '\u{301c}' => '~',
        '\u{66a}' => '%',
        '\u{2044}' => '/',
        '\u{2019}' => '\'',
        'µ' | 'μ' => 'µ',
        '₀'..='₉' => char::from_digit(c as u32 - '₀' as u32, 10).unwrap_or(c),
        '०'..='९' => char::from_digit(c as u32 - '०' as u32, 10).unwrap_or(c),
        '০'..='৯' => char::from_digit(c as u32 - '০' as u32, 10).unwrap_or(c),
        _ => c,
    }
}

/// Non-breaking and thin spaces and other signs that group digits.
fn groups(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}' | '\u{2007}' | '\'' | '_')
}

/// The tokens of a text, without emphasis and invisible characters.
pub(super) fn tokens(text: &str, language: TextLanguage) -> Vec<QuantityToken> {
    let chars: Vec<char> = plain_digits(text)
        .chars()
        .filter(|c| !matches!(c, '*' | '`' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .map(plain)
        .collect();
    let mut tokens: Vec<QuantityToken> = Vec::new();
    // In Cyrillic, Greek, Arabic and other scripts, spaces group digits, too.
    let by_spaces = groups_by_spaces(language)
        || chars.iter().filter(|c| c.is_alphabetic() && **c > '\u{24f}').count() * 2
            > chars.len() / 2;
    let (mut at, mut spaced, mut begins_line) = (0, false, true);
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            spaced = true;
            begins_line |= c == '\n';
            at += 1;
            continue;
        }
        let (end, is_digits) = if c.is_ascii_digit() {
            (digits_end(&chars, at, by_spaces), true)
        } else {
            (word_end(&chars, at), false)
        };
        let raw: String = chars[at..end].iter().collect();
        if let Some((before, digits, length)) = numerals(&chars[at..end]) {
            if before > 0 {
                let text: String = chars[at..at + before].iter().collect();
                tokens.push(QuantityToken {
                    lower: text.clone(),
                    text,
                    shape: TokenShape::Word,
                    spaced,
                    begins_line,
                });
                (spaced, begins_line) = (false, false);
            }
            let literal = Literal { values: vec![digits], text: digits.to_string() };
            let text: String = chars[at + before..at + before + length].iter().collect();
            tokens.push(QuantityToken {
                lower: text.clone(),
                text,
                shape: TokenShape::Digits(literal),
                spaced,
                begins_line,
            });
            (spaced, begins_line) = (false, false);
            at += before + length;
            continue;
        }
        // `125万人次`: the multiplier is not part of the word after it.
        let multiplies = |c: &char| "万萬億亿千百".contains(*c);
        let after_digits = !spaced && tokens.last().is_some_and(|last| last.literal().is_some());
        let length = chars[at..end].iter().take_while(|c| multiplies(c)).count();
        let (end, raw) = if after_digits && length > 0 && length < end - at {
            (at + length, chars[at..at + length].iter().collect())
        } else {
            (end, raw)
        };
        let shape = if is_digits {
            TokenShape::Digits(Literal::parse(&raw, language))
        } else if raw.chars().any(|c| c.is_ascii_digit()) {
            TokenShape::Name
        } else if c.is_alphabetic() {
            TokenShape::Word
        } else {
            TokenShape::Sign(c)
        };
        tokens.push(QuantityToken {
            lower: raw.to_lowercase(),
            text: raw,
            shape,
            spaced,
            begins_line,
        });
        (spaced, begins_line) = (false, false);
        at = end;
    }
    tokens
}

/// Where the number that begins at `at` ends: digits, and single signs between digits.
fn digits_end(chars: &[char], at: usize, by_spaces: bool) -> usize {
    let run = |from: usize| chars[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut end = at + run(at);
    // The first group of a grouped number has at most three digits.
    let mut may_group = end - at <= 3;
    while let Some(&sign) = chars.get(end) {
        let next = run(end + 1);
        let stays = match sign {
            '.' => next > 0,
            // `1, 2` and `1,2,3` list numbers.
            ',' => next > 0 && !lists(&chars[at..], end - at) && !is_listed(chars, at),
            ' ' => may_group && next == 3 && by_spaces && !continues(chars, end + 4),
            sign => may_group && groups(sign) && next == 3,
        };
        if !stays {
            break;
        }
        may_group &= !matches!(sign, '.' | ',');
        end += 1 + next;
    }
    end
}

/// Whether digits go on after a group of three: then it is not a group.
fn continues(chars: &[char], at: usize) -> bool {
    chars.get(at).is_some_and(char::is_ascii_digit)
}

fn groups_by_spaces(language: TextLanguage) -> bool {
    !matches!(language, TextLanguage::English | TextLanguage::Other)
}

/// Whether the number that begins at `at` continues a list: `,3` in `1,2,3`.
fn is_listed(chars: &[char], at: usize) -> bool {
    at >= 2 && chars[at - 1] == ',' && chars[at - 2].is_ascii_digit()
}

/// Whether the comma at `comma` is part of a list such as `1,2,3` or `80,443`.
fn lists(chars: &[char], comma: usize) -> bool {
    let is_part = |c: &&char| c.is_ascii_digit() || **c == ',';
    let start = comma - chars[..comma].iter().rev().take_while(is_part).count();
    let written: String = chars[start..].iter().take_while(is_part).collect();
    let groups: Vec<&str> = written.trim_end_matches(',').split(',').collect();
    let [first, middle @ .., last] = groups.as_slice() else { return true };
    let is_grouped = last.len() == 3
        && first.len() <= 3
        && middle.iter().all(|group| matches!(group.len(), 2 | 3));
    let is_decimal = middle.is_empty() && (last.len() <= 2 || *first == "0" || start > 0);
    !is_grouped && !is_decimal
}

/// Where a word ends; a sign is a token of one character. Digits within a word belong to it.
fn word_end(chars: &[char], at: usize) -> usize {
    let first = chars[at];
    if !first.is_alphabetic() {
        return at + 1;
    }
    let unspaced = is_unspaced(first);
    let part = |c: &&char| {
        let letter = c.is_alphabetic() || is_mark(**c);
        if unspaced {
            letter && is_unspaced(**c)
        } else {
            (letter && !is_unspaced(**c)) || c.is_ascii_digit() || matches!(c, '²' | '³')
        }
    };
    let mut end = at + chars[at..].iter().take_while(part).count().max(1);
    // `v1.18.3`.
    while chars[end - 1].is_ascii_digit()
        && chars.get(end) == Some(&'.')
        && chars.get(end + 1).is_some_and(char::is_ascii_digit)
    {
        end += 1 + chars[end + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
    }
    end
}

/// The first number in Chinese numerals, before a unit, in a run of letters: its position, its value, and
/// its number of characters.
fn numerals(run: &[char]) -> Option<(usize, f64, usize)> {
    let is_numeral = |c: &char| "〇零一二两兩三四五六七八九十百千".contains(*c);
    let mut at = 0;
    while at < run.len() {
        let length = run[at..].iter().take_while(|c| is_numeral(c)).count();
        let rest: String = run[at + length..].iter().collect();
        if length > 0 && super::units::leading(&rest).is_some() {
            return Some((at, numeral_value(&run[at..at + length]), length));
        }
        at += length.max(1);
    }
    None
}

fn numeral_value(numerals: &[char]) -> f64 {
    let (mut total, mut digit) = (0.0, None);
    for c in numerals {
        let unit = match c {
            '十' => 10.0,
            '百' => 100.0,
            '千' => 1_000.0,
            c => {
                let value = "〇一二三四五六七八九".chars().position(|known| known == *c);
                digit = Some(value.unwrap_or(if *c == '零' { 0 } else { 2 }) as f64);
                continue;
            }
        };
        total += digit.take().unwrap_or(1.0) * unit;
    }
    total + digit.unwrap_or(0.0)
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Whether a letter is of a script without spaces between words: Han, Kana, Thai.
pub(in super::super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{e7f}' | '々')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, language: TextLanguage) -> String {
        let parts = tokens(text, language).into_iter().map(|token| match token.shape {
            TokenShape::Digits(_) => format!("#{}", token.text),
            TokenShape::Name => format!("@{}", token.text),
            _ => token.text,
        });
        parts.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn words_digits_and_signs() {
        for (text, language, expected) in [
            ("1,204 files, 80,8080", TextLanguage::English, "#1,204|files|,|#80|,|#8080"),
            ("in 2024 300 files", TextLanguage::English, "in|#2024|#300|files"),
            ("1 250,5 Tage", TextLanguage::German, "#1 250,5|Tage"),
            ("10GB v1.2 x86-64", TextLanguage::English, "#10|GB|@v1.2|@x86|-|#64"),
            ("**４００**日間", TextLanguage::Other, "#400|日間"),
            ("vingt-et-un, l’été", TextLanguage::French, "vingt|-|et|-|un|,|l|'|été"),
            ("1’000, 1_000, −8", TextLanguage::English, "#1'000|,|#1_000|,|-|#8"),
            ("1.18.3. 1,2,3,4", TextLanguage::English, "#1.18.3|.|#1|,|#2|,|#3|,|#4"),
        ] {
            assert_eq!(shown(text, language), expected, "{text}");
        }
    }
}
