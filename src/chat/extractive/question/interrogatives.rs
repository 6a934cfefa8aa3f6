//! Finds the language in which a question asks, what it asks for, and which of its words only ask.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::ExpectedAnswer;
use super::tables::{AskingTable, LANGUAGES};
use crate::text::{Words, is_unspaced};

/// The tables of a language, prepared for looking up words.
pub(super) struct AskingWords {
    /// Phrases as lists of words, split as by [`Words`]; phrases of scripts without spaces are in
    /// `unspaced`, as written.
    asks: Vec<(ExpectedAnswer, Vec<String>)>,
    unspaced: Vec<(ExpectedAnswer, String)>,
    aside: HashSet<String>,
    numbers: HashSet<String>,
    /// Numbers written out in scripts without spaces.
    numerals: Vec<String>,
    is_english: bool,
    /// See [`AskingTable::floor`].
    pub(super) floor: f32,
    /// Nouns begin in upper case, too.
    pub(super) has_capital_nouns: bool,
}

static ASKING_WORDS: LazyLock<Vec<AskingWords>> = LazyLock::new(|| {
    let lexicons = LANGUAGES.iter().enumerate();
    lexicons.map(|(at, asking)| AskingWords::of(asking, at == 0, at == 1)).collect()
});

/// English function words that say nothing about what is asked and that other languages also have: "the" is
/// Vietnamese, "in" Italian.
const ENGLISH: &str =
    "the of and in to a an is are was were be been by with for on at from as has had have or";

/// For each word, the languages, as bits, in which it asks or is put aside.
static KNOWN: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    let mut known: HashMap<&str, u32> = ENGLISH.split(' ').map(|word| (word, 1)).collect();
    for (at, lexicon) in ASKING_WORDS.iter().enumerate() {
        let asking = lexicon.asks.iter().flat_map(|(_, phrase)| phrase);
        for word in asking.chain(&lexicon.aside) {
            *known.entry(word.as_str()).or_default() |= 1 << at;
        }
    }
    known
});

impl AskingWords {
    fn of(asking: &AskingTable, is_english: bool, has_capital_nouns: bool) -> Self {
        let split = |table: &'static str| table.split('|').map(str::trim);
        let words = |phrase: &str| Words::of(phrase).iter().map(str::to_owned).collect::<Vec<_>>();
        let phrases = || {
            let rows = asking.words.iter();
            rows.flat_map(|(asks, table)| split(table).map(|phrase| (*asks, phrase)))
        };
        let is_joined = |phrase: &str| phrase.contains(is_unspaced);
        let mut asks: Vec<(ExpectedAnswer, Vec<String>)> = phrases()
            .filter(|(_, phrase)| !is_joined(phrase))
            .map(|(asks, phrase)| (asks, words(phrase)))
            .collect();
        asks.sort_by_key(|(_, phrase)| std::cmp::Reverse(phrase.len()));
        let mut unspaced: Vec<(ExpectedAnswer, String)> = phrases()
            .filter(|(_, phrase)| is_joined(phrase))
            .map(|(asks, phrase)| (asks, phrase.to_owned()))
            .collect();
        unspaced.sort_by_key(|(_, phrase)| std::cmp::Reverse(phrase.len()));
        let joined = |table| split(table).filter(|word| is_joined(word)).map(str::to_owned);
        let spaced = |table| split(table).filter(|word| !is_joined(word)).flat_map(words);
        // Single letters are also parts of words.
        let put_aside = joined(asking.aside).filter(|word| word.chars().count() > 1);
        unspaced.extend(put_aside.map(|word| (ExpectedAnswer::Nothing, word)));
        Self {
            asks,
            unspaced,
            aside: spaced(asking.aside).collect(),
            numbers: spaced(asking.numbers).collect(),
            numerals: joined(asking.numbers).collect(),
            is_english,
            floor: asking.floor,
            has_capital_nouns,
        }
    }

