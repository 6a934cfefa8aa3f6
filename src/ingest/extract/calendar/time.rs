//! Days, times and durations.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use super::Property;

/// When something begins or ends.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Moment {
    Day(NaiveDate),
    /// With its zone: empty for floating local time, else `UTC` or the name that the calendar uses.
    Time(NaiveDateTime, String),
}

/// From when to when, in its zone: `Friday, 2024-03-01 10:05 to 11:35 Europe/Berlin`.
pub(super) fn span(
    start: Option<&Property>,
    end: Option<&Property>,
    lasts: Option<&Property>,
) -> String {
    let lasts = lasts.map(|property| property.value.as_str());
    let first = start.and_then(|property| moment(&property.value, property.parameter("TZID")));
    let last = end.and_then(|property| moment(&property.value, property.parameter("TZID")));
    match (first, last) {
        (Some(Moment::Day(first)), last @ (None | Some(Moment::Day(_))))
            if last.is_some() || end.is_none() =>
        {
            let behind = match last {
                Some(Moment::Day(behind)) => Some(behind),
                _ => lasts.and_then(duration).and_then(|it| first.checked_add_signed(it)),
            };
            // The end is the day after the last.
            let last = behind.and_then(|behind| behind.checked_sub_days(Days::new(1)));
            match last.filter(|last| *last > first) {
                Some(last) => format!("{} to {} (whole days)", day(first), day(last)),
                None => format!("{} (all day)", day(first)),
            }
        }
        (Some(Moment::Time(from, zone)), Some(Moment::Time(to, other)))
            if zone == other && from.date() == to.date() =>
        {
            within_a_day(from, Some(to), &zone)
        }
        (Some(Moment::Time(from, zone)), None) if end.is_none() => {
            let to = lasts.and_then(duration).and_then(|it| from.checked_add_signed(it));
            // Clocks change at night: in a zone, the end is certain only for events that start after that.
            let sure = zone.is_empty() || zone == "UTC" || from.hour() >= 4;
            let to = to.filter(|to| sure && to.date() == from.date());
            let lasts = lasts.map(|lasts| format!(", for {}", in_words(lasts)));
            within_a_day(from, to, &zone) + &lasts.unwrap_or_default()
        }
        _ => {
            let both = [start, end].into_iter().flatten().map(one);
            both.collect::<Vec<_>>().join(" to ")
        }
    }
}

fn within_a_day(from: NaiveDateTime, to: Option<NaiveDateTime>, zone: &str) -> String {
    let until = to.filter(|to| *to > from).map(|to| format!(" to {}", to.format("%H:%M")));
    let zone = if zone.is_empty() { String::new() } else { format!(" {zone}") };
    let from = format!("{} {}", day(from.date()), from.format("%H:%M"));
    format!("{from}{}{zone}", until.unwrap_or_default())
}

/// All times of a property, which may have several.
pub(super) fn list(property: &Property) -> String {
    let times = property.value.split(',').map(|value| {
        // A period is shown by its start.
        let value = value.split('/').next().unwrap_or(value);
        shown(value, property.parameter("TZID"))
    });
    times.collect::<Vec<_>>().join(", ")
}

fn one(property: &Property) -> String {
    shown(&property.value, property.parameter("TZID"))
}

/// The time, or the text as it was written if it is not one.
pub(super) fn shown(value: &str, zone: Option<&str>) -> String {
    match moment(value, zone) {
        Some(Moment::Day(date)) => day(date),
        Some(Moment::Time(at, zone)) => within_a_day(at, None, &zone),
        None => value.to_owned(),
    }
}

fn day(date: NaiveDate) -> String {
    date.format("%A, %Y-%m-%d").to_string()
}

/// Parses `20240301` and `20240301T100500Z`; seconds may be missing.
fn moment(value: &str, zone: Option<&str>) -> Option<Moment> {
    let (date, time) = value.trim().split_once(['T', 't']).unwrap_or((value.trim(), ""));
    let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    let digits = time.trim_end_matches(['Z', 'z']);
    if digits.is_empty() {
        return Some(Moment::Day(date));
    }
    let part = |at: usize| digits.get(at..at + 2)?.parse::<u32>().ok();
    // A leap second is counted as the second before.
    let second = part(4).unwrap_or(0).min(59);
    let at = date.and_hms_opt(part(0)?, part(2)?, second)?;
    let zone = match zone {
        _ if digits.len() < time.len() => "UTC",
        Some(zone) => named(zone),
        None => "",
    };
    Some(Moment::Time(at, zone.to_owned()))
}

/// The name of a zone without the prefix of some programs: `/example.org/1.0/Europe/Berlin`.
fn named(zone: &str) -> &str {
    let slashes: Vec<usize> = zone.match_indices('/').map(|(at, _)| at).collect();
    match slashes.as_slice() {
        [0, .., before, _] => &zone[before + 1..],
        _ => zone,
    }
}

