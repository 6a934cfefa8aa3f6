//! Models that run in this process: where they are, and that they are there.

use crate::error::Failure;
use crate::hub::{HeldModel, MissingModel, Purpose};
use crate::onnx::{ModelPlace, OnnxError, Published};
use crate::service::context::Context;
use crate::settings::{EmbeddingModel, RerankModel, VerifyModel};
use crate::types::{EmbedderId, HubModel};

/// What `open` makes of the files of a model. It takes its time, and other work goes on.
pub(super) async fn loaded<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OnnxError> + Send + 'static,
) -> Result<T, Failure> {
    let opened = tokio::task::spawn_blocking(open).await;
    opened
        .map_err(|error| Failure::config(format!("loading the model ended early: {error}")))?
        .map_err(unusable)
}

pub(super) fn unusable(error: OnnxError) -> Failure {
    Failure::config(error.to_string()).hint(error.hint)
}

/// Where the model of a hub is, which is fetched where it has to be. A collection that was built with it is
/// asked with the commit that it was built with.
pub(super) async fn published(
    context: &Context,
    model: &HubModel,
    built: Option<&EmbedderId>,
    purpose: Purpose,
) -> Result<ModelPlace, Failure> {
    let name = model.without_revision().to_string();
    let commit = built.filter(|built| built.name == name).and_then(EmbedderId::commit);
    let HeldModel { dir, graph, commit } = context.hub.obtain(model, commit, purpose).await?;
    Ok(ModelPlace { dir, graph: Some(graph), published: Some(Published { name, commit }) })
}

/// The models of a hub that are configured, and what for.
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

/// Fetches the models of a hub that are configured and not here. `built` is what made the collection.
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

/// What of a model of a hub is not here. The hub is asked, and nothing is fetched.
///
/// # Errors
/// There is none, or it can't be used so.
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
