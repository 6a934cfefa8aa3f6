//! A token bucket: it holds the amount of one minute, and refills continuously.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};

/// See the module.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Bucket {
    per_minute: u32,
    /// Negative if more was taken than there was.
    left: f64,
    at: Instant,
}

impl Bucket {
    /// `per_minute` is at least 1.
    pub(super) fn full(per_minute: u32, now: Instant) -> Self {
        Self { per_minute, left: f64::from(per_minute), at: now }
    }

    pub(super) fn is_of(&self, per_minute: u32) -> bool {
        self.per_minute == per_minute
    }

    /// Takes `amount` if there is enough. The error is how long to wait until there is; an amount above the
    /// capacity is granted when the bucket is full.
    pub(super) fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        let full = f64::from(self.per_minute);
        self.left = self.filled(now);
        self.at = now;
        let lacking = amount.min(full) - self.left;
        // Dividing and multiplying again is not exact.
        if lacking <= 1e-9 {
            self.left -= amount;
            return Ok(());
        }
        Err(Duration::from_secs_f64(lacking * 60.0 / full))
    }

    /// The limit of a minute, what is left of it, and the seconds until it is full again, in the headers
    /// that clients of `OpenAI` read. `what`: `requests` or `tokens`.
    pub(super) fn headers(
        &self,
        what: &str,
        now: Instant,
    ) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let full = f64::from(self.per_minute);
        let left = self.filled(now);
        let whole_in = (full - left) * 60.0 / full;
        let values = [
            ("limit", self.per_minute.to_string()),
            ("remaining", format!("{:.0}", left.max(0.0).floor())),
            ("reset", format!("{:.0}s", whole_in.ceil())),
        ];
        values
            .map(|(name, value)| header(&format!("x-ratelimit-{name}-{what}"), &value))
            .into_iter()
            .flatten()
    }

    fn filled(&self, now: Instant) -> f64 {
        let full = f64::from(self.per_minute);
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + passed * full / 60.0).min(full)
    }

    /// Takes `amount` even if that leaves a debt.
    pub(super) fn owe(&mut self, amount: f64) {
        self.left -= amount;
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_minute_has_a_limit_and_refills() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut bucket = Bucket::full(60, now);
        for _ in 0..60 {
            bucket.take(1.0, now).unwrap();
        }
        assert_eq!(bucket.take(1.0, now), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(1.0, at(1)), Ok(()));
        assert!(bucket.take(1.0, at(1)).is_err());
        assert_eq!(bucket.take(60.0, at(1_000)), Ok(()), "no more than full");
        assert!(bucket.take(1.0, at(1_000)).is_err());
    }

    #[test]
    fn what_is_left_is_told() {
        let now = Instant::now();
        let told = |bucket: &Bucket, seconds| {
            let at = now + Duration::from_secs(seconds);
            let values = bucket.headers("requests", at).map(|(name, value)| {
                let name = name.as_str().trim_start_matches("x-ratelimit-").to_owned();
                format!("{name}: {}", value.to_str().unwrap())
            });
            values.collect::<Vec<_>>().join(", ")
        };
        let mut bucket = Bucket::full(60, now);
        bucket.take(1.0, now).unwrap();
        assert_eq!(
            told(&bucket, 0),
            "limit-requests: 60, remaining-requests: 59, reset-requests: 1s"
        );
        bucket.owe(119.5);
        assert_eq!(
            told(&bucket, 0),
            "limit-requests: 60, remaining-requests: 0, reset-requests: 121s"
        );
        assert_eq!(
            told(&bucket, 1_000),
            "limit-requests: 60, remaining-requests: 60, reset-requests: 0s"
        );
    }

    #[test]
    fn a_debt_keeps_the_next_one_out_until_it_is_paid() {
        let now = Instant::now();
        let mut bucket = Bucket::full(600, now);
        bucket.take(0.0, now).unwrap();
        bucket.owe(1_200.0);
        assert_eq!(bucket.take(0.0, now), Err(Duration::from_mins(1)));
        assert_eq!(bucket.take(0.0, now + Duration::from_mins(1)), Ok(()));
    }
}
