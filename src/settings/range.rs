//! Ranges of numbers. A range is part of the row of a setting, and named in the error for a value
//! outside of it.
//!
//! The limits are far from what anyone needs, but near enough that nothing overflows, waits for ever or
//! reserves memory that is never used.

use std::time::Duration;

use super::parse;

/// From one value to another, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    unit: Unit,
    from: u64,
    to: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Whole,
    /// A number that may have a fraction.
    Number,
    /// A number of either sign, up to `to`.
    Signed,
    Share,
    Milliseconds,
    Bytes,
}

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const YEAR: u64 = 365 * 24 * HOUR;

impl Range {
    /// Time for one request, answer or page: a day is more than any of them takes.
    pub const PATIENCE: Self = Self::time(1, 24 * HOUR);
    /// The same, or no time.
    pub const WAIT: Self = Self::time(0, 24 * HOUR);
    /// Time for a run, which may take weeks.
    pub const RUN: Self = Self::time(1, 1_000 * HOUR);
    /// Age of a document.
    pub const AGE: Self = Self::time(1, 100 * YEAR);
    pub const SHARE: Self = Self { unit: Unit::Share, from: 0, to: 1 };
    /// Money, in any currency.
    pub const AMOUNT: Self = Self::number(0, 1_000_000_000_000);
    /// Tokens that a model is sent or generates: ten times what the largest models take.
    pub const TOKENS: Self = Self::whole(1, 10_000_000);
    /// Requests at the same time.
    pub const AT_ONCE: Self = Self::whole(1, 1_000);

    pub const fn whole(from: u64, to: u64) -> Self {
        Self { unit: Unit::Whole, from, to }
    }

    pub const fn number(from: u64, to: u64) -> Self {
        Self { unit: Unit::Number, from, to }
    }

    /// `-size` to `size`.
    pub const fn signed(size: u64) -> Self {
        Self { unit: Unit::Signed, from: 0, to: size }
    }

    /// A range of times, in milliseconds.
    const fn time(from: u64, to: u64) -> Self {
        Self { unit: Unit::Milliseconds, from, to }
    }

    pub const fn bytes(from: u64, to: u64) -> Self {
        Self { unit: Unit::Bytes, from, to }
    }

    /// `1 to 10000`, `1ms to 24h`.
    pub fn words(self) -> String {
        let Self { unit, from, to } = self;
        match unit {
            Unit::Whole | Unit::Number | Unit::Share => format!("{from} to {to}"),
            Unit::Signed => format!("-{to} to {to}"),
            Unit::Milliseconds => format!("{} to {}", time(from), time(to)),
            Unit::Bytes => format!("{} to {}", size(from), size(to)),
        }
    }

    /// Parses a text. The error completes the sentence "`TEXT` ...".
    pub fn read_whole<T: TryFrom<u64>>(self, text: &str) -> Result<T, String> {
        let number = text.parse().ok().filter(|number| self.holds(*number as f64));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| self.refusal())
    }

    pub(super) fn read_number(self, text: &str) -> Result<f64, String> {
        let number = match (self.unit, text.strip_suffix('%')) {
            (Unit::Share, Some(percent)) => percent.trim_end().parse().map(|n: f64| n / 100.0),
            _ => text.parse(),
        };
        number.ok().filter(|number| self.holds(*number)).ok_or_else(|| self.refusal())
    }

    pub(super) fn read_time(self, text: &str) -> Result<Duration, String> {
        let time = parse::time(text).filter(|time| self.holds(time.as_secs_f64() * SECOND as f64));
        time.ok_or_else(|| self.refusal())
    }

    pub(super) fn read_bytes(self, text: &str) -> Result<u64, String> {
        let is_a_size = |bytes: &f64| self.holds(*bytes) && (*bytes == 0.0 || *bytes >= 1.0);
        let bytes = parse::size(text).filter(is_a_size);
        bytes.map(|bytes| bytes as u64).ok_or_else(|| self.refusal())
    }

    /// Whether the range has this value. NaN is in no range.
    fn holds(self, value: f64) -> bool {
        let (from, to) = (self.from as f64, self.to as f64);
        if self.unit == Unit::Signed {
            (-to..=to).contains(&value)
        } else {
            (from..=to).contains(&value)
        }
    }

    fn refusal(self) -> String {
        let (what, such) = match self.unit {
            Unit::Whole => ("whole number", ""),
            Unit::Number | Unit::Signed => ("number", ""),
            Unit::Share => ("share", ", such as 50% or 0.5"),
            Unit::Milliseconds if self.to >= YEAR => ("time", ", such as 12h, 90d, 6w or 1y"),
            Unit::Milliseconds => ("time", ", such as 500ms, 30s, 2m or 1h"),
            Unit::Bytes => ("size", ", such as 500kB, 64MB or 1GB"),
        };
        format!("is not a {what} from {}{such}", self.words())
    }
}

fn time(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0".to_owned(),
        years if years.is_multiple_of(YEAR) => format!("{}y", years / YEAR),
        hours if hours.is_multiple_of(HOUR) => format!("{}h", hours / HOUR),
        seconds if seconds.is_multiple_of(SECOND) => format!("{}s", seconds / SECOND),
        milliseconds => format!("{milliseconds}ms"),
    }
}

