//! Processor time, which other programs on the machine cannot use up.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// What this thread may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Duration);

impl Deadline {
    /// From now on.
    pub(super) fn after(limit: Duration) -> Self {
        Self(used().saturating_add(limit))
    }

    pub(super) fn is_over(self) -> bool {
        used() >= self.0
    }
}

/// Processor time of this thread since it began.
fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}
