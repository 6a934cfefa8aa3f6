//! Finds sentences that say something else, however many words they share with the question: they are about
//! another year, or do not deny what the question denies. For questions in English.

use super::{ExpectedAnswer, QuestionPart};
use crate::chat::extractive::Terms;
use crate::chat::extractive::candidates::Candidate;

/// Words of denial in a question.
const DENIALS: [&str; 7] = ["not", "never", "no", "none", "nor", "cannot", "without"];
/// Beginnings of words that deny in an answer, too: "which files are not read?" "Hidden files are skipped."
const DENYING: [&str; 32] = [
    "lack",
    "fail",
    "except",
    "unless",
    "unable",
    "neither",
    "nobody",
    "nothing",
    "nowhere",
    "skip",
    "ignor",
    "exclud",
    "omit",
    "reject",
    "refus",
    "deny",
    "denie",
    "forbid",
    "prohibit",
    "miss",
    "absen",
    "prevent",
    "avoid",
    "rather",
    "instead",
    "only",
    "leav",
    "remov",
    "drop",
    "stop",
    "disabl",
    "discontinu",
];
/// Words that make a denial after them a condition: "what happens if the key is not there".
const CONDITIONS: [&str; 7] = ["if", "when", "whenever", "unless", "while", "because", "although"];
/// Words before a year that say when something happened.
const IN: [&str; 7] = ["in", "during", "the", "year", "early", "late", "around"];
/// Words that make a year a limit, with other years beyond it.
const LIMITS: [&str; 9] =
    ["after", "before", "since", "until", "till", "by", "from", "than", "following"];

/// A year, a decade or a century in figures, or an ordinal: "1766", "the 1970s", "19th".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct YearOrOrdinal {
    is_ordinal: bool,
    first: u32,
    last: u32,
}

impl QuestionPart {
    /// Whether a sentence says something else than what is asked, in the same words. The figures of the
    /// question may also be in the headings above it, or in the sentence before.
    pub(in super::super) fn is_otherwise(&self, candidate: &Candidate, terms: &Terms) -> bool {
        let around = [&candidate.section, &candidate.document, &candidate.before];
        let has = |figures: &str| {
            terms(figures).iter().any(|term| around.iter().any(|around| around.contains(term)))
        };
        (self.is_denied && !denies(&candidate.text, &DENYING))
            || self.is_another_time(&candidate.text, has)
    }

    /// Whether a text names years or ordinals that are all before, or all after, those of the question.
    fn is_another_time(&self, text: &str, around: impl Fn(&str) -> bool) -> bool {
        [false, true].into_iter().any(|ordinals| {
            let asked = || self.numerals.iter().filter(|(it, _)| it.is_ordinal == ordinals);
            let (Some(first), Some(last)) =
                (asked().map(|(it, _)| it.first).min(), asked().map(|(it, _)| it.last).max())
            else {
                return false;
            };
            let said = || numerals(text).filter(|it| it.is_ordinal == ordinals);
            let reaches_it = said().any(|it| it.last >= first);
            let begins_by_it = said().any(|it| it.first <= last);
            reaches_it != begins_by_it && !asked().any(|(_, figures)| around(figures))
        })
    }
}

/// Whether a clause asks for what is not the case. Questions for a reason or a way do not count, nor does a
/// mere condition: an answer to "why does it not start" need not deny anything.
pub(super) fn is_denied(asks: ExpectedAnswer, clause: &str, words: &[&str]) -> bool {
    let asks_for = match asks {
        ExpectedAnswer::Anything => words.iter().any(|word| ["what", "which"].contains(word)),
        ExpectedAnswer::Reason | ExpectedAnswer::Duration | ExpectedAnswer::Nothing => false,
        _ => true,
    };
    let is_condition = words.iter().skip(1).any(|word| CONDITIONS.contains(word));
    asks_for && !is_condition && denies(clause, &[])
}

