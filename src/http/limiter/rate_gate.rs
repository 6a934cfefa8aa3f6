//! A limit on one quantity, requests or tokens: when the next amount may be sent. Pure: every call is given
//! the time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::rate_limit_headers::RateLimitLeft;

/// A minute, plus a second for requests that travel longer than others: the server counts them when they
/// arrive, not when they leave.
pub(super) const WINDOW: Duration = Duration::from_secs(61);

/// The limit that was set, and the one that the server announces.
#[derive(Debug, Default)]
pub(super) struct RateGate {
    per_minute: Option<u64>,
    /// What was sent within the last [`WINDOW`]: when, and how much. Kept only if a limit is set.
    sent: VecDeque<(Instant, u64)>,
    /// Amount in flight: the server may not have counted it yet when it announces what is left.
    in_flight: u64,
    announced: Vec<Announced>,
}

/// What the server says is left, minus what was sent since, and until when that holds.
#[derive(Debug, Clone, Copy)]
struct Announced {
    left: u64,
    until: Instant,
}

/// How many announcements are kept side by side. A slow response may report a window that is over, so no
/// announcement replaces another; but at most two or three windows overlap.
const APART: usize = 8;

impl RateGate {
    pub(super) fn new(per_minute: Option<u64>) -> Self {
        Self { per_minute, ..Self::default() }
    }

    /// Whether the amounts sent have to be counted.
    pub(super) fn counts(&self) -> bool {
        self.per_minute.is_some() || !self.announced.is_empty()
    }

    /// When `amount` may be sent: `now`, or later. An amount above the limit itself waits until nothing
    /// else is counted.
    pub(super) fn opens(&mut self, amount: u64, now: Instant) -> Instant {
        while self.sent.front().is_some_and(|(at, _)| *at + WINDOW <= now) {
            self.sent.pop_front();
        }
        self.announced.retain(|announced| announced.until > now);
        let short = self.announced.iter().filter(|announced| announced.left < amount);
        self.window(amount, now).max(short.map(|announced| announced.until).max().unwrap_or(now))
    }

    /// At most the limit within any [`WINDOW`]: a sliding window, exact for servers that count by the
    /// minute, and never above the limit of those that refill continuously.
    fn window(&self, amount: u64, now: Instant) -> Instant {
        let Some(limit) = self.per_minute else { return now };
        let mut used: u64 = self.sent.iter().map(|(_, sent)| sent).sum();
        let mut opens = now;
        for (at, sent) in &self.sent {
            if used.saturating_add(amount) <= limit {
                break;
            }
            used -= sent;
            opens = *at + WINDOW;
        }
        opens
    }

    pub(super) fn take(&mut self, amount: u64, now: Instant) {
        if self.per_minute.is_some() {
            self.sent.push_back((now, amount));
        }
        self.in_flight += amount;
        for announced in &mut self.announced {
            announced.left = announced.left.saturating_sub(amount);
        }
    }

    /// `amount` is no longer in flight.
    pub(super) fn landed(&mut self, amount: u64) {
        self.in_flight = self.in_flight.saturating_sub(amount);
    }

    /// The response to a request of amount `own` says what is left. The announcement holds until its reset,
    /// whatever else was announced: responses arrive in any order, and one that was counted in the window
    /// before may arrive last.
    pub(super) fn announce(&mut self, left: RateLimitLeft, own: u64, now: Instant) {
        let others = self.in_flight.saturating_sub(own);
        let remaining = left.remaining.saturating_sub(others);
        let until = match left.reset {
            Some(reset) => now.checked_add(reset),
            // Without a reset, only an exhausted limit says anything, and limits are by the minute.
            None if remaining == 0 => Some(now + WINDOW),
            None => None,
        };
        let Some(until) = until else { return };
        let new = Announced { left: remaining, until };
        let implies =
            |one: &Announced, other: &Announced| one.left <= other.left && one.until >= other.until;
        self.announced.retain(|known| known.until > now && !implies(&new, known));
        if !self.announced.iter().any(|known| implies(known, &new)) {
            self.announced.push(new);
            self.forget_one();
        }
    }

    /// With too many announcements, the two that expire last are merged into one that satisfies both.
    fn forget_one(&mut self) {
        if self.announced.len() <= APART {
            return;
        }
        self.announced.sort_by_key(|announced| announced.until);
        if let (Some(last), Some(before)) = (self.announced.pop(), self.announced.last_mut()) {
            *before = Announced { left: before.left.min(last.left), until: last.until };
        }
    }
}
