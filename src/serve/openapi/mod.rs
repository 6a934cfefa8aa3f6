//! The description of all requests, for programs: `OpenAPI` 3.1 at `/openapi.json`, made from the table of
//! routes and the types that are read and sent.
//!
//! A row of the table names a function beside its handler that lists these types:
//!
//! ```ignore
//! pub(in crate::serve) fn described(operation: Operation) -> Operation {
//!     operation
//!         .named("searchPassages", "Passages of one or several collections")
//!         .takes::<SearchRequest>()
//!         .answers::<Versioned<SearchResponse>>()
//! }
//! ```
//!
//! Types that are read derive `Deserialize` and `JsonSchema`, with their ranges as attributes
//! (`#[schemars(range(min = 1, max = 100))]`): [`request`] checks requests against the same schema. Types
//! that are sent derive `Serialize` and `JsonSchema`.

mod operation;
#[cfg(test)]
mod reference;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

pub(super) use operation::{ApiOperation, Describe};

use super::call::AdmittedRequest;
use super::refusal::ErrorResponse;
use super::request;
use super::routes::{ROUTES, Route};

const ABOUT: &str = "Answers from documents, with citations that were checked. Routes with the tag \
    `openai` are OpenAI's (and Cohere's), and take whatever their clients send; what has no effect is \
    named in `docent.ignored` and in the header `docent-ignored`. Those with the tag `docent` are strict: \
    a member that does not exist is an error that names the nearest one that does. Where the server has \
    no file of keys, none is needed. A request may send `x-request-id`, and gets it back.";

/// The document. Without `pages`, the pages for browsers are left out.
pub fn document(pages: bool) -> Value {
    let settings = request::settings().with(|settings| {
        "#/components/schemas/".clone_into(&mut settings.definitions_path);
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<ErrorResponse>();
    let mut paths = Map::new();
    for route in ROUTES.iter().filter(|route| pages || !route.page) {
        let operation = (route.describe)(ApiOperation::of(route, &mut generator)).finished();
        let path = paths.entry(template(route)).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    // The visitors apply to root schemas only.
    let root = generator.into_root_schema_for::<ErrorResponse>();
    let mut schemas = serde_json::to_value(root.definitions).unwrap_or_default();
    schemas::modernize(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "docent",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "openai", "description": "Requests of OpenAI's and Cohere's clients" },
            { "name": "docent", "description": "docent's own requests" },
            { "name": "server", "description": "The server itself, and pages for browsers" },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": headers(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A key of `docent keys create`" },
                "apiKey": { "type": "apiKey", "in": "header", "name": "api-key", "description": "The same, as clients of Azure send it" },
            },
        },
    })
}

fn headers() -> Value {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut id = text("The id of the request, in the log, too");
    id["required"] = true.into();
    json!({
        "RequestId": id,
        "Ignored": text("Parameters that were sent and have no effect, separated by commas"),
        "Authenticate": text("Bearer"),
        "Allow": text("The methods of this path"),
        "ShouldRetry": {
            "description": "Whether the same request may be answered later",
            "required": true,
            "schema": { "type": "string", "enum": ["true", "false"] },
        },
        "RetryAfter": {
            "description": "Seconds to wait before that",
            "schema": { "type": "integer", "minimum": 1, "maximum": 60 },
        },
    })
}

/// The path of a route in the notation of `OpenAPI`.
fn template(route: &Route) -> String {
    route.path.replace("{*", "{")
}

pub(super) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getOpenapi", "This document").answers::<Map<String, Value>>()
}

/// `GET /openapi.json`. It contains nothing specific to this server, so it needs no key.
pub(super) fn show(call: &AdmittedRequest) -> Response {
    static TEXTS: [OnceLock<Bytes>; 2] = [OnceLock::new(), OnceLock::new()];
    let pages = call.server.settings.ui;
    let text = TEXTS[usize::from(pages)].get_or_init(|| document(pages).to_string().into());
    let mut response = Response::new(Body::from(text.clone()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
