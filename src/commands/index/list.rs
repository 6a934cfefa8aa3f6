//! `docent index list`, `show`, `log` and `diff`.

use super::{Context, checked, open};
use crate::cli::{Format, VersionName};
use crate::error::{Exit, Failure};
use crate::output::{VersionDiffed, VersionList, VersionLog, VersionShown, version_json};
use crate::ui::Ui;
use crate::ui::history::{version_changes, version_events};
use crate::ui::versions::{version_rows, version_table};

pub(super) async fn list(ui: &mut Ui, context: Context) -> Result<Exit, Failure> {
    let engine = open(ui, context)?;
    let reports = engine.version_reports().await?;
    let versions = reports.iter().map(version_json).collect();
    let collection = engine.context.settings.collection.clone();
    let store = engine.collection().endpoint().to_owned();
    let list = VersionList { collection, store, versions };
    if ui.format == Format::Text {
        ui.data(&version_table(ui, &list))?;
    } else {
        ui.json(list)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn show(
    ui: &mut Ui,
    context: Context,
    version: Option<VersionName>,
) -> Result<Exit, Failure> {
    let number = version.map(|version| checked(&context, version)).transpose()?;
    let engine = open(ui, context)?;
    let report = engine.version_report(number).await?;
    let collection = engine.context.settings.collection.clone();
    let version = version_json(&report);
    let shown = VersionShown { collection, version, manifest: report.entry.manifest };
    if ui.format == Format::Text {
        ui.data(&version_rows(ui, &shown))?;
    } else {
        ui.json(shown)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn log(ui: &mut Ui, context: Context) -> Result<Exit, Failure> {
    let engine = open(ui, context)?;
    let mut events = engine.version_log().await?;
    events.reverse();
    let log = VersionLog { collection: engine.context.settings.collection.clone(), events };
    if ui.format == Format::Text {
        ui.data(&version_events(ui, &log))?;
    } else {
        ui.json(log)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn diff(
    ui: &mut Ui,
    context: Context,
    before: VersionName,
    after: VersionName,
) -> Result<Exit, Failure> {
    let (before, after) = (checked(&context, before)?, checked(&context, after)?);
    let engine = open(ui, context)?;
    let diff = engine.version_diff(before, after).await?;
    let diffed = VersionDiffed { collection: engine.context.settings.collection.clone(), diff };
    if ui.format == Format::Text {
        ui.data(&version_changes(ui, &diffed))?;
    } else {
        ui.json(diffed)?;
    }
    Ok(Exit::Done)
}
