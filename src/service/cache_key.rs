//! The key under which a pipeline caches an index.

use std::env::consts::{ARCH, OS};

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{backends, compatibility};
use crate::embed::sparse;
use crate::error::Failure;
use crate::ingest::chunk;
use crate::settings::EmbeddingModel;
use crate::types::{ChunkerId, ContentHash, EmbedderId, SCHEMA_VERSION};

/// A name for all indexes that a run with these settings can update from their sources; other indexes
/// it would have to build again. The documents are not part of the key, since an older index is worth
/// having.
#[derive(Serialize, JsonSchema)]
pub struct IndexKey {
    /// `docent-OS-ARCH-HASH`: letters, digits, `-` and `_`.
    pub key: String,
    pub made_of: KeyParts,
}

/// What is hashed into the key.
#[derive(Serialize, JsonSchema)]
pub struct KeyParts {
    /// Version of the shape of what is stored.
    pub index_version: u32,
    pub collection: String,
    pub embedder: EmbedderId,
    pub chunker: ChunkerId,
    /// Raised when docent makes other terms of the same text.
    pub sparse_revision: u32,
    /// Language of the terms, or `auto` for that of each document.
    pub language: String,
}

/// The key for these settings. No endpoint or hub is asked; a model in a directory is read.
///
/// # Errors
/// The model can't be read.
pub async fn index_key(context: &Context) -> Result<IndexKey, Failure> {
    let settings = &context.settings;
    let made_of = KeyParts {
        index_version: SCHEMA_VERSION,
        collection: settings.collection.clone(),
        embedder: embedder(context).await?,
        chunker: ChunkerId {
            max_tokens: settings.chunk_tokens,
            overlap_tokens: settings.chunk_overlap,
            revision: chunk::REVISION,
        },
        sparse_revision: sparse::REVISION,
        language: compatibility::words_of_new(settings.language.as_deref(), None, None),
    };
    // Texts and numbers can always be written as JSON.
    let text = serde_json::to_vec(&made_of).unwrap_or_default();
    let ContentHash(hash) = ContentHash::of(&text);
    Ok(IndexKey { key: format!("docent-{OS}-{ARCH}-{}", &hash[..16]), made_of })
}

/// The embedder, as far as it is known before anything is asked: for an endpoint or a hub, the name of
/// the model.
async fn embedder(context: &Context) -> Result<EmbedderId, Failure> {
    let embedding = &context.settings.embedding;
    if matches!(embedding.model, EmbeddingModel::Builtin | EmbeddingModel::Onnx(_)) {
        return Ok(backends::embedder(context, None).await?.id().clone());
    }
    Ok(EmbedderId {
        name: embedding.model.name(),
        revision: String::new(),
        dimensions: embedding.dimensions.unwrap_or_default(),
        document_prefix: embedding.document_prefix.clone(),
        query_prefix: embedding.query_prefix.clone(),
    })
}
