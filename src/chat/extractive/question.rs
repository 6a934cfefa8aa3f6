//! The parts of a question, and the kind of answer that each part asks for.

mod answer_form;
mod forms;
mod interrogatives;
mod measure;
mod mismatch;
mod spelling;
mod tables;

use std::collections::HashSet;

pub(super) use self::answer_form::{Form, same_word};
use self::interrogatives::AskingWords;
use self::measure::{AskedMeasure, asks_name};
use self::mismatch::{YearOrOrdinal, asked_numerals, is_denied};
use super::Terms;
use super::boilerplate::asks_about;
use super::candidates::Candidate;
use crate::text::{Words, is_unspaced};

/// A part of a question that needs a sentence of its own.
#[derive(Clone)]
pub(super) struct QuestionPart {
    pub(super) asks: ExpectedAnswer,
    /// Distinct content terms; never empty.
    pub(super) terms: HashSet<u32>,
    /// The terms that stand for a single word, with that word.
    pub(super) words: Vec<(u32, String)>,
    /// Terms of names and numbers.
    pub(super) names: HashSet<u32>,
    /// Terms of what is asked about the named thing: "author" in "who is the author of Emma". Empty if no
    /// form of an answer is asked for.
    pub(super) relation: Vec<u32>,
    /// Terms of what is counted: "lines" in "how many lines".
    pub(super) focus: HashSet<u32>,
    /// Terms after "than": what the subject is compared with.
    pub(super) compared: HashSet<u32>,
    /// It is one of two things that are compared.
    pub(super) is_side: bool,
    /// Words with the number that tells them apart: "Port 150".
    pub(super) numbered: Vec<Words>,
    /// The quantity that it asks for.
    measure: Option<AskedMeasure>,
    /// Years and ordinals, with their figures.
    numerals: Vec<(YearOrOrdinal, String)>,
    /// It asks for what is not the case: "which files are not read".
    is_denied: bool,
    /// The text of the part, if that is English.
    pub(super) english: Option<String>,
    /// All of its words.
    said: HashSet<String>,
    lexicon: &'static AskingWords,
}

/// What an answer to a question is likely to contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ExpectedAnswer {
    /// How long, how often: a number of days, hours...
    Duration,
    /// How many, how much: a number.
    Number,
    /// When: a year, a condition.
    Time,
    /// Where: a name.
    Place,
    /// Who: a name.
    Person,
    /// Which company: a name.
    Name,
    /// Why.
    Reason,
    /// What is, what does it mean: a sentence whose subject is what was asked for.
    Definition,
    Anything,
    /// Not a question at all.
    Nothing,
}

/// Words that join two questions, before a word that asks.
const JOINING: [&str; 3] = ["and", "or", "but"];
const ASKING: [&str; 9] = ["who", "whom", "whose", "what", "when", "where", "why", "which", "how"];
/// Words at the beginning of a question that say what to do with what follows.
const INSTRUCTIONS: [&str; 12] = [
    "list",
    "give",
    "show",
    "name",
    "find",
    "summarize",
    "summarise",
    "define",
    "compare",
    "nenne",
    "liste",
    "cite",
];

/// The content of a clause, without the words that only make it a question.
pub(super) fn content(clause: &str) -> String {
    let words = Words::of(clause);
    let words: Vec<&str> = words.iter().collect();
    content_in(AskingWords::of_text(clause, &words), clause)
}

fn content_in(lexicon: &AskingWords, clause: &str) -> String {
    let written: Vec<&str> = clause.split_whitespace().collect();
    // A written word may be several words, or none.
    let words: Vec<Words> = written.iter().map(|word| Words::of(word)).collect();
    let all: Vec<&str> = words.iter().flat_map(Words::iter).collect();
    let asking = lexicon.asking(&all);
    let mut kept = Vec::new();
    let mut at = 0;
    for (word, parts) in written.into_iter().zip(&words) {
        let count = parts.iter().count();
        let only_asks = count > 0 && asking[at..at + count].iter().all(|asks| *asks);
        let instructs =
            at == 0 && all.len() > 1 && parts.iter().all(|part| INSTRUCTIONS.contains(&part));
        at += count;
        if word.contains(is_unspaced) {
            kept.push(lexicon.without_asking(word));
        } else if !only_asks && !instructs {
            kept.push(word.to_owned());
        }
    }
    kept.join(" ")
}

