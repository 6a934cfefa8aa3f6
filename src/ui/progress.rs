//! Bars and spinners: on stderr, on a terminal, and not before a quarter of a second has passed.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;
use super::sanitize::sanitize_line;
use crate::ingest::IngestEvent;

/// Nothing is drawn before this: short work needs no bar.
const QUIET_FOR: Duration = Duration::from_millis(250);

/// The progress of an ingest.
pub struct IngestProgress {
    bar: ProgressBar,
    started: Instant,
    visible: bool,
    allowed: bool,
    chunks: u64,
}

impl IngestProgress {
    pub fn new(ui: &Ui) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            started: Instant::now(),
            visible: false,
            allowed: ui.progress,
            chunks: 0,
        }
    }

    pub fn on(&mut self, event: &IngestEvent) {
        match event {
            IngestEvent::Discovered { files } => {
                self.bar.set_style(spinner("{spinner} {msg}"));
                self.bar.set_message(format!("found {files} files"));
            }
            IngestEvent::Planned { documents, .. } => {
                self.bar.set_length(*documents as u64);
                self.bar.set_style(bar());
                self.bar.set_message(String::new());
            }
            IngestEvent::Finished { chunks, .. } => {
                self.chunks += *chunks as u64;
                let seconds = self.started.elapsed().as_secs_f64().max(0.001);
                let rate = (self.chunks as f64 / seconds) as u64;
                self.bar.set_message(format!(
                    "{} chunks   {}/s",
                    grouped(self.chunks),
                    grouped(rate)
                ));
                self.bar.inc(1);
            }
            IngestEvent::Optimizing => self.bar.set_message("building the index".to_owned()),
        }
        self.show_when_due();
    }

    /// Clears the line: the report takes its place.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn show_when_due(&mut self) {
        if self.allowed && !self.visible && self.started.elapsed() >= QUIET_FOR {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(100));
            self.visible = true;
        }
    }
}

/// A spinner while an answer is awaited.
pub struct Waiting {
    bar: ProgressBar,
    shown: Option<tokio::task::JoinHandle<()>>,
}

impl Waiting {
    /// Appears after a quarter of a second, unless it is done by then.
    pub fn new(ui: &Ui, message: &str) -> Self {
        let bar = ProgressBar::hidden();
        bar.set_style(spinner("{spinner} {msg}"));
        bar.set_message(sanitize_line(message));
        let shown = ui.progress.then(|| {
            let bar = bar.clone();
            tokio::spawn(async move {
                tokio::time::sleep(QUIET_FOR).await;
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(Duration::from_millis(100));
            })
        });
        Self { bar, shown }
    }

    pub fn done(&mut self) {
        if let Some(task) = self.shown.take() {
            task.abort();
            self.bar.finish_and_clear();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.done();
    }
}

fn bar() -> ProgressStyle {
    let template = "{bar:40} {human_pos}/{human_len} files   {msg}   {eta} left";
    ProgressStyle::with_template(template)
        .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("━╸─"))
}

fn spinner(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
