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
    /// Terms of what is counted or chosen from: of "lines" in "how many lines", of "credit" in
    /// "which credit".
    pub(super) focus: HashSet<u32>,
    /// Terms after "than": what the subject is compared with.
    pub(super) compared: HashSet<u32>,
}

impl Part {
    /// Whether an answer has a form that can be told from the words alone.
    pub(super) fn asks_form(&self) -> bool {
        !matches!(self.asks, Asks::Anything | Asks::Instruction | Asks::Reason)
    }
}

/// What an answer to a question is likely to contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asks {
    /// How long, how often: a number of days, hours...
    Duration,
    /// How many, how much.
    Quantity,
    /// When: a date, a time, a condition.
    Time,
    /// Who: a name or a role.
    Person,
    /// Why.
    Reason,
    /// What is, what does it mean: a sentence whose subject is what was asked for.
    Definition,
    /// How do I: an instruction.
    Instruction,
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
const NUMBERS: [&str; 17] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "half", "hundred", "thousand", "million", "dozen",
];
const REPEATED: [&str; 7] = ["hourly", "daily", "nightly", "weekly", "monthly", "yearly", "every"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const CONDITIONS: [&str; 10] =
    ["when", "whenever", "if", "once", "after", "before", "until", "unless", "while", "as"];
const REASONS: [&str; 8] =
    ["because", "cause", "caused", "causes", "reason", "reasons", "due", "therefore"];
const ROLES: [&str; 18] = [
    "officer",
    "operator",
    "manager",
    "owner",
    "lead",
    "head",
    "director",
    "administrator",
    "admin",
    "engineer",
    "team",
    "member",
    "person",
    "people",
    "user",
    "customer",
    "provider",
    "author",
];
const VERBS: [&str; 12] = [
    "is", "are", "was", "were", "means", "mean", "refers", "denotes", "lets", "allows", "returns",
    "provides",
];
const IMPERATIVES: [&str; 14] = [
    "to", "use", "run", "call", "set", "add", "type", "compute", "send", "open", "create",
    "choose", "write", "you",
];

/// Words of a question that ask, and of which an answer says nothing.
const ASIDE: [&str; 38] = [
    "may",
    "might",
    "can",
    "could",
    "shall",
    "should",
    "will",
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
    "now",
    "currently",
    "happens",
    "happen",
    "kind",
    "sort",
    "way",
    "there",
    "us",
    "me",
    "exactly",
    "anything",
    "something",
];
const COSTS: [&str; 3] = ["cost", "costs", "price"];
const DEGREES: [&str; 18] = [
    "long", "many", "much", "often", "far", "soon", "quickly", "quick", "fast", "old", "big",
    "large", "small", "high", "low", "late", "early", "little",
];

/// The content of a clause: without what only makes it a question.
pub(super) fn content(clause: &str) -> String {
    let mut before = String::new();
    let mut kept = Vec::new();
    for word in clause.split_whitespace() {
        let this = plain(word);
        let asks = before == "how" && DEGREES.contains(&this.as_str());
        let asks = asks || COSTS.contains(&this.as_str());
        if !asks && !ASIDE.contains(&this.as_str()) {
            kept.push(word);
        }
        before = this;
    }
    kept.join(" ")
}

/// The parts of a question, in order: cut before "and who", "or how", after a question mark, and
/// between the two sides of a difference. A part without content terms of its own is none.
pub(super) fn parts(question: &str, terms: &Terms) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for clause in clauses(question) {
        let sides = sides(clause);
        for side in if sides.is_empty() { vec![clause] } else { sides.clone() } {
            let of_side: HashSet<u32> = terms(&content(side)).into_iter().collect();
            if !of_side.is_empty() {
                let asks = if sides.is_empty() { asks(clause) } else { Asks::Definition };
                let focus = terms(&focus(clause)).into_iter().collect();
                let compared = side.split_once(" than ").map(|(_, other)| terms(&content(other)));
                parts.push(Part {
                    asks,
                    terms: of_side,
                    focus,
                    compared: compared.unwrap_or_default().into_iter().collect(),
                });
            }
        }
    }
    parts
}

