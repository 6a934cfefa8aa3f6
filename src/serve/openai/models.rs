//! `GET /v1/models`: a model for each existing collection, and the chat model under its own name. Some
//! clients ask at every page load, so no model endpoint is asked.

use std::time::Duration;

use axum::response::Response;
use futures::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::stores::unix;
use super::{direct, model_id, no_model, open_model};
use crate::serve::call::AdmittedRequest;
use crate::serve::native::json;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;

/// Longest wait for a store.
const PATIENCE: Duration = Duration::from_secs(2);

/// A model for each existing collection, and the chat model under its own name.
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
    /// When the collection was built, in seconds since 1970; for the chat model, and for a collection that
    /// does not answer, the start of the server.
    created: i64,
    /// `docent`, or `chat` for the chat model.
    owned_by: &'static str,
}

impl Model {
    /// `None`: the collection does not exist.
    async fn of(call: &AdmittedRequest, collection: &str) -> Option<Self> {
        let store = call.caller.open(Some(collection)).ok()?.engine().collection().clone();
        let created = match tokio::time::timeout(PATIENCE, store.read()).await {
            Ok(Ok(reader)) => unix(&reader?.manifest().created_at),
            // A store that does not answer may still have the collection.
            Ok(Err(_)) | Err(_) => call.server.started_at,
        };
        Some(Self { id: model_id(collection), object: "model", created, owned_by: "docent" })
    }

    /// The chat model, which answers without documents.
    fn bare(call: &AdmittedRequest, id: String) -> Self {
        Self { id, object: "model", created: call.server.started_at, owned_by: "chat" }
    }
}

pub(in crate::serve) fn described_list(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("listModels", "A model for each collection, and the chat model by itself")
        .answers::<ModelList>()
}

pub(in crate::serve) fn described_one(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getModel", "One model").answers::<Model>()
}

pub(in crate::serve) async fn list(call: AdmittedRequest) -> Response {
    let looked = call.caller.collections().map(|name| Model::of(&call, name));
    let bare = direct::model(&call.caller).map(|id| Model::bare(&call, id));
    let data = join_all(looked).await.into_iter().flatten().chain(bare).collect();
    json(&ModelList { object: "list", data })
}

pub(in crate::serve) async fn one(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let id = call.param("id");
    let known = call.caller.collections().find(|name| model_id(name) == id);
    if known.is_none() && direct::model(&call.caller).as_deref() == Some(id) {
        return Ok(json(&Model::bare(&call, id.to_owned())));
    }
    let name = match known {
        Some(name) => name.to_owned(),
        // `docent` is the default collection.
        None => open_model(&call.caller, id).map_err(|_| no_model(&call.caller, id))?.name,
    };
    let unbuilt = || Model { owned_by: "docent", ..Model::bare(&call, String::new()) };
    let model = Model::of(&call, &name).await.unwrap_or_else(unbuilt);
    Ok(json(&Model { id: id.to_owned(), ..model }))
}
