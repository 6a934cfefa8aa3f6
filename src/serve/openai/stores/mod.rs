//! Collections as vector stores, and documents as files: what clients of `OpenAI` list, search and read.
//! Nothing is changed here.

pub(in crate::serve) mod attributes;
pub(in crate::serve) mod files;
mod paging;
pub(in crate::serve) mod search;

use axum::response::Response;
use chrono::DateTime;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use self::paging::{Cursor, Row};
use crate::error::Exit;
use crate::serve::access::{Caller, Scoped};
use crate::serve::answering::AskedCollection;
use crate::serve::call::Call;
use crate::serve::native;
use crate::serve::refusal::Refusal;
use crate::service::retrieval::DocumentFilter;

/// What the id of a vector store begins with.
const PREFIX: &str = "vs_";

pub(super) fn store_id(collection: &str) -> String {
    format!("{PREFIX}{collection}")
}

/// The collection that is meant by the id of a vector store, or by its bare name.
///
/// # Errors
/// It names none that the caller may see; the fault is that of `param`.
pub(super) fn opened(caller: &Caller, id: &str, param: &str) -> Result<Scoped, Refusal> {
    let bare = || caller.open(Some(id.strip_prefix(PREFIX)?)).ok();
    caller.open(Some(id)).ok().or_else(bare).ok_or_else(|| {
        let known: Vec<String> = caller.collections().map(store_id).collect();
        Refusal {
            param: param.into(),
            ..Refusal::not_found(
                "vector_store_not_found",
                format!("there is no vector store `{id}`"),
            )
        }
        .hint(match known.as_slice() {
            [] => "this key sees no collection that is served".to_owned(),
            known => format!("there is {}", known.join(", ")),
        })
    })
}

/// What answers say beside what `OpenAI` has: the value of the key `docent`.
#[derive(Serialize)]
pub(super) struct Details {
    #[serde(flatten)]
    pub(super) asked: AskedCollection,
    /// What was sent and has no effect here.
    pub(super) ignored: Vec<String>,
}

pub(in crate::serve) async fn list(call: Call) -> Result<Response, Refusal> {
    let cursor = Cursor::of(&call)?;
    let mut rows = Vec::new();
    for name in call.caller.collections() {
        let scoped = call.caller.open(Some(name))?;
        let store = store(&scoped).await?;
        let created_at = store["created_at"].as_i64().unwrap_or(0);
        rows.push(Row { id: store_id(name), created_at, of: store });
    }
    Ok(native::json(&cursor.page(rows, Value::clone)?))
}

pub(in crate::serve) async fn one(call: Call) -> Result<Response, Refusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    Ok(native::json(&store(&scoped).await?))
}

/// A collection, as far as the caller sees it.
async fn store(scoped: &Scoped) -> Result<Value, Refusal> {
    let reader = match scoped.engine().reader().await {
        Ok(reader) => reader,
        // It is served, and was not built yet.
        Err(failure) if failure.exit == Exit::Config => {
            return Ok(unbuilt(scoped, &failure.message));
        }
        Err(failure) => return Err(failure.into()),
    };
    let filter = scoped.filter(DocumentFilter::default());
    let seen = scoped.engine().seen_documents(&filter, &reader).await?;
    let failed = if scoped.is_whole() { reader.failures().await? } else { Vec::new() };
    // A document whose last version failed is there as it was before.
    let is_seen = |source: &str| seen.binary_search_by(|seen| (*seen.source).cmp(source)).is_ok();
    let failed = failed.iter().filter(|failure| !is_seen(&failure.source)).count();
    let asked = AskedCollection::new(&scoped.name, &reader);
    Ok(json!({
        "id": store_id(&scoped.name),
        "object": "vector_store",
        "name": scoped.name,
        "created_at": unix(&reader.manifest().created_at),
        "status": if reader.manifest().unfinished.is_some() { "in_progress" } else { "completed" },
        "usage_bytes": seen.iter().map(|record| record.size).sum::<u64>(),
        "file_counts": {
            "in_progress": 0,
            "completed": seen.len(),
            "failed": failed,
            "cancelled": 0,
            "total": seen.len() + failed,
        },
        "last_active_at": seen.iter().map(|record| unix(&record.ingested_at)).max(),
        "expires_after": null,
        "expires_at": null,
        "metadata": { "embedder": reader.manifest().embedder.name },
        "docent": Details { asked, ignored: Vec::new() },
    }))
}

fn unbuilt(scoped: &Scoped, problem: &str) -> Value {
    json!({
        "id": store_id(&scoped.name),
        "object": "vector_store",
        "name": scoped.name,
        "created_at": 0,
        "status": "in_progress",
        "usage_bytes": 0,
        "file_counts":
            { "in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0 },
        "last_active_at": null,
        "expires_after": null,
        "expires_at": null,
        "metadata": { "problem": attributes::cut(problem) },
    })
}

/// What would change a collection.
pub(in crate::serve) fn read_only(call: &Call) -> Result<Response, Refusal> {
    let store = call.param("id");
    let name = store.strip_prefix(PREFIX).unwrap_or(store);
    let command = match name {
        "" => "docent ingest PATH".to_owned(),
        name => format!("docent ingest --collection {name} PATH"),
    };
    Err(Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "read_only",
        "vector stores and files are read here, and not changed",
    )
    .hint(format!(
        "{command} brings documents in while this server runs, and takes out what is gone"
    )))
}

/// Seconds since 1970 of a time in RFC 3339.
fn unix(time: &str) -> i64 {
    DateTime::parse_from_rfc3339(time).map_or(0, |time| time.timestamp())
}