fn size(bytes: u64) -> String {
    let units = [(30, "GB"), (20, "MB"), (10, "kB")];
    let fits = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    fits.map_or_else(|| format!("{bytes} B"), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::{KEYS, Layers, SettingKey, Settings, SettingsError, layers, resolve};
    use super::*;

    /// Settings with a typed value, and the other settings that it needs.
    fn typed(key: &SettingKey, value: &str) -> Result<Settings, SettingsError> {
        let mut flags = vec![(key.name, value.to_owned())];
        if key.name == "chunk.overlap" {
            flags.push(("chunk.tokens", "100000".to_owned()));
        }
        if key.name.contains(".price_") {
            let [sent, generated] = match key.name.split_once('.') {
                Some(("ocr", _)) => ["ocr.price_in", "ocr.price_out"],
                Some(("verify", _)) => ["verify.price_in", "verify.price_out"],
                _ => ["chat.price_in", "chat.price_out"],
            };
            let others = [sent, generated].into_iter().filter(|name| *name != key.name);
            flags.extend(others.map(|name| (name, "1".to_owned())));
        }
        if key.name == "chunk.tokens" {
            flags.push(("chunk.overlap", "0".to_owned()));
        }
        resolve(&Layers(vec![layers::flags(flags)]), true)
    }

    /// A value as it is written in a setting.
    fn written(range: Range, value: u64) -> String {
        match range.unit {
            Unit::Milliseconds => format!("{value}ms"),
            _ => value.to_string(),
        }
    }

    #[test]
    fn every_number_has_a_range_and_its_ends_count() {
        for key in KEYS {
            let Some(range) = key.range else {
                // A switch may be set by 1.
                let takes_numbers = typed(key, "7").is_ok() && typed(key, "x-y").is_err();
                assert!(!takes_numbers, "{} has no range", key.name);
                continue;
            };
            for end in [range.from, range.to] {
                let settings = typed(key, &written(range, end));
                assert!(settings.is_ok(), "{}: {}", key.name, settings.unwrap_err());
            }
            assert!(key.about().ends_with(&format!("({})", range.words())));
            let fraction = typed(key, "0.5").is_ok();
            assert_eq!(fraction, !matches!(range.unit, Unit::Whole | Unit::Bytes), "{}", key.name);
        }
    }

    #[test]
    fn what_is_out_of_range_is_a_mistake_that_says_the_range() {
        for key in KEYS {
            let Some(range) = key.range else { continue };
            let mut wrong = vec![
                written(range, range.to + 1),
                u64::MAX.to_string(),
                "99999999999999999999999999".to_owned(),
                "9".repeat(400),
            ];
            let texts =
                ["1e308", "-1e308", "NaN", "-nan", "inf", "-inf", "infinity", "x", " ", "1,5"];
            wrong.extend(texts.map(str::to_owned));
            if range.unit == Unit::Signed {
                wrong.push(format!("-{}", range.to + 1));
            } else {
                wrong.extend(["-1", "-0.001"].map(str::to_owned));
                wrong.extend(range.from.checked_sub(1).map(|value| written(range, value)));
            }
            if range.unit == Unit::Share {
                wrong.extend(["101%", "-1%", "NaN%"].map(str::to_owned));
            }
            for value in wrong {
                let error = typed(key, &value).expect_err(&format!("{} = {value}", key.name));
                assert!(error.usage, "{}: {error}", key.name);
                assert!(error.message.contains(&range.words()), "{}: {error}", key.name);
            }
            // An empty text is no value, which is another error.
            let unset = typed(key, "").map_or_else(|error| error.message, |_| String::new());
            assert!(!unset.contains("is not a"), "{unset}");
        }
    }

    /// Values outside of the range of a setting do no harm.
    #[test]
    fn no_value_of_any_setting_panics() {
        let long = "9".repeat(100_000);
        let values = ["0", "-1", "1", "18446744073709551615", "1e308", "NaN", "inf", "", &long];
        for (key, value) in KEYS.iter().flat_map(|key| values.map(|value| (key, value))) {
            if let Err(error) = typed(key, value) {
                assert!(!error.message.is_empty(), "{}", key.name);
            }
        }
    }

    #[test]
    fn units_are_understood() {
        let range = Range::PATIENCE;
        for (text, seconds) in [
            ("30", 30.0),
            ("1.5s", 1.5),
            ("500ms", 0.5),
            ("2m", 120.0),
            ("1h", 3600.0),
            ("1d", 86_400.0),
        ] {
            assert_eq!(range.read_time(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        let range = Range::bytes(1, 64 << 30);
        for (text, bytes) in
            [("10", 10), ("500kB", 512_000), ("64MB", 64 << 20), ("1 GiB", 1 << 30)]
        {
            assert_eq!(range.read_bytes(text), Ok(bytes), "{text}");
        }
        for bad in ["", "s", "2d", "1w", "0", "1.2.3s"] {
            assert!(Range::PATIENCE.read_time(bad).is_err(), "{bad}");
        }
        assert_eq!(Range::WAIT.read_time("0"), Ok(Duration::ZERO));
        for bad in ["", "MB", "1TB", "0", "0.5"] {
            assert!(range.read_bytes(bad).is_err(), "{bad}");
        }
        assert_eq!(Range::SHARE.read_number("50 %"), Ok(0.5));
        assert_eq!(Range::SHARE.words(), "0 to 1");
        assert_eq!(Range::PATIENCE.words(), "1ms to 24h");
        assert_eq!(Range::AGE.words(), "1ms to 100y");
        assert_eq!(Range::AGE.read_time("6w"), Ok(Duration::from_hours(6 * 7 * 24)));
        assert_eq!(range.words(), "1 B to 64GB");
    }
}
