//! Circuit breaker: a chat model that failed several times in a row gets no requests until it had time to
//! recover, and callers are told at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;

/// How long it stays open before one question is let through as a trial.
const PAUSE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// When it was opened, or when the last trial began.
    opened: Option<Instant>,
}

impl Breaker {
    /// Whether to send a request. The error is how long to wait.
    pub(super) fn check(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(opened) = state.opened else { return Ok(()) };
        let waited = now.saturating_duration_since(opened);
        if waited < PAUSE {
            return Err(PAUSE.saturating_sub(waited));
        }
        // This request is the trial; others wait for another pause meanwhile.
        state.opened = Some(now);
        Ok(())
    }

    pub(super) fn worked(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.opened = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES {
            breaker.failed(now);
        }
        breaker.worked();
        for _ in 1..FAILURES {
            breaker.failed(now);
            assert_eq!(breaker.check(now), Ok(()));
        }
        breaker.failed(now);
        assert_eq!(breaker.check(now), Err(PAUSE));
        let later = now + PAUSE;
        assert_eq!(breaker.check(later), Ok(()), "one trial");
        assert_eq!(breaker.check(later), Err(PAUSE), "and no other meanwhile");
        breaker.failed(later);
        assert_eq!(breaker.check(later + PAUSE / 2), Err(PAUSE / 2));
        breaker.worked();
        assert_eq!(breaker.check(later), Ok(()));
    }
}
