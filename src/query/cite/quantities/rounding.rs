//! The precision of a number by its digits, and temperatures in another scale.

use super::bounds::Bound;
use super::units::MeasureUnit;
use super::{Number, ROUGHLY};

impl Number {
    /// Whether `value`, rounded to the digits of this number, is this number: 580 for 580.04, `over 7,300`
    /// for 7346.
    pub(super) fn rounds(&self, value: f64) -> bool {
        let last = self.precision();
        self.values.iter().any(|claimed| {
            let over = value - claimed;
            match self.bound {
                _ if over.abs() <= last / 2.0 + 1e-9 * value.abs() => true,
                Bound::AtLeast | Bound::MoreThan => over >= 0.0 && over < self.reach_of_limit(),
                Bound::AtMost | Bound::LessThan => over <= 0.0 && -over < self.reach_of_limit(),
                Bound::About => over.abs() <= ROUGHLY * claimed.abs(),
                Bound::Exactly => false,
            }
        })
    }

    /// The value of one step of the last digit: 0.01 for `2.75`, 1000 for `223,000`, 1 for `50`.
    pub(super) fn precision(&self) -> f64 {
        let value = self.values.first().copied().unwrap_or_default().abs();
        if self.literal.is_none() && value < 1_000.0 {
            return 0.0;
        }
        match self.digits_after_point() {
            0 if value < 10.0 => 0.0,
            0 if value < 1_000.0 => 1.0,
            0 => self.precision_of_round().min(0.01 * value),
            digits => 10f64.powi(-digits),
        }
    }

    /// The same if zeros at the end may replace any digits: 100 for `over 7,300`.
    fn precision_of_round(&self) -> f64 {
        let value = self.values.first().copied().unwrap_or_default().abs();
        match self.digits_after_point() {
            0 => {
                let text = format!("{value:.0}");
                let zeros = text.len() - text.trim_end_matches('0').len();
                10f64.powi(i32::try_from(zeros).unwrap_or_default())
            }
            digits => 10f64.powi(-digits),
        }
    }

    /// By how much a value may exceed the number in `over 7,300`.
    fn reach_of_limit(&self) -> f64 {
        let value = self.values.first().copied().unwrap_or_default().abs();
        self.precision_of_round().min(0.25 * value)
    }

    fn digits_after_point(&self) -> i32 {
        let value = self.values.first().copied().unwrap_or_default();
        let text = format!("{value}");
        let of_value = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        // `5.0` says more than `5`.
        let of_literal = self.literal.as_ref().filter(|_| value < 1_000.0).map_or(0, |literal| {
            literal.rsplit_once(['.', ',']).map_or(0, |(_, fraction)| fraction.len())
        });
        i32::try_from(of_value.max(of_literal)).unwrap_or_default()
    }

    /// Whether two temperatures are equal: 77 °F and 25 °C.
    pub(super) fn is_same_temperature(&self, fact: &Self) -> bool {
        let (Some(unit), Some(other)) = (self.unit, fact.unit) else { return false };
        let celsius = |number: &Self, unit: MeasureUnit| {
            number.values.iter().find_map(|value| unit.in_celsius(*value))
        };
        let (Some(own), Some(theirs)) = (celsius(self, unit), celsius(fact, other)) else {
            return false;
        };
        unit.dimension != other.dimension
            && (own - theirs).abs() <= 0.6
            && fact.bound.bears_out(self.bound, self.denied || fact.denied)
    }
}
