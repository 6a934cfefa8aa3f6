//! The receivers of each request that has ended.

use super::audit::{Added, RequestAudit};
use super::drift::DriftMonitor;
use super::feedback::RecentAnswers;
use super::log::{LogEntry, LogSink};
use super::metrics::Metrics;
use super::usage::UsageBook;
use crate::types::Usage;

pub(super) struct Observers {
    pub(super) log: LogSink,
    pub(super) metrics: Metrics,
    pub(super) usage: UsageBook,
    pub(super) answers: RecentAnswers,
    pub(super) drift: DriftMonitor,
    /// `None`: no audit is kept.
    pub(super) audit: Option<RequestAudit>,
}

impl Observers {
    pub(super) fn ended(&self, entry: &LogEntry) {
        self.metrics.count(entry);
        self.usage.count(entry);
        self.write_down(entry);
    }

    /// Reports work for a request that ended, with success or not, after its response.
    pub(super) fn job_ended(&self, entry: &LogEntry) {
        self.metrics.count_job(entry);
        if let (Some(key), Some(cost)) = (&entry.key, entry.notes.cost) {
            self.usage.spend(key, Usage { cost: Some(cost), ..Usage::default() }, false);
        }
        self.write_down(entry);
    }

    fn write_down(&self, entry: &LogEntry) {
        // Probes and pages that need no right are not audited.
        let added = self.audit.as_ref().filter(|_| entry.needs_right).map(|it| it.add(entry));
        (self.log)(entry);
        let Added { failed, warning } = added.unwrap_or_default();
        self.metrics.audit_failures.inc_by(failed.into());
        if let Some(warning) = warning {
            (self.log)(&LogEntry::warning(&warning));
        }
    }
}
