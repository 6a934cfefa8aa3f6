//! `docent index list` and `docent index show`.

use super::{Context, checked, open};
use crate::cli::{Format, VersionName};
use crate::error::{Exit, Failure};
use crate::output::{VersionList, VersionShown, version_json};
use crate::ui::Ui;
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
