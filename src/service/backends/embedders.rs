//! Makes the embedder that the settings name.

use std::sync::Arc;

use super::local::{loaded, published};
use super::retry_policy;
use crate::cancel::{self, Cancel};
use crate::embed::Embedder;
use crate::embed::builtin::Builtin;
use crate::embed::onnx::{self as onnx_embed, OnnxOptions};
use crate::embed::openai::{self as openai_embed, OpenAiOptions};
use crate::error::Failure;
use crate::http::Quota;
use crate::hub::Purpose;
use crate::onnx::ModelPlace;
use crate::record::{self, EmbedderRequest};
use crate::service::compatibility::{same_embedder, same_revision};
use crate::service::context::Context;
use crate::settings::{EmbeddingModel, Settings};
use crate::types::{EmbedderId, Manifest};

/// The configured embedder, if it is the one that built the collection. If the manifest has its
/// dimensions, no probe asks for them.
pub async fn embedder(
    context: &Context,
    manifest: Option<&Manifest>,
) -> Result<Arc<dyn Embedder>, Failure> {
    embedder_until(context, manifest, cancel::pair().1).await
}

/// The same; it sends nothing after `cancel`.
pub async fn embedder_until(
    context: &Context,
    manifest: Option<&Manifest>,
    cancel: Cancel,
) -> Result<Arc<dyn Embedder>, Failure> {
    let settings = &context.settings;
    if let Some(manifest) = manifest {
        same_embedder(settings, manifest)?;
    }
    let embedder: Arc<dyn Embedder> = match &settings.embedding.model {
        EmbeddingModel::Builtin => Arc::new(Builtin::new()),
        EmbeddingModel::Onnx(dir) => {
            let options = onnx_options(settings, context.cwd.join(dir).into(), manifest);
            Arc::new(loaded(move || onnx_embed::open(options)).await?)
        }
        EmbeddingModel::Hub(model) => {
            let built = manifest.map(|manifest| &manifest.embedder);
            let place = published(context, model, built, Purpose::Embed).await?;
            let options = onnx_options(settings, place, manifest);
            Arc::new(loaded(move || onnx_embed::open(options)).await?)
        }
        EmbeddingModel::OpenAi(model) => {
            let built = manifest.map(|manifest| manifest.embedder.clone());
            let request = EmbedderRequest {
                model: settings.embedding.model.name(),
                dimensions: settings.embedding.dimensions,
                document_prefix: settings.embedding.document_prefix.clone(),
                query_prefix: settings.embedding.query_prefix.clone(),
            };
            record::connect(&context.tape, request, built, |known| {
                openai_embed::connect(embedding_options(settings, model, known.as_ref(), cancel))
            })
            .await?
        }
    };
    if let Some(manifest) = manifest {
        same_revision(settings, &manifest.embedder, embedder.id())?;
    }
    Ok(embedder)
}

fn onnx_options(
    settings: &Settings,
    place: ModelPlace,
    manifest: Option<&Manifest>,
) -> OnnxOptions {
    let embedding = &settings.embedding;
    OnnxOptions {
        place,
        dimensions: embedding.dimensions,
        document_prefix: embedding.document_prefix.clone(),
        query_prefix: embedding.query_prefix.clone(),
        known: manifest.map(|manifest| manifest.embedder.clone()),
    }
}

/// The configured embedder, for its limits and its tokenizer only. No endpoint is asked and no model is
/// fetched: `who` only looks, such as "a dry run".
pub async fn tokenizer(
    context: &Context,
    manifest: Option<&Manifest>,
    who: &'static str,
) -> Result<Arc<dyn Embedder>, Failure> {
    let settings = &context.settings;
    if let (None, EmbeddingModel::OpenAi(model)) = (manifest, &settings.embedding.model) {
        let mut options = embedding_options(settings, model, None, cancel::pair().1);
        // The dimensions are not used without vectors, and would be asked for if they were not set.
        options.known_dimensions = options.dimensions.or(Some(1));
        return Ok(Arc::new(openai_embed::connect(options).await?));
    }
    let looking = Context { hub: context.hub.looking(who), ..context.clone() };
    embedder(&looking, manifest).await
}

fn embedding_options(
    settings: &Settings,
    model: &str,
    built: Option<&EmbedderId>,
    cancel: Cancel,
) -> OpenAiOptions {
    let embedding = &settings.embedding;
    OpenAiOptions {
        base_url: embedding.endpoint.base_url.clone(),
        api_key: embedding.endpoint.api_key.clone(),
        key_header: embedding.endpoint.key_header.clone(),
        model: model.to_owned(),
        dimensions: embedding.dimensions,
        known_dimensions: built.map(|id| id.dimensions),
        known_revision: built.map(|id| id.revision.clone()),
        document_prefix: embedding.document_prefix.clone(),
        query_prefix: embedding.query_prefix.clone(),
        batch_items: embedding.batch_items,
        batch_tokens: embedding.batch_tokens,
        input_tokens: embedding.input_tokens,
        concurrency: embedding.concurrency,
        timeout: embedding.timeout,
        retry: retry_policy(settings),
        quota: Quota { requests_per_minute: embedding.rpm, tokens_per_minute: embedding.tpm },
        cancel,
    }
}
