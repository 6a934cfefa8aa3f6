//! Checks before a run changes anything or asks for a vector.

use super::SyncOptions;
use crate::embed::Embedder;
use crate::error::{Exit, Failure};
use crate::ingest::IngestOptions;
use crate::ingest::chunk::ChunkOptions;
use crate::service::compatibility;
use crate::service::context::Context;
use crate::service::engine::Engine;
use crate::store::{CollectionReader, ProjectView, VectorStore, chunks_of, damaged};
use crate::types::{DocumentRecord, Manifest};

impl Engine {
    /// Refuses `--partition` if parts can't be ingested side by side.
    pub(super) fn check_partition(&self, options: &SyncOptions) -> Result<(), Failure> {
        if options.partition.is_none() {
            return Ok(());
        }
        let refused = match options.builds_by() {
            Some(flag) => format!("{flag} builds a whole version, and --partition ingests a part: build it with one run, and update it in parts"),
            None if !options.forget.is_empty() => {
                "--forget concerns the whole collection, and can't be used with --partition".to_owned()
            }
            None if options.share => {
                "--share adds documents beside those of another project, and can't be used with --partition".to_owned()
            }
            None if self.context.project.is_none() => {
                let failure = Failure::usage("--partition needs a collection on a Qdrant server: an embedded one is written by one process at a time");
                return Err(failure.hint("name a server with --qdrant-url, or omit --partition"));
            }
            // Workers that begin at the same time, or in other checkouts, would each generate another
            // name.
            None if self.context.project.as_ref().is_some_and(|it| !it.is_kept()) => {
                let failure = Failure::config("workers of several parts need the same project name, and the project has none yet");
                return Err(failure.hint("set the same one for all of them: `project = \"NAME\"` in docent.toml, or DOCENT_PROJECT"));
            }
            None => return Ok(()),
        };
        Err(Failure::usage(refused))
    }

    /// Refuses `--partition` for a collection that several projects share.
    pub(in crate::service) fn check_sole_owner(
        &self,
        part: &ProjectView,
        options: &SyncOptions,
    ) -> Result<(), Failure> {
        let owner = part.ownership();
        if options.partition.is_none() || owner.guests.is_empty() {
            return Ok(());
        }
        Err(Failure::config(format!(
            "collection `{}` is shared by several projects, and can't be ingested in parts",
            self.context.settings.collection
        ))
        .hint("omit --partition, or name another collection with --collection"))
    }
}

/// Refuses a rebuild that would drop points of other programs. A collection that can't be read is taken
/// to have none.
pub(super) async fn spare_foreign_points(former: &CollectionReader) -> Result<(), Failure> {
    match former.foreign_points().await {
        Ok(foreign) if foreign.count > 0 => Err(Failure::new(
            Exit::Negative,
            format!(
                "another program has written {} of the points in the collection, such as {}, which --rebuild would leave out",
                foreign.count,
                foreign.ids.join(", ")
            ),
        )
        .hint("if they are not needed, --allow-prune drops them")),
        _ => Ok(()),
    }
}

/// Compares the text of every chunk with the checksum that it was stored with.
pub(super) async fn check_chunks(
    store: &dyn VectorStore,
    documents: &[DocumentRecord],
) -> Result<(), Failure> {
    for record in documents {
        let chunks = chunks_of(store, &record.source).await?;
        if let Some(chunk) = chunks.iter().find(|chunk| !chunk.is_intact()) {
            return Err(damaged(store, chunk).into());
        }
    }
    Ok(())
}

/// Refuses an inline document with the name of a document of another project.
pub(super) fn check_inline(options: &IngestOptions) -> Result<(), Failure> {
    let mut inline = options.inline_documents().map(|document| &document.source);
    match inline.find_map(|source| Some((source, options.taken.get(source)?))) {
        Some((source, project)) => Err(Failure::config(format!(
            "`{source}` is already the name of a document of the project `{project}` in this collection"
        ))
        .hint("give it another name: --source NAME")),
        None => Ok(()),
    }
}

/// Checks that documents can be added to the existing collection.
pub(super) fn check_build(
    context: &Context,
    options: &IngestOptions,
    manifest: Option<&Manifest>,
) -> Result<(), Failure> {
    let Some(manifest) = manifest else { return Ok(()) };
    compatibility::same_chunker(&context.settings, &options.chunker_id(), manifest)?;
    compatibility::check_analyzer(&context.settings, manifest)
}

/// Fits the default chunk size to the embedder's limit. A size that was set is not changed.
pub(super) fn fit_chunks(
    context: &Context,
    chunk: &mut ChunkOptions,
    embedder: &dyn Embedder,
) -> Result<(), Failure> {
    let limit = embedder.limits().input_tokens;
    if chunk.max_tokens <= limit {
        return Ok(());
    }
    if !context.is_default("chunk.tokens") {
        let size = chunk.max_tokens;
        let message = format!("chunks of {size} tokens are over the embedder's limit of {limit}");
        return Err(Failure::config(message).hint("lower --chunk-tokens"));
    }
    chunk.max_tokens = limit;
    chunk.overlap_tokens = chunk.overlap_tokens.min(limit / 2);
    Ok(())
}
