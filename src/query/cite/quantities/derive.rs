//! Numbers that no text states, but that follow from stated ones by a step of arithmetic: a sum, a
//! difference, a multiple, a part, a rate, the time between two dates.
//!
//! Any two numbers give some third one. So two numbers count only if they are close to each other, or in
//! sentences that share words with the claim, or if the claim names one of them itself.

mod calendar;
mod multiples;

use std::collections::HashSet;

use super::bounds::Bound;
use super::facts::Fact;
use super::parse::ParsedQuantities;
use super::units::{Dimension, MeasureUnit};
use super::{Number, Quantity, What, same};
use calendar::{is_clock_moved, is_date_moved};
use multiples::multiples;

/// Most sentences between two numbers that are close to each other.
const NEAR: usize = 1;
/// Most numbers that are combined.
const MOST: usize = 48;
/// How far an approximate number may be off, as a share of it.
const ROUGHLY: f64 = 0.06;
/// How far a number may lie beyond a limit that it is said to exceed, as a share of the limit.
const BEYOND: f64 = 0.1;

const DAY: f64 = 86_400.0;
/// Days of a month, on average.
const DAYS_OF_MONTH: f64 = 30.44;

/// A number to calculate with, in the unit of its dimension.
#[derive(Clone, Copy)]
struct Term {
    value: f64,
    dimension: Option<Dimension>,
    place: Place,
    /// Its sentence shares words with the claim.
    on_topic: bool,
    /// The claim names it.
    named: bool,
    /// A time of day, which is not an amount of time.
    is_clock: bool,
}

/// A sentence of a text.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    text: usize,
    sentence: usize,
}

/// What a claimed number may mean, in the unit of its dimension.
struct Target<'a> {
    number: &'a Number,
    dimension: Option<Dimension>,
    factor: f64,
    /// The value of one step of its last digit.
    precision: f64,
}

/// Whether a quantity follows from what the passages state. `named`: the other quantities of the claim that
/// they support.
pub(super) fn follows(
    claim: &Quantity,
    claimed: &ParsedQuantities,
    facts: &[Fact],
    named: &[&Quantity],
) -> bool {
    let words: HashSet<&str> = claimed.stems().collect();
    let announced = claimed.works_out(claim).next().is_some();
    let mut terms = terms(facts, named, &words);
    terms.extend(multiples(facts));
    if !matches!(claim.what, What::Number(_)) {
        let others = claimed.quantities.iter().filter(|other| other.at != claim.at);
        let own = others.flat_map(values);
        let place = Place { text: usize::MAX, sentence: 0 };
        terms.extend(own.map(|(value, dimension)| Term {
            value,
            dimension,
            place,
            on_topic: true,
            named: true,
            is_clock: false,
        }));
    }
    let number = match &claim.what {
        What::Number(number) => number,
        What::Time(ways) => return is_clock_moved(ways, &terms, announced),
        What::Date(ways) => return is_date_moved(ways, &terms, facts),
        What::Name(_) => return false,
    };
    let target = Target {
        number,
        dimension: number.unit.map(|unit| unit.dimension),
        factor: number.unit.map_or(1.0, |unit| unit.factor),
        precision: number.precision(),
    };
    let pairs = || {
        terms.iter().enumerate().flat_map(|(at, a)| {
            terms[at + 1..]
                .iter()
                .filter(move |b| go_together(a, b, announced))
                .map(move |b| (a, b))
        })
    };
    terms.iter().any(|term| target.is_part(term))
        || pairs().any(|(a, b)| target.is_of(a, b) || target.is_of(b, a))
        || target.is_sum_of_many(&terms)
        || (target.is_period() && target.lies_between_dates(facts))
}

/// Whether two numbers may be combined. `announced`: the claim says that its number was worked out.
fn go_together(a: &Term, b: &Term, announced: bool) -> bool {
    let close = a.place.text == b.place.text && a.place.sentence.abs_diff(b.place.sentence) <= NEAR;
    let years = is_year(a) && is_year(b);
    let meant = |term: &Term| term.named || term.on_topic;
    close && (announced || meant(a) || meant(b)) || years || meant(a) && meant(b)
}

