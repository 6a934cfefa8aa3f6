//! The numbers that a text states, in digits or in (English) words.

use crate::text::{Words, numbers, plain_digits};

/// A number as it is compared, and as the text has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Figure {
    /// Digits in one spelling: see [`numbers`].
    pub(super) value: String,
    pub(super) shown: String,
}

/// The numbers of a text: `1,204`, `1 204` (with a space that does not break), `four hundred`.
pub(super) fn figures(text: &str) -> Vec<Figure> {
    let digits = numbers(&without_grouping(&plain_digits(text))).into_iter();
    let digits = digits.map(|value| Figure { shown: value.clone(), value });
    digits.chain(in_words(text)).collect()
}

/// `text` without what stands between groups of three digits and is neither a comma nor a plain
/// space, which also stands between numbers.
fn without_grouping(text: &str) -> String {
    let is_separator = |c| matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '’' | '_');
    let mut joined = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let group = rest.bytes().take_while(u8::is_ascii_digit).count();
        let groups = joined.ends_with(|c: char| c.is_ascii_digit()) && group == 3;
        if !(is_separator(c) && groups) {
            joined.push(c);
        }
    }
    joined
}

fn in_words(text: &str) -> Vec<Figure> {
    let words = Words::of(text);
    let words: Vec<&str> = words.iter().collect();
    let mut figures = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (value, length) = leading(&words[at..]);
        if length > 0 {
            let shown = words[at..at + length].join(" ");
            figures.push(Figure { value: value.to_string(), shown });
        }
        at += length.max(1);
    }
    figures
}

/// The number that the words begin with, and how many of them it takes; 0 where there is none.
fn leading(words: &[&str]) -> (u64, usize) {
    let (mut total, mut part, mut taken) = (0_u64, 0_u64, 0);
    for (i, word) in words.iter().enumerate() {
        let joins = *word == "and" && (taken == i && i > 0) && part.is_multiple_of(100);
        if joins && words.get(i + 1).is_some_and(|next| small(next).is_some()) && part > 0 {
            taken = i + 1;
            continue;
        }
        match (small(word), *word) {
            (Some(n), _) if part == 0 || part.is_multiple_of(100) => part += n,
            (Some(n @ 1..=9), _)
                if (20..100).contains(&(part % 100)) && part.is_multiple_of(10) =>
            {
                part += n;
            }
            (None, "hundred") if part < 100 => part = part.max(1) * 100,
            (None, "thousand") if part < 1_000 => (total, part) = (total + part.max(1) * 1_000, 0),
            (None, "million") if part < 1_000 => {
                (total, part) = (total + part.max(1) * 1_000_000, 0);
            }
            _ => break,
        }
        taken = i + 1;
    }
    (total + part, taken)
}

fn small(word: &str) -> Option<u64> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] =
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let unit = UNITS.iter().position(|unit| *unit == word).map(|at| at as u64);
    unit.or_else(|| TENS.iter().position(|ten| *ten == word).map(|at| (at as u64 + 2) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_digits_and_in_words() {
        for (text, expected) in [
            ("1,204 files, 1\u{202f}204, 1'204 and 1_204", "1204 1204 1204 1204"),
            ("in 2024 300 files", "2024 300"),
            ("Four hundred days", "400"),
            ("four hundred and five, four and five", "405 4 5"),
            ("twenty-one, twenty, one", "21 21"),
            ("two or three", "2 3"),
            ("a thousand and one nights", "1000 1"),
            ("two million three hundred thousand", "2300000"),
            ("hundred", "100"),
            ("４００日、٤٠٠ و ۴۰۰", "400 400 400"),
            ("ten ten zero", "10 10 0"),
            ("no number, someone, often", ""),
            ("one hundred twenty three thousand four hundred fifty six", "123456"),
        ] {
            let found: Vec<String> = figures(text).into_iter().map(|f| f.value).collect();
            assert_eq!(found.join(" "), expected, "{text:?}");
        }
        assert_eq!(figures("some Twenty-Two days")[0].shown, "twenty two");
    }
}
