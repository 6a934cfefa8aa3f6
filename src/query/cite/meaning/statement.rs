//! A text as clauses of words.

use super::super::language::TextLanguage;
use super::super::nearest::same_stem;
use super::super::quantities::ParsedQuantities;
use super::concepts;

/// A text as clauses of words.
#[derive(Debug, Default)]
pub(in super::super) struct Statement {
    pub(super) language: TextLanguage,
    pub(super) clauses: Vec<Clause>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Clause {
    /// Number of the sentence that it is part of.
    pub(super) sentence: usize,
    pub(super) words: Vec<StatementWord>,
    pub(super) text: String,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Debug, Clone)]
pub(super) struct StatementWord {
    pub(super) lower: String,
    /// Neither a small word nor a short one.
    pub(super) tells: bool,
    /// Begins in upper case, and not because it begins a sentence.
    pub(super) name: bool,
    /// Begins in upper case.
    pub(super) capital: bool,
    /// More than one of its letters is in upper case.
    pub(super) acronym: bool,
    /// The pairs of opposites that it belongs to, and the side of each.
    pub(super) poles: Vec<(usize, bool)>,
    /// It denies what its clause says.
    pub(super) denies: bool,
    /// Part of a quantity, which is compared elsewhere.
    pub(super) masked: bool,
}

impl StatementWord {
    /// Whether it is a name, or may be one at the beginning of a sentence.
    pub(super) fn is_name(&self) -> bool {
        self.capital && (self.tells || self.is_coded())
    }

    /// Whether it is a name of letters and digits: `IPv4`, `E15`.
    pub(super) fn is_coded(&self) -> bool {
        self.lower.contains(|c: char| c.is_ascii_digit())
            && self.lower.contains(char::is_alphabetic)
    }
}

/// Signs that end a clause.
const CLAUSE_ENDS: &str = ",;:()[]{}–—|!?.\n。、，；：！？";

/// Words that begin another clause.
const CONJUNCTIONS: [&str; 24] = [
    "but", "while", "whereas", "though", "although", "aber", "sondern", "während", "obwohl",
    "mais", "tandis", "pero", "mientras", "aunque", "ma", "mentre", "mas", "enquanto", "embora",
    "maar", "terwijl", "hoewel", "sino", "dagegen",
];

impl Statement {
    pub(in super::super) fn of(reading: &ParsedQuantities, language: TextLanguage) -> Self {
        let mut clauses = vec![Clause::default()];
        let mut begins = true;
        let mut sentence = 0;
        for (at, word) in reading.words.iter().enumerate() {
            begins |= word.sentence != sentence;
            let sign = word.text.chars().next().filter(|c| !c.is_alphanumeric());
            let within = reading.words.get(at + 1).is_some_and(|next| !next.spaced)
                && matches!(sign, Some('.' | ',' | ':'));
            let ends =
                sign.is_some_and(|c| CLAUSE_ENDS.contains(c)) && !within && !word.of_quantity;
            let new_line = word.begins_line && at > 0 && word.sentence != sentence;
            if ends
                || new_line
                || word.sentence != sentence
                || CONJUNCTIONS.contains(&word.lower.as_str())
            {
                clauses.push(Clause { sentence: word.sentence, ..Clause::default() });
            }
            sentence = word.sentence;
            let Some(clause) = clauses.last_mut() else { continue };
            if word.spaced && !clause.text.is_empty() {
                clause.text.push(' ');
            }
            if !ends {
                clause.text.push_str(&word.text);
            }
            if sign.is_none() {
                let tells = word.tells && !word.of_quantity && word.lower.chars().count() > 2;
                let name = !begins && word.text.starts_with(char::is_uppercase);
                begins = false;
                let capital = word.text.starts_with(char::is_uppercase);
                let acronym = word.text.chars().filter(|c| c.is_uppercase()).count() > 1;
                // `no. 17`.
                let number = word.lower == "no"
                    && reading
                        .words
                        .get(at + 1)
                        .is_some_and(|next| next.text == "." && !next.spaced);
                let masked = word.of_quantity || number;
                clause.words.push(StatementWord {
                    lower: word.lower.clone(),
                    tells,
                    name,
                    capital,
                    acronym,
                    denies: !masked
                        && (concepts::denies(&word.lower, language)
                            || is_contracted_not(&reading.words, at)),
                    poles: if masked && !concepts::ranks(&word.lower) {
                        Vec::new()
                    } else {
                        concepts::poles(&word.lower, language)
                    },
                    masked,
                });
            }
        }
        clauses.retain(|clause| !clause.words.is_empty());
        Self { language, clauses }
    }