/// Whether one of two numbers may multiply or divide the other: they are in one sentence, the claim names
/// one of them, or it is about both. Unrelated numbers can give any result.
fn are_of_one_matter(a: &Term, b: &Term) -> bool {
    a.place == b.place || a.named || b.named || (a.on_topic && b.on_topic)
}

/// The numbers that are worth trying: first those that the claim names, then those on its topic.
fn terms(facts: &[Fact], named: &[&Quantity], words: &HashSet<&str>) -> Vec<Term> {
    let mut terms = Vec::new();
    let nowhere = Place { text: usize::MAX, sentence: 0 };
    for quantity in named {
        let values = values(quantity);
        terms.extend(values.into_iter().map(|(value, dimension)| Term {
            value,
            dimension,
            place: nowhere,
            on_topic: true,
            named: true,
            is_clock: matches!(quantity.what, What::Time(_)),
        }));
    }
    let mut rest = Vec::new();
    for fact in facts {
        let place = Place { text: fact.text, sentence: fact.sentence };
        let on_topic = fact.shares_words(words);
        for (value, dimension) in values(fact.quantity) {
            let known = terms
                .iter()
                .any(|term| term.named && term.dimension == dimension && same(term.value, value));
            let is_clock = matches!(fact.quantity.what, What::Time(_));
            rest.push(Term { value, dimension, place, on_topic, named: known, is_clock });
        }
    }
    rest.sort_by_key(|term| (!term.named, !term.on_topic));
    terms.extend(rest);
    terms.truncate(MOST);
    terms
}

/// The values of a quantity, in the units of their dimensions.
fn values(quantity: &Quantity) -> Vec<(f64, Option<Dimension>)> {
    match &quantity.what {
        What::Number(number) if number.ordinal || number.indefinite || number.refers => Vec::new(),
        What::Number(number) => {
            let factor = number.unit.map_or(1.0, |unit| unit.factor);
            let dimension = number.unit.map(|unit| unit.dimension);
            let all = number.values.iter().chain(&number.to);
            all.map(|value| (value * factor, dimension)).collect()
        }
        What::Date(ways) => {
            let years = ways.first().and_then(|date| date.year);
            years.map(|year| (f64::from(year), None)).into_iter().collect()
        }
        What::Time(ways) => {
            ways.iter().map(|minutes| (f64::from(*minutes) * 60.0, Some(Dimension::Time))).collect()
        }
        What::Name(_) => Vec::new(),
    }
}

fn is_year(term: &Term) -> bool {
    term.dimension.is_none() && (1000.0..3000.0).contains(&term.value) && term.value.fract() == 0.0
}

