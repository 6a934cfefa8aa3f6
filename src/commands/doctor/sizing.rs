//! `docent doctor --size`: what a collection of a given size takes, and which store suits it.

use crate::cli::Format;
use crate::commands::{Context, open};
use crate::error::{Exit, Failure};
use crate::output::humanize::{bytes, counted, grouped};
use crate::output::{NeedsJson, SizingJson};
use crate::service::backends;
use crate::service::sizing::{CollectionHome, ResourceNeeds, Sizing, Workload};
use crate::settings::EmbeddingModel;
use crate::ui::Ui;

/// Dimensions of many models, used if those of the configured model are not known.
const USUAL_DIMENSIONS: usize = 1_024;

pub(super) async fn run(ui: &mut Ui, context: &Context, chunks: u64) -> Result<Exit, Failure> {
    let (dimensions, whence) = dimensions(ui, context).await?;
    let sizing = Sizing::of(Workload { chunks, dimensions });
    if ui.format != Format::Text {
        ui.json(shown(chunks, dimensions, &sizing))?;
        return Ok(Exit::Done);
    }
    let Sizing { embedded, server, server_on_disk, node, nodes, shards, copies, .. } = sizing;
    let up_to = counted(sizing.embedded_up_to as usize, "chunk");
    let mark = |home: CollectionHome| if home == sizing.home { "*" } else { " " };
    let row = |home, name: &str, needs: ResourceNeeds, said: &str| {
        format!(
            "{} {name:9}  {:>8} on disk  {:>8} in memory  {said}\n",
            mark(home),
            bytes(needs.disk),
            bytes(needs.memory)
        )
    };
    let mut text = format!(
        "{} of {} dimensions ({whence}); * is the store that suits them\n",
        counted(chunks as usize, "chunk"),
        grouped(dimensions)
    );
    let said = format!("up to {up_to}: a question is compared with all of them, on one machine");
    text += &row(CollectionHome::Embedded, "embedded", embedded, &said);
    text += &row(CollectionHome::Server, "server", server, "docent ingest --qdrant-url URL");
    let said = "docent ingest --qdrant-url URL --on-disk --quantization scalar";
    text += &row(CollectionHome::ServerOnDisk, "server", server_on_disk, said);
    let said = format!(
        "each of {nodes} nodes of 64 GiB: docent ingest --qdrant-url URL,URL,URL --shard-number {shards} --replication-factor {copies}"
    );
    text += &row(CollectionHome::Cluster, "cluster", node, &said);
    text += "While a version is built beside the live one, disk is needed twice. Memory of an embedded collection is mostly mapped from files.\n";
    ui.data(&text)?;
    Ok(Exit::Done)
}

/// Dimensions of the collection, or of the embedder.
async fn dimensions(ui: &Ui, context: &Context) -> Result<(usize, &'static str), Failure> {
    // The server need not exist yet: this is asked to plan it.
    if let Ok(Some(reader)) = open(ui, context.clone())?.collection().read().await {
        return Ok((reader.manifest().embedder.dimensions, "as the collection"));
    }
    Ok(match context.settings.embedding.model {
        EmbeddingModel::Builtin => {
            let embedder = backends::embedder(context, None).await?;
            (embedder.id().dimensions, "as the built-in embedder")
        }
        _ => (USUAL_DIMENSIONS, "as many models have"),
    })
}

fn shown(chunks: u64, dimensions: usize, sizing: &Sizing) -> SizingJson {
    let needs = |needs: ResourceNeeds| NeedsJson { disk: needs.disk, memory: needs.memory };
    let home = match sizing.home {
        CollectionHome::Embedded => "embedded",
        CollectionHome::Server => "server",
        CollectionHome::ServerOnDisk => "server_on_disk",
        CollectionHome::Cluster => "cluster",
    };
    SizingJson {
        chunks,
        dimensions,
        home: home.to_owned(),
        embedded: needs(sizing.embedded),
        embedded_up_to: sizing.embedded_up_to,
        server: needs(sizing.server),
        server_on_disk: needs(sizing.server_on_disk),
        node: needs(sizing.node),
        nodes: sizing.nodes,
        shards: sizing.shards,
        copies: sizing.copies,
    }
}
