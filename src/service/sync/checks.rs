//! What is looked at before a run changes anything, or asks for a vector.

use crate::embed::Embedder;
use crate::error::{Exit, Failure};
use crate::ingest::IngestOptions;
use crate::ingest::chunk::ChunkOptions;
use crate::service::compatibility;
use crate::service::context::Context;
use crate::store::{Reader, VectorStore, chunks_of, damaged};
use crate::types::{DocumentRecord, Manifest};

/// What is built anew has no points of other programs. One that can't be read has none either.
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

/// A document that is no file has the name that it was given: that of another project's is another's.
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
