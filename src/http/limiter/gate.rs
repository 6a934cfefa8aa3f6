//! One limited thing, requests or tokens: when may how much of it leave? Pure: every call is told
//! the time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::http::announced::Left;

/// A minute, and a second for requests that travel longer than others: the server counts when they
/// come, not when they leave.
pub(super) const WINDOW: Duration = Duration::from_secs(61);

/// The limit that was set, and the one that the server announces.
#[derive(Debug, Default)]
pub(super) struct Gate {
    per_minute: Option<u64>,
    /// What left within the last [`WINDOW`]: when, and how much. Kept only where a limit is set.
    sent: VecDeque<(Instant, u64)>,
    /// What is under way: the server may not have counted it when it announces what is left.
    in_flight: u64,
    /// What the server says is left, less what was sent since; and until when that holds.
    announced: Option<(u64, Instant)>,
}

impl Gate {
    pub(super) fn new(per_minute: Option<u64>) -> Self {
        Self { per_minute, ..Self::default() }
    }

    /// Whether it matters how much is sent.
    pub(super) fn counts(&self) -> bool {
        self.per_minute.is_some() || self.announced.is_some()
    }

    /// When `amount` may leave: `now`, or later. What is more than the limit itself waits until
    /// nothing else is counted.
    pub(super) fn opens(&mut self, amount: u64, now: Instant) -> Instant {
        while self.sent.front().is_some_and(|(at, _)| *at + WINDOW <= now) {
            self.sent.pop_front();
        }
        self.announced = self.announced.filter(|(_, until)| *until > now);
        let announced = self.announced.filter(|(left, _)| *left < amount);
        self.window(amount, now).max(announced.map_or(now, |(_, until)| until))
    }

    /// Never more than the limit within any [`WINDOW`]: a sliding window, exact for servers that count
    /// by the minute, and never above those that refill as time goes by.
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
        if let Some((left, _)) = &mut self.announced {
            *left = left.saturating_sub(amount);
        }
    }

    /// What was under way no longer is.
    pub(super) fn landed(&mut self, amount: u64) {
        self.in_flight = self.in_flight.saturating_sub(amount);
    }

    /// The answer to a request of `own` says what is left. Until the reset, a later announcement
    /// counts only where it leaves less: answers come in any order.
    pub(super) fn announce(&mut self, left: Left, own: u64, now: Instant) {
        let others = self.in_flight.saturating_sub(own);
        let remaining = left.remaining.saturating_sub(others);
        let until = match left.reset {
            Some(reset) => now.checked_add(reset),
            // Without a reset only the end of it says anything, and limits are by the minute.
            None if remaining == 0 => Some(now + WINDOW),
            None => None,
        };
        let known = self.announced.filter(|(_, until)| *until > now);
        let Some(until) = until else { return };
        match known {
            Some((known, _)) if known <= remaining => {}
            Some((_, later)) => self.announced = Some((remaining, later.max(until))),
            None => self.announced = Some((remaining, until)),
        }
    }
}
