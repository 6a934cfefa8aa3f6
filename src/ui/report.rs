//! The closing report of an ingest.

use super::Ui;
use super::sanitize::sanitize_line;
use crate::cancel::Stop;
use crate::error::Failure;
use crate::ingest::{FailedSource, IngestReport};
use crate::output::words::{counted, grouped, money, seconds};

/// Failed sources that are listed one by one.
const LISTED: usize = 20;

impl Ui {
    /// Prints the report of `docent ingest`: it is data. A run that failed before it stored
    /// anything has none to read.
    pub fn ingest_report(&mut self, report: &IngestReport) -> Result<(), Failure> {
        if self.format != crate::cli::Format::Text {
            return self.json(report);
        }
        if report.aborted.is_none() || report.chunks > 0 {
            self.data(&format!("{}\n", summary(report)))?;
        }
        self.secrets(&report.secrets, report.on_secret);
        self.failed_sources(report);
        Ok(())
    }

    /// One line on stderr, for a sync on the way to an answer.
    pub fn synced(&mut self, roots: &str, report: &IngestReport) {
        if report.aborted.is_none() && !report.interrupted {
            self.status(&format!(
                "synced {}: {}, {} ({})",
                sanitize_line(roots),
                counted(report.documents_total, "document"),
                counted(report.chunks, "new chunk"),
                seconds(report.elapsed_ms)
            ));
        }
        if let Some(limit) = report.stopped {
            self.warn(&format!("{} is not complete: {}", sanitize_line(roots), reached(limit)));
        }
        self.secrets(&report.secrets, report.on_secret);
        self.failed_sources(report);
    }

    /// What `docent ingest --watch` waits for changes of.
    pub fn watching(&mut self, roots: &str, directories: usize) {
        let size = match directories {
            0 => String::new(),
            1 => " (1 directory)".to_owned(),
            many => format!(" ({} directories)", grouped(many)),
        };
        self.status(&format!("watching {}{size}; Ctrl-C ends it", sanitize_line(roots)));
    }

    fn failed_sources(&mut self, report: &IngestReport) {
        if self.format == crate::cli::Format::Text {
            self.rows_of_failed(&report.failed);
        }
    }

    /// Shown with `--quiet` too: they are what went wrong.
    pub(super) fn rows_of_failed(&mut self, failed: &[FailedSource]) {
        let listed = &failed[..failed.len().min(LISTED)];
        let width = listed.iter().map(|row| row.source.chars().count()).max().unwrap_or(0).min(50);
        for row in listed {
            let source = sanitize_line(&row.source);
            let label = self.err_style.error("failed");
            let line = format!("{label}  {source:width$}  {}", sanitize_line(&row.reason));
            self.talk(&line);
        }
        let rest = failed.len() - listed.len();
        if rest > 0 {
            self.talk(&format!("... and {rest} more failed; --format json lists them all"));
        }
    }
}

/// "added 37, changed 4, ... in 6.1 s", with the reasons of what was skipped.
fn summary(report: &IngestReport) -> String {
    let mut text = format!(
        "added {}, changed {}, moved {}, deleted {}, unchanged {}, skipped {}, failed {} in {}",
        grouped(report.added),
        grouped(report.changed),
        grouped(report.moved),
        grouped(report.deleted),
        grouped(report.unchanged),
        grouped(report.skipped),
        grouped(report.failed.len()),
        seconds(report.elapsed_ms)
    );
    if report.chunks > 0 {
        text += &format!(
            "\n{} stored, {} embedded, {} reused",
            counted(report.chunks, "chunk"),
            counted(report.embedded, "text"),
            grouped(report.reused)
        );
    }
    if let Some(cost) = report.cost.filter(|_| report.tokens > 0) {
        let tokens = grouped(report.tokens as usize);
        text += &format!("\n{tokens} tokens embedded for {}", money(cost));
    }
    if report.skipped > 0 {
        let reasons = report.skipped_by_reason.iter();
        let reasons: Vec<String> =
            reasons.map(|(reason, number)| format!("{reason} {}", grouped(*number))).collect();
        text += &format!("\nskipped: {}", reasons.join(", "));
    }
    if report.untried > 0 {
        let known = grouped(report.untried);
        text += &format!("\n{known} failed before and did not change: --retry-failed tries again");
    }
    if report.aborted.is_some() {
        text += "\nended early: this much is stored, and the same command again does the rest";
    }
    if report.interrupted {
        text += "\ninterrupted: the same command again does the rest";
    }
    if let Some(limit) = report.stopped {
        text += &format!("\nstopped: {}; the same command again goes on", reached(limit));
    }
    text
}

/// Which limit is reached, in words.
pub(super) fn reached(limit: Stop) -> &'static str {
    match limit {
        Stop::Interrupt => "interrupted",
        Stop::Deadline => "the time of --deadline is over",
        Stop::MaxCost => "what comes next would cost more than --max-cost",
        Stop::FirstFailure => "a source failed (--fail-fast)",
    }
}
