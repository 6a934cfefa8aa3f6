//! Who hears of each request when it has ended.

use super::audit::Audit;
use super::log::{LogEntry, LogSink};
use super::metrics::Metrics;
use super::usage::UsageBook;

pub(super) struct Observers {
    pub(super) log: LogSink,
    pub(super) metrics: Metrics,
    pub(super) usage: UsageBook,
    /// `None`: none is kept.
    pub(super) audit: Option<Audit>,
}

impl Observers {
    pub(super) fn ended(&self, entry: &LogEntry) {
        self.metrics.count(entry);
        self.usage.count(entry);
        // Probes and pages that need no right are nobody's doing.
        if let Some(audit) = self.audit.as_ref().filter(|_| entry.needs_right) {
            audit.add(entry);
        }
        (self.log)(entry);
    }
}
