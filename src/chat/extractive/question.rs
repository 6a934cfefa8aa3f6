//! A question as its parts, and what kind of answer each part asks for.

use std::collections::HashSet;

use super::Terms;
use crate::text::Words;

/// A part of a question that wants a sentence of its own.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Part {
    pub(super) asks: Asks,
    /// Distinct content terms; never empty.
    pub(super) terms: HashSet<u32>,
    /// Terms of what is counted: of "lines" in "how many lines".
    pub(super) focus: HashSet<u32>,
    /// Terms after "than": what the subject is compared with.
    pub(super) compared: HashSet<u32>,
    /// What a number tells apart: "Port 150".
    pub(super) numbered: Vec<Words>,
}

impl Part {
    /// Whether an answer has a form that can be told from the words alone.
    pub(super) fn asks_form(&self) -> bool {
        !matches!(self.asks, Asks::Anything | Asks::Reason)
    }
}

/// What an answer to a question is likely to contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asks {
    /// How long, how often: a number of days, hours...
    Duration,
    /// When: a year, a condition.
    Time,
    /// Who: a name.
    Person,
    /// Why.
    Reason,
    /// What is, what does it mean: a sentence whose subject is what was asked for.
    Definition,
    Anything,
}

const ASKING: [&str; 9] = ["who", "whom", "whose", "what", "when", "where", "why", "which", "how"];
const UNITS: [&str; 12] = [
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "night",
    "week",
    "month",
    "quarter",
    "year",
    "decade",
    "ms",
];
const CONDITIONS: [&str; 10] =
    ["when", "whenever", "if", "once", "after", "before", "until", "unless", "while", "as"];
const REASONS: [&str; 8] =
    ["because", "cause", "caused", "causes", "reason", "reasons", "due", "therefore"];
const VERBS: [&str; 12] = [
    "is", "are", "was", "were", "means", "mean", "refers", "denotes", "lets", "allows", "returns",
    "provides",
];

/// Words of a question that ask, and of which an answer says nothing; without the stop words of the
/// sparse leg.
const ASIDE: [&str; 35] = [
    "may",
    "might",
    "could",
    "shall",
    "would",
    "must",
    "one",
    "ones",
    "get",
    "gets",
    "got",
    "getting",
    "mean",
    "means",
    "please",
    "tell",
    "explain",
    "describe",
    "going",
    "really",
    "actually",
    "today",
    "currently",
    "happens",
    "happen",
    "kind",
    "sort",
    "way",
    "us",
    "exactly",
    "anything",
    "something",
    "cost",
    "costs",
    "price",
];
/// Words after "how" that ask for a time or a frequency, and for an amount.
const TIMES: [&str; 10] =
    ["long", "often", "far", "soon", "quickly", "quick", "fast", "old", "late", "early"];
const AMOUNTS: [&str; 8] = ["many", "much", "big", "large", "small", "high", "low", "little"];

/// The content of a clause: without what only makes it a question.
pub(super) fn content(clause: &str) -> String {
    let mut before = String::new();
    let mut kept = Vec::new();
    for word in clause.split_whitespace() {
        let this = plain(word);
        let listed = |list: &[&str]| list.contains(&this.as_str());
        let degree = before == "how" && (listed(&TIMES) || listed(&AMOUNTS));
        if !degree && !listed(&ASIDE) {
            kept.push(word);
        }
        before = this;
    }
    kept.join(" ")
}

/// The parts of a question, in order: cut before "and who", "or how", and between the two sides of
/// a difference. A part without content terms of its own is none.
pub(super) fn parts(question: &str, terms: &Terms) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for clause in clauses(question) {
        let sides = sides(clause);
        for side in if sides.is_empty() { vec![clause] } else { sides.clone() } {
            let of_side: HashSet<u32> = terms(&content(side)).into_iter().collect();
            if !of_side.is_empty() {
                let asks = if sides.is_empty() { asks(clause) } else { Asks::Definition };
                let focus = terms(&focus(clause)).into_iter().collect();
                let (subject, compared) = side.split_once(" than ").unwrap_or((side, ""));
                parts.push(Part {
                    asks,
                    terms: of_side,
                    focus,
                    compared: terms(&content(compared)).into_iter().collect(),
                    numbered: numbered(subject, terms),
                });
            }
        }
    }
    parts
}

fn clauses(question: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let words: Vec<(usize, &str)> = spans(question).collect();
    for pair in words.windows(2) {
        let [(at, word), (next_at, next)] = [pair[0], pair[1]];
        let joins = ["and", "or", "but"].contains(&plain(word).as_str());
        if joins && ASKING.contains(&plain(next).as_str()) {
            clauses.push(&question[start..at]);
            start = next_at;
        }
    }
    clauses.push(&question[start..]);
    clauses
}

/// What stands on each side of a "difference between A and B"; empty where none is asked for.
fn sides(clause: &str) -> Vec<&str> {
    let lower = clause.to_ascii_lowercase();
    let between = ["difference between ", "differences between "];
    let start = between.iter().find_map(|lead| lower.find(lead).map(|at| at + lead.len()));
    let sides = start.and_then(|start| {
        let and = start + lower[start..].find(" and ")?;
        Some(vec![&clause[start..and], &clause[and + 5..]])
    });
    sides.unwrap_or_default()
}

fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Words that a number follows, where they are no mere "in" or "of".
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

fn is_unit(word: &str) -> bool {
    UNITS.contains(&word.trim_end_matches('s'))
}

/// What a clause asks for: its first asking word decides.
fn asks(clause: &str) -> Asks {
    let words = Words::of(clause);
    let words: Vec<&str> = words.iter().collect();
    let Some(at) = words.iter().position(|word| ASKING.contains(word)) else {
        return Asks::Anything;
    };
    let next = words.get(at + 1).copied().unwrap_or_default();
    match (words[at], next) {
        ("how", degree) if TIMES.contains(&degree) => Asks::Duration,
        ("who" | "whom" | "whose", _) => Asks::Person,
        ("why", _) => Asks::Reason,
        ("when", _) => Asks::Time,
        ("what", "is" | "are" | "was" | "were" | "does" | "do") => Asks::Definition,
        _ => Asks::Anything,
    }
}

/// How well the form of a sentence fits what is asked for, within 0..=1.
pub(super) fn fit(part: &Part, text: &str, terms: &Terms) -> f32 {
    let words = Words::of(text);
    let words: Vec<&str> = words.iter().collect();
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let counted = |(at, word): (usize, &&str)| {
        is_unit(word) && words[at.saturating_sub(3)..at].iter().any(|word| is_number(word))
    };
    let year = |word: &&str| word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
    let fits = match part.asks {
        Asks::Duration => words.iter().enumerate().any(counted),
        Asks::Time => has(&CONDITIONS) || words.iter().any(year),
        Asks::Person => has_name(text),
        Asks::Reason => has(&REASONS),
        Asks::Definition => return subject(part, &words, terms),
        Asks::Anything => false,
    };
    if fits { 1.0 } else { 0.0 }
}

/// Two words in a row that begin in upper case, the first not at the beginning.
fn has_name(text: &str) -> bool {
    let upper = |word: &str| {
        word.starts_with(char::is_uppercase) && word.chars().skip(1).any(char::is_lowercase)
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).skip(1).any(|pair| upper(pair[0]) && upper(pair[1]))
}

/// The share of the part's terms that stand before the verb of a sentence that defines.
fn subject(part: &Part, words: &[&str], terms: &Terms) -> f32 {
    let verb = words.iter().position(|word| VERBS.contains(word));
    let Some(verb) = verb else { return 0.0 };
    let subject: HashSet<u32> = terms(&words[..verb].join(" ")).into_iter().collect();
    subject.intersection(&part.terms).count() as f32 / part.terms.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word of four letters and more, by its length and first letter.
    fn terms(text: &str) -> Vec<u32> {
        Words::of(text)
            .iter()
            .filter(|word| word.len() > 3 && !ASKING.contains(word))
            .map(|word| {
                word.bytes().fold(7, |hash: u32, byte| hash.wrapping_mul(31) ^ u32::from(byte))
            })
            .collect()
    }

    #[test]
    fn a_question_falls_into_parts_that_ask_for_something() {
        let check = |question: &str, expected: &[Asks]| {
            let found: Vec<Asks> = parts(question, &terms).iter().map(|part| part.asks).collect();
            assert_eq!(found, expected, "{question}");
        };
        check(
            "How long are backups kept, and who may restore one?",
            &[Asks::Duration, Asks::Person],
        );
        check("How many hours does it take?", &[Asks::Anything]);
        check("When does it end, or how many lines are left?", &[Asks::Time, Asks::Anything]);
        check("What does the export cost?", &[Asks::Definition]);
        check("Why and how do I export?", &[Asks::Anything]);
        check("What is the difference between apples and pears?", &[Asks::Definition; 2]);
        check("ledger exports", &[Asks::Anything]);
        check("Who is it, and why?", &[]);
    }

    #[test]
    fn what_is_counted_is_the_focus_and_what_follows_than_is_compared() {
        let parts = parts("How many lines has version 2 more than version 1?", &terms);
        assert_eq!(parts[0].focus, terms("lines").into_iter().collect());
        assert_eq!(parts[0].compared, terms("version").into_iter().collect());
        assert_eq!(parts[0].numbered, [Words::of("version 2")]);
    }

    #[test]
    fn sentences_fit_what_is_asked() {
        let check = |question: &str, sentence: &str, expected: bool| {
            let part = &parts(question, &terms)[0];
            assert_eq!(fit(part, sentence, &terms) > 0.0, expected, "{question} {sentence}");
        };
        check("How long are backups kept?", "They stay for 14 days.", true);
        check("How long are backups kept?", "They have 14 pages.", false);
        check("Who restores backups?", "Then Mary Jones does.", true);
        check("Who restores backups?", "Nobody does.", false);
        check("When do exports fail?", "They fail if the disk is full.", true);
        check("When did exports fail?", "They failed in 2024.", true);
        check("Why do exports fail?", "Because the disk is full.", true);
        check("What is an export?", "An export is a file.", true);
        check("What is an export?", "A file is the outcome of an export.", false);
    }
}
