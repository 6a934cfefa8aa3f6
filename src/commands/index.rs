//! `docent index`: the versions of a collection; whether what is stored is what was stored, and what to do
//! where it is not; whose it is; and how it gets elsewhere.

mod list;
mod portable;
mod remove;
mod switch;

use std::sync::Arc;

use super::{Context, open};
use crate::cli::{Format, IndexArgs, IndexCommand, VersionName};
use crate::error::{Exit, Failure};
use crate::output::words::counted;
use crate::output::{Adoption, Index};
use crate::service::backends;
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) async fn run(ui: &mut Ui, context: Context, args: IndexArgs) -> Result<Exit, Failure> {
    match args.command {
        IndexCommand::Verify => read_whole(ui, context, false).await,
        IndexCommand::Repair => read_whole(ui, context, true).await,
        IndexCommand::List => list::list(ui, context).await,
        IndexCommand::Show { version } => list::show(ui, context, version).await,
        IndexCommand::Use { version } => switch::run(ui, context, Some(version)).await,
        IndexCommand::Rollback => switch::run(ui, context, None).await,
        IndexCommand::Drop { version } => remove::drop(ui, context, version).await,
        IndexCommand::Prune { keep } => remove::prune(ui, context, keep).await,
        IndexCommand::Adopt { from } => adopt(ui, context, from.as_deref()).await,
        IndexCommand::Export { file } => portable::export(ui, context, &file).await,
        IndexCommand::Import { file, replace } => {
            portable::import(ui, context, &file, replace).await
        }
    }
}

/// The number of a version that was typed, which is one of the collection.
fn checked(context: &Context, version: VersionName) -> Result<u32, Failure> {
    let collection = &context.settings.collection;
    match version.collection.filter(|named| named != collection) {
        Some(named) => {
            let message = format!("the collection is `{collection}`, and not `{named}`");
            Err(Failure::usage(message).hint("name it with --collection"))
        }
        None => Ok(version.number),
    }
}

/// Reads everything of the embedded store's files; with `repair`, makes a version that is whole the collection.
async fn read_whole(ui: &mut Ui, context: Context, repair: bool) -> Result<Exit, Failure> {
    let note = ui.announcer();
    let files = backends::files(&context, Arc::new(move |whom| note(&format!("waiting: {whom}"))))?;
    let collection = context.settings.collection.clone();
    let (whole, repaired, passed_over) = if repair {
        let repaired = files.repair().await?;
        (repaired.whole, repaired.changed, repaired.passed_over)
    } else {
        let missing = || {
            Failure::new(Exit::Config, format!("there is no collection `{collection}`"))
                .hint("create it: docent ingest PATH")
        };
        (files.verify().await?.ok_or_else(missing)?, false, Vec::new())
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

/// Makes a collection on a server this project's.
async fn adopt(ui: &mut Ui, context: Context, from: Option<&str>) -> Result<Exit, Failure> {
    let collection = context.settings.collection.clone();
    let adopted = open(ui, context)?.adopt(from).await?;
    let owner = adopted.manifest.owner;
    let project = owner.project.unwrap_or_default();
    if ui.format == Format::Text {
        let named = if adopted.named { ", and has its name again" } else { "" };
        let physical = sanitize_line(&adopted.physical);
        let project = sanitize_line(&project);
        ui.data(&format!("{collection} ({physical}) belongs to the project {project}{named}\n"))?;
    } else {
        ui.json(Adoption {
            collection,
            project,
            physical: adopted.physical,
            named: adopted.named,
            formerly: owner.formerly,
        })?;
    }
    Ok(Exit::Done)
}
