//! `GET /v1/models`: a model for each collection that is there, and the chat model by itself. Some clients
//! ask at every page load, so no model is asked for it.

use std::time::Duration;

use axum::response::Response;
use futures::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::{bare, model_id, no_model, open_model};
use crate::serve::call::Call;
use crate::serve::native::json;
use crate::serve::openapi::Operation;
use crate::serve::refusal::Refusal;

/// Longest that a store is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A model for each collection that is there, and the chat model by itself.
#[derive(Serialize, JsonSchema)]
struct ModelList {
    /// `list`.
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize, JsonSchema)]
struct Model {
    /// `docent/COLLECTION`, or the name of the chat model.
    id: String,
    /// `model`.
    object: &'static str,
    /// Not known before the collection is opened, and nobody reads it.
    created: i64,
    /// `docent`; `chat` of the chat model.
    owned_by: &'static str,
}

impl Model {
    fn of(collection: &str) -> Self {
        Self { id: model_id(collection), object: "model", created: 0, owned_by: "docent" }
    }

    /// What answers without documents.
    fn bare(id: String) -> Self {
        Self { id, object: "model", created: 0, owned_by: "chat" }
    }
}

pub(in crate::serve) fn described_list(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("listModels", "A model for each collection, and the chat model by itself")
        .answers::<ModelList>()
}

pub(in crate::serve) fn described_one(operation: Operation<'_>) -> Operation<'_> {
    operation.named("getModel", "One of them").answers::<Model>()
}

pub(in crate::serve) async fn list(call: Call) -> Response {
    let looked = call.caller.collections().map(|name| async {
        let collection = call.caller.open(Some(name)).ok()?.engine().collection().clone();
        // One that does not answer may be there.
        let read = tokio::time::timeout(PATIENCE, collection.read()).await;
        (!matches!(read, Ok(Ok(None)))).then(|| Model::of(name))
    });
    let bare = bare::model(&call.caller).map(Model::bare);
    let data = join_all(looked).await.into_iter().flatten().chain(bare).collect();
    json(&ModelList { object: "list", data })
}

pub(in crate::serve) fn one(call: &Call) -> Result<Response, Refusal> {
    let id = call.param("id");
    let known = call.caller.collections().find(|name| model_id(name) == id);
    if let Some(name) = known {
        return Ok(json(&Model::of(name)));
    }
    if bare::model(&call.caller).as_deref() == Some(id) {
        return Ok(json(&Model::bare(id.to_owned())));
    }
    // `docent` is the usual one.
    let usual = open_model(&call.caller, id).map_err(|_| no_model(&call.caller, id))?;
    Ok(json(&Model { id: id.to_owned(), ..Model::of(&usual.name) }))
}
