//! The closing report of an ingest.

use serde_json::{Value, json};

use super::Ui;
use super::progress::grouped;
use super::sanitize::sanitize_line;
use crate::error::Failure;
use crate::ingest::IngestReport;
use crate::types::SCHEMA_VERSION;

/// Failed sources that are listed one by one.
const LISTED: usize = 20;

impl Ui {
    /// Prints the report of `docent ingest`: it is data.
    pub fn ingest_report(&mut self, report: &IngestReport) -> Result<(), Failure> {
        if self.format != crate::cli::Format::Text {
            return self.json(&ingest_json(report));
        }
        let text = summary(report);
        self.data(&format!("{text}\n"))?;
        self.failed_sources(report);
        Ok(())
    }

    /// One line on stderr, for a sync on the way to an answer.
    pub fn synced(&mut self, roots: &str, report: &IngestReport) {
        let text = format!(
            "synced {}: {} documents, {} new chunks ({})",
            sanitize_line(roots),
            grouped(report.documents_total as u64),
            grouped(report.chunks as u64),
            seconds(report.elapsed_ms)
        );
        self.status(&text);
        self.failed_sources(report);
    }

    fn failed_sources(&mut self, report: &IngestReport) {
        if self.format != crate::cli::Format::Text {
            return;
        }
        let listed = &report.failed[..report.failed.len().min(LISTED)];
        let width = listed.iter().map(|row| row.source.chars().count()).max().unwrap_or(0).min(50);
        for row in listed {
            let source = sanitize_line(&row.source);
            let label = self.err_style.error("failed");
            let line = format!("{label}  {source:width$}  {}", sanitize_line(&row.reason));
            self.status(&line);
        }
        let rest = report.failed.len() - listed.len();
        if rest > 0 {
            self.status(&format!("... and {rest} more failed; --format json lists them all"));
        }
    }
}

fn ingest_json(report: &IngestReport) -> Value {
    let mut value = json!(report);
    value["schema_version"] = json!(SCHEMA_VERSION);
    value
}

/// "added 37, changed 4, ... in 6.1 s", with the reasons of what was skipped.
fn summary(report: &IngestReport) -> String {
    let count = |number: usize| grouped(number as u64);
    let mut text = format!(
        "added {}, changed {}, moved {}, deleted {}, unchanged {}, skipped {}, failed {} in {}",
        count(report.added),
        count(report.changed),
        count(report.moved),
        count(report.deleted),
        count(report.unchanged),
        count(report.skipped),
        report.failed.len(),
        seconds(report.elapsed_ms)
    );
    if report.chunks > 0 {
        text += &format!(
            "\n{} chunks stored, {} texts embedded, {} reused",
            count(report.chunks),
            count(report.embedded),
            count(report.reused)
        );
    }
    if report.skipped > 0 {
        let reasons: Vec<String> = report
            .skipped_by_reason
            .iter()
            .map(|(reason, number)| format!("{} {reason}", count(*number)))
            .collect();
        text += &format!("\nskipped: {}", reasons.join(", "));
    }
    text
}

/// `850 ms`, `6.1 s`.
pub fn seconds(milliseconds: u64) -> String {
    if milliseconds < 1_000 {
        format!("{milliseconds} ms")
    } else {
        format!("{:.1} s", milliseconds as f64 / 1_000.0)
    }
}
