//! What is left of a server's rate limits, read from the headers of its responses. Pure.

use std::time::Duration;

use super::headers::{Headers, find};
use super::retry_after::compound;

/// What is left of one limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RateLimitLeft {
    /// Requests, or tokens.
    pub(super) remaining: u64,
    /// Time until the full limit is available again. `None`: the server does not say.
    pub(super) reset: Option<Duration>,
}

/// What a response says about the limits that its request counted against.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct RateLimits {
    pub(super) requests: Option<RateLimitLeft>,
    pub(super) tokens: Option<RateLimitLeft>,
}

/// Reads `x-ratelimit-remaining-requests` and its relatives (`OpenAI`, Azure, Groq, litellm), and the
/// `RateLimit` headers of the IETF in each of the forms its drafts have had. Of two limits on requests, the
/// one with less left is returned.
pub(crate) fn rate_limits(headers: &Headers) -> RateLimits {
    let named = |what: &str| {
        let remaining = find(headers, &format!("x-ratelimit-remaining-{what}")).and_then(whole)?;
        let reset = find(headers, &format!("x-ratelimit-reset-{what}")).and_then(compound);
        Some(RateLimitLeft { remaining, reset })
    };
    let separate = || {
        let remaining = find(headers, "ratelimit-remaining").and_then(whole)?;
        let reset = find(headers, "ratelimit-reset").and_then(compound);
        Some(RateLimitLeft { remaining, reset })
    };
    let requests = [named("requests"), find(headers, "ratelimit").and_then(combined), separate()];
    RateLimits {
        requests: requests.into_iter().flatten().min_by_key(|left| left.remaining),
        tokens: named("tokens"),
    }
}

/// `limit=100, remaining=50, reset=30`, or a list of policies such as `"default";r=50;t=30`; the policy
/// with the least left counts.
fn combined(text: &str) -> Option<RateLimitLeft> {
    let policies: Vec<&str> =
        if text.contains("remaining=") { vec![text] } else { text.split(',').collect() };
    let one = |policy: &str| {
        let field = |names: [&str; 2]| {
            let fields = policy.split([',', ';']).filter_map(|field| field.trim().split_once('='));
            fields.into_iter().find(|(name, _)| names.contains(name)).map(|(_, value)| value)
        };
        let remaining = field(["remaining", "r"]).and_then(whole)?;
        Some(RateLimitLeft { remaining, reset: field(["reset", "t"]).and_then(compound) })
    };
    policies.into_iter().filter_map(one).min_by_key(|left| left.remaining)
}

/// A count in any notation; a negative one is read as 0.
fn whole(text: &str) -> Option<u64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> RateLimits {
        rate_limits(&headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn openai_names() {
        let all = read(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-requests", "20ms"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        let left = |remaining, ms| {
            Some(RateLimitLeft { remaining, reset: Some(Duration::from_millis(ms)) })
        };
        assert_eq!(all, RateLimits { requests: left(59, 20), tokens: left(149_984, 360_000) });

        let renamed = read(&[
            ("llm_provider-x-ratelimit-remaining-tokens", "7"),
            ("llm_provider-x-ratelimit-reset-tokens", "1s"),
        ]);
        assert_eq!(renamed, RateLimits { requests: None, tokens: left(7, 1_000) });
    }

    #[test]
    fn requests_in_every_form() {
        type Row = (&'static [(&'static str, &'static str)], Option<(u64, Option<u64>)>);
        let table: [Row; 12] = [
            (&[], None),
            (&[("x-ratelimit-remaining-requests", "0")], Some((0, None))),
            (&[("x-ratelimit-remaining-requests", "-1")], Some((0, None))),
            (&[("x-ratelimit-remaining-requests", "many")], None),
            (&[("ratelimit-remaining", "3"), ("ratelimit-reset", "30")], Some((3, Some(30)))),
            (&[("ratelimit", "limit=10, remaining=4, reset=9")], Some((4, Some(9)))),
            (&[("ratelimit", "limit=10, remaining=4")], Some((4, None))),
            (&[("ratelimit", r#""default";r=50;t=30"#)], Some((50, Some(30)))),
            (&[("ratelimit", r#""burst";r=9;t=1, "day";r=2;t=600"#)], Some((2, Some(600)))),
            (&[("ratelimit", r#""default""#)], None),
            (
                &[("ratelimit-remaining", "3"), ("x-ratelimit-remaining-requests", "8")],
                Some((3, None)),
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "1"),
                    ("x-ratelimit-reset-requests", "tomorrow"),
                ],
                Some((1, None)),
            ),
        ];
        for (headers, expected) in table {
            let expected = expected.map(|(remaining, seconds)| RateLimitLeft {
                remaining,
                reset: seconds.map(Duration::from_secs),
            });
            assert_eq!(
                read(headers),
                RateLimits { requests: expected, tokens: None },
                "{headers:?}"
            );
        }
    }
}
