//! What numbers measure: units, currencies, shares.

mod names;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::super::language::TextLanguage;
use super::super::lexicon::Lexicon;
use names::{MULTIPLIERS, NAMES, PHRASES, RESTRICTED, SIGNS, UnitRow};

/// What is measured; quantities of different dimensions never agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dimension {
    /// In seconds. Months and years have no length in them.
    Time,
    /// In months.
    Months,
    /// In metres.
    Length,
    /// In square metres.
    Area,
    /// In litres.
    Volume,
    /// In grams.
    Mass,
    /// In bytes.
    Bytes,
    Bits,
    /// A part of one: percent, fractions.
    Share,
    PercentagePoints,
    Celsius,
    Fahrenheit,
    Kelvin,
    Hertz,
    Watts,
    WattHours,
    Joules,
    Volts,
    Amperes,
    Pixels,
    Bars,
    Degrees,
    Decibels,
    /// In metres a second.
    Speed,
    Euros,
    Dollars,
    Pounds,
    Yen,
    Francs,
    Rupees,
    Yuan,
    Times,
}

/// A unit: what it measures, and its factor to the basic unit of that dimension.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct MeasureUnit {
    pub(super) dimension: Dimension,
    pub(super) factor: f64,
}

type Names = HashMap<&'static str, MeasureUnit>;

fn table(rows: &'static [UnitRow]) -> Names {
    let entries = rows.iter().flat_map(|(dimension, factor, names)| {
        let unit = MeasureUnit { dimension: *dimension, factor: *factor };
        names.split_whitespace().map(move |name| (name, unit))
    });
    entries.collect()
}

static NAMED: LazyLock<Names> = LazyLock::new(|| table(NAMES));
static SIGNED: LazyLock<Names> = LazyLock::new(|| table(SIGNS));

/// The unit with this name in lower case.
pub(super) fn named(lower: &str, language: TextLanguage) -> Option<MeasureUnit> {
    let unit = NAMED.get(lower)?;
    let elsewhere = RESTRICTED
        .iter()
        .any(|(codes, names)| names.split(' ').any(|name| name == lower) && !language.is_in(codes));
    (!elsewhere).then_some(*unit)
}

/// The unit with this sign, right after a number; case matters.
pub(super) fn signed(text: &str) -> Option<MeasureUnit> {
    SIGNED.get(text).copied()
}

/// The unit at the beginning of a run of unspaced letters, longest first: `日間保存`.
pub(super) fn leading(run: &str) -> Option<MeasureUnit> {
    let ends: Vec<usize> = run.char_indices().map(|(at, c)| at + c.len_utf8()).take(5).collect();
    ends.into_iter().rev().find_map(|end| NAMED.get(&run[..end]).copied())
}

/// The unit of several words at the beginning of these, and how many words it takes.
pub(super) fn phrase<'a>(
    words: impl Iterator<Item = &'a str> + Clone,
) -> Option<(MeasureUnit, usize)> {
    let of = |(dimension, factor, phrase): &(Dimension, f64, &'static str)| {
        let length = phrase.split(' ').count();
        let same = words.clone().take(length).eq(phrase.split(' '));
        same.then_some((MeasureUnit { dimension: *dimension, factor: *factor }, length))
    };
    let first = words.clone().next()?;
    if !FIRST_WORDS.contains(first) {
        return None;
    }
    PHRASES.iter().filter_map(of).max_by_key(|(_, length)| *length)
}

/// First words of the units of several words.
static FIRST_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    PHRASES.iter().filter_map(|(_, _, phrase)| phrase.split(' ').next()).collect()
});

/// The languages in which a word is a multiplier, and its factor.
static MULTIPLYING: LazyLock<Lexicon<(u8, f64)>> = LazyLock::new(|| {
    Lexicon::new(MULTIPLIERS.iter().flat_map(|(codes, factor, names)| {
        let set = TextLanguage::set(codes);
        names.split_whitespace().map(move |name| (name, (set, *factor)))
    }))
});

/// The factor by which a word multiplies the number before it.
pub(super) fn multiplier(lower: &str, language: TextLanguage) -> Option<f64> {
    let mut known = MULTIPLYING.of(lower).filter(|(set, _)| language.is_in_set(*set));
    known.next().map(|(_, factor)| *factor)
}

impl MeasureUnit {
    /// Factor from this unit to `other`; `None` if they measure different things.
    pub(super) fn measured_in(self, other: Self) -> Option<f64> {
        let degrees = |unit: Self| {
            matches!(
                unit.dimension,
                Dimension::Degrees | Dimension::Celsius | Dimension::Fahrenheit
            )
        };
        // `8 degrees` does not name the scale.
        let scale = self.dimension == Dimension::Degrees || other.dimension == Dimension::Degrees;
        let same = self.dimension == other.dimension || (scale && degrees(self) && degrees(other));
        same.then_some(self.factor / other.factor)
    }

    pub(super) fn is_currency(self) -> bool {
        matches!(
            self.dimension,
            Dimension::Euros
                | Dimension::Dollars
                | Dimension::Pounds
                | Dimension::Yen
                | Dimension::Francs
                | Dimension::Rupees
                | Dimension::Yuan
        )
    }

    /// Whether numbers of the two units may be mistaken for one another.
    pub(super) fn is_like(self, other: Self) -> bool {
        let share =
            |unit: Self| matches!(unit.dimension, Dimension::Share | Dimension::PercentagePoints);
        self.dimension == other.dimension
            || (self.is_currency() && other.is_currency())
            || (share(self) && share(other))
            || (self.is_period() && other.is_period())
            || (self.is_temperature() && other.is_temperature())
    }

    pub(super) fn is_temperature(self) -> bool {
        matches!(self.dimension, Dimension::Celsius | Dimension::Fahrenheit | Dimension::Kelvin)
    }

    /// The temperature in degrees Celsius; `None` for other units.
    pub(super) fn in_celsius(self, value: f64) -> Option<f64> {
        match self.dimension {
            Dimension::Celsius => Some(value),
            Dimension::Fahrenheit => Some((value - 32.0) / 1.8),
            Dimension::Kelvin => Some(value - 273.15),
            _ => None,
        }
    }

    pub(super) fn is_period(self) -> bool {
        matches!(self.dimension, Dimension::Time | Dimension::Months)
    }
}
