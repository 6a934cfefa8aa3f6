//! Processor time, which other programs on the machine cannot use up.

use std::time::Duration;

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
#[cfg(unix)]
fn used() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Time since the process asked first: the processor time of a thread is not to be had without unsafe code.
#[cfg(not(unix))]
fn used() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
}