/// Whether a text has a word of denial, or a word with one of these beginnings.
fn denies(text: &str, beginnings: &[&str]) -> bool {
    let mut last = String::new();
    text.split_whitespace().any(|word| {
        let word = plain(word);
        // "Whether or not".
        let after_or = std::mem::replace(&mut last, word.clone()) == "or";
        (DENIALS.contains(&word.as_str()) && !after_or)
            || word.ends_with("n't")
            || word.ends_with("n’t")
            || word.starts_with("non-")
            || beginnings.iter().any(|beginning| word.starts_with(beginning))
    })
}

/// The years and ordinals that a clause asks about, with their figures.
pub(super) fn asked_numerals(clause: &str) -> Vec<(YearOrOrdinal, String)> {
    let words: Vec<String> = clause.split_whitespace().map(plain).collect();
    let before = |at: usize, back: usize| at.checked_sub(back).map_or("", |at| &words[at]);
    let asked = words.iter().enumerate().filter_map(|(at, word)| {
        let found = numeral(word)?;
        let is_limit = [1, 2].iter().any(|&back| LIMITS.contains(&before(at, back)));
        let is_time = found.is_ordinal || IN.contains(&before(at, 1));
        (is_time && !is_limit).then(|| (found, leading_digits(word).to_owned()))
    });
    asked.collect()
}

fn numerals(text: &str) -> impl Iterator<Item = YearOrOrdinal> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && !".,'’".contains(c));
    parts.filter_map(|part| numeral(part.trim_end_matches(['.', ',', '\'', '’'])))
}

fn numeral(word: &str) -> Option<YearOrOrdinal> {
    let figures = leading_digits(word);
    let first: u32 = figures.parse().ok()?;
    let spans = |years| YearOrOrdinal { is_ordinal: false, first, last: first + years - 1 };
    match &word[figures.len()..] {
        "st" | "nd" | "rd" | "th" => Some(YearOrOrdinal { is_ordinal: true, first, last: first }),
        _ if figures.len() != 4 || !(1000..2100).contains(&first) => None,
        "" => Some(spans(1)),
        "s" | "'s" | "’s" => Some(spans(if first.is_multiple_of(100) { 100 } else { 10 })),
        _ => None,
    }
}

fn leading_digits(word: &str) -> &str {
    word.find(|c: char| !c.is_ascii_digit()).map_or(word, |end| &word[..end])
}

fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<(u32, u32)> {
        numerals(text).map(|it| (it.first, it.last)).collect()
    }

    #[test]
    fn years_and_ordinals_are_distinguished_from_other_numbers() {
        assert_eq!(spans("In 1766, and the 1970's."), [(1766, 1766), (1970, 1979)]);
        assert_eq!(
            spans("the 22nd, the 1800s (1801–1805)"),
            [(22, 22), (1800, 1899), (1801, 1801), (1805, 1805)]
        );
        assert_eq!(spans("1,766 of 17664, 3.1766, v1766, 1766.2, 17"), []);
    }

    #[test]
    fn a_limit_is_not_a_time() {
        let asked = |clause| asked_numerals(clause).len();
        assert_eq!(asked("What happened in 1766?"), 1);
        assert_eq!(asked("Who lived in the 10th century?"), 1);
        assert_eq!(asked("What happened after 1766, since the 1970s, before the 10th century?"), 0);
        assert_eq!(asked("What listens on port 1766?"), 0);
    }

    #[test]
    fn a_denial_that_is_asked_about_is_not_a_condition() {
        let asks = |clause: &str| {
            let words: Vec<String> = clause.split_whitespace().map(plain).collect();
            is_denied(
                ExpectedAnswer::Anything,
                clause,
                &words.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        };
        assert!(asks("Which files aren't read?") && asks("What has no owner?"));
        assert!(!asks("Which files are read?") && !asks("What happens if the key is not there?"));
        assert!(!asks("What decides whether or not a file is read?"));
        assert!(!asks("How do I make it not ask?"));
    }
}
