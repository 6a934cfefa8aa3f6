//! Whether one quantity is the same as another, or follows from it.

use super::bounds::Bound;
use super::units::{Dimension, MeasureUnit};
use super::{Number, Quantity, What, near, overlap, same, same_noun};

/// Seconds of a month, and by what share months differ from one another.
const MONTH: f64 = 30.44 * 86_400.0;
const MONTHS_DIFFER: f64 = 0.03;
/// Minutes of a day.
const DAY: u32 = 1_440;
/// Most things that a heading may announce: `The three rules`.
const MOST_NAMED: f64 = 10.0;
/// Up to this number, texts write whole numbers in words more often than in digits.
const MOST_SPELLED: f64 = 20.0;
/// A number with this many digits or more is not there by chance.
const TELLING_DIGITS: usize = 3;

/// Number of digits without the zeros at the ends: 3 for `0.125` and for `12,500`.
fn digits(value: f64) -> usize {
    let text = format!("{:.6}", value.abs());
    let plain: String = text.chars().filter(char::is_ascii_digit).collect();
    plain.trim_matches('0').len()
}

impl Quantity {
    /// Whether another quantity could take its place.
    pub(super) fn is_of_kind(&self, other: &Self) -> bool {
        match (&self.what, &other.what) {
            (What::Number(a), What::Number(b)) => match (a.unit, b.unit) {
                (Some(a), Some(b)) => a.is_like(b),
                (None, None) => {
                    let same = same_noun(a.counted.as_ref(), b.counted.as_ref());
                    (same || !a.counts_things) && a.ordinal == b.ordinal
                }
                _ => false,
            },
            (What::Time(_), What::Time(_)) => true,
            _ => false,
        }
    }

    /// Whether it says how many things there are.
    pub(super) fn counts(&self) -> bool {
        matches!(&self.what, What::Number(number) if number.counts_things)
    }

    /// Whether it is a range, or an article that may be the number one.
    pub(super) fn is_loose(&self) -> bool {
        matches!(&self.what, What::Number(number) if number.to.is_some() || number.article)
    }

    /// Whether it is a small whole number, which is written in words more often than in digits.
    pub(super) fn is_small(&self) -> bool {
        let small = |value: &f64| value.fract() == 0.0 && (0.0..=MOST_SPELLED).contains(value);
        matches!(&self.what, What::Number(number) if number.values.iter().all(small))
    }

    /// Whether it has so many digits that it is compared with the passages even if they say nothing else of
    /// the same kind.
    pub(super) fn is_telling(&self) -> bool {
        match &self.what {
            What::Number(number) => {
                let long = |value: &f64| digits(*value) >= TELLING_DIGITS || value.abs() >= 100.0;
                number.values.iter().all(long)
            }
            What::Date(_) | What::Name(_) => true,
            What::Time(_) => false,
        }
    }

    /// The two ends of a range, as quantities of their own.
    pub(super) fn ends(&self) -> Vec<Self> {
        let What::Number(number) = &self.what else { return Vec::new() };
        let Some(to) = number.to else { return Vec::new() };
        let from = number.values.first().copied().unwrap_or_default();
        let end = |value: f64| Self {
            what: What::Number(Number { values: vec![value], to: None, ..number.clone() }),
            ..self.clone()
        };
        vec![end(from), end(to)]
    }

    /// Whether a heading with it makes a statement, rather than naming a year, a version or a few rules.
    pub(in super::super) fn measures(&self) -> bool {
        match &self.what {
            What::Number(number) => {
                let many = number.values.iter().any(|value| *value > MOST_NAMED);
                number.unit.is_some() || (number.counts_things && many)
            }
            What::Date(ways) => ways.iter().any(|date| date.day.is_some()),
            What::Time(_) => true,
            What::Name(_) => false,
        }
    }

    /// Whether it is the bare number `things`.
    pub(in super::super) fn is_count(&self, things: usize) -> bool {
        matches!(&self.what, What::Number(number) if number.unit.is_none() && things > 0 && number.values.contains(&(things as f64)))
    }

