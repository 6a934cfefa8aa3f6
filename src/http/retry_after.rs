//! How long a server asks clients to wait, from the headers of its response. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::headers::{Headers, find};

/// The wait that the headers ask for: `retry-after-ms`, `Retry-After` (seconds or a date, RFC 9110 section
/// 10.2.3), or the reset of an exhausted rate limit. `now` is used if the response has no `Date` of its
/// own.
pub(crate) fn retry_after(headers: &Headers, now: DateTime<Utc>) -> Option<Duration> {
    let find = |name: &str| find(headers, name);
    let seconds = |value: &str| Duration::try_from_secs_f64(value.parse().ok()?).ok();
    find("retry-after-ms")
        .and_then(|ms| seconds(ms).map(|ms| ms / 1000))
        .or_else(|| find("retry-after").and_then(seconds))
        .or_else(|| {
            let date = |value| DateTime::parse_from_rfc2822(value).ok().map(|d| d.to_utc());
            let until = date(find("retry-after")?)?;
            let now = find("date").and_then(date).unwrap_or(now);
            Some((until - now).to_std().unwrap_or(Duration::ZERO))
        })
        .or_else(|| {
            // A reset is when the full limit is available again, so the soonest one is wait enough.
            ["requests", "tokens"]
                .into_iter()
                .filter(|what| find(&format!("x-ratelimit-remaining-{what}")) == Some("0"))
                .filter_map(|what| compound(find(&format!("x-ratelimit-reset-{what}"))?))
                .min()
        })
}

/// `1s`, `6m0s`, `1h2m3.5s`, `20ms`; a bare number is seconds.
pub(super) fn compound(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let value: f64 = rest[..number].parse().ok()?;
        rest = &rest[number..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "ms" => value / 1000.0,
            "s" | "" => value,
            "m" => value * 60.0,
            "h" => value * 3600.0,
            "d" => value * 86_400.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_to_waits() {
        const DATE: &str = "Sat, 21 Nov 2026 05:40:01 GMT";
        type Row = (&'static [(&'static str, &'static str)], Option<Duration>);

        let now = DateTime::parse_from_rfc3339("2026-11-21T05:39:31Z").unwrap_or_default().to_utc();
        let ms = |ms| Some(Duration::from_millis(ms));
        let table: [Row; 17] = [
            (&[], None),
            (&[("retry-after", "7")], ms(7_000)),
            (&[("retry-after", " 0.5 ")], ms(500)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-3")], None),
            (&[("retry-after", "1e300")], None),
            (&[("retry-after", DATE)], ms(30_000)),
            (&[("retry-after", DATE), ("date", "Sat, 21 Nov 2026 05:39:56 GMT")], ms(5_000)),
            (&[("retry-after", "Sat, 21 Nov 2026 05:00:00 GMT")], ms(0)),
            (&[("retry-after", "9"), ("retry-after-ms", "250")], ms(250)),
            (&[("llm_provider-retry-after", "1")], ms(1_000)),
            (&[("llm_provider-retry-after", "9"), ("retry-after", "2")], ms(2_000)),
            (
                &[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")],
                ms(360_000),
            ),
            (&[("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", "6m0s")], None),
            (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "what")], None),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "20ms"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1h2m3.5s"),
                ],
                ms(20),
            ),
            (
                &[
                    ("llm_provider-x-ratelimit-remaining-requests", "0"),
                    ("llm_provider-x-ratelimit-reset-requests", "1h2m3.5s"),
                ],
                ms(3_723_500),
            ),
        ];
        for (headers, expected) in table {
            let owned: Headers =
                headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(retry_after(&owned, now), expected, "{headers:?}");
        }
    }
}
