//! `GET /v1/docent/status`: the stored documents, as far as the caller may see them.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::{CollectionQuery, json};
use crate::output::Versioned;
use crate::serve::access::Scoped;
use crate::serve::answering::AskedCollection;
use crate::serve::call::AdmittedRequest;
use crate::serve::keys::KeyRight;
use crate::serve::openai::stores::visible::under_way;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::query;
use crate::serve::watching::{WatchState, WatchedCollection};
use crate::service::retrieval::DocumentFilter;
use crate::types::EmbedderId;

/// The stored documents, as far as the caller may see them.
#[derive(Serialize, JsonSchema)]
struct StatusResponse {
    collections: Vec<CollectionStatus>,
}

#[derive(Serialize, JsonSchema)]
struct CollectionStatus {
    #[serde(flatten)]
    asked: AskedCollection,
    documents: usize,
    chunks: u64,
    embedder: EmbedderId,
    /// An ingest is running, or was cut off.
    unfinished: bool,
    /// Time of the last change of a document (RFC 3339, UTC).
    changed_at: Option<String>,
    /// Number of sources that could not be ingested. Absent if the caller sees only a part of the
    /// collection, since it is not known which failed sources it may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<usize>,
    /// Documents that wait to be added or deleted by request.
    waiting: usize,
    /// Null if the collection is not watched.
    watch: Option<WatchState>,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("getStatus", "What is stored")
        .asks::<CollectionQuery>()
        .answers::<Versioned<StatusResponse>>()
}

pub(in crate::serve) async fn status(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let asked: CollectionQuery = query(&call.query)?;
    let names = match asked.collection {
        Some(name) => vec![name],
        None => call.caller.collections().map(str::to_owned).collect(),
    };
    let mut collections = Vec::new();
    for name in names {
        let mut status = status_of(&call.caller.open(Some(&name))?, &call).await?;
        if let Some(watch) = status.watch.as_mut().filter(|_| !call.caller.may(KeyRight::Admin)) {
            // The problem may contain paths of the server.
            watch.problem = watch.problem.take().map(|_| "see the server's log".to_owned());
        }
        collections.push(status);
    }
    Ok(json(&Versioned::new(StatusResponse { collections })))
}

async fn status_of(
    scoped: &Scoped,
    call: &AdmittedRequest,
) -> Result<CollectionStatus, RequestRefusal> {
    let engine = scoped.engine();
    let mut watches = call.server.watches.iter();
    let reader = engine.reader().await?;
    let seen = engine.seen_documents(&scoped.filter(DocumentFilter::default()), &reader).await?;
    let failures = if scoped.is_whole() { Some(reader.failures().await?.len()) } else { None };
    Ok(CollectionStatus {
        asked: AskedCollection::new(&scoped.name, &reader),
        documents: seen.len(),
        chunks: seen.iter().map(|record| u64::from(record.chunks)).sum(),
        embedder: reader.manifest().embedder.clone(),
        unfinished: reader.manifest().unfinished.is_some(),
        changed_at: seen.iter().map(|record| record.ingested_at.clone()).max(),
        failures,
        waiting: under_way(scoped, &call.server),
        watch: watches.find(|watch| watch.collection == scoped.name).map(WatchedCollection::state),
    })
}