    /// The tables of the language that has the most small words in a text; English if no language has more.
    pub(super) fn of_text(text: &str, words: &[&str]) -> &'static Self {
        let mut seen = [0_usize; LANGUAGES.len()];
        for languages in words.iter().filter_map(|word| KNOWN.get(word)) {
            for (at, seen) in seen.iter_mut().enumerate() {
                *seen += (languages >> at & 1) as usize;
            }
        }
        if text.contains(is_unspaced) {
            for (lexicon, seen) in ASKING_WORDS.iter().zip(&mut seen) {
                let found = lexicon.unspaced.iter().filter(|(_, phrase)| text.contains(phrase));
                *seen += found.count();
            }
        }
        let most = seen.iter().copied().max().unwrap_or_default();
        let at = seen.iter().position(|count| *count == most).unwrap_or_default();
        &ASKING_WORDS[at]
    }

    /// The longest asking phrase that begins at a word, with its number of words.
    fn phrase_at(&self, words: &[&str], at: usize) -> Option<(ExpectedAnswer, usize)> {
        let rest = &words[at..];
        let fits = |phrase: &[String]| {
            phrase.len() <= rest.len() && phrase.iter().zip(rest).all(|(a, b)| is_word(a, b))
        };
        // "من" also means "from".
        let may = |asks: ExpectedAnswer, phrase: &[String]| {
            asks != ExpectedAnswer::Person
                || at == 0
                || phrase.concat().chars().count() > 2
                || !is_arabic(&phrase[0])
        };
        let found = self.asks.iter().find(|(asks, phrase)| fits(phrase) && may(*asks, phrase));
        found.map(|(asks, phrase)| (*asks, phrase.len()))
    }

    /// What is asked for. In English the first asking word decides; in other languages a more specific word
    /// than "which" has priority.
    pub(super) fn asks(&self, text: &str, words: &[&str]) -> ExpectedAnswer {
        let mut found = (0..words.len()).filter_map(|at| Some(self.phrase_at(words, at)?.0));
        let decides = |asks: &ExpectedAnswer| self.is_english || *asks != ExpectedAnswer::Anything;
        let first = found.find(decides);
        let within = || {
            let mut phrases =
                self.unspaced.iter().filter(|(_, phrase)| text.contains(phrase.as_str()));
            phrases.find(|(asks, _)| {
                !matches!(asks, ExpectedAnswer::Anything | ExpectedAnswer::Nothing)
            })
        };
        first.or_else(|| Some(within()?.0)).unwrap_or(ExpectedAnswer::Anything)
    }

    /// For each word, whether it only asks.
    pub(super) fn asking(&self, words: &[&str]) -> Vec<bool> {
        let mut aside: Vec<bool> = words.iter().map(|word| self.aside.contains(*word)).collect();
        let mut at = 0;
        while at < words.len() {
            let length = self.phrase_at(words, at).map_or(0, |(_, length)| length);
            aside[at..at + length].fill(true);
            at += length.max(1);
        }
        aside
    }

    /// A word of a script without spaces, without the phrases in it that ask.
    pub(super) fn without_asking(&self, word: &str) -> String {
        self.unspaced.iter().fold(word.to_owned(), |word, (_, phrase)| word.replace(phrase, " "))
    }

    /// Whether a word is a written-out number.
    pub(super) fn is_number(&self, word: &str) -> bool {
        self.numbers.contains(word)
    }

    /// Whether a text in a script without spaces has a written-out number.
    pub(super) fn has_numeral(&self, text: &str) -> bool {
        self.numerals.iter().any(|numeral| text.contains(numeral))
    }

    pub(super) fn is_english(&self) -> bool {
        self.is_english
    }

    /// Whether words are English, rather than of a language that is not known here.
    pub(super) fn are_english(&self, words: &[&str]) -> bool {
        let is_known = |word: &&str| KNOWN.get(*word).is_some_and(|languages| languages & 1 == 1);
        self.is_english && words.iter().any(is_known)
    }
}

fn is_arabic(word: &str) -> bool {
    word.starts_with(|c: char| ('\u{600}'..='\u{6ff}').contains(&c))
}

/// Whether a word is a known word; Korean words have their particles attached.
fn is_word(known: &str, word: &str) -> bool {
    // For words of two or more syllables; a syllable is two or three letters here.
    let korean = known.starts_with(|c: char| ('\u{1100}'..='\u{11ff}').contains(&c));
    known == word || (korean && known.chars().count() > 3 && word.starts_with(known))
}
