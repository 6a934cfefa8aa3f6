//! `docent index push` and `docent index pull`.

use crate::cli::Format;
use crate::commands::{Context, on_interrupt, open};
use crate::error::{Exit, Failure};
use crate::output::IndexCopy;
use crate::output::humanize::{counted, grouped};
use crate::settings::DEFAULT_COLLECTION;
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;
use crate::ui::sanitize::sanitize_line;

/// Direction of a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the data directory to the server.
    Push,
    /// From the server to the data directory.
    Pull,
}

pub(super) async fn run(
    ui: &mut Ui,
    context: Context,
    way: Way,
    replace: bool,
) -> Result<Exit, Failure> {
    if context.settings.qdrant.url.is_none() {
        return Err(Failure::usage("no Qdrant server is configured").hint(
            "name it with --qdrant-url URL, or QDRANT_URL; to copy to a file: docent index export",
        ));
    }
    let (local, mut remote) = (embedded(&context), context);
    remote.name_collection();
    let (from, to) = match way {
        Way::Push => (local, remote),
        Way::Pull => (remote, local),
    };
    let (from, to) = (open(ui, from)?, open(ui, to)?);
    let mut progress = WaitSpinner::new(ui, "comparing");
    let mut on = |sent: u64, all: u64| {
        progress.say(&format!("sent {sent} of {}", counted(all as usize, "chunk")));
    };
    let transfer = to.take_over_from(&from, replace, &on_interrupt(), &mut on).await?;
    drop(progress);
    let copy = IndexCopy {
        from: from.collection().endpoint().to_owned(),
        from_collection: from.context.settings.collection.clone(),
        to: to.collection().endpoint().to_owned(),
        collection: to.context.settings.collection.clone(),
        added: transfer.added,
        changed: transfer.changed,
        deleted: transfer.deleted,
        unchanged: transfer.unchanged,
        sent: transfer.sent,
        chunks: transfer.chunks,
        content_hash: transfer.content_hash.map(|hash| hash.0),
    };
    if ui.format == Format::Text {
        ui.data(&format!("{}\n", said(&copy)))?;
    } else {
        ui.json(copy)?;
    }
    for note in &transfer.notes {
        ui.note(note);
    }
    Ok(Exit::Done)
}

/// The embedded collection of the same project. A name that was set is used for both.
fn embedded(context: &Context) -> Context {
    let mut local = context.clone();
    if context.is_default("collection") {
        local.settings.take_collection(DEFAULT_COLLECTION);
    }
    local.settings.qdrant.url = None;
    local.project = None;
    local
}

fn said(copy: &IndexCopy) -> String {
    let IndexCopy { added, changed, deleted, unchanged, .. } = copy;
    let (collection, place) = (sanitize_line(&copy.collection), sanitize_line(&copy.to));
    let (sent, chunks) = (grouped(copy.sent as usize), counted(copy.chunks as usize, "chunk"));
    let content = copy.content_hash.as_ref();
    let content =
        content.map(|hash| format!("\ncontent {hash}, on both sides")).unwrap_or_default();
    format!(
        "added {added}, changed {changed}, deleted {deleted}, unchanged {unchanged}\nsent {sent} of {chunks} to {collection} in {place}{content}"
    )
}