fn clauses(question: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut words = spans(question).peekable();
    while let Some((at, word)) = words.next() {
        let next = words.peek().map(|(_, next)| *next);
        let joins = ["and", "or", "but"].contains(&plain(word).as_str())
            && next.is_some_and(|next| ASKING.contains(&plain(next).as_str()));
        if joins {
            clauses.push(&question[start..at]);
            start = at + word.len();
        } else if word.ends_with(['?', ';']) && next.is_some() {
            clauses.push(&question[start..at + word.len()]);
            start = at + word.len();
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

/// The word that follows "how many", "which" or "what".
fn focus(clause: &str) -> String {
    const OTHERWISE: [&str; 15] = [
        "is", "are", "was", "were", "does", "do", "did", "the", "a", "an", "of", "happens", "can",
        "has", "time",
    ];
    let words: Vec<String> = clause.split_whitespace().map(plain).collect();
    let pair = |pair: &[String]| pair[0] == "how" && (pair[1] == "many" || pair[1] == "much");
    let counted = words.windows(2).position(pair).map(|at| at + 2);
    let chosen = words.iter().position(|word| word == "which" || word == "what").map(|at| at + 1);
    let word = counted.or(chosen).and_then(|at| words.get(at)).map(String::as_str);
    let word = word.filter(|word| !OTHERWISE.contains(word) && !is_unit(word));
    word.unwrap_or_default().to_owned()
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
    let costs = words.iter().any(|word| COSTS.contains(word));
    match (words[at], next) {
        ("how", "many" | "much") if words[at..].iter().take(4).any(|word| is_unit(word)) => {
            Asks::Duration
        }
        ("how", "many" | "much" | "big" | "large" | "small" | "high" | "low") => Asks::Quantity,
        ("how" | "what", _) if costs => Asks::Quantity,
        ("how", degree) if DEGREES.contains(&degree) => Asks::Duration,
        ("how", _) => Asks::Instruction,
        ("who" | "whom" | "whose", _) => Asks::Person,
        ("why", _) => Asks::Reason,
        ("when", _) | ("what" | "which", "date" | "day" | "year") => Asks::Time,
        ("what", "is" | "are" | "was" | "were" | "does" | "do") => Asks::Definition,
        _ => Asks::Anything,
    }
}

/// How well the form of a sentence fits what is asked for, within 0..=1.
pub(super) fn fit(part: &Part, text: &str, terms: &Terms) -> f32 {
    let words = Words::of(text);
    let words: Vec<&str> = words.iter().collect();
    let is_number =
        |word: &str| NUMBERS.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit());
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let duration = || {
        let counted = |(at, word): (usize, &&str)| {
            is_unit(word) && words[at.saturating_sub(3)..at].iter().any(|word| is_number(word))
        };
        words.iter().enumerate().any(counted)
    };
    let year = |word: &&str| word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
    let fits = match part.asks {
        Asks::Duration => duration() || has(&REPEATED),
        Asks::Quantity => {
            words.iter().any(|word| is_number(word) || word.contains(['$', '€', '£', '%']))
        }
        Asks::Time => has(&CONDITIONS) || has(&MONTHS) || words.iter().any(year) || duration(),
        Asks::Person => {
            words.iter().any(|word| ROLES.contains(&word.trim_end_matches('s'))) || has_name(text)
        }
        Asks::Reason => has(&REASONS),
        Asks::Instruction => words.first().is_some_and(|word| IMPERATIVES.contains(word)),
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
    let verb = words.iter().take(10).position(|word| VERBS.contains(word));
    let Some(verb) = verb else { return 0.0 };
    if verb > part.terms.len() + 3 {
        return 0.0;
    }
    let subject: HashSet<u32> = terms(&words[..verb].join(" ")).into_iter().collect();
    let share = subject.intersection(&part.terms).count() as f32 / part.terms.len() as f32;
    if share < 0.4 { 0.0 } else { share }
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
        check("How many hours does it take?", &[Asks::Duration]);
        check("Within how many lines? When does it end?", &[Asks::Quantity, Asks::Time]);
        check("What does the export cost?", &[Asks::Quantity]);
        check("Why and how do I export?", &[Asks::Instruction]);
        check("What is the difference between apples and pears?", &[Asks::Definition; 2]);
        check("ledger exports", &[Asks::Anything]);
        check("Who is it, and why?", &[]);
    }

    #[test]
    fn what_is_counted_is_the_focus_and_what_follows_than_is_compared() {
        let parts = parts("How many lines has version 2 more than version 1?", &terms);
        assert_eq!(parts[0].focus, terms("lines").into_iter().collect());
        assert_eq!(parts[0].compared, terms("version").into_iter().collect());
    }

    #[test]
    fn sentences_fit_what_is_asked() {
        let check = |question: &str, sentence: &str, expected: bool| {
            let part = &parts(question, &terms)[0];
            assert_eq!(fit(part, sentence, &terms) > 0.0, expected, "{question} {sentence}");
        };
        check("How long are backups kept?", "They stay for 14 days.", true);
        check("How long are backups kept?", "They stay for two whole weeks.", true);
        check("How long are backups kept?", "They have 14 pages.", false);
        check("How many lines has version 2?", "It has 50.", true);
        check("Who restores backups?", "Two operators do.", true);
        check("Who restores backups?", "Then Mary Jones does.", true);
        check("Who restores backups?", "Nobody does.", false);
        check("When do exports fail?", "They fail if the disk is full.", true);
        check("Why do exports fail?", "Because the disk is full.", true);
        check("What is an export?", "An export is a file.", true);
        check("What is an export?", "A file is the outcome of an export.", false);
    }
}
