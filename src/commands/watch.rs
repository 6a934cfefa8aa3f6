//! `docent ingest --watch`: keeps running, and ingests again whenever something changed.
//!
//! Each sync is an ordinary run, and nothing is held between runs: neither the collection nor the lock
//! of its writer.

use super::{Context, ingest, on_interrupt, open};
use crate::cli::{IngestArgs, WebFlags};
use crate::error::{Exit, Failure, shell_word};
use crate::ingest::web::CrawlSeed;
use crate::ingest::{FailedSource, IngestReport};
use crate::service::changes::ChangeCommand;
use crate::service::sync::{SyncInputs, SyncOptions, discover_options};
use crate::service::watching::watch;
use crate::types::CrawlReach;
use crate::ui::Ui;
use crate::watch::Changes;

pub(super) async fn run(ui: &mut Ui, context: Context, args: IngestArgs) -> Result<Exit, Failure> {
    let asked_with = Some(ChangeCommand::Watch);
    let sync_options = &SyncOptions { asked_with, ..SyncOptions::from(&args.ingest) };
    let inputs = rooted(ui, &context, inputs(args.paths, &args.web)?).await?;
    let options = discover_options(&context, &inputs, sync_options);
    let engine = open(ui, context)?;
    let cancel = on_interrupt();
    let mut teller = SyncReporter { fail_fast: sync_options.fail_fast, told: None };
    let changes = Changes::default();
    let mut former = None;
    loop {
        let watch = watch(options.clone(), changes.clone(), former).await?;
        let first = teller.told.is_none();
        let outcome = ingest::sync(ui, &engine, inputs.clone(), sync_options, &cancel).await;
        if let Some(exit) = teller.tell(ui, outcome)? {
            return Ok(exit);
        }
        if first {
            ui.watching(&inputs.names(), watch.directories());
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(Exit::Interrupted),
            () = changes.settled() => former = Some(watch),
        }
    }
}

/// Parses the inputs: only changes of files can be watched.
fn inputs(typed: Vec<String>, web: &WebFlags) -> Result<SyncInputs, Failure> {
    files_only(typed, web.reach())
}

/// Files, directories and globs.
pub(super) fn files_only(typed: Vec<String>, reach: CrawlReach) -> Result<SyncInputs, Failure> {
    if typed.iter().any(|input| input == "-") {
        return Err(Failure::usage(
            "--watch takes files, directories and globs, not standard input",
        )
        .hint("ingest it separately: docent ingest -"));
    }
    let inputs = SyncInputs::parse(typed, reach)?;
    match inputs.starts.first().map(CrawlSeed::source) {
        Some(url) => Err(Failure::usage(format!(
            "--watch takes files, directories and globs, not a page of the web: {url}"
        ))
        .hint(format!("ingest it separately: docent ingest {}", shell_word(url)))),
        None => Ok(inputs),
    }
}

/// Without a PATH, the roots of earlier runs.
async fn rooted(ui: &Ui, context: &Context, mut inputs: SyncInputs) -> Result<SyncInputs, Failure> {
    if inputs.paths.is_empty() {
        inputs.paths = open(ui, context.clone())?.roots().await?;
        inputs.remembered = true;
    }
    Ok(inputs)
}

/// Reports the result of a sync, if it is news.
struct SyncReporter {
    fail_fast: bool,
    /// Sources that failed, as they were reported last; `None` before the first sync.
    told: Option<Vec<FailedSource>>,
}

impl SyncReporter {
    /// Returns the exit code or the failure, if it ends the command.
    fn tell(
        &mut self,
        ui: &mut Ui,
        outcome: Result<IngestReport, Failure>,
    ) -> Result<Option<Exit>, Failure> {
        let first = self.told.is_none();
        let failure = match outcome.and_then(|report| self.report(ui, report)) {
            Ok(exit) => {
                let ends = exit == Exit::Interrupted || (self.fail_fast && exit != Exit::Done);
                return Ok(ends.then_some(exit));
            }
            Err(failure) => failure,
        };
        self.told.get_or_insert_default();
        if self.fail_fast || is_final(failure.exit, first) {
            return Err(failure);
        }
        ui.failure(&failure);
        ui.note("still watching: the next change starts another try");
        Ok(None)
    }

    /// Reports a run, unless it found nothing to do and is not the first.
    fn report(&mut self, ui: &mut Ui, report: IngestReport) -> Result<Exit, Failure> {
        let cut_short = report.interrupted || report.stopped.is_some();
        let same = self.told.as_ref() == Some(&report.failed);
        if !(same && report.changed_nothing() && !cut_short) {
            ui.ingest_report(&report, None)?;
        }
        self.told = Some(report.failed.clone());
        ingest::exit(report)
    }
}

/// Whether no later change of a file can resolve the failure. What was typed wrongly shows in the first
/// run.
fn is_final(exit: Exit, first: bool) -> bool {
    match exit {
        Exit::Config | Exit::Interrupted | Exit::Done => true,
        Exit::Usage => first,
        Exit::Negative | Exit::Backend | Exit::Partial => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_what_no_change_can_mend() {
        for exit in [Exit::Config, Exit::Interrupted, Exit::Done] {
            assert!(is_final(exit, true) && is_final(exit, false), "{exit:?}");
        }
        assert!(is_final(Exit::Usage, true) && !is_final(Exit::Usage, false));
        for exit in [Exit::Negative, Exit::Backend, Exit::Partial] {
            assert!(!is_final(exit, true) && !is_final(exit, false), "{exit:?}");
        }
    }
}
