//! Models of a hub, for whatever wants one.

use super::context::Context;
use crate::error::Failure;
use crate::hub::{HeldModel, Purpose};
use crate::onnx::{ModelPlace, Published};
use crate::types::{EmbedderId, HubModel};

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
