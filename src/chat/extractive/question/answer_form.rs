//! Whether a sentence has the form of an answer.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::forms::{CONDITIONS, REASONS, TIMES};
use super::measure::AskedMeasure;
use super::spelling::spelled;
use super::{ExpectedAnswer, QuestionPart};
use crate::text::{Words, is_unspaced};

const VERBS: [&str; 12] = [
    "is", "are", "was", "were", "means", "mean", "refers", "denotes", "lets", "allows", "returns",
    "provides",
];

/// The parts of a sentence that show its form.
pub(in super::super) struct Form<'a> {
    pub(in super::super) text: &'a str,
    pub(in super::super) words: &'a Words,
}

static LISTS: LazyLock<[HashSet<String>; 3]> = LazyLock::new(|| {
    [TIMES, CONDITIONS, REASONS].map(|table| {
        table
            .split('|')
            .flat_map(|word| Words::of(word).iter().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    })
});

impl QuestionPart {
    /// Whether the answer has a form that words alone can show. Names cannot be recognised if all nouns
    /// have capitals, or no letter has.
    pub(in super::super) fn asks_form(&self, text: &str) -> bool {
        match self.asks {
            ExpectedAnswer::Anything | ExpectedAnswer::Nothing | ExpectedAnswer::Reason => false,
            ExpectedAnswer::Person | ExpectedAnswer::Place | ExpectedAnswer::Name => {
                !self.lexicon.has_capital_nouns && text.contains(char::is_lowercase)
            }
            ExpectedAnswer::Definition => self.lexicon.is_english(),
            ExpectedAnswer::Duration | ExpectedAnswer::Number | ExpectedAnswer::Time => true,
        }
    }

    /// How well the form of a sentence fits what is asked for, within 0..=1.
    pub(in super::super) fn fit(&self, form: &Form<'_>) -> f32 {
        let words: Vec<&str> = form.words.iter().collect();
        let has = |list: &HashSet<String>| words.iter().any(|word| list.contains(*word));
        let [times, conditions, reasons] = &*LISTS;
        let fits = match self.asks {
            ExpectedAnswer::Duration if let Some(measure) = self.measure => {
                measure.is_in(form.text, &words, |word| self.lexicon.is_number(word))
            }
            ExpectedAnswer::Number if let Some(AskedMeasure::Price) = self.measure => {
                return self.price(form.text, &words);
            }
            ExpectedAnswer::Duration | ExpectedAnswer::Number => self.has_number(form.text, &words),
            ExpectedAnswer::Time => {
                has(times)
                    || (!self.is_past() && has(conditions))
                    || words.iter().any(|word| self.is_date(word))
            }
            ExpectedAnswer::Person | ExpectedAnswer::Place | ExpectedAnswer::Name => {
                self.has_name(form.text)
            }
            ExpectedAnswer::Reason => has(reasons),
            ExpectedAnswer::Definition => return self.is_subject(&words),
            ExpectedAnswer::Anything | ExpectedAnswer::Nothing => false,
        };
        if fits { 1.0 } else { 0.0 }
    }

    /// How well a sentence gives a price; a plain number that may be one counts half.
    fn price(&self, text: &str, words: &[&str]) -> f32 {
        let is_price = AskedMeasure::Price.is_in(text, words, |word| self.lexicon.is_number(word));
        match self.has_number(text, words) {
            true if is_price => 1.0,
            true => 0.5,
            false => 0.0,
        }
    }

    /// Whether a sentence has a number that is not in the question and is not a year.
    fn has_number(&self, text: &str, words: &[&str]) -> bool {
        let is_new = |word: &&&str| !self.said.contains(**word);
        let counts = |word: &str| {
            (word.contains(char::is_numeric) && !is_year(word)) || self.lexicon.is_number(word)
        };
        words.iter().filter(is_new).any(|word| counts(word))
            || (text.contains(is_unspaced) && self.lexicon.has_numeral(text))
    }

    /// Whether it asks about the past: then a condition does not answer "when".
    fn is_past(&self) -> bool {
        ["did", "was", "were"].iter().any(|word| self.said.contains(*word))
    }

    /// Whether a word is a year or, in languages other than English, has digits; words of the question do
    /// not count.
    fn is_date(&self, word: &str) -> bool {
        let other = !self.lexicon.is_english() && word.contains(char::is_numeric);
        (is_year(word) || other) && !self.said.contains(word)
    }

    /// Whether a sentence has a name that the question does not have: a capitalised word that does not
    /// begin the sentence, or two at its beginning.
    fn has_name(&self, text: &str) -> bool {
        let is_name = |word: &&str| {
            word.starts_with(char::is_uppercase) && word.chars().skip(1).any(char::is_lowercase)
        };
        // "On Tuesday" is not the name of anybody.
        let is_new = |word: &&str| {
            Words::of(word).iter().any(|word| !self.said.contains(word) && !LISTS[0].contains(word))
        };
        let words: Vec<&str> = text
            .split_whitespace()
            .map(|word| word.trim_start_matches(|c: char| !c.is_alphanumeric()))
            .collect();
        let begins =
            words.len() > 1 && is_name(&words[0]) && is_name(&words[1]) && is_new(&words[0]);
        begins || words.iter().skip(1).filter(|word| is_name(word)).any(is_new)
    }

    /// The share of its terms that come before the verb of a defining sentence.
    fn is_subject(&self, words: &[&str]) -> f32 {
        let Some(verb) = words.iter().position(|word| VERBS.contains(word)) else { return 0.0 };
        let before: HashSet<&str> = words[..verb].iter().copied().collect();
        let named =
            self.words.iter().filter(|(_, word)| before.iter().any(|it| same_word(it, word)));
        named.count() as f32 / self.terms.len() as f32
    }
}

/// Whether two words are forms of one word: the shorter one without its ending begins the other. Arabic and
/// Hebrew words also begin with articles and prepositions.
pub(in super::super) fn same_word(a: &str, b: &str) -> bool {
    if a == b || (a.get(..2) == b.get(..2) && spelled(a) == spelled(b)) {
        return true;
    }
    let clitics = a.starts_with(|c: char| ('\u{5d0}'..='\u{6ff}').contains(&c));
    if !clitics && a.chars().next() != b.chars().next() {
        return false;
    }
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let letters = [a.chars().count(), b.chars().count()];
    let (short, long) = if letters[0] < letters[1] { (a, b) } else { (b, a) };
    let [fewer, more] = [letters[0].min(letters[1]), letters[0].max(letters[1])];
    (common >= 4 && common * 10 >= more * 7)
        || (clitics && fewer >= 3 && more <= fewer + 3 && long.contains(short))
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse::<u16>().is_ok_and(|year| (1000..2100).contains(&year))
}
