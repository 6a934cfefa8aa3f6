//! `docent index drop` and `docent index prune`.

use super::{Context, checked, open};
use crate::cli::{Format, VersionName};
use crate::error::{Exit, Failure};
use crate::output::RemovedVersions;
use crate::ui::Ui;

pub(super) async fn drop(
    ui: &mut Ui,
    context: Context,
    version: VersionName,
) -> Result<Exit, Failure> {
    let number = checked(&context, version)?;
    let collection = context.settings.collection.clone();
    open(ui, context)?.drop_version(number).await?;
    told(ui, collection, vec![number])
}

/// `keep`: number of former versions to keep, if it was typed.
pub(super) async fn prune(
    ui: &mut Ui,
    context: Context,
    keep: Option<usize>,
) -> Result<Exit, Failure> {
    let settings = &context.settings;
    let (collection, keep) = (settings.collection.clone(), keep.unwrap_or(settings.index_keep));
    let removed = open(ui, context)?.prune_versions(keep).await?;
    told(ui, collection, removed)
}

fn told(ui: &mut Ui, collection: String, removed: Vec<u32>) -> Result<Exit, Failure> {
    if ui.format != Format::Text {
        ui.json(RemovedVersions { collection, removed })?;
    } else if removed.is_empty() {
        ui.data("nothing to remove\n")?;
    } else {
        let names: Vec<String> =
            removed.iter().map(|number| format!("{collection}@v{number}")).collect();
        ui.data(&format!("removed {}\n", names.join(", ")))?;
    }
    Ok(Exit::Done)
}