/// The parts of a question, in order: cut before "and who", "or how", and between the two sides of a
/// difference. A part without content terms of its own is left out.
pub(super) fn parts(question: &str, terms: &Terms) -> Vec<QuestionPart> {
    let said = Words::of(question);
    let all: Vec<&str> = said.iter().collect();
    let lexicon = AskingWords::of_text(question, &all);
    let mut parts: Vec<QuestionPart> = Vec::new();
    for clause in clauses(question) {
        let sides = sides(clause);
        for side in if sides.is_empty() { vec![clause] } else { sides.clone() } {
            let kept = without_hyphens(&content_in(lexicon, side));
            let of_side: HashSet<u32> = terms(&kept).into_iter().collect();
            if !of_side.is_empty() {
                let words = Words::of(clause);
                let words: Vec<&str> = words.iter().collect();
                let asks = match lexicon.asks(clause, &words) {
                    _ if !sides.is_empty() => ExpectedAnswer::Definition,
                    ExpectedAnswer::Anything | ExpectedAnswer::Definition
                        if lexicon.is_english() && asks_name(&words) =>
                    {
                        ExpectedAnswer::Name
                    }
                    asks => asks,
                };
                let measure = AskedMeasure::of(&words).filter(|_| lexicon.is_english());
                let english = lexicon.are_english(&all).then(|| clause.to_owned());
                let is_denied = english.is_some() && is_denied(asks, clause, &words);
                let numerals = english.as_ref().map(|_| asked_numerals(side)).unwrap_or_default();
                let focus = terms(&focus(clause)).into_iter().collect();
                let (subject, compared) = side.split_once(" than ").unwrap_or((side, ""));
                let words = single_words(&kept, terms);
                let names = names(&kept, clause, terms);
                parts.push(QuestionPart {
                    asks,
                    relation: relation(asks, lexicon, side, &words, &names),
                    terms: of_side,
                    words,
                    names,
                    focus,
                    is_side: !sides.is_empty(),
                    measure,
                    compared: terms(&content_in(lexicon, compared)).into_iter().collect(),
                    numbered: numbered(subject, terms),
                    numerals,
                    is_denied,
                    english,
                    said: all.iter().map(|word| (*word).to_owned()).collect(),
                    lexicon,
                });
            }
        }
    }
    parts
}

impl QuestionPart {
    /// Share of the question that a sentence and its surroundings must have to be an answer.
    pub(super) fn floor(&self) -> f32 {
        self.lexicon.floor
    }

    /// Whether it asks for a quantity that has a unit.
    pub(super) fn is_measured(&self) -> bool {
        self.asks == ExpectedAnswer::Duration && self.measure.is_some()
    }

    /// Whether it may be about what a footer says.
    pub(super) fn asks_about(&self, footer: &Candidate) -> bool {
        asks_about(&self.said, footer)
    }
}

