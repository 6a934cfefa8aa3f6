//! What is looked at before a run changes anything, or asks for a vector.

use super::SyncOptions;
use crate::embed::Embedder;
use crate::error::{Exit, Failure};
use crate::ingest::IngestOptions;
use crate::ingest::chunk::ChunkOptions;
use crate::service::compatibility;
use crate::service::context::Context;
use crate::service::engine::Engine;
use crate::store::{Part, Reader, VectorStore, chunks_of, damaged};
use crate::types::{DocumentRecord, Manifest};

impl Engine {
    /// Refuses parts where they can't be brought in beside each other.
    pub(super) fn check_partition(&self, options: &SyncOptions) -> Result<(), Failure> {
        if options.partition.is_none() {
            return Ok(());
        }
        let refused = match options.builds_by() {
            Some(flag) => format!("{flag} builds a version as a whole, which --partition does not: build it with one run, and keep it up to date in parts"),
            None if !options.forget.is_empty() => {
                "--forget is about the whole collection, and goes without --partition".to_owned()
            }
            None if options.share => {
                "--share brings documents in beside those of another project, and goes without --partition".to_owned()
            }
            None if self.context.project.is_none() => {
                let failure = Failure::usage("--partition is for a collection on a Qdrant server: an embedded one is written by one process at a time");
                return Err(failure.hint("name a server with --qdrant-url, or leave --partition out"));
            }
            // Workers that begin at once, or in checkouts of their own, would each make up another.
            None if self.context.project.as_ref().is_some_and(|it| !it.is_kept()) => {
                let failure = Failure::config("workers of several parts need one name of the project, and it has none yet");
                return Err(failure.hint("give all of them the same: `project = \"NAME\"` in docent.toml, or DOCENT_PROJECT"));
            }
            None => return Ok(()),
        };
        Err(Failure::usage(refused))
    }

    /// The same where it is known whose the collection is.
    pub(in crate::service) fn check_sole_owner(
        &self,
        part: &Part,
        options: &SyncOptions,
    ) -> Result<(), Failure> {
        let owner = part.ownership();
        if options.partition.is_none() || owner.guests.is_empty() {
            return Ok(());
        }
        Err(Failure::config(format!(
            "collection `{}` is shared by several projects, and is not brought in by parts",
            self.context.settings.collection
        ))
        .hint("leave --partition out, or name another collection with --collection"))
    }
}

/// What is rebuilt has no points of other programs. One that can't be read has none either.
pub(super) async fn spare_foreign_points(former: &Reader) -> Result<(), Failure> {
    match former.foreign_points().await {
        Ok(foreign) if foreign.count > 0 => Err(Failure::new(
            Exit::Negative,
            format!(
                "another program has written {} of the points in the collection, such as {}, which --rebuild would leave out",
                foreign.count,
                foreign.ids.join(", ")
            ),
        )
        .hint("where they are of no use, --allow-prune lets them go")),
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

/// A document that is not a file has the name that it was given: that of another project's is another's.
pub(super) fn check_inline(options: &IngestOptions) -> Result<(), Failure> {
    let mut inline = options.inline_documents().map(|document| &document.source);
    match inline.find_map(|source| Some((source, options.taken.get(source)?))) {
        Some((source, project)) => Err(Failure::config(format!(
            "`{source}` is the name of a document of the project `{project}` in this collection"
        ))
        .hint("give it another: --source NAME")),
        None => Ok(()),
    }
}

/// Whether documents can be added to what is there.
pub(super) fn check_build(
    context: &Context,
    options: &IngestOptions,
    manifest: Option<&Manifest>,
) -> Result<(), Failure> {
    let Some(manifest) = manifest else { return Ok(()) };
    compatibility::same_chunker(&context.settings, &options.chunker_id(), manifest)?;
    compatibility::same_words(&context.settings, manifest)
}

/// Chunks of the default size are made as small as the embedder needs them. A size that was asked
/// for stays what it is.
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
        return Err(Failure::config(message).hint("set --chunk-tokens lower"));
    }
    chunk.max_tokens = limit;
    chunk.overlap_tokens = chunk.overlap_tokens.min(limit / 2);
    Ok(())
}
