//! `GET /v1/models`: a model for each collection. Some clients ask at every page load, so nothing else
//! is asked for it.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::{model_id, no_model, open_model};
use crate::serve::call::Call;
use crate::serve::native::json;
use crate::serve::openapi::Operation;
use crate::serve::refusal::Refusal;

/// A model for each collection.
#[derive(Serialize, JsonSchema)]
struct ModelList {
    /// `list`.
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize, JsonSchema)]
struct Model {
    /// `docent/COLLECTION`.
    id: String,
    /// `model`.
    object: &'static str,
    /// Not known before the collection is opened, and nobody reads it.
    created: i64,
    owned_by: &'static str,
}

impl Model {
    fn of(collection: &str) -> Self {
        Self { id: model_id(collection), object: "model", created: 0, owned_by: "docent" }
    }
}

pub(in crate::serve) fn described_list(operation: Operation<'_>) -> Operation<'_> {
    operation.named("listModels", "A model for each collection").answers::<ModelList>()
}

pub(in crate::serve) fn described_one(operation: Operation<'_>) -> Operation<'_> {
    operation.named("getModel", "One of them").answers::<Model>()
}

pub(in crate::serve) fn list(call: &Call) -> Response {
    let data = call.caller.collections().map(Model::of).collect();
    json(&ModelList { object: "list", data })
}

pub(in crate::serve) fn one(call: &Call) -> Result<Response, Refusal> {
    let id = call.param("id");
    let known = call.caller.collections().find(|name| model_id(name) == id);
    if let Some(name) = known {
        return Ok(json(&Model::of(name)));
    }
    // `docent` is the usual one.
    let usual = open_model(&call.caller, id).map_err(|_| no_model(&call.caller, id))?;
    Ok(json(&Model { id: id.to_owned(), ..Model::of(&usual.name) }))
}
