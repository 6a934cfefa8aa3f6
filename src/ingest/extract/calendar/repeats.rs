//! Rules of recurrence (RFC 5545, 3.3.10) in words.

use super::time;

const DAYS: [(&str, &str); 7] = [
    ("MO", "Monday"),
    ("TU", "Tuesday"),
    ("WE", "Wednesday"),
    ("TH", "Thursday"),
    ("FR", "Friday"),
    ("SA", "Saturday"),
    ("SU", "Sunday"),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A rule in words: `every 2 weeks on Monday and Friday, until Friday, 2024-12-20`. A rule that simple words
/// cannot express is shown as it was written.
pub(super) fn describe(rule: &str) -> String {
    in_words(rule).unwrap_or_else(|| format!("by the rule {rule}"))
}

#[derive(Default)]
struct Rule<'a> {
    every: &'a str,
    interval: u32,
    days: Vec<&'a str>,
    month_days: Vec<i32>,
    months: Vec<i32>,
    places: Vec<i32>,
    count: Option<u32>,
    until: Option<&'a str>,
}

fn in_words(rule: &str) -> Option<String> {
    let rule = Rule::of(rule)?;
    let unit = match rule.every {
        "YEARLY" => "year",
        "MONTHLY" => "month",
        "WEEKLY" => "week",
        "DAILY" => "day",
        "HOURLY" => "hour",
        "MINUTELY" => "minute",
        "SECONDLY" => "second",
        _ => return None,
    };
    let mut words = match rule.interval {
        0 => return None,
        1 => format!("every {unit}"),
        many => format!("every {many} {unit}s"),
    };
    words += &rule.on_days()?;
    if !rule.months.is_empty() {
        let month = |number: &i32| MONTHS.get(usize::try_from(*number - 1).ok()?).copied();
        words += &format!(" in {}", and(rule.months.iter().map(month))?);
    }
    match rule.count {
        Some(1) => words += ", once",
        Some(count) => words += &format!(", {count} times"),
        None => {}
    }
    if let Some(until) = rule.until {
        words += &format!(", until {}", time::shown(until, None));
    }
    Some(words)
}

impl<'a> Rule<'a> {
    /// `None` if the rule has parts that are not put into words.
    fn of(rule: &'a str) -> Option<Self> {
        let mut read = Self { interval: 1, ..Self::default() };
        for part in rule.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.trim().split_once('=')?;
            let numbers = || value.split(',').map(|number| number.trim().parse::<i32>().ok());
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => read.every = value,
                "INTERVAL" => read.interval = value.parse().ok()?,
                "COUNT" => read.count = Some(value.parse().ok()?),
                "UNTIL" => read.until = Some(value),
                "BYDAY" => read.days = value.split(',').map(str::trim).collect(),
                "BYMONTHDAY" => read.month_days = numbers().collect::<Option<_>>()?,
                "BYMONTH" => read.months = numbers().collect::<Option<_>>()?,
                "BYSETPOS" => read.places = numbers().collect::<Option<_>>()?,
                "WKST" => {}
                _ => return None,
            }
        }
        Some(read)
    }

    fn on_days(&self) -> Option<String> {
        let days: Vec<(Option<i32>, &str)> =
            self.days.iter().map(|day| weekday(day)).collect::<Option<_>>()?;
        let names = || days.iter().map(|(_, name)| Some(*name));
        let is_numbered = days.iter().any(|(number, _)| number.is_some());
        let of = match (self.every, self.months.is_empty()) {
            ("YEARLY", true) => " of the year",
            ("YEARLY" | "MONTHLY", _) => " of the month",
            _ => "",
        };
        let working = ["MO", "TU", "WE", "TH", "FR"];
        let is_working = days.len() == 5 && working.iter().all(|day| self.days.contains(day));
        Some(match (days.as_slice(), self.month_days.as_slice(), self.places.as_slice()) {
            ([], [], []) => String::new(),
            ([], month_days, []) => {
                let day = |day: &i32| match day {
                    1.. => Some(format!("day {day}")),
                    0 => None,
                    _ => Some(format!("the {} day", nth(*day)?)),
                };
                let of = if self.every == "YEARLY" && self.months.is_empty() {
                    " of every month"
                } else {
                    " of the month"
                };
                format!(" on {}{of}", and(month_days.iter().map(day))?)
            }
            (_, [], []) if is_numbered => {
                let day = |(number, name): &(Option<i32>, &str)| match number {
                    Some(number) => Some(format!("the {} {name}", nth(*number)?)),
                    None => Some(format!("each {name}")),
                };
                format!(" on {}{of}", and(days.iter().map(day))?)
            }
            (_, [], []) if is_working => " from Monday to Friday".to_owned(),
            (_, [], []) if of.is_empty() => format!(" on {}", and(names())?),
            (_, [], []) => format!(" on each {}", and(names())?),
            (_, [], places) if !is_numbered => {
                let places = and(places.iter().map(|place| nth(*place)))?;
                match days.as_slice() {
                    _ if is_working => format!(" on the {places} working day{of}"),
                    [(_, name)] => format!(" on the {places} {name}{of}"),
                    _ => format!(" on the {places} of {}{of}", and(names())?),
                }
            }
            // Friday the 13th.
            ([(None, name)], [day], []) if *day > 0 => {
                format!(" on day {day} of the month where that is a {name}")
            }
            _ => return None,
        })
    }
}

