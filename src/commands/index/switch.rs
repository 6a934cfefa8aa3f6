//! `docent index use` and `docent index rollback`.

use super::{Context, checked, open};
use crate::cli::{Format, VersionName};
use crate::error::{Exit, Failure};
use crate::output::SwitchedVersion;
use crate::ui::Ui;

/// `version` is the version to switch to; `None` for the one that was live before.
pub(super) async fn run(
    ui: &mut Ui,
    context: Context,
    version: Option<VersionName>,
) -> Result<Exit, Failure> {
    let number = version.map(|version| checked(&context, version)).transpose()?;
    let collection = context.settings.collection.clone();
    let engine = open(ui, context)?;
    let switch = match number {
        Some(number) => engine.use_version(number).await?,
        None => engine.roll_back().await?,
    };
    let (live, former) = (switch.live, switch.former);
    if ui.format == Format::Text {
        let said = if live == former {
            format!("{collection}@v{live} is already live")
        } else {
            format!("{collection}@v{live} is live now; {collection}@v{former} is kept")
        };
        ui.data(&format!("{said}\n"))?;
    } else {
        ui.json(SwitchedVersion { collection, live, former })?;
    }
    Ok(Exit::Done)
}
