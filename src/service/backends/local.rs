//! Models that run in this process: finds their files, and fetches those that are missing.

use crate::error::Failure;
use crate::hub::{LocalModel, MissingModel, Purpose, model_of_file};
use crate::onnx::{ModelPlace, OnnxError, Published};
use crate::service::context::Context;
use crate::settings::{EmbeddingModel, RerankModel, VerifyModel};
use crate::types::{EmbedderId, HubModel};

/// Loads a model with `open` on a blocking thread: loading takes long, and other work goes on
/// meanwhile.
pub(super) async fn loaded<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OnnxError> + Send + 'static,
) -> Result<T, Failure> {
    let opened = tokio::task::spawn_blocking(open).await;
    opened
        .map_err(|error| Failure::config(format!("loading the model ended early: {error}")))?
        .map_err(unusable)
}

pub(super) fn unusable(error: OnnxError) -> Failure {
    let failure = Failure::config(error.to_string());
    match model_of_file(&error.path) {
        // Its files were right when they were fetched, and hints for those who export models do not help here.
        Some(model) => failure.hint(format!(
            "its files in the cache may be damaged: docent models remove {model}, then docent models fetch {model}; otherwise this model does not run here"
        )),
        None => failure.hint(error.hint),
    }
}

/// Directory of a model of a hub, which is fetched if it is not here. A collection that was built with
/// the model is asked with the commit that it was built with.
pub(super) async fn published(
    context: &Context,
    model: &HubModel,
    built: Option<&EmbedderId>,
    purpose: Purpose,
) -> Result<ModelPlace, Failure> {
    let name = model.without_revision().to_string();
    let commit = built.filter(|built| built.name == name).and_then(EmbedderId::commit);
    let LocalModel { dir, graph, commit } = context.hub.obtain(model, commit, purpose).await?;
    Ok(ModelPlace { dir, graph: Some(graph), published: Some(Published { name, commit }) })
}

/// The configured models of a hub, and what each is for.
fn named(context: &Context) -> impl Iterator<Item = (&HubModel, Purpose)> {
    let settings = &context.settings;
    let embedder = match &settings.embedding.model {
        EmbeddingModel::Hub(model) => Some((model, Purpose::Embed)),
        _ => None,
    };
    let reranker = match settings.rerank.as_ref().map(|rerank| &rerank.model) {
        Some(RerankModel::Hub(model)) => Some((model, Purpose::Rerank)),
        _ => None,
    };
    let verifier = match settings.verify.as_ref().map(|verify| &verify.model) {
        Some(VerifyModel::Hub(model)) => Some((model, Purpose::Verify)),
        _ => None,
    };
    [embedder, reranker, verifier].into_iter().flatten()
}

/// Fetches the configured models of a hub that are not here. `built` is the embedder of the collection.
pub(in crate::service) async fn fetch_models(
    context: &Context,
    built: Option<&EmbedderId>,
) -> Result<(), Failure> {
    for (model, purpose) in named(context) {
        let built = built.filter(|_| purpose == Purpose::Embed);
        published(context, model, built, purpose).await?;
    }
    Ok(())
}

/// The files of a model of a hub that are not here. The hub is asked, and nothing is fetched.
///
/// # Errors
/// There is no such model, or it can't be used for this purpose.
pub async fn missing_model(
    context: &Context,
    purpose: Purpose,
) -> Result<Option<(HubModel, MissingModel)>, Failure> {
    let Some((model, _)) = named(context).find(|(_, wanted)| *wanted == purpose) else {
        return Ok(None);
    };
    let missing = context.hub.missing(model, None, purpose).await?;
    Ok(missing.map(|missing| (model.clone(), missing)))
}