    /// The words of each sentence.
    pub(super) fn sentences(&self) -> Vec<Vec<&StatementWord>> {
        let mut sentences: Vec<Vec<&StatementWord>> = Vec::new();
        let mut last = None;
        for clause in &self.clauses {
            if last != Some(clause.sentence) {
                sentences.push(Vec::new());
            }
            last = Some(clause.sentence);
            if let Some(sentence) = sentences.last_mut() {
                sentence.extend(&clause.words);
            }
        }
        sentences
    }

    /// Whether a sentence itself says that the converse is another matter.
    pub(super) fn turns_round(&self, sentence: usize) -> bool {
        let clauses = self.clauses.iter().filter(|clause| clause.sentence == sentence);
        clauses.flat_map(|clause| &clause.words).any(|word| concepts::reverses(&word.lower))
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &StatementWord> {
        self.clauses.iter().flat_map(|clause| &clause.words)
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.words().any(|own| same_stem(&own.lower, word))
    }
}

/// Whether a word is the `t` of `isn't`.
fn is_contracted_not(words: &[super::super::quantities::ComparedWord], at: usize) -> bool {
    words[at].lower == "t"
        && at.checked_sub(1).is_some_and(|before| words[before].text == "'")
        && !words[at].spaced
}

/// Minimum number of words of a clause that may make a statement.
const MIN_WORDS: usize = 3;

impl Clause {
    /// The words that the clause denies: for each denial, the first telling word after it, or else the last
    /// one before it.
    pub(super) fn denied(&self) -> Vec<&str> {
        let denies = |word: &StatementWord| {
            let only = concepts::restricts(&word.lower, &self.words);
            word.denies && !only
        };
        let telling = |word: &&StatementWord| {
            word.tells && !denies(word) && !SKIPPED.contains(&word.lower.as_str())
        };
        let focus = |at: usize| {
            let after = self.words[at + 1..].iter().find(telling);
            after
                .or_else(|| self.words[..at].iter().rev().find(telling))
                .map(|word| word.lower.as_str())
        };
        let denials = self.words.iter().enumerate().filter(|(_, word)| denies(word));
        denials.filter_map(|(at, _)| focus(at)).collect()
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| same_stem(&own.lower, word))
    }

    /// Whether it has small words: a key or a title has none.
    pub(super) fn says_something(&self) -> bool {
        let small = |word: &StatementWord| !word.tells && !word.masked;
        self.words.len() >= MIN_WORDS && self.words.iter().any(small)
    }

    pub(super) fn telling(&self) -> impl Iterator<Item = &StatementWord> {
        self.words.iter().filter(|word| word.tells)
    }

    /// Number of telling words of `other` that this clause has.
    pub(super) fn shared(&self, other: &Self) -> usize {
        other
            .telling()
            .filter(|word| self.words.iter().any(|own| same_stem(&own.lower, &word.lower)))
            .count()
    }

    /// The pairs of opposites that it has a word of, and the positions.
    pub(super) fn poles(&self) -> Vec<OppositePole> {
        let words = self.words.iter().enumerate();
        let poles = words.flat_map(|(at, word)| {
            word.poles.iter().map(move |(pair, side)| OppositePole { pair: *pair, side: *side, at })
        });
        poles.collect()
    }

    /// The next telling word.
    pub(super) fn after(&self, at: usize) -> Option<&str> {
        self.words[at + 1..].iter().find(|word| word.tells).map(|word| word.lower.as_str())
    }

    /// Whether it exempts something.
    pub(super) fn exempts(&self) -> bool {
        self.words.iter().any(|word| concepts::exempts(&word.lower))
    }

    /// Whether it speaks of waiting for something that comes after.
    pub(super) fn waits(&self) -> bool {
        self.words.iter().any(|word| concepts::waits(&word.lower))
    }

    pub(super) fn denies_weakly(&self) -> bool {
        self.words.iter().any(|word| concepts::denies_weakly(&word.lower))
    }
}

/// A word of a pair of opposites.
#[derive(Clone, Copy, Debug)]
pub(super) struct OppositePole {
    pub(super) pair: usize,
    pub(super) side: bool,
    pub(super) at: usize,
}

/// Words between a denial and what it denies: `no longer`, `nicht mehr`.
const SKIPPED: [&str; 12] =
    ["longer", "yet", "any", "more", "mehr", "plus", "más", "più", "mais", "meer", "even", "auch"];