/// The numbers and units of `P1W2DT3H4M5S`.
fn parts(duration: &str) -> Option<(bool, Vec<(i64, char)>)> {
    let (negative, rest) = match duration.as_bytes().first()? {
        b'-' => (true, &duration[1..]),
        b'+' => (false, &duration[1..]),
        _ => (false, duration),
    };
    let mut rest = rest.strip_prefix('P')?;
    let (mut parts, mut in_time) = (Vec::new(), false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (rest, in_time) = (after, true);
            continue;
        }
        let at = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit = rest[at..].chars().next().filter(|unit| match unit {
            'W' | 'D' => !in_time,
            'H' | 'M' | 'S' => in_time,
            _ => false,
        })?;
        parts.push((rest[..at].parse().ok().filter(|number| *number < 1_000_000)?, unit));
        rest = &rest[at + 1..];
    }
    (!parts.is_empty()).then_some((negative, parts))
}

fn duration(value: &str) -> Option<TimeDelta> {
    let (negative, parts) = parts(value)?;
    let seconds = parts.iter().map(|(number, unit)| match unit {
        'W' => number * 604_800,
        'D' => number * 86_400,
        'H' => number * 3_600,
        'M' => number * 60,
        _ => *number,
    });
    TimeDelta::try_seconds(seconds.sum()).filter(|_| !negative)
}

/// A duration as `1 hour 30 minutes`, or as it was written if it cannot be parsed.
fn in_words(value: &str) -> String {
    let Some((false, parts)) = parts(value) else { return value.to_owned() };
    let words = parts.iter().filter(|(number, _)| *number > 0).map(|(number, unit)| {
        let unit = match unit {
            'W' => "week",
            'D' => "day",
            'H' => "hour",
            'M' => "minute",
            _ => "second",
        };
        format!("{number} {unit}{}", if *number == 1 { "" } else { "s" })
    });
    let words = words.collect::<Vec<_>>().join(" ");
    if words.is_empty() { "no time".to_owned() } else { words }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::ingest::extract::content_line::properties;

    fn when(lines: &str) -> String {
        let found = properties(lines.as_bytes());
        let of = |name: &str| found.iter().find(|property| property.name == name);
        span(of("DTSTART"), of("DTEND"), of("DURATION"))
    }

    #[test]
    fn times_have_their_zone() {
        for (lines, expected) in [
            (
                "DTSTART;TZID=Europe/Berlin:20240301T100500\nDTEND;TZID=Europe/Berlin:20240301T113500",
                "Friday, 2024-03-01 10:05 to 11:35 Europe/Berlin",
            ),
            ("DTSTART:20240301T100500Z", "Friday, 2024-03-01 10:05 UTC"),
            ("DTSTART:20240301T1005", "Friday, 2024-03-01 10:05"),
            (
                "DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20240301T230000\nDTEND;TZID=Asia/Tokyo:20240302T090000",
                "Friday, 2024-03-01 23:00 Europe/Berlin to Saturday, 2024-03-02 09:00 Asia/Tokyo",
            ),
            (
                "DTSTART;TZID=\"W. Europe Standard Time\":20240301T100000\nDTEND:20240302",
                "Friday, 2024-03-01 10:00 W. Europe Standard Time to Saturday, 2024-03-02",
            ),
            ("DTSTART;TZID=\"a:b\":20240301T100500Z", "Friday, 2024-03-01 10:05 UTC"),
            ("DTSTART:20240230T100500Z\nDTEND:soon", "20240230T100500Z to soon"),
            ("DTSTART:20240301T100000\nDTEND:2024é301", "Friday, 2024-03-01 10:00 to 2024é301"),
        ] {
            assert_eq!(when(lines), expected, "{lines}");
        }
    }

    #[test]
    fn days_end_before_the_next() {
        let of = |lines: &str| when(&format!("DTSTART;VALUE=DATE:20240301\n{lines}"));
        assert_eq!(of(""), "Friday, 2024-03-01 (all day)");
        assert_eq!(of("DTEND;VALUE=DATE:20240302"), "Friday, 2024-03-01 (all day)");
        assert_eq!(of("DTEND:20240301"), "Friday, 2024-03-01 (all day)");
        let three = "Friday, 2024-03-01 to Sunday, 2024-03-03 (whole days)";
        assert_eq!(of("DTEND;VALUE=DATE:20240304"), three);
        assert_eq!(of("DURATION:P3D"), three);
    }

    #[test]
    fn what_lasts_ends() {
        let of = |lines: &str| when(&format!("DTSTART;TZID=Europe/Berlin:20240301T{lines}"));
        let told = "Friday, 2024-03-01 10:05 to 11:35 Europe/Berlin, for 1 hour 30 minutes";
        assert_eq!(of("100500\nDURATION:PT1H30M"), told);
        // Clocks may change during the night.
        let night = "Friday, 2024-03-01 01:00 Europe/Berlin, for 4 hours";
        assert_eq!(of("010000\nDURATION:PT4H"), night);
        let weeks = "Friday, 2024-03-01 10:00 Europe/Berlin, for 2 weeks 1 day";
        assert_eq!(of("100000\nDURATION:P2W1DT0H"), weeks);
        for odd in ["P", "PT", "1H", "P1H", "PT1D", "PT99999999999999999999S", "-PT1H"] {
            let told = format!("Friday, 2024-03-01 10:00 Europe/Berlin, for {odd}");
            assert_eq!(of(&format!("100000\nDURATION:{odd}")), told);
        }
        assert_eq!(when("DURATION:PT1H"), "");
    }
}
