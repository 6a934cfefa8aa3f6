//! Shows that a model is being fetched: with a line, and a bar on a terminal.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use super::Ui;
use crate::hub::FetchEvent;
use crate::output::humanize;

impl Ui {
    /// Shows the progress of a fetch, beside whatever else is shown.
    pub fn fetching(&self) -> impl Fn(&FetchEvent) + Send + Sync + 'static {
        let (note, bars, drawn) = (self.announcer(), self.bars.clone(), self.progress);
        let shown: Mutex<Shown> = Mutex::default();
        move |event| {
            let Shown { bar, waited } = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                FetchEvent::Begun { bytes, here, .. } if here == bytes => {}
                FetchEvent::Begun { model, commit, endpoint, bytes, here } => {
                    note(&begun(model, commit, endpoint, *bytes, *here));
                    if drawn {
                        // A bar that is drawn before it has its place would stay there.
                        let shown = bars.add(ProgressBar::new(*bytes));
                        shown.set_style(style());
                        shown.set_position(*here);
                        *bar = Some(shown);
                    }
                }
                FetchEvent::Waiting if *waited => {}
                FetchEvent::Waiting => {
                    *waited = true;
                    note("waiting: another process is fetching the model");
                }
                FetchEvent::Received { bytes } => {
                    if let Some(bar) = bar {
                        bar.inc(*bytes);
                    }
                }
                FetchEvent::Discarded { bytes } => {
                    if let Some(bar) = bar {
                        bar.set_position(bar.position().saturating_sub(*bytes));
                    }
                }
                FetchEvent::Done => {
                    *waited = false;
                    if let Some(bar) = bar.take() {
                        bar.finish_and_clear();
                    }
                }
            }
        }
    }
}

/// What was shown about a fetch so far.
#[derive(Default)]
struct Shown {
    bar: Option<ProgressBar>,
    /// Whether a note said that another process is fetching it.
    waited: bool,
}

fn begun(model: &str, commit: &str, endpoint: &str, bytes: u64, here: u64) -> String {
    let commit = commit.get(..8).unwrap_or(commit);
    let kept = if here > 0 {
        format!(", {} of them are here already", humanize::bytes(here))
    } else {
        String::new()
    };
    format!("fetching {model} (commit {commit}), {} from {endpoint}{kept}", humanize::bytes(bytes))
}

fn style() -> ProgressStyle {
    let template =
        "{bar:30} {decimal_bytes}/{decimal_total_bytes}   {decimal_bytes_per_sec}   {eta} left";
    ProgressStyle::with_template(template)
        .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("━╸─"))
}
