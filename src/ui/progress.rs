//! Bars and spinners: on stderr, on a terminal, and only after a quarter of a second.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use tokio::task::JoinHandle;

use super::Ui;
use super::report::reached;
use super::sanitize::sanitize_line;
use crate::cancel::{Cancel, Stop};
use crate::ingest::IngestEvent;
use crate::ingest::extract::OcrPage;
use crate::output::humanize::{counted, grouped};

/// Nothing is drawn before this time: short work needs no bar.
const QUIET_FOR: Duration = Duration::from_millis(250);

/// A bar that appears by itself after [`QUIET_FOR`], and leaves no trace when it is dropped.
struct Late {
    bar: ProgressBar,
    tasks: Vec<JoinHandle<()>>,
}

impl Late {
    fn new(ui: &Ui, message: &str) -> Self {
        let bar = ProgressBar::hidden();
        bar.set_style(spinner());
        bar.set_message(sanitize_line(message));
        let mut late = Self { bar, tasks: Vec::new() };
        if ui.progress {
            let bars = ui.bars.clone();
            late.spawn(|bar| async move {
                tokio::time::sleep(QUIET_FOR).await;
                let bar = bars.add(bar);
                bar.enable_steady_tick(Duration::from_millis(100));
            });
        }
        late
    }

    /// Runs a future beside the bar, as long as the bar exists.
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        task: impl FnOnce(ProgressBar) -> F,
    ) {
        self.tasks.push(tokio::spawn(task(self.bar.clone())));
    }
}

impl Drop for Late {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.bar.finish_and_clear();
    }
}

/// The progress of an ingest.
pub struct IngestProgress {
    late: Late,
    started: Instant,
    chunks: usize,
}

impl IngestProgress {
    pub fn new(ui: &Ui, cancel: &Cancel) -> Self {
        let mut late = Late::new(ui, "looking for files");
        let cancel = cancel.clone();
        late.spawn(|bar| async move {
            cancel.cancelled().await;
            bar.println(match cancel.reason() {
                Some(limit @ (Stop::Deadline | Stop::MaxCost | Stop::FirstFailure)) => {
                    format!("{}: stopping after storing what is in flight", reached(limit))
                }
                _ => "stopping after storing what is in flight; Ctrl-C again stops at once".into(),
            });
        });
        Self { late, started: Instant::now(), chunks: 0 }
    }

    pub fn on(&mut self, ui: &mut Ui, event: &IngestEvent) {
        let bar = &self.late.bar;
        match event {
            IngestEvent::Fetched { pages } => {
                bar.set_message(format!("fetched {}", counted(*pages, "page")));
            }
            IngestEvent::Discovered { files } => {
                bar.set_message(format!("found {}", counted(*files, "file")));
            }
            IngestEvent::Planned { documents, .. } => {
                bar.set_length(*documents as u64);
                bar.set_style(files_style());
                bar.set_message("0 chunks");
            }
            IngestEvent::Recognized(OcrPage { source, read, of }) => {
                let source = sanitize_line(source);
                bar.set_message(format!("recognized page {read} of {of} of {source}"));
            }
            IngestEvent::Finished { source, chunks } => {
                self.chunks += chunks;
                let seconds = self.started.elapsed().as_secs_f64().max(0.001);
                let rate = grouped((self.chunks as f64 / seconds) as usize);
                bar.set_message(format!("{}   {rate}/s", counted(self.chunks, "chunk")));
                bar.inc(1);
                // Skipped and failed sources are reported at the end, with the reason.
                if *chunks > 0 {
                    let line = format!("{}  {}", sanitize_line(source), counted(*chunks, "chunk"));
                    bar.suspend(|| ui.detail(&line));
                }
            }
            IngestEvent::Optimizing => {
                bar.set_style(spinner());
                bar.set_message("building the index");
            }
        }
    }
}

/// A spinner while something is awaited.
pub struct WaitSpinner(Option<Late>);

impl WaitSpinner {
    pub fn new(ui: &Ui, message: &str) -> Self {
        Self(Some(Late::new(ui, message)))
    }

    pub fn say(&mut self, message: &str) {
        if let Some(late) = &self.0 {
            late.bar.set_message(sanitize_line(message));
        }
    }

    pub fn done(&mut self) {
        self.0 = None;
    }

    /// Writes something else while the spinner is hidden.
    pub fn suspend(&self, write: impl FnOnce()) {
        match &self.0 {
            Some(late) => late.bar.suspend(write),
            None => write(),
        }
    }
}

fn files_style() -> ProgressStyle {
    let template = "{bar:30} {human_pos}/{human_len} files   {msg}{left}";
    // The time is not known before the first file.
    let left = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        if state.pos() > 0 {
            let _ = write!(out, "   {:#} left", HumanDuration(state.eta()));
        }
    };
    ProgressStyle::with_template(template).map_or_else(
        |_| ProgressStyle::default_bar(),
        |style| style.with_key("left", left).progress_chars("━╸─"),
    )
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}
