//! Whether a collection fits what is configured: vectors of two models, chunks of two sizes or words
//! of two languages never share a collection. A mismatch names the command that mends it.

use crate::embed::sparse;
use crate::error::Failure;
use crate::settings::{EmbeddingModel, Settings};
use crate::types::{ChunkerId, EmbedderId, Manifest};

/// Models that compute in this process are known by what they are computed from.
pub(super) fn same_revision(
    settings: &Settings,
    built: &EmbedderId,
    now: &EmbedderId,
) -> Result<(), Failure> {
    if built == now {
        return Ok(());
    }
    match &settings.embedding.model {
        EmbeddingModel::OpenAi(_) => Ok(()),
        EmbeddingModel::Builtin => {
            let other = format!("another revision of the built-in embedder ({})", built.revision);
            Err(mismatch(settings, &other))
        }
        EmbeddingModel::Onnx(_) if built.revision != now.revision => {
            let (name, was) = (&built.name, &built.revision);
            let other = format!("another model, `{name}` ({was}; this one is {})", now.revision);
            Err(mismatch(settings, &other))
        }
        EmbeddingModel::Onnx(_) if built.dimensions != now.dimensions => {
            Err(mismatch(settings, &format!("vectors of {} dimensions", built.dimensions)))
        }
        EmbeddingModel::Onnx(_) => Err(mismatch(settings, &prefixes(built))),
    }
}

/// Vectors of two models never share a collection.
pub(super) fn same_embedder(settings: &Settings, manifest: &Manifest) -> Result<(), Failure> {
    let (built, configured) = (&manifest.embedder, &settings.embedding);
    let same = match &configured.model {
        // By what it is called here nobody knows it elsewhere: see `same_revision`.
        EmbeddingModel::Onnx(_) => built.name.starts_with("onnx:"),
        model => built.name == model.name(),
    };
    if !same {
        return Err(mismatch(settings, &format!("the embedder `{}`", built.name)));
    }
    if !configured.model.is_endpoint() {
        return Ok(());
    }
    if configured.dimensions.is_some_and(|dimensions| dimensions != built.dimensions) {
        return Err(mismatch(settings, &format!("vectors of {} dimensions", built.dimensions)));
    }
    if built.document_prefix != configured.document_prefix
        || built.query_prefix != configured.query_prefix
    {
        return Err(mismatch(settings, &prefixes(built)));
    }
    Ok(())
}

fn prefixes(built: &EmbedderId) -> String {
    let EmbedderId { document_prefix, query_prefix, .. } = built;
    format!("the prefixes {document_prefix:?} (documents) and {query_prefix:?} (questions)")
}

fn mismatch(settings: &Settings, built_with: &str) -> Failure {
    let name = settings.embedding.model.name();
    Failure::config(format!(
        "collection `{}` was built with {built_with}, and the embedder is `{name}`",
        settings.collection
    ))
    .hint(format!(
        "use the settings it was built with (`docent status` shows them), or build it anew: docent ingest --rebuild --embedder {name}"
    ))
}

/// Chunks of two sizes would compete in one collection.
pub fn same_chunker(
    settings: &Settings,
    chunker: &ChunkerId,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let built = &manifest.chunker;
    if built == chunker {
        return Ok(());
    }
    if built.revision != chunker.revision {
        return Err(Failure::config(format!(
            "collection `{}` was built by docent {}, which cut documents otherwise",
            settings.collection, manifest.docent
        ))
        .hint(
            "it can be searched as it is; to change it, build it anew: docent ingest --rebuild",
        ));
    }
    Err(Failure::config(format!(
        "collection `{}` was built with chunks of {} tokens, {} of them overlapping; now they are {} and {}",
        settings.collection,
        built.max_tokens,
        built.overlap_tokens,
        chunker.max_tokens,
        chunker.overlap_tokens,
    ))
    .hint(format!(
        "use --chunk-tokens {} --chunk-overlap {}, or build it anew: docent ingest --rebuild",
        built.max_tokens, built.overlap_tokens
    )))
}

/// A collection has terms of one language, told apart in one way.
pub fn same_words(settings: &Settings, manifest: &Manifest) -> Result<(), Failure> {
    let built = &manifest.sparse.language;
    match &settings.language {
        Some(language) if language != built => Err(Failure::config(format!(
            "collection `{}` has the words of {built}, and not of {language}",
            settings.collection
        ))
        .hint(format!(
            "use --language {built}, or build it anew: docent ingest --rebuild --language {language}"
        ))),
        _ => sparse::check(&manifest.sparse).map_err(|problem| other_words(settings, &problem)),
    }
}

pub(super) fn other_words(settings: &Settings, problem: &str) -> Failure {
    Failure::config(format!("collection `{}`: {problem}", settings.collection))
        .hint("build it anew: docent ingest --rebuild")
}
