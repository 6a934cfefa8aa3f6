//! The closing report of an ingest.

use super::Ui;
use super::sanitize::sanitize_line;
use crate::cancel::Stop;
use crate::error::Failure;
use crate::eval::promotion::Promotion;
use crate::ingest::{BuiltVersion, FailedSource, IngestReport, SkippedSource};
use crate::output::IngestOutcome;
use crate::output::humanize::{counted, grouped, money, seconds};
use crate::types::Partition;

/// How many failed sources are listed.
const LISTED: usize = 20;

impl Ui {
    /// Prints the report of `docent ingest`, as data. A run that failed before it stored anything has
    /// no report.
    pub fn ingest_report(
        &mut self,
        report: &IngestReport,
        promotion: Option<&Promotion>,
    ) -> Result<(), Failure> {
        if self.format != crate::cli::Format::Text {
            self.json(IngestOutcome { report, promotion })?;
            if let Some(promotion) = promotion {
                self.unmet_gates(&promotion.eval);
            }
            return Ok(());
        }
        if report.aborted.is_none() || report.chunks > 0 {
            self.data(&format!("{}\n", summary(report)))?;
        }
        self.skipped_sources(&report.skipped_sources);
        self.expired_sources(&report.expired_sources);
        self.secrets(&report.secrets, report.on_secret);
        self.warned_sources(report);
        self.failed_sources(report);
        promotion.map_or(Ok(()), |promotion| self.promotion(promotion))
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
        self.skipped_sources(&report.skipped_sources);
        self.secrets(&report.secrets, report.on_secret);
        self.warned_sources(report);
        self.failed_sources(report);
    }

    /// With `--verbose`, what was skipped, and why.
    pub(super) fn skipped_sources(&mut self, skipped: &[SkippedSource]) {
        for SkippedSource { source, reason } in skipped {
            self.detail(&format!("skipped  {}  {}", sanitize_line(source), sanitize_line(reason)));
        }
    }

    /// Documents that were deleted because they are too old.
    fn expired_sources(&mut self, sources: &[String]) {
        let row = |source: &String| (source.clone(), "older than ingest.ttl: deleted".to_owned());
        let rows: Vec<_> = sources.iter().map(row).collect();
        self.rows(&self.err_style.strong("expired"), &rows, "expired");
    }

    /// Documents of which something was not read, or was guessed. They are shown even with `--quiet`,
    /// since otherwise they would look complete.
    fn warned_sources(&mut self, report: &IngestReport) {
        if self.format != crate::cli::Format::Text {
            return;
        }
        for (is_guess, what) in [(false, "partly read"), (true, "guessed")] {
            let rows = report.warned.iter().flat_map(|warned| {
                let asked =
                    warned.warnings.iter().filter(|warning| warning.code.is_guess() == is_guess);
                asked.map(|warning| (warned.source.clone(), warning.message.clone()))
            });
            self.rows(&self.err_style.strong(what), &rows.collect::<Vec<_>>(), what);
        }
    }

    /// Prints what `docent ingest --watch` watches.
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

    /// Shown with `--quiet`, too, since they are errors.
    pub(super) fn rows_of_failed(&mut self, failed: &[FailedSource]) {
        let rows = failed.iter().map(|row| (row.source.clone(), row.reason.clone()));
        let label = self.err_style.error("failed");
        self.rows(&label, &rows.collect::<Vec<_>>(), "failed");
    }

    /// Rows of sources with a text each; only the first of many.
    fn rows(&mut self, label: &str, rows: &[(String, String)], what: &str) {
        let listed = &rows[..rows.len().min(LISTED)];
        let width = listed.iter().map(|(source, _)| source.chars().count()).max();
        let width = width.unwrap_or(0).min(50);
        for (source, words) in listed {
            let (source, words) = (sanitize_line(source), sanitize_line(words));
            self.talk(&format!("{label}  {source:width$}  {words}"));
        }
        let rest = rows.len() - listed.len();
        if rest > 0 {
            self.talk(&format!("... and {rest} more {what}; --format json lists them all"));
        }
    }
}

/// Names the part of the sources that a report is about.
pub(super) fn of_part(partition: Option<Partition>) -> String {
    partition.map_or_else(String::new, |partition| format!("partition {partition}: "))
}

/// "added 37, changed 4, ... in 6.1 s", with the reasons of what was skipped.
fn summary(report: &IngestReport) -> String {
    let mut text = of_part(report.partition);
    text += &format!(
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
    if report.expired > 0 {
        let expired = counted(report.expired, "document");
        text += &format!("\ndeleted because of ingest.ttl: {expired}");
    }
    if report.ocr_pages > 0 {
        text += &format!("\n{} read as pictures (OCR)", counted(report.ocr_pages, "page"));
    }
    if let Some(cost) = report.cost.filter(|_| report.tokens + report.ocr_tokens > 0) {
        let of = |tokens: u64, what: &str| {
            (tokens > 0).then(|| format!("{} tokens {what}", grouped(tokens as usize)))
        };
        let tokens = [of(report.tokens, "embedded"), of(report.ocr_tokens, "for pages (OCR)")];
        let tokens: Vec<String> = tokens.into_iter().flatten().collect();
        text += &format!("\n{} for {}", tokens.join(", "), money(cost));
    }
    if let Some(BuiltVersion { version, live: false }) = report.built {
        text +=
            &format!("\nversion {version} is built, and not live yet: docent index use {version}");
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
        text += "\nended early: what was done is stored; run the same command again to go on";
    }
    if report.interrupted {
        text += "\ninterrupted: run the same command again to go on";
    }
    if let Some(limit) = report.stopped {
        text += &format!("\nstopped: {}; run the same command again to go on", reached(limit));
    }
    text
}

/// The limit that was reached, in words.
pub(super) fn reached(limit: Stop) -> &'static str {
    match limit {
        Stop::Interrupt => "interrupted",
        Stop::Deadline => "--deadline was reached",
        Stop::MaxCost => "the next step would cost more than --max-cost",
        Stop::FirstFailure => "a source failed (--fail-fast)",
    }
}