    pub(super) fn follows_from(&self, fact: &Self) -> bool {
        match (&self.what, &fact.what) {
            (What::Number(claim), What::Number(fact)) => claim.follows_from(fact),
            (What::Date(claim), What::Date(fact)) => {
                claim.iter().any(|claim| fact.iter().any(|fact| claim.follows_from(*fact)))
            }
            (What::Number(claim), What::Date(fact)) => {
                claim.unit.is_none()
                    && fact.iter().any(|date| {
                        [date.year, date.month, date.day]
                            .into_iter()
                            .flatten()
                            .any(|part| claim.values.contains(&f64::from(part)))
                    })
            }
            (What::Time(claim), What::Time(fact)) => {
                claim.iter().any(|a| fact.iter().any(|b| a % DAY == b % DAY))
            }
            (What::Time(ways), What::Number(number)) | (What::Number(number), What::Time(ways)) => {
                ways.iter().any(|minutes| number.is_hours(*minutes))
            }
            (What::Name(claim), What::Name(fact)) => claim == fact,
            (What::Name(name), What::Number(number)) | (What::Number(number), What::Name(name))
                if number.is_quarter(name) =>
            {
                true
            }
            (What::Name(name), What::Number(number)) | (What::Number(number), What::Name(name)) => {
                number.unit.is_none() && number.literal.as_deref() == Some(name)
            }
            _ => false,
        }
    }
}

/// Units in which a number without a unit may be, by what the claim measures.
fn usual_factors(unit: MeasureUnit) -> &'static [f64] {
    match unit.dimension {
        Dimension::Time => &[1e-3, 1.0, 60.0, 3_600.0, 86_400.0],
        Dimension::Bytes => &[1.0, 1e3, 1e6, 1_024.0, 1_048_576.0],
        Dimension::Share => &[1.0, 0.01],
        _ if unit.is_currency() => &[0.01, 1.0, 1e3, 1e6, 1e9],
        _ => &[1.0, 1e3, 1e6],
    }
}

impl Number {
    /// Whether this claimed number is `fact` with its unit left to a heading, a key, or the reader:
    /// `MAX_SIZE = 20000000`, `| recall | 0.988 |`.
    pub(super) fn is_unit_left_out_of(&self, fact: &Quantity) -> bool {
        let What::Number(fact) = &fact.what else { return false };
        // `three times` of `three months' rent`.
        if self.unit.is_some_and(|unit| unit.dimension == Dimension::Times) {
            return overlap(&self.values, &fact.values, 1.0);
        }
        // A month of 30 days.
        if let (Some(unit), Some(other)) = (self.unit, fact.unit)
            && unit.is_period()
            && other.is_period()
            && unit.dimension != other.dimension
        {
            let length = |unit: MeasureUnit| {
                if unit.dimension == Dimension::Months { unit.factor * MONTH } else { unit.factor }
            };
            let times = length(unit) / length(other);
            return self.values.iter().any(|value| {
                fact.values.iter().any(|fact| (value * times - fact).abs() <= MONTHS_DIFFER * fact)
            });
        }
        let rate = |per: MeasureUnit, other: MeasureUnit| {
            per.measured_in(other).is_some_and(|times| same(times, 1.0))
        };
        let other_rate = self.per.zip(fact.per).is_some_and(|(per, other)| !rate(per, other));
        if other_rate || self.is_opposite_limit(fact) {
            return false;
        }
        let none = MeasureUnit { dimension: Dimension::Times, factor: 1.0 };
        let (unit, factors) = match (self.unit, fact.unit) {
            (Some(unit), None) if !fact.counts_things => (unit, usual_factors(unit)),
            // `$ 4,737`, in millions.
            (Some(unit), Some(other)) if unit.is_currency() && unit == other => {
                let in_thousands = self.literal.is_none() && fact.literal.is_some();
                (unit, if in_thousands { usual_factors(unit) } else { &[1.0][..] })
            }
            (None, _) if !self.counts_things || fact.unit.is_none() => {
                (none, &[1.0, 1e3, 1e6, 1e9][..])
            }
            _ => return false,
        };
        if fact.ordinal != self.ordinal {
            return false;
        }
        let own = [unit.factor];
        fact.values.iter().chain(&fact.to).any(|fact| {
            factors.iter().chain(&own).any(|factor| {
                self.rounds(fact * factor / unit.factor)
                    || (self.unit.is_none() && self.rounds(fact / factor))
            })
        })
    }

