//! Repeats a failed write of the posting worker, with growing pauses.
//!
//! Only errors that may pass are repeated. An unbalanced transaction stays unbalanced, however
//! often it is sent.

use std::time::Duration;

/// Attempts in all, the first one included. Set by `posting_retry_limit`.
pub const MAX_ATTEMPTS: u32 = 6;

/// The pause after the first failure. Set by `posting_retry_delay_ms`.
pub const FIRST_DELAY: Duration = Duration::from_millis(200);

/// No pause is longer than this.
pub const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// What the worker does with a posting that failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    RetryAfter(Duration),
    DeadLetter,
}

/// Why a write failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    Timeout,
    LockConflict,
    ReadOnly,
    Unbalanced,
    PeriodClosed,
}

impl WriteError {
    /// A timeout, a lock conflict and a read-only workspace pass by themselves; the rest do not.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Timeout | Self::LockConflict | Self::ReadOnly)
    }
}

/// Decides what happens after `attempt` (1 for the first) has failed with `error`.
///
/// `jitter` is a random number between 0 and 1: the pause is drawn between zero and the full
/// delay, so that workers that failed together do not come back together.
pub fn decide(attempt: u32, error: WriteError, jitter: f64) -> Decision {
    if !error.is_transient() || attempt >= MAX_ATTEMPTS {
        return Decision::DeadLetter;
    }
    Decision::RetryAfter(full_delay(attempt).mul_f64(jitter))
}

/// Doubles with every attempt, up to [`LONGEST_DELAY`].
fn full_delay(attempt: u32) -> Duration {
    let factor = 1_u32 << (attempt - 1).min(16);
    (FIRST_DELAY * factor).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_and_is_capped() {
        assert_eq!(full_delay(1), Duration::from_millis(200));
        assert_eq!(full_delay(3), Duration::from_millis(800));
        assert_eq!(full_delay(12), LONGEST_DELAY);
    }

    #[test]
    fn a_closed_period_is_never_repeated() {
        assert_eq!(decide(1, WriteError::PeriodClosed, 0.5), Decision::DeadLetter);
    }
}