/// "Dual-licensed" becomes two words; as one word it would be a third that no sentence has. `LGR-4012`
/// stays one word.
fn without_hyphens(text: &str) -> String {
    let is_compound = |word: &str| {
        word.contains('-')
            && word.split('-').all(|part| part.len() > 1 && part.chars().all(char::is_alphabetic))
    };
    let plain = |word: &str| word.trim_matches(|c: char| c.is_ascii_punctuation()).to_owned();
    let words = text.split(' ').map(|word| {
        if is_compound(&plain(word)) { word.replace('-', " ") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The words that are a single term, with that term; only of scripts with spaces.
fn single_words(kept: &str, terms: &Terms) -> Vec<(u32, String)> {
    // In the original spelling: with its accents, a word may be a different term.
    let parts = kept.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation());
    let spaced = parts.filter(|word| !word.contains(is_unspaced));
    let single = spaced.filter_map(|word| match terms(word)[..] {
        [term] => Some((term, Words::of(word).iter().collect())),
        _ => None,
    });
    single.collect()
}

/// Terms of capitalised words that do not begin the clause, and of words with a digit.
fn names(kept: &str, clause: &str, terms: &Terms) -> HashSet<u32> {
    let first = clause.split_whitespace().next().unwrap_or_default();
    let is_name = |word: &&str| {
        let capital = word.contains(char::is_uppercase) && *word != first;
        capital || word.contains(char::is_numeric)
    };
    kept.split_whitespace().filter(is_name).flat_map(terms).collect()
}

/// The words besides the names; if there are no names, the first word, which follows the words that ask:
/// "author" in "who is the author of the book". In scripts without capitals neither can be found.
fn relation(
    asks: ExpectedAnswer,
    lexicon: &AskingWords,
    side: &str,
    words: &[(u32, String)],
    names: &HashSet<u32>,
) -> Vec<u32> {
    let asks_form = match asks {
        ExpectedAnswer::Anything | ExpectedAnswer::Nothing | ExpectedAnswer::Reason => false,
        // "What is the fee of Port 30", and not "It says E30, what is going on".
        ExpectedAnswer::Definition => {
            let said = Words::of(side);
            lexicon.asking(&said.iter().collect::<Vec<_>>()).first() == Some(&true)
        }
        _ => true,
    };
    if !asks_form || words.len() < 2 || !side.contains(char::is_lowercase) {
        return Vec::new();
    }
    let terms = words.iter().map(|(term, _)| *term);
    let first = terms.clone().next();
    if names.is_empty() {
        return first.into_iter().collect();
    }
    // In languages that capitalise all nouns, the first word may not be a name.
    let first = first.filter(|_| lexicon.has_capital_nouns);
    first.into_iter().chain(terms.filter(|term| !names.contains(term))).collect()
}

fn clauses(question: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let words: Vec<(usize, &str)> = spans(question).collect();
    for pair in words.windows(2) {
        let [(at, word), (next_at, next)] = [pair[0], pair[1]];
        let joins = JOINING.contains(&plain(word).as_str());
        if joins && ASKING.contains(&plain(next).as_str()) {
            clauses.push(&question[start..at]);
            start = next_at;
        }
    }
    clauses.push(&question[start..]);
    clauses
}

/// The text before the first of two things that are compared, between them and after them.
const COMPARISONS: [(&str, &str, &str); 9] = [
    ("difference between ", " and ", ""),
    ("differences between ", " and ", ""),
    ("distinguishes ", " from ", ""),
    ("compare ", " with ", ""),
    ("compare ", " to ", ""),
    ("compare ", " and ", ""),
    ("how does ", " differ from ", ""),
    ("how do ", " differ from ", ""),
    ("how do ", " and ", " differ"),
];

/// The two things that a clause asks to compare; empty if it does not.
fn sides(clause: &str) -> Vec<&str> {
    let lower = clause.to_ascii_lowercase();
    let compared = COMPARISONS.iter().find_map(|(lead, between, after)| {
        let start = lower.find(lead)? + lead.len();
        let middle = start + lower[start..].find(between)?;
        let second = middle + between.len();
        let end =
            if after.is_empty() { lower.len() } else { second + lower[second..].find(after)? };
        Some(vec![&clause[start..middle], &clause[second..end]])
    });
    compared.or_else(|| versus(clause, &lower)).unwrap_or_default()
}

/// `Port vs. quay`.
fn versus<'a>(clause: &'a str, lower: &str) -> Option<Vec<&'a str>> {
    let (at, length) =
        [" vs ", " vs. ", " versus "].iter().find_map(|it| Some((lower.find(it)?, it.len())))?;
    Some(vec![&clause[..at], &clause[at + length..]])
}

fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Words before a number, except for words such as "in" or "of".
fn numbered(subject: &str, terms: &Terms) -> Vec<Words> {
    let words = Words::of(subject);
    let words: Vec<&str> = words.iter().collect();
    let pairs = words.windows(2).filter(|pair| {
        pair[1].starts_with(|c: char| c.is_ascii_digit())
            && pair[0].starts_with(char::is_alphabetic)
            && !terms(pair[0]).is_empty()
    });
    pairs.map(|pair| Words::of(&pair.join(" "))).collect()
}

/// The word that follows "how many" or "how much".
fn focus(clause: &str) -> String {
    let words: Vec<String> = clause.split_whitespace().map(plain).collect();
    let counted = |at: &[String]| at[0] == "how" && (at[1] == "many" || at[1] == "much");
    words.windows(3).find(|at| counted(at)).map(|at| at[2].clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