    /// Whether it is the same number of the same thing with another limit, sign or spelling, or of another
    /// unit of the same kind: a right claim does not say `$5` for `5 €`.
    pub(super) fn disagrees_only_in_kind(&self, fact: &Quantity) -> bool {
        let What::Number(fact) = &fact.what else { return false };
        let opposite: Vec<f64> = self.values.iter().map(|value| -value).collect();
        let is_same = |factor: f64| {
            overlap(&self.values, &fact.values, factor)
                || overlap(&opposite, &fact.values, factor)
                || fact.to.is_some_and(|to| overlap(&self.values, &[to], factor))
        };
        match (self.unit, fact.unit) {
            (None, None) => {
                let same = same_noun(self.counted.as_ref(), fact.counted.as_ref());
                (same || !self.is_spelled_like(fact) || self.is_opposite_limit(fact))
                    && self.ordinal == fact.ordinal
                    && is_same(1.0)
            }
            (Some(unit), Some(other)) => {
                let alike = unit.is_like(other);
                self.in_units_of(fact).is_some_and(is_same)
                    || (alike && unit != other && !self.article && is_same(1.0))
            }
            _ => false,
        }
    }

    pub(super) fn follows_from(&self, fact: &Self) -> bool {
        if self.is_rank_within(fact) {
            return true;
        }
        if self.is_same_temperature(fact) {
            return true;
        }
        let Some(factor) = self.in_units_of(fact) else { return false };
        if self.ordinal != fact.ordinal && !self.may_be_rank(fact) {
            return false;
        }
        match (self.to, fact.to) {
            (Some(to), Some(end)) => {
                overlap(&self.values, &fact.values, factor) && same(to * factor, end)
            }
            (None, Some(end)) => match self.bound {
                Bound::AtLeast => overlap(&self.values, &fact.values, factor),
                Bound::LessThan => overlap(&self.values, &fact.values, factor),
                Bound::MoreThan => self.values.iter().any(|value| same(value * factor, end)),
                Bound::AtMost => self.values.iter().any(|value| same(value * factor, end)),
                _ => {
                    fact.passed
                        && (self.values.iter().any(|value| same(value * factor, end))
                            || overlap(&self.values, &fact.values, factor))
                }
            },
            (Some(_), None) => false,
            (None, None) => {
                let denied = self.denied || fact.denied;
                self.is_value_of(fact, factor)
                    && (fact.bound.bears_out(self.bound, denied)
                        || (fact.has_complement && self.bound == Bound::MoreThan))
                    && self.is_spelled_like(fact)
            }
        }
    }

    /// Whether one is a lower limit and the other an upper limit.
    fn is_opposite_limit(&self, fact: &Self) -> bool {
        !fact.bound.bears_out(self.bound, self.denied || fact.denied)
    }

    /// Whether the values are equal, or opposite in sign where words give the direction.
    fn is_value_of(&self, fact: &Self, factor: f64) -> bool {
        let opposite = |value: &f64| {
            fact.values.iter().any(|fact| *value != 0.0 && same(-value * factor, *fact))
        };
        let negative = |values: &[f64]| values.iter().any(|value| *value < 0.0);
        // `+3 %` is not what fell by 3 %.
        if self.signed && !negative(&self.values) && fact.falls && !fact.signed {
            return false;
        }
        if (self.is_rough() || (self.bound == Bound::Exactly && fact.literal.is_some()))
            && fact.values.iter().any(|value| self.rounds(value / factor))
        {
            return true;
        }
        if self.is_rough()
            && self
                .values
                .iter()
                .any(|value| fact.values.iter().any(|fact| near(value * factor, *fact)))
        {
            return true;
        }
        // A change by a percentage has its direction in a word.
        let changes = fact.is_share() && !self.signed;
        let by_words = (negative(&fact.values) && changes)
            || (negative(&self.values) && fact.falls)
            || (negative(&fact.values) && self.falls);
        overlap(&self.values, &fact.values, factor) || by_words && self.values.iter().any(opposite)
    }

    /// Whether it is a round number for another: `about 30`, `a third`.
    fn is_rough(&self) -> bool {
        self.bound == Bound::About
            || (self.literal.is_none()
                && self.unit == Some(MeasureUnit { dimension: Dimension::Share, factor: 1.0 }))
    }