/// Parses `-1FR` as -1 and Friday.
fn weekday(day: &str) -> Option<(Option<i32>, &'static str)> {
    let (number, name) = day.split_at_checked(day.len().checked_sub(2)?)?;
    let (_, name) = DAYS.iter().find(|(known, _)| *known == name)?;
    Some((if number.is_empty() { None } else { Some(number.parse().ok()?) }, name))
}

/// An ordinal: `second`, `last`, `second to last`.
fn nth(number: i32) -> Option<String> {
    const FIRST: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    let ordinal = |number: i32| {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(FIRST.get(index).map_or_else(|| format!("{number}th"), |word| (*word).to_owned()))
    };
    match number {
        -1 => Some("last".to_owned()),
        ..0 => Some(format!("{} to last", ordinal(number.checked_neg()?)?)),
        _ => {
            // 21st, 22nd, 23rd: the weeks of a year go up to 53.
            let ending = match (number % 10, number) {
                (1, 20..) => "st",
                (2, 20..) => "nd",
                (3, 20..) => "rd",
                _ => return ordinal(number),
            };
            Some(format!("{number}{ending}"))
        }
    }
}

/// Joins words: `a, b and c`.
fn and<T: Into<String>>(words: impl Iterator<Item = Option<T>>) -> Option<String> {
    let words: Vec<String> = words.map(|word| word.map(Into::into)).collect::<Option<_>>()?;
    let (last, others) = words.split_last()?;
    if others.is_empty() {
        return Some(last.clone());
    }
    Some(format!("{} and {last}", others.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_words() {
        for (rule, expected) in [
            ("FREQ=DAILY", "every day"),
            ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "every day from Monday to Friday"),
            ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU", "every week on Tuesday, 10 times"),
            (
                "FREQ=WEEKLY;INTERVAL=2;UNTIL=20241220T235959Z;BYDAY=MO,WE,FR;",
                "every 2 weeks on Monday, Wednesday and Friday, until Friday, 2024-12-20 23:59 UTC",
            ),
            ("FREQ=MONTHLY;BYDAY=2TU", "every month on the second Tuesday of the month"),
            (
                "FREQ=MONTHLY;BYDAY=-1FR,MO",
                "every month on the last Friday and each Monday of the month",
            ),
            ("FREQ=MONTHLY;BYDAY=MO", "every month on each Monday"),
            ("FREQ=MONTHLY;BYMONTHDAY=1,15", "every month on day 1 and day 15 of the month"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day of the month"),
            (
                "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
                "every month on day 13 of the month where that is a Friday",
            ),
            (
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
                "every month on the last working day of the month",
            ),
            (
                "FREQ=MONTHLY;BYDAY=SU;BYSETPOS=1,3",
                "every month on the first and third Sunday of the month",
            ),
            (
                "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20301231",
                "every year on the last Sunday of the month in March, until Tuesday, 2030-12-31",
            ),
            ("FREQ=YEARLY;BYDAY=20MO", "every year on the 20th Monday of the year"),
            (
                "FREQ=YEARLY;BYDAY=-2MO;COUNT=1",
                "every year on the second to last Monday of the year, once",
            ),
            (
                "FREQ=YEARLY;BYMONTH=6,7;BYMONTHDAY=21",
                "every year on day 21 of the month in June and July",
            ),
            ("FREQ=YEARLY;BYDAY=22MO", "every year on the 22nd Monday of the year"),
        ] {
            assert_eq!(describe(rule), expected, "{rule}");
        }
    }

    #[test]
    fn rules_without_words_are_as_written() {
        for rule in [
            "",
            "FREQ=FORTNIGHTLY",
            "FREQ=YEARLY;BYWEEKNO=20",
            "FREQ=DAILY;BYHOUR=9,10",
            "FREQ=MONTHLY;BYDAY=XX",
            "FREQ=MONTHLY;BYDAY=é",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYMONTH=13",
            "FREQ=MONTHLY;INTERVAL=0",
            "FREQ=MONTHLY;BYSETPOS=1",
            "nonsense",
        ] {
            assert_eq!(describe(rule), format!("by the rule {rule}"), "{rule}");
        }
    }
}
