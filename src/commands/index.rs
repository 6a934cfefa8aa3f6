//! `docent index`: whether what is stored is what was stored, and what to do where it is not.

use std::sync::Arc;

use super::Context;
use crate::cli::{Format, IndexArgs, IndexCommand};
use crate::error::{Exit, Failure};
use crate::output::Index;
use crate::output::words::counted;
use crate::service::backends;
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) async fn run(ui: &mut Ui, context: Context, args: IndexArgs) -> Result<Exit, Failure> {
    let note = ui.announcer();
    let files = backends::files(&context, Arc::new(move |whom| note(&format!("waiting: {whom}"))))?;
    let collection = context.settings.collection.clone();
    let (whole, repaired, passed_over) = match args.command {
        IndexCommand::Verify => {
            let missing = || {
                Failure::new(Exit::Config, format!("there is no collection `{collection}`"))
                    .hint("create it: docent ingest PATH")
            };
            (files.verify().await?.ok_or_else(missing)?, false, Vec::new())
        }
        IndexCommand::Repair => {
            let repaired = files.repair().await?;
            (repaired.whole, repaired.changed, repaired.passed_over)
        }
    };
    for why in &passed_over {
        ui.warn(&sanitize_line(why));
    }
    if ui.format == Format::Text {
        let what = if repaired { "is the collection again" } else { "is whole" };
        let documents = counted(whole.documents, "document");
        let chunks = counted(whole.chunks, "chunk");
        ui.data(&format!("{collection}@v{} {what}: {documents}, {chunks}\n", whole.version))?;
    } else {
        ui.json(Index {
            collection,
            version: whole.version,
            documents: whole.documents,
            chunks: whole.chunks,
            repaired,
            passed_over,
        })?;
    }
    Ok(Exit::Done)
}