    /// The factor from this number's unit to the fact's; `None` if they count different things.
    fn in_units_of(&self, fact: &Self) -> Option<f64> {
        let per = match (self.per, fact.per) {
            (Some(claim), Some(fact)) => 1.0 / claim.measured_in(fact)?,
            _ => 1.0,
        };
        match (self.unit, fact.unit) {
            (Some(claim), Some(fact)) => Some(claim.measured_in(fact)? * per),
            // How often something happens may be said without a unit.
            (Some(claim), None) if claim.dimension == Dimension::Times => Some(per),
            (Some(claim), None) => {
                let named = fact.named.iter().find_map(|unit| claim.measured_in(*unit));
                named.map(|factor| factor * per)
            }
            // A number that counts something other than the fact's unit is a different number.
            (None, Some(unit)) => {
                (!self.counts_things || unit.dimension == Dimension::Times).then_some(per)
            }
            (None, None) => Some(per),
        }
    }

    /// Whether it is a rank among as many things as the fact counts: the second of two stages.
    fn is_rank_within(&self, fact: &Self) -> bool {
        let most = fact.values.iter().copied().fold(0.0, f64::max);
        self.ordinal
            && !fact.ordinal
            && same_noun(self.counted.as_ref(), fact.counted.as_ref())
            && self.values.iter().all(|value| *value <= most)
    }

    /// Whether one may be the rank of the other: `step 3`, `the third step`; not `three days`, `the third day`.
    fn may_be_rank(&self, fact: &Self) -> bool {
        let cardinal = if self.ordinal { fact } else { self };
        cardinal.unit.is_none() && (cardinal.label.is_some() || cardinal.counted.is_none())
    }

    /// Whether it is spelled the same: a part of a name, `Python 3.10`, is compared by its spelling.
    fn is_spelled_like(&self, fact: &Self) -> bool {
        match (&self.literal, &fact.literal) {
            (Some(claim), Some(fact_literal)) if self.unit.is_none() && fact.unit.is_none() => {
                let parted = claim.contains('.') && fact_literal.contains('.');
                let labelled =
                    self.label.is_some() && self.label == fact.label && self.counted.is_none();
                !(parted && labelled) || claim == fact_literal
            }
            _ => true,
        }
    }

    fn is_hours(&self, minutes: u32) -> bool {
        let spelled = self.literal.as_deref().and_then(|literal| literal.split_once('.'));
        if let Some((hour, minute)) =
            spelled.filter(|(_, minute)| minute.len() == 2 && self.unit.is_none())
        {
            let parsed = hour.parse::<u32>().ok().zip(minute.parse::<u32>().ok());
            return parsed.is_some_and(|(hour, minute)| hour * 60 + minute == minutes);
        }
        // `10 to 18`, in hours.
        let bare = self.unit.is_none() && !self.ordinal;
        let is_hour = |hour: u32| self.values.iter().any(|value| same(*value, f64::from(hour)));
        if bare
            && minutes.is_multiple_of(60)
            && (is_hour(minutes / 60) || is_hour(minutes / 60 % 12))
        {
            return true;
        }
        let hours = self.unit.is_some_and(|unit| {
            unit == MeasureUnit { dimension: Dimension::Time, factor: 3_600.0 }
        });
        hours && self.values.iter().any(|value| same(value * 60.0, f64::from(minutes)))
    }

    pub(super) fn is_share(&self) -> bool {
        self.unit.is_some_and(|unit| unit.dimension == Dimension::Share && same(unit.factor, 1.0))
    }

    /// Whether it is the quarter with this name: `Q3` is the third quarter.
    fn is_quarter(&self, name: &str) -> bool {
        let quarter =
            self.counted.as_deref().is_some_and(|noun| {
                ["quarter", "quartal", "trimestre", "kwartaal"].contains(&noun)
            }) || self.unit == Some(MeasureUnit { dimension: Dimension::Months, factor: 3.0 });
        let number = name.strip_prefix('q').and_then(|number| number.parse::<f64>().ok());
        quarter && self.ordinal && number.is_some_and(|number| self.values.contains(&number))
    }

    pub(super) fn bears_out_values(&self, values: &[f64]) -> bool {
        overlap(values, &self.values, 1.0) || self.to.is_some_and(|to| overlap(values, &[to], 1.0))
    }
}
