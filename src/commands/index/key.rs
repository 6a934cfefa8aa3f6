//! `docent index key`.

use super::super::Context;
use crate::cli::Format;
use crate::error::{Exit, Failure};
use crate::service::cache_key::index_key;
use crate::ui::Ui;

pub(super) async fn run(ui: &mut Ui, context: &Context) -> Result<Exit, Failure> {
    let key = index_key(context).await?;
    if ui.format == Format::Text {
        ui.data(&format!("{}\n", key.key))?;
    } else {
        ui.json(key)?;
    }
    Ok(Exit::Done)
}
