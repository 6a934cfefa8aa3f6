//! Processor time, which other programs on the machine cannot use up.

use std::time::Duration;

/// The processor time that this thread may use, counted from its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Duration);

impl Deadline {
    /// A deadline `limit` from now.
    pub(super) fn after(limit: Duration) -> Self {
        Self(used().saturating_add(limit))
    }

    pub(super) fn is_over(self) -> bool {
        used() >= self.0
    }
}

/// Processor time of this thread since it started.
#[cfg(unix)]
fn used() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Time since this was first called in the process: the processor time of a thread is not available without
/// unsafe code.
#[cfg(not(unix))]
fn used() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
}
