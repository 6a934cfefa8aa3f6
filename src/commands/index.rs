//! `docent index`: manages the versions of a collection; verifies and repairs it; adopts it; and
//! copies, exports and imports it.

mod key;
mod list;
mod portable;
mod remove;
mod switch;
mod transfer;

use std::sync::Arc;

use self::transfer::Way;
use super::{Context, on_interrupt, open};
use crate::cli::{Format, IndexArgs, IndexCommand, VersionName};
use crate::error::{Exit, Failure};
use crate::output::humanize::counted;
use crate::output::{Adoption, Index};
use crate::service::backends;
use crate::store::OnWait;
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

pub(super) async fn run(ui: &mut Ui, context: Context, args: IndexArgs) -> Result<Exit, Failure> {
    match args.command {
        IndexCommand::Verify => verify(ui, context).await,
        IndexCommand::Repair => repair(ui, context).await,
        IndexCommand::Key => key::run(ui, &context).await,
        IndexCommand::List => list::list(ui, context).await,
        IndexCommand::Show { version } => list::show(ui, context, version).await,
        IndexCommand::Log => list::log(ui, context).await,
        IndexCommand::Diff { before, after } => list::diff(ui, context, before, after).await,
        IndexCommand::Use { version } => switch::run(ui, context, Some(version)).await,
        IndexCommand::Rollback => switch::run(ui, context, None).await,
        IndexCommand::Drop { version } => remove::drop(ui, context, version).await,
        IndexCommand::Prune { keep } => remove::prune(ui, context, keep).await,
        IndexCommand::Push { replace } => transfer::run(ui, context, Way::Push, replace).await,
        IndexCommand::Pull { replace } => transfer::run(ui, context, Way::Pull, replace).await,
        IndexCommand::Adopt { from } => adopt(ui, context, from.as_deref()).await,
        IndexCommand::Export { file } => portable::export(ui, context, &file).await,
        IndexCommand::Import { file, replace } => {
            portable::import(ui, context, &file, replace).await
        }
    }
}

/// The number of a typed version, checked to be of the configured collection.
pub(super) fn checked(context: &Context, version: VersionName) -> Result<u32, Failure> {
    let collection = &context.settings.collection;
    let own = |named: &String| context.settings.of_tenant(named) == *collection;
    match version.collection.filter(|named| !own(named)) {
        Some(named) => {
            let message = format!("the collection is `{collection}`, not `{named}`");
            Err(Failure::usage(message).hint("name it with --collection"))
        }
        None => Ok(version.number),
    }
}

/// Reads everything that is stored: the files of an embedded collection, and in either store every
/// chunk, which is compared with the records.
async fn verify(ui: &mut Ui, context: Context) -> Result<Exit, Failure> {
    let collection = context.settings.collection.clone();
    if context.settings.qdrant.url.is_none() {
        let files = backends::files(&context, on_wait(ui))?;
        if files.verify().await?.is_none() {
            return Err(Failure::config(format!("there is no collection `{collection}`"))
                .hint("create it: docent ingest PATH"));
        }
    }
    let compared = open(ui, context)?.compare_content(&on_interrupt()).await?;
    if compared.is_unfinished {
        ui.warn("a run is under way or was cut off, so chunks were not compared with records; docent ingest completes it");
    } else if compared.unsealed > 0 {
        let unsealed = counted(compared.unsealed, "document");
        ui.warn(&format!(
            "for {unsealed} of an earlier version of docent, only the chunks were counted; docent ingest --rebuild adds the hashes to verify them"
        ));
    }
    let index = Index {
        collection,
        version: compared.version,
        documents: compared.documents,
        chunks: compared.chunks as usize,
        content_hash: compared.content_hash.map(|hash| hash.0).filter(|_| !compared.is_unfinished),
        repaired: false,
        passed_over: Vec::new(),
    };
    told(ui, index, "is whole")
}

/// Makes an intact version of an embedded collection the live one.
async fn repair(ui: &mut Ui, context: Context) -> Result<Exit, Failure> {
    let collection = context.settings.collection.clone();
    let repaired = open(ui, context)?.repair(on_wait(ui)).await?;
    for why in &repaired.passed_over {
        ui.warn(&sanitize_line(why));
    }
    let index = Index {
        collection,
        version: repaired.whole.version,
        documents: repaired.whole.documents,
        chunks: repaired.whole.chunks,
        content_hash: None,
        repaired: repaired.changed,
        passed_over: repaired.passed_over,
    };
    let what = if repaired.changed { "is live again" } else { "is whole" };
    told(ui, index, what)
}

fn on_wait(ui: &Ui) -> OnWait {
    let note = ui.announcer();
    Arc::new(move |whom| note(&format!("waiting: {whom}")))
}

fn told(ui: &mut Ui, index: Index, what: &str) -> Result<Exit, Failure> {
    if ui.format == Format::Text {
        let documents = counted(index.documents, "document");
        let chunks = counted(index.chunks, "chunk");
        let Index { collection, version, .. } = &index;
        let content = index.content_hash.as_ref();
        let content = content.map(|hash| format!("\ncontent {hash}")).unwrap_or_default();
        ui.data(&format!("{collection}@v{version} {what}: {documents}, {chunks}{content}\n"))?;
    } else {
        ui.json(index)?;
    }
    Ok(Exit::Done)
}

/// Makes this project the owner of a collection on a server.
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
