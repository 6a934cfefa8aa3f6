//! The plan of an ingest.

use super::Ui;
use super::report::of_part;
use super::sanitize::sanitize_line;
use crate::cli::Format;
use crate::error::Failure;
use crate::ingest::preview::IngestPreview;
use crate::output::humanize::{counted, grouped, money};

impl Ui {
    /// Prints what `docent ingest` would do: a line for each document, marked as by diff, and the work.
    pub fn preview(&mut self, preview: &IngestPreview) -> Result<(), Failure> {
        if self.format != Format::Text {
            return self.json(preview);
        }
        if !self.quiet {
            self.data(&changes(preview))?;
        }
        self.data(&summary(preview))?;
        self.skipped_sources(&preview.skipped_sources);
        self.secrets(&preview.secrets, preview.on_secret);
        self.rows_of_failed(&preview.failed);
        Ok(())
    }
}

fn changes(preview: &IngestPreview) -> String {
    let mut text = String::new();
    let mut list = |mark: &str, sources: &[String]| {
        for source in sources {
            text += &format!("{mark} {}\n", sanitize_line(source));
        }
    };
    list("+", &preview.added);
    list("~", &preview.changed);
    let moved: Vec<String> =
        preview.moved.iter().map(|step| format!("{} -> {}", step.from, step.to)).collect();
    list(">", &moved);
    list("-", &preview.deleted);
    text
}

fn summary(preview: &IngestPreview) -> String {
    let rest = format!(
        "unchanged {}, skipped {}, failed {}",
        grouped(preview.unchanged),
        grouped(preview.skipped),
        grouped(preview.failed.len())
    );
    let mut text = of_part(preview.partition);
    text += &if preview.is_empty() {
        format!("nothing to do: {rest}\n")
    } else {
        format!(
            "to do: add {}, change {}, move {}, delete {}; {rest}\n",
            grouped(preview.added.len()),
            grouped(preview.changed.len()),
            grouped(preview.moved.len()),
            grouped(preview.deleted.len()),
        )
    };
    if !preview.expired.is_empty() {
        let expired = counted(preview.expired.len(), "document");
        text += &format!("to delete because of ingest.ttl: {expired}\n");
    }
    if preview.damaged > 0 {
        let damaged = counted(preview.damaged, "document");
        text += &format!(
            "to complete: {damaged} that an earlier run, which was cut off, left incomplete\n"
        );
    }
    if let Some(work) = preview.work.filter(|work| work.chunks > 0) {
        text += &format!(
            "{} to store, {} to embed ({}{}{}), {} reused\n",
            counted(work.chunks, "chunk"),
            counted(work.embedded, "text"),
            counted(work.tokens, "token"),
            match work.requests {
                0 => String::new(),
                number => format!(", {}", counted(number, "request")),
            },
            work.cost.map_or_else(String::new, |cost| format!(", for {}", money(cost))),
            grouped(work.reused)
        );
        if work.ocr_pages > 0 {
            let pages = usize::try_from(work.ocr_pages).unwrap_or(usize::MAX);
            text += &format!(
                "{} for a vision model, which was not called: their text is not counted above\n",
                counted(pages, "page")
            );
        }
    }
    text
}
