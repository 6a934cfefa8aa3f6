//! Times and dates at a stated distance from others, and the time between two.

use super::super::dates::Date;
use super::super::facts::Fact;
use super::super::units::Dimension;
use super::super::{What, same};
use super::{DAY, DAYS_OF_MONTH, MOST, Target, Term, go_together};

/// Whether a time of day is a stated time before or after another one.
pub(super) fn is_clock_moved(ways: &[u32], terms: &[Term], announced: bool) -> bool {
    let clocks = terms.iter().filter(|term| term.is_clock);
    let is_span = |term: &&Term| {
        !term.is_clock && term.dimension == Some(Dimension::Time) && term.value < DAY
    };
    let spans = || terms.iter().filter(is_span);
    clocks.into_iter().any(|clock| {
        spans().filter(|span| go_together(clock, span, announced)).any(|span| {
            let is = |time: f64| {
                ways.iter().any(|minutes| {
                    same((time / 60.0).rem_euclid(1_440.0), f64::from(*minutes % 1_440))
                })
            };
            is(clock.value + span.value) || is(clock.value - span.value)
        })
    })
}

/// Whether a date is a stated number of days before or after another one.
pub(super) fn is_date_moved(ways: &[Date], terms: &[Term], facts: &[Fact]) -> bool {
    let spans: Vec<f64> = terms
        .iter()
        .filter(|term| !term.is_clock && term.dimension == Some(Dimension::Time))
        .map(|term| term.value / DAY)
        .collect();
    let stated = facts.iter().filter_map(|fact| match &fact.quantity.what {
        What::Date(ways) => Some(ways),
        _ => None,
    });
    let days = stated.flatten().filter(|date| date.day.is_some());
    days.into_iter().any(|date| {
        let apart = ways.iter().filter(|way| way.day.is_some());
        let mut apart = apart.filter_map(|way| days_between(*way, *date));
        apart.any(|days| days > 0.0 && spans.iter().any(|span| same(*span, days)))
    })
}

impl Target<'_> {
    /// Whether the claim is the time between two dates, with or without the last day.
    pub(super) fn lies_between_dates(&self, facts: &[Fact]) -> bool {
        let dates: Vec<Date> = facts
            .iter()
            .filter_map(|fact| match &fact.quantity.what {
                What::Date(ways) => Some(ways.iter().copied()),
                _ => None,
            })
            .flatten()
            .take(MOST)
            .collect();
        dates.iter().enumerate().any(|(at, a)| {
            dates[at + 1..].iter().filter_map(|b| days_between(*a, *b)).any(|days| {
                match self.dimension {
                    Some(Dimension::Months) => {
                        let months = days / DAYS_OF_MONTH;
                        self.is(months.round()) || self.is(months.floor()) || self.is(months)
                    }
                    _ => self.is(days * DAY) || self.is((days + 1.0) * DAY),
                }
            })
        })
    }
}

/// Days from one date to another; `None` if a year or a month is missing from only one of them.
fn days_between(a: Date, b: Date) -> Option<f64> {
    let days = |date: Date, year: u32| -> Option<f64> {
        let (month, day) = (date.month?, date.day.unwrap_or(1));
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leaps = year / 4 - year / 100 + year / 400;
        let of_year = before.get(month.checked_sub(1)? as usize)?;
        Some(f64::from(year) * 365.0 + f64::from(leaps) + f64::from(of_year + day))
    };
    let (year, other) = (a.year.or(b.year).unwrap_or(2000), b.year.or(a.year).unwrap_or(2000));
    Some((days(a, year)? - days(b, other)?).abs())
}
