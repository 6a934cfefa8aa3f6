//! `docent purge`: deletes documents, after a confirmation.

use std::io::{self, IsTerminal as _};

use super::{Context, open};
use crate::cli::{Format, PurgeArgs};
use crate::error::{Exit, Failure};
use crate::output::humanize::{counted, grouped};
use crate::service::purge::{PurgeReport, PurgeRequest};
use crate::ui::Ui;
use crate::ui::purge::purge_text;

pub(super) async fn run(ui: &mut Ui, context: Context, args: PurgeArgs) -> Result<Exit, Failure> {
    let PurgeArgs { sources, tags, older_than, dry_run, yes } = args;
    let request = PurgeRequest { sources, tags, older_than };
    let engine = open(ui, context)?;
    if dry_run {
        return told(ui, engine.purge_plan(&request).await?);
    }
    if !yes && !is_meant(ui, &engine.purge_plan(&request).await?)? {
        ui.note("nothing was purged");
        return Ok(Exit::Negative);
    }
    told(ui, engine.purge(&request).await?)
}

/// Asks the user at the terminal; a pipeline has to use `--yes`.
fn is_meant(ui: &mut Ui, plan: &PurgeReport) -> Result<bool, Failure> {
    if plan.is_empty() {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let found = counted(plan.documents, "document");
        return Err(Failure::usage(format!(
            "{found} would be purged, but there is no terminal to ask for confirmation"
        ))
        .hint("check with --dry-run what would be purged, and confirm with --yes"));
    }
    let (documents, versions) = (counted(plan.documents, "document"), plan.versions.len());
    let chunks = grouped(plan.chunks as usize);
    let question = format!(
        "purge {documents} ({chunks} chunks in {}) of {}? It cannot be undone [y/N] ",
        counted(versions, "version"),
        plan.collection
    );
    ui.ask(&question)
}

fn told(ui: &mut Ui, report: PurgeReport) -> Result<Exit, Failure> {
    // So that nobody takes it for a complete purge.
    let exit = if report.hidden_versions.is_empty() { Exit::Done } else { Exit::Partial };
    if ui.format == Format::Text {
        let text = purge_text(ui, &report);
        ui.data(&text)?;
    } else {
        ui.json(report)?;
    }
    Ok(exit)
}
