//! The report of a purge, for people.

use super::Ui;
use super::columns::aligned;
use super::sanitize::sanitize_line;
use super::versions::state;
use crate::output::humanize::{counted, grouped};
use crate::service::purge::{PurgeFileSearch, PurgeReport};

/// How many sources are listed.
const LISTED: usize = 20;

/// A row for each version, then the result and what to check.
pub fn purge_text(ui: &Ui, report: &PurgeReport) -> String {
    if report.is_empty() {
        let all = report.hidden_versions.is_empty();
        let versions = if all { "its versions" } else { "the versions that this token can see" };
        return format!(
            "no document of {} meets these conditions in {versions}; what earlier runs deleted may still be in their files, until docent ingest --rebuild and docent index prune --keep 0\n",
            sanitize_line(&report.collection)
        );
    }
    let mut text = String::new();
    for source in report.sources.iter().take(LISTED) {
        text += &format!("{}\n", sanitize_line(source));
    }
    if let more @ 1.. = report.sources.len().saturating_sub(LISTED) {
        text += &format!("... and {} more; --format json lists them\n", grouped(more));
    }
    text += &table(ui, report);
    let done = if report.dry_run { "would be purged" } else { "purged" };
    let (documents, failures) = (counted(report.documents, "document"), report.failures);
    text += &format!("{done}: {documents}, {} chunks", grouped(report.chunks as usize));
    if failures > 0 {
        text += &format!(", {}", counted(failures, "failure"));
    }
    if report.resumed {
        text += "; including those of a purge that was cut off";
    }
    text.push('\n');
    for line in lines(report) {
        text += &format!("{}\n", sanitize_line(&line));
    }
    text
}

fn table(ui: &Ui, report: &PurgeReport) -> String {
    let header = ["version", "state", "documents", "chunks", "failures"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for version in &report.versions {
        rows.push(vec![
            version.version.to_string(),
            state(version.state).to_owned(),
            grouped(version.documents),
            grouped(version.chunks as usize),
            grouped(version.failures),
        ]);
    }
    aligned(&rows, |column| column == 1, ui.out_style)
}

fn lines(report: &PurgeReport) -> Vec<String> {
    let mut lines = Vec::new();
    if !report.dry_run {
        let all = report.hidden_versions.is_empty();
        let which = if all { "any version" } else { "these versions" };
        lines.push(format!("nothing is left in {which}: records and chunks were counted"));
    }
    if let Some(search) = &report.search {
        lines.push(searched(search));
    }
    for file in &report.elsewhere {
        lines.push(format!("{}: {} removed", file.path, counted(file.removed, "record")));
    }
    if report.uploads > 0 {
        lines.push(format!("{} removed", counted(report.uploads, "upload")));
    }
    if report.may_return > 0 {
        let count = counted(report.may_return, "document");
        lines.push(format!("{count} will be ingested again by the next docent ingest of their directories: delete the files, name them in .docentignore, or use docent ingest --forget PATH"));
    }
    lines.extend(report.left.iter().map(|left| format!("not reached: {left}")));
    lines.extend(report.noted.map(|number| format!("logged as line {number} of {}", report.log)));
    lines
}

fn searched(search: &PurgeFileSearch) -> String {
    let PurgeFileSearch { files, bytes, samples, shared, found_before } = search;
    let mut text = format!(
        "{} bytes in {} were searched for {} of the purged text, and none was found; {} of them were found before the purge",
        grouped(*bytes as usize),
        counted(*files, "file"),
        counted(*samples, "sample"),
        grouped(*found_before)
    );
    if *shared > 0 {
        text += &format!(
            "; {} more were left out, since text that stays contains them",
            grouped(*shared)
        );
    }
    text
}
