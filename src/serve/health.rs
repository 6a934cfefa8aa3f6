//! Whether the server is alive, and whether it is ready. No model is asked, so a probe costs nothing.

use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::call::AdmittedRequest;
use super::native::json;
use super::openapi::ApiOperation;
use super::refusal::{ErrorCode, RequestRefusal};
use crate::error::Failure;

/// The result of a probe.
#[derive(Serialize, JsonSchema)]
struct Health {
    status: Condition,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Alive,
    Ready,
}

pub(super) fn described_live(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getLivez", "Whether the process lives").answers::<Health>()
}

pub(super) fn described_ready(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("getReadyz", "Whether every collection can be asked; no model is asked")
        .answers::<Health>()
        .refuses(503)
}

/// The event loop runs.
pub(super) fn live() -> Response {
    json(&Health { status: Condition::Alive })
}

/// Every collection can be asked, with the models that built it.
pub(super) async fn ready(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let not_ready = |why: String| {
        RequestRefusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::NotReady, why)
    };
    if call.server.is_stopping() {
        return Err(not_ready("the server is shutting down".to_owned())
            .hint("ask another server, or this one after its restart"));
    }
    for (name, engine) in call.server.access.engines() {
        // The cause is for the operator of the server, not for every caller.
        // A question waits for a Qdrant server that is away; a probe has to report it at once.
        let reached = engine.collection().ping().await.map_err(Failure::from);
        let asked = match reached {
            Ok(()) => engine.retriever().await.map(drop),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = asked {
            call.notes.note(|notes| notes.warning = Some(failure.message.clone()));
            let mut refusal = not_ready(format!("the collection `{name}` cannot be asked"));
            if !call.server.access.needs_keys() {
                refusal.causes = std::iter::once(failure.message).chain(failure.causes).collect();
                refusal = match failure.hint {
                    Some(hint) => refusal.hint(hint),
                    None => refusal,
                };
            }
            return Err(refusal);
        }
    }
    Ok(json(&Health { status: Condition::Ready }))
}