impl Target<'_> {
    /// Whether a number in the unit of the claim's dimension is the claimed one, to the claim's number of
    /// digits.
    fn is(&self, value: f64) -> bool {
        let value = value / self.factor;
        let number = self.number;
        let off = self.precision / 2.0 + 1e-9 * value.abs();
        number.values.iter().any(|claimed| {
            let over = value - claimed;
            match number.bound {
                _ if over.abs() <= off => true,
                Bound::About => over.abs() <= ROUGHLY * claimed.abs(),
                Bound::AtLeast | Bound::MoreThan => over >= 0.0 && over <= BEYOND * claimed.abs(),
                Bound::AtMost | Bound::LessThan => over <= 0.0 && -over <= BEYOND * claimed.abs(),
                // A part in words is seldom exact to the digit.
                Bound::Exactly => self.is_spelled_part() && over.abs() <= ROUGHLY * claimed.abs(),
            }
        })
    }

    fn is_spelled_part(&self) -> bool {
        self.number.literal.is_none() && self.number.is_share()
    }

    /// Whether the claim may be the ratio of two numbers: `half`, `15 %`, `five times`, `3.5`.
    fn is_ratio(&self) -> bool {
        matches!(self.dimension, None | Some(Dimension::Share | Dimension::Times))
    }

    fn is_period(&self) -> bool {
        self.number.unit.is_some_and(MeasureUnit::is_period)
    }

    fn is_of_kind(&self, term: &Term) -> bool {
        let bare = self.dimension.is_none() && !self.number.counts_things;
        term.dimension == self.dimension || term.dimension.is_none() || bare
    }

    /// Whether the claim is the rest of a share: if 85 % are English, 15 % are not.
    fn is_part(&self, term: &Term) -> bool {
        let share = term.dimension == Some(Dimension::Share) && term.value < 1.0;
        share && self.dimension == Some(Dimension::Share) && self.is(1.0 - term.value)
    }

    fn is_of(&self, a: &Term, b: &Term) -> bool {
        if a.is_clock || b.is_clock {
            return a.is_clock && b.is_clock && self.is_period() && self.is(a.value - b.value);
        }
        if a.value == 0.0 || b.value == 0.0 {
            return false;
        }
        let one_sentence = a.place == b.place;
        let bare = a.dimension.is_none() || b.dimension.is_none();
        let alike = a.dimension == b.dimension || (bare && one_sentence);
        let ratio = || {
            self.is_ratio()
                && alike
                && (self.is(a.value / b.value) || self.is(a.value / b.value - 1.0) || {
                    self.dimension == Some(Dimension::Share) && self.is(1.0 - a.value / b.value)
                })
        };
        let own = |term: &Term| self.is_of_kind(term);
        let points = self.dimension == Some(Dimension::PercentagePoints)
            && alike
            && (self.is(100.0 * (a.value - b.value).abs()) || self.is((a.value - b.value).abs()));
        let sum = || {
            a.dimension == b.dimension
                && own(a)
                && own(b)
                && (self.is(a.value + b.value) || self.is(a.value - b.value))
        };
        let years = || {
            self.is_period() && is_year(a) && is_year(b) && self.is_years((a.value - b.value).abs())
        };
        let year = || {
            let span = b.dimension == Some(Dimension::Months);
            let years = b.value / 12.0;
            self.dimension.is_none()
                && is_year(a)
                && span
                && (self.is(a.value + years) || self.is(a.value - years))
        };
        // One of the two has to be a plain number, a share, or the rate of the other.
        let factor = |term: &Term| {
            matches!(term.dimension, None | Some(Dimension::Share | Dimension::Times))
        };
        let product = || {
            own(a)
                && factor(b)
                && !same(b.value, 1.0)
                && are_of_one_matter(a, b)
                && (self.is(a.value * b.value)
                    || (b.dimension == Some(Dimension::Share) && {
                        self.is(a.value * (1.0 - b.value)) || self.is(a.value * (1.0 + b.value))
                    }))
        };
        let quotient = || {
            own(a)
                && !same(b.value, 1.0)
                && !is_year(b)
                && are_of_one_matter(a, b)
                && self.is(a.value / b.value)
        };
        let scales = self.dimension != Some(Dimension::Share);
        ratio() || points || sum() || years() || year() || (scales && (product() || quotient()))
    }

    fn is_years(&self, years: f64) -> bool {
        match self.dimension {
            Some(Dimension::Months) => self.is(years * 12.0),
            _ => self.is(years * 12.0 * DAYS_OF_MONTH * DAY),
        }
    }

    /// Whether the claim is the sum of all numbers in one sentence, or in a row of sentences.
    fn is_sum_of_many(&self, terms: &[Term]) -> bool {
        let own = |term: &&Term| !term.is_clock && self.is_of_kind(term);
        let named: Vec<f64> = terms
            .iter()
            .filter(|term| term.place.text == usize::MAX)
            .filter(own)
            .map(|term| term.value)
            .collect();
        let (sum, largest) = (named.iter().sum::<f64>(), named.iter().copied().fold(0.0, f64::max));
        // What the others leave of the largest number.
        if named.len() > 1 && (self.is(sum) || self.is(2.0 * largest - sum)) {
            return true;
        }
        let mut texts: Vec<usize> = terms.iter().map(|term| term.place.text).collect();
        texts.sort_unstable();
        texts.dedup();
        texts.into_iter().any(|text| {
            let mut of_text: Vec<&Term> =
                terms.iter().filter(|term| term.place.text == text).filter(own).collect();
            of_text.sort_by_key(|term| term.place.sentence);
            (0..of_text.len()).any(|from| {
                let mut sum = 0.0;
                of_text[from..].iter().enumerate().any(|(count, term)| {
                    sum += term.value;
                    count >= 2 && self.is(sum)
                })
            })
        })
    }
}
