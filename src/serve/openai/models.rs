//! `GET /v1/models`: a model for each collection. Some clients ask at every page load, so nothing else
//! is asked for it.

use axum::response::Response;
use serde::Serialize;

use super::{model_id, no_model, open_model};
use crate::serve::call::Call;
use crate::serve::native::json;
use crate::serve::refusal::Refusal;

#[derive(Serialize)]
struct ModelList {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    id: String,
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
