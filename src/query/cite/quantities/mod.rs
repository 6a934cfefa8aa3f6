//! The numbers of a text with what they count, and whether one supports another.
//!
//! Pure: text → quantities. Notations, number words and bounds depend on the language of the text; units
//! have the same names in all languages. `text2num` reads number words.

mod bounds;
mod compare;
mod dates;
mod derive;
mod facts;
mod literal;
mod parse;
mod restated;
mod rounding;
mod tokens;
mod units;
mod words;

use bounds::Bound;
use dates::Date;
pub(super) use facts::StatedQuantities;
pub(super) use parse::{ComparedWord, ParsedQuantities, read};
pub(super) use tokens::is_unspaced;
use units::MeasureUnit;

/// A quantity that a text states.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Quantity {
    /// As the text has it, on one line.
    pub(super) shown: String,
    what: What,
    /// The range of its tokens.
    at: std::ops::Range<usize>,
    /// The range of its tokens and of the words that make it a limit.
    with_bound: std::ops::Range<usize>,
}

#[derive(Clone, PartialEq, Debug)]
enum What {
    Number(Number),
    /// Every way in which it can be read.
    Date(Vec<Date>),
    /// Minutes since midnight, in every way in which it can be read.
    Time(Vec<u32>),
    /// A version, an address, a name with digits; in lower case.
    Name(String),
}

#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, PartialEq, Debug, Default)]
struct Number {
    /// Every way in which it can be read.
    values: Vec<f64>,
    /// The other end of a range.
    to: Option<f64>,
    /// Its digits.
    literal: Option<String>,
    bound: Bound,
    unit: Option<MeasureUnit>,
    /// `per minute`.
    per: Option<MeasureUnit>,
    /// The word after it, if that is not a unit.
    counted: Option<String>,
    /// That word looks like a noun in the plural.
    counts_things: bool,
    /// It has a sign, plus or minus.
    signed: bool,
    /// The word right before it.
    label: Option<String>,
    /// Together with `label` it is a name: `Section 3`, `Eco 50`, `Windows 11`.
    refers: bool,
    ordinal: bool,
    /// One word that is certainly an article: `ein`, `une`.
    indefinite: bool,
    /// One word that is an article or a pronoun more often than a number: `one`, `ein`.
    article: bool,
    /// Units that the line names before it: `Timeout (s): 30`.
    named: Vec<MeasureUnit>,
    /// Its sentence has a word of denial.
    denied: bool,
    /// Its sentence says that something became less, or is below something.
    falls: bool,
    /// It is the end of a range of change: `from 20 to 26`.
    passed: bool,
    /// The text goes on to say what holds on the other side of the limit: `everything above that`.
    has_complement: bool,
}

/// Number of letters in which two forms of a word agree.
const STEM: usize = 4;

/// The beginning of a word: `pay` and `pays` are one.
fn stem(word: &ComparedWord) -> &str {
    let end = word.lower.char_indices().nth(STEM).map_or(word.lower.len(), |(at, _)| at);
    &word.lower[..end]
}

/// Whether two numbers are nearly the same: one in ten is 10.1 %.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= ROUGHLY * a.abs().max(b.abs())
}

/// How far an approximate number may be off, as a share of it.
const ROUGHLY: f64 = 0.025;

fn overlap(claim: &[f64], fact: &[f64], factor: f64) -> bool {
    claim.iter().any(|claim| fact.iter().any(|fact| same(claim * factor, *fact)))
}

/// Equal but for rounding of the units' factors.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-12)
}

/// Whether two words are the same noun, whatever its ending.
fn same_noun(a: Option<&String>, b: Option<&String>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    super::nearest::same_stem(a, b)
}

#[cfg(test)]
mod tests;
